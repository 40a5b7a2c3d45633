//! Makes what is kept of all assets before anybody asks for it.

use parapet_model::{AssetKind, Millis};

use crate::snapshot::Snapshot;

/// How many assets may be touched before a thing is made anew: looking a few hundred up costs no
/// list much. Where tests run every one is too many.
const LOOKED_UP: u64 = if cfg!(debug_assertions) { 0 } else { 512 };
/// The same where each of them is walked.
const WALKED: u64 = if cfg!(debug_assertions) { 0 } else { 64 };

impl Snapshot {
    /// Makes every index of all assets that is missing, and anew those that many assets were touched
    /// since, so that whoever asks next finds it. Takes seconds on a large estate, and nobody has to wait
    /// for it. Changes no answer.
    pub fn refresh(&self, now: Millis) {
        let (data, layer) = (&self.data, self.layer(now));
        // First what the lists that everybody begins with need.
        data.refresh_census(LOOKED_UP);
        data.pairs();
        data.refresh_reaches(&layer, WALKED);
        data.refresh_tallies(&layer, now, WALKED);
        data.refresh_words(WALKED);
        data.refresh_columns(LOOKED_UP);
        for key in data.kept.asked_for() {
            data.refresh_answer(&layer, &key, WALKED);
            data.refresh_sums(&layer, &key, now, WALKED);
        }
        for kind in [AssetKind::Image, AssetKind::Container] {
            data.refresh_orders(kind, LOOKED_UP);
        }
        data.make_sums(&layer, now);
    }
}
