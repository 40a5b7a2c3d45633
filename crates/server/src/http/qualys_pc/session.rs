//! `/api/2.0/fo/session/`: signing in for a cookie, and signing out. A session holds for an hour after
//! its last call, and ends with the user's password.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use parapet_store::seal::Secret;

use super::answer::simple;
use super::error::PcError;
use super::gate::{COOKIE, needs_requested_with, session_cookie};
use super::params::Call;
use crate::http::state::AppState;

/// Both actions.
pub(super) async fn session(
    State(state): State<AppState>,
    headers: HeaderMap,
    call: Call,
) -> Result<Response, PcError> {
    match call.word("action", &["login", "logout"])? {
        Some("login") => login(&state, &headers, &call).await,
        Some(_) => logout(&state, &headers, &call).await,
        None => Err(PcError::missing("action")),
    }
}

async fn login(state: &AppState, headers: &HeaderMap, call: &Call) -> Result<Response, PcError> {
    call.needs_post()?;
    call.only(&["username", "password"])?;
    call.needs(&["username", "password"])?;
    let (name, password) = (call.text("username").unwrap_or_default(), call.text("password"));
    let accounts = state.app.accounts();
    let signed_in = accounts.sign_in(name, Secret::new(password.unwrap_or_default())).await?;
    needs_requested_with(headers)?;
    let session = accounts.issue_session(&signed_in).await?;
    let mut response = simple(call, &signed_in.principal.name, state.app.now(), "Logged in", &[]);
    // A cookie that is only for TLS would not come back over plain HTTP.
    let secure = if call.called.https { "; secure" } else { "" };
    set_cookie(&mut response, &format!("{COOKIE}={}; path=/api; HttpOnly{secure}", session.expose()));
    Ok(response)
}

async fn logout(state: &AppState, headers: &HeaderMap, call: &Call) -> Result<Response, PcError> {
    call.needs_post()?;
    call.only(&[])?;
    let session = session_cookie(headers).unwrap_or_default();
    let accounts = state.app.accounts();
    let signed_in = accounts.by_session(session).await?;
    needs_requested_with(headers)?;
    accounts.end_session(session).await?;
    let mut response = simple(call, &signed_in.principal.name, state.app.now(), "Logged out", &[]);
    set_cookie(&mut response, &format!("{COOKIE}=; path=/api; Max-Age=0"));
    Ok(response)
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}
