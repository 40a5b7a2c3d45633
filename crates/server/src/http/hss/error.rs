//! Errors of the HSS family (contract 1.5 and 7.4). Always `error_code` and `error_msg`, because
//! the Python SDK understands nothing less.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use parapet_service::Error;
use serde_json::json;
use uuid::Uuid;

/// A service or gateway error.
#[derive(Debug)]
pub(crate) struct HssError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl HssError {
    /// `HSS.0001`: a parameter is wrong or missing.
    pub(crate) fn invalid(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "HSS.0001", message }
    }

    /// `HSS.0002`: the body could not be parsed.
    pub(crate) fn unparsable(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "HSS.0002", message }
    }

    /// `HSS.0011`: no such task, file, host or image. Foreign ones look the same.
    pub(crate) fn not_found(what: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "HSS.0011", message: format!("{what} not found") }
    }

    /// `HSS.1019`: no such group of servers.
    pub(crate) fn no_group() -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "HSS.1019", message: "host group not found".to_owned() }
    }

    /// `HSS.1006`: it would have to be done on the server itself.
    pub(crate) fn not_sent(why: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "HSS.1006", message: why.to_owned() }
    }

    /// `HSS.1007`: whoever would have to do it is not heard of.
    pub(crate) fn agent_offline(why: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "HSS.1007", message: why.to_owned() }
    }

    /// `HSS.0013`: the project or enterprise project is not granted.
    pub(crate) fn not_granted(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "HSS.0013", message }
    }

    /// `APIGW.0301`: who asks could not be verified.
    pub(crate) fn unauthenticated(why: &str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "APIGW.0301",
            message: format!("Incorrect IAM authentication information: {why}"),
        }
    }

    /// `APIGW.0302`: the right is missing.
    pub(crate) fn forbidden(message: String) -> Self {
        Self { status: StatusCode::FORBIDDEN, code: "APIGW.0302", message }
    }

    /// `APIGW.0101`: no such path or method.
    pub(crate) fn no_api() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "APIGW.0101",
            message: "The API does not exist or has not been published in the environment".to_owned(),
        }
    }

    /// What the gateway does not pass on: `APIGW.0201` with 413 for a body that is too large,
    /// otherwise `HSS.0002` as for any body that cannot be taken.
    pub(crate) fn refused(status: StatusCode, why: String) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self { status, code: "APIGW.0201", message: format!("Request entity too large: {why}") }
            }
            _ => Self::unparsable(why),
        }
    }

    /// `APIGW.0201`: the request was begun once, and nobody knows how it went.
    pub(crate) fn outcome_unknown() -> Self {
        Self {
            status: StatusCode::GATEWAY_TIMEOUT,
            code: "APIGW.0201",
            message: "Backend timeout: the request was accepted before, and its outcome is not known"
                .to_owned(),
        }
    }

    /// `APIGW.0308`: too many requests.
    pub(crate) fn throttled() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "APIGW.0308",
            message: "The throttling threshold has been reached".to_owned(),
        }
    }
}

impl From<Error> for HssError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) if what == "host group" => Self::no_group(),
            Error::NotFound(what) => Self::not_found(&what),
            Error::Forbidden(permission) => {
                Self::forbidden(format!("The permission {} is needed", permission.as_str()))
            }
            Error::EnterpriseProject(_) => Self::not_granted(error.to_string()),
            Error::Invalid(message) | Error::Conflict(message) => Self::invalid(message),
            Error::Unauthenticated => Self::unauthenticated("decrypt token fail"),
            Error::Throttled(_) => Self::throttled(),
            other => {
                tracing::error!(error = ?other, "request failed");
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    code: "HSS.0041",
                    message: "The request could not be completed on the server".to_owned(),
                }
            }
        }
    }
}

impl IntoResponse for HssError {
    fn into_response(self) -> Response {
        let request_id = request_id();
        let body = json!({"error_code": self.code, "error_msg": self.message, "request_id": request_id});
        let mut response = (self.status, Json(body)).into_response();
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("X-Request-Id", value);
        }
        response
    }
}

/// 32 hex digits that name a request in an error.
#[expect(clippy::disallowed_methods, reason = "a request id is no fact; it only has to be unique")]
fn request_id() -> String {
    Uuid::new_v4().simple().to_string()
}
