//! What images have, and which images have something.

use std::collections::BTreeMap;

use axum::Json;
use parapet_model::AssetKind;
use parapet_model::filter::{Field, Filter, Op};
use parapet_posture::Window;
use parapet_service::exports::VulnerabilityRow;
use serde_json::{Value, json};

use super::super::call::{Call, page_is_given};
use super::super::estate::{Estate, Wanted};
use super::super::query::missing;
use super::super::vulnerabilities::known;
use super::super::{HssError, rows, words};
use super::estate::{contains, current, find, is_of_registry, namespace, shown};

pub(super) const IMAGE_TYPES: [&str; 6] =
    ["private_image", "shared_image", "instance_image", "cicd", "harbor", "jfrog"];
/// The newer calls' words for where images are.
const PLACES: [&str; 4] = ["local", "registry", "cicd", "cluster"];

/// The images of a place, as a filter: every image is a local one.
pub(super) fn of_place(estate: &Estate, place: &str) -> Filter {
    match place {
        "local" => Filter::All,
        "registry" => estate.where_asset(AssetKind::Image, is_of_registry),
        // Pipelines and clusters report nothing here.
        _ => Filter::Nothing,
    }
}

/// The findings with a part of that in the id or an alias of their vulnerability.
fn id_contains(part: &str) -> Filter {
    Filter::test(Field::Vulnerability, Op::Contains, part)
}

/// `GET image/{image_id}/vulnerabilities`.
pub(super) async fn of_image(call: Call) -> Result<Json<Value>, HssError> {
    let image_id = call.path("id").to_owned();
    call.list(move |estate, query, page| {
        query.required_word("image_type", &IMAGE_TYPES)?;
        for (name, most) in [("namespace", 64), ("image_name", 128), ("tag_name", 64)] {
            // The image is named by its id; these only have to be there.
            query.text(name, 0..=most)?;
            query.has(name).then_some(()).ok_or_else(|| missing(name))?;
        }
        query.text("instance_id", 0..=128)?;
        let image = find(estate, &image_id).ok_or_else(|| HssError::not_found("image"))?;
        let mut wanted = Wanted::of(estate, AssetKind::Image);
        wanted.add(Filter::test(Field::AssetId, Op::Eq, image.uuid.to_string()));
        if let Some(word) = query.word("repair_necessity", &words::NECESSITIES)? {
            wanted.add(words::necessity_filter(word));
        }
        if let Some(part) = query.text("vul_id", 0..=128)? {
            wanted.add(id_contains(part));
        }
        if let Some(name) = query.text("app_name", 0..=64)? {
            wanted.add(Filter::test(Field::Package, Op::Contains, name));
        }
        if let Some(word) = query.word("type", &words::IMAGE_TYPES)? {
            wanted.add(words::type_filter(word));
        }
        if let Some(word) = query.word("handle_status", &words::HANDLE_STATUS)? {
            wanted.add(words::handled(word));
        }
        let mut list = Vec::new();
        let total = estate.pairs(&wanted.finish(), page.window(), |row| list.push(image_vulnerability(row)));
        Ok((total, list))
    })
    .await
}

fn image_vulnerability(row: &VulnerabilityRow<'_>) -> Value {
    let v = row.vulnerability;
    json!({
        "vul_id": v.id,
        "repair_necessity": words::necessity_of(row.severity),
        "description": rows::name(v),
        "position": "",
        "app_name": rows::joined(row.packages.iter().map(|p| p.key.name.as_str())),
        "app_path": "",
        "version": rows::joined(row.packages.iter().map(|p| p.key.version.as_str())),
        "solution": rows::solution(row),
        "url": rows::url(&v.id),
    })
}

/// `GET image/vulnerability/{vul_id}/cve`.
pub(super) async fn cves(call: Call) -> Result<Json<Value>, HssError> {
    let id = call.path("id").to_owned();
    call.list(move |estate, _, page| {
        known(estate, &id)?;
        let found = estate.snapshot.vulnerabilities_named(&id);
        let list: Vec<Value> = found.into_iter().flat_map(cve_documents).collect();
        let (total, list) = page.cut(list);
        Ok((total, list))
    })
    .await
}

fn cve_documents(v: &parapet_model::vulnerability::Vulnerability) -> Vec<Value> {
    let cve = |id: &str| {
        json!({
            "cve_id": id, "cvss_score": rows::cvss(v), "publish_time": v.published,
            "description": rows::name(v),
        })
    };
    rows::cves(v).map(cve).collect()
}

