//! A plain set of small numbers: one bit each. Faster than a compressed bitmap where numbers come in
//! no order or are asked one by one; [`Bits::to_bitmap`] turns it into one.

use roaring::RoaringBitmap;

/// See the module. Numbers beyond its length are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// No number below `end`.
    pub(crate) fn none(end: usize) -> Self {
        Self(vec![0; end.div_ceil(64)])
    }

    /// Every number below `end`.
    pub(crate) fn all(end: usize) -> Self {
        let mut bits = Self(vec![u64::MAX; end.div_ceil(64)]);
        if let Some(last) = bits.0.last_mut().filter(|_| !end.is_multiple_of(64)) {
            *last = (1 << (end % 64)) - 1;
        }
        bits
    }

    /// The numbers of a bitmap.
    pub(crate) fn of(bitmap: &RoaringBitmap) -> Self {
        let mut bits = Self::none(bitmap.max().map_or(0, |last| last as usize + 1));
        let mut numbers = bitmap.iter();
        while let Some(run) = numbers.next_range() {
            bits.insert_run(*run.start() as usize, *run.end() as usize);
        }
        bits
    }

    /// Adds the numbers from `first` to `last`, both within its length.
    fn insert_run(&mut self, first: usize, last: usize) {
        for word in first / 64..=last / 64 {
            let from = first.max(word * 64) % 64;
            let to = last.min(word * 64 + 63) % 64;
            self.0[word] |= (u64::MAX << from) & (u64::MAX >> (63 - to));
        }
    }

    /// Adds a number; the set grows when it has to.
    #[inline]
    pub(crate) fn insert(&mut self, no: usize) {
        if self.0.len() <= no / 64 {
            self.0.resize(no / 64 + 1, 0);
        }
        self.0[no / 64] |= 1 << (no % 64);
    }

    /// Puts a number in or takes it out.
    pub(crate) fn set(&mut self, no: usize, is_in: bool) {
        match self.0.get_mut(no / 64) {
            _ if is_in => self.insert(no),
            Some(word) => *word &= !(1 << (no % 64)),
            None => {}
        }
    }

    /// Whether a number is in it.
    #[inline]
    pub(crate) fn contains(&self, no: usize) -> bool {
        self.0.get(no / 64).is_some_and(|word| word >> (no % 64) & 1 == 1)
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether any number of `from..to` is in it.
    #[inline]
    pub(crate) fn any_in(&self, from: usize, to: usize) -> bool {
        (from..to).any(|no| self.contains(no))
    }

    /// Keeps what is in both.
    pub(crate) fn and(&mut self, other: &Self) {
        for (at, word) in self.0.iter_mut().enumerate() {
            *word &= other.0.get(at).copied().unwrap_or(0);
        }
    }

    /// Adds what is in the other, which is not longer.
    pub(crate) fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// Adds what is in the other, however long it is.
    pub(crate) fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.or(other);
    }

    /// Takes out what is in the other.
    pub(crate) fn without(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
    }

    /// Whether the two have a number in common.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(word, other)| word & other != 0)
    }

    /// All numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                if rest == 0 {
                    return None;
                }
                rest &= rest - 1;
                Some(at * 64 + bit)
            })
        })
    }

    /// The same numbers, compressed.
    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        let mut bytes = vec![0; self.0.len() * 8];
        for (place, word) in bytes.chunks_exact_mut(8).zip(&self.0) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        RoaringBitmap::from_lsb0_bytes(0, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_numbers_behave_as_such() {
        let mut some = Bits::none(10);
        [3, 64, 200].into_iter().for_each(|no| some.insert(no));
        assert_eq!(some.iter().collect::<Vec<_>>(), [3, 64, 200]);
        assert_eq!(some.to_bitmap().iter().collect::<Vec<_>>(), [3, 64, 200]);
        assert_eq!(Bits::of(&some.to_bitmap()).iter().collect::<Vec<_>>(), [3, 64, 200]);
        let runs: RoaringBitmap =
            [0..=0, 5..=63, 64..=64, 66..=300, 303..=447].into_iter().flatten().collect();
        assert_eq!(Bits::of(&runs).to_bitmap(), runs);
        assert!(some.any_in(4, 65) && !some.any_in(4, 64) && !some.contains(100_000));
        let mut all = Bits::all(70);
        assert_eq!(all.iter().count(), 70);
        all.without(&some);
        assert_eq!(all.iter().count(), 68);
        assert!(!all.meets(&some));
        all.and(&Bits::all(3));
        assert_eq!(all.iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert!(Bits::none(9).is_empty() && !all.is_empty());
    }
}
