//! What a short list is asked for: a filter, an order and a page, read from the address. One frame for
//! all lists whose rows are at hand.

use axum::http::Uri;
use parapet_model::Millis;

use super::paging::Page;
use super::qql::table::{TableRow, select};
use super::sorting::{self, Key};
use super::{CsError, CsResult};
use crate::http::query::RawQuery;

/// See the module.
#[derive(Debug)]
pub(super) struct Listing {
    query: RawQuery,
    page: Page,
    now: Millis,
}

impl Listing {
    /// Reads the address; the page first, so that a wrong one is told before anything is looked up.
    pub(super) fn of(uri: &Uri, now: Millis) -> CsResult<Self> {
        let query = RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)?;
        Ok(Self { page: Page::of(&query)?, query, now })
    }

    /// The page of the rows that pass, in the order in which they come, and how many pass.
    pub(super) fn page<R: TableRow>(&self, rows: Vec<R>) -> CsResult<(Vec<R>, usize)> {
        Ok(self.page.cut(select(rows, self.query.text("filter"), self.now)?))
    }

    /// The same in the order asked for; in `order` when none is.
    pub(super) fn sorted<R: TableRow>(
        &self,
        rows: Vec<R>,
        order: &str,
        keys: &[Key<R>],
    ) -> CsResult<(Vec<R>, usize)> {
        let mut rows = select(rows, self.query.text("filter"), self.now)?;
        sorting::sort(&mut rows, self.query.text("sort").unwrap_or(order), keys)?;
        Ok(self.page.cut(rows))
    }
}
