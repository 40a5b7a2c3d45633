//! Numbers that look random and are the same for the same seed, on every machine and for ever: no
//! library may change them.

/// A stream of numbers. Streams of different labels or numbers have nothing to do with each other, so
/// asking for more hosts does not change the images.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of one thing.
    pub(super) fn of(seed: u64, label: &str, number: usize) -> Self {
        // FNV-1a over everything, then the steps of SplitMix64 spread it.
        let mut state = 0xCBF2_9CE4_8422_2325_u64;
        let bytes = seed.to_le_bytes().into_iter().chain(label.bytes()).chain((number as u64).to_le_bytes());
        for byte in bytes {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        Self(state)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `end`, each as likely; 0 when `end` is.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// True in `percent` of hundred cases.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Below `end`, small ones far more often: the chance of the first half of a list is as that of
    /// all the rest, again and again.
    pub(super) fn popular(&mut self, end: usize) -> usize {
        let mut end = end;
        while end > 1 && self.percent(50) {
            end = end.div_ceil(2);
        }
        self.below(end)
    }

    /// One of these; the list is not empty.
    pub(super) fn one_of<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        list.get(self.below(list.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_never_changes() {
        let mut random = Random::of(7, "image", 3);
        let drawn: Vec<usize> = (0..4).map(|_| random.below(1000)).collect();
        let mut again = Random::of(7, "image", 3);
        assert_eq!(drawn, (0..4).map(|_| again.below(1000)).collect::<Vec<_>>());
        let mut other = Random::of(7, "host", 3);
        assert_ne!(drawn, (0..4).map(|_| other.below(1000)).collect::<Vec<_>>());
        assert_eq!(random.below(0), 0);
        assert!((0..1000).all(|_| random.popular(5) < 5));
    }
}
