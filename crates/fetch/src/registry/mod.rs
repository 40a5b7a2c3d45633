//! A registry, spoken to by the OCI distribution specification 1.1 (and Docker's registry API v2,
//! which it grew from).
//!
//! | file | what |
//! |---|---|
//! | `auth` | anonymous, Basic, Bearer tokens, and where credentials may go |
//! | `challenge` | the `WWW-Authenticate` header |
//! | `link` | the `Link` header |
//! | `list` | repositories and tags, page by page |
//! | `manifest` | from tag or digest to an image description |
//! | `referrers` | SBOMs attached to an image |
//! | `scan` | from there to an inventory, layers streamed |
//!
//! Answers of a registry are input from a stranger: names are validated before they enter an
//! address, digests are computed and compared, `Link` stays on the registry, and the `urls` of
//! foreign layers are never followed.

mod auth;
mod challenge;
mod link;
mod list;
mod manifest;
mod referrers;
mod scan;

use std::sync::Arc;

use reqwest::StatusCode;
use url::Url;

use crate::client::Client;
use crate::error::{FetchError, show};
use crate::exchange::Request;
use crate::login::Login;
use crate::reference::{DOCKER_HUB, is_repository};
use crate::registry::auth::{Auth, Scope};

pub use list::Pages;
pub use scan::SharedLayerCache;

/// Where Docker Hub's registry answers, and where its tokens come from.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";
const DOCKER_HUB_TOKENS: &str = "auth.docker.io";

/// A name and a password or access token.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Name.
    pub user: String,
    /// Password or access token.
    pub secret: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How to reach a registry.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// `https://host[:port]`, `http://host[:port]` or `host[:port]`; `docker.io` is Docker Hub.
    pub endpoint: String,
    /// Allow plain HTTP; then an endpoint without a scheme means `http://`.
    pub plain_http: bool,
    /// A certificate authority to trust beside the machine's own, in PEM form.
    pub authority: Option<Vec<u8>>,
    /// Credentials; without them everything is asked anonymously.
    pub credentials: Option<Credentials>,
    /// Gives credentials that end, instead of those above.
    pub login: Option<Arc<dyn Login>>,
    /// Hosts (`host` or `host:port`) of other sites that may be the registry's token service.
    pub token_hosts: Vec<String>,
}

/// A registry. Cheap to clone; clones share connections and tokens.
#[derive(Debug, Clone)]
pub struct Registry {
    client: Client,
    base: Url,
    name: Arc<str>,
    auth: Arc<Auth>,
}

impl Registry {
    /// A registry reached by `client`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`] when the endpoint cannot be used, [`FetchError::BadOption`] when the
    /// certificate authority cannot, [`FetchError::ForbiddenAddress`] when it is a literal address
    /// that the policy forbids.
    pub fn new(client: &Client, options: RegistryOptions) -> Result<Self, FetchError> {
        let (base, name) = endpoint(&options)?;
        client.check(&base)?;
        let client = match &options.authority {
            Some(pem) => client.trusting(pem)?,
            None => client.clone(),
        };
        let mut token_hosts = options.token_hosts;
        if base.host_str() == Some(DOCKER_HUB_HOST) {
            token_hosts.push(DOCKER_HUB_TOKENS.to_owned());
        }
        let auth = Auth::new(base.clone(), options.credentials, options.login, token_hosts);
        Ok(Self { client, base, name: name.into(), auth: Arc::new(auth) })
    }

    /// Host and port as used in references.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Host and port that are connected to.
    pub fn place(&self) -> (&str, u16) {
        (self.base.host_str().unwrap_or_default(), self.base.port_or_known_default().unwrap_or(443))
    }

    /// Asks whether the registry is there, speaks the protocol and accepts the credentials.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn ping(&self) -> Result<(), FetchError> {
        let request = Request::get(self.address("/v2/", ""));
        let what = format!("registry at {}", show(&self.base));
        self.client
            .with_retries(async || {
                let response = self.auth.attempt(&self.client, &request, &Scope::None).await?;
                response.require(StatusCode::OK, &what).await.map(drop)
            })
            .await
    }

    /// An address at the registry; never elsewhere, whatever the path looks like.
    fn address(&self, path: &str, query: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query((!query.is_empty()).then_some(query));
        url
    }
}

/// A repository name that may enter an address.
fn require_repository(name: &str) -> Result<(), FetchError> {
    if is_repository(name) {
        return Ok(());
    }
    let name: String = name.chars().take(100).collect();
    Err(FetchError::malformed(
        format!("repository name {name:?}"),
        "it is not lower-case words between slashes",
    ))
}

/// The base address and the name in references.
fn endpoint(options: &RegistryOptions) -> Result<(Url, String), FetchError> {
    let text = options.endpoint.trim();
    let bad = |why| FetchError::BadUrl { url: text.chars().take(300).collect(), why };
    let with_scheme = match (text.contains("://"), options.plain_http) {
        (true, _) => text.to_owned(),
        (false, true) => format!("http://{text}"),
        (false, false) => format!("https://{text}"),
    };
    let mut url = Url::parse(&with_scheme).map_err(|_| bad("it is not an address"))?;
    if url.scheme() == "http" && !options.plain_http {
        return Err(bad("plain HTTP is not allowed for this registry"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(bad("a registry's address ends after host and port"));
    }
    let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
    if matches!(host, DOCKER_HUB | "index.docker.io" | DOCKER_HUB_HOST) {
        url.set_host(Some(DOCKER_HUB_HOST)).map_err(|_| bad("it names no host"))?;
        return Ok((url, DOCKER_HUB.to_owned()));
    }
    let name = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    Ok((url, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(endpoint: &str, plain_http: bool) -> Result<(String, String), FetchError> {
        let options = RegistryOptions { endpoint: endpoint.to_owned(), plain_http, ..Default::default() };
        super::endpoint(&options).map(|(url, name)| (url.to_string(), name))
    }

    #[test]
    fn endpoints_are_read_as_people_write_them() {
        let own = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of("r.example", false).unwrap(), own("https://r.example/", "r.example"));
        assert_eq!(of("R.example:5000", false).unwrap(), own("https://r.example:5000/", "r.example:5000"));
        assert_eq!(of("127.0.0.1:5000", true).unwrap(), own("http://127.0.0.1:5000/", "127.0.0.1:5000"));
        assert_eq!(of("https://r.example/", true).unwrap(), own("https://r.example/", "r.example"));
        assert_eq!(of("docker.io", false).unwrap(), own("https://registry-1.docker.io/", "docker.io"));
        for (bad, plain) in [
            ("http://r.example", false),
            ("r.example/v2", false),
            ("", false),
            ("ftp//x y", true),
            ("r.example?x", true),
        ] {
            assert!(of(bad, plain).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        let credentials = Credentials { user: "u".to_owned(), secret: "hunter2".to_owned() };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
