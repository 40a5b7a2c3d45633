//! `/sensors` (contract 4.2).

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use parapet_model::sensor::{SensorKind, SensorStatus};
use parapet_service::sensors::SensorView;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::listing::Listing;
use super::paging;
use super::qql::table::{Cell, TableRow, select};
use super::sorting::Key;
use super::{CsError, CsResult, body, id, millis};
use crate::http::auth::Caller;
use crate::http::query::RawQuery;
use crate::http::state::AppState;

/// A sensor on its way out. What nobody knows is `null` (contract 1.4).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SensorBody {
    uuid: Uuid,
    sensor_id: Uuid,
    name: String,
    hostname: String,
    host_uuid: String,
    ipv4: Option<String>,
    ipv6: Option<String>,
    mac_address: Option<String>,
    container_ipv4: Option<String>,
    container_ipv6: Option<String>,
    container_mac_address: Option<String>,
    os: String,
    platform: String,
    privileged: Option<String>,
    docker_version: Option<String>,
    binary_version: String,
    sensor_version: String,
    vuln_sig_version: Option<String>,
    sensor_type: SensorKind,
    status: SensorStatus,
    registry: Option<String>,
    image_id: Option<String>,
    image_sha: Option<String>,
    sha: Option<String>,
    label: Vec<Label>,
    activation_uuid: Option<String>,
    configuration_profile: Option<String>,
    customer_uuid: Option<String>,
    created: Option<String>,
    last_checked_in: Option<String>,
}

#[derive(Debug, Serialize)]
struct Label {
    key: String,
    value: String,
}

impl From<SensorView> for SensorBody {
    fn from(view: SensorView) -> Self {
        let SensorView { sensor, profile, status } = view;
        let said = sensor.registration;
        let address = |six: bool| said.addresses.iter().find(|a| a.contains(':') == six).cloned();
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            uuid: sensor.uuid,
            sensor_id: sensor.uuid,
            hostname: said.hostname,
            host_uuid: said.identity,
            ipv4: address(false),
            ipv6: address(true),
            mac_address: None,
            container_ipv4: None,
            container_ipv6: None,
            container_mac_address: None,
            os: said.os,
            platform: said.platform,
            privileged: None,
            docker_version: some(said.engine),
            binary_version: said.version.clone(),
            sensor_version: said.version,
            vuln_sig_version: None,
            sensor_type: said.kind,
            status,
            registry: None,
            image_id: None,
            image_sha: None,
            sha: None,
            label: labels(said.labels),
            activation_uuid: None,
            configuration_profile: some(profile),
            customer_uuid: None,
            created: millis(sensor.created),
            last_checked_in: millis(sensor.checked_in),
            name: said.name,
        }
    }
}

fn labels(labels: BTreeMap<String, String>) -> Vec<Label> {
    labels.into_iter().map(|(key, value)| Label { key, value }).collect()
}

impl TableRow for SensorBody {
    const TOKENS: &'static [&'static str] = &[
        "uuid",
        "sensorId",
        "name",
        "hostname",
        "hostUuid",
        "ipv4",
        "os",
        "platform",
        "sensorType",
        "sensorVersion",
        "status",
        "configurationProfile",
        "created",
        "lastCheckedIn",
    ];

    fn cells(&self, token: &str) -> Vec<Cell> {
        let instant = |text: &Option<String>| {
            Cell::Instant(text.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default())
        };
        vec![match token {
            "uuid" | "sensorId" => Cell::Text(self.uuid.to_string()),
            "name" => self.name.as_str().into(),
            "hostname" => self.hostname.as_str().into(),
            "hostUuid" => self.host_uuid.as_str().into(),
            "ipv4" => self.ipv4.as_deref().unwrap_or_default().into(),
            "os" => self.os.as_str().into(),
            "platform" => self.platform.as_str().into(),
            "sensorType" => match self.sensor_type {
                SensorKind::General => "GENERAL",
                SensorKind::Registry => "REGISTRY",
                SensorKind::Cicd => "CICD",
            }
            .into(),
            "sensorVersion" => self.sensor_version.as_str().into(),
            "status" => self.status.as_str().into(),
            "configurationProfile" => self.configuration_profile.as_deref().unwrap_or_default().into(),
            "created" => instant(&self.created),
            _ => instant(&self.last_checked_in),
        }]
    }
}

