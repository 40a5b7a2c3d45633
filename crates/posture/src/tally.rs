//! How many vulnerabilities of each severity every asset has, for sorting and for tests of the
//! numbers: first without exceptions, then behind those that hold.
//!
//! Counting is done by the one walk, on all processors; what stands in the snapshot before is counted
//! again only where something changed.

use std::sync::Arc;

use parapet_model::exception::Exception;
use parapet_model::filter::{Field, Op};
use parapet_model::{AssetNo, Filter, Millis, Principal, ProjectNo, Severity, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::block::AssetView;
use crate::count::Counter;
use crate::data::Data;
use crate::exceptions::Layer;
use crate::kept::{Key, Standing};
use crate::query::{Query, Window};
use crate::snapshot::Snapshot;
use crate::walk::Walk;

/// Vulnerabilities by [`Severity`] as a number.
pub(crate) type Bands = [u32; 6];

/// By number of the asset; assets beyond the end have none.
#[derive(Debug, Default)]
pub(crate) struct Tally(Vec<Bands>);

/// A tally behind exceptions, and which those were.
#[derive(Debug)]
struct Behind {
    exceptions: Vec<(Arc<Exception>, Option<Vec<VulnerabilityNo>>)>,
    tally: Arc<Tally>,
}

impl Tally {
    fn get(&self, no: u32) -> Bands {
        self.0.get(no as usize).copied().unwrap_or_default()
    }
}

impl Snapshot {
    /// The assets given, those with most (or fewest) vulnerabilities of these bands first that no
    /// exception hides, and by number among equals; a part of that list.
    pub fn sorted_by_bands(
        &self,
        numbers: &RoaringBitmap,
        bands: &[Severity],
        descending: bool,
        window: Window,
        now: Millis,
    ) -> Vec<AssetNo> {
        let counts = self.bands_of(numbers, bands, now);
        let key = |count: u64| if descending { u64::MAX - count } else { count };
        let mut keyed: Vec<(u64, u32)> = counts.map(|(no, count)| (key(count), no)).collect();
        let end = window.offset.saturating_add(window.limit);
        if end < keyed.len() {
            keyed.select_nth_unstable(end);
            keyed.truncate(end);
        }
        keyed.sort_unstable();
        keyed.into_iter().skip(window.offset).map(|(_, no)| AssetNo(no)).collect()
    }

    /// How many vulnerabilities of these bands, that no exception hides, each asset has.
    pub(crate) fn bands_of<'a>(
        &self,
        numbers: &'a RoaringBitmap,
        bands: &'a [Severity],
        now: Millis,
    ) -> impl Iterator<Item = (u32, u64)> + use<'a> {
        let layer = self.layer(now);
        let Standing { thing: tally, touched } = self.data.tally_behind(&layer, now);
        let again = &touched & numbers;
        let again: Vec<(u32, Bands)> = self.data.count_all(&again, &layer, now);
        numbers.iter().map(move |no| {
            let fresh = again.binary_search_by_key(&no, |(no, _)| *no).ok();
            let counted = fresh.map_or_else(|| tally.get(no), |at| again[at].1);
            (no, bands.iter().map(|band| u64::from(counted[*band as usize])).sum())
        })
    }
}

impl Data {
    /// Every asset's vulnerabilities as though there were no exceptions.
    fn tally(&self) -> Standing<Tally> {
        self.kept.get(
            &self.journal,
            Key::Tally,
            |_| true,
            || {
                let none = Layer::none();
                let plain = self.plain_containers();
                let mut counted: RoaringBitmap = (0..self.assets.end() as u32).collect();
                plain.iter().for_each(|(no, _)| {
                    counted.remove(*no);
                });
                let mut tally = Tally(vec![Bands::default(); self.assets.end()]);
                for (no, bands) in self.count_all(&counted, &none, 0) {
                    tally.0[no as usize] = bands;
                }
                for (no, image) in plain {
                    tally.0[no as usize] = tally.get(image);
                }
                tally
            },
        )
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
    fn tally_behind(&self, layer: &Arc<Layer>, now: Millis) -> Standing<Tally> {
        let Standing { thing: bare, touched } = self.tally();
        if layer.active.is_empty() {
            return Standing { thing: bare, touched };
        }
        let fits = |behind: &Behind| {
            behind.exceptions.len() == layer.active.len()
                && behind.exceptions.iter().zip(&layer.active).all(
                    |((exception, vulnerabilities), active)| {
                        Arc::ptr_eq(exception, &active.exception)
                            && *vulnerabilities == active.vulnerabilities
                    },
                )
        };
        let made = self.kept.get(&self.journal, Key::TallyBehind, fits, || {
            let pairs = self.pairs();
            let veil = self.veil(layer, &pairs.thing);
            let mut changed = &veil.odd | &touched;
            changed |= &pairs.touched;
            for cover in &veil.covers {
                let packages = pairs.thing.packages_of(&cover.hidden, true);
                changed |= self.assets.having(&self.sets, &packages) & &cover.assets;
            }
            let mut tally = Tally(bare.0.clone());
            tally.0.resize(self.assets.end().max(tally.0.len()), Bands::default());
            for (no, bands) in self.count_all(&changed, layer, now) {
                tally.0[no as usize] = bands;
            }
            let exceptions =
                layer.active.iter().map(|a| (Arc::clone(&a.exception), a.vulnerabilities.clone()));
            Behind { exceptions: exceptions.collect(), tally: Arc::new(tally) }
        });
        Standing { thing: Arc::clone(&made.thing.tally), touched: made.touched }
    }

    /// Counts assets one by one, on all processors; ascending.
    fn count_all(&self, numbers: &RoaringBitmap, layer: &Arc<Layer>, now: Millis) -> Vec<(u32, Bands)> {
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
            return count(&numbers);
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
