//! Errors of the Qualys Policy Compliance family (contract `qualys-pc` 3.3): `SIMPLE_RETURN` with
//! `CODE` and `TEXT`. Some clients fail on an answer without both, so no error goes out without.
//!
//! An error does not know under which address the server was called, and its document type must say.
//! So it travels in the extensions of an empty answer, and the gate of the family writes the document.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parapet_service::Error;

/// What went wrong, as the family numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// A defect of ours.
    Internal,
    /// A parameter that the call does not have.
    UnknownParameter,
    /// A parameter that the call needs.
    MissingParameter,
    /// Several parameters of which one may be given.
    OnlyOneOf,
    /// A parameter with a value that means nothing.
    InvalidValue,
    /// Parameters that do not go together.
    Combination,
    /// A method that does not go with the parameters.
    Method,
    /// Something that exists stands in the way.
    Blocked,
    /// Nothing of a group of parameters was given.
    AtLeastOneOf,
    /// Too many calls at once.
    Concurrency,
    /// Too many calls in a time.
    Rate,
    /// The store cannot be used just now.
    Maintenance,
    /// Name or password is wrong.
    BadLogin,
    /// A session was given where only Basic is taken.
    BasicNeeded,
    /// The right is missing.
    NotEntitled,
}

impl Code {
    /// Number and status.
    const fn wire(self) -> (u16, StatusCode) {
        use StatusCode as S;
        match self {
            Self::Internal => (999, S::INTERNAL_SERVER_ERROR),
            Self::UnknownParameter => (1901, S::BAD_REQUEST),
            Self::MissingParameter => (1903, S::BAD_REQUEST),
            Self::OnlyOneOf => (1904, S::BAD_REQUEST),
            Self::InvalidValue => (1905, S::BAD_REQUEST),
            Self::Combination => (1907, S::BAD_REQUEST),
            Self::Method => (1908, S::BAD_REQUEST),
            Self::Blocked => (1920, S::CONFLICT),
            Self::AtLeastOneOf => (1922, S::BAD_REQUEST),
            Self::Concurrency => (1960, S::CONFLICT),
            Self::Rate => (1965, S::CONFLICT),
            Self::Maintenance => (1999, S::SERVICE_UNAVAILABLE),
            Self::BadLogin => (2000, S::UNAUTHORIZED),
            Self::BasicNeeded => (2010, S::UNAUTHORIZED),
            Self::NotEntitled => (2012, S::FORBIDDEN),
        }
    }

    /// The number on the wire.
    pub(crate) const fn number(self) -> u16 {
        self.wire().0
    }
}

/// An error on its way out.
#[derive(Debug, Clone)]
pub(crate) struct PcError {
    pub(super) code: Code,
    pub(super) status: StatusCode,
    pub(super) text: String,
    /// Seconds to wait before the next call.
    pub(super) wait: Option<u64>,
}

impl PcError {
    /// An error with the status that goes with its number.
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, status: code.wire().1, text: text.into(), wait: None }
    }

    /// Nothing is at this path.
    pub(crate) fn no_api(path: &str) -> Self {
        let text = format!("there is no API at {path}");
        Self { status: StatusCode::NOT_FOUND, ..Self::new(Code::UnknownParameter, text) }
    }

    /// Another status, for what an extractor refused.
    pub(crate) fn refused(status: StatusCode, text: String) -> Self {
        Self { status, ..Self::new(Code::InvalidValue, text) }
    }

    /// A parameter with a value that means nothing, in the words of the samples.
    pub(crate) fn invalid(name: &str, value: &str) -> Self {
        Self::why_invalid(name, value, &format!("Invalid value: {}", short(value)))
    }

    /// The same, with a reason.
    pub(crate) fn why_invalid(name: &str, value: &str, why: &str) -> Self {
        let text = format!("parameter {name} has invalid value: {} ({why})", short(value));
        Self::new(Code::InvalidValue, text)
    }

    /// A parameter that is needed.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(Code::MissingParameter, format!("Missing required parameter(s): {name}"))
    }

    /// The right to this action is missing.
    pub(crate) fn forbidden() -> Self {
        Self::new(Code::NotEntitled, "This user is not entitled to perform this action")
    }

    /// Too many calls; the words clients look for (contract 3.4).
    pub(crate) fn wait(seconds: u64) -> Self {
        let text = format!("This API cannot be run again for another {seconds} seconds.");
        Self { wait: Some(seconds), ..Self::new(Code::Rate, text) }
    }
}

/// A value as far as an error repeats it.
fn short(value: &str) -> String {
    const MOST: usize = 200;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

impl From<Error> for PcError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound(_) | Error::Invalid(_) => Self::new(Code::InvalidValue, text),
            Error::Conflict(_) => Self::new(Code::Blocked, text),
            Error::Forbidden(_) | Error::EnterpriseProject(_) => Self::forbidden(),
            Error::Unauthenticated => Self::new(Code::BadLogin, "Bad Login/Password"),
            Error::Throttled(seconds) => Self::wait(seconds),
            Error::Store(parapet_store::Error::Invalid(_) | parapet_store::Error::Nul(_)) => {
                Self::new(Code::InvalidValue, text)
            }
            Error::Store(parapet_store::Error::SchemaNewer { .. }) => {
                Self::new(Code::Maintenance, "We are performing scheduled maintenance")
            }
            other => {
                tracing::error!(error = ?other, "request failed");
                Self::new(Code::Internal, "Internal error")
            }
        }
    }
}

impl From<parapet_store::Error> for PcError {
    fn from(error: parapet_store::Error) -> Self {
        Error::from(error).into()
    }
}

impl IntoResponse for PcError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
