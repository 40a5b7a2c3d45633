//! Errors of the Qualys Container Security family (contract 1.2 and 1.3): `errorCode`, `message`
//! and `timestamp`.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parapet_model::{Clock as _, SystemClock};
use parapet_service::Error;
use serde_json::json;

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct CsError {
    status: StatusCode,
    message: String,
    retry_after: Option<u64>,
}

impl CsError {
    /// An error of that status.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    /// The input is wrong.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// What it says.
    pub(crate) fn into_message(self) -> String {
        self.message
    }

    /// No such thing, or not the asker's to see.
    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    /// No such path or method.
    pub(crate) fn no_api(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))
    }

    /// The credential was not accepted.
    pub(crate) fn unauthenticated(why: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, why)
    }

    /// The right for this call is missing. Asking for sensor profiles is refused without the login
    /// name, everything else with it (contract 1.2).
    pub(crate) fn forbidden(method: &Method, path: &str, login: &str) -> Self {
        let permission = permission(method, path);
        let who = match permission.as_str() {
            "CS.SENSOR_PROFILE.VIEW" => "The user".to_owned(),
            _ => format!("The {login} user"),
        };
        let message = format!(
            "{who} does not have the {permission} permission to perform this operation. \
             Ensure that required permissions are assigned to the user"
        );
        Self::new(StatusCode::FORBIDDEN, message)
    }
}

/// What the family calls the right to a call: `CS.SENSOR_PROFILE.DELETE`.
fn permission(method: &Method, path: &str) -> String {
    let path = path.strip_prefix("/csapi/v1.3/").unwrap_or(path);
    let subject = match path.split('/').next().unwrap_or_default() {
        "sensorProfile" => "SENSOR_PROFILE",
        "sensors" => "SENSOR",
        "registry" => "REGISTRY",
        "exception" | "list" => "EXCEPTION",
        "containers" => "CONTAINER",
        "reports" => "REPORT",
        _ => "IMAGE",
    };
    let verb = match *method {
        Method::POST => "CREATE",
        Method::PUT => "UPDATE",
        Method::DELETE => "DELETE",
        _ => "VIEW",
    };
    format!("CS.{subject}.{verb}")
}

impl From<Error> for CsError {
    fn from(error: Error) -> Self {
        use StatusCode as S;
        let message = error.to_string();
        match error {
            Error::NotFound(_) => Self::new(S::NOT_FOUND, message),
            // The route's own right is refused before; this one was asked for on the way.
            Error::Forbidden(_) | Error::EnterpriseProject(_) => Self::new(S::FORBIDDEN, "Request Forbidden"),
            Error::Invalid(_) => Self::new(S::BAD_REQUEST, message),
            Error::Store(parapet_store::Error::Taken { .. } | parapet_store::Error::Invalid(_)) => {
                Self::new(S::BAD_REQUEST, message)
            }
            Error::Conflict(_) => Self::new(S::PRECONDITION_FAILED, message),
            Error::Unauthenticated => Self::new(S::UNAUTHORIZED, message),
            Error::Throttled(seconds) => {
                Self { retry_after: Some(seconds), ..Self::new(S::TOO_MANY_REQUESTS, message) }
            }
            Error::Fetch(_) => Self::new(S::BAD_GATEWAY, message),
            other => {
                tracing::error!(error = ?other, "request failed");
                Self::new(S::INTERNAL_SERVER_ERROR, "internal error")
            }
        }
    }
}

impl IntoResponse for CsError {
    fn into_response(self) -> Response {
        let reason = self.status.canonical_reason().unwrap_or_default().to_uppercase();
        let body = json!({
            "errorCode": format!("{} {reason}", self.status.as_u16()),
            "message": self.message,
            "timestamp": SystemClock.now(),
        });
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The four messages of the release notes 1.22, letter by letter.
    #[test]
    fn sensor_profiles_are_refused_in_the_words_of_the_release_notes() {
        let message = |method, path: &str| CsError::forbidden(&method, path, "quays_xb42").message;
        let tail =
            "permission to perform this operation. Ensure that required permissions are assigned to the user";
        let one = "/csapi/v1.3/sensorProfile/{sensorProfileId}";
        let all = "/csapi/v1.3/sensorProfile";
        let view = format!("The user does not have the CS.SENSOR_PROFILE.VIEW {tail}");
        assert_eq!(message(Method::GET, all), view);
        assert_eq!(message(Method::GET, one), view);
        for (method, path, verb) in
            [(Method::DELETE, one, "DELETE"), (Method::PUT, one, "UPDATE"), (Method::POST, all, "CREATE")]
        {
            let words = format!("The quays_xb42 user does not have the CS.SENSOR_PROFILE.{verb} {tail}");
            assert_eq!(message(method, path), words);
        }
    }
}
