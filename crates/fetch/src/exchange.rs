//! One exchange: guard, redirects, retries. What is sent only reads or asks for credentials, so
//! every attempt may be made again.

use std::error::Error;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::body::Response;
use crate::client::Client;
use crate::error::{FetchError, show};
use crate::names::{AddressRefused, NotResolved};
use crate::retry;

/// Most redirects followed.
const MAX_REDIRECTS: usize = 5;

/// Longest address followed.
const MAX_URL: usize = 16 * 1024;

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Headers for whoever answers in the end.
    pub(crate) headers: HeaderMap,
    /// Credentials for the origin of `url` only.
    pub(crate) authorization: Option<HeaderValue>,
    /// What is sent with it. It may hold secrets, so such a request follows no redirect.
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), authorization: None, body: None }
    }

    /// A form, whose fields may be secrets.
    pub(crate) fn form(method: Method, url: Url, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::sending(method, url, "application/x-www-form-urlencoded", body)
    }

    /// A document, which may hold secrets.
    pub(crate) fn sending(method: Method, url: Url, kind: &'static str, body: String) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Self { method, url, headers, authorization: None, body: Some(body.into_bytes()) }
    }
}

impl Client {
    /// Does `operation`, and again while it fails in a way that may pass, within the retry policy.
    /// What is retried is the whole of it, body included; so `operation` uses [`Self::attempt`].
    pub(crate) async fn with_retries<T, F>(&self, operation: impl Fn() -> F) -> Result<T, FetchError>
    where
        F: Future<Output = Result<T, FetchError>>,
    {
        let mut attempt = 1;
        loop {
            let error = match operation().await {
                Ok(done) => return Ok(done),
                Err(error) if error.is_permanent() || matches!(error, FetchError::Disk(_)) => {
                    return Err(error);
                }
                Err(error) => error,
            };
            let Some(wait) = self.options().retry.wait_after(attempt, error.retry_after()) else {
                return Err(error);
            };
            tracing::debug!(attempt, %error, wait_ms = wait.as_millis(), "trying again");
            self.environment().pause.pause(wait).await;
            attempt += 1;
        }
    }

    /// Sends once and follows redirects. Answers with any status that is neither a redirect to be
    /// followed nor one that may pass; those are errors, for [`Self::with_retries`] to judge.
    pub(crate) async fn attempt(&self, request: &Request) -> Result<Response, FetchError> {
        let response = self.follow(request).await?;
        if retry::is_transient(response.status()) {
            return Err(response.into_error("").await);
        }
        Ok(response)
    }

    async fn follow(&self, request: &Request) -> Result<Response, FetchError> {
        let mut url = request.url.clone();
        let mut authorization = request.authorization.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let response = self.once(request, &url, authorization.as_ref()).await?;
            let Some(target) = redirect_target(&response, &url)? else {
                return Ok(response);
            };
            if request.body.is_some() {
                let (url, target) = (show(&url), show(&target));
                return Err(FetchError::BadRedirect { url, target, why: "what was sent goes nowhere else" });
            }
            if target.origin() != url.origin() {
                authorization = None;
            }
            url = target;
        }
        Err(FetchError::RedirectsForever { url: show(&request.url), hops: MAX_REDIRECTS })
    }

    async fn once(
        &self,
        request: &Request,
        url: &Url,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, FetchError> {
        let mut call = self
            .http()?
            .request(request.method.clone(), url.clone())
            .headers(request.headers.clone())
            // Digests are over the bytes as stored, so nothing may be packed for the way.
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(value) = authorization {
            call = call.header(header::AUTHORIZATION, value.clone());
        }
        if let Some(body) = &request.body {
            call = call.body(body.clone());
        }
        let response = call.send().await.map_err(|error| transport_error(url, error))?;
        let said = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let now = self.environment().clock.now();
        let retry_after = said("retry-after")
            .and_then(|value| retry::parse_retry_after(value, now))
            // Docker Hub says an instant, in seconds.
            .or_else(|| said("x-retry-after").and_then(|value| retry::parse_retry_instant(value, now)));
        Ok(Response::new(response, url.clone(), authorization.is_some(), retry_after))
    }
}

/// Where a redirect leads, or `None` when the response is none. 304 and 300 are answers.
fn redirect_target(response: &Response, from: &Url) -> Result<Option<Url>, FetchError> {
    let follow = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !follow {
        return Ok(None);
    }
    let bad = |target: String, why| FetchError::BadRedirect { url: show(from), target, why };
    let Some(location) = response.header(&header::LOCATION) else {
        return Err(bad("nowhere".to_owned(), "it does not say where to"));
    };
    if location.len() > MAX_URL {
        return Err(bad("a very long address".to_owned(), "it is too long"));
    }
    let Ok(target) = from.join(location) else {
        return Err(bad("an address".to_owned(), "it cannot be understood"));
    };
    if from.scheme() == "https" && target.scheme() != "https" {
        return Err(bad(show(&target), "that connection would not be secure"));
    }
    Ok(Some(target))
}

/// Turns the HTTP library's error into ours by what is underneath.
pub(crate) fn transport_error(url: &Url, error: reqwest::Error) -> FetchError {
    let shown = show(url);
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    let mut deepest = String::new();
    while let Some(found) = cause {
        if let Some(AddressRefused { host, address, kind }) = found.downcast_ref() {
            return FetchError::ForbiddenAddress { host: host.clone(), address: *address, kind };
        }
        if let Some(NotResolved { host, why }) = found.downcast_ref() {
            return FetchError::Resolve { host: host.clone(), why: why.clone() };
        }
        if let Some(tls) = found.downcast_ref() {
            return FetchError::Tls { url: shown, why: explain_tls(tls) };
        }
        deepest = found.to_string();
        cause = underneath(found);
    }
    if error.is_timeout() {
        FetchError::Timeout { url: shown }
    } else if error.is_connect() {
        FetchError::Connect { url: shown, why: deepest }
    } else if error.is_builder() {
        FetchError::BadUrl { url: shown, why: "no request can be made of it" }
    } else {
        FetchError::Interrupted { url: shown, why: deepest }
    }
}

/// The cause of an error. An I/O error made of another error names that one's cause as its own, and
/// so hides the error itself.
fn underneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn explain_tls(error: &rustls::Error) -> String {
    use rustls::CertificateError;
    match error {
        rustls::Error::InvalidMessage(_) => {
            "it does not speak TLS on that port; if plain HTTP is meant, say http:// and allow it".to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is from an authority that is not trusted; give the authority's certificate"
                .to_owned()
        }
        other => other.to_string(),
    }
}
