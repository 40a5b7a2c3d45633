//! How an image looks on this wire (contract 5.1, 5.2 and 5.4).

use std::collections::BTreeSet;

use parapet_model::asset::Reference;
use parapet_model::facts::AssetRow;
use parapet_model::{Digest, ScanState};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::severity::SeverityCounts;
use super::sheet::{BulkRow, PageRow, Sheet};
use super::software::SoftwareRow;
use super::vulns::VulnRow;
use super::{Estate, Label, bare, short, software, vulns};
use crate::http::qualys_cs::Stamp;
use crate::http::qualys_cs::qql::assets::Subject;

/// A row of `GET /images`.
pub(super) fn row<'e>(
    estate: &'e Estate,
    image: &'e AssetRow,
    vulnerabilities: SeverityCounts,
) -> impl Serialize + use<'e> {
    PageRow { words: Words::of(estate, image), vulnerabilities }
}

/// A row of the bulk lists: details, with vulnerabilities in brief.
pub(super) fn bulk_row<'e>(estate: &'e Estate, image: &'e AssetRow) -> impl Serialize + use<'e> {
    let sheet = Sheet::of(estate, Subject::Image, image, false);
    let (words, more) = (Words::of(estate, image), More::of(&sheet, image));
    let softwares = software::rows(&sheet);
    let vulnerabilities = (image.scan == ScanState::Scanned).then(|| sheet.into_briefs());
    BulkRow { words, more, softwares, vulnerabilities }
}

/// `GET /images/{imageSha}`. `vulnerabilities` and `lastScanned` are null until the image was read:
/// the Jenkins plugin and `validate_image.sh` ask again until they are not.
pub(super) fn details(estate: &Estate, image: &AssetRow) -> Value {
    let sheet = Sheet::of(estate, Subject::Image, image, false);
    let vulnerabilities = vulns::rows(&sheet);
    json!(Details {
        words: Words::of(estate, image),
        more: More::of(&sheet, image),
        softwares: software::rows(&sheet),
        total_vul_count: vulnerabilities.len().to_string(),
        vulnerabilities: (image.scan == ScanState::Scanned).then_some(vulnerabilities),
        host: [],
    })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'e> {
    #[serde(flatten)]
    words: Words<'e>,
    #[serde(flatten)]
    more: More<'e>,
    softwares: Vec<SoftwareRow<'e>>,
    total_vul_count: String,
    vulnerabilities: Option<Vec<VulnRow<'e>>>,
    host: [(); 0],
}

/// What all rows say. A unit is null: nothing is known of it here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Words<'e> {
    associated_containers_count: usize,
    associated_hosts_count: (),
    created: Stamp,
    criticality: (),
    image_id: &'e str,
    is_docker_hub_official: bool,
    last_found_on_host: (),
    last_scanned: Stamp,
    last_used_date: Stamp,
    last_vm_scan_date: Stamp,
    max_qds_score: (),
    qds_severity: (),
    registry_uuid: Option<Vec<Uuid>>,
    repo: Vec<RepoTag<'e>>,
    repo_digests: Vec<RepoDigest<'e>>,
    risk_score: (),
    scan_error_code: Option<&'e str>,
    scan_status: Option<&'static str>,
    scan_type: &'static str,
    scan_types: [&'static str; 1],
    sha: &'e str,
    size: u64,
    source: [&'static str; 1],
    updated: Stamp,
    uuid: Uuid,
}

/// Where it is.
#[derive(Debug, Serialize)]
struct RepoTag<'e> {
    registry: &'e str,
    repository: &'e str,
    tag: Option<&'e str>,
}

/// Under which digest a repository has it.
#[derive(Debug, Serialize)]
struct RepoDigest<'e> {
    digest: Option<String>,
    registry: &'e str,
    repository: &'e str,
}

impl<'e> Words<'e> {
    fn of(estate: &'e Estate, image: &'e AssetRow) -> Self {
        let containers = estate.snapshot.containers_of(&estate.scope, image.no);
        let registries: Vec<_> = estate.places.holding(image).iter().map(|place| place.uuid).collect();
        let used = containers.iter().map(|container| container.observed).max().unwrap_or_default();
        let repo =
            |r: &'e Reference| RepoTag { registry: &r.registry, repository: &r.repository, tag: tag(r) };
        Self {
            associated_containers_count: containers.len(),
            associated_hosts_count: (),
            created: Stamp(image.image_facts.created),
            criticality: (),
            image_id: short(&image.identity),
            is_docker_hub_official: is_official(image),
            last_found_on_host: (),
            last_scanned: Stamp(image.observed),
            last_used_date: Stamp(used),
            last_vm_scan_date: Stamp(image.observed),
            max_qds_score: (),
            qds_severity: (),
            registry_uuid: (!registries.is_empty()).then_some(registries),
            repo: current(image).map(repo).collect(),
            repo_digests: repo_digests(image),
            risk_score: (),
            scan_error_code: (!image.scan_error.is_empty()).then_some(&image.scan_error),
            scan_status: scan_status(image.scan),
            scan_type: "STATIC",
            scan_types: ["STATIC"],
            sha: bare(&image.identity),
            size: image.image_facts.size,
            source: [source(image)],
            updated: Stamp(image.observed),
            uuid: image.uuid,
        }
    }
}

