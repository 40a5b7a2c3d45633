//! JSON bodies as clients send them. The publisher's own samples have a comma too many and one too
//! few (release notes 1.22: the body of *Delete AWS ECR Connector*, and of *Create a Registry
//! Schedule* before `weekDay`), and whoever copied them sends them so.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use parapet_model::Millis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::CsError;

/// A JSON body, whatever its content type.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = CsError;

    async fn from_request(request: Request, state: &S) -> Result<Self, CsError> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| CsError::new(error.status(), error.body_text()))?;
        read(&bytes).map(Self)
    }
}

/// Reads a body.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CsError> {
    if bytes.trim_ascii().is_empty() {
        return Err(CsError::invalid("a JSON body is expected"));
    }
    let strict = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if strict.is_syntax()
        && let Ok(value) = serde_json::from_slice(&mend_commas(bytes))
    {
        return Ok(value);
    }
    Err(CsError::invalid(format!("the body is not what is expected: {strict}")))
}

/// The same text without commas before a closing bracket, and with one between a value and a key or
/// value that follows it at once.
fn mend_commas(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 8);
    let mut at = 0;
    // The last byte that is neither blank nor inside a text.
    let mut last = b'{';
    while let Some(&byte) = bytes.get(at) {
        let ends_value = matches!(last, b'"' | b'}' | b']') || last.is_ascii_alphanumeric();
        match byte {
            b'"' | b'{' | b'[' => {
                if ends_value {
                    out.push(b',');
                }
                let end = if byte == b'"' { text_end(bytes, at) } else { at + 1 };
                out.extend_from_slice(bytes.get(at..end).unwrap_or_default());
                last = byte;
                at = end;
                continue;
            }
            b'}' | b']' if last == b',' => {
                let comma = out.iter().rposition(|&b| b == b',').unwrap_or(out.len());
                out.truncate(comma);
                out.push(byte);
            }
            _ => out.push(byte),
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
        at += 1;
    }
    out
}

/// The place after the closing quote of the text that begins at `start`.
fn text_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// An instant: epoch milliseconds as a text, as the contract has it, or as a number.
pub(crate) fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Millis>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(Millis),
        Text(String),
    }
    match Option::<Either>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Either::Number(at)) => Ok(Some(at)),
        Some(Either::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Either::Text(text)) => text.trim().parse().map(Some).map_err(|_| {
            serde::de::Error::custom(format!("{text:?} is not an instant in epoch milliseconds"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The samples of the release notes, as printed.
    #[test]
    fn the_samples_of_the_release_notes_are_read_as_printed() {
        let delete = b"{\n  \"arn\": \"arn:aws:iam::1:role/test_UID1\",\n}";
        assert_eq!(read::<Value>(delete).unwrap(), json!({"arn": "arn:aws:iam::1:role/test_UID1"}));
        let create =
            b"{\"additionalFilters\": {\"numberOfTags\": 5, \"x\": [1, 2,]\n}\n\"weekDay\": \"THURSDAY\"\n}";
        let expected = json!({"additionalFilters": {"numberOfTags": 5, "x": [1, 2]}, "weekDay": "THURSDAY"});
        assert_eq!(read::<Value>(create).unwrap(), expected);
    }

    #[test]
    fn what_is_broken_stays_an_error_and_texts_are_left_alone() {
        for bad in ["", "{", "{\"a\" 1}", "{\"a\":}", "nonsense", "[1,,2]", "{\"a\":\"b}", "\"\\"] {
            assert!(read::<Value>(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let text = br#"{"a": "x,} \" ,]", "b": [true null]}"#;
        assert!(read::<Value>(text).is_err(), "words without a comma are not guessed at");
        let text = br#"{"a": "x,} \" ,]", "b": [true,]}"#;
        assert_eq!(read::<Value>(text).unwrap(), json!({"a": "x,} \" ,]", "b": [true]}));
    }

    #[test]
    fn ten_thousand_brackets_are_an_error() {
        assert!(read::<Value>("[".repeat(10_000).as_bytes()).is_err());
        assert!(read::<Value>("{\"a\":".repeat(10_000).as_bytes()).is_err());
    }
}
