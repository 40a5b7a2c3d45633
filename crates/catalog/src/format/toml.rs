//! TOML into the fields that are asked for.
//!
//! The parser builds the whole document first and stops at 80 levels; so values are counted before it
//! begins.

use serde::de::DeserializeOwned;

use super::text;

/// Most values of a document. Lock files of large projects have a hundred thousand.
const MAX_VALUES: usize = 600_000;

/// Most tables and arrays, which take more memory than anything in them: some 1.5 kB each.
const MAX_TABLES: usize = 100_000;

/// Reads a document.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = text(bytes)?;
    let (mut values, mut tables) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'=' | b',' => values += 1,
            b'[' | b'{' => tables += 1,
            _ => {}
        }
    }
    if values > MAX_VALUES || tables > MAX_TABLES {
        return Err(format!("it holds more than {MAX_VALUES} values or {MAX_TABLES} tables"));
    }
    ::toml::from_str(text).map_err(|e| e.message().to_owned())
}
