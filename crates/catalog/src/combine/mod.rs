//! Layers become an inventory.
//!
//! Each effective package belongs to one layer: of a file that several layers wrote (the status
//! file of dpkg above all) the topmost version counts, and each of its packages is put down to the
//! lowest layer since which it stands there unchanged. A package that several layers show is put
//! down to the lowest of them, with the files of that layer alone: so the set of a layer is the
//! same in every image built on it, whatever is put on top.

mod diversions;
#[cfg(test)]
mod hostile;
mod installed;
#[cfg(test)]
mod locks;
mod releases;
#[cfg(test)]
mod roots;
mod summary;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parapet_model::inventory::{FoundPackage, Inventory, LayerInventory, PackageSet};
use parapet_model::{PackageKey, READER_VERSION};

use self::diversions::Diversions;
use self::installed::Installations;
pub(crate) use self::releases::with_release;
use self::releases::{Distros, Releases};
use self::summary::Summary;
use self::view::{Version, View};
use crate::dpkg;
use crate::foreign::Foreign;
use crate::layer::LayerContents;
use crate::layer::contents::Content;
use crate::path::RootedPath;
use crate::reader::{Installed, ReaderKind, Reading};
use crate::sbom::witness;

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
            Content::Packages { kind, reading } if effective.counts(*kind, path) => {
                let judged = effective.judged(*kind, path, reading);
                if kind.lock().is_some() && judged.is_empty() && !reading.is_empty() {
                    continue;
                }
                summary.database(*kind, path, &judged);
                match kind {
                    ReaderKind::Sbom => witnesses.push((path, judged, versions)),
                    _ => found.add(path, *kind, judged, versions),
                }
            }
            Content::Foreign(kind) if effective.is_news(*kind, path) => summary.foreign(*kind, path),
            _ => {}
        }
    }
    found.add_what_is_new(&witnesses);
    if let Some(distro) = effective.distros.own() {
        summary.distribution(distro);
    }
    Inventory {
        layers: found.into_layers(layers),
        distro: effective.distros.into_distro(),
        databases: summary.finish(),
        reader_version: READER_VERSION,
    }
}

/// What counts of one file, and as what.
pub(super) struct Judged<'a> {
    /// Packages as the reader named them, and with the ecosystem of their distribution.
    pub(super) packages: Vec<(&'a PackageKey, PackageKey)>,
    /// What is asked for and not installed anywhere, without one version.
    pub(super) unjudged: Vec<&'a PackageKey>,
    pub(super) problem: Option<&'a str>,
    /// What is in it and not named.
    pub(super) unknown: Option<&'a str>,
}

impl Judged<'_> {
    /// Whether nothing is named and nothing went wrong. A lock file is left like that when all that it
    /// names is installed.
    fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.unjudged.is_empty() && self.problem.is_none()
    }
}

/// What decides over other files.
struct Effective<'a> {
    distros: Distros,
    /// Files of language packages that belong to the distribution's packages.
    owned: HashSet<&'a [u8]>,
    installed: Installations<'a>,
}

impl<'a> Effective<'a> {
    fn new(view: &View<'a>) -> Self {
        let mut releases = Releases::default();
        let mut owned = HashSet::new();
        let vendors = vendors(view);
        let diversions = Diversions::new(view);
        for (path, versions) in view.files() {
            match versions.last().map(|top| top.content) {
                Some(Content::Release(text)) => releases.add(path, text),
                Some(Content::Owned(_)) if vendors.contains(&dpkg::owner(path)) => {}
                Some(Content::Owned(paths)) => {
                    let paths = paths.iter().map(RootedPath::as_bytes);
                    owned.extend(paths.map(|file| diversions.place_of(file, dpkg::owner(path))));
                }
                Some(Content::Packages { reading, .. }) => {
                    owned.extend(reading.owned.iter().map(Vec::as_slice));
                }
                Some(Content::Foreign(_) | Content::Diverted(_)) | None => {}
            }
        }
        let installed = Installations::new(view, &owned);
        Self { distros: releases.recognise(), owned, installed }
    }

    /// Whether a database counts: nothing that a distribution's package owns does, nor a lock file
    /// that an installation makes void.
    fn counts(&self, kind: ReaderKind, path: &[u8]) -> bool {
        if !kind.is_language() {
            return true;
        }
        !self.owned.contains(path) && (kind.lock().is_none() || !self.installed.makes_void(kind, path))
    }

