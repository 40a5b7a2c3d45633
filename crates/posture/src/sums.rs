//! Counts of a question asset by asset, kept, so that a count adds them up and walks nothing.
//!
//! What is asked of the asset itself chooses which ones are added up; the rest of the filter is what was
//! counted. Most containers count what their image counts, so most counts are kept once for several assets.

use std::collections::HashMap;
use std::sync::Arc;

use parapet_model::{AssetKind, AssetNo, Filter, Millis, Principal, ProjectNo};
use roaring::RoaringBitmap;

use crate::by_vulnerability::Beside;
use crate::count::{BandCounts, Counter, Counts};
use crate::data::Data;
use crate::exceptions::Layer;
use crate::kept::{Key, Standing};
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::split::Split;
use crate::threads::in_parts;
use crate::walk::Walk;

/// Fewer assets are soon walked. Where tests run nothing is too small to be kept.
const FEW: u64 = if cfg!(debug_assertions) { 1 } else { 512 };
/// Longer filters, which name very many things, are answered and forgotten.
const LONGEST: usize = 16 << 10;

/// The counts of one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Sum {
    findings: [u32; 6],
    vulnerabilities: [u32; 6],
    by_state: [u32; 7],
    fixable: u32,
    kev: u32,
    excepted: u32,
}

/// See the module.
#[derive(Debug)]
struct Sums {
    /// What is asked of match and finding.
    filter: Filter,
    kernels: bool,
    beside: Beside,
    /// By number of the asset: the place of its sum. Assets beyond the end have none.
    places: Vec<u32>,
    /// The first is of an asset that has nothing.
    sums: Vec<Sum>,
}

impl Sum {
    fn of(counts: &Counts) -> Self {
        let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            findings: counts.by_severity.map(|band| number(band.findings)),
            vulnerabilities: counts.by_severity.map(|band| number(band.vulnerabilities)),
            by_state: counts.by_state.map(number),
            fixable: number(counts.fixable),
            kev: number(counts.kev),
            excepted: number(counts.excepted),
        }
    }
}

impl Counts {
    fn add_times(&mut self, sum: &Sum, times: u64) {
        let bands = self.by_severity.iter_mut().zip(sum.findings.iter().zip(&sum.vulnerabilities));
        for (band, (findings, vulnerabilities)) in bands {
            let more = BandCounts {
                findings: u64::from(*findings) * times,
                vulnerabilities: u64::from(*vulnerabilities) * times,
            };
            band.findings += more.findings;
            band.vulnerabilities += more.vulnerabilities;
            self.findings += more.findings;
            self.vulnerabilities += more.vulnerabilities;
        }
        self.by_state.iter_mut().zip(&sum.by_state).for_each(|(all, one)| *all += u64::from(*one) * times);
        self.fixable += u64::from(sum.fixable) * times;
        self.kev += u64::from(sum.kev) * times;
        self.excepted += u64::from(sum.excepted) * times;
        self.assets += times;
    }

    /// Adds the counts of other assets.
    pub(crate) fn join(&mut self, other: &Self) {
        for (band, more) in self.by_severity.iter_mut().zip(&other.by_severity) {
            band.findings += more.findings;
            band.vulnerabilities += more.vulnerabilities;
        }
        self.by_state.iter_mut().zip(&other.by_state).for_each(|(all, more)| *all += more);
        self.findings += other.findings;
        self.vulnerabilities += other.vulnerabilities;
        self.fixable += other.fixable;
        self.kev += other.kev;
        self.excepted += other.excepted;
        self.assets += other.assets;
    }
}

impl Sums {
    /// The same with other sums for some assets.
    fn with(mut self, counted: &[(u32, Sum)]) -> Self {
        if let Some((last, _)) = counted.last().filter(|(last, _)| self.places.len() <= *last as usize) {
            self.places.resize(*last as usize + 1, 0);
        }
        // Each once among those that come now: to look all of the others up costs more than a few more.
        let mut known: HashMap<Sum, u32> = HashMap::from([(Sum::default(), 0)]);
        for (no, sum) in counted {
            let next = self.sums.len() as u32;
            let place = *known.entry(*sum).or_insert(next);
            if place == next {
                self.sums.push(*sum);
            }
            self.places[*no as usize] = place;
        }
        if self.sums.len() > self.places.len() { self.compact() } else { self }
    }

    /// The same without sums that no asset has.
    fn compact(self) -> Self {
        let counted: Vec<(u32, Sum)> =
            (0..).zip(&self.places).map(|(no, place)| (no, self.sums[*place as usize])).collect();
        let (places, mut sums) = (vec![0; counted.len()], vec![Sum::default()]);
        let mut known: HashMap<Sum, u32> = HashMap::from([(Sum::default(), 0)]);
        let mut compact = Self { places, sums: Vec::new(), ..self };
        for (no, sum) in counted {
            let next = sums.len() as u32;
            let place = *known.entry(sum).or_insert(next);
            if place == next {
                sums.push(sum);
            }
            compact.places[no as usize] = place;
        }
        compact.sums = sums;
        compact
    }

    /// What these assets come to.
    fn total(&self, assets: &RoaringBitmap) -> Counts {
        let mut times = vec![0_u64; self.sums.len()];
        for no in assets {
            if let Some(place) = self.places.get(no as usize) {
                times[*place as usize] += 1;
            }
        }
        let mut counts = Counts::default();
        // The first is nothing, and its assets have no finding.
        let some = self.sums.iter().zip(times).skip(1).filter(|(_, times)| *times > 0);
        some.for_each(|(sum, times)| counts.add_times(sum, times));
        counts
    }
}

