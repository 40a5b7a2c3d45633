//! Why a finding is there, or is not: everything that posture knows of one (asset, vulnerability,
//! package). Advisory texts and files are added by whoever holds the store.

use parapet_model::exception::{Exception, ExceptionState};
use parapet_model::facts::{AssetRow, MatchRow, PackageRow};
use parapet_model::finding::{Finding, FindingVerdict};
use parapet_model::time::union_intervals;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AssetNo, Coverage, Filter, Interval, MatchState, Millis, PackageNo, Scope, Severity, VulnerabilityNo,
};

use crate::block::AssetView;
use crate::exceptions::Layer;
use crate::inventory::Showing;
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::verdict::rank;
use crate::walk::Walk;

/// See the module.
#[derive(Debug, Clone)]
pub struct Explanation<'s> {
    /// The asset.
    pub asset: &'s AssetRow,
    /// Whether the asset counts now.
    pub current: bool,
    /// Its worst coverage word.
    pub asset_coverage: Coverage,
    /// The package.
    pub package: &'s PackageRow,
    /// The package's own word.
    pub package_coverage: Coverage,
    /// The canonical vulnerability.
    pub vulnerability: &'s Vulnerability,
    /// The finding, when it is open now, hidden or not.
    pub finding: Option<Finding<'s>>,
    /// Why, in one sentence.
    pub why: String,
    /// From where the asset shows or showed the package.
    pub showings: Vec<Showing<'s>>,
    /// What every advisory says or said: in order of precedence, those that stand first.
    pub statements: Vec<Statement<'s>>,
    /// The stints of (asset, vulnerability) over all packages of the asset, earliest first.
    pub stints: Vec<Interval>,
    /// Exceptions that cover the finding, whether or not they hold now; the one that hides it first.
    pub exceptions: Vec<Covering<'s>>,
}

/// What one advisory says of the package.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'s> {
    /// The row, with its interval and closing reason.
    pub row: &'s MatchRow,
    /// Whether this is the word that is shown.
    pub chosen: bool,
}

/// How an exception that covers a finding stands to it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It hides the finding.
    Hides,
    /// It holds as well; another one is shown.
    AlsoHolds,
    /// Nobody has decided yet.
    Pending,
    /// Approved, and it starts later.
    NotYet,
    /// Its window is over.
    Expired,
    /// Refused.
    Rejected,
    /// Ended by hand.
    Ended,
}

/// An exception that covers the finding.
#[derive(Debug, Clone, Copy)]
pub struct Covering<'s> {
    /// The exception.
    pub exception: &'s Exception,
    /// How it stands to the finding now.
    pub standing: Standing,
}

