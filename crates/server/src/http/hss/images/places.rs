//! Where images run: hosts and containers, as sensors report them.

use std::collections::BTreeMap;

use axum::Json;
use parapet_model::AssetKind;
use parapet_model::facts::AssetRow;
use serde_json::{Value, json};

use super::super::call::Call;
use super::super::estate::{Estate, private_ip, public_ip};
use super::super::{HssError, Query};
use super::estate::{WantedImages, contains};

/// The images of `image_digest`, `image_name` and `image_version`.
fn images<'e>(estate: &'e Estate, query: &Query) -> Result<Vec<&'e AssetRow>, HssError> {
    let wanted = WantedImages {
        name: query.text("image_name", 0..=256)?.map(str::to_owned),
        version: query.text("image_version", 0..=256)?.map(str::to_owned),
        ..WantedImages::default()
    };
    let mut images = wanted.select(estate);
    if let Some(digest) = query.text("image_digest", 0..=256)? {
        let found = super::estate::find(estate, digest).map(|image| image.no);
        images.retain(|image| Some(image.no) == found);
    }
    Ok(images)
}

/// The server a container is on, if it is known.
pub(super) fn host_of<'e>(estate: &'e Estate, container: &AssetRow) -> Option<&'e AssetRow> {
    let id = container.container_facts.host_id?;
    estate.find(AssetKind::Host, &id.to_string())
}

/// `GET image/local/hosts`.
pub(super) async fn hosts(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        let name = query.text("host_name", 0..=256)?;
        let agent = query.text("agent_id", 0..=128)?;
        let mut rows: BTreeMap<String, Value> = BTreeMap::new();
        for image in images(estate, query)? {
            for container in estate.snapshot.containers_of(&estate.scope, image.no) {
                let facts = &container.container_facts;
                let id = facts.host_id.map(|id| id.to_string()).unwrap_or_default();
                let host = host_of(estate, container);
                let wanted = name.is_none_or(|name| contains(&facts.host, name))
                    && agent.is_none_or(|agent| id == agent);
                if facts.host.is_empty() || !wanted {
                    continue;
                }
                rows.entry(facts.host.clone()).or_insert_with(|| {
                    json!({
                        "agent_id": id,
                        "agent_status": if facts.host_id.is_some() { "online" } else { "not_installed" },
                        "host_name": facts.host,
                        "host_id": id,
                        "version": "hss.version.enterprise",
                        "private_ip": host.map_or("", private_ip),
                        "public_ip": host.map_or("", public_ip),
                        "docker_name": "",
                        "docker_type": "",
                    })
                });
            }
        }
        let (total, list) = page.cut(rows.into_values().collect::<Vec<_>>());
        Ok((total, list))
    })
    .await
}

/// `GET image/local/containers`.
pub(super) async fn containers(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        let wanted = query.text("container_id", 0..=128)?;
        let agent = query.text("agent_id", 0..=128)?;
        let mut rows = Vec::new();
        for image in images(estate, query)? {
            for container in estate.snapshot.containers_of(&estate.scope, image.no) {
                let facts = &container.container_facts;
                let id = facts.host_id.map(|id| id.to_string()).unwrap_or_default();
                let passes = wanted.is_none_or(|id| container.identity.starts_with(id))
                    && agent.is_none_or(|agent| id == agent);
                if !passes {
                    continue;
                }
                let host = host_of(estate, container);
                rows.push(json!({
                    "agent_id": id,
                    "container_name": container.name,
                    "container_id": container.identity,
                    "host_id": id,
                    "host_name": facts.host,
                    "pod_id": "",
                    "pod_name": "",
                    "private_ip": host.map_or("", private_ip),
                    "public_ip": host.map_or("", public_ip),
                    "entry_point": "",
                }));
            }
        }
        let (total, list) = page.cut(rows);
        Ok((total, list))
    })
    .await
}
