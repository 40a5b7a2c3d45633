//! Rows that stand for several findings: one per vulnerability, or one per asset and vulnerability.
//!
//! Rows per vulnerability are put together for a few hundred vulnerabilities at a time, rows per asset
//! for one asset at a time, so that a list of any length takes the same memory. A part of a list asks
//! only what is in that part.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use parapet_model::exception::Exception;
use parapet_model::facts::{AssetRow, EnterpriseProjectRow, PackageRow};
use parapet_model::finding::Finding;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{Millis, Severity, VulnerabilityNo};
use parapet_posture::{AssetSet, Query, Snapshot, Window};

use super::order::{FirstBytes, compare};
use crate::host_scans::Verifying;

/// Vulnerabilities whose rows are put together at once.
const BATCH: usize = 256;

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
    /// A sensor was asked to look whether it is still there, and has not looked yet.
    pub verifying: bool,
}

/// What rows are made of.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'s> {
    /// The findings.
    pub snapshot: &'s Snapshot,
    /// What is being verified.
    pub verifying: &'s Verifying,
}

/// Gathers findings of one vulnerability on any assets.
#[derive(Debug)]
struct Gathered<'a> {
    vulnerability: &'a Vulnerability,
    severity: Severity,
    assets: Vec<RowAsset<'a>>,
    packages: Vec<&'a PackageRow>,
    fixed_versions: Vec<&'a str>,
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
            fixed_versions: Vec::new(),
            fixable: false,
            first_found: finding.first_found,
            last_found: finding.last_found,
        }
    }

    /// Begins another row in the same memory.
    fn restart(&mut self, finding: &Finding<'a>) {
        self.assets.clear();
        self.packages.clear();
        self.fixed_versions.clear();
        (self.vulnerability, self.severity, self.fixable) =
            (finding.vulnerability, finding.verdict.severity, false);
        (self.first_found, self.last_found) = (finding.first_found, finding.last_found);
    }

    /// Findings come grouped by asset, so only the last asset can be this one.
    fn add(&mut self, finding: &Finding<'a>, verifying: &Verifying) {
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
                verifying: !verifying.is_empty() && verifying.has(finding.vulnerability.no, finding.asset.no),
            }),
        }
        if !self.packages.iter().any(|package| std::ptr::eq(*package, finding.package)) {
            self.packages.push(finding.package);
            self.fixed_versions.push(&finding.verdict.fixed_version);
        }
    }

    /// The row, with what is the same for all rows of an asset.
    fn row<'r>(&'r self, of: &Shared<'r>) -> VulnerabilityRow<'r> {
        VulnerabilityRow {
            vulnerability: self.vulnerability,
            severity: self.severity,
            asset: of.asset,
            image: of.image,
            assets: &self.assets,
            excepted_assets: self.assets.iter().filter(|one| one.exception.is_some()).count() as u64,
            enterprise_projects: of.enterprise_projects,
            packages: &self.packages,
            fixed_versions: &self.fixed_versions,
            fixable: self.fixable,
            first_found: self.first_found,
            last_found: self.last_found,
        }
    }
}

/// What a row has beside its findings.
#[derive(Debug)]
struct Shared<'r> {
    asset: Option<&'r AssetRow>,
    image: Option<&'r AssetRow>,
    enterprise_projects: &'r [&'r EnterpriseProjectRow],
}

