//! Dart's order, that of the package `pub_semver`: Semantic Versioning in which build metadata
//! orders too, after everything else. A version with a build comes after the same without one.

use std::cmp::Ordering;

use super::semver::{Version, compare_identifiers, identifiers, is_identifier, parse_core, split_at_first};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let ((a, build_a), (b, build_b)) = (parse(a)?, parse(b)?);
    Some(a.compare(&b).then_with(|| compare_identifiers(build_a, build_b)))
}

fn parse(text: &str) -> Option<(Version<'_>, &[u8])> {
    let (rest, build) = split_at_first(text, '+');
    let (core, pre) = split_at_first(rest, '-');
    let is_valid = |part: Option<&str>| part.is_none_or(|part| identifiers(part).all(is_identifier));
    if !is_valid(pre) || !is_valid(build) || core.split('.').count() != 3 {
        return None;
    }
    let version = Version { core: parse_core(core, |_| true)?, pre: pre.unwrap_or_default().as_bytes() };
    Some((version, build.unwrap_or_default().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn builds_order() {
        assert_ascending(
            compare,
            &[
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-rc.1+build.1",
                "1.0.0",
                "1.0.0+0.3.7",
                "1.3.7+build",
                "1.3.7+build.2.b",
                "1.3.7+build.11",
            ],
        );
        assert_equal(compare, &[("1.0.0-01", "1.0.0-1"), ("01.0.0", "1.0.0")]);
    }

    #[test]
    fn garbage_has_no_place() {
        assert_unparsed(
            compare,
            &["", "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.0-", "1.0.0+", "1.0.0-a..b", "any"],
        );
    }
}
