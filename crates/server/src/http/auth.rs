//! Who is asking, and whether they may: run before every handler.
//!
//! | family | credentials |
//! |---|---|
//! | native | `Authorization: Basic`, or `X-Auth-Token` |
//! | HSS | `X-Auth-Token` from the identity family; a token of another project fails |
//! | identity | `X-Auth-Token` |

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_model::Principal;
use parapet_service::{Error, SignedIn};
use parapet_store::seal::Secret;

use super::hss::HssError;
use super::keystone::KeystoneError;
use super::native::ApiError;
use super::route::{Access, Family};
use super::state::AppState;

/// What one route demands.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) state: AppState,
    pub(crate) family: Family,
    pub(crate) access: Access,
}

/// The caller of a route that is not open. Extracting it in the handler of an open route is a
/// defect and answers 500.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) SignedIn);

impl Caller {
    /// The principal, acting in the credential's project.
    pub(crate) fn principal(&self) -> &Principal {
        &self.0.principal
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::Internal(anyhow::anyhow!("an open route asked who its caller is")).into())
    }
}

/// The check itself.
pub(crate) async fn check(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if gate.access == Access::Open {
        return next.run(request).await;
    }
    match authenticate(&gate, request.headers()).await {
        Ok(signed_in) => {
            if let Access::Right(permission) = gate.access
                && !signed_in.principal.may(permission)
            {
                return refuse(gate.family, Error::Forbidden(permission), None);
            }
            request.extensions_mut().insert(Caller(signed_in));
            next.run(request).await
        }
        Err((error, why)) => refuse(gate.family, error, Some(why)),
    }
}

/// Why a credential was not accepted, in the HSS gateway's words.
type Why = &'static str;

async fn authenticate(gate: &Gate, headers: &HeaderMap) -> Result<SignedIn, (Error, Why)> {
    let accounts = gate.state.app.accounts();
    if gate.family == Family::Native
        && let Some((name, password)) = basic(headers)
    {
        return accounts.sign_in(&name, password).await.map_err(|e| (e, "wrong credentials"));
    }
    match headers.get("x-auth-token").and_then(|v| v.to_str().ok()) {
        Some(token) => accounts.by_token(token).await.map_err(|e| (e, "decrypt token fail")),
        None => Err((Error::Unauthenticated, "x-auth-token not found")),
    }
}

/// Name and password of `Authorization: Basic` (RFC 7617).
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, Secret)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), Secret::new(password.to_owned())))
}

fn refuse(family: Family, error: Error, why: Option<Why>) -> Response {
    match (family, &error, why) {
        (Family::Hss, Error::Unauthenticated, Some(why)) => HssError::unauthenticated(why).into_response(),
        (Family::Hss, ..) => HssError::from(error).into_response(),
        (Family::Keystone, ..) => KeystoneError::from(error).into_response(),
        (Family::Native | Family::Operations, ..) => ApiError::from(error).into_response(),
    }
}
