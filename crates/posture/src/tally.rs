//! How many vulnerabilities of each severity every asset has, for rows, for sorting and for tests of
//! the numbers: first without exceptions, then behind those that hold.
//!
//! Counting is done by the one walk, on all processors; what stands in the snapshot before is counted
//! again only where something changed.

use std::cmp::Reverse;
use std::sync::{Arc, OnceLock};

use parapet_model::filter::{Field, Op};
use parapet_model::{AssetNo, Filter, Millis, Principal, ProjectNo, Severity};
use roaring::RoaringBitmap;

use crate::bases::{Bases, shared_sets};
use crate::behind::Behind;
use crate::bits::Bits;
use crate::block::AssetView;
use crate::count::Counter;
use crate::data::Data;
use crate::exceptions::Layer;
use crate::kept::{Key, Standing};
use crate::query::{Query, Window};
use crate::snapshot::Snapshot;
use crate::sorted::{FEW, Order};
use crate::threads::in_parts;
use crate::walk::Walk;

/// Vulnerabilities by [`Severity`] as a number, each in the worst band that
/// any package of the asset gives it.
pub type Bands = [u32; 6];

/// Most of the worst band first, then of the next.
type Worst = [Reverse<u32>; 6];

fn worst(bands: &Bands) -> Worst {
    Severity::WORST_FIRST.map(|band| Reverse(bands[band as usize]))
}

/// By number of the asset; assets beyond the end have none.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    bands: Vec<Bands>,
    /// All of them, worst first, once somebody asked.
    order: OnceLock<Order>,
}

impl Tally {
    pub(crate) fn get(&self, no: u32) -> Bands {
        self.bands.get(no as usize).copied().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> &[Bands] {
        &self.bands
    }

    /// All assets, worst first, by number among equals.
    pub(crate) fn worst_first(&self) -> &Order {
        self.order.get_or_init(|| {
            let mut sorted: Vec<(Worst, u32)> = self.bands.iter().map(worst).zip(0..).collect();
            sorted.sort_unstable();
            Order::plain(sorted.into_iter().map(|(_, no)| no))
        })
    }

    /// The same with its order made.
    fn in_order(self) -> Self {
        self.worst_first();
        self
    }

    /// One vulnerability of a band more or less on each of these assets.
    pub(crate) fn shift(&mut self, assets: &RoaringBitmap, band: Severity, more: bool) {
        self.order = OnceLock::new();
        for no in assets {
            if let Some(bands) = self.bands.get_mut(no as usize) {
                let count = &mut bands[band as usize];
                *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
            }
        }
    }

    /// The same with other numbers for some assets.
    pub(crate) fn with(&self, end: usize, changed: Vec<(u32, Bands)>) -> Self {
        let mut tally = self.bands.clone();
        tally.resize(end.max(tally.len()), Bands::default());
        let mut moved: Vec<u32> = (self.bands.len() as u32..tally.len() as u32).collect();
        for (no, bands) in changed {
            tally[no as usize] = bands;
            if (no as usize) < self.bands.len() {
                moved.push(no);
            }
        }
        let order = OnceLock::new();
        if let Some(old) = self.order.get() {
            let at = |no: u32| worst(&tally[no as usize]);
            let _ = order.set(old.with(moved, at));
        }
        Self { bands: tally, order }
    }
}

impl Snapshot {
    /// How many vulnerabilities each of these assets has that no exception hides. Where nobody counted
    /// all assets yet, these alone are counted.
    pub fn bands(&self, numbers: &[AssetNo], now: Millis) -> Vec<Bands> {
        let layer = self.layer(now);
        let known = self.data.tally_at_hand(&layer);
        let unsure: RoaringBitmap = match &known {
            Some(known) => numbers.iter().map(|no| no.0).filter(|no| known.touched.contains(*no)).collect(),
            None => numbers.iter().map(|no| no.0).collect(),
        };
        let counted = self.data.count_all(&unsure, &layer, now);
        let bands = |no: &AssetNo| match counted.binary_search_by_key(&no.0, |(no, _)| *no) {
            Ok(at) => counted[at].1,
            Err(_) => known.as_ref().map_or_else(Bands::default, |known| known.thing.get(no.0)),
        };
        numbers.iter().map(bands).collect()
    }

    /// A part of these assets, those with most vulnerabilities of the worst band first that no exception
    /// hides, then of the next; by number among equals. By all that an asset has, whatever was asked.
    pub fn worst_first(&self, numbers: &RoaringBitmap, window: Window, now: Millis) -> Vec<AssetNo> {
        if numbers.len() < FEW {
            let numbers: Vec<AssetNo> = numbers.iter().map(AssetNo).collect();
            let counted = self.bands(&numbers, now);
            let mut ranked: Vec<_> = counted.iter().map(worst).zip(numbers).collect();
            ranked.sort_unstable();
            return ranked.into_iter().skip(window.offset).take(window.limit).map(|(_, no)| no).collect();
        }
        let layer = self.layer(now);
        let Standing { thing: tally, touched } = self.data.tally_behind(&layer, now);
        let counted = self.data.count_all(&(&touched & numbers), &layer, now);
        let mut again: Vec<_> = counted.iter().map(|(no, bands)| (worst(bands), *no)).collect();
        again.sort_unstable();
        let value = |no: u32| worst(&tally.get(no));
        tally.worst_first().page(numbers, &touched, again, value, false, window)
    }
}

impl Data {
    /// Every asset's vulnerabilities as though there were no exceptions.
    pub(crate) fn tally(&self) -> Standing<Tally> {
        self.kept.get(&self.journal, Key::Tally, |_| true, || self.count_everything())
    }

