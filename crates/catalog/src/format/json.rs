//! JSON into the fields that are asked for. The parser stops at 128 levels and keeps nothing else;
//! values are counted before it begins, for a map of a million names is one of the fields.

use serde::de::DeserializeOwned;

use super::without_mark;

/// Most values of a document. What a restore of NuGet leaves for a large solution has some 400,000.
const MAX_VALUES: usize = 1_000_000;

/// Reads a document.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    parse(without_mark(bytes))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if memchr::memchr2_iter(b',', b':', bytes).count() > MAX_VALUES {
        return Err(format!("it holds more than {MAX_VALUES} values"));
    }
    serde_json::from_slice(bytes).map_err(|e| e.to_string())
}

/// Reads a document that may hold comments, and commas before a closing bracket (JSONC).
pub(crate) fn read_relaxed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    parse(&strict(without_mark(bytes)))
}

/// Puts blanks where comments and trailing commas are, so that lines and columns stay.
fn strict(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    // Where a comma stands that nothing but blanks and comments follow so far.
    let mut comma = None;
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'"', _) => {
                comma = None;
                at = end_of_string(bytes, at);
            }
            (b'/', Some(b'/' | b'*')) => {
                let end = end_of_comment(bytes, at);
                blank(&mut out, at, end);
                at = end;
            }
            (b',', _) => {
                comma = Some(at);
                at += 1;
            }
            (b']' | b'}', _) => {
                if let Some(comma) = comma.take() {
                    blank(&mut out, comma, comma + 1);
                }
                at += 1;
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    comma = None;
                }
                at += 1;
            }
        }
    }
    out
}

fn end_of_string(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => at += 1,
            _ => {}
        }
    }
    at
}

fn end_of_comment(bytes: &[u8], open: usize) -> usize {
    let rest = bytes.get(open + 2..).unwrap_or_default();
    let length = match bytes.get(open + 1) {
        Some(b'*') => memchr::memmem::find(rest, b"*/").map(|end| end + 2),
        _ => memchr::memchr(b'\n', rest),
    };
    open + 2 + length.unwrap_or(rest.len())
}

fn blank(out: &mut [u8], from: usize, to: usize) {
    for byte in out.get_mut(from..to).unwrap_or_default() {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}
