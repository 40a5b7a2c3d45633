//! `/exceptions/{id}`: what one is for, what it does now, how it came to be, and the decision.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use parapet_model::exception::{Exception, ExceptionState, TargetKind};
use parapet_model::filter::{Field, Op};
use parapet_model::time::format_rfc3339;
use parapet_model::{AssetNo, Filter, Millis, Permission, Scope};
use parapet_posture::Snapshot;
use parapet_service::Error;
use parapet_service::exceptions::Version;
use serde::Deserialize;
use uuid::Uuid;

use super::link_of;
use super::new::Foreseen;
use super::typed::last_day_typed;
use super::words::{self, Stand};
use crate::dates::{day, last_day, minute};
use crate::layout::{DataState, Layout};
use crate::link::Link;
use crate::question::asked;
use crate::render::{Stamp, html};
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{Known as _, refused};
use crate::{PageError, PageResult, filters};

/// Assets and vulnerabilities named one by one.
const NAMED: usize = 50;

/// The page of one exception.
#[derive(Debug, Template)]
#[template(path = "exception.html")]
struct Detail {
    layout: Layout,
    here: Link,
    title: String,
    stand: Stand,
    covers: String,
    reason: String,
    comment: String,
    /// The question as it is written, and whether it is asked anew each time.
    filter: Option<(String, bool)>,
    assets: Vec<(Link, String)>,
    assets_total: usize,
    excluded: Vec<(Link, String)>,
    excluded_total: usize,
    vulnerabilities: Vec<(Link, String)>,
    vulnerabilities_total: usize,
    start: String,
    end: String,
    requested_by: String,
    requested_at: String,
    /// What it covers; `None` until it was counted.
    foreseen: Option<Foreseen>,
    counted: Link,
    /// The findings it hides now.
    hides: Option<Link>,
    history: Vec<Event>,
    steps: Vec<Step>,
    /// Whether somebody else has to approve it.
    wants_others: bool,
    /// The last day, for the field that moves it; `None` when it cannot be moved.
    moves: Option<String>,
    note: String,
    problem: String,
    end_problem: String,
}

/// A decision that can be taken.
#[derive(Debug)]
struct Step {
    word: &'static str,
    label: &'static str,
    class: &'static str,
}

/// Something that happened.
#[derive(Debug)]
struct Event {
    at: String,
    by: String,
    what: String,
    comment: String,
}

/// The state of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    /// Whether the effect is counted, which may take longer.
    #[serde(default)]
    count: String,
    /// What was done just now.
    #[serde(default)]
    done: String,
}

/// What was typed into the form of the decision.
#[derive(Debug, Default)]
struct Typed {
    note: String,
    end: Option<String>,
    problem: String,
    end_problem: String,
}

fn done(word: &str) -> &'static str {
    match word {
        "requested" => "Asked for. It hides nothing until somebody approves it.",
        "approved" => "Approved.",
        "rejected" => "Rejected.",
        "ended" => "Ended. What only it hid is back among the findings.",
        "changed" => "Its end was moved.",
        _ => "",
    }
}

