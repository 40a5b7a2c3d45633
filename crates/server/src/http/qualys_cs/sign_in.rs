//! `POST /auth` and its aliases (contract 1.1): a token as bare text, answered with 201 because one
//! client takes nothing else.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parapet_service::SignedIn;
use parapet_store::seal::Secret;

use super::CsError;
use crate::http::query::RawQuery;
use crate::http::state::AppState;

/// Largest form, in bytes.
const MAX_FORM: usize = 16 << 10;

/// A form with `username` and `password`; whatever else it says is ignored.
pub(super) async fn password(State(state): State<AppState>, body: String) -> Result<Response, CsError> {
    if body.len() > MAX_FORM {
        return Err(CsError::invalid("the form is too large"));
    }
    let form = RawQuery::parse(&body).map_err(CsError::invalid)?;
    let (Some(name), Some(password)) = (form.text("username"), form.text("password")) else {
        return Err(CsError::invalid("username and password are expected as a form"));
    };
    let accounts = state.app.accounts();
    token(&state, &accounts.sign_in(name, Secret::new(password)).await?).await
}

/// Headers `clientId` and `clientSecret`: the halves of a key pair.
pub(super) async fn client(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, CsError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(secret)) = (text("clientId"), text("clientSecret")) else {
        return Err(CsError::invalid("the headers clientId and clientSecret are expected"));
    };
    let accounts = state.app.accounts();
    token(&state, &accounts.sign_in_with_key(id, &Secret::new(secret)).await?).await
}

async fn token(state: &AppState, who: &SignedIn) -> Result<Response, CsError> {
    let token = state.app.accounts().issue_jwt(who).await?;
    let plain = [(header::CONTENT_TYPE, "text/plain"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, plain, token).into_response())
}
