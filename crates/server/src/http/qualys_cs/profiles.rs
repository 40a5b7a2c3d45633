//! `/sensorProfile` (contract 4.1). A PUT changes what it names and keeps the rest.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use parapet_model::schedule::Weekday;
use parapet_model::sensor::BlackoutWindow;
use parapet_service::sensors::{NewProfile, ProfileView};
use parapet_store::sensors::{ProfileKind, ProfileSettings, ScanningPolicy};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::body::Body;
use super::listing::Listing;
use super::paging;
use super::qql::table::{Cell, TableRow};
use super::{CsError, CsResult, id, millis};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// A profile as it is asked for and shown. Keys that are not here are passed over: the end of the
/// publisher's table is not public.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProfileBody {
    profile_name: Option<String>,
    description: Option<String>,
    profile_type: Option<String>,
    associated_registry_ids: Option<Ids>,
    associated_sensor_ids: Option<Ids>,
    runtime_sensor: Option<String>,
    ignore_processes: Option<String>,
    is_vuln_propagation: Option<Flag>,
    filter: Option<String>,
    config: Option<Config>,
}

/// Ids as a list; the contract's word for the type is "string", so one alone passes too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Ids {
    Many(Vec<String>),
    One(String),
}

/// Yes or no, as text or as such.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Text(String),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    weekly_blackout_window_schedules: Option<Vec<Window>>,
    vulnerability_management: Option<VulnerabilityManagement>,
    performance_management: Option<PerformanceManagement>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Window {
    start_time: Option<String>,
    end_time: Option<String>,
    repeat_on_days: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VulnerabilityManagement {
    container_scanning_interval: Option<u32>,
    image_exclusion_regex_list: Option<Vec<String>>,
    global_scanning_flag: Option<bool>,
    scanning_policy: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PerformanceManagement {
    max_no_of_archived_log_files: Option<u32>,
    max_log_file_size: Option<u32>,
    concurrent_scans: Option<u32>,
}

fn invalid<T>(why: impl Into<String>) -> CsResult<T> {
    Err(CsError::invalid(why))
}

/// A word of the contract, in its spelling.
fn word<T: DeserializeOwned>(what: &str, text: &str, among: &str) -> CsResult<T> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| CsError::invalid(format!("{what} is one of {among}, not {text:?}")))
}

impl Ids {
    fn read(this: Option<Self>, what: &str) -> CsResult<Vec<Uuid>> {
        let texts = match this {
            None => return invalid(format!("{what} is mandatory")),
            Some(Self::Many(texts)) => texts,
            Some(Self::One(text)) => vec![text],
        };
        let texts = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
        let read = |text| Uuid::try_parse(text).or_else(|_| invalid(format!("{what}: {text:?} is no id")));
        texts.map(read).collect()
    }

    fn of(ids: &[Uuid]) -> Option<Self> {
        Some(Self::Many(ids.iter().map(Uuid::to_string).collect()))
    }
}

impl Flag {
    fn read(self, what: &str) -> CsResult<bool> {
        match self {
            Self::Bool(flag) => Ok(flag),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Self::Text(text) => invalid(format!("{what} is true or false, not {text:?}")),
        }
    }
}

impl Window {
    fn read(self) -> CsResult<BlackoutWindow> {
        let mandatory =
            |name: &str| CsError::invalid(format!("weeklyBlackoutWindowSchedules: {name} is mandatory"));
        let start = self.start_time.ok_or_else(|| mandatory("startTime"))?;
        let end = self.end_time.ok_or_else(|| mandatory("endTime"))?;
        let days = self.repeat_on_days.ok_or_else(|| mandatory("repeatOnDays"))?;
        let day =
            |day: &String| word::<Weekday>("repeatOnDays", &day.to_ascii_uppercase(), "MONDAY to SUNDAY");
        Ok(BlackoutWindow {
            start: minute("startTime", &start)?,
            end: minute("endTime", &end)?,
            days: days.iter().map(day).collect::<CsResult<_>>()?,
        })
    }

