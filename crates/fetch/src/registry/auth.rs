//! Who we are to a registry: anonymous, Basic, or Bearer with a token per repository.
//!
//! Credentials are sent to two places only: the registry's own origin, and its token service. That
//! service is named by the registry, so by input; it must be on the registry's host, a domain above
//! or below it, or a host listed by the operator, and as secure as the registry is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_model::{Clock, FOREVER, Millis};
use reqwest::header::{self, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::{Host, Url};

use super::Credentials;
use super::challenge::{self, Challenge};
use crate::body::Response;
use crate::client::Client;
use crate::error::{FetchError, show};
use crate::exchange::Request;
use crate::login::{Granted, Login, REFRESH_TOKEN_USER};

/// Longest answer of a token service, in bytes.
const MAX_TOKEN: u64 = 256 * 1024;

/// Life of a token that does not say (Docker's token authentication specification), in seconds.
const DEFAULT_LIFE: u64 = 60;

/// Longest life believed, in seconds.
const MAX_LIFE: u64 = 24 * 3600;

/// How long before its end a token is no longer used.
const MARGIN: Millis = 10_000;

/// Most tokens kept; more means thousands of repositories within minutes.
const MAX_TOKENS: usize = 1024;

/// Credentials younger than this are not got anew when they are refused: they are wrong, not over.
const FRESH: Millis = 60_000;

/// What a request needs a right for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// Nothing in particular.
    None,
    /// The list of repositories.
    Catalog,
    /// Reading a repository.
    Repository(String),
}

impl Scope {
    /// Type and name as scopes have them, and the actions that may be asked for, ours first.
    fn parts(&self) -> Option<(&'static str, &str, &'static [&'static str])> {
        match self {
            Self::None => None,
            Self::Catalog => Some(("registry", "catalog", &["*", "metadata_read"])),
            Self::Repository(name) => Some(("repository", name, &["pull", "metadata_read"])),
        }
    }

    /// The scope to ask the token service for. What the registry asks for is followed as far as it
    /// is about the same thing and only reads; some want `metadata_read` for listing tags.
    fn request(&self, challenged: &str) -> Option<String> {
        let (kind, name, readable) = self.parts()?;
        let wanted = challenged
            .split_whitespace()
            .filter_map(|scope| {
                let (resource, actions) = scope.rsplit_once(':')?;
                (resource.split_once(':')? == (kind, name)).then_some(actions)
            })
            .flat_map(|actions| actions.split(','))
            .filter(|action| readable.contains(action));
        let mut actions: Vec<&str> = Vec::new();
        for action in wanted {
            if !actions.contains(&action) {
                actions.push(action);
            }
        }
        if actions.is_empty() {
            actions.extend(readable.first());
        }
        Some(format!("{kind}:{name}:{}", actions.join(",")))
    }
}

/// The state of authentication with one registry.
#[derive(Debug)]
pub(super) struct Auth {
    registry: Url,
    /// Gives credentials that end; `None` when those there are last, or there are none.
    login: Option<Arc<dyn Login>>,
    token_hosts: Vec<String>,
    learnt: Mutex<Learnt>,
}

/// What the registry has told so far.
#[derive(Debug, Default)]
struct Learnt {
    basic: bool,
    tokens: HashMap<Scope, Token>,
    credentials: Option<Granted>,
    /// When these were got.
    since: Millis,
    /// How often credentials were got.
    times: u64,
}

#[derive(Debug)]
struct Token {
    value: HeaderValue,
    until: Millis,
}

/// A token service's answer.
#[derive(Deserialize)]
struct TokenDocument {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Auth {
    pub(super) fn new(
        registry: Url,
        credentials: Option<Credentials>,
        login: Option<Arc<dyn Login>>,
        token_hosts: Vec<String>,
    ) -> Self {
        let credentials = credentials.map(|credentials| Granted { credentials, until: FOREVER });
        let learnt = Mutex::new(Learnt { credentials, ..Learnt::default() });
        Self { registry, login, token_hosts, learnt }
    }

