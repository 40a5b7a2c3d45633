//! Another Parapet server, asked over the native API: a sensor reports to it, a gate asks it.

use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
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
    /// The header that signs in.
    sign_in: (HeaderName, HeaderValue),
}

impl ParapetServer {
    /// A server at `https://host[:port]`; `user` and `secret` are sent as HTTP Basic.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`] for an address that cannot be asked.
    pub fn new(client: &Client, base: &str, user: &str, secret: &str) -> Result<Self, FetchError> {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"));
        Self::signing_in(client, base, AUTHORIZATION, &format!("Basic {basic}"))
    }

    /// A server at `https://host[:port]`, which is shown a token.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`] for an address that cannot be asked, or a token that is none.
    pub fn with_token(client: &Client, base: &str, token: &str) -> Result<Self, FetchError> {
        Self::signing_in(client, base, HeaderName::from_static("x-auth-token"), token)
    }

    fn signing_in(client: &Client, base: &str, name: HeaderName, value: &str) -> Result<Self, FetchError> {
        let bad = |why| FetchError::BadUrl { url: base.to_owned(), why };
        let url = Url::parse(base).map_err(|_| bad("it is no address of a server"))?;
        client.check(&url)?;
        let mut value = HeaderValue::from_str(value).map_err(|_| bad("its credentials cannot be sent"))?;
        value.set_sensitive(true);
        Ok(Self { client: client.clone(), base: url, sign_in: (name, value) })
    }

    /// Asks for a document. What failed in a way that may pass is asked again; redirects are not
    /// followed.
    ///
    /// # Errors
    /// [`FetchError`], with the server's own words where it gave any.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, FetchError> {
        let mut url = self.url(path)?;
        url.query_pairs_mut().extend_pairs(query);
        let once = async || {
            let sent =
                self.client.http()?.get(url.clone()).header(self.sign_in.0.clone(), self.sign_in.1.clone());
            let response = sent.send().await.map_err(|error| transport_error(&url, error))?;
            Self::answer(Response::new(response, url.clone(), true, None), &[StatusCode::OK], path).await
        };
        let bytes = self.client.with_retries(once).await?;
        serde_json::from_slice(&bytes).map_err(|why| malformed(path, &why))
    }

    fn url(&self, path: &str) -> Result<Url, FetchError> {
        self.base.join(path).map_err(|_| FetchError::BadUrl { url: path.to_owned(), why: "it is no path" })
    }

    async fn answer(response: Response, wanted: &[StatusCode], what: &str) -> Result<Vec<u8>, FetchError> {
        if is_transient(response.status()) || !wanted.contains(&response.status()) {
            return Err(response.into_error(what).await);
        }
        response.bytes("the server's answer", MAX_ANSWER).await
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
        let body = serde_json::to_vec(document).map_err(|why| malformed(path, &why))?;
        let url = self.url(path)?;
        let bytes = self.client.with_retries(|| self.once(&url, &body)).await?;
        serde_json::from_slice(&bytes).map_err(|why| malformed(path, &why))
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
        let url = self.url(path)?;
        let body = reqwest::Body::from(tokio::fs::File::from_std(file));
        let sent = self.client.http()?.post(url.clone());
        let sent = sent.header(self.sign_in.0.clone(), self.sign_in.1.clone());
        let sent = sent.header(CONTENT_TYPE, content_type).body(body).send().await;
        let response = Response::new(sent.map_err(|e| transport_error(&url, e))?, url.clone(), true, None);
        let response = response.require(StatusCode::OK, "such a sensor").await?;
        let bytes = response.bytes("the server's answer", MAX_ANSWER).await?;
        serde_json::from_slice(&bytes).map_err(|why| malformed(path, &why))
    }

    async fn once(&self, url: &Url, body: &[u8]) -> Result<Vec<u8>, FetchError> {
        let sent = self.client.http()?.post(url.clone());
        let sent = sent.header(self.sign_in.0.clone(), self.sign_in.1.clone());
        let sent = sent.header(CONTENT_TYPE, "application/json").body(body.to_vec()).send().await;
        let response = sent.map_err(|error| transport_error(url, error))?;
        let response = Response::new(response, url.clone(), true, None);
        Self::answer(response, &[StatusCode::OK, StatusCode::ACCEPTED], "such a sensor").await
    }
}

fn malformed(path: &str, why: &serde_json::Error) -> FetchError {
    FetchError::Malformed { what: format!("the server's answer to {path}"), why: why.to_string() }
}
