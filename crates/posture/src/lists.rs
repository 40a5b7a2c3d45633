//! Lists for people: vulnerabilities by risk, assets with their counts.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use parapet_model::facts::AssetRow;
use parapet_model::finding::Finding;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AssetKind, AssetNo, Coverage, ExceptionNo, MatchState, Millis, Risk, Severity, VulnerabilityNo,
};
use roaring::RoaringBitmap;

use crate::block::AssetView;
use crate::count::{Counter, Counts};
use crate::holders::Holders;
use crate::kept::Key;
use crate::only::Only;
use crate::query::{List, Query, Window};
use crate::snapshot::Snapshot;
use crate::split::Split;
use crate::threads::in_parts;
use crate::walk::Walk;

/// Longer pages are cut from a list of all.
const LARGEST_PAGE: usize = 1000;

/// A vulnerability with all its findings of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct VulnerabilitySummary<'s> {
    /// The canonical vulnerability.
    pub vulnerability: &'s Vulnerability,
    /// What its findings come to.
    pub totals: Totals,
}

/// What the findings of one vulnerability come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Assets that have it.
    pub assets: u64,
    /// Findings.
    pub findings: u64,
    /// Findings with a fix to install.
    pub fixable: u64,
    /// Findings that an exception hides.
    pub excepted: u64,
    /// Worst band that any finding has.
    pub severity: Severity,
    /// The state of the finding farthest from a fix, see [`concern`].
    pub worst_state: MatchState,
    /// Earliest start of a first stint.
    pub first_found: Millis,
    /// Latest observation of any of the assets.
    pub last_found: Millis,
}

/// How far a state is from a fix, farthest last: fix available, fix with subscription, under
/// investigation, postponed, affected, won't fix.
pub fn concern(state: MatchState) -> u8 {
    match state {
        MatchState::NotAffected => 0,
        MatchState::FixAvailable => 1,
        MatchState::FixWithSubscription => 2,
        MatchState::UnderInvestigation => 3,
        MatchState::Postponed => 4,
        MatchState::Affected => 5,
        MatchState::WontFix => 6,
    }
}

/// In which order vulnerabilities are listed; ties by id, then number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VulnerabilityOrder {
    /// By [`VulnerabilitySummary::risk`], the most urgent first.
    #[default]
    Risk,
    /// Worst band first.
    Severity,
    /// Most assets first.
    Assets,
    /// Latest first found first.
    FirstFound,
    /// By id.
    Id,
}

/// An asset with its findings of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AssetSummary<'s> {
    /// The asset.
    pub asset: &'s AssetRow,
    /// Its worst coverage word.
    pub coverage: Coverage,
    /// Its findings; `assets` is 1 when there are any.
    pub counts: Counts,
}

/// In which order assets are listed; ties by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AssetOrder {
    /// In the order they became known.
    #[default]
    Number,
    /// By name.
    Name,
    /// Most vulnerabilities of the worst band first, then of the next.
    Risk,
}

