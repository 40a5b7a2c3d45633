//! `/sources/registries/{id}/schedules/{schedule}`: one schedule and its runs.

use askama::Template;
use axum::extract::{Path, Query, State};
use parapet_model::Permission;
use parapet_service::schedules::{Execution, Status};
use serde::Deserialize;
use uuid::Uuid;

use super::rows::{self, ScheduleRow, registry_link};
use super::{HERE, registries, run_link};
use crate::dates::{instant, span};
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::Pager;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::{ForVisitor as _, see};
use crate::{PageResult, filters};

/// Runs of a page.
const ROWS: usize = 25;

/// A run in a list.
#[derive(Debug)]
struct ExecutionRow {
    link: Link,
    fired: String,
    status: &'static str,
    took: String,
    images: u64,
    scanned: u64,
    unchanged: u64,
    failed: u64,
}

#[derive(Debug, Template)]
#[template(path = "sources/schedule.html")]
struct View {
    layout: Layout,
    link: Link,
    row: ScheduleRow,
    force: bool,
    runs: Vec<ExecutionRow>,
    pager: Pager,
    busy: bool,
    may_change: bool,
    may_cancel: bool,
    may_delete: bool,
    sees_runs: bool,
}

/// The state of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    done: String,
}

/// The page.
pub(crate) async fn show(
    State(state): State<Pages>,
    visitor: Visitor,
    Path((id, schedule)): Path<(Uuid, Uuid)>,
    Query(params): Query<Params>,
) -> PageResult {
    let (schedules, who) = (state.app.schedules(), visitor.principal());
    let all = registries(&state, &visitor).await.shown_to(&visitor)?;
    let standing = schedules.get(who, id, schedule).await.shown_to(&visitor)?;
    let (runs, total) =
        schedules.executions(who, id, schedule, params.offset, ROWS).await.shown_to(&visitor)?;
    let link = registry_link(id).part("schedules").part(&schedule.to_string());
    let row = rows::schedule_row(&standing, &all, state.app.now());
    let mut layout = visitor.layout(&row.name, HERE);
    if params.done == "canceled" {
        layout.done = "The schedule is cancelled. It fires again once it is changed.".to_owned();
    }
    let may = visitor.may(Permission::AssetsWrite);
    let status = standing.status;
    Ok(html(&View {
        layout,
        force: standing.schedule.settings.force,
        runs: runs.iter().map(run_row).collect(),
        pager: Pager::new(&link, params.offset, ROWS, runs.len(), total),
        link,
        row,
        busy: matches!(status, Status::Queued | Status::Running),
        may_change: may && standing.schedule.settings.cadence.is_some() && status != Status::Running,
        may_cancel: may && status.can_be_cancelled(),
        may_delete: may && status != Status::Running,
        sees_runs: visitor.may(Permission::FindingsRead),
    }))
}

fn run_row(run: &Execution) -> ExecutionRow {
    let took = run.started.zip(run.ended).map(|(from, to)| span(to - from)).unwrap_or_default();
    ExecutionRow {
        link: run_link(run.id),
        fired: instant(run.fired),
        status: run.status.as_str(),
        took,
        images: run.images,
        scanned: run.scanned,
        unchanged: run.unchanged,
        failed: run.failed,
    }
}

/// Cancels it.
pub(crate) async fn cancel(
    State(state): State<Pages>,
    visitor: Visitor,
    Path((id, schedule)): Path<(Uuid, Uuid)>,
) -> PageResult {
    state.app.schedules().cancel(visitor.principal(), id, schedule).await.shown_to(&visitor)?;
    see(registry_link(id).part("schedules").part(&schedule.to_string()).with("done", "canceled"))
}

/// Deletes it.
pub(crate) async fn delete(
    State(state): State<Pages>,
    visitor: Visitor,
    Path((id, schedule)): Path<(Uuid, Uuid)>,
) -> PageResult {
    state.app.schedules().delete(visitor.principal(), id, schedule).await.shown_to(&visitor)?;
    see(registry_link(id).with("done", "unscheduled"))
}