impl Snapshot {
    /// How much a query holds. Cheaper than the rows: nothing is worked out that no filter asks for, and what
    /// was counted once is kept.
    pub fn count(&self, query: &Query<'_>) -> Counts {
        let (data, layer, split) = (&self.data, self.layer(query.now), Split::new(query.filter));
        if split.asks_coverage() {
            let assets = self.assets_to_walk(query).into_iter().map(|no| no.0).collect();
            return self.walk_to_count(query, &assets);
        }
        let about_assets = split.asset_parts();
        let mut assets = RoaringBitmap::new();
        for kind in [AssetKind::Image, AssetKind::Container, AssetKind::Host] {
            let mut current = data.current(query.scope, kind);
            if let Some(chosen) = query.within {
                current &= chosen;
            }
            assets |= data.accepted(&about_assets, current);
        }
        let about_rows = split.row_parts();
        let text = about_rows.to_string();
        if assets.len() < FEW || text.len() > LONGEST {
            let assets = data.may_hold(&about_rows, assets);
            return self.walk_to_count(query, &assets);
        }
        let kernels = query.include_not_run_here;
        let Standing { thing, touched } = data.sums(&layer, &about_rows, text, kernels, query.now);
        let unsure = &touched & &assets;
        let mut counts = thing.total(&(assets - &unsure));
        counts.join(&self.walk_to_count(query, &unsure));
        counts
    }

    /// The same by walking these assets, on all processors.
    fn walk_to_count(&self, query: &Query<'_>, assets: &RoaringBitmap) -> Counts {
        let mut all = Counts::default();
        let count = |part: &[AssetNo]| {
            let (mut walk, mut counter) = (self.walk(query, false), Counter::default());
            for asset in part.iter().filter_map(|no| self.data.assets.get(*no)) {
                if walk.sees(&asset) {
                    let _ = walk.turn_to(&asset, None, &mut |row, open| counter.add(row, open));
                }
            }
            counter.counts
        };
        in_parts(assets, count).iter().for_each(|part| all.join(part));
        all
    }
}

impl Data {
    fn sums(
        &self,
        layer: &Arc<Layer>,
        filter: &Filter,
        text: String,
        kernels: bool,
        now: Millis,
    ) -> Standing<Sums> {
        let fits = |sums: &Sums| sums.beside.is_that_of(self, layer);
        self.kept.get_grown(&self.journal, Key::Sums(text, kernels), fits, |old| match old {
            Some(old) => self.grown_sums(old, layer, now),
            None => {
                let kinds = [AssetKind::Image, AssetKind::Container, AssetKind::Host];
                let current =
                    kinds.into_iter().fold(RoaringBitmap::new(), |all, kind| all | self.all_current(kind));
                let counted = self.sums_of(layer, filter, kernels, now, &self.may_hold(filter, current));
                let beside = Beside::new(self, layer);
                let (places, sums) = (Vec::new(), vec![Sum::default()]);
                Sums { filter: filter.clone(), kernels, beside, places, sums }.with(&counted)
            }
        })
    }

    fn grown_sums(&self, old: Standing<Sums>, layer: &Arc<Layer>, now: Millis) -> Sums {
        let Standing { thing: old, touched } = old;
        let counted = self.sums_of(layer, &old.filter, old.kernels, now, &touched);
        let (places, sums) = (old.places.clone(), old.sums.clone());
        let beside = Beside::new(self, layer);
        Sums { filter: old.filter.clone(), kernels: old.kernels, beside, places, sums }.with(&counted)
    }

    /// Makes kept counts anew from those there are, when more than `most` assets were touched since.
    pub(crate) fn refresh_sums(&self, layer: &Arc<Layer>, key: &Key, now: Millis, most: u64) {
        self.kept.regrow(&self.journal, key, most, |old: Standing<Sums>| {
            old.thing.beside.is_that_of(self, layer).then(|| self.grown_sums(old, layer, now))
        });
    }

    /// Counts everything, so that the bare count is at hand.
    pub(crate) fn make_sums(&self, layer: &Arc<Layer>, now: Millis) {
        self.sums(layer, &Filter::All, Filter::All.to_string(), false, now);
    }

    /// Counts assets one by one, on all processors; ascending.
    fn sums_of(
        &self,
        layer: &Arc<Layer>,
        filter: &Filter,
        kernels: bool,
        now: Millis,
        assets: &RoaringBitmap,
    ) -> Vec<(u32, Sum)> {
        // Every asset is counted, whoever may see it: whoever asks names the assets.
        let scope = Principal::local(ProjectNo(0)).scope();
        let query = Query { include_not_run_here: kernels, ..Query::new(&scope, filter, now) };
        let count = |part: &[AssetNo]| {
            let mut walk = Walk::new(self, &query, Arc::clone(layer), None, false);
            let views = part.iter().filter_map(|no| self.assets.get(*no));
            let counted = views.map(|asset| {
                let mut counter = Counter::default();
                let _ = walk.turn_to(&asset, None, &mut |row, open| counter.add(row, open));
                (asset.row.no.0, Sum::of(&counter.counts))
            });
            counted.collect::<Vec<_>>()
        };
        in_parts(assets, count).into_iter().flatten().collect()
    }
}
