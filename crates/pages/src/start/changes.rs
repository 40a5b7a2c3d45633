//! What opened and closed, by cause, and the rows behind each number.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use parapet_model::exception::{Exception, ExceptionState};
use parapet_model::time::{format_rfc3339, parse_instant};
use parapet_model::{FOREVER, Millis, Permission};
use parapet_posture::{ChangeCause, ChangeList};
use parapet_service::View;
use serde::Deserialize;

use super::view::{Cause, ChangeLine, Changed, ChangesPage, Ended};
use crate::assets::{page_of, text};
use crate::dates::minute;
use crate::link::Link;
use crate::parts::Pager;
use crate::pinned::Held;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult, csv};

/// Rows of a page.
const ROWS: usize = 50;
/// Rows that can be paged through.
const MOST: usize = 10_000;
/// Exceptions whose effect is counted.
const ENDED: usize = 10;

/// Why, in words.
fn words(opened: bool, cause: ChangeCause) -> &'static str {
    match (opened, cause) {
        (true, ChangeCause::Feed) => "a feed says more of what was there",
        (true, ChangeCause::Package) => "a package came or changed",
        (true, ChangeCause::Asset) => "an image, container or host came",
        (false, ChangeCause::Feed) => "a feed says it no longer",
        (false, ChangeCause::Package) => "a fix was installed, or the package removed",
        (false, ChangeCause::Asset) => "the image, container or host is gone",
    }
}

fn way(opened: bool) -> &'static str {
    if opened { "opened" } else { "closed" }
}

/// What opened and closed.
pub(super) fn part(view: &View, visitor: &Visitor, since: Millis) -> Changed {
    let scope = visitor.principal().scope();
    let changes = view.snapshot.changes(&scope, since, 0);
    let causes = |opened: bool| {
        let cause = |cause: ChangeCause| Cause {
            words: words(opened, cause),
            count: changes.of(opened, cause).map_or(0, |list| list.count),
            link: Link::to("/changes")
                .with("since", format_rfc3339(since))
                .with("way", way(opened))
                .with("cause", cause.as_str()),
        };
        ChangeCause::ALL.map(cause).into_iter().filter(|cause| cause.count > 0).collect()
    };
    let mut ended = Vec::new();
    if visitor.may(Permission::ExceptionsRead) {
        let all = view.snapshot.exceptions(&scope);
        ended = all.filter_map(|e| ended_at(e, since, view.now).map(|at| (at, e))).collect();
        ended.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    }
    let more_ended = ended.len().saturating_sub(ENDED);
    let ended = ended.into_iter().take(ENDED).map(|(at, exception)| Ended {
        title: exception.title.clone(),
        link: Link::to("/exceptions").part(&exception.uuid.to_string()),
        at: minute(at),
        findings: {
            // What it would hide if it went on.
            let on = Exception { state: ExceptionState::Approved, end: FOREVER, ..exception.clone() };
            view.snapshot.preview(&on, &scope, view.now).findings
        },
    });
    Changed { opened: causes(true), closed: causes(false), ended: ended.collect(), more_ended }
}

/// When an exception that held ended, if that was after an instant.
fn ended_at(exception: &Exception, since: Millis, now: Millis) -> Option<Millis> {
    let at = match exception.state {
        ExceptionState::Approved => exception.end,
        ExceptionState::Ended | ExceptionState::Rejected => exception.decisions.last()?.at.min(exception.end),
        ExceptionState::Pending => return None,
    };
    let before = exception.decisions.iter().rev().find(|decision| decision.at < at);
    let held = exception.start < at && before.is_some_and(|d| d.state == ExceptionState::Approved);
    (held && at > since && at <= now).then_some(at)
}

/// The state of the list of rows.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    since: String,
    #[serde(default)]
    way: String,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    offset: usize,
    /// Log position to stay at while paging.
    at: Option<u64>,
    #[serde(default)]
    format: String,
}

/// The rows behind one number.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let wrong = |what: &str| PageError::invalid(what).to(&visitor);
    let since =
        parse_instant(&params.since).ok_or_else(|| wrong("Since when? Write a day or an instant."))?;
    let opened = match params.way.as_str() {
        "opened" => true,
        "closed" => false,
        _ => return Err(wrong("The way is opened or closed.")),
    };
    let cause = ChangeCause::ALL.into_iter().find(|cause| cause.as_str() == params.cause);
    let cause = cause.ok_or_else(|| wrong("The cause is feed, package or asset."))?;
    let held = state.of_lists(params.at);
    let scope = visitor.principal().scope();
    let file = csv::wanted(&headers, &params.format);
    let most = if file { usize::MAX } else { MOST };
    let (of, seen) = (held.view.clone(), scope.clone());
    let rows = state.long_work(move || {
        let changes = of.snapshot.changes(&seen, since, most);
        changes.of(opened, cause).cloned().unwrap_or_default()
    });
    let rows = rows.await?;
    if file {
        return Ok(csv::answer("changes", TITLES, move |table| {
            let lines = rows.rows.iter().filter_map(|row| line(&held.view, &scope, *row));
            lines.into_iter().try_for_each(|line| {
                table.row([
                    way(opened),
                    cause.as_str(),
                    line.severity.as_str(),
                    &line.vulnerability,
                    &line.title,
                    line.kind,
                    &line.asset,
                ])
            })
        }));
    }
    Ok(html(&page(&held, &visitor, &params, (opened, cause, since), &rows)))
}

const TITLES: &[&str] = &["change", "cause", "severity", "vulnerability", "title", "kind", "asset"];

fn page(
    held: &Held,
    visitor: &Visitor,
    params: &Params,
    (opened, cause, since): (bool, ChangeCause, Millis),
    rows: &ChangeList,
) -> ChangesPage {
    let scope = visitor.principal().scope();
    let here = Link::to("/changes")
        .with("since", params.since.clone())
        .with("way", way(opened))
        .with("cause", cause.as_str());
    let shown = rows.rows.iter().skip(params.offset).take(ROWS);
    let lines: Vec<_> = shown.filter_map(|row| line(&held.view, &scope, *row)).collect();
    let total = usize::try_from(rows.count).unwrap_or(usize::MAX);
    let paged = held.stay(here.clone());
    let mut pager = Pager::new(&paged, params.offset, ROWS, lines.len(), total);
    if pager.last >= rows.rows.len() {
        pager.next = None;
    }
    let verb = if opened { "Opened" } else { "Closed" };
    let mut layout = visitor.layout("Changes", "/");
    layout.data = Some(held.data(&here));
    ChangesPage {
        layout,
        title: format!("{verb}: {}", words(opened, cause)),
        since: minute(since),
        pager,
        lines,
        cut: (rows.rows.len() < total).then_some(rows.rows.len()),
        csv: paged.with("format", "csv"),
    }
}

fn line(view: &View, scope: &parapet_model::Scope, row: parapet_posture::ChangeRow) -> Option<ChangeLine> {
    let asset = view.snapshot.asset(scope, row.asset)?;
    let vulnerability = view.snapshot.vulnerability(row.vulnerability)?;
    Some(ChangeLine {
        severity: vulnerability.severity,
        vulnerability: vulnerability.id.clone(),
        vulnerability_link: Link::to("/vulnerabilities").part(&vulnerability.id),
        title: vulnerability.title.clone(),
        asset: text(&asset.name, &asset.identity),
        asset_link: page_of(asset),
        kind: asset.kind.as_str(),
    })
}
