//! Composer's order, for packages of Packagist: a version is normalised as `VersionParser` does and
//! compared as PHP's `version_compare` does.
//!
//! `1.2` is `1.2.0.0`; a date (`2010-01-02`) keeps its own number of parts; `1.x-dev` is the branch
//! after every `1.…`. Stabilities order: dev, alpha, beta, RC, the release, patch. A branch with a
//! name (`dev-main`) has no place.
//!
//! One exception: PHP cuts numbers at 63 bits, so that huge ones are equal; here they are not.

use std::cmp::Ordering;

use super::digits::{compare_numbers, is_number, split_digits};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (mut a, mut b) = (parse(a)?.into_parts(), parse(b)?.into_parts());
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Some(Ordering::Equal),
            (Some(a), None) => a.against_the_end(),
            (None, Some(b)) => b.against_the_end().reverse(),
            (Some(a), Some(b)) => a.compare(b),
        };
        if ordering.is_ne() {
            return Some(ordering);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stability {
    Dev,
    Alpha,
    Beta,
    Rc,
    /// Where the text ends, and where the other has a number.
    Release,
    Patch,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Number(&'a [u8]),
    Word(Stability),
}

impl Part<'_> {
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => compare_numbers(a, b),
            (Self::Number(_), Self::Word(b)) => Stability::Release.cmp(&b),
            (Self::Word(a), Self::Number(_)) => a.cmp(&Stability::Release),
            (Self::Word(a), Self::Word(b)) => a.cmp(&b),
        }
    }

    fn against_the_end(self) -> Ordering {
        match self {
            Self::Number(_) => Ordering::Greater,
            Self::Word(word) => word.cmp(&Stability::Release),
        }
    }
}

/// A normalised version.
struct Version<'a> {
    /// Numbers, whatever separates them.
    numbers: &'a [u8],
    /// How often `fill` follows, so that a version that is no date has four numbers.
    missing: usize,
    fill: &'a [u8],
    stability: Option<Stability>,
    /// Numbers behind the word.
    suffix: &'a [u8],
    dev: bool,
}

impl<'a> Version<'a> {
    fn into_parts(self) -> impl Iterator<Item = Part<'a>> {
        let numbers = |text: &'a [u8]| text.split(|c| !c.is_ascii_digit()).filter(|n| !n.is_empty());
        let filled = std::iter::repeat_n(self.fill, self.missing);
        let dev = self.dev.then_some(Stability::Dev);
        numbers(self.numbers)
            .chain(filled)
            .map(Part::Number)
            .chain(self.stability.map(Part::Word))
            .chain(numbers(self.suffix).map(Part::Number))
            .chain(dev.map(Part::Word))
    }
}

fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    if text.contains(|c: char| c.is_whitespace() || c == ',') {
        return None;
    }
    let text = match text.split_once('+') {
        Some((version, build)) if !version.is_empty() && !build.is_empty() => version,
        _ => text,
    };
    let text = text.as_bytes();
    let text = text.strip_prefix(b"v").or_else(|| text.strip_prefix(b"V")).unwrap_or(text);
    classical(text).or_else(|| date(text)).or_else(|| branch(text))
}

/// One to four numbers, the first of at most five digits.
fn classical(text: &[u8]) -> Option<Version<'_>> {
    let (first, mut rest) = split_digits(text);
    if !(1..=5).contains(&first.len()) {
        return None;
    }
    let mut count = 1;
    while count < 4
        && let Some((number, after)) = rest.strip_prefix(b".").map(split_digits)
        && !number.is_empty()
    {
        (rest, count) = (after, count + 1);
    }
    let numbers = text.get(..text.len() - rest.len())?;
    with_modifier(Version { missing: 4 - count, ..plain(numbers) }, rest)
}

/// A year, then up to six parts of two digits, then up to two of at most three.
fn date(text: &[u8]) -> Option<Version<'_>> {
    let end = text.iter().position(|c| !c.is_ascii_digit() && !b".:-".contains(c)).unwrap_or(text.len());
    // A separator at the end belongs to what follows.
    let end = if text.get(..end)?.last().is_some_and(|c| !c.is_ascii_digit()) { end - 1 } else { end };
    let (numbers, rest) = text.split_at(end);
    is_date(numbers).then(|| with_modifier(plain(numbers), rest))?
}

fn is_date(numbers: &[u8]) -> bool {
    /// The longest text of that shape.
    const MAX: usize = 4 + 6 * 3 + 2 * 4;
    let Some((year, rest)) = numbers.split_at_checked(4) else { return false };
    if numbers.len() > MAX || !is_number(year) {
        return false;
    }
    // `ends[i]`: the parts so far may end after `i` bytes of `rest`.
    let mut ends = vec![false; rest.len() + 1];
    ends[0] = true;
    let step = |ends: &[bool], widths: std::ops::RangeInclusive<usize>| {
        let mut after = vec![false; ends.len()];
        for (start, _) in ends.iter().enumerate().filter(|(_, is_end)| **is_end) {
            let separator = usize::from(rest.get(start).is_some_and(|c| !c.is_ascii_digit()));
            for width in widths.clone() {
                let from = start + separator;
                if rest.get(from..from + width).is_some_and(is_number)
                    && let Some(slot) = after.get_mut(from + width)
                {
                    *slot = true;
                }
            }
        }
        after
    };
    let mut pairs = vec![false; ends.len()];
    for _ in 0..6 {
        ends = step(&ends, 2..=2);
        pairs.iter_mut().zip(&ends).for_each(|(all, new)| *all |= new);
    }
    let once = step(&pairs, 1..=3);
    let twice = step(&once, 1..=3);
    [pairs, once, twice].iter().any(|ends| ends.last() == Some(&true))
}

