//! `/feeds`: what judges, how old it is, and how to take it back.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use parapet_service::feeds::{FeedStatus, ImportReport, Limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiResult;
use super::jobs::JobTicket;
use super::params::shown;
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// All feeds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedList {
    feeds: Vec<FeedBody>,
}

/// A feed.
#[derive(Debug, Serialize, ToSchema)]
struct FeedBody {
    name: String,
    /// `osv`, `kev` or `epss`.
    format: String,
    location: String,
    records: u64,
    /// Date of its newest record.
    data_date: Option<String>,
    updated: Option<String>,
    /// The small set that comes with the program.
    starter: bool,
    state: &'static str,
    /// The import that waits for a decision.
    held: Option<HeldBody>,
    /// Newest first.
    imports: Vec<ImportBody>,
}

/// An import that waits for a decision: what it would do, over all projects.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldBody {
    /// Which limit it is beyond.
    why: String,
    records: u64,
    added: u64,
    changed: u64,
    withdrawn: u64,
    matches_opened: u64,
    matches_closed: u64,
    findings_opened: u64,
    findings_closed: u64,
    /// Some of the vulnerabilities that it opens or closes most.
    examples: Vec<String>,
}

impl HeldBody {
    fn of(report: ImportReport) -> Self {
        Self {
            why: report.failures.into_iter().next().unwrap_or_default(),
            records: report.records,
            added: report.added,
            changed: report.changed,
            withdrawn: report.withdrawn,
            matches_opened: report.matches_opened,
            matches_closed: report.matches_closed,
            findings_opened: report.findings_opened,
            findings_closed: report.findings_closed,
            examples: report.examples,
        }
    }
}

/// One import.
#[derive(Debug, Serialize, ToSchema)]
struct ImportBody {
    state: &'static str,
    started: Option<String>,
    ended: Option<String>,
    records: u64,
    added: u64,
    changed: u64,
    withdrawn: u64,
    matches_opened: u64,
    matches_closed: u64,
    message: Option<String>,
}

impl FeedBody {
    fn of(status: FeedStatus) -> Self {
        let imports = status.imports.into_iter().map(|import| ImportBody {
            state: import.state.as_str(),
            started: shown(import.started),
            ended: shown(import.ended),
            records: import.records,
            added: import.added,
            changed: import.changed,
            withdrawn: import.withdrawn,
            matches_opened: import.opened,
            matches_closed: import.closed,
            message: Some(import.message).filter(|m| !m.is_empty()),
        });
        let feed = status.feed;
        Self {
            name: feed.name,
            format: feed.kind,
            location: feed.location,
            records: feed.records,
            data_date: shown(feed.data_date),
            updated: shown(feed.updated),
            starter: feed.starter,
            state: feed.state.as_str(),
            held: status.held.map(HeldBody::of),
            imports: imports.collect(),
        }
    }
}

/// Feeds with their newest imports.
#[utoipa::path(get, path = "/api/v1/feeds", tag = "feeds", responses((status = 200, body = FeedList)))]
pub(super) async fn list(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<FeedList>> {
    let feeds = state.app.feeds().status(caller.principal()).await?;
    Ok(Json(FeedList { feeds: feeds.into_iter().map(FeedBody::of).collect() }))
}

/// Which feeds to bring up to date.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncRequest {
    /// Names of feeds that were loaded from an address; all of them when empty.
    #[serde(default)]
    feeds: Vec<String>,
    /// Hold an import that would open more findings.
    max_opened: Option<u64>,
    /// Hold an import that would close more findings.
    max_closed: Option<u64>,
}

/// Starts bringing feeds up to date: 202 and the job.
#[utoipa::path(post, path = "/api/v1/feeds/sync", request_body = SyncRequest, tag = "feeds",
    responses((status = 202, body = JobTicket)))]
pub(super) async fn sync(
    State(state): State<AppState>,
    caller: Caller,
    Json(request): Json<SyncRequest>,
) -> ApiResult<(StatusCode, Json<JobTicket>)> {
    let limits = Limits { max_opened: request.max_opened, max_closed: request.max_closed };
    let job = state.app.feeds().sync_job(caller.principal(), request.feeds, limits).await?;
    Ok((StatusCode::ACCEPTED, Json(JobTicket::of(job))))
}

/// Accepts the import of a feed that is held: 202 and the job.
#[utoipa::path(post, path = "/api/v1/feeds/{name}/held/accept", params(("name" = String, Path)), tag = "feeds",
    responses((status = 202, body = JobTicket), (status = 409, description = "No import is held")))]
pub(super) async fn accept(
    State(state): State<AppState>,
    Path(name): Path<String>,
    caller: Caller,
) -> ApiResult<(StatusCode, Json<JobTicket>)> {
    let job = state.app.feeds().accept_job(caller.principal(), &name).await?;
    Ok((StatusCode::ACCEPTED, Json(JobTicket::of(job))))
}

/// Turns the import of a feed that is held down; what it would have done.
#[utoipa::path(post, path = "/api/v1/feeds/{name}/held/reject", params(("name" = String, Path)), tag = "feeds",
    responses((status = 200, body = HeldBody), (status = 409, description = "No import is held")))]
pub(super) async fn reject(
    State(state): State<AppState>,
    Path(name): Path<String>,
    caller: Caller,
) -> ApiResult<Json<HeldBody>> {
    Ok(Json(HeldBody::of(state.app.feeds().reject(caller.principal(), &name).await?)))
}

/// What a rollback did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RollbackBody {
    /// Records restored.
    restored: u64,
    /// Records taken out.
    removed: u64,
    matches_opened: u64,
    matches_closed: u64,
}

/// Takes a feed back to what it said before its last import.
#[utoipa::path(post, path = "/api/v1/feeds/{name}/rollback", params(("name" = String, Path)), tag = "feeds",
    responses((status = 200, body = RollbackBody)))]
pub(super) async fn rollback(
    State(state): State<AppState>,
    Path(name): Path<String>,
    caller: Caller,
) -> ApiResult<Json<RollbackBody>> {
    let report: ImportReport = state.app.feeds().rollback(caller.principal(), &name).await?;
    Ok(Json(RollbackBody {
        restored: report.changed,
        removed: report.withdrawn,
        matches_opened: report.matches_opened,
        matches_closed: report.matches_closed,
    }))
}
