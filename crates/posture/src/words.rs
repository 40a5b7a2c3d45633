//! How many assets of a scope have which coverage word, from words that are kept by asset.

use std::collections::BTreeMap;
use std::sync::Arc;

use parapet_model::coverage::EcosystemCoverage;
use parapet_model::{AssetKind, AssetNo, Coverage, Scope};
use roaring::RoaringBitmap;

use crate::data::Data;
use crate::kept::{Key, Standing};
use crate::presence::Presence;
use crate::snapshot::Snapshot;
use crate::threads::in_parts;

/// The word of every asset that was current, and the table by which it was judged.
#[derive(Debug)]
struct Words {
    judged_by: Arc<Vec<EcosystemCoverage>>,
    /// By number of the asset.
    words: Vec<Coverage>,
}

impl Snapshot {
    /// How many current assets of a scope have each coverage word.
    pub fn coverage(&self, scope: &Scope) -> BTreeMap<Coverage, u64> {
        let kinds = [AssetKind::Image, AssetKind::Container, AssetKind::Host];
        let current = kinds.map(|kind| self.data.current(scope, kind));
        self.coverage_among(&current.into_iter().fold(RoaringBitmap::new(), |all, some| all | some))
    }

    /// How many of some assets have each coverage word.
    pub(crate) fn coverage_among(&self, assets: &RoaringBitmap) -> BTreeMap<Coverage, u64> {
        let data = &self.data;
        let table = &data.tables.coverage;
        let fits = |words: &Words| Arc::ptr_eq(&words.judged_by, table);
        let make = || {
            let mut words = vec![Coverage::default(); data.assets.end()];
            let all: RoaringBitmap = data.assets.from(AssetNo(0)).map(|asset| asset.row.no.0).collect();
            for (no, word) in in_parts(&all, |part| data.words_of(part)).into_iter().flatten() {
                if let Some(place) = words.get_mut(no.index()) {
                    *place = word;
                }
            }
            Words { judged_by: Arc::clone(table), words }
        };
        let Standing { thing, touched } = data.kept.get(&data.journal, Key::Words, fits, make);
        let mut counts: BTreeMap<Coverage, u64> = BTreeMap::new();
        let again: Vec<AssetNo> = (assets & &touched).iter().map(AssetNo).collect();
        for no in assets - &touched {
            *counts.entry(thing.words.get(no as usize).copied().unwrap_or_default()).or_default() += 1;
        }
        for (_, word) in data.words_of(&again) {
            *counts.entry(word).or_default() += 1;
        }
        counts
    }
}

impl Data {
    fn words_of(&self, numbers: &[AssetNo]) -> Vec<(AssetNo, Coverage)> {
        let mut presence = Presence::default();
        let mut words = Vec::with_capacity(numbers.len());
        for asset in numbers.iter().filter_map(|no| self.assets.get(*no)) {
            presence.read(self, &asset);
            words.push((asset.row.no, presence.coverage));
        }
        words
    }
}
