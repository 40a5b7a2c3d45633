//! From structures to answers, and `304` for a page that has not changed.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parapet_model::{Digest, Millis};

use crate::error::PageError;
use crate::files::{SCRIPT, STYLE};
use crate::visitor::Visitor;

/// A page as an answer.
pub(crate) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
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
        Self(format!("W/\"{}\"", Digest::of(of.as_bytes()).hex().get(..32).unwrap_or_default()))
    }

    /// The stamp of a page that also depends on something else.
    pub(crate) fn and(self, more: &str) -> Self {
        let digest = Digest::of(format!("{} {more}", self.0).as_bytes()).hex();
        Self(format!("W/\"{}\"", digest.get(..32).unwrap_or_default()))
    }

    /// `304`, when the browser has just this page.
    pub(crate) fn unchanged(&self, headers: &HeaderMap) -> Option<Response> {
        let known = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
        let known = known.split(',').any(|tag| tag.trim() == self.0);
        known.then(|| self.on(StatusCode::NOT_MODIFIED.into_response()))
    }

    /// The answer with its tag.
    pub(crate) fn on(&self, mut response: Response) -> Response {
        if let Ok(tag) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
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
