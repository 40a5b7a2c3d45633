//! `/reports/schedule`: reports that are made again and again, or once later (contract 6).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::request::ScheduleRequest;
use super::row::ScheduleRow;
use super::{named, query};
use crate::http::auth::Caller;
use crate::http::qualys_cs::body::Body;
use crate::http::qualys_cs::listing::Listing;
use crate::http::qualys_cs::paging;
use crate::http::qualys_cs::{CsResult, id};
use crate::http::state::AppState;

fn changed(schedule: Uuid) -> Json<Value> {
    Json(json!({"reportingScheduleId": schedule}))
}

/// `POST /reports/schedule`.
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<ScheduleRequest>,
) -> CsResult<Json<Value>> {
    let settings = request.read(None)?;
    Ok(changed(state.app.reports().create_schedule(caller.principal(), &settings).await?))
}

/// `GET /reports/schedule`.
pub(super) async fn list(State(state): State<AppState>, uri: Uri, caller: Caller) -> CsResult<Response> {
    let listing = Listing::of(&uri, state.app.now())?;
    let all = state.app.reports().schedules(caller.principal()).await?;
    let rows = all.iter().map(ScheduleRow::from).collect();
    let (rows, count) = listing.sorted(rows, "createdAt:desc", &ScheduleRow::KEYS)?;
    Ok(paging::listed(&rows, count))
}

/// `GET /reports/schedule/{reportingScheduleId}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(schedule): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let schedule = id(&schedule, "report schedule")?;
    let view = state.app.reports().schedule(caller.principal(), schedule).await?;
    Ok(Json(serde_json::to_value(ScheduleRow::from(&view)).map_err(parapet_service::Error::internal)?))
}

/// `PUT /reports/schedule/{reportingScheduleId}`: changes what it names, and keeps the rest.
pub(super) async fn update(
    State(state): State<AppState>,
    Path(schedule): Path<String>,
    caller: Caller,
    Body(request): Body<ScheduleRequest>,
) -> CsResult<Json<Value>> {
    let schedule = id(&schedule, "report schedule")?;
    let reports = state.app.reports();
    let old = reports.schedule(caller.principal(), schedule).await?;
    let settings = request.read(Some(&old.settings))?;
    reports.update_schedule(caller.principal(), schedule, &settings).await?;
    Ok(changed(schedule))
}

/// `DELETE /reports/schedule/{reportingScheduleId}`.
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(schedule): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let schedule = id(&schedule, "report schedule")?;
    state.app.reports().delete_schedules(caller.principal(), &[schedule]).await?;
    Ok(changed(schedule))
}

/// `DELETE /reports/schedule?reportingScheduleIds=…`: all of them, or none.
pub(super) async fn delete_many(
    State(state): State<AppState>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let ids = named(&query(&uri)?, "reportingScheduleIds", "report schedule")?;
    state.app.reports().delete_schedules(caller.principal(), &ids).await?;
    Ok(Json(json!({"reportingScheduleIds": ids})))
}
