//! What templates write as `value|name`.

#![expect(unreachable_pub, reason = "the macro makes public types of filters")]

use std::fmt;

use askama::Values;

use crate::parts::grouped;

/// A count with thin groups.
#[askama::filter_fn]
pub(crate) fn count(number: impl fmt::Display, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped(number))
}

/// A word of the API as people write it: `not_assessed` becomes `not assessed`.
#[askama::filter_fn]
pub(crate) fn spaced(word: impl fmt::Display, _: &dyn Values) -> askama::Result<String> {
    Ok(word.to_string().replace('_', " "))
}

/// A coverage word as people write it: `no-feed` becomes `no feed`.
#[askama::filter_fn]
pub(crate) fn dashed(word: impl fmt::Display, _: &dyn Values) -> askama::Result<String> {
    Ok(word.to_string().replace('-', " "))
}
