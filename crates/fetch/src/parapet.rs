//! Another Parapet server, to which a sensor reports over the native API.

use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::body::Response;
use crate::client::Client;
use crate::error::FetchError;
use crate::exchange::transport_error;
use crate::retry::is_transient;

/// Longest answer, in bytes.
const MAX_ANSWER: u64 = 16 << 20;

/// A server and how to sign in there.
#[derive(Debug, Clone)]
pub struct ParapetServer {
    client: Client,
    base: Url,
    authorization: HeaderValue,
}

impl ParapetServer {
    /// A server at `https://host[:port]`; `user` and `secret` are sent as HTTP Basic.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`] for an address that cannot be asked.
    pub fn new(client: &Client, base: &str, user: &str, secret: &str) -> Result<Self, FetchError> {
        use base64::Engine as _;
        let bad = || FetchError::BadUrl { url: base.to_owned(), why: "it is no address of a server" };
        let url = Url::parse(base).map_err(|_| bad())?;
        client.check(&url)?;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"));
        let mut authorization = HeaderValue::from_str(&format!("Basic {basic}")).map_err(|_| bad())?;
        authorization.set_sensitive(true);
        Ok(Self { client: client.clone(), base: url, authorization })
    }

    /// Sends a document and reads the one that comes back. What failed in a way that may pass is
    /// sent again, so `path` must be one where the same document twice counts once. Redirects are
    /// not followed.
    ///
    /// # Errors
    /// [`FetchError`], with the server's own words where it gave any.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        document: &impl Serialize,
    ) -> Result<T, FetchError> {
        let malformed = |why: serde_json::Error| FetchError::Malformed {
            what: format!("the server's answer to {path}"),
            why: why.to_string(),
        };
        let body = serde_json::to_vec(document).map_err(malformed)?;
        let bad = |_| FetchError::BadUrl { url: path.to_owned(), why: "it is no path" };
        let url = self.base.join(path).map_err(bad)?;
        let bytes = self.client.with_retries(|| self.once(&url, &body)).await?;
        serde_json::from_slice(&bytes).map_err(malformed)
    }

    /// Sends a file as it is and reads the document that comes back. Not sent again when it fails: it may
    /// be large, and its sender has it still.
    ///
    /// # Errors
    /// [`FetchError`], with the server's own words where it gave any.
    pub async fn post_file<T: DeserializeOwned>(
        &self,
        path: &str,
        content_type: &'static str,
        file: std::fs::File,
    ) -> Result<T, FetchError> {
        let bad = |_| FetchError::BadUrl { url: path.to_owned(), why: "it is no path" };
        let url = self.base.join(path).map_err(bad)?;
        let body = reqwest::Body::from(tokio::fs::File::from_std(file));
        let sent = self.client.http()?.post(url.clone());
        let sent = sent.header(AUTHORIZATION, self.authorization.clone());
        let sent = sent.header(CONTENT_TYPE, content_type).body(body).send().await;
        let response = Response::new(sent.map_err(|e| transport_error(&url, e))?, url.clone(), true, None);
        let response = response.require(StatusCode::OK, "such a sensor").await?;
        let bytes = response.bytes("the server's answer", MAX_ANSWER).await?;
        serde_json::from_slice(&bytes).map_err(|why| FetchError::Malformed {
            what: format!("the server's answer to {path}"),
            why: why.to_string(),
        })
    }

    async fn once(&self, url: &Url, body: &[u8]) -> Result<Vec<u8>, FetchError> {
        let sent = self.client.http()?.post(url.clone());
        let sent = sent.header(AUTHORIZATION, self.authorization.clone());
        let sent = sent.header(CONTENT_TYPE, "application/json").body(body.to_vec()).send().await;
        let response = sent.map_err(|error| transport_error(url, error))?;
        let response = Response::new(response, url.clone(), true, None);
        if is_transient(response.status()) {
            return Err(response.into_error("").await);
        }
        let response = response.require(StatusCode::OK, "such a sensor").await?;
        response.bytes("the server's answer", MAX_ANSWER).await
    }
}
