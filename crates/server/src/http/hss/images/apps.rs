//! What is installed in an image: its packages, those that a vulnerability is in, and the containers
//! that run it (section 6.1 of the contract names these calls; the SDK has their fields).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use axum::Json;
use parapet_model::facts::{AssetRow, PackageRow};
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{AssetKind, PackageNo};
use parapet_posture::Window;
use serde_json::{Value, json};

use super::super::call::Call;
use super::super::estate::{Estate, Wanted, private_ip, public_ip};
use super::super::{HssError, Query, rows, words};
use super::estate::{contains, find};
use super::places::host_of;
use super::vulnerabilities::IMAGE_TYPES;

/// `GET image/{image_id}/apps`.
pub(super) async fn of_image(call: Call) -> Result<Json<Value>, HssError> {
    let id = call.path("id").to_owned();
    call.list(move |estate, query, page| {
        query.word("image_type", &IMAGE_TYPES)?;
        for (name, most) in [("namespace", 64), ("image_name", 128), ("tag_name", 64)] {
            // The image is named by its id.
            query.text(name, 0..=most)?;
        }
        Ok(page.cut(apps(estate, image(estate, &id)?, query)?))
    })
    .await
}

/// `GET image/local/apps`: the same, the image in the query.
pub(super) async fn of_local(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        let id = query.required("image_id", 1..=128)?;
        Ok(page.cut(apps(estate, image(estate, id)?, query)?))
    })
    .await
}

fn image<'e>(estate: &'e Estate, id: &str) -> Result<&'e AssetRow, HssError> {
    find(estate, id).ok_or_else(|| HssError::not_found("image"))
}

/// A package of an image.
pub(super) struct Software<'e> {
    pub(super) package: &'e PackageRow,
    /// Vulnerabilities that nothing hides.
    pub(super) vulnerabilities: u64,
}

/// The packages with this in their name, by name and version.
pub(super) fn software<'e>(estate: &'e Estate, image: &AssetRow, name: Option<&str>) -> Vec<Software<'e>> {
    let mut counts: BTreeMap<PackageNo, u64> = BTreeMap::new();
    let filter = Filter::test(Field::AssetId, Op::Eq, image.uuid.to_string());
    let filter = filter.and(words::handled("unhandled"));
    let _ = estate.snapshot.findings(&estate.question(&filter), |finding| {
        *counts.entry(finding.package.no).or_default() += 1;
        ControlFlow::Continue(())
    });
    let shown = estate.snapshot.packages_of(&estate.scope, image.no).unwrap_or_default();
    let packages = shown.iter().map(|shown| shown.package);
    let mut packages: Vec<&PackageRow> =
        packages.filter(|package| name.is_none_or(|name| contains(&package.key.name, name))).collect();
    packages.sort_by_key(|package| (&package.key.name, &package.key.version, package.no));
    let counted = |package: &'e PackageRow| Software {
        package,
        vulnerabilities: counts.get(&package.no).copied().unwrap_or_default(),
    };
    packages.into_iter().map(counted).collect()
}

fn apps(estate: &Estate, image: &AssetRow, query: &Query) -> Result<Vec<Value>, HssError> {
    let row = |Software { package, vulnerabilities }: Software<'_>| {
        json!({
            "app_name": package.key.name,
            "app_type": package.key.ecosystem,
            "app_version": package.key.version,
            "vul_num": vulnerabilities,
        })
    };
    let name = query.text("app_name", 0..=256)?;
    Ok(software(estate, image, name).into_iter().map(row).collect())
}

/// `GET image/vulnerability/{image_id}/apps`: the packages of an image that have a vulnerability.
pub(super) async fn affected(call: Call) -> Result<Json<Value>, HssError> {
    let id = call.path("id").to_owned();
    call.list(move |estate, query, page| {
        let image = image(estate, &id)?;
        let vulnerability = query.required("vul_id", 1..=256)?;
        query.text("image_type", 0..=64)?;
        let mut wanted = Wanted::of(estate, AssetKind::Image);
        wanted.add(Filter::test(Field::AssetId, Op::Eq, image.uuid.to_string()));
        wanted.add(Filter::test(Field::Vulnerability, Op::Eq, vulnerability));
        if let Some(handled) = query.boolean("is_handled")? {
            wanted.add(words::handled(if handled { "handled" } else { "unhandled" }));
        }
        let mut by_name: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        estate.pairs(&wanted.finish(), Window::ALL, |row| {
            let status = row.assets.first().map(rows::status);
            for package in row.packages {
                let path = json!({"status": status, "app_version": package.key.version, "app_path": ""});
                by_name.entry(package.key.name.clone()).or_default().push(path);
            }
        });
        let rows = by_name.into_iter();
        let rows = rows.map(|(name, paths)| json!({"app_name": name, "paths": paths, "rule": ""}));
        Ok(page.cut(rows.collect()))
    })
    .await
}

/// `GET image/vulnerability/{image_id}/containers`: the containers that run an image.
pub(super) async fn containers(call: Call) -> Result<Json<Value>, HssError> {
    let id = call.path("id").to_owned();
    call.list(move |estate, query, page| {
        let image = image(estate, &id)?;
        for name in ["image_digest", "image_name", "image_version"] {
            // The image is named by its id.
            query.text(name, 0..=256)?;
        }
        let agent = query.text("agent_id", 0..=128)?;
        let mut rows = Vec::new();
        for container in estate.snapshot.containers_of(&estate.scope, image.no) {
            let facts = &container.container_facts;
            let on = facts.host_id.map(|id| id.to_string()).unwrap_or_default();
            if agent.is_some_and(|agent| agent != on) {
                continue;
            }
            let host = host_of(estate, container);
            rows.push(json!({
                "container_name": container.name,
                "container_id": container.identity,
                "cluster_name": "",
                "cluster_id": "",
                "host_name": facts.host,
                "public_ip": host.map_or("", public_ip),
                "private_ip": host.map_or("", private_ip),
                "pod_name": "",
                "pod_id": "",
                "namespace": "",
            }));
        }
        Ok(page.cut(rows))
    })
    .await
}