impl Snapshot {
    /// Explains one finding of the scope; `None` when asset, package or vulnerability is unknown.
    /// `vulnerability` may be any number that means the same.
    pub fn explain(
        &self,
        scope: &Scope,
        now: Millis,
        asset: AssetNo,
        vulnerability: VulnerabilityNo,
        package: PackageNo,
    ) -> Option<Explanation<'_>> {
        let view = self.asset_view(scope, asset)?;
        let vulnerability = self.data.tables.canonical(vulnerability)?;
        let (entry, package) = self.data.tables.package(package)?;
        let current = self.data.assets.is_current(&view);
        let query = Query { include_not_run_here: true, ..Query::new(scope, &Filter::All, now) };
        let mut walk = self.walk(&query, true);
        let finding = walk.finding(&view, package.no, vulnerability.no).filter(|_| current);
        let asset_coverage = walk.coverage();
        let mut showings = Vec::new();
        self.each_showing(&view, &mut |no, showing| {
            if no == package.no {
                showings.push(showing);
            }
        });
        showings.sort_unstable_by_key(|showing| (showing.held, showing.set));
        let open = entry.verdicts.as_deref().and_then(|verdicts| verdicts.open_on(vulnerability.no));
        let statements = self.statements(package.no, vulnerability.no, open.map(|open| &open.verdict));
        let why = self.why(&finding, current, &showings, &statements);
        Some(Explanation {
            asset: view.row,
            current,
            asset_coverage,
            package,
            package_coverage: self.data.tables.coverage_of(entry),
            vulnerability,
            exceptions: self.covering(&query, &view, finding.as_ref()),
            stints: self.stints_of(&view, vulnerability.no),
            finding,
            why,
            showings,
            statements,
        })
    }

    fn statements(
        &self,
        package: PackageNo,
        canonical: VulnerabilityNo,
        chosen: Option<&FindingVerdict>,
    ) -> Vec<Statement<'_>> {
        let verdicts = self.data.tables.package(package).and_then(|(entry, _)| entry.verdicts.as_deref());
        let mut rows: Vec<&MatchRow> = verdicts.map_or(&[][..], |v| &v.rows).iter().collect();
        rows.retain(|row| self.data.tables.canonical_no(row.vulnerability) == canonical);
        rows.sort_by_key(|row| (!row.held.is_open(), rank(row)));
        let shown =
            chosen.and_then(|_| rows.iter().position(|row| row.held.is_open() && row.state.is_positive()));
        let statement = |(at, row)| Statement { row, chosen: Some(at) == shown };
        rows.into_iter().enumerate().map(statement).collect()
    }

    fn why(
        &self,
        finding: &Option<Finding<'_>>,
        current: bool,
        showings: &[Showing<'_>],
        statements: &[Statement<'_>],
    ) -> String {
        if let Some(finding) = finding {
            let chosen = statements.iter().find(|statement| statement.chosen);
            let others = statements.iter().filter(|s| s.row.held.is_open() && !s.chosen).count();
            let precedence = chosen.map_or(0, |statement| statement.row.precedence);
            let band = match finding.verdict.severity {
                Severity::Unknown => "nobody rated it",
                _ if chosen.is_some_and(|s| s.row.vendor_severity == finding.verdict.severity) => {
                    "severity is the vendor's word"
                }
                _ => "severity is the band of the vulnerability or of another advisory",
            };
            return format!(
                "advisory {} decides with precedence {precedence} ({others} more stand); {band}",
                finding.verdict.advisory
            );
        }
        let stands = |positive: bool| {
            statements.iter().any(|s| s.row.held.is_open() && s.row.state.is_positive() == positive)
        };
        if !current {
            "the asset is gone, or the image is no longer referenced, run or pinned".to_owned()
        } else if !showings.iter().any(|showing| showing.held.is_open()) {
            "the asset does not show the package now".to_owned()
        } else if stands(true) && stands(false) {
            format!("an advisory of higher precedence says {}", MatchState::NotAffected)
        } else if stands(false) {
            format!("every advisory that stands says {}", MatchState::NotAffected)
        } else {
            "no advisory that stands connects the package with the vulnerability".to_owned()
        }
    }

    /// All stints of (asset, vulnerability), over every package it shows or showed.
    fn stints_of(&self, asset: &AssetView<'_>, canonical: VulnerabilityNo) -> Vec<Interval> {
        let mut pieces = Vec::new();
        self.each_showing(asset, &mut |package, showing| {
            let Some((entry, _)) = self.data.tables.package(package) else { return };
            let Some(verdicts) = entry.verdicts.as_deref() else { return };
            let open = verdicts.open_on(canonical).map(|open| Interval::since(open.since));
            let past = verdicts.past_of(canonical).iter().map(|(_, stretch)| *stretch);
            pieces.extend(past.chain(open).filter_map(|stretch| stretch.intersect(&showing.held)));
        });
        union_intervals(pieces)
    }

    /// Asks each exception of the project by itself whether it would cover the finding.
    fn covering<'s>(
        &'s self,
        query: &Query<'_>,
        asset: &AssetView<'s>,
        finding: Option<&Finding<'s>>,
    ) -> Vec<Covering<'s>> {
        let Some(finding) = finding else { return Vec::new() };
        let mut out: Vec<Covering<'s>> = Vec::new();
        for exception in self.data.exceptions.values().filter(|e| e.project == asset.row.project) {
            let layer = Layer::new(&self.data.tables, [].iter(), query.now, Some(exception.clone()));
            let mut walk = Walk::new(&self.data, query, layer.into(), Some(exception), true);
            let row = walk.finding(asset, finding.package.no, finding.vulnerability.no);
            if row.is_some_and(|row| row.exception.is_some()) {
                let hides = finding.exception.is_some_and(|hiding| hiding.no == exception.no);
                let standing = standing(exception, query.now, hides);
                out.push(Covering { exception, standing });
            }
        }
        out.sort_by_key(|c| (c.standing != Standing::Hides, c.exception.no));
        out
    }
}

fn standing(exception: &Exception, now: Millis, hides: bool) -> Standing {
    match exception.state {
        _ if hides => Standing::Hides,
        ExceptionState::Pending => Standing::Pending,
        ExceptionState::Rejected => Standing::Rejected,
        ExceptionState::Ended => Standing::Ended,
        ExceptionState::Approved if now < exception.start => Standing::NotYet,
        ExceptionState::Approved if now >= exception.end => Standing::Expired,
        ExceptionState::Approved => Standing::AlsoHolds,
    }
}
