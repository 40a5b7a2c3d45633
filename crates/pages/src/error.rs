//! Errors of pages: a page with a status.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parapet_service::Error;

use crate::layout::Layout;
use crate::render::html;
use crate::visitor::Visitor;

/// A page that says what went wrong and where to go on.
#[derive(Debug, Template)]
#[template(path = "failure.html")]
struct Failure {
    layout: Layout,
    status: u16,
    heading: String,
    message: String,
}

/// An error on its way out.
#[derive(Debug)]
pub struct PageError {
    status: StatusCode,
    heading: String,
    message: String,
    retry_after: Option<u64>,
    visitor: Option<Box<Visitor>>,
}

impl PageError {
    /// An error in words.
    pub fn new(status: StatusCode, heading: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            heading: heading.to_owned(),
            message: message.into(),
            retry_after: None,
            visitor: None,
        }
    }

    /// What was asked for does not exist, or is not the asker's to see.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", format!("There is no {what} here that you may see."))
    }

    /// What was typed cannot be meant.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That cannot be right", message)
    }

    /// A form that none of our pages made, or one of a session that ended.
    pub fn foreign_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Please try again",
            "The form was not one of this session. Go back, load the page again, and send it once more.",
        )
    }

    /// What no handler could take.
    pub fn refused(status: StatusCode, message: String) -> Self {
        Self::new(status, "This request cannot be read", message)
    }

    /// With the surroundings of whoever asked.
    pub fn to(mut self, visitor: &Visitor) -> Self {
        self.visitor = Some(Box::new(visitor.clone()));
        self
    }
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        use StatusCode as S;
        let message = error.to_string();
        match error {
            Error::NotFound(what) => Self::not_found(&what),
            Error::Forbidden(_) | Error::EnterpriseProject(_) => {
                Self::new(S::FORBIDDEN, "Not yours to do", message)
            }
            Error::Invalid(_) => Self::invalid(message),
            Error::Conflict(_) => Self::new(S::CONFLICT, "Somebody was faster", message),
            Error::Unauthenticated => Self::new(S::UNAUTHORIZED, "Please sign in", message),
            Error::Throttled(seconds) => Self {
                retry_after: Some(seconds),
                ..Self::new(S::TOO_MANY_REQUESTS, "Too many attempts", message)
            },
            Error::Fetch(_) => Self::new(S::BAD_GATEWAY, "The other side did not answer well", message),
            other => {
                tracing::error!(error = ?other, "page failed");
                Self::new(S::INTERNAL_SERVER_ERROR, "Something broke here", "The server's log says what.")
            }
        }
    }
}

impl From<tokio::task::JoinError> for PageError {
    fn from(error: tokio::task::JoinError) -> Self {
        Error::from(error).into()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let page = Failure {
            layout: match &self.visitor {
                Some(visitor) => visitor.layout(&self.heading, ""),
                None => Layout { title: self.heading.clone(), ..Layout::default() },
            },
            status: self.status.as_u16(),
            heading: self.heading,
            message: self.message,
        };
        let mut response = html(&page);
        *response.status_mut() = self.status;
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