/// What details and bulk rows say beside.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct More<'e> {
    architecture: Option<&'e str>,
    author: (),
    customer_uuid: (),
    docker_version: (),
    label: Option<Vec<Label<'e>>>,
    layers: Vec<LayerRow<'e>>,
    layers_count: usize,
    operating_system: Option<&'e str>,
    sensor_uuid: (),
    users: (),
}

impl<'e> More<'e> {
    fn of(sheet: &Sheet<'e>, image: &'e AssetRow) -> Self {
        let layers: Vec<LayerRow<'e>> = sheet.layers().into_iter().map(LayerRow::of).collect();
        Self {
            architecture: image.image_facts.platform.split('/').nth(1),
            author: (),
            customer_uuid: (),
            docker_version: (),
            label: super::labels(&image.image_facts.labels),
            layers_count: layers.len(),
            layers,
            operating_system: (!image.distro.is_empty()).then_some(&image.distro),
            sensor_uuid: (),
            users: (),
        }
    }
}

/// A layer that shows packages; what it was made by is not kept.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerRow<'e> {
    comment: (),
    created: (),
    created_by: (),
    id: &'e str,
    sha: &'e str,
    size: (),
    tags: (),
}

impl<'e> LayerRow<'e> {
    fn of(sha: &'e str) -> Self {
        Self { comment: (), created: (), created_by: (), id: short(sha), sha, size: (), tags: () }
    }
}

/// Rows of `associatedRegistries`: one per registry that holds it now.
pub(super) fn registries(estate: &Estate, image: &AssetRow) -> Vec<Value> {
    let hosts: BTreeSet<&str> =
        current(image).map(|r| r.registry.as_str()).filter(|h| !h.is_empty()).collect();
    let row = |host: &&str| {
        let place = estate.places.at(host).next();
        let repositories: BTreeSet<&str> =
            current(image).filter(|r| r.registry == **host).map(|r| r.repository.as_str()).collect();
        json!({
            "registryUuid": place.map(|place| place.uuid),
            "registryName": place.map(|place| &place.name),
            "registryUri": place.map_or(*host, |place| place.endpoint.as_str()),
            "repositories": repositories,
        })
    };
    hosts.iter().map(row).collect()
}

/// Where it is referenced now.
pub(super) fn current(image: &AssetRow) -> impl Iterator<Item = &Reference> {
    image.references.iter().filter(|row| row.held.is_open()).map(|row| &row.reference)
}

fn tag(reference: &Reference) -> Option<&str> {
    Some(reference.tag.as_str()).filter(|tag| !tag.is_empty())
}

fn repo_digests(image: &AssetRow) -> Vec<RepoDigest<'_>> {
    let digest = image.image_facts.manifest_digests.first().map(Digest::hex);
    let mut places: Vec<(&str, &str)> =
        current(image).map(|r| (r.registry.as_str(), r.repository.as_str())).collect();
    places.sort_unstable();
    places.dedup();
    let of_place = |(registry, repository)| RepoDigest { digest: digest.clone(), registry, repository };
    places.into_iter().map(of_place).collect()
}

/// Where it was found: `REGISTRY` when a registry holds it, else `GENERAL`.
pub(super) fn source(image: &AssetRow) -> &'static str {
    if current(image).any(|r| !r.registry.is_empty()) { "REGISTRY" } else { "GENERAL" }
}

/// Docker Hub keeps its official images under `library`.
pub(super) fn is_official(image: &AssetRow) -> bool {
    current(image).any(|r| r.registry.ends_with("docker.io") && r.repository.starts_with("library/"))
}

/// `SUCCESS`, `FAILED`, or null before the first attempt.
fn scan_status(state: ScanState) -> Option<&'static str> {
    match state {
        ScanState::NotScanned => None,
        ScanState::Scanned => Some("SUCCESS"),
        ScanState::Failed => Some("FAILED"),
    }
}
