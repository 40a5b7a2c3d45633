//! `/exceptions`: what have we accepted, until when?

mod calendar;
mod detail;
mod idle;
mod new;
pub(crate) mod typed;
mod view;
mod words;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parapet_model::exception::Exception;
use parapet_model::time::{DAY, format_rfc3339};
use parapet_model::{FOREVER, Millis, Permission, Scope};
use parapet_posture::{Effect, Snapshot};
use parapet_service::View;
use serde::Deserialize;

pub(crate) use detail::{decide, one};
pub(crate) use idle::idle;
pub(crate) use new::{ask, effect, request};
use view::{Exceptions, Line, Shown, Totals};
use words::Stand;

use crate::PageResult;
use crate::csv;
use crate::dates::{Month, day, last_day};
use crate::link::Link;
use crate::parts::{Choice, Pager, cut};
use crate::pinned::Held;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;

/// Rows of a page.
const ROWS: usize = 50;
/// What waits, shown above the list.
const WAITING: usize = 10;
/// Characters of a text in a list.
const TEXT: usize = 200;
/// What ends sooner is marked.
const SOON: Millis = 14 * DAY;

/// The state of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    /// Only those that stand so; all when empty.
    #[serde(default)]
    state: String,
    /// `calendar` for the month.
    #[serde(default)]
    view: String,
    /// Which month, `2026-11`.
    #[serde(default)]
    month: String,
    #[serde(default)]
    offset: usize,
    /// Log position to stay at while paging.
    at: Option<u64>,
    /// Whether the effects are counted, which takes longer.
    #[serde(default)]
    count: String,
    #[serde(default)]
    format: String,
}

impl Params {
    fn stand(&self) -> Option<Stand> {
        Stand::ALL.into_iter().find(|stand| stand.key() == self.state)
    }

    /// The list with what is chosen, but for the place in it.
    fn link(&self) -> Link {
        Link::to("/exceptions").with("state", self.stand().map_or("", Stand::key))
    }
}

/// The page.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let held = state.newest(params.at);
    let View { snapshot, now } = held.view.clone();
    if csv::wanted(&headers, &params.format) {
        return Ok(download(snapshot, &visitor, params.stand(), now));
    }
    // What "soon" means changes with the day.
    let stamp = held.stamp(&visitor).and(&day(now));
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let page = state.turns.work(move || page(&held, &visitor, &params)).await?;
    Ok(stamp.on(html(&page)))
}

fn page(held: &Held, visitor: &Visitor, params: &Params) -> Exceptions {
    let (snapshot, now) = (held.view.snapshot.as_ref(), held.view.now);
    let scope = visitor.principal().scope();
    let all: Vec<&Exception> = snapshot.exceptions(&scope).collect();
    let count = |stand| all.iter().filter(|e| Stand::of(e, now) == stand).count();
    let waiting: Vec<&Exception> =
        all.iter().copied().filter(|e| Stand::of(e, now) == Stand::Waiting).collect();
    let totals = Totals {
        holds: count(Stand::Holds),
        waiting: waiting.len(),
        planned: count(Stand::Planned),
        soon: all.iter().filter(|e| ends_soon(e, now)).count(),
    };
    let describe = |e: &Exception, counted: bool| {
        line(e, snapshot, &scope, counted.then(|| snapshot.effect(e, &scope, now)), now)
    };
    let link = params.link();
    let shown = if params.view == "calendar" {
        let month = Month::parse(&params.month).unwrap_or(Month::of(now));
        Shown::Calendar(calendar::of(&all, month, now))
    } else {
        let wanted = newest(&all, params.stand(), now);
        let counted = !params.count.is_empty();
        let lines: Vec<Line> =
            wanted.iter().skip(params.offset).take(ROWS).map(|e| describe(e, counted)).collect();
        let here = held.stay(link.clone().with("count", params.count.clone()));
        let offset = if params.offset == 0 { String::new() } else { params.offset.to_string() };
        Shown::List {
            pager: Pager::new(&here, params.offset, ROWS, lines.len(), wanted.len()),
            counted: held.stay(link.clone()).with("offset", offset).with("count", "1"),
            is_counted: counted,
            lines,
        }
    };
    let state = params.stand();
    let choice = |name, stand: Option<Stand>| Choice {
        name,
        chosen: stand == state,
        link: Link::to("/exceptions").with("state", stand.map_or("", Stand::key)),
    };
    let is_calendar = matches!(shown, Shown::Calendar(_));
    let mut layout = visitor.layout("Exceptions", "/exceptions");
    layout.data = Some(held.data(&link));
    Exceptions {
        layout,
        totals,
        has_any: !all.is_empty(),
        views: vec![
            Choice { name: "list", chosen: !is_calendar, link: Link::to("/exceptions") },
            Choice {
                name: "calendar",
                chosen: is_calendar,
                link: Link::to("/exceptions").with("view", "calendar"),
            },
        ],
        states: std::iter::once(choice("all", None))
            .chain(Stand::ALL.map(|stand| choice(stand.word(), Some(stand))))
            .collect(),
        queue: waiting.iter().take(WAITING).map(|e| describe(e, false)).collect(),
        may_approve: visitor.may(Permission::ExceptionsApprove),
        request: visitor.may(Permission::ExceptionsRequest).then(|| Link::to("/exceptions/new")),
        shown,
        csv: held.stay(link).with("format", "csv"),
    }
}

