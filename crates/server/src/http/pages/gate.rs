//! What runs before and after every page: the session of the cookie, the right of the route, the token
//! that shows a form was ours, and the headers that bind a browser.
//!
//! | against | what is done |
//! |---|---|
//! | a stolen session | `HttpOnly`, `SameSite=Lax`, `Secure` behind TLS; ends an hour after its last use |
//! | a form of another site | a token of the session in each form, and `Sec-Fetch-Site` or `Origin` must be ours |
//! | a script of somebody else's | `Content-Security-Policy` without inline script, style or foreign origin |
//! | a frame around us | `frame-ancestors 'none'` |

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use parapet_model::Digest;
use parapet_pages::{Form, PageError, Visitor, wants_page};
use parapet_service::Error;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::auth::{Gate, missing};
use crate::http::body;
use crate::http::origin::origin;
use crate::http::query::pairs;
use crate::http::route::Access;

/// Name of the session cookie.
pub(crate) const COOKIE: &str = "parapet_session";
/// The field of a form that holds its token.
const CSRF_FIELD: &str = "csrf";
/// The header that holds it where there is no form.
const CSRF_HEADER: &str = "x-csrf-token";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The check of this family.
pub(crate) async fn check(gate: &Gate, request: Request, next: Next) -> Response {
    let writes = request.method() != Method::GET && request.method() != Method::HEAD;
    bound(match admit(gate, request).await {
        Ok(request) => {
            let response = next.run(request).await;
            if writes {
                gate.state.pages.written();
            }
            response
        }
        Err(refusal) => refusal,
    })
}

async fn admit(gate: &Gate, mut request: Request) -> Result<Request, Response> {
    let mut visitor = None;
    if let Some(session) = cookie(request.headers()).map(str::to_owned) {
        match gate.state.app.accounts().by_session(&session).await {
            Ok(signed_in) => {
                if gate.access != Access::Open
                    && let Some(permission) = missing(gate, &signed_in)
                {
                    let visitor = Visitor::new(signed_in, csrf_of(&session));
                    return Err(PageError::from(Error::Forbidden(permission)).to(&visitor).into_response());
                }
                visitor = Some(Visitor::new(signed_in, csrf_of(&session)));
            }
            Err(Error::Unauthenticated) => {}
            Err(error) => return Err(PageError::from(error).into_response()),
        }
    }
    if gate.access != Access::Open && visitor.is_none() {
        return Err(to_sign_in(&request));
    }
    if let Some(visitor) = &visitor {
        request.extensions_mut().insert(visitor.clone());
    }
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return Ok(request);
    }
    if !is_from_us(&request) {
        return Err(foreign_form(visitor.as_ref()));
    }
    let form;
    (request, form) = read_form(request).await?;
    if gate.access != Access::Open {
        let expected = visitor.as_ref().map(|visitor| Digest::of(visitor.csrf().as_bytes()));
        let header = request.headers().get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        let given = header.unwrap_or_else(|| form.text(CSRF_FIELD));
        if expected != Some(Digest::of(given.as_bytes())) {
            return Err(foreign_form(visitor.as_ref()));
        }
    }
    request.extensions_mut().insert(form);
    Ok(request)
}

/// Reads an urlencoded body; another kind is left for the handler.
async fn read_form(request: Request) -> Result<(Request, Form), Response> {
    let kind = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !kind.starts_with(b"application/x-www-form-urlencoded") {
        return Ok((request, Form::default()));
    }
    let (parts, body) = request.into_parts();
    let refuse = |status, why: &str| PageError::new(status, "This form cannot be read", why).into_response();
    let bytes = body::read(&parts.headers, body)
        .await
        .map_err(|status| refuse(status, "It is too large or broken."))?;
    let text = str::from_utf8(&bytes).map_err(|_| refuse(StatusCode::BAD_REQUEST, "It is not UTF-8."))?;
    let fields = pairs(text).collect::<Result<_, _>>().map_err(|why| refuse(StatusCode::BAD_REQUEST, why))?;
    Ok((Request::from_parts(parts, Body::empty()), Form::new(fields)))
}

/// Whether a browser sent this from one of our own pages. Without either header it was no browser, and
/// then the token alone decides.
fn is_from_us(request: &Request) -> bool {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(from)) => from.eq_ignore_ascii_case(&origin(request.uri(), request.headers())),
        (None, None) => true,
    }
}

/// Where somebody goes who is not signed in: to the form if they look at pages, and back afterwards.
fn to_sign_in(request: &Request) -> Response {
    if request.method() == Method::GET && wants_page(request.headers()) {
        let here = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let to = utf8_percent_encode(here, NON_ALPHANUMERIC);
        let form = if here == "/" { "/sign-in".to_owned() } else { format!("/sign-in?to={to}") };
        return Redirect::to(&form).into_response();
    }
    PageError::from(Error::Unauthenticated).into_response()
}

/// The session that the browser shows.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// The token of a session's forms: nobody without the session can work it out.
pub(crate) fn csrf_of(session: &str) -> String {
    Digest::of(format!("form {session}").as_bytes()).hex()
}

fn foreign_form(visitor: Option<&Visitor>) -> Response {
    let error = PageError::foreign_form();
    match visitor {
        Some(visitor) => error.to(visitor),
        None => error,
    }
    .into_response()
}

/// The answer with the headers that bind a browser.
pub(crate) fn bound(mut response: Response) -> Response {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A page is one person's; what a browser may keep, it asks about again.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("Cookie, Accept"));
    response
}
