//! Errors in Keystone's shape: `{"error": {"code", "message", "title"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parapet_service::Error;
use serde_json::json;

/// An error of the identity family.
#[derive(Debug)]
pub(crate) struct KeystoneError {
    status: StatusCode,
    message: String,
}

impl KeystoneError {
    /// 400: the body is malformed.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// A request that no handler could take.
    pub(crate) fn refused(status: StatusCode, message: String) -> Self {
        Self { status, message }
    }

    /// 404: no such path.
    pub(crate) fn no_api() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: "The requested resource could not be found.".to_owned(),
        }
    }
}

impl From<Error> for KeystoneError {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Unauthenticated => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) | Error::EnterpriseProject(_) => StatusCode::FORBIDDEN,
            Error::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::Invalid(_) | Error::Conflict(_) => StatusCode::BAD_REQUEST,
            other => {
                tracing::error!(error = ?other, "request failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let message = match &error {
            Error::Unauthenticated => "The username or password is wrong.".to_owned(),
            _ if status.is_server_error() => {
                "An unexpected error prevented the server from answering.".to_owned()
            }
            other => other.to_string(),
        };
        Self { status, message }
    }
}

impl IntoResponse for KeystoneError {
    fn into_response(self) -> Response {
        let body = json!({"error": {
            "code": self.status.as_u16(),
            "message": self.message,
            "title": self.status.canonical_reason().unwrap_or("Error"),
        }});
        (self.status, Json(body)).into_response()
    }
}
