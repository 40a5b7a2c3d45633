//! Errors of Parapet's own routes: `{"error": {"code", "message"}}`. Codes are few and stable.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parapet_service::Error;
use serde::Serialize;
use utoipa::ToSchema;

/// Body of every error answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorDetail {
    /// One of `invalid`, `too_large`, `unauthenticated`, `forbidden`, `not_found`, `conflict`,
    /// `throttled`, `upstream`, `internal`.
    code: &'static str,
    /// For the person who asked.
    message: String,
}

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<u64>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Self { status, code, message, retry_after: None }
    }

    /// The input is wrong.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message.into())
    }

    /// A request that no handler could take.
    pub(crate) fn refused(status: StatusCode, message: String) -> Self {
        let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "invalid" };
        Self::new(status, code, message)
    }

    /// No such thing, or not the asker's to see.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} not found"))
    }

    /// No such path or method.
    pub(crate) fn no_route(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is nothing at {path}"))
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        use StatusCode as S;
        let message = error.to_string();
        match error {
            Error::NotFound(_) => Self::new(S::NOT_FOUND, "not_found", message),
            Error::Forbidden(_) | Error::EnterpriseProject(_) => {
                Self::new(S::FORBIDDEN, "forbidden", message)
            }
            Error::Invalid(_) => Self::new(S::BAD_REQUEST, "invalid", message),
            Error::Conflict(_) => Self::new(S::CONFLICT, "conflict", message),
            Error::Unauthenticated => Self::new(S::UNAUTHORIZED, "unauthenticated", message),
            Error::Throttled(seconds) => {
                Self { retry_after: Some(seconds), ..Self::new(S::TOO_MANY_REQUESTS, "throttled", message) }
            }
            Error::Fetch(_) => Self::new(S::BAD_GATEWAY, "upstream", message),
            other => {
                tracing::error!(error = ?other, "request failed");
                Self::new(S::INTERNAL_SERVER_ERROR, "internal", "internal error".to_owned())
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: ErrorDetail { code: self.code, message: self.message } };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"parapet\""));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
