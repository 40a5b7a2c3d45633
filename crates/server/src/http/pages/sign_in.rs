//! Signing in and out, with a session in a cookie.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use parapet_pages::{Form, PageError, sign_in_form};
use parapet_service::Error;
use parapet_store::seal::Secret;
use serde::Deserialize;

use super::gate::{COOKIE, cookie};
use crate::http::origin::is_https;
use crate::http::state::AppState;

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(super) struct Afterwards {
    #[serde(default)]
    to: String,
}

/// The form.
pub(super) async fn form(Query(Afterwards { to }): Query<Afterwards>) -> Response {
    sign_in_form("", own_address(&to), "")
}

/// Signs in, and goes on to where the person wanted to be.
pub(super) async fn sign_in(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let (name, to) = (form.text("name"), own_address(form.text("to")));
    if name.is_empty() || form.raw("password").is_empty() {
        let mut response = sign_in_form(name, to, "Type your name and your password.");
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    }
    let accounts = state.app.accounts();
    let signed_in = match accounts.sign_in(name, Secret::new(form.raw("password").to_owned())).await {
        Ok(signed_in) => signed_in,
        Err(Error::Unauthenticated) => {
            let mut response = sign_in_form(name, to, "Name and password do not belong together.");
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            return Ok(response);
        }
        Err(Error::Throttled(seconds)) => {
            let error = format!("Too many attempts. Try again in {seconds} seconds.");
            let mut response = sign_in_form(name, to, &error);
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    };
    let session = accounts.issue_session(&signed_in).await?;
    let mut response = Redirect::to(to).into_response();
    set_cookie(&mut response, session.expose(), is_https(&uri, &headers))?;
    Ok(response)
}

/// Ends the session.
pub(super) async fn sign_out(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    if let Some(session) = cookie(&headers) {
        state.app.accounts().end_session(session).await?;
    }
    let mut response = Redirect::to("/sign-in").into_response();
    set_cookie(&mut response, "", is_https(&uri, &headers))?;
    Ok(response)
}

fn set_cookie(response: &mut Response, session: &str, secure: bool) -> Result<(), PageError> {
    let secure = if secure { "; Secure" } else { "" };
    let ended = if session.is_empty() { "; Max-Age=0" } else { "" };
    let text = format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax{secure}{ended}");
    let value = HeaderValue::from_str(&text).map_err(|error| Error::Internal(error.into()))?;
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(())
}

/// An address on this server and nowhere else: one slash, and no second one that would begin a host.
fn own_address(to: &str) -> &str {
    let plain = to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain && to.starts_with('/') && !to.starts_with("//") { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_address;

    #[test]
    fn nobody_is_sent_to_another_server_after_signing_in() {
        assert_eq!(own_address("/findings?where=a%20b"), "/findings?where=a%20b");
        for to in
            ["", "findings", "//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "/ä"]
        {
            assert_eq!(own_address(to), "/", "{to:?}");
        }
    }
}
