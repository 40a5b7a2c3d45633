//! All assets: immutable blocks by number and the few that changed since the last merge.
//!
//! A changed asset *shadows* its place in the block, so there are no tombstones to keep apart:
//! publishing copies the table of blocks and the list of changed assets (at most about
//! [`FRESH`]), merging builds the touched blocks anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parapet_model::facts::{AssetRow, PresenceRow};
use parapet_model::{AssetKind, AssetNo, PackageNo, SetNo};
use roaring::RoaringBitmap;
use uuid::Uuid;

use crate::block::{AssetBlock, AssetView, FreshAsset};
use crate::index::Index;
use crate::sets::Sets;

/// Asset numbers per block.
const BLOCK: usize = 1 << 16;

/// How many changed assets are kept apart before a merge.
const FRESH: usize = 4096;

/// All assets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Assets {
    blocks: Vec<Option<Arc<AssetBlock>>>,
    fresh: BTreeMap<AssetNo, Arc<FreshAsset>>,
    /// Live containers among `fresh`, by image.
    fresh_containers: BTreeSet<(AssetNo, AssetNo)>,
    uuids: Index<Uuid>,
    /// By the first [`DIGITS`] digits of any digest or engine's id.
    digits: Index<u64>,
}

/// As many digits of a digest as people and wires give at least.
const DIGITS: usize = 12;

/// The first digits of a digest or id, as a number; `None` for what is neither.
fn first_digits(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text).get(..DIGITS)?;
    // A sign is no digit, though a number may have one.
    let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, 16).ok())?
}

/// What an asset is found by: its identity and, for an image, the digests of its manifests.
fn digits_of(row: &AssetRow) -> impl Iterator<Item = u64> {
    let manifests = row.image_facts.manifest_digests.iter();
    let manifests = manifests.filter_map(|digest| first_digits(&digest.to_string()));
    first_digits(&row.identity).into_iter().chain(manifests)
}

