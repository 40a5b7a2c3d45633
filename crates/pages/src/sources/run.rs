//! `/sources/runs/{id}`: one run with its phases, counts and errors, live until it is over.

use askama::Template;
use axum::extract::{Path, Query, State};
use parapet_model::job::{JobKind, JobState};
use parapet_model::{Millis, Permission};
use parapet_service::feeds::{ImportReport, SyncReport};
use parapet_service::jobs::About;
use parapet_service::schedules::{Execution, RunError};
use parapet_store::jobs::{Job, Progress};
use uuid::Uuid;

use super::rows::{self, run_link};
use super::{HERE, names, registries};
use crate::dates::{instant, span};
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{counted, noun};
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::{Done, ForVisitor as _, see};
use crate::{PageResult, filters};

/// A part of a run.
#[derive(Debug)]
struct Phase {
    name: &'static str,
    /// What it is about at present, in a word: waits, runs, done.
    state: &'static str,
    from: String,
    took: String,
    what: String,
}

/// What became of a feed.
#[derive(Debug)]
struct FeedLine {
    link: Link,
    name: String,
    outcome: String,
    opened: u64,
    closed: u64,
    error: String,
}

#[derive(Debug, Template)]
#[template(path = "sources/run.html")]
struct View {
    layout: Layout,
    link: Link,
    what: String,
    registry: Option<(Link, String)>,
    state: &'static str,
    busy: bool,
    owner: String,
    asked: String,
    attempt: u32,
    phases: Vec<Phase>,
    done: u64,
    total: u64,
    counts: Vec<(String, u64)>,
    errors: Vec<RunError>,
    left_out: u64,
    feeds: Vec<FeedLine>,
    result: String,
    may_cancel: bool,
    /// How many scans may be asked for again; `None` when there is nothing to ask for, or no right.
    retry: Option<u64>,
}

/// The page.
pub(crate) async fn show(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Query(Done { done, .. }): Query<Done>,
) -> PageResult {
    let (app, who) = (&state.app, visitor.principal());
    let (job, progress) = app.jobs().get(who, id).await.shown_to(&visitor)?;
    let execution = app.schedules().execution(who, &job).await.shown_to(&visitor)?;
    let known = names(&registries(&state, &visitor).await.shown_to(&visitor)?);
    let about = About::of(&job);
    let registry = about.registry.filter(|_| visitor.may(Permission::RegistriesRead));
    let registry = registry.and_then(|id| Some((rows::registry_link(id), known.get(&id)?.clone())));
    let what = rows::what(&job, &known);
    let mut layout = visitor.layout(&what, HERE);
    layout.done = match done.as_str() {
        "cancelled" => "The run is cancelled.".to_owned(),
        "over" => "The run was over before it could be cancelled.".to_owned(),
        _ => String::new(),
    };
    let busy = !job.state.is_final();
    let failed = progress.of(JobState::Failed);
    let is_scan = matches!(job.kind, JobKind::ListRegistry | JobKind::ScanImage | JobKind::ScanImages);
    let again = is_scan && !busy && (failed > 0 || job.state == JobState::Failed);
    let (done, total) = match progress.total() {
        0 => (job.done, job.total),
        total => (progress.ended(), total),
    };
    let (errors, left_out) = errors(&job, execution.as_ref());
    Ok(html(&View {
        layout,
        link: run_link(id),
        what,
        registry,
        state: job.state.as_str(),
        busy,
        owner: job.owner.clone(),
        asked: instant(job.created),
        attempt: job.attempt,
        phases: phases(&job, execution.as_ref(), app.now()),
        done,
        total,
        counts: counts(execution.as_ref(), &progress),
        errors,
        left_out,
        feeds: feeds(&job),
        result: accepted(&job, &about),
        may_cancel: busy && visitor.may(Permission::JobsWrite),
        retry: (again && visitor.may(Permission::AssetsWrite)).then_some(failed),
    }))
}

