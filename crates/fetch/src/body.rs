//! Answers: their heads, their bodies within limits, and the errors they mean.

use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderName;
use serde::Deserialize;
use url::Url;

use crate::error::{FetchError, show};
use crate::exchange::transport_error;

/// Longest error document looked at, in bytes.
const MAX_ERROR: u64 = 64 * 1024;

/// Longest text taken over from an error document, in characters.
const MAX_DETAIL: usize = 300;

/// An answer whose body is still to come.
#[derive(Debug)]
pub(crate) struct Response {
    http: reqwest::Response,
    /// Who answered, after redirects.
    pub(crate) url: Url,
    /// Whether the answer is to a request with credentials.
    pub(crate) authorized: bool,
    /// What `Retry-After` asks for.
    pub(crate) retry_after: Option<Duration>,
}

impl Response {
    pub(crate) fn new(
        http: reqwest::Response,
        url: Url,
        authorized: bool,
        retry_after: Option<Duration>,
    ) -> Self {
        Self { http, url, authorized, retry_after }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.http.status()
    }

    /// A header, when it is there once or first, and text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.http.headers().get(name)?.to_str().ok()
    }

    /// All values of a header that are text.
    pub(crate) fn headers<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a str> {
        self.http.headers().get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The length the other side promises.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.http.content_length()
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        self.http.chunk().await.map_err(|error| transport_error(&self.url, error))
    }

    /// The whole body, when it is not longer than `limit` bytes.
    pub(crate) async fn bytes(mut self, what: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
        let too_large = || FetchError::TooLarge { what: what.to_owned(), limit };
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if (body.len() as u64).saturating_add(chunk.len() as u64) > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The answer when its status is `wanted`, else the error it means. `what` is what was asked
    /// for, as in "there is no …".
    pub(crate) async fn require(self, wanted: StatusCode, what: &str) -> Result<Self, FetchError> {
        if self.status() == wanted { Ok(self) } else { Err(self.into_error(what).await) }
    }

    /// The error this answer means.
    pub(crate) async fn into_error(self, what: &str) -> FetchError {
        let (status, url) = (self.status(), show(&self.url));
        let (authorized, retry_after) = (self.authorized, self.retry_after);
        let detail =
            self.bytes("error document", MAX_ERROR).await.map_or_else(|_| String::new(), |b| detail(&b));
        match status {
            StatusCode::UNAUTHORIZED if authorized => FetchError::CredentialsRefused { url, detail },
            StatusCode::UNAUTHORIZED => FetchError::CredentialsNeeded { url, detail },
            StatusCode::FORBIDDEN => FetchError::Forbidden { url, detail },
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                FetchError::NotFound { what: what.to_owned(), detail }
            }
            StatusCode::TOO_MANY_REQUESTS => FetchError::TooManyRequests { url, retry_after },
            StatusCode::REQUEST_TIMEOUT => FetchError::Timeout { url },
            status if status.is_server_error() => {
                FetchError::ServerFailed { url, status, detail, retry_after }
            }
            status => FetchError::UnexpectedStatus { url, status, detail },
        }
    }
}

/// The error document of the OCI distribution specification (*Error Codes*), or a plain
/// `{"message": …}` as gateways write it, or `{"error": {…}}` as another Parapet does.
#[derive(Deserialize)]
struct ErrorDocument {
    #[serde(default)]
    errors: Vec<ErrorEntry>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error: Option<ErrorEntry>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// `: ` and what an error document says, short and without control characters; empty when it says
/// nothing that can be understood.
fn detail(body: &[u8]) -> String {
    let Ok(document) = serde_json::from_slice::<ErrorDocument>(body) else {
        return String::new();
    };
    let text = match document.errors.into_iter().next().or(document.error) {
        Some(ErrorEntry { code, message }) if message.is_empty() => code,
        Some(entry) => entry.message,
        None => document.message,
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DETAIL).collect();
    if text.trim().is_empty() { String::new() } else { format!(": {}", text.trim()) }
}

#[cfg(test)]
mod tests {
    use super::detail;

    #[test]
    fn what_a_registry_says_is_passed_on_in_one_short_line() {
        assert_eq!(detail(br#"{"errors":[{"code":"DENIED","message":"no\nway"}]}"#), ": no way");
        assert_eq!(detail(br#"{"errors":[{"code":"DENIED"}]}"#), ": DENIED");
        assert_eq!(detail(br#"{"message":"slow down"}"#), ": slow down");
        assert_eq!(detail(b"<html>"), "");
        assert_eq!(detail(b"{}"), "");
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(5000));
        assert_eq!(detail(long.as_bytes()).len(), 302);
    }
}