    /// What of a file that counts is judged. Of a lock file, that is what is not installed.
    fn judged<'r>(&self, kind: ReaderKind, path: &[u8], reading: &'r Reading) -> Judged<'r> {
        let anywhere = kind.lock() == Some(Installed::Anywhere);
        let counts = |package: &&PackageKey| !anywhere || !self.installed.has(package);
        let packages = reading.packages.iter().filter(counts);
        Judged {
            packages: packages.map(|package| (package, self.distros.with_release(path, package))).collect(),
            unjudged: reading.unjudged.iter().filter(counts).collect(),
            problem: reading.problem.as_deref(),
            unknown: reading.unknown.as_deref(),
        }
    }

    fn is_news(&self, kind: Foreign, path: &[u8]) -> bool {
        match kind {
            Foreign::BunBinary => !self.installed.is_beside(ReaderKind::Npm, path),
            _ => !kind.is_language() || !self.owned.contains(path),
        }
    }
}

/// The vendors' own packages in the databases that count.
fn vendors<'a>(view: &View<'a>) -> HashSet<dpkg::Owner<'a>> {
    let mut vendors = HashSet::new();
    for (path, versions) in view.files() {
        if let Some(Content::Packages { kind: ReaderKind::Dpkg, reading }) =
            versions.last().map(|top| top.content)
        {
            vendors.extend(dpkg::of_vendors(path, reading));
        }
    }
    vendors
}

/// An SBOM inside of the image: its path, what it says, and the layers that wrote it.
type Witness<'a, 'v> = (&'a [u8], Judged<'a>, &'v [Version<'a>]);

/// The files that show a package, and the kind of database that named it.
type Evidence<'a> = (ReaderKind, BTreeSet<&'a [u8]>);

/// Packages by the layer they are put down to.
#[derive(Default)]
struct Found<'a> {
    by_layer: BTreeMap<usize, HashMap<PackageKey, Evidence<'a>>>,
}

impl<'a> Found<'a> {
    fn add(&mut self, path: &'a [u8], kind: ReaderKind, judged: Judged<'a>, versions: &[Version<'a>]) {
        if let [only] = versions {
            for (_, named) in judged.packages {
                self.note(only.layer, named, kind, path);
            }
            return;
        }
        let since = since_when(judged.packages.iter().map(|(package, _)| *package), versions);
        for (package, named) in judged.packages {
            let Some(&layer) = since.get(package) else { continue };
            self.note(layer, named, kind, path);
        }
    }

    /// Adds what SBOMs inside of the image name and no reader found.
    fn add_what_is_new(&mut self, witnesses: &[Witness<'a, '_>]) {
        let packages = self.by_layer.values().flat_map(HashMap::keys);
        let known: HashSet<_> = packages.map(witness::identity).collect();
        for (path, judged, versions) in witnesses {
            let since = since_when(judged.packages.iter().map(|(package, _)| *package), versions);
            for (package, named) in &judged.packages {
                if !known.contains(&witness::identity(named))
                    && let Some(&layer) = since.get(package)
                {
                    self.note(layer, named.clone(), ReaderKind::Sbom, path);
                }
            }
        }
    }

    fn note(&mut self, layer: usize, package: PackageKey, kind: ReaderKind, path: &'a [u8]) {
        let evidence = self.by_layer.entry(layer).or_default().entry(package);
        let (first_kind, paths) = evidence.or_insert_with(|| (kind, BTreeSet::new()));
        *first_kind = kind.min(*first_kind);
        paths.insert(path);
    }

    fn into_layers(self, layers: &[(String, Arc<LayerContents>)]) -> Vec<LayerInventory> {
        let mut seen: HashSet<PackageKey> = HashSet::new();
        let mut out = Vec::new();
        let mut left = self.by_layer.len();
        for (number, packages) in self.by_layer {
            left -= 1;
            // What the last of them shows hides nothing.
            let mut is_first = |package: &PackageKey| match left {
                0 => !seen.contains(package),
                _ => seen.insert(package.clone()),
            };
            let packages: Vec<FoundPackage> = packages
                .into_iter()
                .filter(|(package, _)| is_first(package))
                .map(|(package, (kind, paths))| FoundPackage {
                    package,
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
fn since_when<'a>(
    packages: impl Iterator<Item = &'a PackageKey>,
    versions: &[Version<'a>],
) -> HashMap<&'a PackageKey, usize> {
    let top = versions.last().map_or(0, |version| version.layer);
    let mut since: HashMap<&PackageKey, usize> = packages.map(|p| (p, top)).collect();
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