/// `1.x-dev`, `2.*-dev`, and numbers too long for a date.
fn branch(text: &[u8]) -> Option<Version<'_>> {
    const MANY: &[u8] = b"9999999";
    let name = strip_suffix_ignoring_case(text, b"dev")?;
    let name = name.strip_suffix(b"-").or_else(|| name.strip_suffix(b".")).unwrap_or(name);
    let name = name.strip_prefix(b"v").or_else(|| name.strip_prefix(b"V")).unwrap_or(name);
    let mut parts = name.split(|&c| c == b'.');
    parts.next().filter(|first| is_number(first))?;
    let (mut count, mut wild) = (1, false);
    for part in parts {
        let is_wild = matches!(part, b"x" | b"X" | b"*");
        // A number behind a wildcard is not read here: no such branch is known.
        if count == 4 || !(is_wild || (is_number(part) && !wild)) {
            return None;
        }
        (wild, count) = (wild || is_wild, if is_wild { count } else { count + 1 });
    }
    let end = name.iter().position(|c| !c.is_ascii_digit() && *c != b'.').unwrap_or(name.len());
    Some(Version { missing: 4 - count, fill: MANY, dev: true, ..plain(name.get(..end)?) })
}

fn plain(numbers: &[u8]) -> Version<'_> {
    Version { numbers, missing: 0, fill: b"0", stability: None, suffix: &[], dev: false }
}

/// `-beta.2-dev` and the like, up to the end.
fn with_modifier<'a>(mut version: Version<'a>, rest: &'a [u8]) -> Option<Version<'a>> {
    const WORDS: [(&[u8], Option<Stability>); 9] = [
        (b"stable", None),
        (b"beta", Some(Stability::Beta)),
        (b"b", Some(Stability::Beta)),
        (b"rc", Some(Stability::Rc)),
        (b"alpha", Some(Stability::Alpha)),
        (b"a", Some(Stability::Alpha)),
        (b"patch", Some(Stability::Patch)),
        (b"pl", Some(Stability::Patch)),
        (b"p", Some(Stability::Patch)),
    ];
    let unseparated = match rest {
        [b'.' | b'_' | b'-', after @ ..] => after,
        _ => rest,
    };
    // The separator may be the one before `dev`.
    if let Some(dev) = [rest, unseparated].into_iter().find_map(ends_here) {
        version.dev = dev;
        return Some(version);
    }
    let (stability, suffix, dev) = WORDS.iter().find_map(|(word, stability)| {
        let after = strip_prefix_ignoring_case(unseparated, word)?;
        let (suffix, after) = numbers_behind(after);
        let dev = ends_here(after)?;
        Some((*stability, suffix, dev))
    })?;
    // `stable` says nothing, and neither does what follows it.
    if stability.is_some() {
        version = Version { stability, suffix, dev, ..version };
    }
    Some(version)
}

/// Whether nothing follows (`false`) or only `dev` (`true`).
fn ends_here(rest: &[u8]) -> Option<bool> {
    let word = match rest {
        [] => return Some(false),
        [b'.' | b'-', word @ ..] => word,
        _ => rest,
    };
    word.eq_ignore_ascii_case(b"dev").then_some(true)
}

/// Numbers, each behind an optional dot or hyphen, as many as there are.
fn numbers_behind(text: &[u8]) -> (&[u8], &[u8]) {
    let mut rest = text;
    loop {
        let digits = match rest {
            [b'.' | b'-', after @ ..] => after,
            _ => rest,
        };
        let (number, after) = split_digits(digits);
        if number.is_empty() {
            return text.split_at(text.len() - rest.len());
        }
        rest = after;
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

fn strip_suffix_ignoring_case<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (rest, end) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
    end.eq_ignore_ascii_case(word).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn versions_ascend() {
        assert_ascending(
            compare,
            &[
                "0.9",
                "1.0-dev",
                "1.0-alpha",
                "1.0-alpha.1",
                "1.0-beta2-dev",
                "1.0-beta2",
                "1.0-beta10",
                "1.0-RC1",
                "1.0",
                "1.0-patch1",
                "1.0-p2",
                "1.2.3.4",
                "1.10",
                "1.x-dev",
                "2.0",
                "2010-01-02",
                "2010-01-02.1",
                "20100103",
            ],
        );
    }

    #[test]
    fn spellings_are_normalised() {
        assert_equal(
            compare,
            &[
                ("v1", "1.0.0.0"),
                ("1.0b1", "1.0.0-beta.1"),
                ("1.0-stable", "1.0"),
                ("1.0_RC1", "1.0.0.rc1"),
                ("1.0+build.5", "1.0"),
                ("1.0-pl1", "1.0-patch1"),
                ("1.*-dev", "1.x-dev"),
                ("1.0.", "1.0"),
            ],
        );
    }

    #[test]
    fn named_branches_and_garbage_have_no_place() {
        assert_unparsed(
            compare,
            &[
                "",
                "dev-main",
                "main",
                "dev",
                "1.2.3.4.5",
                "1.0-foo",
                "1..0",
                "^1.0",
                "1.0 || 2.0",
                "1.0-beta-",
            ],
        );
    }
}
