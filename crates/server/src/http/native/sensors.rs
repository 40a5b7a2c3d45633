//! `/sensors`: what `parapet sensor` speaks. The documents are those of `parapet_model::sensor`;
//! `docs/sensor.md` describes them.

use axum::Json;
use axum::extract::State;
use parapet_model::sensor::{Registration, ReportAnswer, SensorReport, SensorSettings};
use serde::Deserialize;
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
