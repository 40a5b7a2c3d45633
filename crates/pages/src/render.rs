//! From structures to answers, and `304` for a page that has not changed.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parapet_model::{Digest, Millis};

use crate::error::PageError;
use crate::files::{SCRIPT, STYLE};
use crate::visitor::Visitor;

/// A page as an answer.
pub(crate) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            let headers =
                [(header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (header::ETAG, tag(&text))];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a template failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "a template failed").into_response()
        }
    }
}

/// What decides how a page of posture looks: while it stays, the page stays. Made before the page, so
/// that one the browser has costs nothing.
#[derive(Debug, Clone)]
pub(crate) struct Stamp(String);

impl Stamp {
    /// `seq`: log position; `until`: first instant at which an exception starts or ends.
    pub(crate) fn new(visitor: &Visitor, seq: u64, until: Millis) -> Self {
        let who = visitor.principal();
        let of = format!(
            "{} {} {} {:?} {:?} {seq} {until} {}",
            STYLE.name,
            SCRIPT.name,
            visitor.csrf(),
            who.permissions,
            who.enterprise_projects,
            env!("CARGO_PKG_VERSION"),
        );
        Self(tag(&of))
    }

    /// The stamp of a page that also depends on something else.
    pub(crate) fn and(self, more: &str) -> Self {
        Self(tag(&format!("{} {more}", self.0)))
    }

    /// `304`, when the browser has just this page.
    pub(crate) fn unchanged(&self, headers: &HeaderMap) -> Option<Response> {
        knows(headers, &self.0).then(|| self.on(StatusCode::NOT_MODIFIED.into_response()))
    }

    /// The answer with its tag.
    pub(crate) fn on(&self, mut response: Response) -> Response {
        if let Ok(tag) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The entity tag of a text.
fn tag(text: &str) -> String {
    format!("W/\"{}\"", Digest::of(text.as_bytes()).hex().get(..32).unwrap_or_default())
}

/// Whether the browser has what carries this tag.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    known.split(',').any(|known| known.trim() == tag)
}

/// Does not send again what the browser has: pages that are about more than posture are known by their text.
pub(crate) async fn known_pages(request: Request, next: Next) -> Response {
    let headers = (request.method() == Method::GET).then(|| request.headers().clone());
    let response = next.run(request).await;
    let tag = response.headers().get(header::ETAG).filter(|_| response.status() == StatusCode::OK);
    match tag.cloned().zip(headers) {
        Some((tag, headers)) if tag.to_str().is_ok_and(|tag| knows(&headers, tag)) => {
            (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
        }
        _ => response,
    }
}

/// Whether a person with a browser asks.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

/// The answer at an address where nothing is, for a browser.
pub fn unknown_path() -> Response {
    PageError::not_found("page").into_response()
}
