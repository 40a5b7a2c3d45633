//! Looking at servers again, by hand or by policy (contract 4). Sensors do it; what is installed is
//! judged anew on every question, so there is nothing else to scan.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use parapet_model::{FOREVER, Permission};
use parapet_service::host_scans::{LookState, Period, ScanPolicy, ScanView};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::body::Fields;
use super::super::call::{Allowed, Call};
use super::super::estate::{private_ip, public_ip};
use super::super::query::missing;
use super::super::{HssError, rows, words};
use super::handle::hosts_named;

const PERIODS: [(&str, Period); 4] = [
    ("one_day", Period::Day),
    ("three_day", Period::ThreeDays),
    ("one_week", Period::Week),
    ("one_month", Period::Month),
];
const RANGES: [&str; 2] = ["all_host", "specific_host"];
const SCAN_STATUS: [&str; 3] = ["scanning", "success", "failed"];
/// Most servers of a policy.
const MAX_HOSTS: usize = 20_000;

/// `POST vulnerability/scan-task`.
pub(super) async fn create(call: Call, body: Bytes) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::AssetsWrite).await?;
    let body = Fields::read(&body)?;
    let mut types = types(&body, "manual_scan_type", 200)?;
    if types.is_empty() {
        types = ScanPolicy::default().types;
    }
    body.boolean("batch_flag")?;
    let urgent = body.texts("urgent_vul_id_list", 1..=200, 1..=256)?;
    if !urgent.is_empty() && !types.iter().any(|word| word == "urgent_vul") {
        let why = "urgent_vul_id_list needs urgent_vul in manual_scan_type";
        return Err(HssError::invalid(why.to_owned()));
    }
    let agents = body.texts("agent_id_list", 1..=200, 1..=128)?;
    let hosts = match body.word("range_type", &RANGES)?.unwrap_or(RANGES[0]) {
        word if word == RANGES[0] => None,
        _ => Some(hosts_named(&estate, "agent_id_list", &agents)?),
    };
    let scan = state.app.host_scans().begin(&principal, hosts.as_deref(), &types).await?;
    Ok(Json(json!({"task_id": scan.uuid.simple().to_string()})))
}

fn types(body: &Fields, name: &str, most: usize) -> Result<Vec<String>, HssError> {
    let types = body.texts(name, 0..=most, 1..=64)?;
    types.iter().try_for_each(|word| super::super::query::check_word(name, word, &words::TYPES))?;
    Ok(types)
}

/// `GET vulnerability/scan-tasks`, newest first.
pub(super) async fn list(call: Call) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, query, .. } = call.allow(Permission::FindingsRead).await?;
    let page = query.page()?;
    let kind = query.word("scan_type", &["manual", "schedule"])?;
    let id = query.text("task_id", 0..=256)?.map(|id| Uuid::try_parse(id).ok());
    let from = query.integer("min_start_time", 0..=i64::MAX)?;
    let to = query.integer("max_start_time", 0..=i64::MAX)?;
    let mut views = state.app.host_scans().list(&principal).await?;
    views.retain(|view| {
        let scan = &view.scan;
        kind.is_none_or(|word| (word == "schedule") == scan.scheduled)
            && id.is_none_or(|id| id == Some(scan.uuid))
            && from.is_none_or(|from| scan.created >= from)
            && to.is_none_or(|to| scan.created <= to)
    });
    let (total, views) = page.cut(views);
    let list: Vec<Value> = views.iter().map(document).collect();
    Ok(Json(json!({"total_num": total, "data_list": list})))
}

fn document(view: &ScanView) -> Value {
    let running = view.is_running();
    json!({
        "id": view.scan.uuid.simple().to_string(),
        "scan_type": if view.scan.scheduled { "schedule" } else { "manual" },
        "start_time": view.scan.created,
        "end_time": if running { 0 } else { view.ended },
        "scan_vul_types": view.scan.types,
        "status": if running { "running" } else { "finished" },
        "scanning_host_num": view.count(LookState::Waiting),
        "success_host_num": view.count(LookState::Done),
        "failed_host_num": view.count(LookState::NoSensor) + view.count(LookState::Silent),
        "estimated_time": 0,
    })
}

/// The word for how a server stands, and why it failed.
fn status(state: LookState) -> (&'static str, &'static str) {
    match state {
        LookState::Waiting => ("scanning", ""),
        LookState::Done => ("success", ""),
        LookState::NoSensor => ("failed", "the server has no sensor"),
        LookState::Silent => ("failed", "the sensor of the server is not heard of"),
    }
}