/// Those that stand so, the newest first.
fn newest<'e>(all: &[&'e Exception], stand: Option<Stand>, now: Millis) -> Vec<&'e Exception> {
    let is_wanted = |e: &&&Exception| stand.is_none_or(|wanted| Stand::of(e, now) == wanted);
    let mut wanted: Vec<&Exception> = all.iter().filter(is_wanted).copied().collect();
    wanted.reverse();
    wanted
}

fn ends_soon(exception: &Exception, now: Millis) -> bool {
    let stand = Stand::of(exception, now);
    matches!(stand, Stand::Holds | Stand::Planned) && exception.end != FOREVER && exception.end - now <= SOON
}

fn line(
    exception: &Exception,
    snapshot: &Snapshot,
    scope: &Scope,
    effect: Option<Effect>,
    now: Millis,
) -> Line {
    let stand = Stand::of(exception, now);
    let decision = exception.decisions.last();
    Line {
        link: link_of(exception),
        title: cut(&exception.title, TEXT),
        stand,
        covers: cut(&words::covers(exception, snapshot, scope), TEXT),
        effect,
        asked_by: exception.requested_by.clone(),
        asked: day(exception.requested_at),
        decided: decision.map(|d| (words::decided(d.state), d.by.clone(), day(d.at))),
        start: if exception.start > now { day(exception.start) } else { String::new() },
        last_day: last_day(exception.end),
        soon: ends_soon(exception, now),
    }
}

/// The page of one.
fn link_of(exception: &Exception) -> Link {
    Link::to("/exceptions").part(&exception.uuid.to_string())
}

const TITLES: &[&str] = &[
    "exception_id",
    "title",
    "state",
    "reason",
    "kind",
    "where",
    "assets_named",
    "vulnerabilities",
    "requested_by",
    "requested_at",
    "decided_by",
    "decided_at",
    "start",
    "end",
    "covered_findings",
    "hidden_by_it_alone",
];

/// All rows as CSV.
fn download(snapshot: Arc<Snapshot>, visitor: &Visitor, stand: Option<Stand>, now: Millis) -> Response {
    let scope = visitor.principal().scope();
    csv::answer("exceptions", TITLES, move |table| {
        let all: Vec<&Exception> = snapshot.exceptions(&scope).collect();
        newest(&all, stand, now).into_iter().try_for_each(|e| {
            let target = &e.target;
            let last = e.decisions.last();
            let effect = if e.holds(now) {
                snapshot.effect(e, &scope, now)
            } else {
                parapet_posture::Effect::default()
            };
            table.row([
                e.uuid.to_string(),
                e.title.clone(),
                Stand::of(e, now).word().to_owned(),
                e.reason.clone(),
                format!("{:?}", target.kind).to_lowercase(),
                target.filter.as_ref().map(ToString::to_string).unwrap_or_default(),
                target.included.len().to_string(),
                target.vulnerabilities.join(" "),
                e.requested_by.clone(),
                format_rfc3339(e.requested_at),
                last.map(|d| d.by.clone()).unwrap_or_default(),
                last.map(|d| format_rfc3339(d.at)).unwrap_or_default(),
                format_rfc3339(e.start),
                format_rfc3339(e.end),
                effect.covers.findings.to_string(),
                effect.alone.findings.to_string(),
            ])
        })
    })
}
