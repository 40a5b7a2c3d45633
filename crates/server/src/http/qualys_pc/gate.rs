//! What runs before and after every handler of the family: counting calls, signing in by Basic or by
//! session, `X-Requested-With`, the right of the route; then the headers clients look at, and the
//! document of an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parapet_service::SignedIn;

use super::answer;
use super::called::Called;
use super::error::{Code, PcError};
use crate::http::auth::{Caller, Gate, basic, missing};
use crate::http::route::Access;

/// Calls answered at once. There is no limit of calls per hour; the headers say a large one, because
/// clients wait or repeat themselves when what is left looks small (contract 3.4).
const MOST_AT_ONCE: usize = 100;
/// Name of the session cookie.
pub(super) const COOKIE: &str = "QualysSession";

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const WINDOW_SEC: HeaderName = HeaderName::from_static("x-ratelimit-window-sec");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const TO_WAIT: HeaderName = HeaderName::from_static("x-ratelimit-towait-sec");
const AT_ONCE: HeaderName = HeaderName::from_static("x-concurrency-limit-limit");
const RUNNING: HeaderName = HeaderName::from_static("x-concurrency-limit-running");

/// How many calls of the family are being answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

/// One call being answered.
#[derive(Debug)]
struct Running {
    calls: Calls,
    /// With this one.
    count: usize,
}

impl Calls {
    fn begin(&self) -> Running {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Running { calls: self.clone(), count }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.calls.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The check of this family.
pub(crate) async fn check(gate: &Gate, request: Request, next: Next) -> Response {
    let called = request.extensions().get::<Called>().cloned();
    let called = called.unwrap_or_else(|| Called::of(request.uri(), request.headers()));
    let path = request.uri().path().to_owned();
    let running = gate.state.pc_calls.begin();
    let response = match admit(gate, request, &running).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    let now = gate.state.app.now();
    let error = response.extensions().get::<PcError>().cloned();
    let mut response = match &error {
        Some(error) if path.starts_with("/msp/") => answer::v1_refusal(error),
        Some(error) => answer::refusal(&called, now, error),
        None => response,
    };
    if !path.starts_with("/api/2.0/fo/session") {
        tell(response.headers_mut(), running.count, error.and_then(|error| error.wait));
    }
    response
}

async fn admit(gate: &Gate, mut request: Request, running: &Running) -> Result<Request, PcError> {
    if gate.access == Access::Open {
        return Ok(request);
    }
    if running.count > MOST_AT_ONCE {
        let text =
            format!("This API cannot be run again until {} calls are done.", running.count - MOST_AT_ONCE);
        return Err(PcError::new(Code::Concurrency, text));
    }
    let v1 = request.uri().path().starts_with("/msp/");
    let signed_in = authenticate(gate, request.headers(), v1).await?;
    if !v1 {
        needs_requested_with(request.headers())?;
    }
    if missing(gate, &signed_in).is_some() {
        return Err(PcError::forbidden());
    }
    request.extensions_mut().insert(Caller(signed_in));
    Ok(request)
}

/// Refuses a call that a page of somebody else's could have made.
pub(super) fn needs_requested_with(headers: &HeaderMap) -> Result<(), PcError> {
    match headers.contains_key("x-requested-with") {
        true => Ok(()),
        false => Err(PcError::new(Code::MissingParameter, "Missing required header: X-Requested-With")),
    }
}

async fn authenticate(gate: &Gate, headers: &HeaderMap, v1: bool) -> Result<SignedIn, PcError> {
    let accounts = gate.state.app.accounts();
    if let Some((name, password)) = basic(headers) {
        return Ok(accounts.sign_in(&name, password).await?);
    }
    match session_cookie(headers) {
        Some(_) if v1 => Err(PcError::new(Code::BasicNeeded, "This API needs Basic authentication")),
        Some(session) => Ok(accounts.by_session(session).await?),
        None => Err(PcError::new(Code::BadLogin, "Bad Login/Password")),
    }
}

/// The session that the client shows.
pub(super) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

fn tell(headers: &mut HeaderMap, running: usize, wait: Option<u64>) {
    headers.insert(LIMIT, HeaderValue::from(1_000_000));
    headers.insert(WINDOW_SEC, HeaderValue::from(3600));
    headers.insert(REMAINING, HeaderValue::from(999_999));
    headers.insert(TO_WAIT, HeaderValue::from(wait.unwrap_or_default()));
    headers.insert(AT_ONCE, HeaderValue::from(MOST_AT_ONCE));
    headers.insert(RUNNING, HeaderValue::from(running));
}

/// An error outside the route table.
pub(crate) fn outside(request: &Request, now: parapet_model::Millis, error: &PcError) -> Response {
    let called = request.extensions().get::<Called>().cloned();
    let called = called.unwrap_or_else(|| Called::of(request.uri(), request.headers()));
    answer::refusal(&called, now, error)
}
