//! The white list (contract 4): vulnerabilities that are accepted on all servers or on some. An entry
//! is an exception.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use parapet_model::Permission;
use parapet_model::exception::Exception;
use parapet_model::filter::{Field, Filter};
use parapet_service::handling::{Handle, OnAssets};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::body::Fields;
use super::super::call::{Allowed, Call, page_is_given};
use super::super::estate::Estate;
use super::super::query::missing;
use super::super::{HssError, rows, words};
use super::handle::{hosts_named, known};

const RULES: [&str; 2] = ["all_host", "specific_host"];

/// `GET vulnerability/white-lists`.
pub(super) async fn list(call: Call) -> Result<Json<Value>, HssError> {
    let call = call.allow(Permission::ExceptionsRead).await?;
    page_is_given(&call.query)?;
    let entries = call.state.app.handling().whitelist(&call.principal)?;
    call.list(move |estate, query, page| {
        let name = query.text("vul_name", 0..=256)?;
        let kind = query.word("vul_type", &words::TYPES_OF_LISTS)?;
        let contains = |text: &str, part: &str| {
            parapet_model::filter::contains_ignore_case(text.as_bytes(), part.as_bytes())
        };
        let documents = entries.iter().map(|entry| document(estate, entry)).filter(|document| {
            let text = |field: &str| document[field].as_str().unwrap_or_default();
            name.is_none_or(|name| contains(text("vul_name"), name) || contains(text("vul_id"), name))
                && kind.is_none_or(|kind| text("vul_type") == kind)
        });
        Ok(page.cut(documents.collect()))
    })
    .await
}

/// `GET vulnerability/white-list/{id}`.
pub(super) async fn show(call: Call) -> Result<Json<Value>, HssError> {
    let id = call.path("id").to_owned();
    let Allowed { state, principal, estate, .. } = call.allow(Permission::ExceptionsRead).await?;
    let id = entry_id(&id)?;
    let entry = state.app.handling().whitelist(&principal)?.into_iter().find(|entry| entry.uuid == id);
    let entry = entry.ok_or_else(|| HssError::not_found("white list entry"))?;
    Ok(Json(estate.ask(move |estate| Ok(document(estate, &entry))).await?))
}

fn document(estate: &Estate, entry: &Exception) -> Value {
    let id = entry.target.vulnerabilities.first().map(String::as_str).unwrap_or_default();
    let vulnerability = estate.snapshot.vulnerabilities_named(id).first().copied();
    let hosts = entry.target.included.iter().filter_map(|&no| estate.snapshot.asset(&estate.scope, no));
    let hosts: Vec<Value> = hosts.map(|host| json!({"host_id": host.uuid, "host_name": host.name})).collect();
    let of_system = Filter::any_of(Field::Vulnerability, [id]).and(words::type_filter("linux_vul"));
    let of_system = !estate.by_asset(&of_system).is_empty();
    json!({
        "id": entry.uuid.simple().to_string(),
        "vul_id": id,
        "vul_name": vulnerability.map_or(id, rows::name),
        "vul_type": if of_system { "linux_vul" } else { "app_vul" },
        "cves": vulnerability.map_or_else(|| json!([]), rows::cve_list),
        "rule_type": if entry.target.filter.is_some() { RULES[0] } else { RULES[1] },
        "hosts": hosts,
        "description": entry.comment,
    })
}

fn entry_id(id: &str) -> Result<Uuid, HssError> {
    Uuid::try_parse(id).map_err(|_| HssError::not_found("white list entry"))
}

/// `POST vulnerability/white-list`.
pub(super) async fn add(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::ExceptionsRequest).await?;
    let body = Fields::read(&body)?;
    body.required_word("vul_type", &words::TYPES_OF_LISTS)?;
    let ids = body.texts("vul_ids", 1..=500, 1..=256)?;
    if ids.is_empty() {
        return Err(missing("vul_ids"));
    }
    let ids: Vec<String> = ids.iter().map(|id| known(&estate, id)).collect::<Result<_, _>>()?;
    if body.boolean("with_ignore")? == Some(false) {
        let why = "with_ignore cannot be false: what is on the white list is ignored";
        return Err(HssError::invalid(why.to_owned()));
    }
    let why = body.text("description", 0..=1000)?.unwrap_or_default();
    let hosts = body.texts("host_ids", 1..=1000, 1..=128)?;
    if body.required_word("rule_type", &RULES)? == RULES[0] {
        state.app.handling().whitelist_all(&principal, &ids, why).await?;
        return Ok(StatusCode::OK);
    }
    let assets = hosts_named(&estate, "host_ids", &hosts)?;
    let on: Vec<OnAssets> =
        ids.into_iter().map(|vulnerability| OnAssets { vulnerability, assets: assets.clone() }).collect();
    state.app.handling().handle(&principal, Handle::Whitelist, &on, why).await?;
    Ok(StatusCode::OK)
}

/// `PUT vulnerability/white-list/{id}`.
pub(super) async fn change(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let id = call.path("id").to_owned();
    let Allowed { state, principal, estate, .. } = call.allow(Permission::ExceptionsRequest).await?;
    let body = Fields::read(&body)?;
    let hosts = body.texts("host_ids", 0..=1000, 1..=128)?;
    let hosts = match body.required_word("rule_type", &RULES)? {
        word if word == RULES[0] => None,
        _ => Some(hosts_named(&estate, "host_ids", &hosts)?),
    };
    let why = body.text("description", 0..=1024)?;
    let id = entry_id(&id)?;
    state.app.handling().change_whitelist(&principal, id, hosts.as_deref(), why).await?;
    Ok(StatusCode::OK)
}

/// `DELETE vulnerability/white-list`, with a body.
pub(super) async fn delete(call: Call, body: Bytes) -> Result<StatusCode, HssError> {
    let Allowed { state, principal, .. } = call.allow(Permission::ExceptionsRequest).await?;
    let ids = Fields::read(&body)?.texts("ids", 1..=50, 1..=256)?;
    if ids.is_empty() {
        return Err(missing("ids"));
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| entry_id(id)).collect::<Result<_, _>>()?;
    state.app.handling().unlist(&principal, &ids).await?;
    Ok(StatusCode::OK)
}
