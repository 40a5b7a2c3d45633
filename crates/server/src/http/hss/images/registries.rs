//! The registries that images come from (section 6.1 of the contract names these calls; the SDK has their
//! fields). All of them are *Other* ones: they are spoken to by the OCI distribution protocol.

use axum::Json;
use parapet_model::Permission;
use parapet_service::registries::Holdings;
use parapet_store::registries::Registry;
use serde_json::{Value, json};

use super::super::call::{Allowed, Call};
use super::super::query::check_word;
use super::super::{HssError, Query};
use super::estate::contains;

const TYPES: [&str; 6] = ["Harbor", "Jfrog", "SwrPrivate", "SwrShared", "SwrEnterprise", "Other"];
const STATUS: [&str; 3] = ["success", "fail", "accessing"];

/// `GET image/registries`.
pub(super) async fn list(call: Call) -> Result<Json<Value>, HssError> {
    let allowed = call.allow_everything(Permission::RegistriesRead).await?;
    let page = allowed.query.page()?;
    let (total, rows) = page.cut(wanted(&allowed).await?);
    let list: Vec<Value> = rows.iter().map(|(registry, holdings)| document(registry, holdings)).collect();
    Ok(Json(json!({"total_num": total, "data_list": list})))
}

/// `GET image/registries/statistics`.
pub(super) async fn statistics(call: Call) -> Result<Json<Value>, HssError> {
    let allowed = call.allow_everything(Permission::RegistriesRead).await?;
    let found = wanted(&allowed).await?;
    let read = found.iter().filter(|(_, holdings)| status(holdings) == "success").count();
    Ok(Json(json!({"success_num": read, "fail_num": 0})))
}

/// The registries that pass.
async fn wanted(allowed: &Allowed) -> Result<Vec<(Registry, Holdings)>, HssError> {
    let Allowed { state, principal, query, .. } = allowed;
    let passes = filter(query)?;
    let registries = state.app.registries().list(principal, 0, u32::MAX).await?;
    let (app, who) = (state.app.clone(), principal.clone());
    let counted = tokio::task::spawn_blocking(move || {
        let holdings = app.registries().holdings_of(&who, &registries)?;
        Ok::<_, parapet_service::Error>(registries.into_iter().zip(holdings).collect::<Vec<_>>())
    });
    let counted = counted.await.map_err(parapet_service::Error::from)??;
    Ok(counted.into_iter().filter(|(registry, holdings)| passes(registry, holdings)).collect())
}

fn filter(query: &Query) -> Result<impl Fn(&Registry, &Holdings) -> bool, HssError> {
    let name = query.text("registry_name", 0..=128)?;
    let id = query.text("registry_id", 0..=64)?;
    let address = query.text("registry_addr", 0..=256)?;
    let wanted = query.word("status", &STATUS)?;
    let types = query.list("registry_type", 0..=64, TYPES.len())?;
    types.iter().try_for_each(|word| check_word("registry_type", word, &TYPES))?;
    let other = types.is_empty() || types.contains(&"Other");
    Ok(move |registry: &Registry, holdings: &Holdings| {
        other
            && name.is_none_or(|name| contains(&registry.settings.name, name))
            && id.is_none_or(|id| id_of(registry) == id)
            && address.is_none_or(|address| contains(&registry.settings.endpoint, address))
            && wanted.is_none_or(|word| status(holdings) == word)
    })
}

fn id_of(registry: &Registry) -> String {
    registry.uuid.simple().to_string()
}

/// A registry is reached when something of it was read.
fn status(holdings: &Holdings) -> &'static str {
    if holdings.last_scanned > 0 { "success" } else { "accessing" }
}

fn document(registry: &Registry, holdings: &Holdings) -> Value {
    let settings = &registry.settings;
    json!({
        "id": id_of(registry),
        "registry_name": settings.name,
        "registry_type": "Other",
        "api_version": "V2",
        "protocol": if settings.plain_http { "http" } else { "https" },
        "registry_addr": settings.endpoint,
        "registry_username": settings.username,
        "namespace": "",
        "connect_cluster_id": "",
        "get_scan_image_channel": "Other",
        "status": status(holdings),
        "fail_reason": "",
        "images_num": holdings.all.images,
        "latest_sync_time": holdings.last_scanned,
    })
}
