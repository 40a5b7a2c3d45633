//! Alpine's order, as apk-tools 3 defines it:
//! `number{.number}[letter]{_suffix[number]}[~hash][-r number]`.
//!
//! Two versions are compared token by token; at the first difference of kind, the order of what
//! may come next is: a pre-release suffix, the end, `-r`, `~hash`, a suffix's number, a
//! post-release suffix, a letter, `.number`. Numbers after the first are compared as text as soon
//! as one of them starts with `0` (Gentoo's rule).

use std::cmp::Ordering;

use super::digits::{compare_numbers, split_digits, split_while};

/// The suffixes in their order; those before [`FIRST_POST`] precede the release.
const SUFFIXES: [&[u8]; 9] = [b"alpha", b"beta", b"pre", b"rc", b"cvs", b"svn", b"git", b"hg", b"p"];
const FIRST_POST: usize = 4;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (mut a, mut b) = (Tokens::new(a), Tokens::new(b));
    loop {
        let (token_a, token_b) = (a.next()?, b.next()?);
        let ordering = compare_tokens(&token_a, &token_b);
        if ordering.is_ne() {
            // Both must be valid to the end, wherever they differ.
            return (a.ends_well() && b.ends_well()).then_some(ordering);
        }
        if token_a.kind == Kind::End {
            return Some(Ordering::Equal);
        }
    }
}

/// Kinds of tokens, in the order in which they sort where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    PreSuffix,
    End,
    Revision,
    Hash,
    SuffixNumber,
    PostSuffix,
    Letter,
    Number,
    FirstNumber,
}

struct Token<'a> {
    kind: Kind,
    text: &'a [u8],
    /// Place in [`SUFFIXES`], for suffixes.
    suffix: usize,
}

fn compare_tokens(a: &Token<'_>, b: &Token<'_>) -> Ordering {
    a.kind.cmp(&b.kind).then_with(|| match a.kind {
        Kind::Number if a.text.first() == Some(&b'0') || b.text.first() == Some(&b'0') => a.text.cmp(b.text),
        Kind::FirstNumber | Kind::Number | Kind::SuffixNumber | Kind::Revision => {
            compare_numbers(a.text, b.text)
        }
        Kind::PreSuffix | Kind::PostSuffix => a.suffix.cmp(&b.suffix),
        Kind::Letter | Kind::Hash => a.text.cmp(b.text),
        Kind::End => Ordering::Equal,
    })
}

/// A version taken apart from left to right.
struct Tokens<'a> {
    rest: &'a [u8],
    last: Option<Kind>,
}

impl<'a> Tokens<'a> {
    fn new(version: &'a str) -> Self {
        Self { rest: version.as_bytes(), last: None }
    }

    /// The next token, [`Kind::End`] at the end; `None` where the grammar is broken.
    fn next(&mut self) -> Option<Token<'a>> {
        let (kind, text, rest, suffix) = self.read()?;
        self.rest = rest;
        self.last = Some(kind);
        Some(Token { kind, text, suffix })
    }

    /// Whether the rest is valid.
    fn ends_well(mut self) -> bool {
        loop {
            match self.next() {
                None => return false,
                Some(token) if token.kind == Kind::End => return true,
                Some(_) => {}
            }
        }
    }

    fn read(&self) -> Option<(Kind, &'a [u8], &'a [u8], usize)> {
        let Some(last) = self.last else {
            let (number, rest) = number(self.rest)?;
            return Some((Kind::FirstNumber, number, rest, 0));
        };
        let in_numbers = matches!(last, Kind::FirstNumber | Kind::Number);
        match self.rest {
            [] => Some((Kind::End, self.rest, self.rest, 0)),
            [b'.', rest @ ..] if in_numbers => {
                let (number, rest) = number(rest)?;
                Some((Kind::Number, number, rest, 0))
            }
            [c, ..] if c.is_ascii_lowercase() && in_numbers => {
                let (letter, rest) = self.rest.split_at(1);
                Some((Kind::Letter, letter, rest, 0))
            }
            [c, ..] if c.is_ascii_digit() && matches!(last, Kind::PreSuffix | Kind::PostSuffix) => {
                let (number, rest) = number(self.rest)?;
                Some((Kind::SuffixNumber, number, rest, 0))
            }
            [b'_', rest @ ..] if !matches!(last, Kind::Hash | Kind::Revision) => {
                let (word, rest) = split_while(rest, |c| c.is_ascii_lowercase());
                let suffix = SUFFIXES.iter().position(|s| *s == word)?;
                let kind = if suffix < FIRST_POST { Kind::PreSuffix } else { Kind::PostSuffix };
                Some((kind, word, rest, suffix))
            }
            [b'~', rest @ ..] if !matches!(last, Kind::Hash | Kind::Revision) => {
                let (hash, rest) = split_while(rest, |c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
                (!hash.is_empty()).then_some((Kind::Hash, hash, rest, 0))
            }
            [b'-', b'r', rest @ ..] if last != Kind::Revision => {
                let (number, rest) = number(rest)?;
                Some((Kind::Revision, number, rest, 0))
            }
            _ => None,
        }
    }
}

/// One or more digits and what follows them.
fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (number, rest) = split_digits(text);
    (!number.is_empty()).then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn alpine_versions_ascend() {
        assert_ascending(
            compare,
            &[
                "0",
                "1.0_alpha",
                "1.0_alpha2",
                "1.0_alpha10",
                "1.0_beta",
                "1.0_pre1",
                "1.0_rc1-r3",
                "1.0",
                "1.0-r0",
                "1.0-r2",
                "1.0-r10",
                "1.0~abc123",
                "1.0_cvs",
                "1.0_svn1",
                "1.0_git20230101",
                "1.0_hg5",
                "1.0_p1",
                "1.0_p1_p2",
                "1.0a",
                "1.0b_rc1",
                "1.0b",
                "1.0.0",
                "1.01",
                "1.1",
                "1.9.0-r1",
                "1.10.0-r0",
                "2.39_git20231125-r0",
                "20190101",
            ],
        );
    }

    #[test]
    fn leading_zeros_make_a_fraction() {
        assert_ascending(compare, &["1.01", "1.010", "1.09", "1.1", "1.9", "1.10"]);
        assert_equal(compare, &[("01.2", "1.2"), ("1.2-r01", "1.2-r1"), ("1_p01", "1_p1")]);
    }

    #[test]
    fn what_apk_refuses_has_no_place() {
        assert_unparsed(
            compare,
            &[
                "",
                "a",
                ".1",
                "1.",
                "1..2",
                "1ab",
                "1_",
                "1_foo",
                "1-r",
                "1-1",
                "1-r1-r2",
                "1-r1_p1",
                "1~",
                "1~xyz",
                "1 ",
                "1:2",
                "1a.1",
                "1.2-r1garbage",
                "v1",
            ],
        );
        assert_eq!(compare("1.0", "2.0_nonsense"), None, "broken after the first difference");
    }
}
