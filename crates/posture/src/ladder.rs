//! Assets by how many vulnerabilities of some bands they have: each number of them is a rung. A test of
//! the number is asked once per rung, and a list by number goes along them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parapet_model::{AssetNo, Millis, Severity};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::data::Data;
use crate::exceptions::Layer;
use crate::kept::{Key, Standing};
use crate::query::Window;
use crate::snapshot::Snapshot;
use crate::sorted::Order;
use crate::tally::{Bands, Tally};

/// See the module. It is of one tally.
#[derive(Debug)]
pub(crate) struct Ladder {
    tally: Arc<Tally>,
    /// By number of vulnerabilities.
    order: Order,
    /// That number for each run of the order.
    counts: Box<[u64]>,
}

/// With fewer assets on the list than this, looking each up is faster than going along all. Where
/// tests run nothing is too small for that.
const FEW: u64 = if cfg!(debug_assertions) { 1 } else { 2048 };

fn sum(counted: &Bands, bands: &[Severity]) -> u64 {
    bands.iter().map(|band| u64::from(counted[*band as usize])).sum()
}

impl Ladder {
    /// Puts every asset into the place of its number: there are few different ones.
    fn of(tally: &Arc<Tally>, bands: &[Severity]) -> Self {
        let numbers: Vec<u64> = tally.all().iter().map(|have| sum(have, bands)).collect();
        let mut rungs: BTreeMap<u64, u32> = BTreeMap::new();
        for number in &numbers {
            *rungs.entry(*number).or_default() += 1;
        }
        let mut places: HashMap<u64, usize> = HashMap::with_capacity(rungs.len());
        let mut starts = vec![0];
        for (number, many) in &rungs {
            let start = starts.last().copied().unwrap_or_default();
            places.insert(*number, start as usize);
            starts.push(start + many);
        }
        let mut sorted = vec![0; numbers.len()];
        for (no, number) in numbers.iter().enumerate() {
            if let Some(place) = places.get_mut(number) {
                sorted[*place] = no as u32;
                *place += 1;
            }
        }
        let order = Order::of_runs(sorted, starts);
        Self { tally: Arc::clone(tally), order, counts: rungs.into_keys().collect() }
    }
}

/// What the ladder says, and the assets for which it may be wrong.
struct Footing {
    ladder: Arc<Ladder>,
    touched: RoaringBitmap,
}

impl Data {
    fn ladder(&self, layer: &Arc<Layer>, bands: &[Severity], now: Millis) -> Footing {
        let Standing { thing: tally, touched } = self.tally_behind(layer, now);
        let fits = |ladder: &Ladder| Arc::ptr_eq(&ladder.tally, &tally);
        let make = || Ladder::of(&tally, bands);
        // It is as old as its tally.
        let ladder = self.kept.get(&self.journal, Key::Ladder(mark(bands)), fits, make).thing;
        Footing { ladder, touched }
    }
}

/// One bit for each band.
fn mark(bands: &[Severity]) -> u8 {
    bands.iter().fold(0, |mark, band| mark | 1 << *band as u8)
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
        let layer = self.layer(now);
        if numbers.len() < FEW {
            let all: Vec<AssetNo> = numbers.iter().map(AssetNo).collect();
            let key = |counted: &Bands| match descending {
                true => u64::MAX - sum(counted, bands),
                false => sum(counted, bands),
            };
            let counted = self.bands(&all, now);
            let mut keyed: Vec<(u64, AssetNo)> = counted.iter().map(key).zip(all).collect();
            keyed.sort_unstable();
            return keyed.into_iter().skip(window.offset).take(window.limit).map(|(_, no)| no).collect();
        }
        let Footing { ladder, touched } = self.data.ladder(&layer, bands, now);
        let counted = self.data.count_all(&(&touched & numbers), &layer, now);
        let mut again: Vec<(u64, u32)> = counted.iter().map(|(no, have)| (sum(have, bands), *no)).collect();
        again.sort_unstable_by(|a, b| match descending {
            true => b.0.cmp(&a.0).then(a.1.cmp(&b.1)),
            false => a.cmp(b),
        });
        let value = |no: u32| sum(&ladder.tally.get(no), bands);
        ladder.order.page(numbers, &touched, again, value, descending, window)
    }

    /// The assets among `within` whose number of vulnerabilities of these bands, that no exception
    /// hides, passes.
    pub(crate) fn with_count(
        &self,
        within: &RoaringBitmap,
        bands: &[Severity],
        passes: &(dyn Fn(u64) -> bool + Send + Sync),
        now: Millis,
    ) -> RoaringBitmap {
        if within.len() < FEW {
            let all: Vec<AssetNo> = within.iter().map(AssetNo).collect();
            let counted = self.bands(&all, now);
            let passing = all.iter().zip(&counted).filter(|(_, have)| passes(sum(have, bands)));
            return passing.map(|(no, _)| no.0).collect();
        }
        let layer = self.layer(now);
        let Footing { ladder, touched } = self.data.ladder(&layer, bands, now);
        let mut found = Bits::none(self.data.assets.end());
        for (run, _) in ladder.order.runs().zip(&ladder.counts).filter(|(_, count)| passes(**count)) {
            run.iter().for_each(|no| found.insert(*no as usize));
        }
        let mut found = found.to_bitmap() & within;
        if !touched.is_empty() {
            found -= &touched;
            let again = self.data.count_all(&(touched & within), &layer, now);
            found.extend(again.iter().filter(|(_, have)| passes(sum(have, bands))).map(|(no, _)| *no));
        }
        found
    }
}
