//! What templates write as `value|name`.

#![expect(unreachable_pub, reason = "the macro makes public types of filters")]

use std::fmt;

use askama::Values;

use crate::parts::{counted, grouped};

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

/// A count with what is counted: `1 host`, `2 hosts`.
#[askama::filter_fn]
pub(crate) fn things(number: impl Count, _: &dyn Values, noun: &str) -> askama::Result<String> {
    Ok(counted(number.count(), noun))
}

/// The form of a verb that goes with a count: `n|agree("is", "are")`.
#[askama::filter_fn]
pub(crate) fn agree(number: impl Count, _: &dyn Values, one: &str, more: &str) -> askama::Result<String> {
    Ok(if number.count() == 1 { one } else { more }.to_owned())
}

/// What can be counted.
pub(crate) trait Count {
    /// How many.
    fn count(&self) -> u64;
}

impl Count for u64 {
    fn count(&self) -> u64 {
        *self
    }
}

impl Count for u32 {
    fn count(&self) -> u64 {
        u64::from(*self)
    }
}

impl Count for usize {
    fn count(&self) -> u64 {
        *self as u64
    }
}

impl<T: Count> Count for &T {
    fn count(&self) -> u64 {
        (*self).count()
    }
}

/// A coverage word as people write it: `no-feed` becomes `no feed`.
#[askama::filter_fn]
pub(crate) fn dashed(word: impl fmt::Display, _: &dyn Values) -> askama::Result<String> {
    Ok(word.to_string().replace('-', " "))
}
