//! Layers become an inventory.
//!
//! Each effective package belongs to one layer: of a file that several layers wrote (the status
//! file of dpkg above all) the topmost version counts, and each of its packages is put down to the
//! lowest layer since which it stands there unchanged. A package that several layers show is put
//! down to the lowest of them, with the files of that layer alone: so the set of a layer is the
//! same in every image built on it, whatever is put on top.

#[cfg(test)]
mod hostile;
mod summary;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parapet_model::inventory::{Distro, FoundPackage, Inventory, LayerInventory, PackageSet};
use parapet_model::{PackageKey, READER_VERSION};

use self::summary::Summary;
use self::view::{Version, View};
use crate::foreign::Foreign;
use crate::layer::LayerContents;
use crate::layer::contents::Content;
use crate::path::{RootedPath, split};
use crate::reader::{ReaderKind, Reading};
use crate::sbom::witness;
use crate::{apk, distro, dpkg, rpm};

/// Combines layers, lowest first, each with its digest (empty for a root file system).
pub fn combine(layers: &[(String, Arc<LayerContents>)]) -> Inventory {
    let mut view = View::default();
    for (number, (_, contents)) in layers.iter().enumerate() {
        view.apply(number, contents);
    }
    let effective = Effective::new(&view);
    let mut found = Found::default();
    let mut summary = Summary::default();
    let mut witnesses = Vec::new();
    for (path, versions) in view.files() {
        let Some(top) = versions.last() else { continue };
        match top.content {
            Content::Packages { kind: ReaderKind::Sbom, reading }
                if effective.counts(ReaderKind::Sbom, path) =>
            {
                summary.database(ReaderKind::Sbom, path, reading);
                witnesses.push((path, reading, versions));
            }
            Content::Packages { kind, reading } if effective.counts(*kind, path) => {
                summary.database(*kind, path, reading);
                found.add(path, *kind, reading, versions);
            }
            Content::Foreign(kind) if effective.is_news(*kind, path) => summary.foreign(*kind, path),
            _ => {}
        }
    }
    found.add_what_is_new(&witnesses, effective.distro.as_ref());
    Inventory {
        layers: found.into_layers(layers, effective.distro.as_ref()),
        distro: effective.distro,
        databases: summary.finish(),
        reader_version: READER_VERSION,
    }
}

/// What decides over other files.
struct Effective<'a> {
    distro: Option<Distro>,
    /// Files of language packages that belong to the distribution's packages.
    owned: HashSet<&'a [u8]>,
    /// Directories with a `node_modules` that holds a module.
    node_projects: HashSet<&'a [u8]>,
}

impl<'a> Effective<'a> {
    fn new(view: &View<'a>) -> Self {
        let mut releases = BTreeMap::new();
        let mut owned = HashSet::new();
        let mut node_projects = HashSet::new();
        let vendors = vendors(view);
        for (path, versions) in view.files() {
            match versions.last().map(|top| top.content) {
                Some(Content::Release(text)) => {
                    releases.insert(path, text.as_str());
                }
                Some(Content::Owned(_)) if vendors.contains(dpkg::owner(path)) => {}
                Some(Content::Owned(paths)) => owned.extend(paths.iter().map(RootedPath::as_bytes)),
                Some(Content::Packages { kind: ReaderKind::Npm, .. }) => {
                    node_projects.insert(split(ReaderKind::Npm.database(path)).0);
                }
                Some(Content::Packages { reading, .. }) => {
                    owned.extend(reading.owned.iter().map(Vec::as_slice));
                }
                Some(Content::Foreign(_)) | None => {}
            }
        }
        Self { distro: distro::recognise(&releases), owned, node_projects }
    }

    /// Whether a database counts: nothing that a distribution's package owns does, nor a lock file
    /// beside which modules are installed.
    fn counts(&self, kind: ReaderKind, path: &[u8]) -> bool {
        match kind {
            ReaderKind::NpmLock => !self.owned.contains(path) && !self.node_projects.contains(split(path).0),
            _ => !kind.is_language() || !self.owned.contains(path),
        }
    }

    fn is_news(&self, kind: Foreign, path: &[u8]) -> bool {
        match kind {
            Foreign::NodeLock => !self.node_projects.contains(split(path).0),
            _ if kind.is_language() => !self.owned.contains(path),
            _ => true,
        }
    }
}

/// Names of the vendors' own packages: no feed of a distribution speaks for what they bring along,
/// so their files are nobody's.
fn vendors<'a>(view: &View<'a>) -> HashSet<&'a [u8]> {
    let tops = view.files().filter_map(|(_, versions)| versions.last());
    let readings = tops.filter_map(|top| match top.content {
        Content::Packages { kind: ReaderKind::Dpkg, reading } => Some(&reading.packages),
        _ => None,
    });
    readings.flatten().filter(|p| p.ecosystem != dpkg::FAMILY).map(|p| p.name.as_bytes()).collect()
}

