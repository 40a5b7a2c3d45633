//! How an image looks on this wire (contract 5.1, 5.2 and 5.4).

use std::collections::BTreeSet;

use parapet_model::ScanState;
use parapet_model::asset::Reference;
use parapet_model::facts::AssetRow;
use serde_json::{Value, json};

use super::sheet::{BulkRow, Sheet};
use super::{Estate, bare, short, software, vulns};
use crate::http::qualys_cs::millis;
use crate::http::qualys_cs::qql::assets::Subject;

/// A row of `GET /images`.
pub(super) fn row(estate: &Estate, image: &AssetRow) -> Value {
    let mut row = words(estate, image);
    row["vulnerabilities"] = json!(estate.counts(image));
    row
}

/// A row of the bulk lists: details, with vulnerabilities in brief.
pub(super) fn bulk_row<'e>(estate: &'e Estate, image: &'e AssetRow) -> BulkRow<'e> {
    let sheet = Sheet::of(estate, Subject::Image, image, false);
    let mut words = words(estate, image);
    more(&sheet, image, &mut words);
    let vulnerabilities = (image.scan == ScanState::Scanned).then(|| sheet.briefs());
    BulkRow { words, softwares: software::rows(&sheet), vulnerabilities }
}

/// `GET /images/{imageSha}`. `vulnerabilities` and `lastScanned` are null until the image was read:
/// the Jenkins plugin and `validate_image.sh` ask again until they are not.
pub(super) fn details(estate: &Estate, image: &AssetRow) -> Value {
    let sheet = Sheet::of(estate, Subject::Image, image, false);
    let mut row = words(estate, image);
    more(&sheet, image, &mut row);
    row["softwares"] = json!(software::rows(&sheet));
    let vulns = vulns::rows(&sheet);
    row["totalVulCount"] = json!(vulns.len().to_string());
    row["vulnerabilities"] = json!((image.scan == ScanState::Scanned).then_some(vulns));
    row["host"] = json!([]);
    row
}

/// What all rows say.
fn words(estate: &Estate, image: &AssetRow) -> Value {
    let containers = estate.snapshot.containers_of(&estate.scope, image.no);
    let places = estate.places.holding(image);
    let uuids: Vec<_> = places.iter().map(|place| place.uuid).collect();
    let used = containers.iter().map(|container| container.observed).max().unwrap_or_default();
    let facts = &image.image_facts;
    json!({
        "created": millis(facts.created),
        "updated": millis(image.observed),
        "lastUsedDate": millis(used),
        "sha": bare(&image.identity),
        "imageId": short(&image.identity),
        "uuid": image.uuid,
        "repo": current(image).map(|r| {
            json!({"registry": r.registry, "repository": r.repository, "tag": tag(r)})
        }).collect::<Vec<_>>(),
        "repoDigests": repo_digests(image),
        "size": facts.size,
        "associatedContainersCount": containers.len(),
        "associatedHostsCount": null,
        "lastVmScanDate": millis(image.observed),
        "lastScanned": millis(image.observed),
        "registryUuid": (!uuids.is_empty()).then_some(uuids),
        "source": [source(image)],
        "isDockerHubOfficial": is_official(image),
        "scanType": "STATIC",
        "scanTypes": ["STATIC"],
        "scanErrorCode": (!image.scan_error.is_empty()).then_some(&image.scan_error),
        "scanStatus": scan_status(image.scan),
        "lastFoundOnHost": null,
        "riskScore": null,
        "maxQdsScore": null,
        "qdsSeverity": null,
        "criticality": null,
    })
}

/// What details and bulk rows say beside.
fn more(sheet: &Sheet<'_>, image: &AssetRow, row: &mut Value) {
    let facts = &image.image_facts;
    let layers = layers(sheet);
    row["author"] = Value::Null;
    row["label"] = super::labels(&facts.labels);
    row["operatingSystem"] = json!((!image.distro.is_empty()).then_some(&image.distro));
    row["customerUuid"] = Value::Null;
    row["dockerVersion"] = Value::Null;
    row["architecture"] = json!(facts.platform.split('/').nth(1));
    row["layersCount"] = json!(layers.len());
    row["layers"] = Value::Array(layers);
    row["sensorUuid"] = Value::Null;
    row["users"] = Value::Null;
}

/// The layers that show packages; what they were made by is not kept.
fn layers(sheet: &Sheet<'_>) -> Vec<Value> {
    let layer = |sha: &str| {
        json!({
            "sha": sha, "id": short(sha), "size": null, "createdBy": null, "created": null,
            "comment": null, "tags": null,
        })
    };
    sheet.layers().into_iter().map(layer).collect()
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

fn repo_digests(image: &AssetRow) -> Vec<Value> {
    let digests = &image.image_facts.manifest_digests;
    let places: BTreeSet<(&str, &str)> =
        current(image).map(|r| (r.registry.as_str(), r.repository.as_str())).collect();
    let of_place = |(registry, repository): (&str, &str)| {
        let digest = digests.first().map(|digest| bare(&digest.to_string()).to_owned());
        json!({"registry": registry, "repository": repository, "digest": digest})
    };
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
