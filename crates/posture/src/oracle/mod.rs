//! The same answers by plain loops over facts: the truth that the fast path is tested against.
//!
//! Nothing here shares code with the fast path: no blocks, no memo, no stint table, no split
//! filter; every rule is written a second time from its sentence in the design. It is slow on
//! purpose, and public so that other crates' tests can lean on it.

mod facts;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::finding::FindingVerdict;
use parapet_model::{
    AssetNo, Coverage, ExceptionNo, MatchState, Millis, PackageNo, Severity, VulnerabilityNo,
};

use crate::count::Counts;
use crate::lists::concern;
use crate::query::Query;
pub use facts::Facts;

/// A finding that owns what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct OracleRow {
    /// Asset.
    pub asset: AssetNo,
    /// Package.
    pub package: PackageNo,
    /// Canonical vulnerability.
    pub vulnerability: VulnerabilityNo,
    /// Name of the asset's enterprise project.
    pub enterprise_project: String,
    /// Worst word of the asset.
    pub asset_coverage: Coverage,
    /// What precedence chose.
    pub verdict: FindingVerdict,
    /// Listed as known exploited.
    pub kev: bool,
    /// Kernel package that does not run where it lies.
    pub not_run_here: bool,
    /// Start of the first stint.
    pub first_found: Millis,
    /// Start of the current stint.
    pub reopened_at: Millis,
    /// Last observation of the asset.
    pub last_found: Millis,
    /// The exception that hides it.
    pub exception: Option<ExceptionNo>,
}

impl OracleRow {
    /// The same shape of a row of the fast path.
    pub fn of(finding: &parapet_model::finding::Finding<'_>) -> Self {
        Self {
            asset: finding.asset.no,
            package: finding.package.no,
            vulnerability: finding.vulnerability.no,
            enterprise_project: finding.enterprise_project.to_owned(),
            asset_coverage: finding.asset_coverage,
            verdict: finding.verdict.clone(),
            kev: finding.vulnerability.kev_added != 0,
            not_run_here: finding.not_run_here,
            first_found: finding.first_found,
            reopened_at: finding.reopened_at,
            last_found: finding.last_found,
            exception: finding.exception.map(|exception| exception.no),
        }
    }
}

/// One vulnerability of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OracleVulnerability {
    /// Assets that have it.
    pub assets: u64,
    /// Findings.
    pub findings: u64,
    /// Findings with a fix to install.
    pub fixable: u64,
    /// Worst band.
    pub severity: Severity,
    /// State farthest from a fix.
    pub worst_state: MatchState,
    /// Earliest start of a first stint.
    pub first_found: Millis,
}

/// Packages of a list that are one row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OraclePackages {
    /// Assets with a finding of any of them.
    pub assets: u64,
    /// Distinct vulnerabilities.
    pub vulnerabilities: u64,
    /// What their findings come to.
    pub counts: Counts,
    /// Assets with a finding of each package.
    pub packages: Vec<(PackageNo, u64)>,
    /// Versions with a fix to install, each once, in the order of text.
    pub fixed_versions: Vec<String>,
}

/// The packages of rows, put together by a key.
pub fn packages<K: Ord>(rows: &[OracleRow], key: impl Fn(PackageNo) -> K) -> BTreeMap<K, OraclePackages> {
    let mut by_key: BTreeMap<K, Vec<OracleRow>> = BTreeMap::new();
    for row in rows {
        by_key.entry(key(row.package)).or_default().push(row.clone());
    }
    let summary = |rows: Vec<OracleRow>| {
        let distinct =
            |of: &dyn Fn(&OracleRow) -> u32| rows.iter().map(of).collect::<BTreeSet<_>>().len() as u64;
        let numbers = BTreeSet::from_iter(rows.iter().map(|row| row.package));
        let of_package = |no: PackageNo| {
            let of_it = rows.iter().filter(|row| row.package == no);
            (no, of_it.map(|row| row.asset).collect::<BTreeSet<_>>().len() as u64)
        };
        let fixes = rows.iter().filter(|row| row.verdict.state.is_fixable());
        let fixes: BTreeSet<String> = fixes.map(|row| row.verdict.fixed_version.clone()).collect();
        OraclePackages {
            assets: distinct(&|row| row.asset.0),
            vulnerabilities: distinct(&|row| row.vulnerability.0),
            counts: count(&rows),
            packages: numbers.into_iter().map(of_package).collect(),
            fixed_versions: fixes.into_iter().collect(),
        }
    };
    by_key.into_iter().map(|(key, rows)| (key, summary(rows))).collect()
}

/// All rows of a query, in the order of [`crate::Cursor`].
pub fn findings(facts: &Facts, query: &Query<'_>) -> Vec<OracleRow> {
    rows::all(facts, query)
}

/// Counts of rows.
pub fn count(rows: &[OracleRow]) -> Counts {
    let mut counts = Counts { findings: rows.len() as u64, ..Counts::default() };
    let mut worst: BTreeMap<(AssetNo, VulnerabilityNo), Severity> = BTreeMap::new();
    for row in rows {
        let band = worst.entry((row.asset, row.vulnerability)).or_default();
        *band = (*band).max(row.verdict.severity);
        counts.by_severity[row.verdict.severity as usize].findings += 1;
        counts.by_state[row.verdict.state as usize] += 1;
        counts.fixable += u64::from(row.verdict.state.is_fixable());
        counts.kev += u64::from(row.kev);
        counts.excepted += u64::from(row.exception.is_some());
    }
    counts.vulnerabilities = worst.len() as u64;
    counts.assets = rows.iter().map(|row| row.asset).collect::<BTreeSet<_>>().len() as u64;
    for band in worst.into_values() {
        counts.by_severity[band as usize].vulnerabilities += 1;
    }
    counts
}

/// The vulnerabilities of rows.
pub fn vulnerabilities(rows: &[OracleRow]) -> BTreeMap<VulnerabilityNo, OracleVulnerability> {
    let mut by_number: BTreeMap<VulnerabilityNo, Vec<&OracleRow>> = BTreeMap::new();
    for row in rows {
        by_number.entry(row.vulnerability).or_default().push(row);
    }
    let summary = |rows: Vec<&OracleRow>| OracleVulnerability {
        assets: rows.iter().map(|row| row.asset).collect::<BTreeSet<_>>().len() as u64,
        findings: rows.len() as u64,
        fixable: rows.iter().filter(|row| row.verdict.state.is_fixable()).count() as u64,
        severity: rows.iter().map(|row| row.verdict.severity).max().unwrap_or_default(),
        worst_state: rows.iter().map(|row| row.verdict.state).max_by_key(|s| concern(*s)).unwrap_or_default(),
        first_found: rows.iter().map(|row| row.first_found).min().unwrap_or_default(),
    };
    by_number.into_iter().map(|(no, rows)| (no, summary(rows))).collect()
}