/// Calls `each` with a row per vulnerability of that part of the list by id; how long the list is.
pub fn each_vulnerability<E>(
    of: Rows<'_>,
    query: &Query<'_>,
    window: Window,
    each: &mut dyn FnMut(&VulnerabilityRow<'_>) -> Result<(), E>,
) -> Result<usize, E> {
    let Rows { snapshot, verifying } = of;
    let found = snapshot.vulnerabilities_found(query);
    let from = window.offset.min(found.len());
    let to = from.saturating_add(window.limit).min(found.len());
    for batch in found[from..to].chunks(BATCH) {
        let mut rows: HashMap<VulnerabilityNo, Gathered<'_>> = HashMap::with_capacity(batch.len());
        let _ = snapshot.findings_of(query, batch, |finding| {
            rows.entry(finding.vulnerability.no)
                .or_insert_with(|| Gathered::new(finding))
                .add(finding, verifying);
            ControlFlow::Continue(())
        });
        for row in batch.iter().filter_map(|no| rows.get(no)) {
            let mut numbers: Vec<_> = row.assets.iter().map(|one| one.asset.enterprise_project).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let projects: Vec<&EnterpriseProjectRow> =
                numbers.into_iter().filter_map(|no| snapshot.enterprise_project(no)).collect();
            each(&row.row(&Shared { asset: None, image: None, enterprise_projects: &projects }))?;
        }
    }
    Ok(found.len())
}

/// Calls `each` with a row per asset and vulnerability of that part of the list; how long the list is.
/// Assets come by number, vulnerabilities by id.
pub fn each_asset_vulnerability<E>(
    of: Rows<'_>,
    query: &Query<'_>,
    window: Window,
    each: &mut dyn FnMut(&VulnerabilityRow<'_>) -> Result<(), E>,
) -> Result<usize, E> {
    if window == Window::ALL {
        let mut total = 0;
        each_pair(of, query, &mut |row| {
            total += 1;
            each(row)
        })?;
        return Ok(total);
    }
    let counted = of.snapshot.vulnerabilities_by_asset(query);
    let total = counted.iter().map(|on| on.vulnerabilities as usize).sum();
    let end = window.offset.saturating_add(window.limit);
    // The assets that have rows of the part, and how many rows lie before them.
    let (mut before, mut passed, mut within) = (0, 0, AssetSet::new());
    for on in counted.iter() {
        let next = passed + on.vulnerabilities as usize;
        if next <= window.offset {
            before = next;
        } else if passed < end {
            within.insert(on.asset.0);
        }
        passed = next;
    }
    if within.is_empty() {
        return Ok(total);
    }
    let whole = before == 0 && end >= total && query.within.is_none();
    let part = Query { within: if whole { None } else { Some(&within) }, ..*query };
    let mut at = before;
    let mut in_part = |row: &VulnerabilityRow<'_>| {
        let taken = (window.offset..end).contains(&at);
        at += 1;
        if taken { each(row) } else { Ok(()) }
    };
    each_pair(of, &part, &mut in_part)?;
    Ok(total)
}

/// Puts the rows of one asset after the other together, in the same memory.
struct Assembly<'s> {
    of: Rows<'s>,
    /// The findings of the asset at hand, as they came.
    findings: Vec<Finding<'s>>,
    /// Their places in the order of ids, with the first bytes of the id, which nearly always decide.
    order: Vec<(u128, u32)>,
    first_bytes: FirstBytes,
    row: Option<Gathered<'s>>,
}

impl<'s> Assembly<'s> {
    fn add(&mut self, finding: &Finding<'s>) {
        self.order.push((self.first_bytes.of(finding.vulnerability), self.findings.len() as u32));
        self.findings.push(*finding);
    }

    /// The rows of the asset at hand.
    fn flush<E>(
        &mut self,
        query: &Query<'_>,
        each: &mut dyn FnMut(&VulnerabilityRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { of, findings, order, row, .. } = self;
        let Some(asset) = findings.first().map(|one| one.asset) else { return Ok(()) };
        let at = |place: u32| &findings[place as usize];
        // By id, then in the order in which they came, which is that of packages.
        order.sort_unstable_by(|a, b| {
            compare((a.0, at(a.1).vulnerability), (b.0, at(b.1).vulnerability)).then_with(|| a.1.cmp(&b.1))
        });
        let project = of.snapshot.enterprise_project(asset.enterprise_project);
        let image = asset.image.and_then(|no| of.snapshot.asset(query.scope, no));
        let shared = Shared { asset: Some(asset), image, enterprise_projects: project.as_slice() };
        // One snapshot has each once, so where it lies tells, without a look at it.
        let same =
            |a: &(u128, u32), b: &(u128, u32)| std::ptr::eq(at(a.1).vulnerability, at(b.1).vulnerability);
        for group in order.chunk_by(same) {
            let Some(first) = group.first() else { continue };
            let row = row.get_or_insert_with(|| Gathered::new(at(first.1)));
            row.restart(at(first.1));
            group.iter().for_each(|one| row.add(at(one.1), of.verifying));
            each(&row.row(&shared))?;
        }
        findings.clear();
        order.clear();
        Ok(())
    }
}

fn each_pair<E>(
    of: Rows<'_>,
    query: &Query<'_>,
    each: &mut dyn FnMut(&VulnerabilityRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut assembly =
        Assembly { of, findings: Vec::new(), order: Vec::new(), first_bytes: FirstBytes::new(), row: None };
    let mut result = Ok(());
    let _ = of.snapshot.findings_without_coverage(query, |finding| {
        if assembly.findings.first().is_some_and(|one| one.asset.no != finding.asset.no) {
            result = assembly.flush(query, each);
        }
        assembly.add(finding);
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    result?;
    assembly.flush(query, each)
}
