//! Who is asking, and whether they may: run before every handler.
//!
//! | family | credentials |
//! |---|---|
//! | native | `Authorization: Basic` with user and password or a key pair, or `X-Auth-Token` |
//! | HSS | a signature with a key pair (`aksk`), or `X-Auth-Token` from the identity family; a credential of another project fails |
//! | Qualys CS | `Authorization: Bearer` with a JWT of its `/auth`, or `Authorization: Basic` |
//! | Qualys PC | `Authorization: Basic`, or the cookie `QualysSession`; see `qualys_pc/gate.rs` |
//! | identity | a signature, or `X-Auth-Token` |
//! | pages | the cookie `parapet_session`; see `pages/gate.rs` |

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_model::{Permission, Principal};
use parapet_service::{BearerError, Error, SignedIn};
use parapet_store::seal::Secret;

use super::aksk;
use super::hss::HssError;
use super::keystone::KeystoneError;
use super::native::ApiError;
use super::pages;
use super::qualys_cs::{Allowance, CsError};
use super::qualys_pc::{self, PcError};
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
    if gate.family == Family::QualysPc {
        return qualys_pc::check(&gate, request, next).await;
    }
    if gate.family == Family::Pages {
        return pages::check(&gate, request, next).await;
    }
    if gate.access == Access::Open {
        return next.run(request).await;
    }
    if gate.family == Family::QualysCs {
        return check_qualys(&gate, request, next).await;
    }
    if matches!(gate.family, Family::Hss | Family::Keystone) && aksk::is_signed(request.headers()) {
        return aksk::check(&gate, request, next).await;
    }
    match authenticate(&gate, request.headers()).await {
        Ok(signed_in) => {
            if let Some(permission) = missing(&gate, &signed_in) {
                return refuse(gate.family, Error::Forbidden(permission), None);
            }
            request.extensions_mut().insert(Caller(signed_in));
            next.run(request).await
        }
        Err((error, why)) => refuse(gate.family, error, Some(why)),
    }
}

/// The right that the route demands and the caller has not.
pub(super) fn missing(gate: &Gate, signed_in: &SignedIn) -> Option<Permission> {
    match gate.access {
        Access::Right(permission) if !signed_in.principal.may(permission) => Some(permission),
        _ => None,
    }
}

/// The check of the Qualys family, which counts calls too.
async fn check_qualys(gate: &Gate, mut request: Request, next: Next) -> Response {
    let signed_in = match authenticate_qualys(gate, request.headers()).await {
        Ok(signed_in) => signed_in,
        Err(error) => return error.into_response(),
    };
    let (user, path) = (signed_in.principal.user, request.uri().path());
    let allowance = gate.state.limits.take(user, path, gate.state.app.now());
    if let Some(refusal) = allowance.and_then(Allowance::refusal) {
        return refusal;
    }
    let mut response = if missing(gate, &signed_in).is_some() {
        CsError::forbidden(request.method(), path, &signed_in.principal.name).into_response()
    } else {
        request.extensions_mut().insert(Caller(signed_in));
        next.run(request).await
    };
    if let Some(allowance) = allowance {
        allowance.tell(response.headers_mut());
    }
    response
}

async fn authenticate_qualys(gate: &Gate, headers: &HeaderMap) -> Result<SignedIn, CsError> {
    let accounts = gate.state.app.accounts();
    if let Some((name, password)) = basic(headers) {
        return Ok(accounts.sign_in(&name, password).await?);
    }
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        value.and_then(|value| value.split_once(' ')).filter(|(s, _)| s.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = token else {
        return Err(CsError::unauthenticated("Authorization: Bearer with a JWT is expected"));
    };
    accounts.by_jwt(token.trim()).await.map_err(|error| match error {
        BearerError::Failed(error) => error.into(),
        refused => CsError::unauthenticated(refused.to_string()),
    })
}

/// Why a credential was not accepted, in the HSS gateway's words.
type Why = &'static str;

async fn authenticate(gate: &Gate, headers: &HeaderMap) -> Result<SignedIn, (Error, Why)> {
    let accounts = gate.state.app.accounts();
    if gate.family == Family::Native
        && let Some((name, password)) = basic(headers)
    {
        // A key pair serves as name and password too: it acts in its own project.
        let looks_like_key = |name: &str| {
            name.len() == 20 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        if looks_like_key(&name)
            && let Ok(signed_in) = accounts.sign_in_with_key(&name, &password).await
        {
            return Ok(signed_in);
        }
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
        (Family::QualysCs, ..) => CsError::from(error).into_response(),
        (Family::QualysPc, ..) => PcError::from(error).into_response(),
        (Family::Pages, ..) => parapet_pages::PageError::from(error).into_response(),
        (Family::Native | Family::Operations, ..) => ApiError::from(error).into_response(),
    }
}
