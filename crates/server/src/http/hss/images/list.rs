//! Lists of images: all of them, and those that a registry holds.

use axum::Json;
use parapet_model::Severity;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op};
use serde_json::{Value, json};

use super::super::call::Call;
use super::super::estate::Estate;
use super::super::{HssError, words};
use super::estate::{WantedContainer, WantedImages, current, namespace, scan_status, scanned_at, shown};

const ANY: std::ops::RangeInclusive<i64> = 0..=i64::MAX;

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// `GET image/local-repositories`.
pub(super) async fn local(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        // Words outside these enums give an empty list, not an error (contract 5).
        let of_registry = match query.text("local_image_type", 0..=64)? {
            None => None,
            Some("swr_image") => Some(true),
            Some("other_image") => Some(false),
            Some(_) => return Ok((0, Vec::new())),
        };
        let unknown = ["pod_id", "pod_name", "app_name", "host_ip"];
        let unknown = unknown.iter().map(|name| Ok(query.text(name, 1..=64)?.is_some()));
        let unknown = unknown.collect::<Result<Vec<bool>, HssError>>()?.contains(&true);
        let wanted = WantedImages {
            name: owned(query.text("image_name", 1..=256)?),
            version: owned(query.text("image_version", 1..=128)?),
            version_needs_name: true,
            scan_status: owned(query.text("scan_status", 0..=64)?),
            of_registry,
            has_vulnerability: query.boolean("has_vul")?,
            has_container: query.boolean("has_container")?,
            container: WantedContainer {
                id: owned(query.text("container_id", 1..=64)?),
                name: owned(query.text("container_name", 1..=64)?),
                host_name: owned(query.text("host_name", 1..=64)?),
                host_id: owned(query.text("host_id", 1..=64)?),
                nothing: unknown,
            },
            ..WantedImages::within(|name| query.integer(name, ANY))?
        };
        let (total, images) = page.cut(wanted.select(estate));
        let list: Vec<Value> = images.into_iter().map(|image| local_row(estate, image)).collect();
        Ok((total, list))
    })
    .await
}

/// Vulnerabilities that nothing hides, and the worst band among them.
fn counts(estate: &Estate, image: &AssetRow) -> (u64, &'static str) {
    let filter = Filter::test(Field::AssetId, Op::Eq, image.uuid.to_string());
    let counts = estate.snapshot.count(&estate.question(&filter.and(words::handled("unhandled"))));
    let worst = Severity::WORST_FIRST
        .into_iter()
        .filter(|band| counts.severity(*band).vulnerabilities > 0)
        .map(words::level_of)
        .min_by_key(|level| words::LEVELS.iter().position(|word| word == level));
    let word = match worst {
        None => "Security",
        // This list has no word above it.
        Some("Critical") => "High",
        Some(level) => level,
    };
    (counts.vulnerabilities, word)
}

fn local_row(estate: &Estate, image: &AssetRow) -> Value {
    let containers = estate.snapshot.containers_of(&estate.scope, image.no);
    let mut hosts: Vec<&str> = containers.iter().map(|one| one.container_facts.host.as_str()).collect();
    hosts.retain(|host| !host.is_empty());
    hosts.sort_unstable();
    hosts.dedup();
    let host_id = containers.iter().find_map(|one| one.container_facts.host_id);
    let (vulnerabilities, worst) = counts(estate, image);
    let reference = shown(image);
    let packages = estate.snapshot.packages_of(&estate.scope, image.no);
    json!({
        "image_name": reference.map_or(image.name.as_str(), |reference| &reference.repository),
        "image_id": image.uuid,
        "image_digest": image.identity,
        "image_version": reference.map_or("", |reference| &reference.tag),
        "local_image_type": if super::estate::is_of_registry(image) { "swr_image" } else { "other_image" },
        "scan_status": scan_status(image),
        "image_size": image.image_facts.size,
        "latest_update_time": image.image_facts.created,
        "latest_scan_time": scanned_at(image),
        "vul_num": vulnerabilities,
        "unsafe_setting_num": 0,
        "malicious_file_num": 0,
        "host_num": hosts.len(),
        "container_num": containers.len(),
        "component_num": packages.map_or(0, |packages| packages.len()),
        "scan_failed_desc": if image.scan_error.is_empty() { "" } else { "unknown_error" },
        "severity_level": worst,
        "host_name": hosts.first().copied().unwrap_or_default(),
        "host_id": host_id.map(|id| id.to_string()).unwrap_or_default(),
        "agent_id": host_id.map(|id| id.to_string()).unwrap_or_default(),
        "non_scan_reason": image.scan_error,
    })
}

/// `GET image/swr-repository`: a row per tag of a registry. There are no shared images, so a list of
/// them is empty.
pub(super) async fn of_registries(call: Call) -> Result<Json<Value>, HssError> {
    const TYPES: [&str; 4] = ["private_image", "shared_image", "local_image", "instance_image"];
    call.list(move |estate, query, page| {
        let kind = query.required_word("image_type", &TYPES)?;
        let wanted = WantedImages {
            name: owned(query.text("image_name", 0..=256)?),
            namespace: owned(query.text("namespace", 0..=256)?),
            version: owned(query.text("image_version", 0..=256)?),
            scan_status: owned(query.word("scan_status", &words::IMAGE_SCAN_STATUS)?),
            of_registry: Some(true),
            has_vulnerability: query.boolean("has_vul")?,
            ..WantedImages::within(|name| query.integer(name, ANY))?
        };
        for name in ["has_malicious_file", "has_unsafe_setting"] {
            if query.boolean(name)? == Some(true) {
                return Ok((0, Vec::new()));
            }
        }
        let instance = query.text("instance_name", 0..=256)?;
        query.text("instance_id", 0..=256)?;
        let latest = query.boolean("latest_version")? == Some(true);
        let images = if kind == "shared_image" { Vec::new() } else { wanted.select(estate) };
        let mut rows = Vec::new();
        for image in images {
            for reference in current(image).filter(|reference| !reference.registry.is_empty()) {
                let named =
                    wanted.name.as_ref().is_none_or(|n| super::estate::contains(&reference.repository, n))
                        && wanted.version.as_ref().is_none_or(|tag| reference.tag == *tag)
                        && instance.is_none_or(|name| reference.registry == name)
                        && (!latest || reference.tag == "latest");
                if named {
                    rows.push((image, reference));
                }
            }
        }
        let (total, rows) = page.cut(rows);
        let row = |(image, reference): (&AssetRow, &parapet_model::asset::Reference)| {
            let (namespace, _) = namespace(reference);
            json!({
                "id": image.no.0,
                "namespace": namespace,
                "image_name": reference.repository,
                "image_id": image.uuid,
                "image_digest": image.identity,
                "image_version": reference.tag,
                "image_type": "private_image",
                "latest_version": reference.tag == "latest",
                "scan_status": scan_status(image),
                "scan_failed_desc": image.scan_error,
                "image_size": image.image_facts.size,
                "latest_update_time": image.image_facts.created,
                "latest_scan_time": scanned_at(image),
                "vul_num": counts(estate, image).0,
                "unsafe_setting_num": 0,
                "malicious_file_num": 0,
                "domain_name": "default",
                "shared_status": "effective",
                "scannable": true,
                "instance_name": reference.registry,
                "instance_id": reference.registry,
                "instance_url": reference.registry,
                "association_images": [],
            })
        };
        Ok((total, rows.into_iter().map(row).collect()))
    })
    .await
}
