//! The text that is signed (contract `huawei-hss` 7.3): the request in one form, whichever way the
//! client wrote it.

use std::fmt::Write as _;

use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri};
use parapet_model::Digest;
use percent_encoding::percent_decode;

use super::header::{ALGORITHM, Signature, trimmed};

/// Header that stands for the hash of the body.
const CONTENT_HASH: &str = "x-sdk-content-sha256";
/// What it says when the body is not signed.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The texts that the signature may be over. There are two when the path is escaped: one SDK decodes
/// it before it encodes it, another encodes what is already encoded.
///
/// # Errors
/// Why there is none, in the gateway's words.
pub(crate) fn strings_to_sign(
    parts: &Parts,
    signature: &Signature,
    body: &[u8],
) -> Result<Vec<String>, String> {
    let headers = headers(parts, signature)?;
    let payload = payload(parts, signature, body)?;
    let query = query(parts.uri.query().unwrap_or_default());
    let names: Vec<&str> = signature.headers.iter().map(axum::http::HeaderName::as_str).collect();
    let names = names.join(";");
    let text = |path: String| {
        let mut request = format!("{}\n{path}\n{query}\n", parts.method).into_bytes();
        request.extend(&headers);
        request.extend(format!("\n{names}\n{payload}").bytes());
        format!("{ALGORITHM}\n{}\n{}", signature.stamp, hash(&request))
    };
    let path = parts.uri.path();
    let mut texts = vec![text(decoded_path(path))];
    if path.contains('%') {
        texts.push(text(raw_path(path)));
    }
    Ok(texts)
}

/// `name:value` lines of the signed headers, in the client's order.
fn headers(parts: &Parts, signature: &Signature) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for name in &signature.headers {
        let mut values = parts.headers.get_all(name).iter();
        let value = match (values.next(), values.next()) {
            (Some(value), None) => trimmed(value).to_vec(),
            // Over HTTP/2 the host is in the address.
            (None, _) if name == "host" => authority(&parts.uri).ok_or_else(missing)?.into_bytes(),
            _ => return Err(missing()),
        };
        out.extend(name.as_str().bytes());
        out.push(b':');
        out.extend(value);
        out.push(b'\n');
    }
    Ok(out)
}

fn authority(uri: &Uri) -> Option<String> {
    uri.authority().map(ToString::to_string)
}

fn missing() -> String {
    "verify aksk signature fail: a signed header is missing or there twice".to_owned()
}

/// The hash of the body, or the word for an unsigned one. A client may name the hash itself; then it
/// must be the right one, or a changed body would pass.
fn payload(parts: &Parts, signature: &Signature, body: &[u8]) -> Result<String, String> {
    let own = hash(body);
    let Some(said) = parts.headers.get(CONTENT_HASH).map(HeaderValue::as_bytes) else { return Ok(own) };
    if body.is_empty() || said == own.as_bytes() {
        return Ok(own);
    }
    let signed = signature.headers.iter().any(|name| name == CONTENT_HASH);
    if said == UNSIGNED.as_bytes() && signed {
        return Ok(UNSIGNED.to_owned());
    }
    Err("verify aksk signature fail: X-Sdk-Content-Sha256 is not the hash of the body".to_owned())
}

/// The path, decoded, cut at its slashes, encoded again; ends with a slash.
fn decoded_path(path: &str) -> String {
    closed(encode(&percent_decode(path.as_bytes()).collect::<Vec<u8>>(), true))
}

/// The path, encoded as it is written.
fn raw_path(path: &str) -> String {
    closed(encode(path.as_bytes(), true))
}

fn closed(mut path: String) -> String {
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}

/// Pairs sorted by name, then value. A plus is a plus here.
fn query(raw: &str) -> String {
    let decode = |text: &str| percent_decode(text.as_bytes()).collect::<Vec<u8>>();
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    pairs.sort_unstable();
    let pair =
        |(name, value): &(Vec<u8>, Vec<u8>)| format!("{}={}", encode(name, false), encode(value, false));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but letters, digits and `-_.~`; slashes too, unless they separate.
fn encode(bytes: &[u8], keep_slash: bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) || keep_slash && b == b'/' {
            out.push(char::from(b));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

fn hash(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string().trim_start_matches("sha256:").to_owned()
}

/// SHA-256 of the canonical request, for the contract's vectors.
#[cfg(test)]
pub(super) fn hash_in(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or_default()
}
