//! Google's registries beside the distribution protocol: the key of a service account signs a
//! statement (RFC 7523), for which Google's token service gives an access token of an hour. So the
//! key itself is sent to nobody.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parapet_model::Millis;
use reqwest::{Method, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::client::Client;
use crate::error::{FetchError, show};
use crate::exchange::Request;
use crate::login::Granted;
use crate::registry::Credentials;

/// With this name an access token is the password.
const TOKEN_USER: &str = "oauth2accesstoken";
/// What the token may do: read.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform.read-only";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long a statement holds, in seconds.
const LIFE: Millis = 3600;
/// Longest answer, in bytes.
const MAX_ANSWER: u64 = 256 * 1024;

/// The key of a service account, as Google writes it to a file.
#[derive(Clone, Deserialize)]
pub struct ServiceAccount {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    token_uri: String,
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").field("client_email", &self.client_email).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct AccessToken {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u32>,
}

impl ServiceAccount {
    /// Reads a key file; `None` when it has no key that can sign, or does not say where to.
    pub fn parse(text: &str) -> Option<Self> {
        let account: Self = serde_json::from_str(text).ok()?;
        let secure = Url::parse(&account.token_uri).is_ok_and(|url| url.scheme() == "https");
        (secure && account.key().is_some()).then_some(account)
    }

    fn key(&self) -> Option<RsaKeyPair> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.private_key.as_bytes()).ok()?;
        RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()
    }

    /// An access token, as a password for the registry. `token_url` stands for the address that the
    /// key names.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::CredentialsRefused`] when the key is not taken.
    pub async fn access_token(
        &self,
        client: &Client,
        token_url: Option<&str>,
    ) -> Result<Granted, FetchError> {
        let address = token_url.unwrap_or(&self.token_uri);
        let bad = |why| FetchError::BadUrl { url: address.to_owned(), why };
        let url = Url::parse(address).map_err(|_| bad("it is not an address"))?;
        let what = format!("token service at {}", show(&url));
        let body = client
            .with_retries(async || {
                let statement = self.statement(client.environment().clock.now())?;
                let form = [("grant_type", GRANT), ("assertion", statement.as_str())];
                let request = Request::form(Method::POST, url.clone(), &form);
                let mut response = client.attempt(&request).await?;
                response.authorized = true;
                if response.status() == StatusCode::BAD_REQUEST {
                    return Err(FetchError::CredentialsRefused { url: show(&url), detail: String::new() });
                }
                response.require(StatusCode::OK, &what).await?.bytes(&what, MAX_ANSWER).await
            })
            .await?;
        // The parser's message may quote the token, so it is left out.
        let token: AccessToken = serde_json::from_slice(&body)
            .map_err(|_| FetchError::malformed(&what, "its answer is not a token"))?;
        let now = client.environment().clock.now();
        let life = token.expires_in.map_or(LIFE, Millis::from);
        let credentials = Credentials { user: TOKEN_USER.to_owned(), secret: token.access_token };
        Ok(Granted { credentials, until: now.saturating_add(life.saturating_mul(1000)) })
    }

    /// The signed statement of who asks for what. It is made for the address that the key names,
    /// wherever it is sent.
    fn statement(&self, now: Millis) -> Result<String, FetchError> {
        let unusable = || FetchError::BadOption {
            what: "the key of the service account",
            why: "it cannot sign".to_owned(),
        };
        let key = self.key().ok_or_else(unusable)?;
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let issued = now / 1000;
        let header = part(json!({"alg": "RS256", "typ": "JWT", "kid": self.private_key_id}));
        let claims = part(json!({
            "iss": self.client_email, "scope": SCOPE, "aud": self.token_uri, "iat": issued, "exp": issued + LIFE,
        }));
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| unusable())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
