//! The rows of the page, in each way to group them.

use parapet_model::filter::{Field, Op};
use parapet_model::{Filter, PackageNo, Severity};
use parapet_posture::{
    AssetSummary, PackageGroup, PackageSummary, Query, Snapshot, VulnerabilitySummary, Window,
};
use parapet_service::packages::{compare, highest};

use super::params::{Group, Params};
use super::view::{AssetLine, FixLine, PackageLine, Rows, VulnerabilityLine};
use super::{ROWS, with_fix};
use crate::dates::day;
use crate::link::{self, Link};
use crate::parts::{percent, score};
use crate::question::{Question, asked};

/// Versions of a package that are named.
const VERSIONS: usize = 4;

/// The rows of a page, and how many there are in all.
pub(super) fn rows(
    snapshot: &Snapshot,
    query: &Query<'_>,
    params: &Params,
    question: &Question,
    link: &Link,
) -> (Rows, usize) {
    let window = Window { offset: params.offset, limit: ROWS };
    match params.group {
        Group::Vulnerability => {
            let list = snapshot.vulnerabilities(query, params.order.of_vulnerabilities(), window);
            let lines = list.rows.iter().map(|row| vulnerability(row, question, link));
            (Rows::Vulnerabilities(lines.collect()), list.total)
        }
        Group::Asset => {
            let found = snapshot.asset_numbers(query);
            let shown = snapshot.worst_first(&found, window, query.now).into_iter();
            let summaries = shown.filter_map(|no| snapshot.asset_summary(query, no));
            (Rows::Assets(summaries.map(|row| asset(&row, question)).collect()), found.len() as usize)
        }
        Group::Package => {
            let list = snapshot.packages(query, PackageGroup::Name, params.order.of_packages(), window);
            let lines = list.rows.iter().map(|row| package(snapshot, row, question, link));
            (Rows::Packages(lines.collect()), list.total)
        }
        Group::Fix => {
            let filter = with_fix(query.filter);
            let query = Query { filter: &filter, ..*query };
            let list = snapshot.packages(&query, PackageGroup::Source, params.order.of_packages(), window);
            let lines = list.rows.iter().map(|row| fix(snapshot, row, question, link));
            (Rows::Fixes(lines.collect()), list.total)
        }
    }
}

fn vulnerability(row: &VulnerabilitySummary<'_>, question: &Question, link: &Link) -> VulnerabilityLine {
    let vulnerability = row.vulnerability;
    VulnerabilityLine {
        link: link::vulnerability(&vulnerability.id),
        findings_link: question
            .of(link, Field::Vulnerability, &vulnerability.id)
            .with("group", "asset")
            .with("order", ""),
        term: is(Field::Vulnerability, &vulnerability.id).to_string(),
        id: vulnerability.id.clone(),
        title: vulnerability.title.clone(),
        severity: row.severity,
        kev: vulnerability.kev_added != 0,
        epss: percent(vulnerability.epss),
        cvss: score(vulnerability.cvss_score),
        assets: row.assets,
        findings: row.findings,
        fixable: row.fixable,
        excepted: row.excepted,
        since: day(row.first_found),
    }
}

fn asset(row: &AssetSummary<'_>, question: &Question) -> AssetLine {
    let asset = row.asset;
    let page = link::asset(asset.uuid);
    let bands = Severity::WORST_FIRST.map(|band| (band, row.counts.severity(band).vulnerabilities));
    AssetLine {
        findings_link: asked(&page, &question.filter),
        link: page,
        term: is(Field::Asset, &asset.name).to_string(),
        name: asset.name.clone(),
        kind: asset.kind.as_str(),
        distro: asset.distro.clone(),
        coverage: row.coverage.as_str(),
        bands: bands.into_iter().filter(|(_, count)| *count > 0).collect(),
        fixable: row.counts.fixable,
        excepted: row.counts.excepted,
        observed: day(asset.observed),
    }
}

fn package(snapshot: &Snapshot, row: &PackageSummary, question: &Question, link: &Link) -> PackageLine {
    let term = is(Field::Package, &row.name).and(is(Field::Ecosystem, &row.ecosystem));
    let first = row.packages.first().and_then(|(no, _)| snapshot.package(*no));
    let (versions, more_versions) = versions(snapshot, row);
    PackageLine {
        link: first.map_or_else(|| link.clone(), |package| link::package(&package.key)),
        findings_link: grouped(question, link, &term, ""),
        term: term.to_string(),
        name: row.name.clone(),
        ecosystem: row.ecosystem.clone(),
        versions,
        more_versions,
        severity: row.severity(),
        kev: row.kev > 0,
        vulnerabilities: row.vulnerabilities,
        assets: row.assets,
        findings: row.findings,
        fixable: row.fixable,
    }
}

fn fix(snapshot: &Snapshot, row: &PackageSummary, question: &Question, link: &Link) -> FixLine {
    let fixable = Filter::test(Field::Fixable, Op::Eq, true);
    let term = is(Field::Source, &row.name).and(is(Field::Ecosystem, &row.ecosystem)).and(fixable);
    let mut names: Vec<&str> = row
        .packages
        .iter()
        .filter_map(|(no, _)| snapshot.package(*no))
        .map(|package| package.key.name.as_str())
        .filter(|name| *name != row.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    let (versions, more_versions) = versions(snapshot, row);
    let first = row.packages.first().and_then(|(no, _)| snapshot.package(*no));
    FixLine {
        link: first.map_or_else(|| link.clone(), |package| link::package(&package.key)),
        findings_link: grouped(question, link, &term, ""),
        assets_link: grouped(question, link, &term, "asset"),
        term: term.to_string(),
        name: row.name.clone(),
        built: names.into_iter().map(str::to_owned).collect(),
        ecosystem: row.ecosystem.clone(),
        versions,
        more_versions,
        target: highest(&row.ecosystem, &row.fixed_versions).unwrap_or_default().to_owned(),
        severity: row.severity(),
        kev: row.kev > 0,
        vulnerabilities: row.vulnerabilities,
        assets: row.assets,
        findings: row.findings,
    }
}

/// The installed versions that most assets have, and how many more there are.
fn versions(snapshot: &Snapshot, row: &PackageSummary) -> (Vec<String>, usize) {
    let mut by_version: Vec<(String, u64)> = Vec::new();
    let version = |no: PackageNo| snapshot.package(no).map(|package| package.key.version.clone());
    for (version, assets) in row.packages.iter().filter_map(|(no, assets)| Some((version(*no)?, *assets))) {
        match by_version.iter_mut().find(|(known, _)| *known == version) {
            Some((_, sum)) => *sum += assets,
            None => by_version.push((version, assets)),
        }
    }
    by_version.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| compare(&row.ecosystem, &b.0, &a.0)));
    let more = by_version.len().saturating_sub(VERSIONS);
    (by_version.into_iter().take(VERSIONS).map(|(version, _)| version).collect(), more)
}

fn is(field: Field, value: &str) -> Filter {
    Filter::test(field, Op::Eq, value.to_owned())
}

/// The findings of a row, in groups.
fn grouped(question: &Question, link: &Link, term: &Filter, group: &str) -> Link {
    asked(link, &question.filter.clone().and(term.clone())).with("group", group).with("order", "")
}
