//! The frame that lists by id share: what every one of them is asked, how rows are gathered a chunk at a time,
//! and what stands around the rows in the answer.

use axum::response::Response;
use parapet_model::time::format_seconds;
use parapet_model::{Millis, Ranges};

use super::answer::Answer;
use super::dtd::Dtd;
use super::error::PcError;
use super::lists::{self, Window, number_set, warning};
use super::params::Call;
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Parameters of every such list.
const KNOWN: [&str; 5] = ["details", "ids", "id_min", "id_max", "truncation_limit"];
/// Rows of a page, unless the call says otherwise.
const DEFAULT_LIMIT: u64 = 1_000;

/// A call for a list, read as far as all lists are alike.
pub(super) struct List<'c> {
    call: &'c Call,
    login: &'c str,
    now: Millis,
    /// How much is told of each row.
    pub(super) details: &'static str,
    /// Most rows of a page.
    pub(super) limit: usize,
    /// The ids asked for.
    pub(super) window: Window,
}

impl<'c> List<'c> {
    /// Reads a call that takes `own` parameters too, tells as much as one of `details` says, `Basic` when
    /// nothing is said, and gives at most `most` rows.
    pub(super) fn of(
        state: &AppState,
        caller: &'c Caller,
        call: &'c Call,
        own: &[&str],
        details: &[&'static str],
        most: u64,
    ) -> Result<Self, PcError> {
        lists::only_list(call)?;
        call.only(&[&KNOWN[..], own].concat())?;
        Ok(Self {
            call,
            login: &caller.principal().name,
            now: state.app.now(),
            details: call.word("details", details)?.unwrap_or("Basic"),
            limit: lists::limit_or_all(call, DEFAULT_LIMIT, most)?,
            window: Window::of(call)?,
        })
    }

    /// A page of rows by number, to be filled.
    pub(super) fn page<T>(&self, number: fn(&T) -> u32) -> Page<'_, T> {
        let (window, limit) = (&self.window, self.limit);
        Page { window, limit, number, rows: Vec::new(), after: window.after(), ended: false }
    }

    /// Begins the answer, as far as the rows.
    pub(super) fn begin(&self, kind: &Dtd) -> Answer {
        let mut answer = Answer::begin(self.call, self.login, self.now, kind);
        answer.xml.open("RESPONSE");
        answer.xml.leaf("DATETIME", format_seconds(self.now));
        answer
    }

    /// The ids of the rows, which is all that `details=None` tells.
    pub(super) fn ids(&self, answer: &mut Answer, numbers: impl Iterator<Item = u32>) {
        let ids = Ranges::from_each(numbers.map(u64::from));
        if !ids.is_empty() {
            number_set(&mut answer.xml, "ID_SET", "ID", &ids);
        }
    }

    /// Ends the answer, with the way on where there is more.
    pub(super) fn finish(&self, mut answer: Answer, next: Option<u64>) -> Response {
        if let Some(next) = next {
            warning(&mut answer.xml, self.call, self.limit, "id_min", next);
        }
        answer.xml.close("RESPONSE");
        answer.finish()
    }
}

/// Rows being gathered until there is one more than the page has.
pub(super) struct Page<'l, T> {
    window: &'l Window,
    limit: usize,
    number: fn(&T) -> u32,
    rows: Vec<T>,
    after: u32,
    ended: bool,
}

impl<T> Page<'_, T> {
    /// The number after which more rows are wanted; `None` when there are enough.
    pub(super) fn after(&self) -> Option<u32> {
        let more = !self.ended && self.rows.len() <= self.limit && u64::from(self.after) < self.window.last();
        more.then_some(self.after)
    }

    /// Takes the rows that follow, by number; none when there are no more.
    pub(super) fn take(&mut self, rows: Vec<T>, is_wanted: impl Fn(&T) -> bool) {
        match rows.last() {
            Some(last) => self.after = (self.number)(last),
            None => self.ended = true,
        }
        let wanted = |row: &T| self.window.takes((self.number)(row)) && is_wanted(row);
        self.rows.extend(rows.into_iter().filter(wanted));
    }

    /// The rows, and the number of the first that is left.
    pub(super) fn done(mut self) -> (Vec<T>, Option<u64>) {
        let next = self.rows.get(self.limit).map(|row| (self.number)(row).into());
        self.rows.truncate(self.limit);
        (self.rows, next)
    }
}

/// Whether something that was made and changed at these instants is asked for by the date filters of a call.
pub(super) fn dated(call: &Call) -> Result<impl Fn(Millis, Millis) -> bool, PcError> {
    let (updated, created) =
        (call.instant("updated_after_datetime")?, call.instant("created_after_datetime")?);
    Ok(move |made: Millis, changed: Millis| {
        updated.is_none_or(|at| changed >= at) && created.is_none_or(|at| made >= at)
    })
}
