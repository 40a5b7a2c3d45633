//! `[epoch:]version[-revision]`: the outer form that Debian and RPM share. What the parts may hold
//! and how they compare is each order's own.

use std::cmp::Ordering;

use super::digits::compare_numbers;

/// A version cut at its first colon and its last hyphen.
pub(super) struct Evr<'a> {
    /// `0` when there is none.
    pub(super) epoch: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) revision: Option<&'a [u8]>,
}

impl<'a> Evr<'a> {
    pub(super) fn split(text: &'a str) -> Self {
        let text = text.as_bytes();
        let (epoch, rest) =
            cut(text, text.iter().position(|&c| c == b':')).unwrap_or((b"0".as_slice(), text));
        let (version, revision) = match cut(rest, rest.iter().rposition(|&c| c == b'-')) {
            Some((version, revision)) => (version, Some(revision)),
            None => (rest, None),
        };
        Self { epoch, version, revision }
    }

    /// Epochs are numbers; a missing revision is an empty one.
    pub(super) fn compare(&self, other: &Self, part: impl Fn(&[u8], &[u8]) -> Ordering) -> Ordering {
        compare_numbers(self.epoch, other.epoch)
            .then_with(|| part(self.version, other.version))
            .then_with(|| part(self.revision.unwrap_or_default(), other.revision.unwrap_or_default()))
    }
}

/// What lies before and after the byte at `at`.
fn cut(text: &[u8], at: Option<usize>) -> Option<(&[u8], &[u8])> {
    let at = at?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}
