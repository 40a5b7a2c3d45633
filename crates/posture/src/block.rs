//! An immutable block of assets in flat arrays, and the same shape for one asset.
//!
//! A block carries its own inverse indexes (set → assets, image → containers, changed package →
//! assets), so that building one touches nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use parapet_model::facts::{AssetRow, PresenceRow};
use parapet_model::{AssetKind, AssetNo, Interval, PackageNo, ProjectNo, SetNo};

use crate::bits::Bits;

/// A set that an asset shows or showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) set: SetNo,
    /// Place of the layer's digest in the block's table.
    pub(crate) layer: u32,
    pub(crate) held: Interval,
}

/// An asset wherever it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AssetView<'s> {
    /// Without links and deltas: those are below.
    pub(crate) row: &'s Arc<AssetRow>,
    pub(crate) links: &'s [Link],
    /// By package, then as given.
    pub(crate) deltas: &'s [PresenceRow],
    pub(crate) layers: &'s [Box<str>],
}

impl<'s> AssetView<'s> {
    /// Whether a delta names the package, so that the links say nothing about it.
    pub(crate) fn has_delta(&self, package: PackageNo) -> bool {
        !self.deltas.is_empty() && self.deltas.binary_search_by_key(&package, |d| d.package).is_ok()
    }

    /// The digest of the layer of a link, or empty.
    pub(crate) fn layer(&self, link: &Link) -> &'s str {
        self.layers.get(link.layer as usize).map_or("", |layer| layer)
    }

    /// The image a live container was started from.
    pub(crate) fn live_container_of(&self) -> Option<AssetNo> {
        match self.row.kind {
            AssetKind::Container if self.row.held.is_open() => self.row.image,
            _ => None,
        }
    }
}

/// One asset that is not in a block yet.
#[derive(Debug)]
pub(crate) struct FreshAsset {
    row: Arc<AssetRow>,
    links: Box<[Link]>,
    deltas: Box<[PresenceRow]>,
    layers: Box<[Box<str>]>,
}

impl FreshAsset {
    /// Takes links and deltas out of the row. Images have no deltas: a digest is immutable.
    pub(crate) fn new(mut row: AssetRow) -> Self {
        let mut layers = Layers::default();
        let links = std::mem::take(&mut row.links);
        let links = links
            .into_iter()
            .map(|link| Link { set: link.set, layer: layers.place(&link.layer), held: link.held })
            .collect();
        let mut deltas = std::mem::take(&mut row.deltas);
        if row.kind == AssetKind::Image {
            deltas.clear();
        }
        deltas.sort_by_key(|delta| delta.package);
        Self { row: Arc::new(row), links, deltas: deltas.into(), layers: layers.table.into() }
    }

    pub(crate) fn view(&self) -> AssetView<'_> {
        AssetView { row: &self.row, links: &self.links, deltas: &self.deltas, layers: &self.layers }
    }
}

/// Layer digests, each once.
#[derive(Debug, Default)]
struct Layers {
    table: Vec<Box<str>>,
    /// Of a few nobody needs more than the table.
    places: HashMap<Box<str>, u32>,
}

/// Up to so many layers the table itself is looked through.
const FEW_LAYERS: usize = 16;

impl Layers {
    fn place(&mut self, layer: &str) -> u32 {
        let known = match self.places.is_empty() {
            true => self.table.iter().position(|known| **known == *layer).map(|place| place as u32),
            false => self.places.get(layer).copied(),
        };
        if let Some(place) = known {
            return place;
        }
        let place = self.table.len() as u32;
        self.table.push(layer.into());
        match self.table.len() {
            ..=FEW_LAYERS => {}
            _ if self.places.is_empty() => {
                let all = self.table.iter().zip(0..);
                self.places = all.map(|(layer, place)| (layer.clone(), place)).collect();
            }
            _ => drop(self.places.insert(layer.into(), place)),
        }
        place
    }
}

/// A container that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LiveContainer {
    pub(crate) image: AssetNo,
    pub(crate) no: AssetNo,
    pub(crate) project: ProjectNo,
    /// It shows something of its own, or hides something: not just what its image shows.
    pub(crate) drifted: bool,
}