/// An SBOM inside of the image: its path, what it says, and the layers that wrote it.
type Witness<'a, 'v> = (&'a [u8], &'a Reading, &'v [Version<'a>]);

/// The files that show a package, and the kind of database that named it.
type Evidence<'a> = (ReaderKind, BTreeSet<&'a [u8]>);

/// Packages by the layer they are put down to.
#[derive(Default)]
struct Found<'a> {
    by_layer: BTreeMap<usize, HashMap<&'a PackageKey, Evidence<'a>>>,
}

impl<'a> Found<'a> {
    fn add(&mut self, path: &'a [u8], kind: ReaderKind, reading: &'a Reading, versions: &[Version<'a>]) {
        let since = since_when(reading, versions);
        for package in &reading.packages {
            let Some(&layer) = since.get(package) else { continue };
            self.note(layer, package, kind, path);
        }
    }

    /// Adds what SBOMs inside of the image name and no reader found.
    fn add_what_is_new(&mut self, witnesses: &[Witness<'a, '_>], distro: Option<&Distro>) {
        let identity = |package: &PackageKey| witness::identity(&with_release(package, distro));
        let packages = self.by_layer.values().flat_map(HashMap::keys);
        let known: HashSet<_> = packages.map(|package| identity(package)).collect();
        for (path, reading, versions) in witnesses {
            let since = since_when(reading, versions);
            for package in reading.packages.iter().filter(|package| !known.contains(&identity(package))) {
                if let Some(&layer) = since.get(package) {
                    self.note(layer, package, ReaderKind::Sbom, path);
                }
            }
        }
    }

    fn note(&mut self, layer: usize, package: &'a PackageKey, kind: ReaderKind, path: &'a [u8]) {
        let evidence = self.by_layer.entry(layer).or_default().entry(package);
        let (first_kind, paths) = evidence.or_insert_with(|| (kind, BTreeSet::new()));
        *first_kind = kind.min(*first_kind);
        paths.insert(path);
    }

    fn into_layers(
        self,
        layers: &[(String, Arc<LayerContents>)],
        distro: Option<&Distro>,
    ) -> Vec<LayerInventory> {
        let mut seen: HashSet<&PackageKey> = HashSet::new();
        let mut out = Vec::new();
        for (number, packages) in self.by_layer {
            let packages: Vec<FoundPackage> = packages
                .into_iter()
                .filter(|(package, _)| seen.insert(package))
                .map(|(package, (kind, paths))| FoundPackage {
                    package: with_release(package, distro),
                    paths: paths.into_iter().map(<[u8]>::to_vec).collect(),
                    database: kind.as_str().to_owned(),
                })
                .collect();
            if let Some((layer, _)) = layers.get(number)
                && !packages.is_empty()
            {
                out.push(LayerInventory { layer: layer.clone(), set: PackageSet::new(packages) });
            }
        }
        out
    }
}

/// For each package of the topmost version: the lowest layer since which it stands there.
fn since_when<'a>(reading: &'a Reading, versions: &[Version<'a>]) -> HashMap<&'a PackageKey, usize> {
    let top = versions.last().map_or(0, |version| version.layer);
    let mut since: HashMap<&PackageKey, usize> = reading.packages.iter().map(|p| (p, top)).collect();
    let mut unbroken: HashSet<&PackageKey> = since.keys().copied().collect();
    for version in versions.iter().rev().skip(1) {
        let Content::Packages { reading, .. } = version.content else { break };
        let here: HashSet<&PackageKey> =
            reading.packages.iter().filter(|package| unbroken.contains(package)).collect();
        for package in &here {
            since.entry(package).and_modify(|layer| *layer = version.layer);
        }
        unbroken = here;
        if unbroken.is_empty() {
            break;
        }
    }
    since
}

/// Replaces the family that a distribution's reader gave by the ecosystem with release.
pub(crate) fn with_release(package: &PackageKey, distro: Option<&Distro>) -> PackageKey {
    let mut package = package.clone();
    if package.family() == rpm::FAMILY {
        package.ecosystem = rpm::vendor::ecosystem(&package.ecosystem, distro);
        return package;
    }
    if let Some(distro) = distro
        && matches!(package.ecosystem.as_str(), dpkg::FAMILY | apk::FAMILY)
        && distro::uses(&distro.ecosystem, &package.ecosystem)
    {
        package.ecosystem.clone_from(&distro.ecosystem);
    }
    package
}
