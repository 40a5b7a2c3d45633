//! All assets: immutable blocks by number and the few that changed since the last merge.
//!
//! A changed asset *shadows* its place in the block, so there are no tombstones to keep apart:
//! publishing copies the table of blocks and the list of changed assets (at most about
//! [`FRESH`]), merging builds the touched blocks anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parapet_model::facts::AssetRow;
use parapet_model::{AssetKind, AssetNo, PackageNo, SetNo};
use roaring::RoaringBitmap;
use uuid::Uuid;

use crate::bits::Bits;
use crate::block::{AssetBlock, AssetView, FreshAsset, LiveContainer};
use crate::index::Index;
use crate::sets::Sets;

/// Asset numbers per block.
const BLOCK: usize = 1 << 16;

/// Finding a set among those of a block costs as much as looking at so many links: where more sets are asked for,
/// every link is looked at.
const STEPS: usize = 16;

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
        let (project, kind) = (image.row.project, image.row.kind);
        self.started_from(image.row.no)
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

    /// About how many there are: those that changed of late may count twice.
    pub(crate) fn about(&self) -> usize {
        self.fresh.len() + self.blocks.iter().flatten().map(|block| block.len()).sum::<usize>()
    }

    /// No asset has this number or a higher one.
    pub(crate) fn end(&self) -> usize {
        let fresh = self.fresh.last_key_value().map_or(0, |(no, _)| no.index() + 1);
        fresh.max(self.blocks.len() * BLOCK)
    }

    /// The live containers that were started from this number, whatever it is.
    pub(crate) fn started_from(&self, image: AssetNo) -> impl Iterator<Item = AssetNo> + '_ {
        let old = self.blocks.iter().flatten().flat_map(move |block| block.containers(image));
        let old = old.filter(|container| !self.fresh.contains_key(container));
        let fresh = self.fresh_containers.range((image, AssetNo(0))..=(image, AssetNo(u32::MAX)));
        old.chain(fresh.map(|pair| pair.1))
    }

    /// Every asset with an open link to any of the sets.
    pub(crate) fn showing(&self, sets: &[SetNo]) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        for block in self.blocks.iter().flatten() {
            found.extend(sets.iter().flat_map(|set| block.showing(*set)).map(|no| no.0));
        }
        let shows = |asset: &FreshAsset| {
            let mut links = asset.view().links.iter();
            links.any(|link| link.held.is_open() && sets.contains(&link.set))
        };
        let fresh = self.fresh.iter().filter(|(_, asset)| !sets.is_empty() && shows(asset));
        found.extend(fresh.map(|(no, _)| no.0));
        found
    }

    /// Calls `visit` with each live container of these images; of its own project's only.
    pub(crate) fn each_container_of(&self, images: &Bits, visit: &mut impl FnMut(LiveContainer)) {
        let is_image = |no: AssetNo| self.get(no).filter(|image| image.row.kind == AssetKind::Image);
        for block in self.blocks.iter().flatten() {
            for run in block.live_containers().chunk_by(|a, b| a.image == b.image) {
                let image = run.first().map(|c| c.image).filter(|image| images.contains(image.index()));
                let Some(image) = image.and_then(is_image) else { continue };
                for container in run.iter().filter(|c| c.project == image.row.project) {
                    if self.fresh.is_empty() || !self.fresh.contains_key(&container.no) {
                        visit(*container);
                    }
                }
            }
        }
        for (image, no) in &self.fresh_containers {
            if images.contains(image.index())
                && let (Some(image), Some(container)) = (is_image(*image), self.get(*no))
                && image.row.project == container.row.project
                && let Some(container) = LiveContainer::of(&container)
            {
                visit(container);
            }
        }
    }

    /// Every asset that has any of the packages now, current or not: by its own sets, by a change on
    /// a host, or through its image.
    pub(crate) fn having(&self, sets: &Sets, packages: &[PackageNo]) -> RoaringBitmap {
        if packages.is_empty() {
            return RoaringBitmap::new();
        }
        let mut holding = Bits::none(sets.end());
        for &package in packages {
            sets.holding(package, &mut |set| holding.insert(set.index()));
        }
        let mut wanted = packages.to_vec();
        wanted.sort_unstable();
        let mut found = self.showing_any(&holding);
        let mut unsure: BTreeSet<AssetNo> = self.fresh.keys().copied().collect();
        for block in self.blocks.iter().flatten() {
            unsure.extend(block.with_deltas().iter().filter(|no| found.contains(no.index())));
            for &package in &wanted {
                unsure.extend(block.changed(package));
            }
        }
        for no in unsure {
            let has = self.get(no).is_some_and(|asset| own(&asset, sets, &wanted));
            found.set(no.index(), has);
        }
        let mut drifted = Vec::new();
        let mut through_images = Vec::new();
        self.each_container_of(&found, &mut |container| {
            let list = if container.drifted { &mut drifted } else { &mut through_images };
            list.push(container.no);
        });
        through_images.iter().for_each(|no| found.insert(no.index()));
        for no in drifted {
            if self.get(no).is_some_and(|asset| self.inherits(&asset, sets, &wanted)) {
                found.insert(no.index());
            }
        }
        found.to_bitmap()
    }

    /// The assets of blocks that have an open link to one of these sets.
    fn showing_any(&self, sets: &Bits) -> Bits {
        let mut found = Bits::none(self.end());
        let wanted: Vec<usize> = sets.iter().collect();
        for block in self.blocks.iter().flatten() {
            if wanted.len() * STEPS < block.open_links() {
                let showing = wanted.iter().flat_map(|set| block.showing(SetNo(*set as u32)));
                showing.for_each(|no| found.insert(no.index()));
            } else {
                block.showing_any(sets, &mut |no| found.insert(no.index()));
            }
        }
        found
    }

    /// Whether a live container has any of the packages because its image does.
    fn inherits(&self, asset: &AssetView<'_>, sets: &Sets, wanted: &[PackageNo]) -> bool {
        self.image_of(asset).is_some_and(|image| linked(&image, asset, sets, wanted))
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

    /// Merges once there is a block full of changed assets, as when everything is taken in.
    pub(crate) fn merge_full(&mut self) {
        if self.fresh.len() >= BLOCK {
            self.merge();
        }
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

/// Whether the asset's own links and deltas show any of the packages now; they ascend.
fn own(asset: &AssetView<'_>, sets: &Sets, wanted: &[PackageNo]) -> bool {
    let mut deltas = asset.deltas.iter().filter(|delta| delta.held.is_open());
    deltas.any(|delta| wanted.binary_search(&delta.package).is_ok()) || linked(asset, asset, sets, wanted)
}

/// Whether the links of `home` show any of the packages of which no change of `asset` speaks.
fn linked(home: &AssetView<'_>, asset: &AssetView<'_>, sets: &Sets, wanted: &[PackageNo]) -> bool {
    let mut open = home.links.iter().filter(|link| link.held.is_open());
    open.any(|link| {
        let members = sets.members(link.set);
        let (few, many) = if members.len() < wanted.len() { (members, wanted) } else { (wanted, members) };
        few.iter().any(|package| many.binary_search(package).is_ok() && !asset.has_delta(*package))
    })
}
