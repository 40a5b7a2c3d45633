//! Texts of records: those that decide are checked, those for people are cut.

use parapet_model::package::MAX_FIELD;
use parapet_model::time::{Millis, parse_instant};

use super::AdvisoryError;

/// Longest summary kept, in bytes.
pub(super) const MAX_SUMMARY: usize = 512;
/// Longest text kept, in bytes.
pub(super) const MAX_DETAILS: usize = 4096;
/// Longest address kept, in bytes; a longer one is dropped.
const MAX_URL: usize = 2048;

/// A text that decides: refused when it is overlong or holds a NUL.
pub(super) fn field(text: String, name: &'static str) -> Result<String, AdvisoryError> {
    check(&text, name)?;
    Ok(text)
}

pub(super) fn check(text: &str, name: &'static str) -> Result<(), AdvisoryError> {
    if text.contains('\0') {
        return Err(AdvisoryError::Nul(name));
    }
    if text.len() > MAX_FIELD {
        return Err(AdvisoryError::TooLong(name));
    }
    Ok(())
}

/// A text for people: cut to `max` bytes, refused when it holds a NUL.
pub(super) fn text(mut text: String, name: &'static str, max: usize) -> Result<String, AdvisoryError> {
    if text.contains('\0') {
        return Err(AdvisoryError::Nul(name));
    }
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.shrink_to_fit();
    }
    Ok(text)
}

pub(super) fn one_line(text: String) -> String {
    if !text.contains(char::is_control) && text.trim().len() == text.len() {
        return text;
    }
    text.split(|c: char| c.is_control() || c == ' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// 0 for what is no instant; some publishers write the year 1 for "never".
pub(super) fn instant(text: &str) -> Millis {
    parse_instant(text).unwrap_or_default().max(0)
}

/// Whether a text is an address that may be shown.
pub(super) fn is_url(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= MAX_URL
        && !url.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// Whether brackets outside strings nest deeper than `limit`. The JSON reader skips unknown values
/// without a limit, so it is checked before.
pub(super) fn is_deeper_than(json: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for &c in json {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}
