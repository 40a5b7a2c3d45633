//! NuGet's order: Semantic Versioning with up to four numbers and with words that are compared
//! whatever their case. Missing numbers are 0, leading zeros say nothing, build metadata does not
//! order.

use std::cmp::Ordering;

use super::digits::{compare_numbers, is_number};
use super::semver::{identifiers, is_identifier, split_at_first};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    let core =
        a.core.iter().zip(&b.core).map(|(a, b)| compare_numbers(a, b)).fold(Ordering::Equal, Ordering::then);
    Some(core.then_with(|| match (a.pre, b.pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => compare_pre(a, b),
    }))
}

struct Version<'a> {
    core: [&'a [u8]; 4],
    pre: Option<&'a str>,
}

fn parse(text: &str) -> Option<Version<'_>> {
    let (text, build) = split_at_first(text.trim(), '+');
    let (numbers, pre) = split_at_first(text, '-');
    if [pre, build].into_iter().flatten().any(|part| !identifiers(part).all(is_identifier)) {
        return None;
    }
    let mut core = [b"0".as_slice(); 4];
    let mut slots = core.iter_mut();
    for number in numbers.split('.').map(str::as_bytes) {
        *slots.next()? = Some(number).filter(|number| is_number(number))?;
    }
    Some(Version { core, pre })
}

fn compare_pre(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (identifiers(a), identifiers(b));
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => compare_numbers(a, b),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => {
                    a.iter().map(u8::to_ascii_uppercase).cmp(b.iter().map(u8::to_ascii_uppercase))
                }
            },
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn packages_ascend() {
        assert_ascending(
            compare,
            &[
                "1.0.0-1",
                "1.0.0-9",
                "1.0.0-10",
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-BETA",
                "1.0.0-rc.1",
                "1.0.0",
                "1.0.0.1-pre",
                "1.0.0.1",
                "1.0.1",
                "1.9",
                "1.10",
                "2147483648.0",
            ],
        );
    }

    #[test]
    fn case_zeros_and_builds_do_not_order() {
        assert_equal(
            compare,
            &[
                ("1.0.0-Beta", "1.0.0-beta"),
                ("1", "1.0.0.0"),
                ("1.01", "1.1"),
                ("1.0.0+a", "1.0.0+b"),
                ("1.0-01", "1.0-1"),
            ],
        );
    }

    #[test]
    fn garbage_has_no_place() {
        assert_unparsed(
            compare,
            &["", "v1.0", "1.0.0.0.0", "1.", "1.0-", "1.0-a..b", "1.0+", "1.*", "[1.0]"],
        );
    }
}