impl Assets {
    /// The asset with that number, whatever its project and whether it exists still.
    pub(crate) fn get(&self, no: AssetNo) -> Option<AssetView<'_>> {
        if let Some(fresh) = self.fresh.get(&no) {
            return Some(fresh.view());
        }
        self.blocks.get(no.index() / BLOCK)?.as_ref()?.get(no)
    }

    /// The asset with that uuid.
    pub(crate) fn by_uuid(&self, uuid: Uuid) -> Option<AssetView<'_>> {
        self.uuids.get(&uuid).first().and_then(|&no| self.get(AssetNo(no)))
    }

    /// The assets whose identity or digest may begin with these digits; `None` when they are too few
    /// to say.
    pub(crate) fn by_digits(&self, digits: &str) -> Option<RoaringBitmap> {
        Some(self.digits.get(&first_digits(digits)?).iter().copied().collect())
    }

    /// All assets from `start` on, ascending.
    pub(crate) fn from(&self, start: AssetNo) -> impl Iterator<Item = AssetView<'_>> {
        let first = start.index() / BLOCK;
        let mut old = self
            .blocks
            .iter()
            .skip(first)
            .flatten()
            .flat_map(move |block| (block.place_from(start)..block.len()).map(|place| block.at(place)))
            .filter(|view| self.fresh.is_empty() || !self.fresh.contains_key(&view.row.no))
            .peekable();
        let mut fresh = self.fresh.range(start..).map(|(_, asset)| asset.view()).peekable();
        std::iter::from_fn(move || match (old.peek(), fresh.peek()) {
            (Some(a), Some(b)) if a.row.no < b.row.no => old.next(),
            (_, Some(_)) => fresh.next(),
            (_, None) => old.next(),
        })
    }

    /// The image whose packages a container shows: same project, and an image.
    pub(crate) fn image_of(&self, asset: &AssetView<'_>) -> Option<AssetView<'_>> {
        if asset.row.kind != AssetKind::Container {
            return None;
        }
        let image = self.get(asset.row.image?)?;
        (image.row.kind == AssetKind::Image && image.row.project == asset.row.project).then_some(image)
    }

    /// Live containers of an image, in no particular order.
    pub(crate) fn containers_of(&self, image: &AssetView<'_>) -> impl Iterator<Item = AssetView<'_>> {
        let (no, project) = (image.row.no, image.row.project);
        let kind = image.row.kind;
        let old = self.blocks.iter().flatten().flat_map(move |block| block.containers(no));
        let old = old.filter(|container| !self.fresh.contains_key(container));
        let fresh = self.fresh_containers.range((no, AssetNo(0))..=(no, AssetNo(u32::MAX)));
        old.chain(fresh.map(|pair| pair.1))
            .filter_map(|container| self.get(container))
            .filter(move |container| kind == AssetKind::Image && container.row.project == project)
    }

    /// Whether the asset counts now: it exists, and an image also has a reference, a live container
    /// or a pin.
    pub(crate) fn is_current(&self, asset: &AssetView<'_>) -> bool {
        asset.row.held.is_open()
            && (asset.row.kind != AssetKind::Image
                || asset.row.pinned
                || asset.row.references.iter().any(|reference| reference.held.is_open())
                || self.containers_of(asset).next().is_some())
    }

    /// Every asset that has any of the packages now, current or not: by its own sets, by a change on
    /// a host, or through its image.
    pub(crate) fn having(&self, sets: &Sets, packages: &[PackageNo]) -> RoaringBitmap {
        let mut holding = RoaringBitmap::new();
        for &package in packages {
            sets.holding(package, &mut |set| {
                holding.insert(set.0);
            });
        }
        let (mut found, mut unsure) = (RoaringBitmap::new(), RoaringBitmap::new());
        for block in self.blocks.iter().flatten() {
            for set in &holding {
                found.extend(block.showing(SetNo(set)).iter().map(|no| no.0));
            }
            unsure.extend(block.with_deltas().iter().map(|no| no.0).filter(|&no| found.contains(no)));
            for &package in packages {
                unsure.extend(block.changed(package).map(|no| no.0));
            }
        }
        unsure.extend(self.fresh.keys().map(|no| no.0));
        let mut wanted = packages.to_vec();
        wanted.sort_unstable();
        self.settle(&mut found, &unsure, |asset| self.may_have(asset, &holding, &wanted, sets));
        let mut through_images = RoaringBitmap::new();
        let live = self.blocks.iter().flatten().flat_map(|block| block.live_containers());
        for (image, container) in live.chain(&self.fresh_containers) {
            if found.contains(image.0) {
                through_images.insert(container.0);
            }
        }
        self.settle(&mut found, &through_images, |asset| {
            // Without changes of its own a container has what its image has.
            let like_image = asset.deltas.is_empty() && self.image_of(asset).is_some();
            like_image || wanted.iter().any(|&p| self.has(asset, sets, p))
        });
        found
    }

    /// Asks each `unsure` asset itself.
    fn settle(
        &self,
        found: &mut RoaringBitmap,
        unsure: &RoaringBitmap,
        has: impl Fn(&AssetView<'_>) -> bool,
    ) {
        for no in unsure {
            if self.get(AssetNo(no)).is_some_and(|asset| has(&asset)) {
                found.insert(no);
            } else {
                found.remove(no);
            }
        }
    }

    /// Whether the asset has any of the packages by itself; the sets that hold them are known.
    fn may_have(
        &self,
        asset: &AssetView<'_>,
        holding: &RoaringBitmap,
        packages: &[PackageNo],
        sets: &Sets,
    ) -> bool {
        let changed = |delta: &PresenceRow| packages.binary_search(&delta.package).is_ok();
        let may = asset.links.iter().any(|link| link.held.is_open() && holding.contains(link.set.0))
            || asset.deltas.iter().any(|delta| delta.held.is_open() && changed(delta));
        may && packages.iter().any(|&package| own(asset, sets, package))
    }

    /// Whether the asset has the package now.
    fn has(&self, asset: &AssetView<'_>, sets: &Sets, package: PackageNo) -> bool {
        own(asset, sets, package)
            || (!asset.has_delta(package)
                && asset.row.held.is_open()
                && self.image_of(asset).is_some_and(|image| own(&image, sets, package)))
    }

    /// Takes assets in.
    pub(crate) fn apply(&mut self, rows: Vec<AssetRow>) {
        for row in rows {
            let (no, uuid) = (row.no, row.uuid);
            if let Some(old) = self.get(no) {
                let (container, image, old_uuid) = (no, old.live_container_of(), old.row.uuid);
                let old = Arc::clone(old.row);
                if let Some(image) = image {
                    self.fresh_containers.remove(&(image, container));
                }
                if old_uuid != uuid {
                    self.uuids.remove(&old_uuid, no.0);
                }
                let gone: Vec<u64> = digits_of(&old).collect();
                gone.iter().for_each(|digits| self.digits.remove(digits, no.0));
            }
            self.uuids.insert(uuid, no.0);
            digits_of(&row).for_each(|digits| self.digits.insert(digits, no.0));
            let fresh = FreshAsset::new(row);
            self.fresh_containers.extend(fresh.view().live_container_of().map(|image| (image, no)));
            self.fresh.insert(no, Arc::new(fresh));
        }
    }

    /// Whether so many assets changed that a merge pays.
    pub(crate) fn merge_due(&self) -> bool {
        self.fresh.len() > FRESH
    }

    /// Whether a merge at a quiet moment is worth while.
    pub(crate) fn merge_wise(&self) -> bool {
        self.fresh.len() > FRESH / 2
    }

    /// Moves changed assets into blocks; each block touched is built anew.
    pub(crate) fn merge(&mut self) {
        let touched: BTreeSet<usize> = self.fresh.keys().map(|no| no.index() / BLOCK).collect();
        let Some(&last) = touched.last() else { return };
        let mut blocks = self.blocks.clone();
        if blocks.len() <= last {
            blocks.resize(last + 1, None);
        }
        for number in touched {
            let first = AssetNo((number * BLOCK) as u32);
            let of_block = self.from(first).take_while(|view| view.row.no.index() / BLOCK == number);
            blocks[number] = Some(Arc::new(AssetBlock::build(of_block)));
        }
        self.blocks = blocks;
        self.fresh.clear();
        self.fresh_containers.clear();
    }
}

/// Whether the asset's own links and deltas show the package now.
fn own(asset: &AssetView<'_>, sets: &Sets, package: PackageNo) -> bool {
    if asset.has_delta(package) {
        return asset.deltas_of(package).iter().any(|delta| delta.held.is_open());
    }
    let mut open = asset.links.iter().filter(|link| link.held.is_open());
    open.any(|link| sets.members(link.set).binary_search(&package).is_ok())
}