    fn of(window: &BlackoutWindow) -> Self {
        let time = |minute: u16| Some(format!("{:02}:{:02}", minute / 60, minute % 60));
        let days = window.days.iter().map(|day| json!(day).as_str().unwrap_or_default().to_owned());
        Self {
            start_time: time(window.start),
            end_time: time(window.end),
            repeat_on_days: Some(days.collect()),
        }
    }
}

/// `HH:MM`, 00:00 to 24:00.
fn minute(what: &str, text: &str) -> CsResult<u16> {
    let read = || {
        let (hours, minutes) = text.split_once(':').filter(|_| text.len() == 5)?;
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        Some(hours * 60 + minutes).filter(|total| minutes < 60 && hours <= 24 && *total <= 1440)
    };
    read().ok_or_else(|| CsError::invalid(format!("{what} is written HH:MM in UTC, not {text:?}")))
}

impl ProfileBody {
    fn read(self) -> CsResult<NewProfile> {
        let config = self.config.unwrap_or_default();
        let scanning = config.vulnerability_management.unwrap_or_default();
        let performance = config.performance_management.unwrap_or_default();
        let Some(name) = self.profile_name else { return invalid("profileName is mandatory") };
        let kinds = "Registry, General, CICD, Cluster, RUNTIME";
        let kind = match self.profile_type {
            None => return invalid(format!("profileType is mandatory: {kinds}")),
            Some(kind) => word::<ProfileKind>("profileType", &kind, kinds)?,
        };
        let runtime = match self.runtime_sensor.as_deref() {
            None => None,
            Some("enable") => Some(true),
            Some("disable") => Some(false),
            Some(other) => return invalid(format!("runtimeSensor is enable or disable, not {other:?}")),
        };
        let policy = match scanning.scanning_policy {
            None => ScanningPolicy::default(),
            Some(policy) => word("scanningPolicy", &policy, "DynamicWithStaticScanningAsFallback, Dynamic")?,
        };
        let windows = config.weekly_blackout_window_schedules.unwrap_or_default();
        let settings = ProfileSettings {
            name,
            description: self.description.unwrap_or_default(),
            kind,
            registries: Ids::read(self.associated_registry_ids, "associatedRegistryIds")?,
            // Without a word a runtime profile is enabled.
            runtime: runtime.or_else(|| (kind == ProfileKind::Runtime).then_some(true)),
            ignore_processes: self.ignore_processes.unwrap_or_default(),
            propagates: match self.is_vuln_propagation {
                Some(flag) => flag.read("isVulnPropagation")?,
                None => false,
            },
            filter: self.filter.unwrap_or_default(),
            blackouts: windows.into_iter().map(Window::read).collect::<CsResult<_>>()?,
            interval_hours: scanning.container_scanning_interval.unwrap_or(48),
            image_exclusions: scanning.image_exclusion_regex_list.unwrap_or_default(),
            global: scanning.global_scanning_flag.unwrap_or_default(),
            policy,
            archived_logs: performance.max_no_of_archived_log_files,
            log_size: performance.max_log_file_size,
            concurrent_scans: performance.concurrent_scans.unwrap_or(2),
        };
        let sensors = Ids::read(self.associated_sensor_ids, "associatedSensorIds")?;
        Ok(NewProfile { settings, sensors })
    }

    fn of(view: &ProfileView) -> Self {
        let settings = &view.profile.settings;
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let wire = |value: Value| value.as_str().map(str::to_owned);
        Self {
            profile_name: Some(settings.name.clone()),
            description: text(&settings.description),
            profile_type: wire(json!(settings.kind)),
            associated_registry_ids: Ids::of(&settings.registries),
            associated_sensor_ids: Ids::of(&view.sensors),
            runtime_sensor: settings.runtime.map(|on| if on { "enable" } else { "disable" }.to_owned()),
            ignore_processes: text(&settings.ignore_processes),
            is_vuln_propagation: Some(Flag::Text(settings.propagates.to_string())),
            filter: text(&settings.filter),
            config: Some(Config {
                weekly_blackout_window_schedules: Some(settings.blackouts.iter().map(Window::of).collect()),
                vulnerability_management: Some(VulnerabilityManagement {
                    container_scanning_interval: Some(settings.interval_hours),
                    image_exclusion_regex_list: Some(settings.image_exclusions.clone()),
                    global_scanning_flag: Some(settings.global),
                    scanning_policy: wire(json!(settings.policy)),
                }),
                performance_management: Some(PerformanceManagement {
                    max_no_of_archived_log_files: settings.archived_logs,
                    max_log_file_size: settings.log_size,
                    concurrent_scans: Some(settings.concurrent_scans),
                }),
            }),
        }
    }
}