fn errors(job: &Job, execution: Option<&Execution>) -> (Vec<RunError>, u64) {
    match execution {
        Some(run) => (run.errors.clone(), run.errors_left_out),
        None if job.error.is_empty() => (Vec::new(), 0),
        None => {
            let image = About::of(job).image;
            (vec![RunError { image, error: job.error.clone() }], 0)
        }
    }
}

/// The parts of a run in their order, with how long each took.
fn phases(job: &Job, execution: Option<&Execution>, now: Millis) -> Vec<Phase> {
    let over = job.state.is_final();
    let phase = |name, from: Option<Millis>, to: Option<Millis>, what: String| {
        let state = match (from, to) {
            (None, _) if over => "left out",
            (None, _) => "waits",
            (Some(_), None) if !over => "runs",
            _ => "done",
        };
        let until = to.or((!over).then_some(now));
        let took = from.zip(until).filter(|(from, to)| to >= from).map(|(from, to)| span(to - from));
        let from = from.map(instant).unwrap_or_default();
        Phase { name, state, from, took: took.unwrap_or_default(), what }
    };
    let set = |at: Millis| Some(at).filter(|at| *at > 0);
    let started = set(job.started);
    let first = set(job.ended).filter(|_| started.is_none());
    let mut out = vec![phase("Waiting for a worker", Some(job.created), started.or(first), String::new())];
    match execution {
        None => out.push(phase("Work", started, set(job.ended), String::new())),
        Some(run) => {
            if job.kind == JobKind::ListRegistry {
                let (repositories, images) =
                    (counted(run.repositories, "repository"), counted(run.images, "image"));
                let what = format!("{repositories}, {images} wanted");
                out.push(phase("Listing", run.started, run.listed.or(run.ended), what));
            }
            let what = format!("{} of {} read", run.scanned, counted(run.images, "image"));
            let begun = run.scanning.or(run.listed.filter(|_| run.images > 0 && !over));
            out.push(phase("Scanning", begun, run.ended, what));
        }
    }
    out
}

fn counts(execution: Option<&Execution>, progress: &Progress) -> Vec<(String, u64)> {
    let Some(run) = execution else { return Vec::new() };
    let others = [
        ("read", run.scanned),
        ("of them unchanged", run.unchanged),
        ("waiting", progress.of(JobState::Queued)),
        ("being read", progress.of(JobState::Running)),
        ("failed", run.failed),
    ];
    let mut counts = vec![
        (noun(run.repositories, "repository"), run.repositories),
        (format!("{} wanted", noun(run.images, "image")), run.images),
    ];
    counts.extend(others.map(|(name, count)| (name.to_owned(), count)));
    counts
}

/// What a sync did to each feed.
fn feeds(job: &Job) -> Vec<FeedLine> {
    let raw = job.result.as_ref().filter(|_| job.kind == JobKind::ImportFeed);
    let reports: Vec<SyncReport> =
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let line = |report: SyncReport| {
        let import = report.import.unwrap_or_else(|| ImportReport {
            outcome: if report.error.is_empty() { "unchanged" } else { "failed" }.to_owned(),
            ..ImportReport::default()
        });
        FeedLine {
            link: crate::feeds::feed_link(&report.feed),
            name: report.feed,
            outcome: import.outcome,
            opened: import.findings_opened,
            closed: import.findings_closed,
            error: report.error,
        }
    };
    reports.into_iter().map(line).collect()
}

/// What an accepted import did.
fn accepted(job: &Job, about: &About) -> String {
    let raw = job.result.as_ref().filter(|_| about.accepts);
    let report: Option<ImportReport> = raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
    report
        .map(|report| {
            let opened = counted(report.findings_opened, "finding");
            format!("{opened} opened, {} closed.", report.findings_closed)
        })
        .unwrap_or_default()
}

/// Cancels it.
pub(crate) async fn cancel(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let cancelled = state.app.jobs().cancel(visitor.principal(), id).await.shown_to(&visitor)?;
    see(run_link(id).with("done", if cancelled { "cancelled" } else { "over" }))
}

/// Asks again for what failed.
pub(crate) async fn retry(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let new = state.app.jobs().retry(visitor.principal(), id).await.shown_to(&visitor)?;
    see(run_link(new))
}
