//! Semantic Versioning 2.0.0, as Go modules, crates.io and Hex use it.
//!
//! Beyond the standard's text: a leading `v` (Go), and missing minor or patch numbers read as 0
//! (some records say `1.2`). Build metadata does not order (clause 10), so Go's `+incompatible`
//! is equal to none.

use std::cmp::Ordering;

use super::digits::{compare_numbers, is_number};

/// A parsed version; `npm` reads into the same shape by a looser grammar.
pub(super) struct Version<'a> {
    pub(super) core: [&'a [u8]; 3],
    /// Dot-separated identifiers; empty for a release.
    pub(super) pre: &'a [u8],
}

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.compare(&parse(b)?))
}

impl Version<'_> {
    /// Clause 11.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let core = self.core.iter().zip(&other.core).map(|(a, b)| compare_numbers(a, b));
        core.fold(Ordering::Equal, Ordering::then).then_with(|| match (self.pre, other.pre) {
            ([], []) => Ordering::Equal,
            ([], _) => Ordering::Greater,
            (_, []) => Ordering::Less,
            (a, b) => compare_identifiers(a, b),
        })
    }
}

/// Dot-separated identifiers, numbers before words; nothing comes before something.
pub(super) fn compare_identifiers(a: &[u8], b: &[u8]) -> Ordering {
    match (a, b) {
        ([], []) => return Ordering::Equal,
        ([], _) => return Ordering::Less,
        (_, []) => return Ordering::Greater,
        _ => {}
    }
    let (mut a, mut b) = (a.split(|&c| c == b'.'), b.split(|&c| c == b'.'));
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => compare_numbers(a, b),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            },
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = split_at_first(text, '+');
    let (core, pre) = split_at_first(text, '-');
    if !build.is_none_or(|b| identifiers(b).all(is_identifier))
        || !pre.is_none_or(|p| identifiers(p).all(|i| is_identifier(i) && !has_leading_zero(i)))
    {
        return None;
    }
    Some(Version {
        core: parse_core(core, |n| !has_leading_zero(n))?,
        pre: pre.unwrap_or_default().as_bytes(),
    })
}

/// Up to three dot-separated numbers that `accept` takes; missing ones are 0.
pub(super) fn parse_core(text: &str, accept: impl Fn(&[u8]) -> bool) -> Option<[&[u8]; 3]> {
    let mut core = [b"0".as_slice(); 3];
    let mut slots = core.iter_mut();
    for number in text.split('.').map(str::as_bytes) {
        if !is_number(number) || !accept(number) {
            return None;
        }
        *slots.next()? = number;
    }
    Some(core)
}

/// What stands before and after the first `mark`.
pub(super) fn split_at_first(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

pub(super) fn identifiers(text: &str) -> impl Iterator<Item = &[u8]> {
    text.split('.').map(str::as_bytes)
}

pub(super) fn is_identifier(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-')
}

fn has_leading_zero(text: &[u8]) -> bool {
    matches!(text, [b'0', _, ..]) && is_number(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn semantic_versions_ascend() {
        assert_ascending(
            compare,
            &[
                "0.0.0-0",
                "0.0.0-20190101000000-abcdef123456",
                "0.0.0",
                "1.0.0-0",
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-alpha.beta",
                "1.0.0-beta",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "v1.0.0",
                "1.0.1-0.20200101000000-abcdef123456",
                "1.0.1",
                "1.9.0",
                "1.10.0",
                "2.0.0+incompatible",
                "99999999999999999999.0.0",
            ],
        );
    }

    #[test]
    fn build_metadata_and_prefix_do_not_order() {
        assert_equal(
            compare,
            &[("1.0.0+a", "1.0.0+b"), ("v1.2.3", "1.2.3"), ("1.2", "1.2.0"), ("1", "1.0.0+incompatible")],
        );
    }

    #[test]
    fn garbage_has_no_place() {
        assert_unparsed(
            compare,
            &[
                "",
                "v",
                "vv1.0.0",
                "(devel)",
                "1.2.3.4",
                "01.2.3",
                "1.0.0-",
                "1.0.0-01",
                "1.0.0-a..b",
                "1.0.0+",
                "1.0.0+é",
                "1.0.x",
                "latest",
                " 1.0.0",
            ],
        );
    }
}