/// `GET image/vulnerabilities`: a row per vulnerability over all images.
pub(super) async fn global(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        page_is_given(query)?;
        let mut wanted = Wanted::of(estate, AssetKind::Image);
        if let Some(word) = query.word("repair_necessity", &words::NECESSITIES)? {
            wanted.add(words::necessity_filter(word));
        }
        if let Some(part) = query.text("vul_id", 0..=65_535)? {
            wanted.add(id_contains(part));
        }
        if let Some(word) = query.word("type", &words::IMAGE_TYPES)? {
            wanted.add(words::type_filter(word));
        }
        let mut list = Vec::new();
        let total = estate.vulnerabilities(&wanted.finish(), page.window(), |row| {
            let v = row.vulnerability;
            let open = (row.assets.len() as u64).saturating_sub(row.excepted_assets);
            list.push(json!({
                "vul_name": rows::name(v),
                "vul_id": v.id,
                "repair_necessity": words::necessity_of(row.severity),
                // Misspelt in the reference, and clients read it.
                "decription": rows::name(v),
                "description": rows::name(v),
                "solution": rows::solution(row),
                "url": rows::url(&v.id),
                "history_number": row.assets.len(),
                "undeal_number": open,
                "data_list": cve_documents(v),
            }));
        });
        Ok((total, list))
    })
    .await
}

/// `GET images/vulnerabilities`: a row per vulnerability of the images of a place.
pub(super) async fn general(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        let place = query.required_word("image_type", &PLACES)?;
        let kind = query.required_word("type", &words::IMAGE_TYPES)?;
        let handled = query.required_word("handle_status", &words::HANDLE_STATUS)?;
        let mut wanted = Wanted::of(estate, AssetKind::Image);
        wanted.add(of_place(estate, place));
        wanted.add(words::type_filter(kind));
        wanted.add(words::handled(handled));
        if let Some(word) = query.word("status", &["vul_status_unfix", "vul_status_ignored"])? {
            wanted.add(estate.status_filter(word));
        }
        wanted.levels(query)?;
        wanted.ids(query, 0)?;
        wanted.name(query, 0)?;
        let labels = query.array("label_list", 10)?;
        if !labels.is_empty() {
            wanted.add(words::labels_filter(&labels));
        }
        if query.text("cluster_id", 0..=128)?.is_some() {
            wanted.add(Filter::Nothing);
        }
        let mut list = Vec::new();
        let total = estate.vulnerabilities(&wanted.finish(), page.window(), |row| {
            let v = row.vulnerability;
            list.push(json!({
                "vul_name": rows::name(v),
                "vul_id": v.id,
                "type": rows::type_of(row),
                "image_type": place,
                "label_list": rows::labels(row).collect::<Vec<_>>(),
                "severity_level": words::level_of(row.severity),
                "image_num": row.assets.len(),
                "cve_list": rows::cve_list(v),
                "max_cvss_score": rows::cvss(v),
                "scan_time": row.last_found,
                "description": rows::name(v),
                "url": rows::url(&v.id),
                "solution_detail": rows::solution(row),
                "cluster_num": 0,
            }));
        });
        Ok((total, list))
    })
    .await
}

/// `GET vulnerability/images`: the images that have a vulnerability.
pub(super) async fn images(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        let place = query.required_word("image_type", &PLACES)?;
        let handled = query.boolean("is_handled")?.ok_or_else(|| missing("is_handled"))?;
        let id = query.required("vul_id", 1..=256)?;
        let mut wanted = Wanted::of(estate, AssetKind::Image);
        wanted.add(Filter::test(Field::Vulnerability, Op::Eq, id));
        wanted.add(of_place(estate, place));
        wanted.add(words::type_filter(query.required_word("type", &words::IMAGE_TYPES)?));
        wanted.add(words::handled(if handled { "handled" } else { "unhandled" }));
        let levels = query.words("repair_necessity", &words::LEVELS)?;
        if !levels.is_empty() {
            wanted.add(words::levels_filter(&levels));
        }
        if let Some(word) = query.word("status", &["vul_status_unfix", "vul_status_ignored"])? {
            wanted.add(estate.status_filter(word));
        }
        if let Some(id) = query.text("image_id", 0..=256)? {
            let image = find(estate, id).map(|image| image.uuid.to_string());
            wanted.add(image.map_or(Filter::Nothing, |id| Filter::test(Field::AssetId, Op::Eq, id)));
        }
        if let Some(name) = query.text("image_name", 0..=256)? {
            wanted.add(Filter::test(Field::Repository, Op::Contains, name));
        }
        if let Some(name) = query.text("registry_name", 0..=256)? {
            wanted.add(Filter::test(Field::Registry, Op::Contains, name));
        }
        if query.text("registry_type", 0..=256)?.is_some_and(|word| word != "Other") {
            wanted.add(Filter::Nothing);
        }
        if query.text("cluster_id", 0..=128)?.is_some() {
            wanted.add(Filter::Nothing);
        }
        let mut list = Vec::new();
        let total = estate.pairs(&wanted.finish(), page.window(), |row| list.push(affected(estate, row)));
        Ok((total, list))
    })
    .await
}

