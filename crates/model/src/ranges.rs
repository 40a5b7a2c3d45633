//! Sets of numbers as people write them: `1-5,9`. They stay ranges, so that a range over everything
//! costs nothing.

use std::fmt;

/// Most pieces of one list.
const MAX_PIECES: usize = 100_000;

/// Numbers as ranges that are sorted and do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Reads a list of numbers up to `most`.
    ///
    /// # Errors
    /// The piece that is wrong: no number, above `most`, a range without an end or with its ends
    /// exchanged.
    pub fn parse(text: &str, most: u64) -> Result<Self, &str> {
        let mut ranges = Vec::new();
        for (count, piece) in text.split(',').enumerate() {
            let read = |number: &str| number.trim().parse::<u64>().ok().filter(|n| *n <= most);
            // `parse` takes a sign; nobody means one.
            let plain = piece.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b' '));
            let range = match piece.split_once('-') {
                Some((first, last)) => read(first).zip(read(last)).filter(|(first, last)| first <= last),
                None => read(piece).map(|number| (number, number)),
            };
            match range.filter(|_| plain && count < MAX_PIECES) {
                Some(range) => ranges.push(range),
                None => return Err(piece),
            }
        }
        Ok(Self::of(ranges))
    }

    /// Numbers one by one.
    pub fn from_each(numbers: impl IntoIterator<Item = u64>) -> Self {
        Self::of(numbers.into_iter().map(|number| (number, number)).collect())
    }

    /// Ranges in any order, both ends inside.
    pub fn of(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.sort_unstable();
        let mut out: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match out.last_mut() {
                Some(range) if first <= range.1.saturating_add(1) => range.1 = range.1.max(last),
                _ => out.push((first, last)),
            }
        }
        Self(out)
    }

    /// The ranges, both ends inside, ascending.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a number is one of them.
    pub fn contains(&self, number: u64) -> bool {
        let next = self.0.partition_point(|(first, _)| *first <= number);
        next.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| number <= *last)
    }

    /// Those that are not in `other`.
    pub fn without(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        for &(first, last) in &self.0 {
            let mut next = Some(first);
            let begin = other.0.partition_point(|(_, end)| *end < first);
            for &(from, to) in other.0.iter().skip(begin).take_while(|(from, _)| *from <= last) {
                if let Some(at) = next.filter(|at| *at < from) {
                    out.push((at, from - 1));
                }
                next = to.checked_add(1).filter(|at| *at <= last);
            }
            if let Some(at) = next {
                out.push((at, last));
            }
        }
        Self(out)
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const MOST: u64 = 4_294_967_295;

    #[test]
    fn bad_pieces_are_named() {
        assert_eq!(Ranges::parse("1-5,9", MOST).unwrap().to_string(), "1-5,9");
        assert_eq!(Ranges::parse(" 9 , 1 - 5,6,3", MOST).unwrap().to_string(), "1-6,9");
        for (text, piece) in [
            ("9-", "9-"),
            ("-9", "-9"),
            ("5-3", "5-3"),
            ("1-99999999999", "1-99999999999"),
            ("1,,2", ""),
            ("", ""),
            ("1,x", "x"),
            ("+1", "+1"),
            ("1-2-3", "1-2-3"),
            ("99999999999999999999999", "99999999999999999999999"),
            ("0x10", "0x10"),
        ] {
            assert_eq!(Ranges::parse(text, MOST), Err(piece), "{text}");
        }
    }

    proptest! {
        #[test]
        fn ranges_are_the_sets_they_name(a in proptest::collection::vec((0u64..60, 0u64..6), 1..9),
                                         b in proptest::collection::vec((0u64..60, 0u64..6), 1..9)) {
            let written = |ranges: &[(u64, u64)]| {
                let piece = |(first, more): &(u64, u64)| match more {
                    0 => first.to_string(),
                    more => format!("{first}-{}", first + more),
                };
                ranges.iter().map(piece).collect::<Vec<_>>().join(",")
            };
            let set = |ranges: &[(u64, u64)]| -> BTreeSet<u64> {
                ranges.iter().flat_map(|(first, more)| *first..=first + more).collect()
            };
            let read = |ranges: &[(u64, u64)]| Ranges::parse(&written(ranges), MOST).unwrap();
            let each = |numbers: &Ranges| -> BTreeSet<u64> {
                numbers.ranges().iter().flat_map(|(first, last)| *first..=*last).collect()
            };
            let (x, y) = (read(&a), read(&b));
            prop_assert_eq!(each(&x), set(&a));
            prop_assert_eq!(each(&x.without(&y)), &set(&a) - &set(&b));
            prop_assert!(x.ranges().windows(2).all(|w| w[0].1 + 1 < w[1].0), "sorted, not touching");
            let text = x.to_string();
            prop_assert_eq!(Ranges::parse(&text, MOST), Ok(x.clone()));
            for n in 0..70 {
                prop_assert_eq!(x.contains(n), set(&a).contains(&n));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", digits in "[0-9,-]{0,40}") {
            let _ = Ranges::parse(&text, MOST);
            let _ = Ranges::parse(&digits, u64::MAX);
        }
    }
}
