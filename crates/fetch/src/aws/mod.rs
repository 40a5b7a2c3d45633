//! Amazon's registry beside the distribution protocol: taking a role (STS `AssumeRole`), getting the
//! registry's password (ECR `GetAuthorizationToken`), and its own list of repositories
//! (`DescribeRepositories`), for it has no `/v2/_catalog` worth asking.
//!
//! Three calls do not justify Amazon's SDK; what they share is the signature, in `sign`.

mod sign;

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_model::Millis;
use parapet_model::time::parse_instant;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::client::Client;
use crate::error::{FetchError, show};
use crate::exchange::Request;
use crate::login::{Granted, MARGIN};
use crate::registry::Credentials;

/// Longest answer, in bytes.
const MAX_ANSWER: u64 = 8 * 1024 * 1024;
/// Most pages of repositories, of up to a thousand each.
const MAX_PAGES: usize = 1_000;
/// How long a role is taken for, in milliseconds.
const ROLE_LIFE: Millis = 3_600_000;
/// A session younger than this is not over when it is refused.
const FRESH: Millis = 60_000;
/// How ECR's calls are named.
const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const JSON: &str = "application/x-amz-json-1.1";

/// An access key, its secret, and the token of temporary ones.
#[derive(Clone, PartialEq, Eq)]
pub struct AwsKeys {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Session token; `None` for keys that last.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsKeys").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Whose registry is meant, and as whom.
#[derive(Debug, Clone)]
pub struct EcrOptions {
    /// Who we are before we take the role.
    pub keys: AwsKeys,
    /// ARN of the role to take.
    pub role: String,
    /// What the role's owner asks for, or empty.
    pub external_id: String,
    /// Region of the registry.
    pub region: String,
    /// Account that owns the registry; empty for the role's.
    pub account: String,
    /// `http(s)://host[:port]` that stands for all of Amazon's services; `None` for Amazon itself.
    pub endpoint: Option<String>,
}

/// Amazon's side of a registry, in a role that was taken. The role is taken again when it is over.
#[derive(Debug)]
pub struct Ecr {
    client: Client,
    options: EcrOptions,
    session: Mutex<Session>,
}

/// A role while it is taken.
#[derive(Debug, Clone)]
struct Session {
    keys: AwsKeys,
    /// When it was taken.
    since: Millis,
    /// When it is over.
    until: Millis,
}

impl Ecr {
    /// Takes the role.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::Forbidden`] when the role may not be taken.
    pub async fn assume(client: &Client, options: EcrOptions) -> Result<Self, FetchError> {
        let session = Mutex::new(Self::take_role(client, &options).await?);
        Ok(Self { client: client.clone(), options, session })
    }

    async fn take_role(client: &Client, options: &EcrOptions) -> Result<Session, FetchError> {
        let url = service(options, "sts")?;
        let call =
            Call { service: "sts", url, headers: &[("content-type", FORM)], body: assume_role(options) };
        let what = format!("role {}", options.role);
        let since = client.environment().clock.now();
        let answer = call.send(client, &options.keys, &options.region, &what).await?;
        let text = String::from_utf8(answer).map_err(|e| FetchError::malformed(&what, e))?;
        let part = |name: &str| {
            let found = element(&text, name).filter(|value| !value.is_empty());
            found.map(str::to_owned).ok_or_else(|| FetchError::malformed(&what, format!("it has no {name}")))
        };
        let keys = AwsKeys {
            access_key: part("AccessKeyId")?,
            secret_key: part("SecretAccessKey")?,
            session_token: Some(part("SessionToken")?),
        };
        // One that does not say counts as lasting as long as was asked for.
        let until = element(&text, "Expiration").and_then(parse_instant);
        Ok(Session { keys, since, until: until.unwrap_or(since.saturating_add(ROLE_LIFE)) })
    }

