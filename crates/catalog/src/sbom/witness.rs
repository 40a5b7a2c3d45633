//! An SBOM that comes with an image, as a file inside or attached to it in the registry: a second
//! witness.
//!
//! What it names and no reader found is added, with the SBOM as its place. What readers found and it
//! does not name stays: a contradiction is no error, and silence of a witness proves nothing. An SBOM
//! that a distribution's package owns speaks of that package and adds nothing.

use std::collections::{BTreeMap, HashSet};

use parapet_model::inventory::{
    DatabaseRead, FoundPackage, Inventory, LayerInventory, PackageSet, ReadOutcome,
};
use parapet_model::{Digest, PackageKey};
use serde::Deserialize;

use super::cyclonedx::{self, Component};
use super::spdx;
use crate::combine::with_release;
use crate::path::split;
use crate::reader::{ReaderKind, Reading};
use crate::{apk, distro, dpkg, rpm};

/// Whether the path is that of an SBOM: `*.cdx.json`, `*.spdx.json`, Bitnami's `.spdx-NAME.spdx`, and
/// all that Wolfi keeps in one place.
pub(crate) fn claims(path: &[u8]) -> bool {
    let (dir, name) = split(path);
    name.ends_with(b".cdx.json")
        || name.ends_with(b".spdx.json")
        || (name.starts_with(b".spdx-") && name.ends_with(b".spdx"))
        || (dir == b"var/lib/db/sbom" && name.ends_with(b".json"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind<'a> {
    #[serde(default)]
    bom_format: String,
    #[serde(default)]
    spdx_version: String,
    /// The document inside of an in-toto statement.
    #[serde(borrow, default)]
    predicate: Option<&'a serde_json::value::RawValue>,
}

/// Reads an SBOM of either form, bare or inside of an in-toto statement.
pub(crate) fn read(bytes: &[u8]) -> Reading {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"SPDXVersion:") {
        return Reading { unknown: Some("SPDX that is not JSON".to_owned()), ..Reading::default() };
    }
    match components(bytes, 0) {
        Ok(components) => packages(&components),
        Err(why) => Reading::unreadable(why),
    }
}

fn components(bytes: &[u8], depth: usize) -> Result<Vec<Component>, String> {
    let kind: Kind<'_> = serde_json::from_slice(bytes).map_err(|e| format!("no sound JSON: {e}"))?;
    if kind.bom_format == "CycloneDX" {
        cyclonedx::components(bytes).map(|(components, _)| components).map_err(|e| e.to_string())
    } else if !kind.spdx_version.is_empty() {
        spdx::components(bytes).map_err(|e| e.to_string())
    } else {
        match kind.predicate {
            Some(inner) if depth == 0 => components(inner.get().as_bytes(), 1),
            _ => Err("neither CycloneDX nor SPDX".to_owned()),
        }
    }
}

fn packages(components: &[Component]) -> Reading {
    let mut reading = Reading::default();
    let mut unknown: BTreeMap<String, u32> = BTreeMap::new();
    for component in components {
        match component.package_in_family() {
            Ok(Some(key)) => reading.packages.push(key),
            Ok(None) => {}
            Err(why) => *unknown.entry(why).or_default() += 1,
        }
    }
    reading.packages.sort_unstable();
    reading.packages.dedup();
    if !unknown.is_empty() {
        let lines: Vec<String> =
            unknown.iter().take(5).map(|(why, count)| format!("{count} {why}")).collect();
        reading.unknown = Some(lines.join(", "));
    }
    reading
}

/// Adds to an image's inventory what an SBOM attached to it in the registry names and no reader found.
/// `digest` is that of the document; it stands where layers have theirs.
pub fn attach(inventory: &mut Inventory, digest: &Digest, bytes: &[u8]) {
    let reading = read(bytes);
    let known: HashSet<_> = inventory.packages().map(|found| identity(&found.package)).collect();
    let keys: Vec<PackageKey> = reading
        .packages
        .iter()
        .map(|package| with_release(package, inventory.distro.as_ref()))
        .filter(|package| !known.contains(&identity(package)))
        .collect();
    let place = format!("sbom:{digest}");
    let found = |package| FoundPackage {
        package,
        paths: vec![place.clone().into_bytes()],
        database: ReaderKind::Sbom.as_str().to_owned(),
    };
    let set = PackageSet::new(keys.into_iter().map(found).collect());
    let count = u32::try_from(reading.packages.len()).unwrap_or(u32::MAX);
    if !set.packages.is_empty() {
        inventory.layers.push(LayerInventory { layer: digest.to_string(), set });
    }
    let line = |packages, outcome| DatabaseRead {
        kind: ReaderKind::Sbom.as_str().to_owned(),
        path: place.clone(),
        packages,
        outcome,
    };
    let outcome = reading.problem.map_or(ReadOutcome::Read, ReadOutcome::Unreadable);
    inventory.databases.push(line(count, outcome));
    if let Some(why) = reading.unknown {
        inventory
            .databases
            .push(line(0, ReadOutcome::NotRead(format!("{}: {why}", ReaderKind::Sbom.unknown()))));
    }
    inventory.databases.sort_unstable();
}

/// By what a package named by an SBOM is known as one that a reader found: ecosystem, name, version.
/// Architecture and source need not be in an SBOM. Of a distribution's packages the name alone tells,
/// for their database knows better which version is installed.
pub(crate) fn identity(package: &PackageKey) -> (String, String, String) {
    let is_of_distribution = distro::identity(&package.ecosystem).is_some()
        || matches!(package.family(), dpkg::FAMILY | apk::FAMILY | rpm::FAMILY);
    let version = if is_of_distribution { "" } else { &package.version };
    (package.ecosystem.clone(), package.name.clone(), version.to_owned())
}
