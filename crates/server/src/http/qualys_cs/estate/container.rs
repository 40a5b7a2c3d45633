//! How a container looks on this wire (contract 5.5). No row and no detail has a key outside the list
//! of 5.6: qualysdk builds its object from them and fails on any other.

use parapet_model::ScanState;
use parapet_model::facts::AssetRow;
use parapet_model::time::format_rfc3339;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::severity::SeverityCounts;
use super::sheet::{BulkRow, PageRow, Sheet, shown};
use super::software::SoftwareRow;
use super::vulns::VulnRow;
use super::{Estate, Label, bare, short, software, vulns};
use crate::http::qualys_cs::Stamp;
use crate::http::qualys_cs::qql::assets::Subject;

/// A row of `GET /containers`.
pub(super) fn row<'e>(
    estate: &'e Estate,
    container: &'e AssetRow,
    vulnerabilities: SeverityCounts,
) -> impl Serialize + use<'e> {
    PageRow { words: Words::of(estate, container), vulnerabilities }
}

/// A row of `GET /containers/list`: details, with vulnerabilities in brief.
pub(super) fn bulk_row<'e>(estate: &'e Estate, container: &'e AssetRow) -> impl Serialize + use<'e> {
    let sheet = Sheet::of(estate, Subject::Container, container, false);
    let softwares = software::rows(&sheet);
    let (words, more) = (Words::of(estate, container), More::of(estate, container, &softwares));
    BulkRow { words, more, softwares, vulnerabilities: Some(sheet.into_briefs()) }
}

/// `GET /containers/{containerSha}`.
pub(super) fn details(estate: &Estate, container: &AssetRow) -> Value {
    let sheet = Sheet::of(estate, Subject::Container, container, false);
    let softwares = software::rows(&sheet);
    json!(Details {
        words: Words::of(estate, container),
        more: More::of(estate, container, &softwares),
        softwares,
        vulnerabilities: vulns::rows(&sheet),
    })
}

#[derive(Debug, Serialize)]
struct Details<'e> {
    #[serde(flatten)]
    words: Words<'e>,
    #[serde(flatten)]
    more: More<'e>,
    softwares: Vec<SoftwareRow<'e>>,
    vulnerabilities: Vec<VulnRow<'e>>,
}

/// What all rows say. A unit is null: nothing is known of it here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Words<'e> {
    container_id: &'e str,
    created: Stamp,
    host: Option<HostWords<'e>>,
    image_id: Option<&'e str>,
    image_sha: Option<&'e str>,
    image_uuid: Option<Uuid>,
    is_root: (),
    name: &'e str,
    sha: &'e str,
    state: &'static str,
    state_changed: Stamp,
    updated: Stamp,
    uuid: Uuid,
}

impl<'e> Words<'e> {
    fn of(estate: &'e Estate, container: &'e AssetRow) -> Self {
        let image = estate.image_of(container);
        let digest = image.map(|image| image.identity.as_str());
        Self {
            container_id: short(&container.identity),
            created: Stamp(container.made()),
            host: HostWords::of(container),
            image_id: digest.map(short),
            image_sha: digest.map(bare),
            image_uuid: image.map(|image| image.uuid),
            is_root: (),
            name: &container.name,
            sha: &container.identity,
            state: container.container_state().as_str(),
            state_changed: Stamp(container.container_facts.state_since),
            updated: Stamp(container.observed),
            uuid: container.uuid,
        }
    }
}

/// The host it is on. Its time is ISO-8601, unlike all others.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HostWords<'e> {
    hostname: Option<&'e str>,
    ip_address: (),
    last_updated: String,
    sensor_uuid: (),
    uuid: Option<Uuid>,
}

impl<'e> HostWords<'e> {
    /// None when no sensor said.
    fn of(container: &'e AssetRow) -> Option<Self> {
        let facts = &container.container_facts;
        let hostname = Some(facts.host.as_str()).filter(|host| !host.is_empty());
        (hostname.is_some() || facts.host_id.is_some()).then(|| Self {
            hostname,
            ip_address: (),
            last_updated: format_rfc3339(container.observed),
            sensor_uuid: (),
            uuid: facts.host_id,
        })
    }
}

/// What details and bulk rows say beside.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct More<'e> {
    last_scanned: Stamp,
    operating_system: Option<&'e str>,
    host_architecture: Option<[&'e str; 1]>,
    scan_types: [&'static str; 1],
    is_drift: bool,
    label: Option<Vec<Label<'e>>>,
    #[serde(flatten)]
    unknown: Unknown,
}

impl<'e> More<'e> {
    fn of(estate: &'e Estate, container: &'e AssetRow, softwares: &[SoftwareRow<'e>]) -> Self {
        let image = estate.image_of(container);
        // Nobody looks into a container yet: it is as well known as its image.
        let read = match container.scan {
            ScanState::NotScanned => image.map_or(0, |image| image.observed),
            _ => container.observed,
        };
        let systems = [Some(container), image].into_iter().flatten().map(|asset| asset.distro.as_str());
        let architecture = image.and_then(|image| image.image_facts.platform.split('/').nth(1));
        Self {
            last_scanned: Stamp(read),
            operating_system: systems.into_iter().find(|name| !name.is_empty()),
            host_architecture: architecture.map(|name| [name]),
            scan_types: ["STATIC"],
            is_drift: softwares.iter().any(|row| row.drift),
            label: super::labels(&container.container_facts.labels),
            unknown: Unknown::default(),
        }
    }
}

/// Keys of details and bulk rows of which nothing is known here.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Unknown {
    port_mapping: (),
    privileged: (),
    path: (),
    mac_address: (),
    customer_uuid: (),
    ipv4: (),
    ipv6: (),
    services: (),
    users: (),
    risk_score: (),
    risk_score_calculated_date: (),
    formula_used: (),
    max_qds_score: (),
    qds_severity: (),
    criticality: (),
    criticality_updated: (),
    environment: (),
    arguments: (),
    command: (),
    drift: (),
    last_compliance_scanned: (),
    cluster: (),
    compliance: (),
    cloud_provider: (),
    exceptions: (),
    is_exposed_to_world: (),
    #[serde(rename = "k8sExposure")]
    k8s_exposure: (),
    source: (),
}

/// Whether it shows a package that its image does not.
pub(super) fn has_drift(estate: &Estate, container: &AssetRow) -> bool {
    shown(estate, Subject::Container, container).iter().any(|shown| shown.drift)
}