impl Snapshot {
    /// The vulnerabilities among the findings of a query. What is listed is kept as long as nothing
    /// changes, unless the query is within some assets.
    ///
    /// Of a page in an order that asks for severity and a fix at most, only the findings of the vulnerabilities on it
    /// are counted.
    pub fn vulnerabilities<'s>(
        &'s self,
        query: &Query<'_>,
        order: VulnerabilityOrder,
        window: Window,
    ) -> List<VulnerabilitySummary<'s>> {
        let weighs = window.limit <= LARGEST_PAGE && order.asks_weight_alone();
        let (total, shown) = if weighs && !self.walk(query, true).asks_coverage() {
            let page = self.ranked(
                query,
                |key| Key::Vulnerabilities(format!("{order:?} {window:?} {key}")),
                || {
                    let all = self.ranked(
                        query,
                        |key| Key::Weighed(format!("{order:?} {key}")),
                        || self.in_order_of_weight(query, order),
                    );
                    let page: Vec<_> =
                        all.rows.iter().skip(window.offset).take(window.limit).copied().collect();
                    let totals = self.totals(query, Some(&page));
                    let rows = page.into_iter().filter_map(|no| Some((no, *totals.get(&no)?)));
                    (all.total, rows.collect())
                },
            );
            (page.total, page.rows.clone())
        } else {
            let all = self.ranked(
                query,
                |key| Key::Vulnerabilities(format!("{order:?} {key}")),
                || {
                    let totals = self.totals(query, None);
                    let summaries = totals.into_iter().filter_map(|(no, totals)| {
                        Some(VulnerabilitySummary { vulnerability: self.vulnerability(no)?, totals })
                    });
                    let mut summaries: Vec<VulnerabilitySummary<'_>> = summaries.collect();
                    summaries.sort_by(|a, b| order.compare(a, b));
                    let rows =
                        summaries.into_iter().map(|summary| (summary.vulnerability.no, summary.totals));
                    let rows: Vec<_> = rows.collect();
                    (rows.len(), rows)
                },
            );
            (all.total, all.rows.iter().skip(window.offset).take(window.limit).copied().collect())
        };
        let rows = shown.into_iter().filter_map(|(no, totals)| {
            Some(VulnerabilitySummary { vulnerability: self.vulnerability(no)?, totals })
        });
        List { total, rows: rows.collect() }
    }

    /// Something about the vulnerabilities of a query, kept as long as nothing changes, unless the query is within
    /// some assets. `make` gives how long the whole list is, and the rows.
    fn ranked<T: Send + Sync + 'static>(
        &self,
        query: &Query<'_>,
        key: impl FnOnce(String) -> Key,
        make: impl FnOnce() -> (usize, Vec<T>),
    ) -> Arc<Ranked<T>> {
        let (data, layer) = (&self.data, self.layer(query.now));
        let generation = data.journal.generation();
        let held: Vec<ExceptionNo> = layer.active.iter().map(|active| active.exception.no).collect();
        let fits = |ranked: &Ranked<T>| ranked.generation == generation && ranked.exceptions == held;
        let rank = || {
            let (total, rows) = make();
            Ranked { generation, exceptions: held.clone(), total, rows }
        };
        if query.within.is_some() {
            return Arc::new(rank());
        }
        let key = key(format!("{} {} {}", query.scope.describe(), query.include_not_run_here, query.filter));
        data.kept.get_exact(&data.journal, key, fits, rank)
    }

    /// All vulnerabilities of a query, as [`VulnerabilityOrder::compare`] has them.
    fn in_order_of_weight(
        &self,
        query: &Query<'_>,
        order: VulnerabilityOrder,
    ) -> (usize, Vec<VulnerabilityNo>) {
        let weights = self.weights(query);
        let rows = weights.iter().filter_map(|(no, weight)| {
            let vulnerability = self.vulnerability(no)?;
            let risk = match order {
                VulnerabilityOrder::Risk => {
                    Risk::of_vulnerability(vulnerability, weight.severity, weight.fixable)
                }
                _ => Risk::default(),
            };
            let severity = match order {
                VulnerabilityOrder::Severity => weight.severity,
                _ => Severity::None,
            };
            Some((Reverse((risk, severity)), vulnerability.id.as_str(), no))
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable();
        (rows.len(), rows.into_iter().map(|(_, _, no)| no).collect())
    }

    /// What each vulnerability comes to, or each of some canonical ones, counted on all processors. Some may be
    /// given unless the query or an exception asks for a coverage word.
    fn totals(
        &self,
        query: &Query<'_>,
        some: Option<&[VulnerabilityNo]>,
    ) -> HashMap<VulnerabilityNo, Totals> {
        let only = some.map(|some| Arc::new(Only::vulnerabilities(&self.data, some)));
        let walk = || {
            let mut walk = self.walk(query, true);
            if let Some(only) = &only {
                walk.restrict(Arc::clone(only));
            }
            walk
        };
        let numbers = match only.is_some().then(|| walk().candidates()).flatten() {
            Some(candidates) => candidates,
            None => self.asset_numbers(query),
        };
        let mut all: HashMap<VulnerabilityNo, Totals> = HashMap::new();
        for (no, totals) in in_parts(&numbers, |part| self.totals_of(walk(), part)).into_iter().flatten() {
            all.entry(no).and_modify(|sum| sum.join(&totals)).or_insert(totals);
        }
        all
    }

    fn totals_of<'s>(
        &'s self,
        mut walk: Walk<'s, '_>,
        numbers: &[AssetNo],
    ) -> HashMap<VulnerabilityNo, Totals> {
        let mut totals: HashMap<VulnerabilityNo, (Totals, AssetNo)> = HashMap::new();
        for asset in numbers.iter().filter_map(|no| self.data.assets.get(*no)) {
            if !walk.sees(&asset) {
                continue;
            }
            let _ = walk.turn_to(&asset, None, &mut |row, _| {
                let (sum, last) = totals
                    .entry(row.vulnerability.no)
                    .or_insert_with(|| (Totals { assets: 1, ..Totals::of(row) }, row.asset.no));
                sum.assets += u64::from(*last != row.asset.no);
                *last = row.asset.no;
                sum.add(row);
                ControlFlow::Continue(())
            });
        }
        totals.into_iter().map(|(no, (totals, _))| (no, totals)).collect()
    }

    /// The assets of a query with their findings. With a filter on the asset alone these are all
    /// assets that pass, clean ones too; otherwise those with a finding that passes.
    pub fn assets<'s>(
        &'s self,
        query: &Query<'_>,
        order: AssetOrder,
        window: Window,
    ) -> List<AssetSummary<'s>> {
        let numbers = self.asset_numbers(query);
        let mut walk = self.walk(query, false);
        let mut summaries = |numbers: &mut dyn Iterator<Item = u32>| -> Vec<AssetSummary<'s>> {
            let views = numbers.filter_map(|no| self.data.assets.get(AssetNo(no)));
            views.filter_map(|asset| self.summary(&mut walk, &asset)).collect()
        };
        let total = numbers.len() as usize;
        let rows = match order {
            AssetOrder::Number => summaries(&mut numbers.iter().skip(window.offset).take(window.limit)),
            AssetOrder::Name => {
                let name =
                    |no: u32| self.data.assets.get(AssetNo(no)).map_or("", |asset| asset.row.name.as_str());
                let mut sorted: Vec<u32> = numbers.iter().collect();
                sorted.sort_by_key(|no| (name(*no), *no));
                summaries(&mut sorted.into_iter().skip(window.offset).take(window.limit))
            }
            AssetOrder::Risk => {
                let mut rows = summaries(&mut numbers.iter());
                rows.sort_by_key(|row| {
                    Severity::WORST_FIRST.map(|band| Reverse(row.counts.severity(band).vulnerabilities))
                });
                return window.cut(rows);
            }
        };
        List { total, rows }
    }

    /// The assets of a query: with a filter on the asset alone those that pass, otherwise those with
    /// a finding that passes.
    pub fn asset_numbers(&self, query: &Query<'_>) -> RoaringBitmap {
        let (data, layer, split) = (&self.data, self.layer(query.now), Split::new(query.filter));
        let (about_assets, about_rows) = (split.asset_parts(), split.row_parts());
        let mut found = RoaringBitmap::new();
        for kind in [AssetKind::Image, AssetKind::Container, AssetKind::Host] {
            let mut current = data.current(query.scope, kind);
            if let Some(chosen) = query.within {
                current &= chosen;
            }
            let within = data.accepted(&about_assets, current);
            if split.asks_coverage() && split.is_about_assets() {
                data.each_word(&within, &mut |no, word| {
                    let asset = data.assets.get(AssetNo(no));
                    if asset.is_some_and(|asset| split.accepts_late(data, &asset, word)) {
                        found.insert(no);
                    }
                });
            } else if split.asks_coverage() {
                let mut walk = self.walk(query, false);
                let views = within.iter().filter_map(|no| data.assets.get(AssetNo(no)));
                let passing = views.filter_map(|asset| self.summary(&mut walk, &asset));
                found.extend(passing.map(|summary| summary.asset.no.0));
            } else if split.is_about_assets() {
                found |= within;
            } else {
                let kernels = query.include_not_run_here;
                let Holders { sure, unsure } = data.holders(&layer, kind, &about_rows, kernels, within);
                found |= sure | self.walked(query, &unsure);
            }
        }
        found
    }

    /// One asset with its findings of a query, if it passes.
    pub fn asset_summary<'s>(&'s self, query: &Query<'_>, no: AssetNo) -> Option<AssetSummary<'s>> {
        let asset = self.asset_view(query.scope, no)?;
        self.summary(&mut self.walk(query, false), &asset)
    }

    fn summary<'s>(&'s self, walk: &mut Walk<'s, '_>, asset: &AssetView<'s>) -> Option<AssetSummary<'s>> {
        if !walk.sees(asset) {
            return None;
        }
        let mut counter = Counter::default();
        let _ = walk.turn_to(asset, None, &mut |row, open| counter.add(row, open));
        let coverage = walk.coverage();
        let passes = if walk.split.is_about_assets() {
            walk.split.accepts_late(&self.data, asset, coverage)
        } else {
            counter.counts.findings > 0
        };
        passes.then_some(AssetSummary { asset: asset.row, coverage, counts: counter.counts })
    }
}

