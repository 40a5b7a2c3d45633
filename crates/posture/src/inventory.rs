//! What an asset shows, and which assets show a package.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::facts::{AssetRow, MatchRow, PackageRow};
use parapet_model::{AssetKind, AssetNo, Coverage, Interval, Millis, PackageNo, Scope, SetNo};
use roaring::RoaringBitmap;

use crate::block::AssetView;
use crate::presence::Presence;
use crate::snapshot::Snapshot;

/// One place from which an asset shows or showed a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Showing<'s> {
    /// The set that carries the evidence.
    pub set: SetNo,
    /// Digest of the layer, or empty.
    pub layer: &'s str,
    /// The image that shows it, when the asset is a container and inherits the package.
    pub image: Option<AssetNo>,
    /// Since when and until when.
    pub held: Interval,
}

/// A package that an asset shows now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPackage<'s> {
    /// The package.
    pub package: &'s PackageRow,
    /// Its word: its own or its ecosystem's, whichever is worse.
    pub coverage: Coverage,
    /// Since when.
    pub since: Millis,
    /// From where, earliest first; never empty.
    pub showings: Vec<Showing<'s>>,
}

/// How well one ecosystem of an asset is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcosystemWord<'s> {
    /// The ecosystem with release.
    pub ecosystem: &'s str,
    /// The worst word of its packages on the asset.
    pub coverage: Coverage,
    /// Packages of it on the asset.
    pub packages: u64,
}

/// How well an asset is judged, and why not better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetCoverage<'s> {
    /// The asset's worst word.
    pub word: Coverage,
    /// By ecosystem, ascending.
    pub ecosystems: Vec<EcosystemWord<'s>>,
}

