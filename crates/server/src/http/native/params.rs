//! Query parameters and words that several routes share.

use parapet_model::Millis;
use parapet_model::filter::Filter;
use parapet_model::time::{format_rfc3339, parse_instant};
use parapet_service::PastInstant;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::ApiError;

/// Entries of a page when nothing is said.
const DEFAULT_LIMIT: usize = 100;
/// Most entries of a page.
const MAX_LIMIT: usize = 1000;

/// Which findings, as of when.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Filter, such as `severity >= high and fixable and not excepted`.
    #[serde(rename = "where")]
    where_: Option<String>,
    /// A past instant: RFC 3339 or a date.
    as_of: Option<String>,
    /// With `as_of`: presence as it was then, judged by what is known today.
    #[serde(default)]
    hindsight: bool,
    /// Also kernel packages that do not run where they lie.
    #[serde(default)]
    pub(super) include_not_run_here: bool,
}

impl Which {
    /// The filter.
    pub(super) fn filter(&self) -> Result<Filter, ApiError> {
        filter(self.where_.as_deref())
    }

    /// The instant.
    pub(super) fn past(&self) -> Result<Option<PastInstant>, ApiError> {
        past(self.as_of.as_deref(), self.hindsight)
    }
}

/// A part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// Entries passed over.
    #[serde(default)]
    pub(super) offset: usize,
    /// Most entries, 1 to 1000; 100 when absent.
    limit: Option<usize>,
}

impl Paging {
    /// Entries wanted.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        limit(self.limit)
    }
}

/// Where to go on in a list that is read by number.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// The `next` of the page before.
    #[serde(default)]
    pub(super) after: u32,
    /// Most entries, 1 to 1000; 100 when absent.
    limit: Option<usize>,
}

impl After {
    /// Entries wanted.
    pub(super) fn limit(&self) -> Result<u32, ApiError> {
        Ok(u32::try_from(limit(self.limit)?).unwrap_or(u32::MAX))
    }
}

/// Checks a page size.
pub(super) fn limit(wanted: Option<usize>) -> Result<usize, ApiError> {
    match wanted.unwrap_or(DEFAULT_LIMIT) {
        n @ 1..=MAX_LIMIT => Ok(n),
        _ => Err(ApiError::invalid(format!("limit must be 1 to {MAX_LIMIT}"))),
    }
}

/// Reads a filter text.
pub(super) fn filter(text: Option<&str>) -> Result<Filter, ApiError> {
    Filter::parse(text.unwrap_or_default()).map_err(|e| ApiError::invalid(e.to_string()))
}

/// Reads a past instant.
pub(super) fn past(as_of: Option<&str>, hindsight: bool) -> Result<Option<PastInstant>, ApiError> {
    match as_of {
        None if hindsight => Err(ApiError::invalid("hindsight needs as_of")),
        None => Ok(None),
        Some(text) => Ok(Some(PastInstant { at: instant("as_of", text)?, hindsight })),
    }
}

/// Reads an instant.
pub(super) fn instant(name: &str, text: &str) -> Result<Millis, ApiError> {
    parse_instant(text)
        .ok_or_else(|| ApiError::invalid(format!("{name}: {text:?} is not a date or RFC 3339 instant")))
}

/// An instant on its way out: `None` for none and for "without end".
pub(super) fn shown(at: Millis) -> Option<String> {
    Some(format_rfc3339(at)).filter(|text| at != 0 && !text.is_empty())
}

/// Reads an id of the path.
pub(super) fn id(text: &str, what: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| ApiError::not_found(what))
}
