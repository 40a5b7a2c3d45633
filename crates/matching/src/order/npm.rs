//! npm's order: SemVer precedence over node-semver's *loose* reading, which is what old packages
//! in real lock files need: a leading `v` or `=`, leading zeros (`1.02.3`), and a pre-release
//! without its hyphen (`1.2.3beta4`).

use std::cmp::Ordering;

use super::digits::split_while;
use super::semver::{Version, identifiers, is_identifier, parse_core, split_at_first};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.compare(&parse(b)?))
}

fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim_start_matches(['=', 'v', ' ']);
    let (text, build) = split_at_first(text, '+');
    let (core, rest) = split_while(text.as_bytes(), |c| c.is_ascii_digit() || c == b'.');
    let core = text.get(..core.len())?;
    let pre = rest.strip_prefix(b"-").unwrap_or(rest);
    let pre = text.get(text.len() - pre.len()..)?;
    let has_pre = !rest.is_empty();
    if !build.is_none_or(|b| identifiers(b).all(is_identifier))
        || (has_pre && !identifiers(pre).all(is_identifier))
    {
        return None;
    }
    Some(Version { core: parse_core(core, |_| true)?, pre: pre.as_bytes() })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn npm_versions_ascend() {
        assert_ascending(
            compare,
            &[
                "0.0.0-0",
                "0.0.1-security",
                "0.0.1",
                "1.2.3-0",
                "1.2.3-4",
                "1.2.3-4.foo",
                "1.2.3-5",
                "1.2.3-5-foo",
                "1.2.3-a",
                "1.2.3-a.b",
                "1.2.3-a.b.c.10.d.5",
                "1.2.3-a.b.c.100.d.5",
                "1.2.3beta",
                "1.2.3-r.2",
                "1.2.3-r.100",
                "1.2.3",
                "10.0.0",
            ],
        );
    }

    #[test]
    fn loose_forms_are_read() {
        assert_equal(
            compare,
            &[
                ("v1.2.3", "1.2.3"),
                ("= v1.2.3", "1.2.3"),
                ("01.02.03", "1.2.3"),
                ("1.2.3beta4", "1.2.3-beta4"),
                ("1.2.3-01", "1.2.3-1"),
                ("1.2.3+build.7", "1.2.3"),
                ("13.0", "13.0.0"),
            ],
        );
    }

    #[test]
    fn garbage_has_no_place() {
        assert_unparsed(
            compare,
            &[
                "",
                "v",
                "latest",
                "^1.0.0",
                "1.x",
                "1.2.3.4",
                "1..2",
                "1.2.3-",
                "git+https://example.org/a",
                "1.2.3-a..b",
            ],
        );
    }
}
