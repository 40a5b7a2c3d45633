//! All rows of the page as CSV.

use axum::response::Response;
use parapet_model::time::format_rfc3339;
use parapet_model::{AssetNo, Severity};
use parapet_posture::{
    AssetSummary, PackageGroup, PackageSummary, Query, Snapshot, VulnerabilitySummary, Window,
};
use parapet_service::View;
use parapet_service::packages::highest;

use super::params::{Group, Params};
use super::with_fix;
use crate::csv;
use crate::question::Question;
use crate::visitor::Visitor;

/// The answer.
pub(super) fn answer(view: View, visitor: Visitor, params: &Params, question: Question) -> Response {
    let View { snapshot, now } = view;
    let scope = visitor.principal().scope();
    let order = params.order;
    match params.group {
        Group::Vulnerability => csv::answer("vulnerabilities", VULNERABILITY_TITLES, move |table| {
            let query = Query::new(&scope, &question.filter, now);
            let list = snapshot.vulnerabilities(&query, order.of_vulnerabilities(), Window::ALL);
            list.rows.iter().try_for_each(|row| table.row(vulnerability(row)))
        }),
        Group::Asset => csv::answer("assets", ASSET_TITLES, move |table| {
            let query = Query::new(&scope, &question.filter, now);
            let mut numbers = snapshot.asset_numbers(&query).into_iter().map(AssetNo);
            numbers.try_for_each(|no| {
                snapshot.asset_summary(&query, no).map_or(Ok(()), |row| table.row(asset(&row)))
            })
        }),
        Group::Package | Group::Fix => {
            let (name, group) = match params.group {
                Group::Fix => ("fixes", PackageGroup::Source),
                _ => ("packages", PackageGroup::Name),
            };
            csv::answer(name, PACKAGE_TITLES, move |table| {
                let filter = match group {
                    PackageGroup::Source => with_fix(&question.filter),
                    _ => question.filter.clone(),
                };
                let query = Query::new(&scope, &filter, now);
                let list = snapshot.packages(&query, group, order.of_packages(), Window::ALL);
                list.rows.iter().try_for_each(|row| table.row(package(&snapshot, row)))
            })
        }
    }
}

const VULNERABILITY_TITLES: &[&str] = &[
    "vulnerability",
    "title",
    "severity",
    "known_exploited",
    "epss",
    "cvss",
    "assets",
    "findings",
    "fixable",
    "excepted",
    "first_found",
];

fn vulnerability(row: &VulnerabilitySummary<'_>) -> [String; 11] {
    let vulnerability = row.vulnerability;
    let known = |number: f64| if number >= 0.0 { number.to_string() } else { String::new() };
    [
        vulnerability.id.clone(),
        vulnerability.title.clone(),
        row.severity.as_str().to_owned(),
        (vulnerability.kev_added != 0).to_string(),
        known(vulnerability.epss),
        known(vulnerability.cvss_score),
        row.assets.to_string(),
        row.findings.to_string(),
        row.fixable.to_string(),
        row.excepted.to_string(),
        format_rfc3339(row.first_found),
    ]
}

const ASSET_TITLES: &[&str] = &[
    "asset",
    "asset_id",
    "kind",
    "distro",
    "coverage",
    "critical",
    "high",
    "medium",
    "low",
    "none",
    "unknown",
    "fixable",
    "excepted",
    "last_observed",
];

fn asset(row: &AssetSummary<'_>) -> [String; 14] {
    let asset = row.asset;
    let [critical, high, medium, low, none, unknown] =
        Severity::WORST_FIRST.map(|band| row.counts.severity(band).vulnerabilities.to_string());
    [
        asset.name.clone(),
        asset.uuid.to_string(),
        asset.kind.as_str().to_owned(),
        asset.distro.clone(),
        row.coverage.as_str().to_owned(),
        critical,
        high,
        medium,
        low,
        none,
        unknown,
        row.counts.fixable.to_string(),
        row.counts.excepted.to_string(),
        format_rfc3339(asset.observed),
    ]
}

const PACKAGE_TITLES: &[&str] = &[
    "package",
    "ecosystem",
    "installed_versions",
    "fixed_version",
    "severity",
    "known_exploited",
    "vulnerabilities",
    "assets",
    "findings",
    "fixable",
];

fn package(snapshot: &Snapshot, row: &PackageSummary) -> [String; 10] {
    let packages = row.packages.iter().filter_map(|(no, _)| snapshot.package(*no));
    let mut versions: Vec<&str> = packages.map(|package| package.key.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    [
        row.name.clone(),
        row.ecosystem.clone(),
        versions.join(" "),
        highest(&row.ecosystem, &row.fixed_versions).unwrap_or_default().to_owned(),
        row.severity().as_str().to_owned(),
        (row.kev > 0).to_string(),
        row.vulnerabilities.to_string(),
        row.assets.to_string(),
        row.findings.to_string(),
        row.fixable.to_string(),
    ]
}