/// `GET vulnerability/scan-task/{task_id}/hosts`.
pub(super) async fn hosts(call: Call) -> Result<Json<Value>, HssError> {
    let task_id = call.path("task_id").to_owned();
    let Allowed { state, principal, estate, query } = call.allow(Permission::FindingsRead).await?;
    let page = query.page()?;
    let wanted = query.word("scan_status", &SCAN_STATUS)?;
    let id = Uuid::try_parse(&task_id).map_err(|_| HssError::not_found("scan task"))?;
    let view = state.app.host_scans().get(&principal, id).await?;
    let mut found = view.hosts.clone();
    found.retain(|(_, state)| wanted.is_none_or(|word| status(*state).0 == word));
    let (total, found) = page.cut(found);
    let row = |(no, state): (parapet_model::AssetNo, LookState)| {
        let host = estate.snapshot.asset(&estate.scope, no)?;
        let (word, why) = status(state);
        let detail = |kind: &String| json!({"vul_type": kind, "status": word, "failed_reason": why, "scan_vul_list": []});
        let reason = |kind: &String| json!({"vul_type": kind, "failed_reason": why});
        let reasons: Vec<Value> = match why {
            "" => Vec::new(),
            _ => view.scan.types.iter().map(reason).collect(),
        };
        Some(json!({
            "host_id": host.uuid,
            "host_name": host.name,
            "public_ip": public_ip(host),
            "private_ip": private_ip(host),
            "asset_value": rows::asset_value(host),
            "scan_status": word,
            "failed_reasons": reasons,
            "vul_scan_details": view.scan.types.iter().map(detail).collect::<Vec<_>>(),
        }))
    };
    let list: Vec<Value> = found.into_iter().filter_map(row).collect();
    Ok(Json(json!({"total_num": total, "data_list": list})))
}

/// `GET vulnerability/scan-policy`.
pub(super) async fn policy(call: Call) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::FindingsRead).await?;
    let (policy, next) = state.app.host_scans().policy(&principal).await?;
    let period = PERIODS.iter().find(|(_, period)| *period == policy.period).map(|(word, _)| word);
    let total = match &policy.hosts {
        Some(hosts) => hosts.len(),
        None => estate.all(parapet_model::AssetKind::Host).count(),
    };
    Ok(Json(json!({
        "scan_period": period,
        "scan_vul_types": policy.types,
        "scan_range_type": if policy.hosts.is_some() { RANGES[1] } else { RANGES[0] },
        "host_ids": policy.hosts.unwrap_or_default(),
        "total_host_num": total,
        "status": if policy.open { "open" } else { "close" },
        "time": {
            "day_part": policy.days,
            "hour_part": policy.hour,
            "minute_part": policy.minute,
            "next_scan_time": if next == FOREVER { 0 } else { next },
            "timezone_offset": policy.offset,
        },
    })))
}

/// `PUT vulnerability/scan-policy`. The reference allows the hours 0 to 11; all 24 are taken.
pub(super) async fn change_policy(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::AssetsWrite).await?;
    let body = Fields::read(&body)?;
    let word = body.required_word("scan_period", &PERIODS.map(|(word, _)| word))?;
    let period = PERIODS.iter().find(|(known, _)| *known == word).map(|(_, period)| *period);
    let range = body.required_word("scan_range_type", &RANGES)?;
    let ids = body.texts("host_ids", 0..=MAX_HOSTS, 1..=128)?;
    let mut types = types(&body, "scan_vul_types", 5)?;
    if types.is_empty() {
        types = ScanPolicy::default().types;
    }
    let open = body.required_word("status", &["open", "close"])? == "open";
    let time = body.object("time")?.unwrap_or_default();
    let policy = ScanPolicy {
        open,
        period: period.unwrap_or_default(),
        days: time.integers("day_part", 0..=31, 1..=31)?,
        hour: time.integer("hour_part", 0..=23)?.unwrap_or(0),
        minute: time.integer("minute_part", 0..=59)?.unwrap_or(0),
        offset: time.integer("timezone_offset", -840..=720)?.unwrap_or(0),
        hosts: match range == RANGES[0] {
            true => None,
            false if ids.is_empty() => return Err(missing("host_ids")),
            false => Some(hosts_named(&estate, "host_ids", &ids)?),
        },
        types,
    };
    time.integer("next_scan_time", 0..=i64::MAX)?;
    state.app.host_scans().set_policy(&principal, &policy).await?;
    Ok(StatusCode::OK)
}
