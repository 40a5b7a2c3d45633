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
    /// The assets of each word.
    assets: BTreeMap<Coverage, RoaringBitmap>,
}

impl Words {
    fn of(&self, no: u32) -> Coverage {
        let found = self.assets.iter().find(|(_, assets)| assets.contains(no));
        found.map_or_else(Coverage::default, |(word, _)| *word)
    }
}

impl Snapshot {
    /// How many current assets of a scope have each coverage word.
    pub fn coverage(&self, scope: &Scope) -> BTreeMap<Coverage, u64> {
        let kinds = [AssetKind::Image, AssetKind::Container, AssetKind::Host];
        let current = kinds.map(|kind| self.data.current(scope, kind));
        self.coverage_among(&current.into_iter().fold(RoaringBitmap::new(), |all, more| all | more))
    }

    /// The coverage word of each of these assets.
    pub fn coverage_words(&self, numbers: &[AssetNo]) -> Vec<Coverage> {
        let mut words: BTreeMap<u32, Coverage> = BTreeMap::new();
        let all: RoaringBitmap = numbers.iter().map(|no| no.0).collect();
        self.data.each_word(&all, &mut |no, word| {
            words.insert(no, word);
        });
        numbers.iter().map(|no| words.get(&no.0).copied().unwrap_or_default()).collect()
    }

    /// How many of these assets have each coverage word.
    pub fn coverage_among(&self, numbers: &RoaringBitmap) -> BTreeMap<Coverage, u64> {
        let Standing { thing, touched } = self.data.words();
        let sure = numbers - &touched;
        let known = thing.assets.iter().map(|(word, assets)| (*word, assets.intersection_len(&sure)));
        let mut counts: BTreeMap<Coverage, u64> = known.filter(|(_, count)| *count > 0).collect();
        for (_, word) in self.data.words_again(&(numbers & touched)) {
            *counts.entry(word).or_default() += 1;
        }
        counts
    }
}

impl Data {
    fn words(&self) -> Standing<Words> {
        let fits = |words: &Words| Arc::ptr_eq(&words.judged_by, &self.tables.coverage);
        self.kept.get(&self.journal, Key::Words, fits, || self.all_words(BTreeMap::new(), None))
    }

    fn words_again(&self, touched: &RoaringBitmap) -> Vec<(AssetNo, Coverage)> {
        self.words_of(&touched.iter().map(AssetNo).collect::<Vec<_>>())
    }

    /// Calls `visit` with each of these assets and its coverage word.
    pub(crate) fn each_word(&self, numbers: &RoaringBitmap, visit: &mut dyn FnMut(u32, Coverage)) {
        let Standing { thing, touched } = self.words();
        for no in numbers - &touched {
            visit(no, thing.of(no));
        }
        for (no, word) in self.words_again(&(numbers & touched)) {
            visit(no.0, word);
        }
    }

    /// The words of all assets; of those that were `touched` where the others are known.
    fn all_words(
        &self,
        mut assets: BTreeMap<Coverage, RoaringBitmap>,
        touched: Option<&RoaringBitmap>,
    ) -> Words {
        let all = || self.assets.from(AssetNo(0)).map(|asset| asset.row.no.0).collect();
        let unknown = touched.cloned().unwrap_or_else(all);
        assets.values_mut().for_each(|assets| *assets -= &unknown);
        for (no, word) in in_parts(&unknown, |part| self.words_of(part)).into_iter().flatten() {
            assets.entry(word).or_default().insert(no.0);
        }
        Words { judged_by: Arc::clone(&self.tables.coverage), assets }
    }

    /// Makes the words anew when many assets were touched since, or are judged otherwise.
    pub(crate) fn refresh_words(&self, most: u64) {
        let fits = |words: &Words| Arc::ptr_eq(&words.judged_by, &self.tables.coverage);
        self.kept.refresh(&self.journal, Key::Words, most, fits, |old| match old {
            Some(Standing { thing, touched }) => self.all_words(thing.assets.clone(), Some(&touched)),
            None => self.all_words(BTreeMap::new(), None),
        });
    }

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
