//! Docker Hub's own list of what an organization has, for its registry offers no `/v2/_catalog`:
//! signing in, and the repositories of a namespace page by page.

use std::sync::{Mutex, PoisonError};

use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::client::Client;
use crate::error::{FetchError, show};
use crate::exchange::Request;
use crate::reference::is_repository;
use crate::registry::Credentials;

/// Where it answers when nothing else is said.
const HUB: &str = "https://hub.docker.com";
/// Names asked for per page; the most it gives.
const PAGE: u32 = 100;
/// Most pages.
const MAX_PAGES: usize = 10_000;
/// Longest answer, in bytes.
const MAX_ANSWER: u64 = 8 * 1024 * 1024;

/// Docker Hub beside its registry.
#[derive(Debug)]
pub struct DockerHub {
    client: Client,
    base: Url,
    credentials: Option<Credentials>,
    token: Mutex<Option<HeaderValue>>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    next: Option<String>,
    results: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    name: String,
}

impl DockerHub {
    /// Nothing is sent yet. `endpoint` is `http(s)://host[:port]` that stands for Docker Hub; without
    /// credentials it shows what is public.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`].
    pub fn new(
        client: &Client,
        endpoint: Option<&str>,
        credentials: Option<Credentials>,
    ) -> Result<Self, FetchError> {
        let text = endpoint.unwrap_or(HUB);
        let bad = |_| FetchError::BadUrl { url: text.to_owned(), why: "it is not an address" };
        let base = Url::parse(text).map_err(bad)?;
        Ok(Self { client: client.clone(), base, credentials, token: Mutex::default() })
    }

    /// The repositories of an organization, as the registry names them.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::Malformed`] when there are more than `limit`, or the pages lead
    /// elsewhere.
    pub async fn repositories(&self, organization: &str, limit: usize) -> Result<Vec<String>, FetchError> {
        let what = format!("list of repositories of the organization {organization}");
        if !is_repository(organization) || organization.contains('/') {
            return Err(FetchError::malformed(&what, "that is no name of an organization"));
        }
        let mut next = self.base.clone();
        next.set_path(&format!("/v2/namespaces/{organization}/repositories"));
        next.set_query(Some(&format!("page_size={PAGE}")));
        let mut out = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.page(&next, &what).await?;
            let names =
                page.results.into_iter().map(|repository| format!("{organization}/{}", repository.name));
            out.extend(names.filter(|name| is_repository(name)));
            if out.len() > limit {
                return Err(FetchError::malformed(&what, format!("it has more than {limit} entries")));
            }
            let Some(target) = page.next.filter(|target| !target.is_empty()) else { return Ok(out) };
            next = self.follow(&next, &target, &what)?;
        }
        Err(FetchError::malformed(&what, "its pages go on for ever"))
    }

    /// The next page, which the token goes to: always at the same place.
    fn follow(&self, from: &Url, target: &str, what: &str) -> Result<Url, FetchError> {
        let target = from.join(target).map_err(|e| FetchError::malformed(what, e))?;
        if target.host() != self.base.host() {
            let why = format!("its next page is elsewhere, at {}", show(&target));
            return Err(FetchError::malformed(what, why));
        }
        let mut url = self.base.clone();
        url.set_path(target.path());
        url.set_query(target.query());
        Ok(url)
    }

    async fn page(&self, url: &Url, what: &str) -> Result<Page, FetchError> {
        let known = self.token();
        match self.ask(url, what).await {
            // A token that was good for the pages before may be over.
            Err(FetchError::CredentialsRefused { .. }) if known.is_some() => {
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
                self.ask(url, what).await
            }
            answer => answer,
        }
    }

    async fn ask(&self, url: &Url, what: &str) -> Result<Page, FetchError> {
        let mut request = Request::get(url.clone());
        request.authorization = self.sign_in().await?;
        let body = self
            .client
            .with_retries(async || {
                let response = self.client.attempt(&request).await?;
                response.require(StatusCode::OK, what).await?.bytes(what, MAX_ANSWER).await
            })
            .await?;
        serde_json::from_slice(&body).map_err(|error| FetchError::malformed(what, error))
    }

    fn token(&self) -> Option<HeaderValue> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn sign_in(&self) -> Result<Option<HeaderValue>, FetchError> {
        let Some(Credentials { user, secret }) = &self.credentials else { return Ok(None) };
        if let Some(known) = self.token() {
            return Ok(Some(known));
        }
        let mut url = self.base.clone();
        url.set_path("/v2/auth/token");
        let what = format!("token service at {}", show(&url));
        let document = json!({"identifier": user, "secret": secret}).to_string();
        let request = Request::sending(Method::POST, url, "application/json", document);
        let body = self
            .client
            .with_retries(async || {
                let mut response = self.client.attempt(&request).await?;
                response.authorized = true;
                response.require(StatusCode::OK, &what).await?.bytes(&what, MAX_ANSWER).await
            })
            .await?;
        // The parser's message may quote the token, so it is left out.
        let wrong = || FetchError::malformed(&what, "its answer is not a token");
        let token: Token = serde_json::from_slice(&body).map_err(|_| wrong())?;
        let mut value =
            HeaderValue::from_str(&format!("Bearer {}", token.access_token)).map_err(|_| wrong())?;
        value.set_sensitive(true);
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(value.clone());
        Ok(Some(value))
    }
}