    /// Sends a request to the registry with what is known, and once more after a challenge. The
    /// second answer is final, whatever it is, unless credentials that end were refused: then others
    /// are got, once.
    pub(super) async fn attempt(
        &self,
        client: &Client,
        request: &Request,
        scope: &Scope,
    ) -> Result<Response, FetchError> {
        self.sign_in(client, false).await?;
        let times = self.learnt().times;
        let mut answer = self.challenged(client, request, scope).await;
        if self.login.is_some() && is_refused(&answer) {
            let now = client.environment().clock.now();
            // Whoever was refused at the same time may have got others already.
            let others = self.learnt().times != times;
            if !others && self.may_be_over(now) {
                self.sign_in(client, true).await?;
            }
            if others || self.learnt().times != times {
                answer = self.challenged(client, request, scope).await;
            }
        }
        let mut response = answer?;
        // Being refused with an anonymous token means that credentials are needed, not wrong.
        response.authorized &= self.learnt().credentials.is_some();
        Ok(response)
    }

    /// Gets credentials that end, when there are none, they are over, or with `anew`.
    async fn sign_in(&self, client: &Client, anew: bool) -> Result<(), FetchError> {
        let Some(login) = &self.login else { return Ok(()) };
        let now = client.environment().clock.now();
        if !anew && self.learnt().credentials.as_ref().is_some_and(|granted| granted.is_good(now)) {
            return Ok(());
        }
        let granted = login.credentials(anew).await?;
        let mut learnt = self.learnt();
        // What was learnt with others says nothing of these.
        *learnt = Learnt {
            credentials: Some(granted),
            since: now,
            times: learnt.times.saturating_add(1),
            ..Learnt::default()
        };
        Ok(())
    }

    /// Whether what is refused now may have been good once.
    fn may_be_over(&self, now: Millis) -> bool {
        now.saturating_sub(self.learnt().since) >= FRESH
    }

    /// The name and password to send, if there are any.
    fn basic(&self) -> Option<HeaderValue> {
        self.learnt().credentials.as_ref().and_then(|granted| basic(&granted.credentials))
    }

    async fn challenged(
        &self,
        client: &Client,
        request: &Request,
        scope: &Scope,
    ) -> Result<Response, FetchError> {
        if request.url.origin() != self.registry.origin() {
            return Err(FetchError::BadUrl { url: show(&request.url), why: "it is not at the registry" });
        }
        let mut request = request.clone();
        request.authorization = self.known(scope, client.environment().clock.as_ref());
        let response = client.attempt(&request).await?;
        let ours = response.url.origin() == self.registry.origin();
        if response.status() != StatusCode::UNAUTHORIZED || !ours {
            return Ok(response);
        }
        let answer = match challenge::best(response.headers(&header::WWW_AUTHENTICATE)) {
            Some(Challenge::Bearer { realm, service, scope: challenged }) => {
                let query =
                    TokenQuery { realm: &realm, service: &service, scope: scope.request(&challenged) };
                Some(self.fetch_token(client, query, scope).await?)
            }
            Some(Challenge::Basic) if !response.authorized => self.begin_basic(),
            Some(Challenge::Basic) | None => None,
        };
        if answer.is_none() {
            return Ok(response);
        }
        request.authorization = answer;
        client.attempt(&request).await
    }

    /// The header for a request, from what was learnt before.
    fn known(&self, scope: &Scope, clock: &dyn Clock) -> Option<HeaderValue> {
        let learnt = self.learnt();
        if learnt.basic {
            return learnt.credentials.as_ref().and_then(|granted| basic(&granted.credentials));
        }
        learnt.tokens.get(scope).filter(|t| clock.now() < t.until).map(|t| t.value.clone())
    }

    fn begin_basic(&self) -> Option<HeaderValue> {
        self.learnt().basic = true;
        self.basic()
    }

