//! Azure's registry beside the distribution protocol: an application gets a token of the directory,
//! and the registry exchanges it for a refresh token of its own, which its token service then takes
//! (`registry/auth.rs`).
//!
//! Only an application whose tenant is known can do this. Without one, its id and secret are name and
//! password at the registry's token service, which Azure allows too; that needs nothing of this file.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parapet_model::Millis;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::client::Client;
use crate::error::{FetchError, show};
use crate::exchange::Request;
use crate::login::{Granted, REFRESH_TOKEN_USER};
use crate::registry::Credentials;

/// Where applications sign in when nothing else is said.
const DIRECTORY: &str = "https://login.microsoftonline.com";
/// What the directory's token is for.
const SCOPE: &str = "https://containerregistry.azure.net/.default";
/// Longest answer, in bytes.
const MAX_ANSWER: u64 = 256 * 1024;
/// Life of a refresh token that does not say, in milliseconds.
const LIFE: Millis = 3 * 3_600_000;

/// An application, and the registry it may read.
#[derive(Clone)]
pub struct AcrOptions {
    /// `http(s)://host[:port]` of the registry.
    pub registry: String,
    /// The directory that knows the application: an id or a domain.
    pub tenant: String,
    /// Id of the application.
    pub application: String,
    /// Its secret.
    pub secret: String,
    /// `http(s)://host[:port]` that stands for the directory's own address.
    pub directory: Option<String>,
}

impl std::fmt::Debug for AcrOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { registry, tenant, application, .. } = self;
        let mut shown = f.debug_struct("AcrOptions");
        shown.field("registry", registry).field("tenant", tenant).field("application", application);
        shown.finish_non_exhaustive()
    }
}

/// Azure's side of a registry.
#[derive(Debug, Clone)]
pub struct Acr {
    client: Client,
    directory: Url,
    exchange: Url,
    options: AcrOptions,
}

#[derive(Deserialize)]
struct DirectoryToken {
    access_token: String,
}

#[derive(Deserialize)]
struct RefreshToken {
    refresh_token: String,
}

impl Acr {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`] for addresses or a tenant that cannot be.
    pub fn new(client: &Client, options: AcrOptions) -> Result<Self, FetchError> {
        let bad = |url: &str, why| FetchError::BadUrl { url: url.to_owned(), why };
        let tenant = options.tenant.as_str();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if tenant.is_empty() || tenant.len() > 128 || !tenant.chars().all(plain) || tenant.starts_with('.') {
            return Err(bad(tenant, "it is no directory of Azure's"));
        }
        let base = options.directory.as_deref().unwrap_or(DIRECTORY).trim_end_matches('/');
        let directory = format!("{base}/{tenant}/oauth2/v2.0/token");
        let directory = Url::parse(&directory).map_err(|_| bad(base, "it is not an address"))?;
        let registry = if options.registry.contains("://") {
            options.registry.clone()
        } else {
            format!("https://{}", options.registry)
        };
        let exchange = Url::parse(&registry).and_then(|url| url.join("/oauth2/exchange"));
        let exchange = exchange.map_err(|_| bad(&registry, "it is not an address"))?;
        Ok(Self { client: client.clone(), directory, exchange, options })
    }

    /// A refresh token of the registry.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::CredentialsRefused`] when the directory does not know the
    /// application or its secret, [`FetchError::Forbidden`] when it may not read the registry.
    pub async fn refresh_token(&self) -> Result<Granted, FetchError> {
        let AcrOptions { tenant, application, secret, .. } = &self.options;
        let asked = [
            ("grant_type", "client_credentials"),
            ("client_id", application.as_str()),
            ("client_secret", secret),
            ("scope", SCOPE),
        ];
        let access: DirectoryToken = self.ask(&self.directory, &asked).await?;
        let service = match (self.exchange.host_str().unwrap_or_default(), self.exchange.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let asked = [
            ("grant_type", "access_token"),
            ("service", service.as_str()),
            ("tenant", tenant),
            ("access_token", &access.access_token),
        ];
        let now = self.client.environment().clock.now();
        let refresh: RefreshToken = self.ask(&self.exchange, &asked).await?;
        let until = end_of(&refresh.refresh_token).unwrap_or(now.saturating_add(LIFE));
        let credentials = Credentials { user: REFRESH_TOKEN_USER.to_owned(), secret: refresh.refresh_token };
        Ok(Granted { credentials, until })
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        url: &Url,
        form: &[(&str, &str)],
    ) -> Result<T, FetchError> {
        let request = Request::form(Method::POST, url.clone(), form);
        let what = format!("token service at {}", show(url));
        let body = self
            .client
            .with_retries(async || {
                let mut response = self.client.attempt(&request).await?;
                response.authorized = true;
                // OAuth says 400 or 401 for who is not known.
                if response.status() == StatusCode::BAD_REQUEST {
                    return Err(FetchError::CredentialsRefused { url: show(url), detail: String::new() });
                }
                response.require(StatusCode::OK, &what).await?.bytes(&what, MAX_ANSWER).await
            })
            .await?;
        // The parser's message may quote the token, so it is left out.
        serde_json::from_slice(&body).map_err(|_| FetchError::malformed(&what, "its answer is not a token"))
    }
}

/// When a token is over by its own words. They are not verified: they only say when to ask again.
fn end_of(token: &str) -> Option<Millis> {
    #[derive(Deserialize)]
    struct Claims {
        exp: Millis,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    claims.exp.checked_mul(1000)
}
