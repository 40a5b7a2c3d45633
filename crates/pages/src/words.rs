//! What forms of several pages share: reading a field, what is wrong with one, and where to go afterwards.

use std::fmt::Display;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use parapet_service::Error;
use serde::Deserialize;

use crate::render::html;
use crate::visitor::Visitor;
use crate::{PageError, PageResult};

/// The lines of a text area that say something.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// To another page, after something was done.
pub(crate) fn see(link: impl Display) -> PageResult {
    Ok(Redirect::to(&link.to_string()).into_response())
}

/// An answer that nobody keeps, because it shows a secret or was asked with one.
pub(crate) fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The page of a form that was not taken, with why on it.
pub(crate) fn refused(page: &impl Template, status: StatusCode) -> Response {
    let mut response = html(page);
    *response.status_mut() = status;
    response
}

/// What was done just now, as the address of the page says it; a page knows which words it has.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Done {
    /// A word.
    #[serde(default)]
    pub(crate) done: String,
    /// `csv` for the list of the page as a file.
    #[serde(default)]
    pub(crate) format: String,
}

/// Puts the surroundings of whoever asked around an error.
pub(crate) trait ForVisitor<T> {
    /// See the trait.
    fn shown_to(self, visitor: &Visitor) -> PageResult<T>;
}

impl<T, E: Into<PageError>> ForVisitor<T> for Result<T, E> {
    fn shown_to(self, visitor: &Visitor) -> PageResult<T> {
        self.map_err(|error| error.into().to(visitor))
    }
}

/// Something of which people say the kind when it is not there.
pub(crate) trait Known<T> {
    /// The thing, or a page that says there is no such `kind`.
    fn known(self, kind: &str, visitor: &Visitor) -> PageResult<T>;
}

impl<T> Known<T> for Result<T, Error> {
    fn known(self, kind: &str, visitor: &Visitor) -> PageResult<T> {
        self.map_err(|error| match error {
            Error::NotFound(_) => PageError::not_found(kind).to(visitor),
            other => PageError::from(other).to(visitor),
        })
    }
}

impl<T> Known<T> for Option<T> {
    fn known(self, kind: &str, visitor: &Visitor) -> PageResult<T> {
        self.ok_or_else(|| PageError::not_found(kind).to(visitor))
    }
}

/// What is wrong with a form, and with which field of it; an empty field is the whole form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Name of the field.
    pub(crate) field: &'static str,
    /// Why, in a sentence.
    pub(crate) text: String,
}

impl Problem {
    /// A problem of one field.
    pub(crate) fn of(field: &'static str, text: impl Into<String>) -> Self {
        Self { field, text: text.into() }
    }

    /// What a service says of the form; other errors are no matter of the form.
    pub(crate) fn said(error: Error, field: &'static str) -> Result<Self, PageError> {
        use Error as E;
        use parapet_store::Error as S;
        match error {
            E::Invalid(text) | E::Conflict(text) => Ok(Self::of(field, text)),
            E::Store(S::Invalid(text)) => Ok(Self::of(field, text)),
            E::Store(error @ S::Taken { .. }) => Ok(Self::of("name", error.to_string())),
            E::Fetch(error) => Ok(Self::of("endpoint", error.to_string())),
            error @ E::Throttled(_) => Ok(Self::of(field, error.to_string())),
            other => Err(other.into()),
        }
    }

    /// Whether it is that field's.
    pub(crate) fn is_of(&self, field: &str) -> bool {
        self.field == field
    }
}
