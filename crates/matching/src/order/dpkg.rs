//! Debian's order: `[epoch:]upstream[-revision]`, as deb-version(7) defines it.
//!
//! Upstream and revision are compared as alternating runs of non-digits and digits. In a run of
//! non-digits `~` sorts before the end, letters sort before every other character; a run of
//! digits is a number. A missing revision is the empty one, which equals `0`.

use std::cmp::Ordering;

use super::digits::{compare_numbers, split_digits, split_while};
use super::evr::Evr;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.compare(&parse(b)?, compare_part))
}

/// Policy's syntax. dpkg itself warns about an upstream version that starts with a letter and
/// goes on; no archive holds one, and a number followed by nonsense sorts after every fix, so
/// here it has no place.
fn parse(text: &str) -> Option<Evr<'_>> {
    let evr = Evr::split(text);
    let plain = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'+' | b'~');
    let good = is_epoch(evr.epoch)
        && evr.version.first()?.is_ascii_digit()
        && evr.version.iter().all(|c| plain(c) || matches!(c, b'-' | b':'))
        && evr.revision.is_none_or(|r| !r.is_empty() && r.iter().all(plain));
    good.then_some(evr)
}

/// dpkg keeps the epoch in a C `int`.
fn is_epoch(digits: &[u8]) -> bool {
    super::digits::is_number(digits) && compare_numbers(digits, b"2147483647").is_le()
}

fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, rest_a) = split_while(a, |c| !c.is_ascii_digit());
        let (text_b, rest_b) = split_while(b, |c| !c.is_ascii_digit());
        let (number_a, rest_a) = split_digits(rest_a);
        let (number_b, rest_b) = split_digits(rest_b);
        let ordering = compare_text(text_a, text_b).then_with(|| compare_numbers(number_a, number_b));
        if ordering.is_ne() {
            return ordering;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn compare_text(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (a.iter().map(|&c| weight(c)), b.iter().map(|&c| weight(c)));
    a.chain([END]).cmp(b.chain([END]))
}

/// The weight of the end of a run: after `~`, before everything else.
const END: u16 = 1;

fn weight(c: u8) -> u16 {
    match c {
        b'~' => 0,
        c if c.is_ascii_alphabetic() => u16::from(c),
        c => u16::from(c) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn debian_versions_ascend() {
        assert_ascending(
            compare,
            &[
                "0~~",
                "0~~a",
                "0~",
                "0",
                "0a",
                "0+",
                "1.0~beta1~svn1245",
                "1.0~beta1",
                "1.0",
                "1.0-0.1",
                "1.0-1~bpo12+1",
                "1.0-1",
                "1.0-1ubuntu0.1",
                "1.0-1ubuntu0.1+esm1",
                "1.0-1+b1",
                "1.0-1+deb12u1",
                "1.0-1.1",
                "1.0-10",
                "1.0+dfsg-1",
                "1.0.2k-1",
                "1.0.10-1",
                "2:0.1-1",
                "10:0",
            ],
        );
    }

    #[test]
    fn some_texts_are_the_same_version() {
        assert_equal(
            compare,
            &[
                ("1.0", "1.0-0"),
                ("0:1.0-1", "1.0-1"),
                ("1.00", "1.0"),
                ("1.0-01", "1.0-1"),
                ("00:1", "1"),
                ("1:2:3-4", "01:2:3-4"),
            ],
        );
    }

    #[test]
    fn numbers_have_no_upper_bound() {
        assert_ascending(compare, &["1.18446744073709551616", "1.18446744073709551617"]);
    }

    #[test]
    fn what_policy_forbids_has_no_place() {
        assert_unparsed(
            compare,
            &[
                "",
                "-1",
                "1-",
                ":1",
                "1:",
                "a:1",
                "-1:1",
                "2147483648:1",
                "1 2",
                " 1",
                "1\n",
                "1_2",
                "beta",
                "1.0-1:2",
                "1é",
                "(none)",
            ],
        );
    }
}
