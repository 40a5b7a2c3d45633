//! How a container looks on this wire (contract 5.5). No row and no detail has a key outside the list
//! of 5.6: qualysdk builds its object from them and fails on any other.

use parapet_model::ScanState;
use parapet_model::facts::AssetRow;
use parapet_model::time::format_rfc3339;
use serde_json::{Value, json};

use super::sheet::{BulkRow, Sheet, shown};
use super::software::SoftwareRow;
use super::{Estate, bare, short, software, vulns};
use crate::http::qualys_cs::millis;
use crate::http::qualys_cs::qql::assets::Subject;

/// Keys of details and bulk rows of which nothing is known here.
const UNKNOWN: [&str; 29] = [
    "portMapping",
    "privileged",
    "path",
    "macAddress",
    "customerUuid",
    "ipv4",
    "ipv6",
    "services",
    "users",
    "riskScore",
    "riskScoreCalculatedDate",
    "formulaUsed",
    "maxQdsScore",
    "qdsSeverity",
    "criticality",
    "criticalityUpdated",
    "environment",
    "arguments",
    "command",
    "drift",
    "lastComplianceScanned",
    "cluster",
    "compliance",
    "cloudProvider",
    "exceptions",
    "isExposedToWorld",
    "k8sExposure",
    "isRoot",
    "source",
];

/// A row of `GET /containers`.
pub(super) fn row(estate: &Estate, container: &AssetRow) -> Value {
    let mut row = words(estate, container);
    row["vulnerabilities"] = json!(estate.counts(container));
    row
}

/// A row of `GET /containers/list`: details, with vulnerabilities in brief.
pub(super) fn bulk_row<'e>(estate: &'e Estate, container: &'e AssetRow) -> BulkRow<'e> {
    let sheet = Sheet::of(estate, Subject::Container, container, false);
    let mut words = words(estate, container);
    let softwares = more(&sheet, container, &mut words);
    BulkRow { words, softwares, vulnerabilities: Some(sheet.briefs()) }
}

/// `GET /containers/{containerSha}`.
pub(super) fn details(estate: &Estate, container: &AssetRow) -> Value {
    let sheet = Sheet::of(estate, Subject::Container, container, false);
    let mut row = words(estate, container);
    row["softwares"] = json!(more(&sheet, container, &mut row));
    row["vulnerabilities"] = json!(vulns::rows(&sheet));
    row
}

/// What all rows say.
fn words(estate: &Estate, container: &AssetRow) -> Value {
    let image = estate.image_of(container);
    let digest = image.map(|image| image.identity.as_str());
    json!({
        "imageId": digest.map(short),
        "imageUuid": image.map(|image| image.uuid),
        "imageSha": digest.map(bare),
        "created": millis(container.made()),
        "updated": millis(container.observed),
        "sha": container.identity,
        "uuid": container.uuid,
        "name": container.name,
        "host": host(container),
        "state": container.container_state().as_str(),
        "containerId": short(&container.identity),
        "stateChanged": millis(container.container_facts.state_since),
        "isRoot": null,
    })
}

/// The host it is on; null when no sensor said. Its time is ISO-8601, unlike all others.
fn host(container: &AssetRow) -> Value {
    let facts = &container.container_facts;
    if facts.host.is_empty() && facts.host_id.is_none() {
        return Value::Null;
    }
    json!({
        "sensorUuid": null,
        "hostname": (!facts.host.is_empty()).then_some(&facts.host),
        "ipAddress": null,
        "uuid": facts.host_id,
        "lastUpdated": format_rfc3339(container.observed),
    })
}

/// What details and bulk rows say beside; the packages are given back.
fn more<'e>(sheet: &Sheet<'e>, container: &AssetRow, row: &mut Value) -> Vec<SoftwareRow<'e>> {
    let image = sheet.estate.image_of(container);
    // Nobody looks into a container yet: it is as well known as its image.
    let read = match container.scan {
        ScanState::NotScanned => image.map_or(0, |image| image.observed),
        _ => container.observed,
    };
    let system = [Some(container), image].into_iter().flatten().map(|asset| &asset.distro);
    let architecture = image.and_then(|image| image.image_facts.platform.split('/').nth(1));
    let softwares = software::rows(sheet);
    row["lastScanned"] = json!(millis(read));
    row["operatingSystem"] = json!(system.into_iter().find(|name| !name.is_empty()));
    row["hostArchitecture"] = json!(architecture.map(|name| [name]));
    row["scanTypes"] = json!(["STATIC"]);
    row["isDrift"] = json!(softwares.iter().any(|row| row.drift));
    row["label"] = super::labels(&container.container_facts.labels);
    for name in UNKNOWN {
        row[name] = Value::Null;
    }
    softwares
}

/// Whether it shows a package that its image does not.
pub(super) fn has_drift(estate: &Estate, container: &AssetRow) -> bool {
    shown(estate, Subject::Container, container).values().any(|shown| shown.drift)
}
