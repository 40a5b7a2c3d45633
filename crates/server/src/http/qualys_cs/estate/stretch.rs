//! Stretches of lists that are walked by cursor, in the order of numbers.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use parapet_model::AssetNo;
use serde::Serialize;

use super::Estate;
use super::link::{Here, cursor, read_cursor};
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::{CsError, CsResult};
use crate::http::query::RawQuery;

/// Entries of a stretch when nothing is said.
const BULK: usize = 50;
/// A stretch ends with the row that makes it this long, or this long for each entry asked for; the link
/// leads on. So an answer is bounded and nobody waits long behind one, and who wants much at once asks for
/// much.
const ENOUGH: usize = 512 << 10;
const ENOUGH_PER_ENTRY: usize = 10 << 10;

/// The body of a stretch, written row by row. When it is long enough it takes no more: a row of the
/// bulk lists has a kilobyte or half a million.
pub(super) struct Stretch {
    bytes: Vec<u8>,
    enough: usize,
    /// The last row.
    last: Option<AssetNo>,
}

impl Stretch {
    fn new(limit: usize) -> Self {
        let enough = ENOUGH.max(ENOUGH_PER_ENTRY * limit);
        Self { bytes: b"{\"data\":[".to_vec(), enough, last: None }
    }

    /// Adds a row; whether there is room for another.
    pub(super) fn add(&mut self, no: AssetNo, row: &impl Serialize) -> CsResult<bool> {
        if self.last.replace(no).is_some() {
            self.bytes.push(b',');
        }
        serde_json::to_writer(&mut self.bytes, row).map_err(parapet_service::Error::internal)?;
        Ok(self.bytes.len() < self.enough)
    }

    fn end(mut self, count: u64) -> Response {
        self.bytes.extend(format!("],\"count\":{count}}}").into_bytes());
        ([(header::CONTENT_TYPE, "application/json")], self.bytes).into_response()
    }
}

/// One stretch of a list in the order of numbers, which no change of the data disturbs: at most `limit`
/// rows, fewer when they are long. An empty answer has a body here: qualysdk fails on 204.
pub(super) fn walk<'e>(
    estate: &'e Estate,
    subject: Subject,
    query: &RawQuery,
    here: &Here,
    most: usize,
    write: impl FnOnce(&'e Estate, &[AssetNo], &mut Stretch) -> CsResult<()>,
) -> CsResult<Response> {
    let limit = match query.text("limit") {
        None => BULK,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| CsError::invalid(format!("limit must be 1 to {most}")))?,
    };
    let after = query.text("paginationQuery").map(read_cursor).transpose()?;
    let numbers = estate.select(subject, query.text("filter"))?;
    let mut behind = numbers.iter();
    if let Some(after) = after {
        behind.advance_to(after.0.saturating_add(1));
    }
    let ahead: Vec<AssetNo> = behind.take(limit + 1).map(AssetNo).collect();
    let mut body = Stretch::new(limit);
    write(estate, &ahead[..ahead.len().min(limit)], &mut body)?;
    let more_follow = body.last.filter(|last| ahead.last().is_some_and(|end| end > last));
    let mut response = body.end(numbers.len());
    if let Some(last) = more_follow {
        let cursor = cursor(last);
        let more =
            [("filter", query.text("filter").unwrap_or_default()), ("paginationQuery", cursor.as_str())];
        response.headers_mut().insert(header::LINK, here.link(("limit", limit), &more)?);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_takes_no_more_when_it_is_long_enough() {
        let row = "x".repeat(ENOUGH / 2);
        for (limit, rows) in [(1, 2), (50, 2), (102, 4)] {
            let mut stretch = Stretch::new(limit);
            let taken = (1..=9).find(|no| !stretch.add(AssetNo(*no), &row).unwrap());
            assert_eq!(taken, Some(rows), "the row that makes it long enough is in it");
            assert_eq!(stretch.last, Some(AssetNo(rows)));
        }
    }
}
