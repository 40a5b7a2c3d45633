//! Repositories and tags, page by page.

use std::collections::HashSet;

use parapet_model::Digest;
use reqwest::StatusCode;
use reqwest::header;
use serde::Deserialize;
use url::Url;

use super::auth::Scope;
use super::{Registry, link, require_repository};
use crate::error::{FetchError, show};
use crate::exchange::Request;
use crate::reference::{is_repository, is_tag};

/// Names asked for per page. Registries limit it, and some refuse more than they allow.
const PAGE: u32 = 100;

/// Most pages of one list: ten million names with the page size asked for.
const MAX_PAGES: usize = 100_000;

/// Longest page, in bytes. Some registries ignore paging and send everything at once.
const MAX_PAGE: u64 = 32 * 1024 * 1024;

/// A list that is read page by page, so that any length takes bounded memory.
#[derive(Debug)]
pub struct Pages {
    registry: Registry,
    scope: Scope,
    kind: Kind,
    what: String,
    next: Option<Url>,
    /// Digests of the addresses asked for, to notice when they go round in circles.
    seen: HashSet<Digest>,
    unusable: u64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Repositories,
    Tags,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    repositories: Option<Vec<String>>,
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Registry {
    /// The names of the registry's repositories (`/v2/_catalog`). Many public registries offer no
    /// such list: then the first page is [`FetchError::NotFound`] or a refusal.
    pub fn repositories(&self) -> Pages {
        let what = format!("list of repositories at {}", self.name());
        let first = self.address("/v2/_catalog", &format!("n={PAGE}"));
        Pages::new(self, Scope::Catalog, Kind::Repositories, what, first)
    }

    /// The tags of a repository.
    ///
    /// # Errors
    /// [`FetchError::Malformed`] when the name is no repository name.
    pub fn tags(&self, repository: &str) -> Result<Pages, FetchError> {
        require_repository(repository)?;
        let what = format!("repository {}/{repository}", self.name());
        let first = self.address(&format!("/v2/{repository}/tags/list"), &format!("n={PAGE}"));
        Ok(Pages::new(self, Scope::Repository(repository.to_owned()), Kind::Tags, what, first))
    }
}

impl Pages {
    fn new(registry: &Registry, scope: Scope, kind: Kind, what: String, first: Url) -> Self {
        let registry = registry.clone();
        Self { registry, scope, kind, what, next: Some(first), seen: HashSet::new(), unusable: 0 }
    }

    /// The next page; `None` after the last one. A page may be empty without being the last.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::Malformed`] when the pages lead elsewhere or in circles.
    /// After an error the list ends.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, FetchError> {
        let Some(url) = self.next.take() else { return Ok(None) };
        if self.seen.len() >= MAX_PAGES || !self.seen.insert(Digest::of(url.as_str().as_bytes())) {
            return Err(FetchError::malformed(&self.what, "its pages go on for ever"));
        }
        let (body, next) = self.fetch(url).await?;
        let page: Page = serde_json::from_slice(&body).map_err(|e| FetchError::malformed(&self.what, e))?;
        self.next = next;
        let (names, usable): (_, fn(&str) -> bool) = match self.kind {
            Kind::Repositories => (page.repositories, is_repository),
            Kind::Tags => (page.tags, is_tag),
        };
        let mut names = names.unwrap_or_default();
        let all = names.len();
        names.retain(|name| usable(name));
        self.unusable = self.unusable.saturating_add((all - names.len()) as u64);
        Ok(Some(names))
    }

    /// How many names so far were none that the specification allows, and were left out.
    pub fn unusable(&self) -> u64 {
        self.unusable
    }

    /// All names that are left.
    ///
    /// # Errors
    /// As [`Self::next`]; [`FetchError::Malformed`] when there are more than `limit`.
    pub async fn all(mut self, limit: usize) -> Result<Vec<String>, FetchError> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
            if all.len() > limit {
                return Err(FetchError::malformed(&self.what, format!("it has more than {limit} entries")));
            }
        }
        Ok(all)
    }

    async fn fetch(&self, url: Url) -> Result<(Vec<u8>, Option<Url>), FetchError> {
        let Registry { client, auth, .. } = &self.registry;
        let request = Request::get(url);
        client
            .with_retries(async || {
                let response = auth.attempt(client, &request, &self.scope).await?;
                let response = response.require(StatusCode::OK, &self.what).await?;
                let next = link::next(response.headers(&header::LINK))
                    .map(|target| self.follow(&request.url, target));
                let next = next.transpose()?;
                Ok((response.bytes(&self.what, MAX_PAGE).await?, next))
            })
            .await
    }

    /// The address of the next page: always at the registry itself. Registries behind a proxy name
    /// themselves with another scheme or port, so only the host is compared.
    fn follow(&self, from: &Url, target: &str) -> Result<Url, FetchError> {
        let elsewhere = |why: String| FetchError::malformed(&self.what, why);
        let target =
            from.join(target).map_err(|e| elsewhere(format!("the next page has no address: {e}")))?;
        if target.host() != from.host() {
            return Err(elsewhere(format!("its next page is elsewhere, at {}", show(&target))));
        }
        Ok(self.registry.address(target.path(), target.query().unwrap_or_default()))
    }
}
