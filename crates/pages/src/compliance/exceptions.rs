//! `/compliance/exceptions`: those that wait, and those that were reopened and why.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parapet_model::Millis;
use parapet_model::control_exception::ControlException;
use parapet_model::lifecycle::Standing;
use parapet_model::time::format_rfc3339;
use parapet_service::control_exceptions::{Filter, Listed};
use serde::Deserialize;

use super::words;
use crate::dates::{day, last_day};
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Choice, cut};
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageResult, csv, filters};

/// Rows of a page.
const ROWS: usize = 50;
/// Characters of a text in the list.
const TEXT: usize = 300;
/// Rows read at once for a file.
const CHUNK: usize = 1_000;

/// An exception in a few words.
#[derive(Debug)]
pub(super) struct Short {
    /// Its page.
    pub(super) link: Link,
    /// Its number.
    pub(super) no: u32,
    /// How it stands.
    pub(super) word: &'static str,
    /// How its tag looks.
    pub(super) class: &'static str,
    /// Its last day; empty for no end.
    pub(super) last_day: String,
    /// The day it was asked for.
    pub(super) asked: String,
}

/// An exception in a few words.
pub(super) fn short(exception: &ControlException, now: Millis) -> Short {
    let (word, class) = stand(exception.life.standing(now));
    Short {
        link: Link::to("/compliance/exceptions").part(&exception.no.to_string()),
        no: exception.no.0,
        word,
        class,
        last_day: last_day(exception.life.end),
        asked: day(exception.created_at),
    }
}

pub(super) const fn stand(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Pending => ("waiting", "warn"),
        Standing::Approved => ("approved", "good"),
        Standing::Rejected => ("rejected", "bad"),
        Standing::Expired => ("expired", ""),
        Standing::Ended => ("ended", ""),
    }
}

/// The list.
#[derive(Debug, Template)]
#[template(path = "compliance_exceptions.html")]
struct Queue {
    layout: Layout,
    states: Vec<Choice>,
    rows: Vec<Row>,
    /// First row, last row, rows of the whole list.
    pages: (usize, usize, u64),
    start: Option<Link>,
    next: Option<Link>,
    csv: Link,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    /// How it stands.
    pub(super) short: Short,
    /// What the control demands.
    pub(super) statement: String,
    /// The host.
    pub(super) host: String,
    /// The policy.
    pub(super) policy: String,
    /// Who asked.
    pub(super) by: String,
    /// Why.
    pub(super) comment: String,
    /// Why it waits again.
    pub(super) reopened: String,
}

/// The state of the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    /// How they stand: `pending` when empty, `all` for all.
    state: String,
    /// Number from which the page begins.
    from: Option<u64>,
    /// How many came before.
    seen: usize,
    format: String,
}

impl Params {
    fn standing(&self) -> Option<Standing> {
        match self.state.as_str() {
            "all" => None,
            word => Some(Standing::ALL.into_iter().find(|s| s.as_str() == word).unwrap_or(Standing::Pending)),
        }
    }

    fn filter(&self) -> Filter {
        Filter { standing: self.standing(), first: self.from, ..Filter::default() }
    }
}

/// The list.
pub(crate) async fn queue(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    if csv::wanted(&headers, &params.format) {
        return Ok(download(state.clone(), &visitor, &params));
    }
    let stamp = super::stamp(&state, &visitor).await?;
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let (service, now) = (state.app.control_exceptions(), state.app.now());
    let counts = service.counts(visitor.principal()).await?;
    let page = service.list(visitor.principal(), &params.filter(), ROWS, true).await?;
    let total = match params.standing() {
        Some(standing) => counts.get(&standing).copied().unwrap_or_default(),
        None => counts.values().sum(),
    };
    let base = Link::to("/compliance/exceptions");
    let word = params.standing().map_or("all", Standing::as_str);
    let choice = |name, key: &'static str| Choice {
        name,
        chosen: key == word,
        link: base.clone().with("state", if key == "pending" { "" } else { key }),
    };
    let here = base.clone().with("state", if word == "pending" { "" } else { word });
    let shown = page.rows.len();
    let next = page
        .next
        .map(|no| here.clone().with("from", no.to_string()).with("seen", (params.seen + shown).to_string()));
    Ok(stamp.on(html(&Queue {
        layout: visitor.layout("Compliance exceptions", "/compliance"),
        states: vec![
            choice("waiting", "pending"),
            choice("approved", "approved"),
            choice("rejected", "rejected"),
            choice("expired", "expired"),
            choice("all", "all"),
        ],
        rows: page.rows.iter().map(|listed| row(listed, now, TEXT)).collect(),
        pages: (if shown == 0 { 0 } else { params.seen + 1 }, params.seen + shown, total),
        start: params.from.map(|_| here.clone()),
        next,
        csv: here.with("format", "csv"),
    })))
}

/// One in a list, with texts of at most so many characters.
pub(super) fn row(listed: &Listed, now: Millis, most: usize) -> Row {
    let asked = listed.history.first();
    Row {
        short: short(&listed.exception, now),
        statement: listed.control.as_ref().map(words::statement).unwrap_or_default(),
        host: listed.host.as_ref().map_or("a host that is gone", |host| host.name.as_str()).to_owned(),
        policy: listed.policy.as_ref().map(|policy| policy.title.clone()).unwrap_or_default(),
        by: asked.map(|entry| entry.by.clone()).unwrap_or_default(),
        comment: asked.map(|entry| cut(&entry.comment, most)).unwrap_or_default(),
        reopened: listed.reopened().map(|entry| cut(&entry.comment, most)).unwrap_or_default(),
    }
}

const TITLES: &[&str] = &[
    "exception",
    "state",
    "control",
    "rule",
    "statement",
    "host",
    "policy",
    "requested_by",
    "requested_at",
    "reason",
    "reopened",
    "start",
    "end",
];

fn download(state: Pages, visitor: &Visitor, params: &Params) -> Response {
    let (visitor, mut filter) = (visitor.clone(), Filter { first: None, ..params.filter() });
    let runtime = tokio::runtime::Handle::current();
    csv::answer("compliance-exceptions", TITLES, move |table| {
        let now = state.app.now();
        loop {
            let service = state.app.control_exceptions();
            let page = runtime.block_on(service.list(visitor.principal(), &filter, CHUNK, true));
            let page = page.map_err(std::io::Error::other)?;
            for listed in &page.rows {
                let (row, e) = (row(listed, now, usize::MAX), &listed.exception);
                table.row([
                    e.no.to_string(),
                    listed.standing.as_str().to_owned(),
                    e.target.identity.control.to_string(),
                    listed.control.as_ref().map(|c| c.rule.clone()).unwrap_or_default(),
                    row.statement,
                    row.host,
                    row.policy,
                    row.by,
                    format_rfc3339(e.created_at),
                    row.comment,
                    row.reopened,
                    format_rfc3339(e.life.start),
                    format_rfc3339(e.life.end),
                ])?;
            }
            match page.next {
                Some(next) => filter.first = Some(next),
                None => return Ok(()),
            }
        }
    })
}
