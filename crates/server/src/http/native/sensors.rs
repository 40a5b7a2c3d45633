//! `/sensors`: what `parapet sensor` speaks. The documents are those of `parapet_model::sensor`;
//! `docs/sensor.md` describes them.

use axum::Json;
use axum::extract::State;
use parapet_model::sensor::{Registration, ReportAnswer, SensorReport, SensorSettings};
use parapet_service::sensors::{Work, WorkAnswer, WorkReport};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiResult, params};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Registers the sensor of a host, or renews what it says of itself; answers how it is to behave.
/// 409 when another account registered this host.
#[utoipa::path(post, path = "/api/v1/sensors/register", tag = "sensors",
    request_body(content = Object, description = "`identity` (machine id), and optionally `name`, `hostname`, \
    `kind` (GENERAL, REGISTRY, CICD), `os`, `platform`, `addresses`, `engine`, `version`, `labels`"),
    responses((status = 200, body = Object, description = "`sensor`, `profile`, `blackouts`, `interval_hours`, \
    `image_exclusions`, `concurrent_scans`, `check_in_seconds`"), (status = 409)))]
pub(super) async fn register(
    State(state): State<AppState>,
    caller: Caller,
    Json(new): Json<Registration>,
) -> ApiResult<Json<SensorSettings>> {
    Ok(Json(state.app.sensors().register(caller.principal(), new).await?))
}

/// Which sensor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckIn {
    /// Id from the registration.
    sensor: String,
}

/// Notes that a sensor lives; answers how it is to behave. 404 for a sensor of another account.
#[utoipa::path(post, path = "/api/v1/sensors/check-in", tag = "sensors", request_body = CheckIn,
    responses((status = 200, body = Object, description = "as from the registration"), (status = 404)))]
pub(super) async fn check_in(
    State(state): State<AppState>,
    caller: Caller,
    Json(who): Json<CheckIn>,
) -> ApiResult<Json<SensorSettings>> {
    let sensor = params::id(&who.sensor, "sensor")?;
    Ok(Json(state.app.sensors().check_in(caller.principal(), sensor).await?))
}

/// Records what a sensor saw. The same report twice counts once; an older look becomes history.
#[utoipa::path(post, path = "/api/v1/sensors/report", tag = "sensors",
    request_body(content = Object, description = "`sensor`, `observed` (epoch milliseconds), and optionally \
    `host` (packages of the host), `engine` (all its images and containers) and `contents` (packages of images)"),
    responses((status = 200, body = Object, description = "`host`, `containers`, `deleted`, `contents`, `wanted` \
    (ids of images whose content is not known), `refused`"), (status = 404)))]
pub(super) async fn report(
    State(state): State<AppState>,
    caller: Caller,
    Json(report): Json<SensorReport>,
) -> ApiResult<Json<ReportAnswer>> {
    Ok(Json(state.app.sensors().report(caller.principal(), report).await?))
}

/// The next job, if there is one.
#[derive(Debug, Serialize)]
pub(super) struct NextWork {
    work: Option<Work>,
}

/// Gives the sensor the next scan of a registry that its profile names, with what that registry takes
/// to sign in. 404 for a sensor of another account.
#[utoipa::path(post, path = "/api/v1/sensors/work", tag = "sensors", request_body = CheckIn,
    responses((status = 200, body = Object, description = "`work`: null, or `job`, `attempt`, `registry` \
    (`endpoint`, `user`, `secret`, …) and `task` (`list` or `scan`)"), (status = 404)))]
pub(super) async fn claim(
    State(state): State<AppState>,
    caller: Caller,
    Json(who): Json<CheckIn>,
) -> ApiResult<Json<NextWork>> {
    let sensor = params::id(&who.sensor, "sensor")?;
    Ok(Json(NextWork { work: state.app.sensors().claim(caller.principal(), sensor).await? }))
}

/// Takes what a sensor says of a job it was given. The same twice counts once.
#[utoipa::path(post, path = "/api/v1/sensors/work-report", tag = "sensors",
    request_body(content = Object, description = "`sensor`, `job`, `attempt` and `outcome`: `busy`, `listed`, \
    `list_ended`, `found`, `scanned` or `failed`"),
    responses((status = 200, body = Object, description = "`go_on`: whether to go on with the job"), (status = 404)))]
pub(super) async fn worked(
    State(state): State<AppState>,
    caller: Caller,
    Json(report): Json<WorkReport>,
) -> ApiResult<Json<WorkAnswer>> {
    Ok(Json(state.app.sensors().worked(caller.principal(), report).await?))
}