fn affected(estate: &Estate, row: &VulnerabilityRow<'_>) -> Value {
    let Some(one) = row.assets.first() else { return Value::Null };
    let image = one.asset;
    let reference = shown(image);
    let containers = estate.snapshot.containers_of(&estate.scope, image.no).len();
    let of_registry = is_of_registry(image);
    json!({
        "image_id": image.uuid,
        "image_name": reference.map_or(image.name.as_str(), |reference| &reference.repository),
        "vul_id": row.vulnerability.id,
        "repair_necessity": words::level_of(row.severity),
        "container_num": containers,
        "image_digest": image.identity,
        "image_version": reference.map_or("", |reference| &reference.tag),
        "agent_id": "",
        "status": rows::status(one),
        "first_scan_time": row.first_found.to_string(),
        "latest_scan_time": row.last_found.to_string(),
        "image_type": if of_registry { "registry" } else { "local_image" },
        "image_size": image.image_facts.size.to_string(),
        "organization": reference.map_or("", |reference| namespace(reference).0),
        "registry_type": "Other",
        "registry_name": reference.map_or("", |reference| &reference.registry),
        "is_multi_arch": "false",
        "cluster_id": "",
        "cluster_name": "",
    })
}

/// `GET image/{vul_id}/images`: the repositories whose images have a vulnerability.
pub(super) async fn repositories(call: Call) -> Result<Json<Value>, HssError> {
    let id = call.path("id").to_owned();
    call.list(move |estate, query, page| {
        known(estate, &id)?;
        let name = query.text("image_name", 0..=65_535)?;
        let space = query.text("namespace", 0..=65_535)?;
        let mut wanted = Wanted::of(estate, AssetKind::Image);
        wanted.add(Filter::test(Field::Vulnerability, Op::Eq, id.as_str()));
        if let Some(id) = query.text("image_id", 0..=65_535)? {
            let image = find(estate, id).map(|image| image.uuid.to_string());
            wanted.add(image.map_or(Filter::Nothing, |id| Filter::test(Field::AssetId, Op::Eq, id)));
        }
        if let Some(name) = query.text("app_name", 0..=65_535)? {
            wanted.add(Filter::test(Field::Package, Op::Contains, name));
        }
        let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut heads: BTreeMap<String, Value> = BTreeMap::new();
        estate.pairs(&wanted.finish(), Window::ALL, |row| {
            let Some(image) = row.asset else { return };
            let app = rows::joined(row.packages.iter().map(|p| p.key.name.as_str()));
            let version = rows::joined(row.packages.iter().map(|p| p.key.version.as_str()));
            for reference in current(image) {
                let passes = name.is_none_or(|name| contains(&reference.repository, name))
                    && space.is_none_or(|space| namespace(reference).0 == space);
                if !passes {
                    continue;
                }
                let key = reference.repository.clone();
                heads.entry(key.clone()).or_insert_with(|| {
                    json!({
                        "namespace": namespace(reference).0, "image_id": image.uuid, "image_name": key,
                        "app_name": app, "version": version, "image_type": "private_image",
                    })
                });
                found.entry(key).or_default().push(json!({
                    "tag_id": image.uuid, "tag_name": reference.tag, "size": image.image_facts.size,
                    "app_name": app,
                }));
            }
        });
        let list = found.into_iter().filter_map(|(key, tags)| {
            let mut head = heads.remove(&key)?;
            head["tag_count"] = json!(tags.len());
            head["data_list"] = json!(tags);
            Some(head)
        });
        let (total, list) = page.cut(list.collect());
        Ok((total, list))
    })
    .await
}
