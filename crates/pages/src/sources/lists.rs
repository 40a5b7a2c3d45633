//! `/sources/schedules`, `/sources/sensors`, `/sources/runs`: the whole lists.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::rows::{self, RunRow, ScheduleRow, SensorRow};
use super::{HERE, Names, all_sensors, names, places, registries, run_row};
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::Pager;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::ForVisitor as _;
use crate::{PageResult, csv, filters};

/// Rows of a page.
const ROWS: usize = 50;
/// Most runs of a file.
const MOST_RUNS: u32 = 10_000;

/// The state of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    offset: usize,
    /// Number of a job; those older than it.
    before: Option<u32>,
    #[serde(default)]
    format: String,
}

/// What is listed.
#[derive(Debug)]
enum Rows {
    Schedules(Vec<ScheduleRow>),
    Sensors(Vec<SensorRow>),
    /// And whether any of them is not over.
    Runs(Vec<RunRow>, bool),
}

#[derive(Debug, Template)]
#[template(path = "sources/list.html")]
struct List {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    here: &'static str,
    rows: Rows,
    /// Other rows of a list that is counted.
    pager: Option<Pager>,
    /// Older rows of one that is not.
    older: Option<Link>,
    csv: Link,
}

impl List {
    fn new(visitor: &Visitor, title: &str, here: &'static str, rows: Rows) -> Self {
        Self {
            layout: visitor.layout(title, HERE),
            places: places(visitor),
            here,
            rows,
            pager: None,
            older: None,
            csv: Link::to(here).with("format", "csv"),
        }
    }

    /// A part of `total` rows.
    fn part(self, offset: usize, shown: usize, total: usize) -> Response {
        let pager = Some(Pager::new(&Link::to(self.here), offset, ROWS, shown, total));
        html(&Self { pager, ..self })
    }
}

/// All schedules, the next to fire first.
pub(crate) async fn schedules(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let all = registries(&state, &visitor).await.shown_to(&visitor)?;
    let mut standing = state.app.schedules().of_project(visitor.principal()).await.shown_to(&visitor)?;
    standing.sort_by_key(|one| one.schedule.next_fire);
    let now = state.app.now();
    let row = |one| rows::schedule_row(one, &all, now);
    if csv::wanted(&headers, &params.format) {
        let rows: Vec<ScheduleRow> = standing.iter().map(row).collect();
        let titles = &["registry", "schedule", "when", "what", "next_run", "state", "last_run", "owner"];
        return Ok(csv::answer("schedules", titles, move |table| {
            rows.iter().try_for_each(|row| {
                let last = row.last.as_ref().map_or("", |run| &run.asked);
                table.row([
                    row.registry.as_str(),
                    &row.name,
                    &row.when,
                    &row.what,
                    &row.next,
                    row.status,
                    last,
                    &row.owner,
                ])
            })
        }));
    }
    let shown: Vec<ScheduleRow> = standing.iter().skip(params.offset).take(ROWS).map(row).collect();
    let (count, rows) = (shown.len(), Rows::Schedules(shown));
    let list = List::new(&visitor, "Schedules", "/sources/schedules", rows);
    Ok(list.part(params.offset, count, standing.len()))
}

/// All sensors, silent ones first.
pub(crate) async fn sensors(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let all = all_sensors(&state, &visitor).await.shown_to(&visitor)?;
    let rows = rows::sensor_rows(&all, state.app.now());
    if csv::wanted(&headers, &params.format) {
        let titles = &["sensor", "host", "state", "last_check_in", "version", "engine", "profile"];
        return Ok(csv::answer("sensors", titles, move |table| {
            rows.iter().try_for_each(|row| {
                table.row([
                    row.name.as_str(),
                    &row.hostname,
                    row.status,
                    &row.checked_in,
                    &row.version,
                    &row.engine,
                    &row.profile,
                ])
            })
        }));
    }
    let total = rows.len();
    let shown: Vec<SensorRow> = rows.into_iter().skip(params.offset).take(ROWS).collect();
    let (count, rows) = (shown.len(), Rows::Sensors(shown));
    Ok(List::new(&visitor, "Sensors", "/sources/sensors", rows).part(params.offset, count, total))
}

/// Runs, newest first.
pub(crate) async fn runs(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let names: Names = names(&registries(&state, &visitor).await.shown_to(&visitor)?);
    let before = params.before.unwrap_or(u32::MAX);
    let file = csv::wanted(&headers, &params.format);
    let limit = if file { MOST_RUNS } else { ROWS as u32 };
    let found =
        state.app.jobs().watched(visitor.principal(), None, before, limit).await.shown_to(&visitor)?;
    let runs: Vec<RunRow> = found.jobs.iter().map(|job| run_row(job, &names)).collect();
    if file {
        let titles = &["run", "state", "asked_by", "asked", "ended", "error"];
        return Ok(csv::answer("runs", titles, move |table| {
            runs.iter().try_for_each(|row| {
                table.row([row.what.as_str(), row.state, &row.owner, &row.asked, &row.ended, &row.error])
            })
        }));
    }
    let busy = runs.iter().any(|run| !run.over);
    let list = List::new(&visitor, "Runs", "/sources/runs", Rows::Runs(runs, busy));
    let older = found.next.map(|no| Link::to(list.here).with("before", no.to_string()));
    Ok(html(&List { older, ..list }))
}