/// Vulnerabilities of a question, in order: all, or those of a page.
struct Ranked<T> {
    generation: u64,
    exceptions: Vec<ExceptionNo>,
    /// How many there are in all.
    total: usize,
    rows: Vec<T>,
}

impl Totals {
    fn of(row: &Finding<'_>) -> Self {
        Self {
            assets: 0,
            findings: 0,
            fixable: 0,
            excepted: 0,
            severity: row.verdict.severity,
            worst_state: row.verdict.state,
            first_found: row.first_found,
            last_found: row.last_found,
        }
    }

    fn add(&mut self, row: &Finding<'_>) {
        self.findings += 1;
        self.fixable += u64::from(row.verdict.state.is_fixable());
        self.excepted += u64::from(row.exception.is_some());
        self.worsen(row.verdict.severity, row.verdict.state);
        self.first_found = self.first_found.min(row.first_found);
        self.last_found = self.last_found.max(row.last_found);
    }

    /// Adds what other assets come to.
    fn join(&mut self, other: &Self) {
        self.assets += other.assets;
        self.findings += other.findings;
        self.fixable += other.fixable;
        self.excepted += other.excepted;
        self.worsen(other.severity, other.worst_state);
        self.first_found = self.first_found.min(other.first_found);
        self.last_found = self.last_found.max(other.last_found);
    }

