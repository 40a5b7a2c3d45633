//! The words a query about images or containers may use, and what each is about (contract 1.8).

use parapet_model::facts::AssetRow;
use parapet_model::filter::Field;

use super::{Estate, image};
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::qql::table::Cell;

/// What a token is about.
#[derive(Clone, Copy)]
pub(in crate::http::qualys_cs) enum Means {
    /// A field of the asset.
    Asset(As, Field),
    /// A field of any of its findings.
    Finding(As, Field),
    /// A field of any of its packages.
    Package(Field),
    /// What a row shows and no field of the filter tree words.
    Shown(fn(&Estate, &AssetRow) -> Vec<Cell>, Sample),
    /// How many vulnerabilities of a severity it has that no exception hides.
    Count(u8),
    /// A token of the container's image.
    OfImage(&'static str),
    /// `CONFIRMED`, which all findings are, or `POTENTIAL`.
    TypeDetected,
    /// `SUCCESS`, `FAILED`, or nothing yet.
    ScanStatus,
    /// When containers of the image were seen.
    InUse,
    /// A field that is always null here: nothing passes.
    Null,
}

/// How a value is written.
#[derive(Clone, Copy)]
pub(in crate::http::qualys_cs) enum As {
    Text,
    /// A digest or id, with or without `sha256:`, in full or its first digits.
    Digest,
    Instant,
    Number,
    Flag,
    /// 1 to 5.
    Severity,
}

/// The kind of cell a shown token has, so that its value is checked before any row is asked.
#[derive(Clone, Copy)]
pub(in crate::http::qualys_cs) enum Sample {
    Text,
    Instant,
    Number,
    Flag,
}

impl Sample {
    /// A cell of the kind.
    pub(in crate::http::qualys_cs) fn cell(self) -> Cell {
        match self {
            Self::Text => "x".into(),
            Self::Instant => Cell::Instant(1),
            Self::Number => Cell::Number(0.0),
            Self::Flag => Cell::Flag(false),
        }
    }
}

/// Tokens of both.
const BOTH: &[(&str, Means)] = &[
    ("uuid", Means::Asset(As::Text, Field::AssetId)),
    ("name", Means::Asset(As::Text, Field::Asset)),
    ("updated", Means::Asset(As::Instant, Field::Scanned)),
    ("lastScanned", Means::Asset(As::Instant, Field::Scanned)),
    ("lastVmScanDate", Means::Asset(As::Instant, Field::Scanned)),
    ("repo.registry", Means::Asset(As::Text, Field::Registry)),
    ("repo.repository", Means::Asset(As::Text, Field::Repository)),
    ("repo.tag", Means::Asset(As::Text, Field::Tag)),
    ("vulnerabilities.qid", Means::Finding(As::Number, Field::Qid)),
    ("vulnerabilities.severity", Means::Finding(As::Severity, Field::Severity)),
    ("vulnerabilities.customerSeverity", Means::Finding(As::Severity, Field::Severity)),
    ("vulnerabilities.cveids", Means::Finding(As::Text, Field::Vulnerability)),
    ("vulnerabilities.title", Means::Finding(As::Text, Field::Title)),
    ("vulnerabilities.typeDetected", Means::TypeDetected),
    ("vulnerabilities.patchAvailable", Means::Finding(As::Flag, Field::Fixable)),
    ("vulnerabilities.isExempted", Means::Finding(As::Flag, Field::Excepted)),
    ("vulnerabilities.firstFound", Means::Finding(As::Instant, Field::FirstFound)),
    ("vulnerabilities.product", Means::Finding(As::Text, Field::Source)),
    ("vulnerabilities.category", Means::Finding(As::Text, Field::Ecosystem)),
    ("vulnerabilities.cvss3Info.baseScore", Means::Finding(As::Number, Field::Cvss)),
    ("vulnerabilities.threatIntel.activeAttacks", Means::Finding(As::Flag, Field::Kev)),
    ("vulnerabilities.software.name", Means::Finding(As::Text, Field::Package)),
    ("vulnerabilities.software.version", Means::Finding(As::Text, Field::Version)),
    ("softwares.name", Means::Package(Field::Package)),
    ("softwares.version", Means::Package(Field::Version)),
    ("vulnerabilities.severity1Count", Means::Count(1)),
    ("vulnerabilities.severity2Count", Means::Count(2)),
    ("vulnerabilities.severity3Count", Means::Count(3)),
    ("vulnerabilities.severity4Count", Means::Count(4)),
    ("vulnerabilities.severity5Count", Means::Count(5)),
    ("customerUuid", Means::Null),
    ("users", Means::Null),
    ("riskScore", Means::Null),
    ("maxQdsScore", Means::Null),
    ("qdsSeverity", Means::Null),
    ("criticality", Means::Null),
];

/// Tokens of images alone.
const IMAGE: &[(&str, Means)] = &[
    ("sha", Means::Asset(As::Digest, Field::Digest)),
    ("imageId", Means::Asset(As::Digest, Field::Digest)),
    ("imageSha", Means::Asset(As::Digest, Field::Digest)),
    ("imageUuid", Means::Asset(As::Text, Field::AssetId)),
    ("repoDigests.digest", Means::Asset(As::Digest, Field::Digest)),
    ("repoDigest.digest", Means::Asset(As::Digest, Field::Digest)),
    ("repoDigests.registry", Means::Asset(As::Text, Field::Registry)),
    ("repoDigests.repository", Means::Asset(As::Text, Field::Repository)),
    ("created", Means::Asset(As::Instant, Field::Created)),
    ("size", Means::Asset(As::Number, Field::Size)),
    ("operatingSystem", Means::Asset(As::Text, Field::Distro)),
    ("scanStatus", Means::ScanStatus),
    ("imagesInUse", Means::InUse),
    ("scanType", Means::Shown(|_, _| vec!["STATIC".into()], Sample::Text)),
    ("scanTypes", Means::Shown(|_, _| vec!["STATIC".into()], Sample::Text)),
    ("scanErrorCode", Means::Shown(|_, image| vec![image.scan_error.as_str().into()], Sample::Text)),
    ("source", Means::Shown(|_, image| vec![image::source(image).into()], Sample::Text)),
    ("registryUuid", Means::Shown(registry_uuids, Sample::Text)),
    ("isDockerHubOfficial", Means::Shown(|_, a| vec![Cell::Flag(image::is_official(a))], Sample::Flag)),
    ("architecture", Means::Shown(architecture, Sample::Text)),
    ("associatedContainersCount", Means::Shown(container_count, Sample::Number)),
    ("lastUsedDate", Means::Shown(last_used, Sample::Instant)),
    ("label.key", Means::Shown(|_, a| texts(a.image_facts.labels.keys()), Sample::Text)),
    ("label.value", Means::Shown(|_, a| texts(a.image_facts.labels.values()), Sample::Text)),
    ("associatedHostsCount", Means::Null),
    ("lastFoundOnHost.hostname", Means::Null),
    ("lastFoundOnHost.uuid", Means::Null),
    ("lastFoundOnHost.ipAddress", Means::Null),
    ("host.hostname", Means::Null),
    ("author", Means::Null),
    ("dockerVersion", Means::Null),
    ("sensorUuid", Means::Null),
];

/// Tokens of containers alone.
const CONTAINER: &[(&str, Means)] = &[
    ("sha", Means::Asset(As::Digest, Field::Identity)),
    ("containerId", Means::Asset(As::Digest, Field::Identity)),
    ("created", Means::Shown(|_, a| vec![Cell::Instant(a.made())], Sample::Instant)),
    ("imageId", Means::OfImage("imageId")),
    ("imageSha", Means::OfImage("imageSha")),
    ("imageUuid", Means::OfImage("imageUuid")),
    ("imageDigest", Means::OfImage("repoDigest.digest")),
    ("operatingSystem", Means::OfImage("operatingSystem")),
    ("hostArchitecture", Means::OfImage("architecture")),
    ("state", Means::Asset(As::Text, Field::ContainerState)),
    (
        "stateChanged",
        Means::Shown(|_, a| vec![Cell::Instant(a.container_facts.state_since)], Sample::Instant),
    ),
    ("host.hostname", Means::Asset(As::Text, Field::Host)),
    ("host.uuid", Means::Shown(host_uuid, Sample::Text)),
    ("host.lastUpdated", Means::Asset(As::Instant, Field::Scanned)),
    ("label.key", Means::Shown(|_, a| texts(a.container_facts.labels.keys()), Sample::Text)),
    ("label.value", Means::Shown(|_, a| texts(a.container_facts.labels.values()), Sample::Text)),
    ("scanTypes", Means::Shown(|_, _| vec!["STATIC".into()], Sample::Text)),
    ("isDrift", Means::Shown(|e, a| vec![Cell::Flag(super::container::has_drift(e, a))], Sample::Flag)),
    ("source", Means::Null),
    ("host.ipAddress", Means::Null),
    ("host.sensorUuid", Means::Null),
    ("privileged", Means::Null),
    ("path", Means::Null),
    ("macAddress", Means::Null),
    ("ipv4", Means::Null),
    ("ipv6", Means::Null),
    ("environment", Means::Null),
    ("arguments", Means::Null),
    ("command", Means::Null),
    ("isRoot", Means::Null),
    ("cluster.type", Means::Null),
    ("cluster.k8s.project", Means::Null),
    ("cluster.k8s.pod.name", Means::Null),
    ("cluster.k8s.pod.uuid", Means::Null),
    ("cluster.k8s.pod.namespace", Means::Null),
    ("cloudProvider", Means::Null),
    ("isExposedToWorld", Means::Null),
    ("lastComplianceScanned", Means::Null),
    ("compliance.failCount", Means::Null),
    ("compliance.passCount", Means::Null),
    ("compliance.errorCount", Means::Null),
];

/// All tokens of a subject.
pub(in crate::http::qualys_cs) fn all(
    subject: Subject,
) -> impl Iterator<Item = &'static (&'static str, Means)> {
    let own = match subject {
        Subject::Image => IMAGE,
        Subject::Container => CONTAINER,
    };
    BOTH.iter().chain(own)
}

