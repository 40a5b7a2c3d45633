//! `/settings/audit`: who did what?

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use parapet_model::Millis;
use parapet_model::time::{end_of_day, parse_instant};
use parapet_store::audit::{AuditFilter, AuditRow};
use serde::Deserialize;
use serde_json::Value;

use super::{HERE, places};
use crate::dates::instant;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::{ForVisitor as _, Problem, refused};
use crate::{PageError, PageResult, csv, filters};

/// Events of a page.
const ROWS: u32 = 50;
/// Events read at once for a file.
const BATCH: u32 = 1000;
/// Changed members that the list names.
const NAMED: usize = 5;
const PATH: &str = "/settings/audit";

/// The search, which is the state of the page.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    who: String,
    what: String,
    kind: String,
    object: String,
    from: String,
    to: String,
    /// Number of an event; those before it.
    before: Option<u32>,
    format: String,
}

/// An event in a list.
#[derive(Debug)]
struct Row {
    link: Link,
    at: String,
    who: String,
    what: String,
    kind: String,
    object: String,
    changed: String,
}

#[derive(Debug, Template)]
#[template(path = "settings/audit.html")]
struct View {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    search: Params,
    problem: Option<Problem>,
    searching: bool,
    total: u64,
    rows: Vec<Row>,
    first: Option<Link>,
    older: Option<Link>,
    csv: Link,
}

impl Params {
    fn link(&self) -> Link {
        Link::to(PATH)
            .with("who", self.who.trim())
            .with("what", self.what.trim())
            .with("kind", self.kind.trim())
            .with("object", self.object.trim())
            .with("from", self.from.trim())
            .with("to", self.to.trim())
    }

    fn filter(&self) -> Result<AuditFilter<'_>, Problem> {
        let at = |field: &'static str, text: &str| {
            parse_instant(text).ok_or_else(|| {
                Problem::of(field, "A day like 2026-11-30, or an instant like 2026-11-30T08:00:00Z.")
            })
        };
        let from = match self.from.trim() {
            "" => Millis::MIN,
            text => at("from", text)?,
        };
        let to = match self.to.trim() {
            "" => Millis::MAX,
            // A day is meant with its evening.
            text if text.len() == "2026-11-30".len() => end_of_day(at("to", text)?),
            text => at("to", text)?,
        };
        Ok(AuditFilter {
            kind: self.kind.trim(),
            subject: self.object.trim(),
            actor: self.who.trim(),
            action: self.what.trim(),
            from,
            to,
        })
    }
}

/// The log.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let (app, who) = (&state.app, visitor.principal());
    let mut view = View {
        layout: visitor.layout("Audit log", HERE),
        places: places(&visitor),
        problem: None,
        searching: params.link().parameters().next().is_some(),
        total: 0,
        rows: Vec::new(),
        first: params.before.map(|_| params.link()),
        older: None,
        csv: params.link().with("format", "csv"),
        search: params.clone(),
    };
    let filter = match params.filter() {
        Ok(filter) => filter,
        Err(problem) => {
            view.problem = Some(problem);
            return Ok(refused(&view, StatusCode::BAD_REQUEST));
        }
    };
    if csv::wanted(&headers, &params.format) {
        let (mut rows, mut before) = (Vec::new(), u32::MAX);
        loop {
            let batch = app.audit(who, &filter, before, BATCH).await.shown_to(&visitor)?;
            let Some(last) = batch.last() else { break };
            before = last.no;
            rows.extend(batch.iter().map(cells));
        }
        let titles = &["at", "who", "what", "kind", "object", "before", "after"];
        return Ok(csv::answer("audit", titles, move |table| rows.iter().try_for_each(|row| table.row(row))));
    }
    let before = params.before.unwrap_or(u32::MAX);
    let events = app.audit(who, &filter, before, ROWS).await.shown_to(&visitor)?;
    view.total = app.audit_count(who, &filter).await.shown_to(&visitor)?;
    let full = events.len() == ROWS as usize;
    let last = events.last().filter(|_| full).map(|last| last.no);
    view.older = last.map(|no| params.link().with("before", no.to_string()));
    view.rows = events.iter().map(row).collect();
    Ok(html(&view))
}

fn row(event: &AuditRow) -> Row {
    let changed = changes(event);
    let mut names: Vec<&str> = changed.iter().take(NAMED).map(|change| change.name.as_str()).collect();
    if changed.len() > NAMED {
        names.push("…");
    }
    Row {
        link: Link::to(PATH).part(&event.no.to_string()),
        at: instant(event.at),
        who: event.actor.clone(),
        what: event.action.clone(),
        kind: event.kind.clone(),
        object: event.subject.clone(),
        changed: names.join(", "),
    }
}

fn cells(event: &AuditRow) -> [String; 7] {
    let json = |state: &parapet_store::audit::State| state.json().map(Value::to_string).unwrap_or_default();
    [
        instant(event.at),
        event.actor.clone(),
        event.action.clone(),
        event.kind.clone(),
        event.subject.clone(),
        json(&event.before),
        json(&event.after),
    ]
}

/// A member that an event changed, as text before and after.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    name: String,
    before: String,
    after: String,
}

/// What differs between before and after, member by member; what was made or deleted is all of it.
fn changes(event: &AuditRow) -> Vec<Change> {
    let empty = serde_json::Map::new();
    let members = |state: Option<&Value>| match state {
        Some(Value::Object(members)) => members.clone(),
        Some(other) => serde_json::Map::from_iter([(String::new(), other.clone())]),
        None => empty.clone(),
    };
    let (before, after) = (members(event.before.json()), members(event.after.json()));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let change = |name: &String| Change {
        name: name.clone(),
        before: text(before.get(name)),
        after: text(after.get(name)),
    };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

#[derive(Debug, Template)]
#[template(path = "settings/audit_event.html")]
struct Event {
    layout: Layout,
    row: Row,
    changes: Vec<Change>,
    of_object: Link,
    of_person: Link,
}

/// One event with all that changed.
pub(crate) async fn event(State(state): State<Pages>, visitor: Visitor, Path(no): Path<u32>) -> PageResult {
    let filter = AuditFilter::default();
    let found = state.app.audit(visitor.principal(), &filter, no.saturating_add(1), 1).await;
    let found = found.shown_to(&visitor)?.into_iter().find(|event| event.no == no);
    let found = found.ok_or_else(|| PageError::not_found("event").to(&visitor))?;
    Ok(html(&Event {
        layout: visitor.layout("Audit event", HERE),
        of_object: Link::to(PATH).with("kind", found.kind.clone()).with("object", found.subject.clone()),
        of_person: Link::to(PATH).with("who", found.actor.clone()),
        changes: changes(&found),
        row: row(&found),
    }))
}
