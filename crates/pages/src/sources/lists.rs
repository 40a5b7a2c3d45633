//! `/sources/schedules`, `/sources/sensors`, `/sources/runs`: the whole lists.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
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

#[derive(Debug, Template)]
#[template(path = "sources/schedules.html")]
struct Schedules {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    schedules: Vec<ScheduleRow>,
    pager: Pager,
    csv: Link,
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
    let (now, link) = (state.app.now(), Link::to("/sources/schedules"));
    if csv::wanted(&headers, &params.format) {
        let rows: Vec<ScheduleRow> = standing.iter().map(|one| rows::schedule_row(one, &all, now)).collect();
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
    let window = standing.iter().skip(params.offset).take(ROWS);
    let schedules: Vec<ScheduleRow> = window.map(|one| rows::schedule_row(one, &all, now)).collect();
    Ok(html(&Schedules {
        layout: visitor.layout("Schedules", HERE),
        places: places(&visitor),
        pager: Pager::new(&link, params.offset, ROWS, schedules.len(), standing.len()),
        schedules,
        csv: link.with("format", "csv"),
    }))
}

#[derive(Debug, Template)]
#[template(path = "sources/sensors.html")]
struct Sensors {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    sensors: Vec<SensorRow>,
    pager: Pager,
    csv: Link,
}

/// All sensors, silent ones first.
pub(crate) async fn sensors(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let all = all_sensors(&state, &visitor).await.shown_to(&visitor)?;
    let mut rows = rows::sensor_rows(&all, state.app.now());
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
    let (total, link) = (rows.len(), Link::to("/sources/sensors"));
    let sensors: Vec<SensorRow> = rows.drain(..).skip(params.offset).take(ROWS).collect();
    Ok(html(&Sensors {
        layout: visitor.layout("Sensors", HERE),
        places: places(&visitor),
        pager: Pager::new(&link, params.offset, ROWS, sensors.len(), total),
        sensors,
        csv: link.with("format", "csv"),
    }))
}

#[derive(Debug, Template)]
#[template(path = "sources/runs.html")]
struct Runs {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    runs: Vec<RunRow>,
    busy: bool,
    older: Option<Link>,
    csv: Link,
}

/// Runs, newest first.
pub(crate) async fn runs(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let names: Names = names(&registries(&state, &visitor).await.shown_to(&visitor)?);
    let (before, link) = (params.before.unwrap_or(u32::MAX), Link::to("/sources/runs"));
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
    Ok(html(&Runs {
        layout: visitor.layout("Runs", HERE),
        places: places(&visitor),
        busy: runs.iter().any(|run| !run.over),
        runs,
        older: found.next.map(|no| link.clone().with("before", no.to_string())),
        csv: link.with("format", "csv"),
    }))
}
