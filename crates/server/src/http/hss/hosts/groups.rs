//! Groups of servers, and asset values. A name has 1 to 64 letters of any script, digits, `-_.+*`.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{AssetKind, Permission};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::body::Fields;
use super::super::call::{Allowed, Call};
use super::super::query::missing;
use super::super::vulnerabilities::hosts_named;
use super::super::{HssError, words};

/// Most servers named in one call.
const MAX_HOSTS: usize = 200;
/// Most servers of a group that is made or changed.
const MAX_MEMBERS: usize = 20_000;

/// `GET host-management/groups`.
pub(super) async fn list(call: Call) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, query } = call.allow(Permission::FindingsRead).await?;
    let groups = state.app.hosts().groups(&principal).await?;
    let answer = estate.ask(move |estate| {
        let page = query.page()?;
        let name = query.text("group_name", 1..=64)?;
        let mut members: BTreeMap<&str, Vec<&AssetRow>> = BTreeMap::new();
        for host in estate.all(AssetKind::Host) {
            members.entry(&host.host_facts.group).or_default().push(host);
        }
        let risky = Filter::test(Field::Kind, Op::Eq, "host").and(words::handled("unhandled"));
        let at_risk = estate.by_asset(&risky);
        let is_at_risk = |host: &AssetRow| at_risk.binary_search_by_key(&host.no, |on| on.asset).is_ok();
        let contains = |text: &str, part: &str| {
            parapet_model::filter::contains_ignore_case(text.as_bytes(), part.as_bytes())
        };
        let wanted = groups.iter().filter(|group| name.is_none_or(|name| contains(&group.name, name)));
        let (total, shown) = page.cut(wanted.collect());
        let document = |group: &&parapet_store::host_groups::HostGroup| {
            let hosts = members.get(group.name.as_str()).map_or(&[][..], Vec::as_slice);
            json!({
                "group_id": group.uuid.simple().to_string(),
                "group_name": group.name,
                "host_num": hosts.len(),
                "risk_host_num": hosts.iter().filter(|host| is_at_risk(host)).count(),
                "unprotect_host_num": 0,
                "host_id_list": hosts.iter().map(|host| host.uuid).collect::<Vec<_>>(),
                "is_outside": false,
            })
        };
        Ok(json!({"total_num": total, "data_list": shown.iter().map(document).collect::<Vec<_>>()}))
    });
    Ok(Json(answer.await?))
}

/// `POST host-management/groups`.
pub(super) async fn add(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::AssetsWrite).await?;
    let body = Fields::read(&body)?;
    let name = group_name(body.required("group_name", 1..=128)?)?;
    let hosts = body.texts("host_id_list", 1..=MAX_MEMBERS, 1..=64)?;
    let hosts = hosts_named(&estate, "host_id_list", &hosts)?;
    state.app.hosts().create_group(&principal, name, &hosts).await?;
    Ok(StatusCode::OK)
}

/// `PUT host-management/groups`.
pub(super) async fn change(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::AssetsWrite).await?;
    let body = Fields::read(&body)?;
    let group = group_id(body.required("group_id", 1..=64)?)?;
    let name = body.text("group_name", 0..=256)?.map(group_name).transpose()?;
    let ids = body.texts("host_id_list", 0..=MAX_MEMBERS, 1..=64)?;
    let hosts = match ids.as_slice() {
        [] => None,
        ids => Some(hosts_named(&estate, "host_id_list", ids)?),
    };
    state.app.hosts().change_group(&principal, group, name, hosts.as_deref()).await?;
    Ok(StatusCode::OK)
}

/// `DELETE host-management/groups?group_id=…`.
pub(super) async fn delete(call: Call) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, query, .. } = call.allow_everything(Permission::AssetsWrite).await?;
    let group = group_id(query.required("group_id", 1..=128)?)?;
    state.app.hosts().delete_group(&principal, group).await?;
    Ok(StatusCode::OK)
}

/// `POST host-management/group/associate`.
pub(super) async fn associate(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::AssetsWrite).await?;
    let body = Fields::read(&body)?;
    let group = group_id(body.required("group_id", 1..=128)?)?;
    let hosts = body.texts("host_id_list", 1..=MAX_HOSTS, 1..=64)?;
    let hosts: Vec<Uuid> = match body.boolean("operate_all")?.ok_or_else(|| missing("operate_all"))? {
        true => estate.all(AssetKind::Host).map(|host| host.uuid).collect(),
        false => hosts_named(&estate, "host_id_list", &hosts)?,
    };
    state.app.hosts().join_group(&principal, group, &hosts).await?;
    Ok(StatusCode::OK)
}

/// `PUT host-management/asset-value/associate`.
pub(super) async fn asset_value(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::AssetsWrite).await?;
    let body = Fields::read(&body)?;
    let value = body.required_word("asset_value", &words::ASSET_VALUES)?;
    let hosts = body.texts("host_id_list", 1..=MAX_HOSTS, 1..=64)?;
    let hosts = hosts_named(&estate, "host_id_list", &hosts)?;
    state.app.hosts().set_asset_value(&principal, &hosts, value).await?;
    Ok(StatusCode::OK)
}

fn group_id(id: &str) -> Result<Uuid, HssError> {
    Uuid::try_parse(id).map_err(|_| HssError::no_group())
}

fn group_name(name: &str) -> Result<&str, HssError> {
    let plain = |c: char| c.is_alphanumeric() || "-_.+*".contains(c);
    if name.chars().count() <= 64 && name.chars().all(plain) {
        return Ok(name);
    }
    let why = "group_name has 1 to 64 letters and digits, and - _ . + *";
    Err(HssError::invalid(why.to_owned()))
}
