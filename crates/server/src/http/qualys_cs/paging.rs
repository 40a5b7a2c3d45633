//! Pages of lists (contract 1.5): `pageNumber` and `pageSize`, `{"data", "count"}`, 204 when nothing
//! matches.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::CsError;
use crate::http::query::RawQuery;

/// Entries of a page when nothing is said, and at most.
const DEFAULT_SIZE: usize = 50;
const MAX_SIZE: usize = 1000;
/// Page lists reach this far; beyond it there are the bulk lists.
const MAX_REACH: usize = 10_000;

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Entries passed over.
    pub(crate) offset: usize,
    /// Entries wanted at most.
    pub(crate) size: usize,
}

impl Page {
    /// Reads `pageNumber` (1 is the first; 0 is taken for it, and `pageNo` is its older name) and
    /// `pageSize` (`limit` is what one client says).
    pub(crate) fn of(query: &RawQuery) -> Result<Self, CsError> {
        let number = |name: &str, text: &str| {
            text.parse::<usize>().map_err(|_| CsError::invalid(format!("{name} is not a number: {text:?}")))
        };
        let named = |names: [&'static str; 2]| {
            let found = names.iter().find_map(|name| Some((name, query.text(name)?)));
            found.map(|(name, text)| number(name, text)).transpose()
        };
        let page = named(["pageNumber", "pageNo"])?.unwrap_or(1).max(1);
        let size = named(["pageSize", "limit"])?.unwrap_or(DEFAULT_SIZE);
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(CsError::invalid(format!("pageSize must be 1 to {MAX_SIZE}")));
        }
        let offset = (page - 1).saturating_mul(size);
        if offset >= MAX_REACH && page > 1 {
            return Err(CsError::invalid(format!("page lists reach {MAX_REACH} entries; use the bulk list")));
        }
        Ok(Self { offset, size })
    }

    /// The number of the next page of a list of that length, if there is one within reach.
    pub(crate) fn next(self, count: usize) -> Option<usize> {
        let offset = self.offset + self.size;
        (offset < count.min(MAX_REACH)).then(|| offset / self.size + 1)
    }

    /// The page of a list that is at hand.
    pub(crate) fn cut<T>(self, list: Vec<T>) -> (Vec<T>, usize) {
        let total = list.len();
        (list.into_iter().skip(self.offset).take(self.size).collect(), total)
    }
}

/// The answer to a list: 204 without a body when nothing matches at all.
pub(crate) fn listed<T: Serialize>(rows: &[T], count: usize) -> Response {
    listed_with(rows, count, &[])
}

/// Like [`listed`], with more keys.
pub(crate) fn listed_with<T: Serialize>(rows: &[T], count: usize, more: &[(&str, Value)]) -> Response {
    if count == 0 {
        return StatusCode::NO_CONTENT.into_response();
    }
    let more = more.iter().map(|(key, value)| (*key, value)).collect();
    Json(Listed { count, data: rows, more }).into_response()
}

/// The body of a list, written as it is, without a copy of its rows.
#[derive(Serialize)]
struct Listed<'r, T> {
    count: usize,
    data: &'r [T],
    #[serde(flatten)]
    more: BTreeMap<&'r str, &'r Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_as_clients_write_them() {
        let page = |raw: &str| Page::of(&RawQuery::parse(raw).unwrap()).ok().map(|p| (p.offset, p.size));
        assert_eq!(page(""), Some((0, 50)));
        assert_eq!(page("pageNumber=0&pageSize=5"), Some((0, 5)));
        assert_eq!(page("pageNumber=3&pageSize=5"), Some((10, 5)));
        assert_eq!(page("pageNo=2"), Some((50, 50)));
        assert_eq!(page("limit=250"), Some((0, 250)));
        assert_eq!(Page { offset: 10, size: 5 }.next(16), Some(4));
        assert_eq!(Page { offset: 10, size: 5 }.next(15), None);
        assert_eq!(Page { offset: 9_000, size: 1_000 }.next(50_000), None, "beyond the reach of page lists");
        for wrong in ["pageSize=0", "pageSize=1001", "pageNumber=x", "pageNumber=-1", "pageNumber=201"] {
            assert_eq!(page(wrong), None, "{wrong}");
        }
    }
}
