//! TOML into the fields that are asked for.
//!
//! The parser builds the whole document first and stops at 80 levels; so values are counted before it
//! begins.

use serde::de::DeserializeOwned;

use super::text;

/// Most values of a document. Lock files of large projects have a hundred thousand.
const MAX_VALUES: usize = 600_000;

/// Reads a document.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = text(bytes)?;
    // Each value, key and table ends at one of these.
    let values = text.bytes().filter(|b| matches!(b, b'=' | b',' | b'[' | b'{' | b'.' | b'\n')).count();
    if values > 4 * MAX_VALUES || text.bytes().filter(|b| matches!(b, b'=' | b',')).count() > MAX_VALUES {
        return Err(format!("it holds more than {MAX_VALUES} values"));
    }
    ::toml::from_str(text).map_err(|e| e.message().to_owned())
}
