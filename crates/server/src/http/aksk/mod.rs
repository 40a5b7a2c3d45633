//! Requests signed with a key pair (AK/SK), as the cloud SDKs of the HSS family sign them:
//! `SDK-HMAC-SHA256` (contract `huawei-hss` 7.3).
//!
//! Everything that needs no body is checked before the body is read: date, key, project. The same
//! *read* may come again while its signature holds, because real clients ask twice in one second
//! with the same bytes; the same *write* is done once and answered twice.

mod canonical;
mod header;
#[cfg(test)]
mod tests;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header as names};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parapet_model::time::format_rfc3339;
use parapet_model::{Digest, Millis};
use parapet_service::{SignedIn, SignedWrite, SigningError, SigningKey};
use parapet_store::accounts::Reply;

use super::auth::{self, Caller, Gate};
use super::body;
use super::hss::HssError;
#[cfg(test)]
pub(crate) use canonical::strings_to_sign;
pub(crate) use header::Signature;

/// How far the signer's clock may be off, to either side.
const WINDOW: Millis = 15 * 60 * 1000;
/// Longest answer that is kept for a write that comes again.
const MAX_REPLY: usize = 1 << 20;

/// Whether a request says to be signed with any of the schemes that the SDKs know. Anything else in
/// `Authorization` leaves the token to decide: scripts preset a dummy to switch signing off.
pub(crate) fn is_signed(headers: &HeaderMap) -> bool {
    headers.get(names::AUTHORIZATION).is_some_and(|value| header::is_signature(value.as_bytes()))
}

/// Runs the handler for whoever signed.
pub(super) async fn check(gate: &Gate, request: Request, next: Next) -> Response {
    match verified(gate, request).await {
        Ok((signed_in, signature, request)) => admit(gate, signed_in, &signature, request, next).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Who signed, and the request with its body read.
async fn verified(gate: &Gate, request: Request) -> Result<(SignedIn, Signature, Request), HssError> {
    let (parts, content) = request.into_parts();
    let refuse = |why: &str| HssError::unauthenticated(why);
    let signature = Signature::of(&parts.headers).map_err(|why| refuse(&why))?;
    in_time(signature.date, gate.state.app.now()).map_err(|why| refuse(&why))?;
    let key = key(gate, &parts, &signature).await?;
    of_project(&parts, &key)?;
    let content = body::read(&parts.headers, content).await.map_err(|status| {
        HssError::refused(status, format!("the body is larger than {} bytes", body::MAX_BODY))
    })?;
    let texts = canonical::strings_to_sign(&parts, &signature, &content).map_err(|why| refuse(&why))?;
    let accounts = gate.state.app.accounts();
    let signed_in = accounts.by_signature(key, &texts, &signature.value);
    let signed_in = signed_in.ok_or_else(|| refuse("verify aksk signature fail"))?;
    Ok((signed_in, signature, Request::from_parts(parts, Body::from(content))))
}

/// Whether a signature of that date holds now.
fn in_time(date: Millis, now: Millis) -> Result<(), String> {
    if (now - date).abs() <= WINDOW {
        return Ok(());
    }
    let (date, now) = (format_rfc3339(date), format_rfc3339(now));
    Err(format!("calc aksk signature fail:signature expired, signature time:{date},server time:{now}"))
}

async fn key(gate: &Gate, parts: &Parts, signature: &Signature) -> Result<SigningKey, HssError> {
    let access_key = &signature.access_key;
    let found = gate.state.app.accounts().signing_key(access_key, signature.security_token(parts)).await;
    found.map_err(|error| match error {
        SigningError::UnknownKey => HssError::unauthenticated(&format!("ak {access_key} not exist")),
        SigningError::SecurityToken => HssError::unauthenticated("decrypt token fail"),
        SigningError::Throttled => HssError::unauthenticated("AK access failed to reach the limit,forbidden"),
        SigningError::Failed(error) => error.into(),
    })
}

/// A key acts in its own project: the one of the path and of `X-Project-Id` must be that. A path
/// without a project id in it is the handler's to refuse.
fn of_project(parts: &Parts, key: &SigningKey) -> Result<(), HssError> {
    let own = key.claimed().project.as_ref().map_or("", |project| project.id.as_str());
    let of_path = parts.uri.path().strip_prefix("/v5/").and_then(|rest| rest.split('/').next());
    let of_header = parts.headers.get("x-project-id").map(HeaderValue::as_bytes);
    let plain = |id: &&[u8]| id.iter().all(u8::is_ascii_alphanumeric);
    let named = of_path.map(str::as_bytes).filter(plain).into_iter().chain(of_header);
    if named.into_iter().all(|id| id == own.as_bytes()) {
        return Ok(());
    }
    Err(HssError::forbidden("The key gives no rights on this project".to_owned()))
}

/// Lets a request in: a read as often as it comes, a write once.
async fn admit(
    gate: &Gate,
    signed_in: SignedIn,
    signature: &Signature,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(permission) = auth::missing(gate, &signed_in) {
        return HssError::from(parapet_service::Error::Forbidden(permission)).into_response();
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let who = signed_in.principal.clone();
    request.extensions_mut().insert(Caller(signed_in));
    if reads {
        return next.run(request).await;
    }
    let accounts = gate.state.app.accounts();
    match accounts.signed_write(&who, signature.identity()).await {
        Ok(SignedWrite::First(claim)) => {
            let (response, reply) = kept(next.run(request).await).await;
            if let Err(error) = accounts.answered(claim, &reply).await {
                // The request is done; who sends it again is told that its outcome is not known.
                tracing::error!(%error, "the answer of a signed request could not be kept");
            }
            response
        }
        Ok(SignedWrite::Done(reply)) => again(reply),
        Ok(SignedWrite::Unknown) => HssError::outcome_unknown().into_response(),
        Err(error) => HssError::from(error).into_response(),
    }
}

/// An answer, and what is kept of it.
async fn kept(response: Response) -> (Response, Reply) {
    let (parts, content) = response.into_parts();
    let Ok(content) = axum::body::to_bytes(content, MAX_REPLY).await else {
        let response = HssError::outcome_unknown().into_response();
        let status = response.status().as_u16();
        return (response, Reply { status, content_type: String::new(), body: Vec::new() });
    };
    let content_type = parts.headers.get(names::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let reply = Reply {
        status: parts.status.as_u16(),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: content.to_vec(),
    };
    (Response::from_parts(parts, Body::from(content)), reply)
}

/// The first answer once more.
fn again(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    if let Ok(value) = HeaderValue::from_str(&reply.content_type)
        && !value.is_empty()
    {
        response.headers_mut().insert(names::CONTENT_TYPE, value);
    }
    response
}

impl Signature {
    /// The token of a temporary key.
    fn security_token<'p>(&self, parts: &'p Parts) -> Option<&'p str> {
        parts.headers.get("x-security-token").and_then(|value| value.to_str().ok())
    }

    /// What tells this request from every other one: the signature covers all of it.
    fn identity(&self) -> Digest {
        let mut text = self.access_key.clone().into_bytes();
        text.push(b'\n');
        text.extend(&self.value);
        Digest::of(&text)
    }
}
