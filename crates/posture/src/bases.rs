//! How many vulnerabilities each image has, where many images are built on the same ones.
//!
//! Images share most of what they show with all that are built on the same base. What some shared sets come to
//! together is worked out once, and of each image only its own sets are looked at beside them.

use std::collections::HashMap;

use parapet_model::{AssetKind, AssetNo, SetNo, Severity, VulnerabilityNo};

use crate::bits::Bits;
use crate::block::AssetView;
use crate::data::Data;
use crate::round_table::RoundTable;
use crate::tally::Bands;

/// A set that more assets show is shared.
const MANY: u8 = if cfg!(debug_assertions) { 1 } else { 8 };
/// More different bases are not remembered. Where tests run they are soon forgotten.
const MOST: usize = if cfg!(debug_assertions) { 2 } else { 4096 };

/// The sets that many assets show.
pub(crate) fn shared_sets(data: &Data) -> Bits {
    let mut times = vec![0_u8; data.sets.end()];
    let mut shared = Bits::none(times.len());
    for link in data.assets.from(AssetNo(0)).flat_map(|asset| asset.links) {
        if let Some(times) = times.get_mut(link.set.index()) {
            *times = times.saturating_add(1);
            if *times > MANY {
                shared.insert(link.set.index());
            }
        }
    }
    shared
}

/// What some sets come to together.
#[derive(Debug, Default)]
struct Base {
    /// The worst band of each vulnerability, by number.
    worst: Vec<(VulnerabilityNo, Severity)>,
    bands: Bands,
}

impl Base {
    fn worst_of(&self, vulnerability: VulnerabilityNo) -> Option<Severity> {
        let at = self.worst.binary_search_by_key(&vulnerability, |(no, _)| *no).ok()?;
        self.worst.get(at).map(|(_, band)| *band)
    }
}

/// Counts images one by one. See the module.
pub(crate) struct Bases<'s> {
    data: &'s Data,
    shared: &'s Bits,
    known: HashMap<Box<[SetNo]>, Base>,
    /// The worst band of each vulnerability that the own sets of the image at hand show.
    own: RoundTable<Severity>,
}

impl<'s> Bases<'s> {
    pub(crate) fn new(data: &'s Data, shared: &'s Bits) -> Self {
        Self { data, shared, known: HashMap::new(), own: RoundTable::default() }
    }

    /// The vulnerabilities of an image as though there were no exceptions; `None` for what is no image, and shows
    /// more than its sets.
    pub(crate) fn bands(&mut self, asset: &AssetView<'_>) -> Option<Bands> {
        if asset.row.kind != AssetKind::Image || !asset.deltas.is_empty() {
            return None;
        }
        let data = self.data;
        let open = asset.links.iter().filter(|link| link.held.is_open()).map(|link| link.set);
        let (mut shared, own): (Vec<SetNo>, Vec<SetNo>) =
            open.partition(|set| self.shared.contains(set.index()));
        shared.sort_unstable();
        shared.dedup();
        if self.known.len() >= MOST && !self.known.contains_key(shared.as_slice()) {
            self.known.clear();
        }
        let base = match self.known.get(shared.as_slice()) {
            Some(base) => base,
            None => {
                let base = base_of(data, &shared, &mut self.own);
                self.known.entry(shared.into()).or_insert(base)
            }
        };
        let mut bands = base.bands;
        self.own.clear();
        each_open(data, &own, &mut |vulnerability, band| {
            let before = match self.own.get(vulnerability) {
                Some(worst) => Some(worst),
                None => base.worst_of(vulnerability),
            };
            if before.is_none_or(|before| before < band) {
                if let Some(before) = before {
                    bands[before as usize] -= 1;
                }
                bands[band as usize] += 1;
                put(&mut self.own, vulnerability, band);
            }
        });
        Some(bands)
    }
}

fn base_of(data: &Data, sets: &[SetNo], worst: &mut RoundTable<Severity>) -> Base {
    let mut base = Base::default();
    worst.clear();
    each_open(data, sets, &mut |vulnerability, band| {
        if worst.get(vulnerability).is_none_or(|before| before < band) {
            put(worst, vulnerability, band);
            base.worst.push((vulnerability, band));
        }
    });
    // The last word on a vulnerability is its worst.
    base.worst.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    base.worst.dedup_by_key(|(no, _)| *no);
    base.worst.iter().for_each(|(_, band)| base.bands[*band as usize] += 1);
    base
}

fn put(worst: &mut RoundTable<Severity>, vulnerability: VulnerabilityNo, band: Severity) {
    match worst.get_mut(vulnerability) {
        Some(known) => *known = band,
        None => worst.insert(vulnerability, band),
    }
}

/// Calls `visit` with each vulnerability that a package of these sets has, which runs in images; those of several
/// packages come several times.
fn each_open(data: &Data, sets: &[SetNo], visit: &mut impl FnMut(VulnerabilityNo, Severity)) {
    for package in sets.iter().flat_map(|set| data.sets.members(*set)) {
        let Some((entry, _)) = data.tables.package(*package).filter(|(entry, _)| !entry.kernel) else {
            continue;
        };
        for open in entry.verdicts.iter().flat_map(|verdicts| &verdicts.open) {
            if data.tables.vulnerability(open.vulnerability).is_some() {
                visit(open.vulnerability, open.verdict.severity);
            }
        }
    }
}
