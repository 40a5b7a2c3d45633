//! Lists for people: vulnerabilities by risk, assets with their counts.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::ops::ControlFlow;

use parapet_model::facts::AssetRow;
use parapet_model::finding::Finding;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AssetNo, Coverage, MatchState, Millis, Severity, VulnerabilityNo};

use crate::block::AssetView;
use crate::count::{Counter, Counts};
use crate::query::{List, Query, Window};
use crate::snapshot::Snapshot;
use crate::walk::Walk;

/// A vulnerability with all its findings of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct VulnerabilitySummary<'s> {
    /// The canonical vulnerability.
    pub vulnerability: &'s Vulnerability,
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
    /// Known exploited first, then by EPSS, then by severity.
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
    /// The vulnerabilities among the findings of a query.
    pub fn vulnerabilities<'s>(
        &'s self,
        query: &Query<'_>,
        order: VulnerabilityOrder,
        window: Window,
    ) -> List<VulnerabilitySummary<'s>> {
        let mut places: HashMap<VulnerabilityNo, usize> = HashMap::new();
        let mut rows: Vec<VulnerabilitySummary<'s>> = Vec::new();
        let mut last_assets: Vec<AssetNo> = Vec::new();
        let _ = self.findings(query, |row| {
            let place = *places.entry(row.vulnerability.no).or_insert_with(|| {
                rows.push(VulnerabilitySummary::of(row));
                last_assets.push(row.asset.no);
                rows.len() - 1
            });
            let summary = &mut rows[place];
            let another = last_assets[place] != row.asset.no || summary.assets == 0;
            last_assets[place] = row.asset.no;
            summary.add(row, another);
            ControlFlow::Continue(())
        });
        rows.sort_by(|a, b| order.compare(a, b));
        window.cut(rows)
    }

    /// The assets of a query with their findings. With a filter on the asset alone these are all
    /// assets that pass, clean ones too; otherwise those with a finding that passes.
    pub fn assets<'s>(
        &'s self,
        query: &Query<'_>,
        order: AssetOrder,
        window: Window,
    ) -> List<AssetSummary<'s>> {
        let mut walk = self.walk(query, false);
        let mut rows: Vec<AssetSummary<'s>> = Vec::new();
        for asset in walk.assets(AssetNo(0)) {
            rows.extend(self.summary(&mut walk, &asset));
        }
        match order {
            AssetOrder::Number => {}
            AssetOrder::Name => rows.sort_by(|a, b| a.asset.name.cmp(&b.asset.name)),
            AssetOrder::Risk => rows.sort_by_key(|row| {
                Severity::WORST_FIRST.map(|band| Reverse(row.counts.severity(band).vulnerabilities))
            }),
        }
        window.cut(rows)
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

impl<'s> VulnerabilitySummary<'s> {
    fn of(row: &Finding<'s>) -> Self {
        Self {
            vulnerability: row.vulnerability,
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

    fn add(&mut self, row: &Finding<'_>, another_asset: bool) {
        self.assets += u64::from(another_asset);
        self.findings += 1;
        self.fixable += u64::from(row.verdict.state.is_fixable());
        self.excepted += u64::from(row.exception.is_some());
        self.severity = self.severity.max(row.verdict.severity);
        if concern(row.verdict.state) > concern(self.worst_state) {
            self.worst_state = row.verdict.state;
        }
        self.first_found = self.first_found.min(row.first_found);
        self.last_found = self.last_found.max(row.last_found);
    }
}

impl VulnerabilityOrder {
    /// How two summaries stand in this order.
    pub fn compare(self, a: &VulnerabilitySummary<'_>, b: &VulnerabilitySummary<'_>) -> Ordering {
        let (va, vb) = (a.vulnerability, b.vulnerability);
        let by_severity = b.severity.cmp(&a.severity);
        let ordered = match self {
            Self::Risk => (vb.kev_added != 0)
                .cmp(&(va.kev_added != 0))
                .then_with(|| vb.epss.total_cmp(&va.epss))
                .then(by_severity),
            Self::Severity => by_severity,
            Self::Assets => b.assets.cmp(&a.assets),
            Self::FirstFound => b.first_found.cmp(&a.first_found),
            Self::Id => Ordering::Equal,
        };
        ordered.then_with(|| va.id.cmp(&vb.id)).then_with(|| va.no.cmp(&vb.no))
    }
}