impl Snapshot {
    /// The packages that an asset of the scope shows now, by number; `None` when there is no such
    /// asset.
    pub fn packages_of(&self, scope: &Scope, asset: AssetNo) -> Option<Vec<ShownPackage<'_>>> {
        let asset = self.asset_view(scope, asset)?;
        let mut shown: BTreeMap<PackageNo, Vec<Showing<'_>>> = BTreeMap::new();
        self.each_showing(&asset, &mut |package, showing| {
            if showing.held.is_open() {
                shown.entry(package).or_default().push(showing);
            }
        });
        let rows = shown.into_iter().filter_map(|(no, mut showings)| {
            let (entry, package) = self.data.tables.package(no)?;
            showings.sort_unstable_by_key(|showing| (showing.held, showing.set, showing.image));
            let since = showings.first()?.held.from;
            let coverage = self.data.tables.coverage_of(entry);
            Some(ShownPackage { package, coverage, since, showings })
        });
        Some(rows.collect())
    }

    /// How well an asset of the scope is judged.
    pub fn coverage_of(&self, scope: &Scope, asset: AssetNo) -> Option<AssetCoverage<'_>> {
        let view = self.asset_view(scope, asset)?;
        let mut ecosystems: BTreeMap<&str, EcosystemWord<'_>> = BTreeMap::new();
        for shown in self.packages_of(scope, asset)? {
            let ecosystem = shown.package.key.ecosystem.as_str();
            let word = EcosystemWord { ecosystem, coverage: Coverage::Assessed, packages: 0 };
            let word = ecosystems.entry(ecosystem).or_insert(word);
            word.coverage = word.coverage.max(shown.coverage);
            word.packages += 1;
        }
        let mut presence = Presence::default();
        presence.read(&self.data, &view);
        Some(AssetCoverage { word: presence.coverage, ecosystems: ecosystems.into_values().collect() })
    }

    /// The current assets of the scope that show a package now, by number.
    pub fn assets_with_package(&self, scope: &Scope, package: PackageNo) -> Vec<&AssetRow> {
        self.current(scope, &self.data.assets.having(&self.data.sets, &[package]))
    }

    /// The current assets of the scope that show any of these packages now, by number.
    pub fn numbers_with_packages(&self, scope: &Scope, packages: &[PackageNo]) -> RoaringBitmap {
        let kinds = [AssetKind::Image, AssetKind::Container, AssetKind::Host];
        let current = kinds.map(|kind| self.data.current(scope, kind));
        let current = current.into_iter().fold(RoaringBitmap::new(), |all, some| all | some);
        self.data.assets.having(&self.data.sets, packages) & current
    }

    /// A package's word: its own or its ecosystem's, whichever is worse.
    pub fn coverage_of_package(&self, package: PackageNo) -> Coverage {
        let entry = self.data.tables.package(package).map(|(entry, _)| entry);
        entry.map_or(Coverage::NoFeed, |entry| self.data.tables.coverage_of(entry))
    }

    /// What advisories say or said of a package, as rows.
    pub fn matches_of(&self, package: PackageNo) -> &[MatchRow] {
        let verdicts = self.data.tables.package(package).and_then(|(entry, _)| entry.verdicts.as_deref());
        verdicts.map_or(&[], |verdicts| &verdicts.rows)
    }

    /// How many current assets of all projects show a package now. Feeds belong to no project: what a
    /// change of theirs means is counted over all of them.
    pub fn count_with_package(&self, package: PackageNo) -> u64 {
        let numbers = self.data.assets.having(&self.data.sets, &[package]);
        let views = numbers.iter().filter_map(|no| self.data.assets.get(AssetNo(no)));
        views.filter(|asset| self.data.assets.is_current(asset)).count() as u64
    }

    /// The current assets of the scope that show any package of that name, without regard to ASCII
    /// case; of any ecosystem, or of one given with release.
    pub fn assets_with_package_named(
        &self,
        scope: &Scope,
        name: &str,
        ecosystem: Option<&str>,
    ) -> Vec<&AssetRow> {
        let named = self.packages_named(name);
        let fitting = named.filter(|package| ecosystem.is_none_or(|wanted| package.key.ecosystem == wanted));
        let packages: Vec<PackageNo> = fitting.map(|package| package.no).collect();
        self.current(scope, &self.data.assets.having(&self.data.sets, &packages))
    }

    /// The packages of that name, without regard to ASCII case, in any version and ecosystem.
    pub fn packages_named(&self, name: &str) -> impl Iterator<Item = &PackageRow> {
        self.data.tables.packages_named(name).filter_map(|no| self.package(no))
    }

    /// The ecosystems, with release, of all packages ever seen: what feeds are wanted for.
    pub fn ecosystems_seen(&self) -> BTreeSet<&str> {
        self.data.tables.ecosystems().collect()
    }

    /// The live containers of an image of the scope, by number.
    pub fn containers_of(&self, scope: &Scope, image: AssetNo) -> Vec<&AssetRow> {
        let Some(image) = self.asset_view(scope, image) else { return Vec::new() };
        let found = self.data.assets.containers_of(&image).map(|container| container.row.as_ref());
        let mut found: Vec<&AssetRow> = found.collect();
        found.sort_unstable_by_key(|container| container.no);
        found
    }

    /// The current assets of the scope whose identity or one of whose digests begins with these hex
    /// digits, of which there must be twelve at least; by number. An image's digests are those of its
    /// config and its manifests.
    pub fn assets_by_digits(&self, scope: &Scope, digits: &str) -> Vec<&AssetRow> {
        let digits = digits.strip_prefix("sha256:").unwrap_or(digits).to_ascii_lowercase();
        let bears = |asset: &AssetRow| {
            let named = |text: &str| text.strip_prefix("sha256:").unwrap_or(text).starts_with(&digits);
            named(&asset.identity) || asset.image_facts.manifest_digests.iter().any(|d| named(&d.to_string()))
        };
        let numbers = self.data.assets.by_digits(&digits).unwrap_or_default();
        let mut found = self.current(scope, &numbers);
        found.retain(|asset| bears(asset));
        found
    }

    fn current(&self, scope: &Scope, numbers: &RoaringBitmap) -> Vec<&AssetRow> {
        numbers
            .iter()
            .filter_map(|no| self.asset_view(scope, AssetNo(no)))
            .filter(|asset| self.data.assets.is_current(asset))
            .map(|asset| asset.row.as_ref())
            .collect()
    }

    /// Calls `visit` with every place from which the asset shows or showed a package.
    pub(crate) fn each_showing<'s>(
        &'s self,
        asset: &AssetView<'s>,
        visit: &mut dyn FnMut(PackageNo, Showing<'s>),
    ) {
        let image = self.data.assets.image_of(asset);
        let own = asset.links.iter().map(|link| (*asset, link, None, Some(link.held)));
        let inherited = image.iter().flat_map(|image| {
            let clipped = |held: Interval| held.intersect(&asset.row.held);
            image.links.iter().map(move |link| (*image, link, Some(image.row.no), clipped(link.held)))
        });
        for (home, link, image, held) in own.chain(inherited) {
            let Some(held) = held else { continue };
            for &package in self.data.sets.members(link.set) {
                if !asset.has_delta(package) {
                    visit(package, Showing { set: link.set, layer: home.layer(link), image, held });
                }
            }
        }
        for delta in asset.deltas {
            visit(delta.package, Showing { set: delta.set, layer: "", image: None, held: delta.held });
        }
    }
}