    fn count_everything(&self) -> Tally {
        let plain = self.plain_containers();
        let mut all = RoaringBitmap::new();
        all.insert_range(0..self.assets.end() as u32);
        plain.iter().for_each(|(no, _)| {
            all.remove(*no);
        });
        let shared = shared_sets(self);
        let counted = in_parts(&all, |part| {
            let (mut bases, mut counted, mut rest) =
                (Bases::new(self, &shared), Vec::new(), RoaringBitmap::new());
            for asset in part.iter().filter_map(|no| self.assets.get(*no)) {
                match bases.bands(&asset) {
                    Some(bands) => counted.push((asset.row.no.0, bands)),
                    None => drop(rest.insert(asset.row.no.0)),
                }
            }
            (counted, rest)
        });
        let rest = counted.iter().fold(RoaringBitmap::new(), |all, (_, rest)| all | rest);
        let counted: Vec<(u32, Bands)> = counted.into_iter().flat_map(|(counted, _)| counted).collect();
        let images = Tally::default().with(self.assets.end(), counted);
        let images = images.with(0, self.count_all(&rest, &Layer::none(), 0));
        let containers = plain.into_iter().map(|(no, image)| (no, images.get(image)));
        images.with(0, containers.collect())
    }

    /// The containers that show just what their image shows, with the image.
    fn plain_containers(&self) -> Vec<(u32, u32)> {
        let mut plain = Vec::new();
        let all = Bits::all(self.assets.end());
        self.assets.each_container_of(&all, &mut |container| {
            // A container shows what its image shows from its own start on, which changes no count.
            if !container.drifted {
                plain.push((container.no.0, container.image.0));
            }
        });
        plain
    }

    /// Every asset's vulnerabilities that no exception of the layer hides.
    pub(crate) fn tally_behind(&self, layer: &Arc<Layer>, now: Millis) -> Standing<Tally> {
        if layer.active.is_empty() {
            return self.tally();
        }
        let fits = |behind: &Behind| behind.is_of(layer);
        let made = self.kept.get(&self.journal, Key::TallyBehind, fits, || self.count_behind(layer, now));
        Standing { thing: Arc::clone(&made.thing.tally), touched: made.touched }
    }

    /// The same if somebody counted before, without waiting for whoever does.
    fn tally_at_hand(&self, layer: &Layer) -> Option<Standing<Tally>> {
        if layer.active.is_empty() {
            return self.kept.peek(&self.journal, Key::Tally, |_| true);
        }
        let made = self.kept.peek(&self.journal, Key::TallyBehind, |behind: &Behind| behind.is_of(layer))?;
        Some(Standing { thing: Arc::clone(&made.thing.tally), touched: made.touched })
    }

    /// Counts again what was touched since, when that is more than a few assets.
    pub(crate) fn refresh_tallies(&self, layer: &Arc<Layer>, now: Millis, most: u64) {
        let none = Layer::none();
        self.kept.refresh(
            &self.journal,
            Key::Tally,
            most,
            |_| true,
            |old: Option<Standing<Tally>>| match old {
                Some(old) => old.thing.with(self.assets.end(), self.count_all(&old.touched, &none, now)),
                None => self.count_everything().in_order(),
            },
        );
        if layer.active.is_empty() {
            return;
        }
        let fits = |behind: &Behind| behind.is_of(layer);
        self.kept.refresh(&self.journal, Key::TallyBehind, most, fits, |old| match old {
            Some(Standing { thing, touched }) => {
                let counted = self.count_all(&touched, layer, now);
                thing.with(thing.tally.with(self.assets.end(), counted))
            }
            None => self.count_behind(layer, now).in_order(),
        });
    }

    /// Counts assets one by one, on all processors; ascending.
    pub(crate) fn count_all(
        &self,
        numbers: &RoaringBitmap,
        layer: &Arc<Layer>,
        now: Millis,
    ) -> Vec<(u32, Bands)> {
        /// Fewer are counted faster than threads are started.
        const PART: usize = 512;
        let numbers: Vec<u32> = numbers.iter().collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let part = numbers.len().div_ceil(threads).max(PART);
        let count = |part: &[u32]| {
            let filter = Filter::test(Field::Excepted, Op::Eq, false);
            let shown = if layer.active.is_empty() { &Filter::All } else { &filter };
            // Every asset is counted, whoever may see it: whoever asks names the assets.
            let scope = Principal::local(ProjectNo(0)).scope();
            let query = Query::new(&scope, shown, now);
            let mut walk = Walk::new(self, &query, Arc::clone(layer), None, false);
            let views = part.iter().filter_map(|no| self.assets.get(AssetNo(*no)));
            views.map(|asset| (asset.row.no.0, bands(&mut walk, &asset))).collect::<Vec<_>>()
        };
        if numbers.len() <= part {
            return if numbers.is_empty() { Vec::new() } else { count(&numbers) };
        }
        std::thread::scope(|scope| {
            let threads: Vec<_> = numbers.chunks(part).map(|part| scope.spawn(move || count(part))).collect();
            let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }
}

fn bands<'s>(walk: &mut Walk<'s, '_>, asset: &AssetView<'s>) -> Bands {
    let mut counter = Counter::default();
    let _ = walk.turn_to(asset, None, &mut |row, open| counter.add(row, open));
    counter.counts.by_severity.map(|band| u32::try_from(band.vulnerabilities).unwrap_or(u32::MAX))
}