    fn worsen(&mut self, severity: Severity, state: MatchState) {
        self.severity = self.severity.max(severity);
        if concern(state) > concern(self.worst_state) {
            self.worst_state = state;
        }
    }
}

impl std::ops::Deref for VulnerabilitySummary<'_> {
    type Target = Totals;

    fn deref(&self) -> &Totals {
        &self.totals
    }
}

impl VulnerabilitySummary<'_> {
    /// How urgent it is, by its worst severity, wherever it is; fixable when any finding is.
    pub fn risk(&self) -> Risk {
        Risk::of_vulnerability(self.vulnerability, self.totals.severity, self.totals.fixable > 0)
    }
}

impl VulnerabilityOrder {
    /// Whether it asks no more of findings than how they weigh.
    fn asks_weight_alone(self) -> bool {
        matches!(self, Self::Risk | Self::Severity | Self::Id)
    }

    /// How two summaries stand in this order.
    pub fn compare(self, a: &VulnerabilitySummary<'_>, b: &VulnerabilitySummary<'_>) -> Ordering {
        let (va, vb) = (a.vulnerability, b.vulnerability);
        let by_severity = b.severity.cmp(&a.severity);
        let ordered = match self {
            Self::Risk => b.risk().cmp(&a.risk()),
            Self::Severity => by_severity,
            Self::Assets => b.assets.cmp(&a.assets),
            Self::FirstFound => b.first_found.cmp(&a.first_found),
            Self::Id => Ordering::Equal,
        };
        ordered.then_with(|| va.id.cmp(&vb.id)).then_with(|| va.no.cmp(&vb.no))
    }
}
