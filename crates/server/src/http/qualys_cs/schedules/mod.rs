//! `/registry/{registryId}/schedule`: scans of a registry, once or again and again (contract 3.5).

mod request;
mod row;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use parapet_service::schedules::Standing;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Body;
use super::paging::{self, Page};
use super::qql::table::{Cell, TableRow, select};
use super::sorting::{self, Key};
use super::{CsError, CsResult, id};
use crate::http::auth::Caller;
use crate::http::query::RawQuery;
use crate::http::state::AppState;
use request::ScheduleRequest;
use row::{ExecutionRow, ScheduleRow};

/// A schedule that can be asked for by token.
struct Asked(Standing);

impl TableRow for Asked {
    const TOKENS: &'static [&'static str] = &["status", "scheduleUuid", "name", "created", "updated"];

    fn cells(&self, token: &str) -> Vec<Cell> {
        let Standing { schedule, status, .. } = &self.0;
        vec![match token {
            "status" => status.as_str().into(),
            "scheduleUuid" => Cell::Text(schedule.uuid.to_string()),
            "name" => schedule.settings.name.as_deref().unwrap_or_default().into(),
            "created" => Cell::Instant(schedule.created),
            _ => Cell::Instant(schedule.updated),
        }]
    }
}

fn query(uri: &Uri) -> CsResult<RawQuery> {
    RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)
}

/// What three kinds of clients read from the answer to a change (contract 3.5).
fn changed(schedule: Uuid) -> Json<Value> {
    Json(json!({"profileUuid": schedule, "scheduleUuid": schedule, "scheduleId": schedule}))
}

async fn found(
    state: &AppState,
    caller: &Caller,
    registry: Uuid,
    filter: Option<&str>,
) -> CsResult<Vec<Asked>> {
    let all = state.app.schedules().list(caller.principal(), registry).await?;
    select(all.into_iter().map(Asked).collect(), filter, state.app.now())
}

/// What schedules are sorted by. Numbers grow with time.
const KEYS: [Key<Asked>; 4] = [
    ("created", |a, b| a.0.schedule.no.cmp(&b.0.schedule.no)),
    ("updated", |a, b| a.0.schedule.updated.cmp(&b.0.schedule.updated)),
    ("status", |a, b| a.0.status.as_str().cmp(b.0.status.as_str())),
    ("name", |a, b| a.0.schedule.settings.name.cmp(&b.0.schedule.settings.name)),
];