    async fn fetch_token(
        &self,
        client: &Client,
        query: TokenQuery<'_>,
        scope: &Scope,
    ) -> Result<HeaderValue, FetchError> {
        let mut request = self.token_request(&query)?;
        let what = format!("token service at {}", show(&request.url));
        let now = client.environment().clock.now();
        let mut response = client.attempt(&request).await?;
        // A form holds a refresh token; OAuth says 400 for one that is over.
        let form = request.body.take().is_some();
        response.authorized |= form;
        if form && response.status() == StatusCode::BAD_REQUEST {
            let url = show(&response.url);
            return Err(FetchError::CredentialsRefused { url, detail: String::new() });
        }
        let response = response.require(StatusCode::OK, &what).await?;
        let body = response.bytes(&what, MAX_TOKEN).await?;
        // The parser's message may quote the document, so it is left out.
        let document: TokenDocument = serde_json::from_slice(&body)
            .map_err(|_| FetchError::malformed(&what, "its answer is not a token"))?;
        let text = document.token.or(document.access_token).filter(|t| !t.is_empty());
        let value = text
            .and_then(|t| HeaderValue::from_str(&format!("Bearer {t}")).ok())
            .map(sensitive)
            .ok_or_else(|| FetchError::malformed(&what, "its answer has no token"))?;
        let life = document.expires_in.unwrap_or(DEFAULT_LIFE).min(MAX_LIFE);
        let until = now.saturating_add_unsigned(life.saturating_mul(1000)).saturating_sub(MARGIN);
        self.remember(scope, Token { value: value.clone(), until }, now);
        Ok(value)
    }

    fn remember(&self, scope: &Scope, token: Token, now: Millis) {
        let mut learnt = self.learnt();
        if learnt.tokens.len() >= MAX_TOKENS {
            learnt.tokens.retain(|_, t| now < t.until);
        }
        if learnt.tokens.len() >= MAX_TOKENS {
            learnt.tokens.clear();
        }
        learnt.tokens.insert(scope.clone(), token);
    }

    /// What asks for a token: a question with name and password, or a form with a refresh token.
    fn token_request(&self, query: &TokenQuery<'_>) -> Result<Request, FetchError> {
        let refresh = {
            let learnt = self.learnt();
            let own = learnt.credentials.as_ref().map(|granted| &granted.credentials);
            own.filter(|own| own.user == REFRESH_TOKEN_USER).map(|own| own.secret.clone())
        };
        let Some(token) = refresh else {
            let mut request = Request::get(self.token_address(query)?);
            request.authorization = self.basic();
            return Ok(request);
        };
        let mut form =
            vec![("grant_type", "refresh_token"), ("client_id", "parapet"), ("service", query.service)];
        form.extend(query.scope.as_deref().map(|scope| ("scope", scope)));
        form.push(("refresh_token", &token));
        let mut url = self.token_address(query)?;
        url.set_query(None);
        Ok(Request::form(Method::POST, url, &form))
    }

    /// The address to ask for a token, when the realm may be asked at all.
    fn token_address(&self, query: &TokenQuery<'_>) -> Result<Url, FetchError> {
        let registry = || show(&self.registry);
        let mut url = Url::parse(query.realm).map_err(|_| {
            FetchError::malformed(
                format!("the token service's address of {}", registry()),
                "it is no address",
            )
        })?;
        if self.registry.scheme() == "https" && url.scheme() != "https" {
            return Err(FetchError::InsecureTokenService { registry: registry(), realm: show(&url) });
        }
        if !self.may_ask(&url) {
            let realm = url.host_str().unwrap_or_default().to_owned();
            return Err(FetchError::ForeignTokenService { registry: registry(), realm });
        }
        {
            let mut pairs = url.query_pairs_mut();
            if !query.service.is_empty() {
                pairs.append_pair("service", query.service);
            }
            if let Some(scope) = &query.scope {
                pairs.append_pair("scope", scope);
            }
        }
        Ok(url)
    }