impl LiveContainer {
    /// The asset, if it is one.
    pub(crate) fn of(asset: &AssetView<'_>) -> Option<Self> {
        let image = asset.live_container_of()?;
        let drifted = !asset.deltas.is_empty() || asset.links.iter().any(|link| link.held.is_open());
        Some(Self { image, no: asset.row.no, project: asset.row.project, drifted })
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct AssetBlock {
    /// Ascending.
    numbers: Box<[AssetNo]>,
    rows: Box<[Arc<AssetRow>]>,
    link_offsets: Box<[usize]>,
    links: Box<[Link]>,
    delta_offsets: Box<[usize]>,
    deltas: Box<[PresenceRow]>,
    layers: Box<[Box<str>]>,
    /// Sets with an open link, ascending, each once; `set_offsets` leads into `set_assets`.
    sets: Box<[SetNo]>,
    set_offsets: Box<[usize]>,
    set_assets: Box<[AssetNo]>,
    /// The sets that each asset has an open link to; `open_from` leads into it by place.
    open_sets: Box<[SetNo]>,
    open_from: Box<[u32]>,
    /// Live containers by image, ascending.
    containers: Box<[LiveContainer]>,
    /// Packages present by an open delta, ascending.
    changed: Box<[(PackageNo, AssetNo)]>,
    /// Assets with any delta, ascending.
    with_deltas: Box<[AssetNo]>,
}

impl AssetBlock {
    /// The block of these assets, which come in ascending order.
    pub(crate) fn build<'s>(assets: impl Iterator<Item = AssetView<'s>>) -> Self {
        let mut layers = Layers::default();
        let (mut numbers, mut rows) = (Vec::new(), Vec::new());
        let (mut link_offsets, mut links) = (vec![0], Vec::new());
        let (mut delta_offsets, mut deltas) = (vec![0], Vec::new());
        let (mut containers, mut changed, mut held) = (Vec::new(), Vec::new(), Vec::new());
        let mut with_deltas = Vec::new();
        let (mut open_sets, mut open_from) = (Vec::new(), vec![0]);
        for asset in assets {
            let no = asset.row.no;
            numbers.push(no);
            rows.push(Arc::clone(asset.row));
            for link in asset.links {
                links.push(Link { layer: layers.place(asset.layer(link)), ..*link });
                if link.held.is_open() {
                    held.push((link.set, no));
                    open_sets.push(link.set);
                }
            }
            link_offsets.push(links.len());
            open_from.push(open_sets.len() as u32);
            deltas.extend_from_slice(asset.deltas);
            delta_offsets.push(deltas.len());
            with_deltas.extend((!asset.deltas.is_empty()).then_some(no));
            containers.extend(LiveContainer::of(&asset));
            changed.extend(asset.deltas.iter().filter(|d| d.held.is_open()).map(|d| (d.package, no)));
        }
        held.sort_unstable();
        held.dedup();
        containers.sort_unstable();
        changed.sort_unstable();
        let (sets, set_offsets) = offsets_of(&held);
        Self {
            numbers: numbers.into(),
            rows: rows.into(),
            link_offsets: link_offsets.into(),
            links: links.into(),
            delta_offsets: delta_offsets.into(),
            deltas: deltas.into(),
            layers: layers.table.into(),
            sets: sets.into(),
            set_offsets: set_offsets.into(),
            set_assets: held.into_iter().map(|(_, asset)| asset).collect(),
            open_sets: open_sets.into(),
            open_from: open_from.into(),
            containers: containers.into(),
            changed: changed.into(),
            with_deltas: with_deltas.into(),
        }
    }

    /// How many assets there are.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The place of the first asset that is not before `no`.
    pub(crate) fn place_from(&self, no: AssetNo) -> usize {
        self.numbers.partition_point(|have| *have < no)
    }

    /// The asset at a place below [`Self::len`].
    pub(crate) fn at(&self, place: usize) -> AssetView<'_> {
        AssetView {
            row: &self.rows[place],
            links: &self.links[self.link_offsets[place]..self.link_offsets[place + 1]],
            deltas: &self.deltas[self.delta_offsets[place]..self.delta_offsets[place + 1]],
            layers: &self.layers,
        }
    }

    /// The asset with that number.
    pub(crate) fn get(&self, no: AssetNo) -> Option<AssetView<'_>> {
        // Where no number is missing, it lies as far behind the first as its number says.
        let likely = no.index().checked_sub(self.numbers.first()?.index())?;
        let place = match self.numbers.get(likely) {
            Some(found) if *found == no => likely,
            _ => self.numbers.binary_search(&no).ok()?,
        };
        Some(self.at(place))
    }

    /// Assets with an open link to the set.
    pub(crate) fn showing(&self, set: SetNo) -> &[AssetNo] {
        match self.sets.binary_search(&set) {
            Ok(at) => &self.set_assets[self.set_offsets[at]..self.set_offsets[at + 1]],
            Err(_) => &[],
        }
    }

    /// How many open links there are.
    pub(crate) fn open_links(&self) -> usize {
        self.open_sets.len()
    }

    /// Calls `visit` with every asset that has an open link to one of the sets.
    pub(crate) fn showing_any(&self, sets: &Bits, visit: &mut impl FnMut(AssetNo)) {
        for (place, no) in self.numbers.iter().enumerate() {
            let (from, to) = (self.open_from[place] as usize, self.open_from[place + 1] as usize);
            if self.open_sets[from..to].iter().any(|set| sets.contains(set.index())) {
                visit(*no);
            }
        }
    }

    /// Live containers started from the image.
    pub(crate) fn containers(&self, image: AssetNo) -> impl Iterator<Item = AssetNo> + '_ {
        let from = self.containers.partition_point(|container| container.image < image);
        self.containers[from..].iter().take_while(move |c| c.image == image).map(|c| c.no)
    }

    /// All live containers, by image.
    pub(crate) fn live_containers(&self) -> &[LiveContainer] {
        &self.containers
    }

    /// Assets with any delta.
    pub(crate) fn with_deltas(&self) -> &[AssetNo] {
        &self.with_deltas
    }

    /// Assets that have the package by an open delta.
    pub(crate) fn changed(&self, package: PackageNo) -> impl Iterator<Item = AssetNo> + '_ {
        let from = self.changed.partition_point(|pair| pair.0 < package);
        self.changed[from..].iter().take_while(move |pair| pair.0 == package).map(|pair| pair.1)
    }
}

/// The distinct first halves of sorted pairs, and where each begins (one more at the end).
fn offsets_of(pairs: &[(SetNo, AssetNo)]) -> (Vec<SetNo>, Vec<usize>) {
    let (mut keys, mut offsets) = (Vec::new(), Vec::new());
    for (at, (key, _)) in pairs.iter().enumerate() {
        if keys.last() != Some(key) {
            keys.push(*key);
            offsets.push(at);
        }
    }
    offsets.push(pairs.len());
    (keys, offsets)
}