/// `GET /registry/{registryId}/schedule`.
pub(super) async fn list(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Response> {
    let query = query(&uri)?;
    let page = Page::of(&query)?;
    let registry = id(&registry, "registry")?;
    let mut all = found(&state, &caller, registry, query.text("filter")).await?;
    sorting::sort(&mut all, query.text("sort").unwrap_or("created:desc"), &KEYS)?;
    let (all, count) = page.cut(all);
    let mut rows = Vec::with_capacity(all.len());
    for Asked(standing) in all {
        let run = state.app.schedules().last_run(caller.principal(), &standing).await?;
        rows.push(ScheduleRow::of(&standing, run.as_ref()));
    }
    Ok(paging::listed(&rows, count))
}

/// `POST /registry/{registryId}/schedule`.
pub(super) async fn create(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    caller: Caller,
    Body(request): Body<ScheduleRequest>,
) -> CsResult<Json<Value>> {
    let (registry, settings) = (id(&registry, "registry")?, request.read()?);
    let made = state.app.schedules().create(caller.principal(), registry, &settings).await?;
    Ok(changed(made.uuid))
}

/// `PUT /registry/{registryId}/schedule/{scheduleId}`.
pub(super) async fn update(
    State(state): State<AppState>,
    Path((registry, schedule)): Path<(String, String)>,
    caller: Caller,
    Body(request): Body<ScheduleRequest>,
) -> CsResult<Json<Value>> {
    let (registry, schedule) = (id(&registry, "registry")?, id(&schedule, "schedule")?);
    let settings = request.read()?;
    state.app.schedules().update(caller.principal(), registry, schedule, &settings).await?;
    Ok(changed(schedule))
}

/// `POST /registry/{registryId}/schedule/{scheduleId}/cancel`.
pub(super) async fn cancel(
    State(state): State<AppState>,
    Path((registry, schedule)): Path<(String, String)>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let (registry, schedule) = (id(&registry, "registry")?, id(&schedule, "schedule")?);
    state.app.schedules().cancel(caller.principal(), registry, schedule).await?;
    Ok(Json(json!({"scheduleUuid": schedule})))
}

/// `DELETE /registry/{registryId}/schedule/{scheduleId}`.
pub(super) async fn delete(
    State(state): State<AppState>,
    Path((registry, schedule)): Path<(String, String)>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let (registry, schedule) = (id(&registry, "registry")?, id(&schedule, "schedule")?);
    state.app.schedules().delete(caller.principal(), registry, schedule).await?;
    Ok(Json(json!({"scheduleUuid": schedule})))
}

/// `POST /registry/{registryId}/schedule/cancel?scheduleIds=…` or `?filter=…`.
pub(super) async fn cancel_many(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let registry = id(&registry, "registry")?;
    let ids = named(&state, &caller, registry, &uri).await?;
    state.app.schedules().cancel_many(caller.principal(), registry, &ids).await?;
    // It is done when this is read; the key has a capital, as documented.
    Ok(Json(json!({"CancelJobId": state.app.fresh_id()})))
}

/// `DELETE /registry/{registryId}/schedule/bulk?scheduleIds=…` or `?filter=…`.
pub(super) async fn delete_bulk(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let registry = id(&registry, "registry")?;
    let ids = named(&state, &caller, registry, &uri).await?;
    delete_all(&state, &caller, registry, &ids).await
}

/// `DELETE /registry/{registryId}/schedule` with a JSON array of ids, the older form.
pub(super) async fn delete_many(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    caller: Caller,
    Body(ids): Body<Vec<String>>,
) -> CsResult<Json<Value>> {
    let registry = id(&registry, "registry")?;
    let ids = ids.iter().map(|text| id(text, "schedule")).collect::<CsResult<Vec<_>>>()?;
    delete_all(&state, &caller, registry, &ids).await
}

async fn delete_all(
    state: &AppState,
    caller: &Caller,
    registry: Uuid,
    ids: &[Uuid],
) -> CsResult<Json<Value>> {
    state.app.schedules().delete_many(caller.principal(), registry, ids).await?;
    Ok(Json(json!({"deletionJobId": state.app.fresh_id()})))
}

/// The schedules that a bulk call names: `scheduleIds`, or else `filter`.
async fn named(state: &AppState, caller: &Caller, registry: Uuid, uri: &Uri) -> CsResult<Vec<Uuid>> {
    let query = query(uri)?;
    let texts = query.all("scheduleIds").flat_map(|text| text.split(','));
    let ids = texts.map(|text| id(text.trim(), "schedule")).collect::<CsResult<Vec<_>>>()?;
    if !ids.is_empty() {
        return Ok(ids);
    }
    let filter = query.text("filter");
    let filter = filter.ok_or_else(|| CsError::invalid("scheduleIds or filter is expected"))?;
    let rows = found(state, caller, registry, Some(filter)).await?;
    Ok(rows.iter().map(|row| row.0.schedule.uuid).collect())
}

/// `GET /registry/{registryId}/schedule/{scheduleId}/executions`, newest first.
pub(super) async fn executions(
    State(state): State<AppState>,
    Path((registry, schedule)): Path<(String, String)>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Response> {
    let page = Page::of(&query(&uri)?)?;
    let (registry, schedule) = (id(&registry, "registry")?, id(&schedule, "schedule")?);
    let schedules = state.app.schedules();
    let (runs, count) =
        schedules.executions(caller.principal(), registry, schedule, page.offset, page.size).await?;
    let rows: Vec<ExecutionRow> = runs.iter().map(ExecutionRow::of).collect();
    Ok(paging::listed(&rows, count))
}
