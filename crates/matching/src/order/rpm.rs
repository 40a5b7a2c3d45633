//! RPM's order: `[epoch:]version[-release]`.
//!
//! Version and release are compared segment by segment; a segment is a run of digits or of
//! letters, everything else only separates. Where one side has something else, the order of what
//! may come next is: `~`, the end, `^`, letters, digits. A missing epoch is 0, a missing release
//! sorts before any.

use std::cmp::Ordering;

use super::digits::{compare_numbers, is_number, split_digits, split_while};
use super::evr::Evr;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.compare(&parse(b)?, compare_part))
}

fn parse(text: &str) -> Option<Evr<'_>> {
    let evr = Evr::split(text);
    let plain = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'+' | b'~' | b'^');
    let part = |text: &[u8]| text.iter().any(u8::is_ascii_alphanumeric) && text.iter().all(plain);
    (is_number(evr.epoch) && part(evr.version) && evr.revision.is_none_or(part)).then_some(evr)
}

/// What comes next, in the order in which it sorts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Tilde,
    End,
    Caret,
    Letters,
    Digits,
}

fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (next_a, segment_a, rest_a) = next(a);
        let (next_b, segment_b, rest_b) = next(b);
        let ordering = next_a.cmp(&next_b).then_with(|| match next_a {
            Next::Letters => segment_a.cmp(segment_b),
            Next::Digits => compare_numbers(segment_a, segment_b),
            Next::Tilde | Next::End | Next::Caret => Ordering::Equal,
        });
        if ordering.is_ne() || next_a == Next::End {
            return ordering;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Skips separators and takes one segment; also what follows it.
fn next(text: &[u8]) -> (Next, &[u8], &[u8]) {
    let (_, text) = split_while(text, |c| !c.is_ascii_alphanumeric() && c != b'~' && c != b'^');
    match text {
        [] => (Next::End, text, text),
        [b'~', rest @ ..] => (Next::Tilde, &[], rest),
        [b'^', rest @ ..] => (Next::Caret, &[], rest),
        [c, ..] if c.is_ascii_digit() => {
            let (segment, rest) = split_digits(text);
            (Next::Digits, segment, rest)
        }
        _ => {
            let (segment, rest) = split_while(text, |c| c.is_ascii_alphabetic());
            (Next::Letters, segment, rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn rpm_versions_ascend() {
        assert_ascending(
            compare,
            &[
                "1.0~rc1",
                "1.0~rc1^git1",
                "1.0",
                "1.0-1.el9",
                "1.0-1.el9_4",
                "1.0-2.el9",
                "1.0-10.el9",
                "1.0^",
                "1.0^20230101",
                "1.0a",
                "1.0.1",
                "1.0.10",
                "2a",
                "2.0",
                "1:0.1-1",
            ],
        );
    }

    #[test]
    fn separators_only_separate() {
        assert_equal(
            compare,
            &[("1.0-1", "0:1.0-1"), ("1.0", "1_0"), ("1.0", "1.00"), ("2a", "2.a"), ("1.0.", "1.0")],
        );
    }

    #[test]
    fn garbage_has_no_place() {
        assert_unparsed(compare, &["", "-1", "1-", "x:1", ":1", "1 0", ".", "1/2", "1:", "é"]);
    }
}
