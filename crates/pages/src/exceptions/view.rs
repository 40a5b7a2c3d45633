//! What have we accepted, until when?

use askama::Template;
use parapet_posture::Effect;

use super::calendar::Calendar;
use super::words::Stand;
use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Choice, Pager};

/// The list or the calendar, with what waits above.
#[derive(Debug, Template)]
#[template(path = "exceptions.html")]
pub(crate) struct Exceptions {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// How many stand how.
    pub(crate) totals: Totals,
    /// Whether there is any at all.
    pub(crate) has_any: bool,
    /// List or calendar.
    pub(crate) views: Vec<Choice>,
    /// How those of the list stand.
    pub(crate) states: Vec<Choice>,
    /// The first of those that wait.
    pub(crate) queue: Vec<Line>,
    /// Whether the visitor may approve.
    pub(crate) may_approve: bool,
    /// Where one is asked for; `None` without the right.
    pub(crate) request: Option<Link>,
    /// The list or the month.
    pub(crate) shown: Shown,
    /// All rows as a file.
    pub(crate) csv: Link,
}

/// How many stand how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Totals {
    /// In force.
    pub(crate) holds: usize,
    /// Somebody has to decide.
    pub(crate) waiting: usize,
    /// Approved for later.
    pub(crate) planned: usize,
    /// End within 14 days.
    pub(crate) soon: usize,
}

/// What is below the choices.
#[derive(Debug)]
pub(crate) enum Shown {
    /// Row by row.
    List {
        /// The rows.
        lines: Vec<Line>,
        /// Other rows.
        pager: Pager,
        /// The same with what each covers.
        counted: Link,
        /// Whether this is that already.
        is_counted: bool,
    },
    /// Day by day.
    Calendar(Calendar),
}

/// One exception.
#[derive(Debug)]
pub(crate) struct Line {
    /// Its page.
    pub(crate) link: Link,
    /// Its title.
    pub(crate) title: String,
    /// How it stands.
    pub(crate) stand: Stand,
    /// What it is for, in words.
    pub(crate) covers: String,
    /// What it covers now, when that was counted.
    pub(crate) effect: Option<Effect>,
    /// Who asked.
    pub(crate) asked_by: String,
    /// On which day.
    pub(crate) asked: String,
    /// What was decided last, by whom, on which day.
    pub(crate) decided: Option<(&'static str, String, String)>,
    /// The day it starts, when that is still to come.
    pub(crate) start: String,
    /// Its last day; empty for no end.
    pub(crate) last_day: String,
    /// Whether that is near.
    pub(crate) soon: bool,
}
