//! Instants, spans and lists as people read them, and small answers that several pages give.

use std::fmt::Display;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use parapet_model::time::{DAY, format_seconds};
use parapet_model::{FOREVER, Millis};

use crate::visitor::Visitor;
use crate::{PageError, PageResult};

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

/// An instant to the second with its zone; empty for none.
pub(crate) fn instant(at: Millis) -> String {
    if at == 0 || at == FOREVER { String::new() } else { format_seconds(at) }
}

/// A span in its largest unit: `3 hours`.
pub(crate) fn span(length: Millis) -> String {
    let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1000, "second")];
    let fitting = units.into_iter().find(|(unit, _)| length >= *unit);
    let Some((unit, name)) = fitting else { return "no time".to_owned() };
    let count = length / unit;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

/// How long ago an instant is, or how far away.
pub(crate) fn from_now(at: Millis, now: Millis) -> String {
    if at > now { format!("in {}", span(at - now)) } else { format!("{} ago", span(now - at)) }
}

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
    pub(crate) fn said(error: parapet_service::Error, field: &'static str) -> Result<Self, PageError> {
        use parapet_service::Error as E;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        assert_eq!(span(HOUR), "1 hour");
        assert_eq!(span(2 * DAY + HOUR), "2 days");
        assert_eq!(span(5), "no time");
        assert_eq!(from_now(10 * MINUTE, 0), "in 10 minutes");
        assert_eq!(from_now(0, 3 * DAY), "3 days ago");
        assert_eq!((instant(0), instant(FOREVER)), (String::new(), String::new()));
        assert_eq!(instant(DAY), "1970-01-02T00:00:00Z");
    }
}
