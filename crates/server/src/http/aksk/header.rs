//! `Authorization: SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`, and `X-Sdk-Date`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use parapet_model::Millis;
use parapet_model::time::parse_instant;

/// The algorithm that is verified.
pub(super) const ALGORITHM: &str = "SDK-HMAC-SHA256";
/// Those that the SDKs can be told to use instead, and the derived one; they are refused by name.
const OTHERS: [&str; 4] = ["SDK-HMAC-SM3", "SDK-ECDSA-P256-SHA256", "SDK-SM2-SM3", "V11-HMAC-SHA256"];
/// Most signed headers.
const MAX_HEADERS: usize = 64;
/// Longest access key.
const MAX_ACCESS_KEY: usize = 64;

/// What a signed request says of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// Whose key.
    pub(crate) access_key: String,
    /// Lower-case names of the signed headers, as the client lists them.
    pub(crate) headers: Vec<HeaderName>,
    /// The signature itself, 32 bytes.
    pub(crate) value: Vec<u8>,
    /// `X-Sdk-Date` as it was written.
    pub(crate) stamp: String,
    /// The instant it names.
    pub(crate) date: Millis,
}

/// Whether an `Authorization` header begins with one of the SDKs' schemes.
pub(super) fn is_signature(value: &[u8]) -> bool {
    let scheme = value.split(|&b| b == b' ').next().unwrap_or_default();
    std::iter::once(&ALGORITHM).chain(&OTHERS).any(|known| known.as_bytes() == scheme)
}

impl Signature {
    /// Reads the headers of a request.
    ///
    /// # Errors
    /// Why it cannot be verified, in the gateway's words.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let wrong = || "verify aksk signature fail".to_owned();
        let value = single(headers, &header::AUTHORIZATION).ok_or_else(wrong)?;
        let rest = value.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
        let rest = rest.ok_or_else(|| "the signature algorithm is not supported".to_owned())?;
        let mut parts = rest.split(", ");
        let mut part = |name: &str| {
            parts.next().and_then(|part| part.strip_prefix(name)?.strip_prefix('=')).ok_or_else(wrong)
        };
        let (access_key, names, value) = (part("Access")?, part("SignedHeaders")?, part("Signature")?);
        let plain =
            access_key.len() <= MAX_ACCESS_KEY && access_key.bytes().all(|b| b.is_ascii_alphanumeric());
        if parts.next().is_some() || access_key.is_empty() || !plain {
            return Err(wrong());
        }
        let value = signature(value).ok_or_else(wrong)?;
        let headers_signed = signed_names(names).ok_or_else(wrong)?;
        for needed in ["host", "x-sdk-date"] {
            if !headers_signed.iter().any(|name| name == needed) {
                return Err(format!("{}: the header {needed} is not signed", wrong()));
            }
        }
        let token = HeaderName::from_static("x-security-token");
        if headers.contains_key(&token) && !headers_signed.contains(&token) {
            return Err(format!("{}: the header x-security-token is not signed", wrong()));
        }
        let stamp = single(headers, &HeaderName::from_static("x-sdk-date")).ok_or_else(wrong)?;
        let date =
            instant(stamp).ok_or_else(|| "calc aksk signature fail:X-Sdk-Date is malformed".to_owned())?;
        Ok(Self {
            access_key: access_key.to_owned(),
            headers: headers_signed,
            value,
            stamp: stamp.to_owned(),
            date,
        })
    }
}

/// The value of a header that is there exactly once.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    value.filter(|_| values.next().is_none())
}

/// 64 lower-case hex digits.
fn signature(text: &str) -> Option<Vec<u8>> {
    let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != 64 || !lower {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.as_bytes().chunks(2).map(byte).collect()
}

/// Names in lower case, ascending, none twice.
fn signed_names(text: &str) -> Option<Vec<HeaderName>> {
    let names: Vec<&str> = text.split(';').collect();
    let ordered = names.windows(2).all(|pair| pair[0] < pair[1]);
    let lower = names.iter().all(|name| !name.bytes().any(|b| b.is_ascii_uppercase()));
    if !ordered || !lower || names.len() > MAX_HEADERS {
        return None;
    }
    names.into_iter().map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
}

/// `20260101T000000Z`.
fn instant(stamp: &str) -> Option<Millis> {
    let digit = |place: usize, b: u8| match place {
        8 => b == b'T',
        15 => b == b'Z',
        _ => b.is_ascii_digit(),
    };
    if stamp.len() != 16 || !stamp.bytes().enumerate().all(|(place, b)| digit(place, b)) {
        return None;
    }
    let part = |from: usize, to: usize| stamp.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    parse_instant(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// The value of a signed header for the signature: there once, without blanks around.
pub(super) fn trimmed(value: &HeaderValue) -> &[u8] {
    value.as_bytes().trim_ascii()
}
