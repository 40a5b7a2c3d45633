//! `GET host-management/host-statistics`: how the servers stand, in numbers (section 6.1 of the contract
//! names the call; the SDK has its fields).

use std::collections::BTreeMap;

use axum::Json;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::sensor::SensorStatus;
use parapet_model::{AssetKind, Permission};
use serde_json::{Value, json};

use super::super::call::{Allowed, Call};
use super::super::{HssError, rows, words};

/// The numbers.
pub(super) async fn show(call: Call) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::FindingsRead).await?;
    let sensors = state.app.sensors().list(&principal).await?;
    let status: BTreeMap<String, SensorStatus> =
        sensors.into_iter().map(|view| (view.sensor.registration.identity, view.status)).collect();
    let groups = state.app.hosts().groups(&principal).await?.len();
    let answer = estate.ask(move |estate| {
        let hosts: Vec<&AssetRow> = estate.all(AssetKind::Host).collect();
        let unhandled = Filter::test(Field::Kind, Op::Eq, "host").and(words::handled("unhandled"));
        let of = |wanted: Option<SensorStatus>| {
            hosts.iter().filter(|host| status.get(&host.identity).copied() == wanted).count()
        };
        let total = hosts.len();
        let by_value = words::ASSET_VALUES.map(|value| {
            let of_value = hosts.iter().filter(|host| rows::asset_value(host) == value);
            json!({"value_type": value, "host_num": of_value.count()})
        });
        Ok(json!({
            "total_num": total,
            "risk_num": estate.by_asset(&unhandled).len(),
            "unprotected_num": 0,
            "protected_num": total,
            "not_installed_num": of(None),
            "installed_failed_num": 0,
            "not_online_num": of(Some(SensorStatus::Unknown)),
            "version_basic_num": 0,
            "version_advanced_num": 0,
            "version_enterprise_num": total,
            "version_premium_num": 0,
            "version_wtp_num": 0,
            "version_container_num": 0,
            "host_group_num": groups,
            "server_group_num": 0,
            "asset_value_list": by_value,
            "server_group_list": [],
            "ignore_host_num": 0,
            "protect_interrupt_num": 0,
            "idle_num": 0,
            "premium_non_sp_num": 0,
        }))
    });
    Ok(Json(answer.await?))
}
