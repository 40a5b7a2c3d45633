//! CycloneDX 1.2 to 1.6 in JSON.
//!
//! Components are found by their package URLs, at any depth (the parser stops at 128 levels). What
//! a document lists but gives no package URL or version for is counted in the inventory as not
//! read: an SBOM without URLs is not a clean one. Files and source packages are taken from the
//! properties that Syft and Trivy write.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use parapet_model::inventory::{
    DatabaseRead, Distro, FoundPackage, Inventory, LayerInventory, PackageSet, ReadOutcome,
};
use parapet_model::package::is_clean;
use parapet_model::{PackageKey, READER_VERSION};
use serde::Deserialize;

use super::purl::Purl;
use crate::path::RootedPath;
use crate::{Limits, distro};

/// The word in [`FoundPackage::database`] and [`DatabaseRead::kind`].
const KIND: &str = "cyclonedx";

/// Most components of a document.
pub(super) const MAX_COMPONENTS: usize = 500_000;

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SbomError {
    /// It cannot be read.
    #[error("the SBOM cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is longer than [`Limits::document`].
    #[error("the SBOM is longer than {0} bytes")]
    TooLong(u64),
    /// It is not JSON, or not of the shape of CycloneDX.
    #[error("the SBOM is not sound CycloneDX JSON: {0}")]
    Malformed(String),
    /// It is of another format or version.
    #[error("the SBOM is {0}; CycloneDX 1.2 to 1.6 in JSON is read")]
    Unsupported(String),
    /// It lists more than half a million components.
    #[error("the SBOM lists {0} components; the limit is {MAX_COMPONENTS}")]
    TooMany(usize),
}

/// What the document describes: `metadata.component`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// Name, or empty.
    pub name: String,
    /// Version, or empty.
    pub version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    bom_format: String,
    #[serde(default)]
    spec_version: String,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    component: Option<Component>,
}

#[derive(Deserialize)]
pub(super) struct Component {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    components: Option<Vec<Component>>,
    #[serde(default)]
    properties: Option<Vec<Property>>,
}

#[derive(Deserialize)]
struct Property {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: Option<String>,
}

/// Reads a document.
///
/// # Errors
/// [`SbomError`].
pub fn read(reader: impl Read, limits: &Limits) -> Result<(Inventory, Subject), SbomError> {
    let mut bytes = Vec::new();
    reader.take(limits.document.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits.document {
        return Err(SbomError::TooLong(limits.document));
    }
    let (components, subject) = components(&bytes)?;
    Ok((inventory(&components), subject))
}

/// All components of a document, and what it describes.
pub(super) fn components(bytes: &[u8]) -> Result<(Vec<Component>, Subject), SbomError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|e| SbomError::Malformed(e.to_string()))?;
    if document.bom_format != "CycloneDX" {
        return Err(SbomError::Unsupported("of another format".to_owned()));
    }
    if !matches!(document.spec_version.as_str(), "1.2" | "1.3" | "1.4" | "1.5" | "1.6") {
        let version: String = document.spec_version.chars().take(20).collect();
        return Err(SbomError::Unsupported(format!("of version {version:?}")));
    }
    let subject = document.metadata.and_then(|metadata| metadata.component);
    let named = subject.as_ref().map(|component| Subject {
        name: clean(&component.name),
        version: clean(component.version.as_deref().unwrap_or_default()),
    });
    let components = flatten(document.components.unwrap_or_default(), subject)?;
    Ok((components, named.unwrap_or_default()))
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

/// All components, with the children of the subject but not the subject itself.
fn flatten(components: Vec<Component>, subject: Option<Component>) -> Result<Vec<Component>, SbomError> {
    let mut rest: Vec<Component> =
        components.into_iter().chain(subject.and_then(|s| s.components).unwrap_or_default()).collect();
    let mut all = Vec::new();
    while let Some(mut component) = rest.pop() {
        rest.extend(component.components.take().unwrap_or_default());
        all.push(component);
        let count = all.len() + rest.len();
        if count > MAX_COMPONENTS {
            return Err(SbomError::TooMany(count));
        }
    }
    Ok(all)
}

