//! The join, less exceptions.

use parapet_model::exception::{Exception, TargetKind};
use parapet_model::facts::{AssetRow, PackageRow};
use parapet_model::finding::{Finding, FindingVerdict};
use parapet_model::{AssetNo, PackageNo, Severity, VulnerabilityNo};

use super::OracleRow;
use super::facts::Facts;
use crate::query::Query;

/// Every row of the query.
pub(super) fn all(facts: &Facts, query: &Query<'_>) -> Vec<OracleRow> {
    let mut out = Vec::new();
    for asset in facts.assets.values() {
        let chosen = query.within.is_none_or(|chosen| chosen.contains(asset.no.0));
        if !chosen || !query.scope.sees(asset.project, asset.enterprise_project) || !facts.is_current(asset) {
            continue;
        }
        for package in facts.packages.values() {
            let Some(inherited) = facts.shows(asset, package.no) else { continue };
            for &vulnerability in facts.vulnerabilities.keys() {
                let verdict = verdict(facts, package.no, vulnerability);
                let Some(verdict) = verdict else { continue };
                let Some(mut row) = row(facts, asset, package, vulnerability, &verdict) else { continue };
                if row.not_run_here && !query.include_not_run_here {
                    continue;
                }
                row.exception = hiding(facts, query, &row, inherited);
                if query.filter.accepts(&row) {
                    out.push(OracleRow::of(&row));
                }
            }
        }
    }
    out
}

/// What is shown for a package and a canonical vulnerability, if it counts as affected now.
fn verdict(facts: &Facts, package: PackageNo, canonical: VulnerabilityNo) -> Option<FindingVerdict> {
    if !facts.affected(package, canonical).last()?.is_open() {
        return None;
    }
    let mut rows = facts.rows(package, canonical);
    rows.retain(|row| row.held.is_open() && row.state.is_positive());
    rows.sort_by(|a, b| {
        b.precedence
            .cmp(&a.precedence)
            .then(b.state.is_fixable().cmp(&a.state.is_fixable()))
            .then(a.advisory.cmp(&b.advisory))
            .then(a.vulnerability.cmp(&b.vulnerability))
    });
    let best = rows.first()?;
    let vendor = rows.iter().map(|row| row.vendor_severity).find(|s| *s != Severity::Unknown);
    Some(FindingVerdict {
        state: best.state,
        class: best.class,
        severity: vendor.unwrap_or(facts.vulnerabilities.get(&canonical)?.severity),
        fixed_version: best.fixed_version.clone(),
        advisory: best.advisory,
    })
}

/// The finding of any asset that shows the package, exceptions aside.
fn row<'f>(
    facts: &'f Facts,
    asset: &'f AssetRow,
    package: &'f PackageRow,
    vulnerability: VulnerabilityNo,
    verdict: &'f FindingVerdict,
) -> Option<Finding<'f>> {
    let stints = facts.stints(asset, vulnerability);
    let named = facts.enterprise_projects.iter().find(|row| row.no == asset.enterprise_project);
    let image = facts.image_of(asset);
    Some(Finding {
        asset,
        references: image.map_or(&asset.references, |image| &image.references),
        enterprise_project: named.map_or("", |row| &row.name),
        asset_coverage: facts.coverage(asset),
        package,
        vulnerability: facts.vulnerabilities.get(&vulnerability)?,
        verdict,
        not_run_here: facts.not_run_here(asset, package),
        first_found: stints.first()?.from,
        reopened_at: stints.last()?.from,
        last_found: match (asset.observed, image) {
            (0, Some(image)) => image.observed,
            (observed, _) => observed,
        },
        exception: None,
    })
}

/// Of all exceptions that hold and cover the row, the one with the latest end, then lowest number.
fn hiding<'f>(
    facts: &'f Facts,
    query: &Query<'_>,
    row: &Finding<'_>,
    inherited: bool,
) -> Option<&'f Exception> {
    let holding = facts.exceptions.values().filter(|exception| exception.holds(query.now));
    let covering = holding.filter(|exception| covers(facts, exception, row, inherited));
    covering.min_by_key(|exception| (std::cmp::Reverse(exception.end), exception.no))
}

/// See [`crate::Snapshot::preview`]: what an exception covers, its window aside.
fn covers(facts: &Facts, exception: &Exception, row: &Finding<'_>, inherited: bool) -> bool {
    let target = &exception.target;
    if exception.project != row.asset.project || !is_for(facts, exception, row.vulnerability.no) {
        return false;
    }
    let image = facts.image_of(row.asset).filter(|_| inherited);
    let homes: Vec<&AssetRow> = [Some(row.asset), image].into_iter().flatten().collect();
    let named = |list: &[AssetNo]| homes.iter().any(|home| list.contains(&home.no));
    if named(&target.excluded) {
        return false;
    }
    named(&target.included) || homes.iter().any(|home| accepts(facts, exception, home, row))
}

fn is_for(facts: &Facts, exception: &Exception, canonical: VulnerabilityNo) -> bool {
    let given = &exception.target.vulnerabilities;
    let mut named = facts.vulnerabilities.values().filter(|v| {
        let mut ids = std::iter::once(&v.id).chain(&v.aliases);
        ids.any(|id| given.iter().any(|wanted| wanted.eq_ignore_ascii_case(id)))
    });
    given.is_empty() || named.any(|v| facts.canonical(v.no) == Some(canonical))
}

/// Whether the live filter accepts the same package and match as a finding of that home.
fn accepts(facts: &Facts, exception: &Exception, home: &AssetRow, given: &Finding<'_>) -> bool {
    match (exception.target.kind, &exception.target.filter) {
        (TargetKind::Dynamic, Some(filter)) => {
            let row = row(facts, home, given.package, given.vulnerability.no, given.verdict);
            row.is_some_and(|row| filter.accepts(&row))
        }
        _ => false,
    }
}