/// The page.
pub(crate) async fn one(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> PageResult {
    let exception = found(&state, &visitor, &id).await?;
    let (snapshot, now) = (state.app.live().snapshot(), state.app.now());
    let stamp = Stamp::new(&visitor, snapshot.seq(), snapshot.valid_until(now));
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let page = page(&state, &visitor, exception, &params, Typed::default()).await?;
    Ok(stamp.on(html(&page)))
}

async fn found(state: &Pages, visitor: &Visitor, id: &str) -> PageResult<Exception> {
    let id: Uuid = id.parse().ok().known("exception", visitor)?;
    state.app.exceptions().get(visitor.principal(), id).await.known("exception", visitor)
}

/// Takes a decision.
pub(crate) async fn decide(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> PageResult {
    let exception = found(&state, &visitor, &id).await?;
    let (who, service, note) = (visitor.principal(), state.app.exceptions(), form.text("note"));
    let mut typed = Typed { note: note.to_owned(), ..Typed::default() };
    let decided = match form.text("act") {
        "approve" => service.decide(who, exception.uuid, ExceptionState::Approved, note).await,
        "reject" => service.decide(who, exception.uuid, ExceptionState::Rejected, note).await,
        "end" => service.decide(who, exception.uuid, ExceptionState::Ended, note).await,
        "move" => {
            typed.end = Some(form.text("end").to_owned());
            match last_day_typed(form.text("end"), exception.start, state.app.now()) {
                Ok(end) => service.set_end(who, exception.uuid, end, note).await,
                Err(why) => {
                    typed.end_problem = why;
                    let page = page(&state, &visitor, exception, &Params::default(), typed).await?;
                    return Ok(refused(&page, StatusCode::BAD_REQUEST));
                }
            }
        }
        _ => return Err(PageError::invalid("There is no such decision.").to(&visitor)),
    };
    let (why, status) = match decided {
        Ok(_) => {
            let word = match form.text("act") {
                "approve" => "approved",
                "reject" => "rejected",
                "end" => "ended",
                _ => "changed",
            };
            return Ok(Redirect::to(&link_of(&exception).with("done", word).to_string()).into_response());
        }
        Err(Error::Invalid(why)) => (why, StatusCode::BAD_REQUEST),
        Err(Error::Conflict(why)) => (why, StatusCode::CONFLICT),
        Err(other) => return Err(PageError::from(other).to(&visitor)),
    };
    typed.problem = format!("This was not done: {why}.");
    let exception = found(&state, &visitor, &id).await?;
    Ok(refused(&page(&state, &visitor, exception, &Params::default(), typed).await?, status))
}

async fn page(
    state: &Pages,
    visitor: &Visitor,
    exception: Exception,
    params: &Params,
    typed: Typed,
) -> PageResult<Detail> {
    let service = state.app.exceptions();
    let who = visitor.principal();
    let (snapshot, scope, now) = (state.app.live().snapshot(), who.scope(), state.app.now());
    let stand = Stand::of(&exception, now);
    let history = history(state, visitor, &exception).await?;
    let foreseen = if params.count.is_empty() {
        None
    } else {
        let (snapshot, scope) = (Arc::clone(&snapshot), scope.clone());
        // The stored one stands in the indexes of posture.
        let asked = exception.clone();
        let work = move || {
            let stored = snapshot.exception(&scope, asked.no).filter(|stored| **stored == asked);
            Foreseen::of(stored.unwrap_or(&asked), &snapshot, &scope, now, stand == Stand::Holds)
        };
        Some(state.turns.work(work).await?)
    };
    let steps = [
        (ExceptionState::Approved, "approve", "Approve", ""),
        (ExceptionState::Rejected, "reject", "Reject", "danger"),
        (
            ExceptionState::Ended,
            "end",
            if stand == Stand::Waiting { "Withdraw" } else { "End now" },
            "danger",
        ),
    ];
    // What somebody else asked for is rejected, not withdrawn.
    let withdraws = stand != Stand::Waiting || exception.requested_by == who.name;
    let taken = steps.into_iter().filter(|(next, ..)| {
        service.may_decide(who, &exception, *next) && (withdraws || *next != ExceptionState::Ended)
    });
    let target = &exception.target;
    let link = link_of(&exception);
    let mut layout = visitor.layout(&exception.title, "/exceptions");
    done(&params.done).clone_into(&mut layout.done);
    layout.data = Some(DataState { of: format_rfc3339(snapshot.recorded()), ..DataState::default() });
    let hiding = Filter::test(Field::Exception, Op::Eq, exception.uuid.to_string());
    let vulnerabilities = target.vulnerabilities.iter().take(NAMED);
    Ok(Detail {
        layout,
        counted: link.clone().with("count", "1"),
        here: link,
        stand,
        covers: words::covers(&exception, &snapshot, &scope),
        reason: exception.reason.replace('_', " "),
        comment: exception.comment.clone(),
        filter: target.filter.as_ref().map(|f| (f.to_string(), target.kind == TargetKind::Dynamic)),
        assets: named(&target.included, &snapshot, &scope),
        assets_total: target.included.len(),
        excluded: named(&target.excluded, &snapshot, &scope),
        excluded_total: target.excluded.len(),
        vulnerabilities: vulnerabilities
            .map(|id| (Link::to("/vulnerabilities").part(id), id.clone()))
            .collect(),
        vulnerabilities_total: target.vulnerabilities.len(),
        start: minute(exception.start),
        end: minute(exception.end),
        requested_by: exception.requested_by.clone(),
        requested_at: minute(exception.requested_at),
        foreseen,
        hides: (stand == Stand::Holds).then(|| asked(&Link::to("/findings"), &hiding)),
        history,
        steps: taken.map(|(_, word, label, class)| Step { word, label, class }).collect(),
        wants_others: visitor.may(Permission::ExceptionsApprove)
            && stand == Stand::Waiting
            && service.wants_others(who, &exception),
        moves: service
            .may_set_end(who, &exception)
            .then(|| typed.end.unwrap_or_else(|| last_day(exception.end))),
        note: typed.note,
        problem: typed.problem,
        end_problem: typed.end_problem,
        title: exception.title,
    })
}

fn named(assets: &[AssetNo], snapshot: &Snapshot, scope: &Scope) -> Vec<(Link, String)> {
    let known = assets.iter().filter_map(|no| snapshot.asset(scope, *no)).take(NAMED);
    known.map(|asset| (Link::to("/assets").part(&asset.uuid.to_string()), asset.name.clone())).collect()
}

/// What happened, the newest first. Who changed it without deciding, only the audit trail knows.
async fn history(state: &Pages, visitor: &Visitor, exception: &Exception) -> PageResult<Vec<Event>> {
    let versions = state.app.exceptions().versions(visitor.principal(), exception.uuid).await?;
    let mut events = vec![Event {
        at: minute(exception.requested_at),
        by: exception.requested_by.clone(),
        what: "asked for it".to_owned(),
        comment: String::new(),
    }];
    let decision = |at: Millis, by: &str, what: &str, comment: &str| Event {
        at: minute(at),
        by: by.to_owned(),
        what: what.to_owned(),
        comment: comment.to_owned(),
    };
    let mut before: Option<&Exception> = None;
    for Version { at, by, exception: version } in &versions {
        let known = before.map_or(0, |before| before.decisions.len());
        let changes = before.map(|before| changed(before, version)).unwrap_or_default();
        for made in version.decisions.iter().skip(known) {
            let moved = before.is_some_and(|before| before.state == made.state);
            let what = if moved { "moved the end" } else { words::decided(made.state) };
            events.push(decision(made.at, &made.by, what, &made.comment));
        }
        if !changes.is_empty() {
            let by = by.as_deref().unwrap_or_default();
            events.push(decision(*at, by, &changes.join("; "), ""));
        }
        before = Some(version);
    }
    events.reverse();
    Ok(events)
}

/// What is another than before, in words.
fn changed(before: &Exception, after: &Exception) -> Vec<String> {
    let mut out = Vec::new();
    let mut text = |name: &str, old: String, new: String| {
        if old != new {
            let said = |text: String| if text.is_empty() { "nothing".to_owned() } else { text };
            out.push(format!("{name}: {} became {}", said(old), said(new)));
        }
    };
    text("title", before.title.clone(), after.title.clone());
    text("reason", before.reason.clone(), after.reason.clone());
    text("question", filter_of(before), filter_of(after));
    text("first day", day(before.start), day(after.start));
    let last = |e: &Exception| match last_day(e.end) {
        none if none.is_empty() => "no end".to_owned(),
        day => day,
    };
    text("last day", last(before), last(after));
    let count = |list: usize| list.to_string();
    let (old, new) = (&before.target, &after.target);
    text("assets named", count(old.included.len()), count(new.included.len()));
    text("assets taken out", count(old.excluded.len()), count(new.excluded.len()));
    text("vulnerabilities", count(old.vulnerabilities.len()), count(new.vulnerabilities.len()));
    out
}

fn filter_of(exception: &Exception) -> String {
    exception.target.filter.as_ref().map(ToString::to_string).unwrap_or_default()
}