fn inventory(components: &[Component]) -> Inventory {
    let distro = distro_of(components);
    let ecosystem = distro.as_ref().map_or("", |d| d.ecosystem.as_str());
    let mut found: BTreeMap<PackageKey, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut unread: BTreeMap<String, u32> = BTreeMap::new();
    for component in components {
        match component.package(ecosystem) {
            Ok(Some(key)) => found.entry(key).or_default().extend(component.paths()),
            Ok(None) => {}
            Err(why) => *unread.entry(why).or_default() += 1,
        }
    }
    let row =
        |packages, outcome| DatabaseRead { kind: KIND.to_owned(), path: String::new(), packages, outcome };
    let mut databases = vec![row(u32::try_from(found.len()).unwrap_or(u32::MAX), ReadOutcome::Read)];
    databases.extend(
        unread
            .into_iter()
            .map(|(why, count)| row(0, ReadOutcome::NotRead(format!("{count} components {why}")))),
    );
    let packages: Vec<FoundPackage> = found
        .into_iter()
        .map(|(package, paths)| FoundPackage {
            package,
            paths: paths.into_iter().collect(),
            database: KIND.to_owned(),
        })
        .collect();
    let set = PackageSet::new(packages);
    let layers = match set.packages.is_empty() {
        true => Vec::new(),
        false => vec![LayerInventory { layer: String::new(), set }],
    };
    Inventory { distro, layers, databases, reader_version: READER_VERSION }
}

/// The distribution: the component that is an operating system, else what the packages say.
fn distro_of(components: &[Component]) -> Option<Distro> {
    let system = components.iter().find(|c| c.kind == "operating-system").map(|c| {
        let version = c.version.clone().unwrap_or_default();
        (c.name.to_lowercase(), version, format!("{} {}", c.name, c.version.as_deref().unwrap_or_default()))
    });
    let (id, version, name) = system.or_else(|| {
        let (id, version) = components.iter().filter_map(Component::purl).find_map(|purl| purl.distro())?;
        let name = format!("{id} {version}");
        Some((id, version, name))
    })?;
    let ecosystem = distro::ecosystem(&id, &version);
    Some(Distro { ecosystem, id: clean(&id), version: clean(&version), name: clean(name.trim_end()) })
}

impl Component {
    /// A library with a package URL.
    pub(super) fn library(name: String, version: Option<String>, purl: Option<String>) -> Self {
        Self { kind: "library".to_owned(), name, version, purl, components: None, properties: None }
    }

    /// As [`Self::package`]; a distribution's package that names no release has the family of its
    /// database as ecosystem, as readers give it.
    pub(super) fn package_in_family(&self) -> Result<Option<PackageKey>, String> {
        let family = match self.purl().map(|purl| purl.kind).as_deref() {
            Some("deb") => crate::dpkg::FAMILY,
            Some("apk") => crate::apk::FAMILY,
            Some("rpm") => crate::rpm::FAMILY,
            _ => "",
        };
        self.package(family)
    }

    fn purl(&self) -> Option<Purl> {
        Purl::parse(self.purl.as_deref()?).ok()
    }

    /// The package; `None` for components that are no packages; else why it does not count.
    fn package(&self, ecosystem: &str) -> Result<Option<PackageKey>, String> {
        let Some(text) = self.purl.as_deref().filter(|text| !text.is_empty()) else {
            let package = matches!(self.kind.as_str(), "library" | "framework" | "application");
            return if package { Err("without a package URL".to_owned()) } else { Ok(None) };
        };
        let purl = Purl::parse(text).map_err(|_| "with a broken package URL".to_owned())?;
        if purl.version.is_empty() {
            return Err("without a version".to_owned());
        }
        let mut key = purl.package(ecosystem).ok_or_else(|| {
            format!(
                "of the type {:?}, which no advisory speaks of",
                purl.kind.chars().take(40).collect::<String>()
            )
        })?;
        self.source_from_properties(&mut key);
        Ok(Some(key))
    }

    fn property(&self, name: &str) -> Option<&str> {
        let properties = self.properties.as_deref().unwrap_or_default();
        let property = properties.iter().find(|property| property.name == name)?;
        property.value.as_deref().filter(|value| !value.is_empty() && is_clean(value))
    }

    /// Trivy names the source package beside the URL, its version in up to three pieces.
    fn source_from_properties(&self, key: &mut PackageKey) {
        let Some(name) = self.property("aquasecurity:trivy:SrcName") else { return };
        name.clone_into(&mut key.source_name);
        let Some(version) = self.property("aquasecurity:trivy:SrcVersion") else { return };
        let epoch = self.property("aquasecurity:trivy:SrcEpoch").filter(|epoch| *epoch != "0");
        let release = self.property("aquasecurity:trivy:SrcRelease");
        key.source_version = format!(
            "{}{version}{}",
            epoch.map(|e| format!("{e}:")).unwrap_or_default(),
            release.map(|r| format!("-{r}")).unwrap_or_default()
        );
    }

    fn paths(&self) -> impl Iterator<Item = Vec<u8>> {
        let properties = self.properties.as_deref().unwrap_or_default();
        properties
            .iter()
            .filter(|p| {
                p.name == "aquasecurity:trivy:FilePath"
                    || (p.name.starts_with("syft:location:") && p.name.ends_with(":path"))
            })
            .filter_map(|p| p.value.as_deref())
            .filter(|value| value.len() <= 4096)
            .map(|value| RootedPath::new(value.as_bytes()).into_bytes())
    }
}
