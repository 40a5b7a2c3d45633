//! Amazon's signature, version 4 (`AWS4-HMAC-SHA256`), for requests without a query. The tests hold
//! it against Amazon's published examples.

use parapet_model::Millis;
use parapet_model::time::format_rfc3339;
use ring::hmac;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::AwsKeys;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature is good for.
pub(super) struct Place<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// The headers of a POST, signed: those given, and what the signature needs.
pub(super) fn sign<'a>(
    keys: &AwsKeys,
    place: &Place<'_>,
    url: &Url,
    headers: &[(&'a str, &str)],
    body: &[u8],
    now: Millis,
) -> Vec<(&'a str, String)> {
    // `2026-01-02T03:04:05.678Z` as `20260102T030405Z`.
    let at = format_rfc3339(now);
    let mut stamp: String = at.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    stamp.push('Z');
    let day: String = stamp.chars().take(8).collect();
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let mut out: Vec<(&str, String)> = headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
    out.push(("host", host));
    out.push(("x-amz-date", stamp.clone()));
    if let Some(token) = &keys.session_token {
        out.push(("x-amz-security-token", token.clone()));
    }
    out.sort_unstable();
    let canonical: String = out.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let names = out.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let request = format!("POST\n{}\n\n{canonical}\n{names}\n{}", url.path(), hash(body));
    let scope = format!("{day}/{}/{}/aws4_request", place.region, place.service);
    let to_sign = format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", hash(request.as_bytes()));
    let signature = hex::encode(mac(&signing_key(&keys.secret_key, &day, place), to_sign.as_bytes()));
    let access = &keys.access_key;
    let value =
        format!("{ALGORITHM} Credential={access}/{scope}, SignedHeaders={names}, Signature={signature}");
    out.push(("authorization", value));
    out
}

fn signing_key(secret: &str, day: &str, place: &Place<'_>) -> Vec<u8> {
    [day, place.region, place.service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part.as_bytes()))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use parapet_model::time::parse_instant;

    use super::*;

    fn keys(session_token: Option<&str>) -> AwsKeys {
        AwsKeys {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: session_token.map(str::to_owned),
        }
    }

    fn signature(keys: &AwsKeys, headers: &[(&str, &str)], body: &str) -> String {
        let place = Place { region: "us-east-1", service: "service" };
        let url = "https://example.amazonaws.com/".parse().unwrap();
        let now = parse_instant("2015-08-30T12:36:00Z").unwrap();
        let (_, value) = sign(keys, &place, &url, headers, body.as_bytes(), now).pop().unwrap();
        value.rsplit_once('=').unwrap().1.to_owned()
    }

    /// `post-vanilla`, `post-x-www-form-urlencoded` and `post-sts-header-before` of Amazon's
    /// Signature Version 4 test suite.
    #[test]
    fn requests_are_signed_as_in_the_published_suite() {
        assert_eq!(
            signature(&keys(None), &[], ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        assert_eq!(
            signature(&keys(None), &[("content-type", "application/x-www-form-urlencoded")], "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        assert_eq!(
            signature(&keys(Some(token)), &[], ""),
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
        );
    }

    /// The derived key of the documentation's example.
    #[test]
    fn the_key_is_derived_as_documented() {
        let place = Place { region: "us-east-1", service: "iam" };
        assert_eq!(
            hex::encode(signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", &place)),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
    }
}