/// `GET /sensors`.
pub(super) async fn list(State(state): State<AppState>, uri: Uri, caller: Caller) -> CsResult<Response> {
    let listing = Listing::of(&uri, state.app.now())?;
    let rows: Vec<SensorBody> =
        state.app.sensors().list(caller.principal()).await?.into_iter().map(Into::into).collect();
    let (rows, count) = listing.sorted(rows, "created:desc", &KEYS)?;
    Ok(paging::listed(&rows, count))
}

/// What sensors are sorted by. Instants are texts of equal length.
const KEYS: [Key<SensorBody>; 5] = [
    ("created", |a, b| a.created.cmp(&b.created)),
    ("lastCheckedIn", |a, b| a.last_checked_in.cmp(&b.last_checked_in)),
    ("name", |a, b| a.name.cmp(&b.name)),
    ("hostname", |a, b| a.hostname.cmp(&b.hostname)),
    ("status", |a, b| a.status.as_str().cmp(b.status.as_str())),
];

/// `GET /sensors/{sensorId}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(sensor): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let view = state.app.sensors().get(caller.principal(), id(&sensor, "sensor")?).await?;
    Ok(Json(serde_json::to_value(SensorBody::from(view)).map_err(parapet_service::Error::internal)?))
}

/// Which sensors to delete, as a body says it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deletion {
    #[serde(default)]
    sensor_ids: Vec<String>,
    filter: Option<String>,
}

/// `DELETE /sensors`: by `sensorIds` (412 when one of them is not UNKNOWN; then none is deleted) or
/// `filter` (those of its sensors that are UNKNOWN), in the query or in a body.
pub(super) async fn delete(
    State(state): State<AppState>,
    uri: Uri,
    caller: Caller,
    bytes: Bytes,
) -> CsResult<Json<Value>> {
    let query = RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)?;
    let said: Deletion =
        if bytes.trim_ascii().is_empty() { Deletion::default() } else { body::read(&bytes)? };
    let named = query.all("sensorIds").flat_map(|text| text.split(',')).map(str::to_owned);
    let named: Vec<String> = named.chain(said.sensor_ids).collect();
    let all = state.app.sensors().list(caller.principal()).await?;
    let mut wanted = Vec::new();
    for text in &named {
        let id = id(text.trim(), "sensor")?;
        let found = all.iter().find(|view| view.sensor.uuid == id);
        let found = found.ok_or_else(|| CsError::not_found(format!("sensor {id}")))?;
        if found.status != SensorStatus::Unknown {
            let why = format!("sensor {id} is {}; only UNKNOWN ones can be deleted", found.status.as_str());
            return Err(CsError::from(parapet_service::Error::Conflict(why)));
        }
        wanted.push(id);
    }
    if named.is_empty() {
        let filter = query.text("filter").map(str::to_owned).or(said.filter);
        let filter = filter.ok_or_else(|| CsError::invalid("sensorIds or filter is expected"))?;
        let rows = all.into_iter().filter(|view| view.status == SensorStatus::Unknown);
        let rows: Vec<SensorBody> = rows.map(Into::into).collect();
        wanted = select(rows, Some(&filter), state.app.now())?.iter().map(|row| row.uuid).collect();
    }
    wanted.sort_unstable();
    wanted.dedup();
    for sensor in wanted {
        state.app.sensors().delete(caller.principal(), sensor).await?;
    }
    Ok(Json(json!({"deletionJobId": state.app.fresh_id()})))
}
