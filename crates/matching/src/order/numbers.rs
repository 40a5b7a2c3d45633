//! R's order of package versions, which is Haskell's too: numbers, compared one by one. A version
//! comes before those it begins (`1.0` before `1.0.0`); R separates by dots and hyphens alike.

use std::cmp::Ordering;

use super::digits::{compare_numbers, is_number};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (mut a, mut b) = (parse(a)?, parse(b)?);
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Some(Ordering::Equal),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => compare_numbers(a, b),
        };
        if ordering.is_ne() {
            return Some(ordering);
        }
    }
}

fn parse(text: &str) -> Option<impl Iterator<Item = &[u8]>> {
    let parts = || text.as_bytes().split(|&c| c == b'.' || c == b'-');
    parts().all(is_number).then(parts)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn versions_ascend() {
        assert_ascending(
            compare,
            &["0", "1", "1.0", "1.0.0", "1.0-1", "1.2", "1.10", "18446744073709551616"],
        );
        assert_equal(compare, &[("1.2-3", "1.2.3"), ("01.2", "1.2")]);
    }

    #[test]
    fn garbage_has_no_place() {
        assert_unparsed(compare, &["", "1.", "-1", "1..2", "1.a", "v1", "1.0+1"]);
    }
}
