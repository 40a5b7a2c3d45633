//! `/jobs`: durable work.

use axum::Json;
use axum::extract::{Path, Query, State};
use parapet_store::jobs::{Job, JobFilter};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ApiResult;
use super::params::{self, shown};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// An accepted job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobTicket {
    /// Look it up under `/api/v1/jobs/{id}`.
    job: String,
}

impl JobTicket {
    /// The wire form.
    pub(super) fn of(job: Uuid) -> Self {
        Self { job: job.to_string() }
    }
}

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobPage {
    jobs: Vec<JobBody>,
    /// Ask again with this as `before`; absent after the last one.
    next: Option<u32>,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobBody {
    id: String,
    kind: &'static str,
    state: &'static str,
    owner: String,
    attempt: u32,
    done: u64,
    total: u64,
    error: Option<String>,
    #[schema(value_type = Option<Object>)]
    result: Option<Box<RawValue>>,
    created: Option<String>,
    started: Option<String>,
    ended: Option<String>,
    /// Children by state; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<ChildrenBody>,
}

/// How the children of a job stand.
#[derive(Debug, Serialize, ToSchema)]
struct ChildrenBody {
    all: u64,
    finished: u64,
    failed: u64,
}

impl JobBody {
    fn of(job: Job) -> Self {
        Self {
            id: job.uuid.to_string(),
            kind: job.kind.as_str(),
            state: job.state.as_str(),
            owner: job.owner,
            attempt: job.attempt,
            done: job.done,
            total: job.total,
            error: Some(job.error).filter(|e| !e.is_empty()),
            result: job.result,
            created: shown(job.created),
            started: shown(job.started),
            ended: shown(job.ended),
            children: None,
        }
    }
}

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Before {
    /// The `next` of the page before.
    before: Option<u32>,
    /// Most jobs, 1 to 1000; 100 when absent.
    limit: Option<usize>,
}

/// Jobs, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", params(Before), tag = "jobs",
    responses((status = 200, body = JobPage)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(paging): Query<Before>,
) -> ApiResult<Json<JobPage>> {
    let limit = u32::try_from(params::limit(paging.limit)?).unwrap_or(u32::MAX);
    let filter = JobFilter { kind: None, state: None, owner: "" };
    let before = paging.before.unwrap_or(u32::MAX);
    let page = state.app.jobs().list(caller.principal(), &filter, before, limit).await?;
    Ok(Json(JobPage { jobs: page.jobs.into_iter().map(JobBody::of).collect(), next: page.next }))
}

/// One job, with how its children stand.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", params(("id" = String, Path)), tag = "jobs",
    responses((status = 200, body = JobBody)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<Json<JobBody>> {
    use parapet_model::job::JobState;
    let (job, progress) = state.app.jobs().get(caller.principal(), params::id(&id, "job")?).await?;
    let children = ChildrenBody {
        all: progress.total(),
        finished: progress.ended(),
        failed: progress.of(JobState::Failed),
    };
    Ok(Json(JobBody { children: Some(children), ..JobBody::of(job) }))
}

/// What cancelling did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cancelled {
    /// False when the job was over already.
    cancelled: bool,
}

/// Cancels a job and the children that only it wanted.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", params(("id" = String, Path)), tag = "jobs",
    responses((status = 200, body = Cancelled)))]
pub(super) async fn cancel(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<Json<Cancelled>> {
    let cancelled = state.app.jobs().cancel(caller.principal(), params::id(&id, "job")?).await?;
    Ok(Json(Cancelled { cancelled }))
}
