//! Rows that stand for several findings: one per vulnerability, or one per asset and vulnerability.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use parapet_model::exception::Exception;
use parapet_model::facts::{AssetRow, EnterpriseProjectRow, PackageRow};
use parapet_model::finding::Finding;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AssetNo, Millis, Scope, Severity, VulnerabilityNo};
use parapet_posture::{Query, Snapshot};

/// What several findings of one vulnerability say together.
#[derive(Debug)]
pub struct VulnerabilityRow<'a> {
    /// The vulnerability.
    pub vulnerability: &'a Vulnerability,
    /// Worst band among the findings.
    pub severity: Severity,
    /// The one asset, in rows that are per asset.
    pub asset: Option<&'a AssetRow>,
    /// The image of that asset, when it is a container.
    pub image: Option<&'a AssetRow>,
    /// All assets, by number.
    pub assets: &'a [RowAsset<'a>],
    /// How many of them an exception covers.
    pub excepted_assets: u64,
    /// Their enterprise projects.
    pub enterprise_projects: &'a [&'a EnterpriseProjectRow],
    /// The packages, without doubles.
    pub packages: &'a [&'a PackageRow],
    /// Fixed versions beside `packages`; empty where there is none.
    pub fixed_versions: &'a [&'a str],
    /// Whether any finding can be fixed.
    pub fixable: bool,
    /// Earliest first stint.
    pub first_found: Millis,
    /// Latest observation.
    pub last_found: Millis,
}

impl VulnerabilityRow<'_> {
    /// Appends what is to be upgraded to which version; nothing where nothing is fixed.
    pub fn write_solution(&self, out: &mut String) {
        let fixed = self.packages.iter().zip(self.fixed_versions).filter(|(_, fixed)| !fixed.is_empty());
        for (i, (package, fixed)) in fixed.enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            // Writing to a text cannot fail.
            let _ = write!(out, "{separator}Upgrade {} to {fixed}", package.key.name);
        }
    }
}

/// One asset of a row.
#[derive(Debug, Clone, Copy)]
pub struct RowAsset<'a> {
    /// The asset.
    pub asset: &'a AssetRow,
    /// An exception that hides findings of the vulnerability here; `None` while any is not hidden.
    pub exception: Option<&'a Exception>,
    /// Worst band among the findings here.
    pub severity: Severity,
}

/// Gathers findings of one row.
#[derive(Debug)]
struct Gathered<'a> {
    vulnerability: &'a Vulnerability,
    severity: Severity,
    assets: Vec<RowAsset<'a>>,
    packages: Vec<(&'a PackageRow, &'a str)>,
    fixable: bool,
    first_found: Millis,
    last_found: Millis,
}

impl<'a> Gathered<'a> {
    fn new(finding: &Finding<'a>) -> Self {
        Self {
            vulnerability: finding.vulnerability,
            severity: finding.verdict.severity,
            assets: Vec::new(),
            packages: Vec::new(),
            fixable: false,
            first_found: finding.first_found,
            last_found: finding.last_found,
        }
    }

    /// Findings come grouped by asset, so only the last asset can be this one.
    fn add(&mut self, finding: &Finding<'a>) {
        self.severity = self.severity.max(finding.verdict.severity);
        self.fixable |= finding.verdict.state.is_fixable();
        self.first_found = self.first_found.min(finding.first_found);
        self.last_found = self.last_found.max(finding.last_found);
        match self.assets.last_mut() {
            Some(last) if last.asset.no == finding.asset.no => {
                last.exception = last.exception.filter(|_| finding.exception.is_some());
                last.severity = last.severity.max(finding.verdict.severity);
            }
            _ => self.assets.push(RowAsset {
                asset: finding.asset,
                exception: finding.exception,
                severity: finding.verdict.severity,
            }),
        }
        if !self.packages.iter().any(|(p, _)| p.no == finding.package.no) {
            self.packages.push((finding.package, &finding.verdict.fixed_version));
        }
    }

    fn emit<E>(
        &self,
        snapshot: &'a Snapshot,
        scope: &Scope,
        per_asset: bool,
        each: &mut dyn FnMut(&VulnerabilityRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (packages, fixed): (Vec<&PackageRow>, Vec<&str>) = self.packages.iter().copied().unzip();
        let mut numbers: Vec<_> = self.assets.iter().map(|a| a.asset.enterprise_project).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let projects: Vec<&EnterpriseProjectRow> =
            numbers.into_iter().filter_map(|no| snapshot.enterprise_project(no)).collect();
        let asset = self.assets.first().filter(|_| per_asset).map(|one| one.asset);
        each(&VulnerabilityRow {
            vulnerability: self.vulnerability,
            severity: self.severity,
            asset,
            image: asset.and_then(|asset| snapshot.asset(scope, asset.image?)),
            assets: &self.assets,
            excepted_assets: self.assets.iter().filter(|one| one.exception.is_some()).count() as u64,
            enterprise_projects: &projects,
            packages: &packages,
            fixed_versions: &fixed,
            fixable: self.fixable,
            first_found: self.first_found,
            last_found: self.last_found,
        })
    }
}

/// One row per vulnerability, by id.
pub fn each_vulnerability<E>(
    snapshot: &Snapshot,
    query: &Query<'_>,
    each: &mut dyn FnMut(&VulnerabilityRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut rows: HashMap<VulnerabilityNo, Gathered<'_>> = HashMap::new();
    let _ = snapshot.findings(query, |finding| {
        rows.entry(finding.vulnerability.no).or_insert_with(|| Gathered::new(finding)).add(finding);
        ControlFlow::Continue(())
    });
    let mut rows: Vec<_> = rows.into_values().collect();
    rows.sort_unstable_by(|a, b| a.vulnerability.id.cmp(&b.vulnerability.id));
    rows.iter().try_for_each(|row| row.emit(snapshot, query.scope, false, each))
}

/// One row per asset and vulnerability: assets by number, vulnerabilities by id.
pub fn each_asset_vulnerability<E>(
    snapshot: &Snapshot,
    query: &Query<'_>,
    each: &mut dyn FnMut(&VulnerabilityRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut result = Ok(());
    let mut current: Option<AssetNo> = None;
    let mut rows: Vec<Gathered<'_>> = Vec::new();
    let mut index: HashMap<VulnerabilityNo, usize> = HashMap::new();
    let mut flush = |rows: &mut Vec<Gathered<'_>>| {
        rows.sort_unstable_by(|a, b| a.vulnerability.id.cmp(&b.vulnerability.id));
        rows.drain(..).try_for_each(|row| row.emit(snapshot, query.scope, true, each))
    };
    let _ = snapshot.findings(query, |finding| {
        if current != Some(finding.asset.no) {
            current = Some(finding.asset.no);
            index.clear();
            result = flush(&mut rows);
        }
        let at = *index.entry(finding.vulnerability.no).or_insert_with(|| {
            rows.push(Gathered::new(finding));
            rows.len() - 1
        });
        rows[at].add(finding);
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    result?;
    flush(&mut rows)
}
