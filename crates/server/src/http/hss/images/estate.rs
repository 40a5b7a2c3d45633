//! Images as this family sees them.

use std::collections::BTreeSet;

use parapet_model::asset::Reference;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Filter, contains_ignore_case};
use parapet_model::{AssetKind, AssetNo, Millis, ScanState};
use parapet_posture::AssetFilter;

use super::super::HssError;
use super::super::estate::Estate;

/// Where an image is referenced now.
pub(super) fn current(image: &AssetRow) -> impl Iterator<Item = &Reference> {
    image.references.iter().filter(|row| row.held.is_open()).map(|row| &row.reference)
}

/// The reference that is shown: one of a registry before one of an archive.
pub(super) fn shown(image: &AssetRow) -> Option<&Reference> {
    current(image).find(|reference| !reference.registry.is_empty()).or_else(|| current(image).next())
}

/// Whether a registry holds it.
pub(super) fn is_of_registry(image: &AssetRow) -> bool {
    current(image).any(|reference| !reference.registry.is_empty())
}

/// `namespace/name` of a repository, cut at the last slash.
pub(super) fn namespace(reference: &Reference) -> (&str, &str) {
    reference.repository.rsplit_once('/').unwrap_or(("", &reference.repository))
}

/// An image by its id or any of its digests.
pub(super) fn find<'e>(estate: &'e Estate, id: &str) -> Option<&'e AssetRow> {
    if let Some(found) = estate.find(AssetKind::Image, id) {
        return Some(found);
    }
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let found = estate.snapshot.assets_by_digits(&estate.scope, digits);
    found.into_iter().find(|asset| asset.kind == AssetKind::Image)
}

/// The word for how far reading has come.
pub(super) fn scan_status(image: &AssetRow) -> &'static str {
    match image.scan {
        ScanState::Scanned => "success",
        ScanState::Failed => "failed",
        ScanState::NotScanned => "unscan",
    }
}

/// When it was read last; 0 for never.
pub(super) fn scanned_at(image: &AssetRow) -> Millis {
    if image.scan == ScanState::Scanned { image.observed } else { 0 }
}

/// The images with a vulnerability that nothing hides.
pub(super) fn vulnerable(estate: &Estate) -> BTreeSet<AssetNo> {
    let any = AssetFilter::Has(Filter::All);
    estate
        .snapshot
        .select(&estate.scope, AssetKind::Image, &any, estate.now)
        .into_iter()
        .map(AssetNo)
        .collect()
}

/// Which images a list or a scan is about; all of it must hold.
#[derive(Debug, Default)]
pub(super) struct WantedImages {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    /// Counts only together with the name where `version_needs_name`.
    pub(super) version: Option<String>,
    pub(super) version_needs_name: bool,
    /// An unknown word selects nothing.
    pub(super) scan_status: Option<String>,
    pub(super) of_registry: Option<bool>,
    pub(super) size: Option<i64>,
    /// Both ends, or no window at all.
    pub(super) built: Option<(i64, i64)>,
    /// The same for the last look; only images that were read are in it.
    pub(super) scanned: Option<(i64, i64)>,
    pub(super) has_vulnerability: Option<bool>,
    pub(super) has_container: Option<bool>,
    pub(super) container: WantedContainer,
}

/// What some container of the image must be.
#[derive(Debug, Default)]
pub(super) struct WantedContainer {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) host_name: Option<String>,
    pub(super) host_id: Option<String>,
    /// Pods and the like are not known: nothing is one.
    pub(super) nothing: bool,
}

impl WantedContainer {
    fn is_empty(&self) -> bool {
        !self.nothing
            && self.id.is_none()
            && self.name.is_none()
            && self.host_name.is_none()
            && self.host_id.is_none()
    }

    fn takes(&self, container: &AssetRow) -> bool {
        let facts = &container.container_facts;
        let host_id = facts.host_id.map(|id| id.to_string()).unwrap_or_default();
        !self.nothing
            && self.id.as_ref().is_none_or(|id| {
                container.identity.starts_with(id.as_str()) || container.uuid.to_string() == *id
            })
            && self.name.as_ref().is_none_or(|name| contains(&container.name, name))
            && self.host_name.as_ref().is_none_or(|name| contains(&facts.host, name))
            && self.host_id.as_ref().is_none_or(|id| host_id.eq_ignore_ascii_case(id))
    }
}

impl WantedImages {
    /// Those of a size, and built and looked at in windows of time; `integer` reads a parameter.
    pub(super) fn within(integer: impl Fn(&str) -> Result<Option<i64>, HssError>) -> Result<Self, HssError> {
        Ok(Self {
            size: integer("image_size")?,
            built: window(integer("start_latest_update_time")?, integer("end_latest_update_time")?),
            scanned: window(integer("start_latest_scan_time")?, integer("end_latest_scan_time")?),
            ..Self::default()
        })
    }

    /// The images, by number.
    pub(super) fn select<'e>(&self, estate: &'e Estate) -> Vec<&'e AssetRow> {
        let vulnerable = self.has_vulnerability.map(|has| (has, vulnerable(estate)));
        let takes = |image: &&AssetRow| {
            self.takes(image)
                && vulnerable.as_ref().is_none_or(|(has, with)| {
                    image.scan == ScanState::Scanned && with.contains(&image.no) == *has
                })
                && self.takes_containers(estate, image)
        };
        estate.all(AssetKind::Image).filter(takes).collect()
    }

    fn takes(&self, image: &AssetRow) -> bool {
        let within =
            |window: Option<(i64, i64)>, at: i64| window.is_none_or(|(from, to)| from <= at && at <= to);
        let version = self.version.as_ref().filter(|_| self.name.is_some() || !self.version_needs_name);
        let referenced = |reference: &Reference| {
            self.name.as_ref().is_none_or(|name| contains(&reference.repository, name))
                && self.namespace.as_ref().is_none_or(|name| namespace(reference).0 == name)
                && version.is_none_or(|tag| reference.tag == *tag)
        };
        let says_where = self.name.is_some() || self.namespace.is_some() || version.is_some();
        (!says_where || current(image).any(referenced))
            && self.scan_status.as_ref().is_none_or(|word| word == scan_status(image))
            && self.of_registry.is_none_or(|of| is_of_registry(image) == of)
            && self.size.is_none_or(|size| image.image_facts.size == size.unsigned_abs())
            && within(self.built, image.image_facts.created)
            && (self.scanned.is_none() || image.scan == ScanState::Scanned)
            && within(self.scanned, image.observed)
    }

    fn takes_containers(&self, estate: &Estate, image: &AssetRow) -> bool {
        if self.has_container.is_none() && self.container.is_empty() {
            return true;
        }
        let containers = estate.snapshot.containers_of(&estate.scope, image.no);
        self.has_container.is_none_or(|has| containers.is_empty() != has)
            && (self.container.is_empty() || containers.iter().any(|one| self.container.takes(one)))
    }
}

/// A window counts only with both ends, in order.
fn window(from: Option<i64>, to: Option<i64>) -> Option<(i64, i64)> {
    from.zip(to).filter(|(from, to)| from < to)
}

pub(super) fn contains(text: &str, part: &str) -> bool {
    contains_ignore_case(text.as_bytes(), part.as_bytes())
}
