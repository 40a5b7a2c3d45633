//! The general formats that package files are written in, read for hostile input.
//!
//! Each parser bounds depth and the number of values before it builds anything, expands nothing, and
//! gives an error in words: a file that cannot be read is part of the result.

pub(crate) mod json;
#[cfg(test)]
mod tests;
pub(crate) mod toml;
pub(crate) mod xml;
pub(crate) mod yaml;

/// Without the byte order mark that some editors put first.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The text of a file.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(without_mark(bytes)).map_err(|_| "it is not UTF-8".to_owned())
}
