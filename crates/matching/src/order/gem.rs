//! RubyGems' order: `Gem::Version`.
//!
//! A version is runs of digits and runs of letters; dots only separate, and a hyphen stands for
//! `.pre.`. Letters make a pre-release, so any word comes before any number. What is missing counts
//! as 0, and zeros at the end of the numbers before the first word say nothing: `1.0.a` is `1.a`.

use std::cmp::Ordering;

use super::digits::{compare_numbers, is_number, split_digits, split_while};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (mut a, mut b) = (Segments::of(a)?, Segments::of(b)?);
    loop {
        let (a, b) = (a.next(), b.next());
        let ordering = a.unwrap_or(ZERO).compare(b.unwrap_or(ZERO));
        if ordering.is_ne() || (a.is_none() && b.is_none()) {
            return Some(ordering);
        }
    }
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Word(&'a [u8]),
    Number(&'a [u8]),
}

const ZERO: Segment<'static> = Segment::Number(b"0");

impl Segment<'_> {
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => compare_numbers(a, b),
            (Self::Word(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Word(_)) => Ordering::Greater,
        }
    }
}

struct Segments<'a> {
    /// The numbers before the first word, without the zeros at their end.
    numbers: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        let (release, pre) = text.split_once('-').map_or((text, None), |(r, p)| (r, Some(p)));
        let mut parts = release.split('.').map(str::as_bytes);
        let is_part = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric);
        let is_pre =
            |part: &[u8]| !part.is_empty() && part.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-');
        let is_valid = parts.next().is_some_and(is_number)
            && parts.all(is_part)
            && pre.is_none_or(|pre| pre.split('.').map(str::as_bytes).all(is_pre));
        let (numbers, rest) = split_while(text.as_bytes(), |c| c.is_ascii_digit() || c == b'.');
        let numbers = if rest.is_empty() { numbers } else { without_zeros_at_end(numbers) };
        is_valid.then_some(Self { numbers, rest })
    }

    fn next(&mut self) -> Option<Segment<'a>> {
        let text = if self.numbers.is_empty() { &mut self.rest } else { &mut self.numbers };
        let plain = text.strip_prefix(b".").unwrap_or(text);
        let (segment, after) = match plain {
            [] => return None,
            [b'-', after @ ..] => (Segment::Word(b"pre".as_slice()), after),
            [c, ..] if c.is_ascii_digit() => {
                let (number, after) = split_digits(plain);
                (Segment::Number(number), after)
            }
            _ => {
                let (word, after) = split_while(plain, |c| c.is_ascii_alphabetic());
                (Segment::Word(word), after)
            }
        };
        *text = after;
        Some(segment)
    }
}

/// `1.20.0.` → `1.20`.
fn without_zeros_at_end(numbers: &[u8]) -> &[u8] {
    let Some(last) = numbers.iter().rposition(|&c| c != b'.' && c != b'0') else { return &[] };
    let (head, tail) = numbers.split_at(last + 1);
    // Zeros right behind it are part of its number.
    let (own, _) = split_digits(tail);
    numbers.get(..head.len() + own.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn gems_ascend() {
        assert_ascending(
            compare,
            &[
                "0.a",
                "0",
                "0.0.1",
                "1.a",
                "1.0.b1",
                "1.0.0.beta",
                "1.0.0-1",
                "1.0.0.pre.2",
                "1.0.0.rc1",
                "1",
                "1.0.0.1",
                "1.2.b1",
                "1.2",
                "1.9.3",
                "1.10",
                "3.0.a.0.1",
                "3.0.a.1",
                "4.18446744073709551616",
            ],
        );
    }

    #[test]
    fn zeros_at_the_end_say_nothing() {
        assert_equal(
            compare,
            &[
                ("1", "1.0.0"),
                ("1.0.a", "1.a"),
                ("1.0a", "1.a"),
                ("1.a.0", "1.a"),
                ("1.0-1", "1.pre.1"),
                (" 1 ", "1"),
                ("01", "1"),
            ],
        );
    }

    #[test]
    fn garbage_has_no_place() {
        assert_unparsed(compare, &["", "a", "1.", "1..2", "1.0-", "1.0_1", "v1.0", "1.0 2", "1.0+b"]);
    }
}