    fn may_ask(&self, realm: &Url) -> bool {
        let Some(host) = realm.host_str() else { return false };
        let listed = self.token_hosts.iter().any(|entry| {
            match (entry.rsplit_once(':'), realm.port_or_known_default()) {
                (Some((name, port)), Some(actual)) if port.parse() == Ok(actual) => {
                    name.eq_ignore_ascii_case(host)
                }
                _ => entry.eq_ignore_ascii_case(host),
            }
        });
        listed || same_site(self.registry.host(), realm.host())
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct TokenQuery<'a> {
    realm: &'a str,
    service: &'a str,
    scope: Option<String>,
}

/// Whether an answer says that credentials were sent and not taken.
fn is_refused(answer: &Result<Response, FetchError>) -> bool {
    match answer {
        Ok(response) => {
            response.authorized
                && matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        }
        Err(error) => matches!(error, FetchError::CredentialsRefused { .. } | FetchError::Forbidden { .. }),
    }
}

/// Whether two hosts are the same or one is a domain under the other. Sisters under a common parent
/// are not enough: whether that parent is one owner's or a public suffix cannot be told from names.
fn same_site(a: Option<Host<&str>>, b: Option<Host<&str>>) -> bool {
    match (a, b) {
        (Some(Host::Domain(a)), Some(Host::Domain(b))) => {
            let under = |long: &str, short: &str| {
                short.contains('.') && long.strip_suffix(short).is_some_and(|front| front.ends_with('.'))
            };
            a == b || under(a, b) || under(b, a)
        }
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// `Basic` of RFC 7617; `None` for a name with a colon, which it cannot carry.
fn basic(credentials: &Credentials) -> Option<HeaderValue> {
    let Credentials { user, secret } = credentials;
    if user.contains(':') {
        return None;
    }
    let encoded = STANDARD.encode(format!("{user}:{secret}"));
    HeaderValue::from_str(&format!("Basic {encoded}")).ok().map(sensitive)
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(registry: &str, listed: &[&str]) -> Auth {
        let hosts = listed.iter().map(|&h| h.to_owned()).collect();
        Auth::new(registry.parse().unwrap(), None, None, hosts)
    }

    fn asks(registry: &str, realm: &str, listed: &[&str]) -> bool {
        let query = TokenQuery { realm, service: "", scope: None };
        auth(registry, listed).token_address(&query).is_ok()
    }

    #[test]
    fn token_services_are_of_the_same_site_or_listed() {
        assert!(asks("https://r.example.org/", "https://r.example.org/token", &[]));
        assert!(asks("http://127.0.0.1:5000/", "http://127.0.0.1:5001/token", &[]));
        assert!(asks("https://registry.gitlab.example/", "https://gitlab.example/jwt/auth", &[]));
        assert!(asks("https://example.org/", "https://auth.example.org/", &[]));
        assert!(asks("https://r.example.org/", "https://tokens.example/", &["Tokens.example"]));
        assert!(asks("https://r.example.org/", "https://tokens.example:444/", &["tokens.example:444"]));

        assert!(!asks("https://r.example.org/", "https://auth.example.org/", &[]));
        assert!(!asks("https://r.example.org/", "https://tokens.example/", &["tokens.example:444"]));
        assert!(!asks("https://r.example.org/", "https://evil-r.example.org/", &[]));
        assert!(!asks("https://example.org/", "https://org/", &[]));
        assert!(!asks("https://10.0.0.1/", "https://0.0.1/", &[]));
        assert!(!asks("https://r.example.org/", "http://r.example.org/token", &[]));
        assert!(!asks("https://r.example.org/", "not an address", &[]));
    }

    #[test]
    fn only_reading_the_same_thing_is_asked_for() {
        let scope = Scope::Repository("a/b".to_owned());
        let asked = |challenged| scope.request(challenged).unwrap();
        assert_eq!(asked(""), "repository:a/b:pull");
        assert_eq!(asked("repository:a/b:pull,push"), "repository:a/b:pull");
        assert_eq!(asked("repository:a/b:metadata_read"), "repository:a/b:metadata_read");
        assert_eq!(asked("repository:x/y:pull repository:a/b:delete"), "repository:a/b:pull");
        assert_eq!(Scope::Catalog.request("registry:catalog:*").unwrap(), "registry:catalog:*");
        assert_eq!(Scope::None.request("repository:a/b:pull"), None);
    }

    #[test]
    fn the_store_of_tokens_is_bounded() {
        let auth = auth("https://r.example/", &[]);
        for n in 0..3000 {
            let token = Token { value: HeaderValue::from_static("Bearer t"), until: 1000 };
            auth.remember(&Scope::Repository(n.to_string()), token, 0);
        }
        assert!(auth.learnt().tokens.len() <= MAX_TOKENS);
    }
}
