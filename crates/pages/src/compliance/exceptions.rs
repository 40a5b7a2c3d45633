//! `/compliance/exceptions`: those that wait, those that were reopened and why, and the decision.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use parapet_model::control_exception::ControlException;
use parapet_model::exception::ExceptionState;
use parapet_model::lifecycle::Standing;
use parapet_model::time::format_rfc3339;
use parapet_model::{Millis, Permission, Ranges};
use parapet_service::Error;
use parapet_service::control_exceptions::{Batch, Change, Filter, Listed, WhyNot};
use serde::Deserialize;

use super::words;
use crate::dates::{day, last_day, minute};
use crate::exceptions::typed::{end_typed, known_until};
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::Choice;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::{PageError, PageResult, csv, filters};

/// Rows of a page.
const ROWS: usize = 50;
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

const fn stand(standing: Standing) -> (&'static str, &'static str) {
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
struct Row {
    short: Short,
    statement: String,
    host: String,
    policy: String,
    by: String,
    comment: String,
    /// Why it waits again.
    reopened: String,
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
    Ok(html(&Queue {
        layout: visitor.layout("Compliance exceptions", "/compliance"),
        states: vec![
            choice("waiting", "pending"),
            choice("approved", "approved"),
            choice("rejected", "rejected"),
            choice("expired", "expired"),
            choice("all", "all"),
        ],
        rows: page.rows.iter().map(|listed| row(listed, now)).collect(),
        pages: (if shown == 0 { 0 } else { params.seen + 1 }, params.seen + shown, total),
        start: params.from.map(|_| here.clone()),
        next,
        csv: here.with("format", "csv"),
    }))
}

fn row(listed: &Listed, now: Millis) -> Row {
    let asked = listed.history.first();
    Row {
        short: short(&listed.exception, now),
        statement: listed.control.as_ref().map(words::statement).unwrap_or_default(),
        host: listed.host.as_ref().map_or("a host that is gone", |host| host.name.as_str()).to_owned(),
        policy: listed.policy.as_ref().map(|policy| policy.title.clone()).unwrap_or_default(),
        by: asked.map(|entry| entry.by.clone()).unwrap_or_default(),
        comment: asked.map(|entry| entry.comment.clone()).unwrap_or_default(),
        reopened: listed.reopened().map(|entry| entry.comment.clone()).unwrap_or_default(),
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
                let (row, e) = (row(listed, now), &listed.exception);
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

/// The page of one.
#[derive(Debug, Template)]
#[template(path = "compliance_exception.html")]
struct One {
    layout: Layout,
    here: Link,
    row: Row,
    result: Option<Link>,
    instance: String,
    start: String,
    end: String,
    reopens: bool,
    /// When, who, what, and what they said; the newest first.
    history: Vec<(String, String, String, String)>,
    steps: Vec<(&'static str, &'static str, &'static str)>,
    may_approve: bool,
    may_comment: bool,
    wants_others: bool,
    note: String,
    until: String,
    end_typed: String,
    end_problem: String,
    problem: String,
}

impl One {
    /// Whether it can be approved here.
    fn offers_approval(&self) -> bool {
        self.steps.iter().any(|(word, ..)| *word == "approve")
    }
}

/// What was typed into the form of the decision.
#[derive(Debug, Default)]
struct Typed {
    note: String,
    until: String,
    end: String,
    end_problem: String,
    problem: String,
}

/// What was done just now.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    done: String,
}

/// The page of one.
pub(crate) async fn one(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(number): Path<String>,
    Query(Done { done }): Query<Done>,
) -> PageResult {
    let listed = found(&state, &visitor, &number).await?;
    Ok(html(&page(&state, &visitor, listed, Typed::default(), &done).await?))
}

async fn found(state: &Pages, visitor: &Visitor, number: &str) -> PageResult<Listed> {
    let not_found = || PageError::not_found("exception").to(visitor);
    let no: u32 = number.parse().map_err(|_| not_found())?;
    match state.app.control_exceptions().one(visitor.principal(), no.into()).await {
        Err(Error::NotFound(_)) => Err(not_found()),
        other => Ok(other?),
    }
}

/// Takes a decision.
pub(crate) async fn decide(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(number): Path<String>,
    form: Form,
) -> PageResult {
    let listed = found(&state, &visitor, &number).await?;
    let numbers = Ranges::from_each([u64::from(listed.exception.no.0)]);
    let text = |name: &str| form.text(name).to_owned();
    let mut typed = Typed { note: text("note"), until: text("until"), end: text("end"), ..Typed::default() };
    let change = Change { comment: typed.note.clone(), ..Change::default() };
    let now = state.app.now();
    let (service, who) = (state.app.control_exceptions(), visitor.principal());
    let (done, outcome) = match form.text("act") {
        "approve" => match end_typed(known_until(&typed.until), &typed.end, now, now) {
            Ok(end) => {
                let status = Some(ExceptionState::Approved);
                (
                    "approved",
                    service.update(who, &numbers, &Change { status, end: Some(end), ..change }).await,
                )
            }
            Err(why) => {
                typed.end_problem = why;
                return refused(&state, &visitor, listed, typed, StatusCode::BAD_REQUEST).await;
            }
        },
        "reject" => {
            let status = Some(ExceptionState::Rejected);
            ("rejected", service.update(who, &numbers, &Change { status, ..change }).await)
        }
        "wait" => {
            let status = Some(ExceptionState::Pending);
            ("waiting", service.update(who, &numbers, &Change { status, ..change }).await)
        }
        "comment" => ("said", service.update(who, &numbers, &change).await),
        _ => return Err(PageError::invalid("There is no such decision.").to(&visitor)),
    };
    let status = match outcome {
        Ok(Batch { done: changed, .. }) if !changed.is_empty() => {
            let page = Link::to("/compliance/exceptions").part(&number).with("done", done);
            return Ok(Redirect::to(&page.to_string()).into_response());
        }
        Ok(batch) => {
            typed.problem = batch.refused.first().map_or_else(String::new, |(why, _)| refusal(*why));
            StatusCode::CONFLICT
        }
        Err(Error::Invalid(why)) => {
            typed.problem = format!("{why}.");
            StatusCode::BAD_REQUEST
        }
        Err(other) => return Err(PageError::from(other).to(&visitor)),
    };
    refused(&state, &visitor, listed, typed, status).await
}

async fn refused(
    state: &Pages,
    visitor: &Visitor,
    listed: Listed,
    typed: Typed,
    status: StatusCode,
) -> PageResult {
    let mut response = html(&page(state, visitor, listed, typed, "").await?);
    *response.status_mut() = status;
    Ok(response)
}

fn refusal(why: WhyNot) -> String {
    match why {
        WhyNot::Unknown => "The exception is gone.".to_owned(),
        WhyNot::NoSuchStep(from, _) => format!("It is {} by now, and cannot become that.", stand(from).0),
        WhyNot::NeedsEnd => "Its end has passed: choose another.".to_owned(),
        WhyNot::Expired => "It has expired: approve it with another end.".to_owned(),
        WhyNot::NoAccess => "Whoever is to look at it has no access to the host.".to_owned(),
        WhyNot::AnotherIsOpen => "Another exception for the very same is open.".to_owned(),
        WhyNot::OwnRequest => "You asked for it, so somebody else has to approve it.".to_owned(),
    }
}

async fn page(state: &Pages, visitor: &Visitor, listed: Listed, typed: Typed, done: &str) -> PageResult<One> {
    let (service, now) = (state.app.control_exceptions(), state.app.now());
    let e = &listed.exception;
    let may_approve = visitor.may(Permission::ExceptionsApprove);
    let wants_others = service.wants_others(visitor.principal(), e);
    let result = match visitor.may(Permission::FindingsRead) {
        true => service.result_of(visitor.principal(), e).await?,
        false => None,
    };
    let steps = [
        (ExceptionState::Approved, "approve", "Approve", ""),
        (ExceptionState::Rejected, "reject", "Reject", "danger"),
        (ExceptionState::Pending, "wait", "Back to waiting", "quiet"),
    ];
    let taken = steps.into_iter().filter(|(next, ..)| {
        may_approve
            && listed.standing.may_become(*next)
            && !(wants_others && *next == ExceptionState::Approved)
    });
    let mut layout = visitor.layout(&format!("Compliance exception {}", e.no), "/compliance");
    match done {
        "requested" => "Asked for. It changes nothing until somebody approves it.",
        "approved" => "Approved, for what is found now.",
        "rejected" => "Rejected.",
        "waiting" => "It waits for a decision again.",
        "said" => "Your note is in the history.",
        _ => "",
    }
    .clone_into(&mut layout.done);
    Ok(One {
        layout,
        here: Link::to("/compliance/exceptions").part(&e.no.to_string()),
        row: row(&listed, now),
        result: result.map(|no| Link::to("/compliance/results").part(&no.to_string())),
        instance: if e.target.identity.instance == parapet_model::compliance::WHOLE_HOST {
            String::new()
        } else {
            e.target.identity.instance.clone()
        },
        start: minute(e.life.start),
        end: minute(e.life.end),
        reopens: e.target.reopen_on_evidence_change,
        history: listed
            .history
            .iter()
            .rev()
            .map(|h| (minute(h.at), h.by.clone(), h.what.clone(), h.comment.clone()))
            .collect(),
        steps: taken.map(|(_, word, label, class)| (word, label, class)).collect(),
        may_approve,
        may_comment: visitor.may(Permission::ExceptionsRequest),
        wants_others: may_approve && wants_others && listed.standing == Standing::Pending,
        note: typed.note,
        until: known_until(&typed.until).to_owned(),
        end_typed: typed.end,
        end_problem: typed.end_problem,
        problem: typed.problem,
    })
}