    fn session(&self) -> Session {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the role again, for the session at hand is over or no longer taken.
    async fn renew(&self) -> Result<Session, FetchError> {
        let session = Self::take_role(&self.client, &self.options).await?;
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session.clone();
        Ok(session)
    }

    /// The registry's password.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn token(&self) -> Result<Granted, FetchError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            authorization_data: Vec<Data>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            authorization_token: String,
            expires_at: f64,
        }
        let what = "password of Amazon's registry";
        let answer = self.call("GetAuthorizationToken", &json!({}), what).await?;
        // The parser's message may quote the document, so it is left out.
        let wrong = || FetchError::malformed(what, "it is not what was asked for");
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| wrong())?;
        let data = answer.authorization_data.into_iter().next().ok_or_else(wrong)?;
        let decoded = STANDARD.decode(data.authorization_token).ok();
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(wrong)?;
        let (user, secret) = decoded.split_once(':').ok_or_else(wrong)?;
        let credentials = Credentials { user: user.to_owned(), secret: secret.to_owned() };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float saturates, and is no instant then anyway"
        )]
        let until = (data.expires_at * 1000.0) as Millis;
        Ok(Granted { credentials, until })
    }

    /// The names of all repositories.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::Malformed`] when there are more than `limit`.
    pub async fn repositories(&self, limit: usize) -> Result<Vec<String>, FetchError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            #[serde(default)]
            repositories: Vec<Repository>,
            #[serde(default)]
            next_token: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Repository {
            repository_name: String,
        }
        let what = "list of repositories of Amazon's registry";
        let (mut out, mut next) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let mut body = json!({"maxResults": 1000});
            if !self.options.account.is_empty() {
                body["registryId"] = Value::from(self.options.account.as_str());
            }
            if let Some(token) = next {
                body["nextToken"] = Value::from(token);
            }
            let answer = self.call("DescribeRepositories", &body, what).await?;
            let answer: Answer =
                serde_json::from_slice(&answer).map_err(|e| FetchError::malformed(what, e))?;
            out.extend(answer.repositories.into_iter().map(|repository| repository.repository_name));
            if out.len() > limit {
                return Err(FetchError::malformed(what, format!("it has more than {limit} entries")));
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(out);
            }
        }
        Err(FetchError::malformed(what, "its pages go on for ever"))
    }

    async fn call(&self, action: &str, body: &Value, what: &str) -> Result<Vec<u8>, FetchError> {
        let target = format!("{TARGET}.{action}");
        let headers = [("content-type", JSON), ("x-amz-target", target.as_str())];
        let url = service(&self.options, "api.ecr")?;
        let call = Call { service: "ecr", url, headers: &headers, body: body.to_string() };
        let (client, region) = (&self.client, &self.options.region);
        let now = client.environment().clock.now();
        let mut session = self.session();
        if now >= session.until.saturating_sub(MARGIN) && now > session.since {
            session = self.renew().await?;
        }
        match call.send(client, &session.keys, region, what).await {
            // A session that was good once may have ended before its time.
            Err(
                FetchError::UnexpectedStatus { status: StatusCode::BAD_REQUEST, .. }
                | FetchError::Forbidden { .. },
            ) if now.saturating_sub(session.since) >= FRESH => {
                let session = self.renew().await?;
                call.send(client, &session.keys, region, what).await
            }
            answer => answer,
        }
    }
}

/// The form that asks for a role.
fn assume_role(options: &EcrOptions) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", "AssumeRole")
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", &options.role)
        .append_pair("RoleSessionName", "parapet")
        .append_pair("DurationSeconds", "3600");
    if !options.external_id.is_empty() {
        form.append_pair("ExternalId", &options.external_id);
    }
    form.finish()
}

/// Where a service of Amazon's answers.
fn service(options: &EcrOptions, name: &str) -> Result<Url, FetchError> {
    let bad = |url: String, why| FetchError::BadUrl { url, why };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if options.region.is_empty() || !options.region.chars().all(plain) {
        return Err(bad(options.region.clone(), "it is no region of Amazon's"));
    }
    let text = match &options.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => format!("https://{name}.{}.amazonaws.com/", options.region),
    };
    Url::parse(&text).map_err(|_| bad(text, "it is not an address"))
}

/// A call that is still to be signed.
struct Call<'a> {
    service: &'static str,
    url: Url,
    headers: &'a [(&'static str, &'a str)],
    body: String,
}

impl Call<'_> {
    async fn send(
        &self,
        client: &Client,
        keys: &AwsKeys,
        region: &str,
        what: &str,
    ) -> Result<Vec<u8>, FetchError> {
        client
            .with_retries(async || {
                // Signed anew for each attempt: a signature is good for some minutes only.
                let now = client.environment().clock.now();
                let place = sign::Place { region, service: self.service };
                let signed = sign::sign(keys, &place, &self.url, self.headers, self.body.as_bytes(), now);
                let mut headers = HeaderMap::new();
                for (name, value) in &signed {
                    let bad = |_| FetchError::BadUrl { url: show(&self.url), why: "it cannot be signed for" };
                    let mut value = HeaderValue::from_str(value).map_err(|e| bad(e.to_string()))?;
                    value.set_sensitive(*name != "content-type");
                    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| bad(e.to_string()))?;
                    headers.insert(name, value);
                }
                let mut request = Request::get(self.url.clone());
                request.method = Method::POST;
                request.headers = headers;
                request.body = Some(self.body.clone().into_bytes());
                let mut response = client.attempt(&request).await?;
                response.authorized = true;
                response.require(StatusCode::OK, what).await?.bytes(what, MAX_ANSWER).await
            })
            .await
    }
}

/// The text of the first element of that name. Enough for the one answer in XML, whose wanted texts
/// are of an alphabet that XML has no escapes for.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(value, _)| value.trim())
}