/// The meaning of a token, in any case, with or without the prefix of its subject.
pub(in crate::http::qualys_cs) fn find(subject: Subject, token: &str) -> Option<Means> {
    let bare = strip(token, subject.kind().as_str());
    // A container lies where its image does.
    if subject == Subject::Container
        && let Some(rest) = strip(bare, "image").strip_prefix("repo.")
        && let Some(means) = named(subject, &format!("repo.{rest}"))
    {
        return Some(means);
    }
    let image = strip(bare, "image");
    if subject == Subject::Container && image.len() < bare.len() {
        let own = all(Subject::Image).find(|(name, _)| name.eq_ignore_ascii_case(image))?;
        return Some(Means::OfImage(own.0));
    }
    named(subject, bare)
}

fn named(subject: Subject, token: &str) -> Option<Means> {
    all(subject).find(|(name, _)| name.eq_ignore_ascii_case(token)).map(|(_, means)| *means)
}

/// The token behind `prefix.`, if that is before it.
fn strip<'t>(token: &'t str, prefix: &str) -> &'t str {
    match token.split_once('.') {
        Some((head, rest)) if head.eq_ignore_ascii_case(prefix) => rest,
        _ => token,
    }
}

fn texts<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<Cell> {
    texts.map(|text| Cell::Text(text.to_owned())).collect()
}

fn registry_uuids(estate: &Estate, image: &AssetRow) -> Vec<Cell> {
    estate.places.holding(image).iter().map(|place| Cell::Text(place.uuid.to_string())).collect()
}

fn host_uuid(_: &Estate, container: &AssetRow) -> Vec<Cell> {
    container.container_facts.host_id.map(|id| Cell::Text(id.to_string())).into_iter().collect()
}

fn architecture(_: &Estate, image: &AssetRow) -> Vec<Cell> {
    image.image_facts.platform.split('/').nth(1).map(Cell::from).into_iter().collect()
}

fn container_count(estate: &Estate, image: &AssetRow) -> Vec<Cell> {
    vec![Cell::Number(estate.snapshot.containers_of(&estate.scope, image.no).len() as f64)]
}

fn last_used(estate: &Estate, image: &AssetRow) -> Vec<Cell> {
    let containers = estate.snapshot.containers_of(&estate.scope, image.no);
    vec![Cell::Instant(containers.iter().map(|container| container.observed).max().unwrap_or_default())]
}