/// A profile on its way out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    profile_uuid: Uuid,
    #[serde(flatten)]
    body: ProfileBody,
    created: Option<String>,
    updated: Option<String>,
}

impl From<ProfileView> for Shown {
    fn from(view: ProfileView) -> Self {
        Self {
            profile_uuid: view.profile.uuid,
            body: ProfileBody::of(&view),
            created: millis(view.profile.created),
            updated: millis(view.profile.updated),
        }
    }
}

impl TableRow for Shown {
    const TOKENS: &'static [&'static str] = &["profileName", "profileType", "profileUuid", "description"];

    fn cells(&self, token: &str) -> Vec<Cell> {
        let text = match token {
            "profileName" => &self.body.profile_name,
            "profileType" => &self.body.profile_type,
            "description" => &self.body.description,
            _ => return vec![Cell::Text(self.profile_uuid.to_string())],
        };
        vec![text.as_deref().unwrap_or_default().into()]
    }
}

/// `GET /sensorProfile`.
pub(super) async fn list(State(state): State<AppState>, uri: Uri, caller: Caller) -> CsResult<Response> {
    let listing = Listing::of(&uri, state.app.now())?;
    let all = state.app.sensor_profiles().list(caller.principal()).await?;
    let rows: Vec<Shown> = all.into_iter().map(Into::into).collect();
    let (rows, count) = listing.page(rows)?;
    Ok(paging::listed(&rows, count))
}

/// `GET /sensorProfile/{sensorProfileId}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(profile): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let view = state.app.sensor_profiles().get(caller.principal(), id(&profile, "sensor profile")?).await?;
    Ok(Json(serde_json::to_value(Shown::from(view)).map_err(parapet_service::Error::internal)?))
}

/// `POST /sensorProfile`.
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<ProfileBody>,
) -> CsResult<Json<Value>> {
    let made = state.app.sensor_profiles().create(caller.principal(), &body.read()?).await?;
    Ok(Json(json!({"profileUuid": made})))
}

/// `PUT /sensorProfile/{sensorProfileId}`.
pub(super) async fn update(
    State(state): State<AppState>,
    Path(profile): Path<String>,
    caller: Caller,
    Body(changes): Body<Map<String, Value>>,
) -> CsResult<Json<Value>> {
    let profile = id(&profile, "sensor profile")?;
    let profiles = state.app.sensor_profiles();
    let changed = profiles.update(caller.principal(), profile, |old| {
        laid_over(old, changes).map_err(|error| parapet_service::Error::Invalid(error.into_message()))
    });
    Ok(Json(json!({"profileUuid": changed.await?})))
}

/// The old profile with the keys of `changes` in place of its own; inside `config` too.
fn laid_over(old: &ProfileView, changes: Map<String, Value>) -> CsResult<NewProfile> {
    let mut whole = serde_json::to_value(ProfileBody::of(old)).map_err(parapet_service::Error::internal)?;
    lay(&mut whole, Value::Object(changes), 0);
    let body: ProfileBody = serde_json::from_value(whole)
        .map_err(|error| CsError::invalid(format!("the body is not what is expected: {error}")))?;
    body.read()
}

/// `config` and its sections are laid over key by key, everything else is replaced.
fn lay(under: &mut Value, over: Value, depth: u8) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) if depth < 3 => {
            for (key, value) in over {
                lay(under.entry(key).or_insert(Value::Null), value, depth + 1);
            }
        }
        (under, over) => *under = over,
    }
}

/// `DELETE /sensorProfile/{sensorProfileId}`.
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(profile): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let profile = id(&profile, "sensor profile")?;
    state.app.sensor_profiles().delete(caller.principal(), profile).await?;
    Ok(Json(json!({"profileUuid": profile})))
}
