//! `POST /v3.0/OS-CREDENTIAL/securitytokens`: a temporary key pair for somebody with a token.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use parapet_service::TEMPORARY_SECONDS;
use serde::Deserialize;
use serde_json::{Value, json};

use super::KeystoneError;
use super::tokens::keystone_time;
use crate::http::aksk::is_signed;
use crate::http::auth::Caller;
use crate::http::state::AppState;

#[derive(Deserialize)]
struct Body {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    identity: Identity,
}

#[derive(Deserialize)]
struct Identity {
    methods: Vec<String>,
    token: Option<Token>,
}

#[derive(Deserialize)]
struct Token {
    id: Option<String>,
    duration_seconds: Option<i64>,
}

/// Makes the pair for whoever the token in `X-Auth-Token` is; a token in the body must be the same
/// one's.
pub(super) async fn temporary(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), KeystoneError> {
    let body: Body = serde_json::from_slice(&body)
        .map_err(|e| KeystoneError::malformed(format!("malformed request: {e}")))?;
    let identity = body.auth.identity;
    if identity.methods != ["token"] {
        return Err(KeystoneError::malformed("the identity method must be token"));
    }
    if is_signed(&headers) {
        // Its answer would be kept, and it holds a secret.
        return Err(KeystoneError::malformed("a key makes no key: sign in with X-Auth-Token"));
    }
    let accounts = state.app.accounts();
    if let Some(id) = identity.token.as_ref().and_then(|token| token.id.as_deref()) {
        let named = accounts.by_token(id).await?;
        if named.principal.user != caller.principal().user {
            return Err(parapet_service::Error::Unauthenticated.into());
        }
    }
    let seconds = identity.token.and_then(|token| token.duration_seconds);
    let seconds = seconds.unwrap_or(*TEMPORARY_SECONDS.start());
    let key = accounts.issue_temporary_key(caller.principal(), seconds).await?;
    let credential = json!({
        "access": key.access_key,
        "secret": key.secret.expose(),
        "securitytoken": key.security_token.expose(),
        "expires_at": keystone_time(key.expires_at),
    });
    Ok((StatusCode::CREATED, Json(json!({"credential": credential}))))
}
