//! The tally behind exceptions, made from the bare one: what exceptions hide is taken off.
//!
//! An exception mostly hides a few vulnerabilities on very many assets. So it is gone through by
//! vulnerability: which assets have it in which band, before and behind the exceptions. Assets that no
//! group of the veil answers for are counted one by one, and all of them when too much is hidden.

use std::collections::BTreeMap;
use std::sync::Arc;

use parapet_model::exception::Exception;
use parapet_model::{Millis, PackageNo, Severity, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::data::Data;
use crate::exceptions::Layer;
use crate::kept::Standing;
use crate::pairs::{Pair, Pairs};
use crate::tally::Tally;

/// A tally behind exceptions, and which those were.
#[derive(Debug)]
pub(crate) struct Behind {
    exceptions: Vec<(Arc<Exception>, Option<Vec<VulnerabilityNo>>)>,
    pub(crate) tally: Arc<Tally>,
}

/// With more vulnerabilities hidden in a group, counting its assets one by one is faster.
const MOST: usize = 256;

impl Behind {
    /// Whether it is behind just the exceptions of a layer.
    pub(crate) fn is_of(&self, layer: &Layer) -> bool {
        self.exceptions.len() == layer.active.len()
            && self.exceptions.iter().zip(&layer.active).all(|((exception, vulnerabilities), active)| {
                Arc::ptr_eq(exception, &active.exception) && *vulnerabilities == active.vulnerabilities
            })
    }

    /// The same with the order of its assets made.
    pub(crate) fn in_order(self) -> Self {
        self.tally.worst_first();
        self
    }

    /// Another tally behind the same exceptions.
    pub(crate) fn with(&self, tally: Tally) -> Self {
        Self { exceptions: self.exceptions.clone(), tally: Arc::new(tally) }
    }
}

impl Data {
    /// Makes the tally behind the exceptions of a layer.
    pub(crate) fn count_behind(&self, layer: &Arc<Layer>, now: Millis) -> Behind {
        let Standing { thing: bare, touched } = self.tally();
        let pairs = self.pairs();
        let veil = self.veil(layer, &pairs);
        let mut walked = &veil.odd | &touched;
        let mut covered = RoaringBitmap::new();
        veil.covers.iter().for_each(|cover| covered |= &cover.assets);
        covered -= &walked;
        let mut tally = bare.with(self.assets.end(), Vec::new());
        match veil.groups(covered.clone(), |_| true) {
            None => walked |= covered,
            Some(groups) => {
                for (places, assets) in groups {
                    let mut hidden = Bits::default();
                    for cover in places.iter().filter_map(|place| veil.covers.get(*place)) {
                        hidden.join(&cover.hidden);
                    }
                    let Some(named) = pairs.by_vulnerability(&hidden, MOST) else {
                        let packages = pairs.packages_of(&hidden, true);
                        walked |= self.assets.having(&self.sets, &packages) & assets;
                        continue;
                    };
                    for named in named.values() {
                        self.take_off(&mut tally, &pairs, named, &hidden, &assets);
                    }
                }
            }
        }
        let tally = tally.with(0, self.count_all(&walked, layer, now));
        let exceptions = layer.active.iter().map(|a| (Arc::clone(&a.exception), a.vulnerabilities.clone()));
        Behind { exceptions: exceptions.collect(), tally: Arc::new(tally) }
    }

    /// Moves one vulnerability, whose pairs these are, out of the band it has on each asset of a group
    /// into the one it has behind what is hidden there, if any.
    fn take_off(
        &self,
        tally: &mut Tally,
        pairs: &Pairs,
        named: &[Pair],
        hidden: &Bits,
        assets: &RoaringBitmap,
    ) {
        let before = self.rated(pairs, named, assets, |_| true);
        let behind = self.rated(pairs, named, assets, |pair| !hidden.contains(pair.place));
        for (band, assets) in before {
            tally.shift(&assets, band, false);
        }
        for (band, assets) in behind {
            tally.shift(&assets, band, true);
        }
    }

    /// The assets that have one vulnerability by any of its pairs that count, each in its worst band.
    fn rated(
        &self,
        pairs: &Pairs,
        named: &[Pair],
        assets: &RoaringBitmap,
        counts: impl Fn(&Pair) -> bool,
    ) -> Vec<(Severity, RoaringBitmap)> {
        let mut rated: BTreeMap<Severity, Vec<PackageNo>> = BTreeMap::new();
        for pair in named.iter().filter(|pair| counts(pair)) {
            // Kernels run on hosts only, and hosts are counted one by one.
            if !pairs.is_kernel(pair) {
                rated.entry(pair.severity).or_default().push(pairs.package(pair));
            }
        }
        let mut left = assets.clone();
        let worst_first = rated.into_iter().rev();
        let bands = worst_first.map(|(severity, packages)| {
            let having = self.assets.having(&self.sets, &packages) & &left;
            left -= &having;
            (severity, having)
        });
        bands.collect()
    }
}
