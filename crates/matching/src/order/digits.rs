//! Numbers as text, of any length.

use std::cmp::Ordering;

/// Compares two runs of ASCII digits as numbers; the empty run is zero.
pub(super) fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (without_leading_zeros(a), without_leading_zeros(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The digits from the first one that is not `0` on.
fn without_leading_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&c| c == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// Splits `text` before its first byte that `keep` refuses.
pub(super) fn split_while(text: &[u8], keep: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&c| !keep(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// Splits `text` before its first byte that is not a digit.
pub(super) fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    split_while(text, |c| c.is_ascii_digit())
}

/// Whether `text` is one or more ASCII digits.
pub(super) fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
