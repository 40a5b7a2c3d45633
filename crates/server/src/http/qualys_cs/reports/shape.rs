//! The cells of reports, and what their filters choose. What this server does not know is an empty
//! cell: `tags`, `hostIp`, `cvssTemporal`, `cvss3Temporal`, `threat`, `impact`, `associatedMalwares`,
//! `qdsScore`, `riskScore`.

use std::fmt::Write as _;

use parapet_model::Millis;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Level, Op};
use parapet_model::labels::Labels;
use parapet_model::time::format_rfc3339;
use parapet_model::vulnerability::Vulnerability;
use parapet_posture::AssetFilter;
use parapet_service::Error;
use parapet_service::exports::{Asked, RowShape, Selection, VulnerabilityRow};

use crate::http::hss::join;
use crate::http::qualys_cs::estate::severity::wire;
use crate::http::qualys_cs::estate::{self, Estate, vulns};
use crate::http::qualys_cs::qql::assets::Subject;

/// The name under which the shape is registered and stored in jobs.
pub(crate) const SHAPE: &str = "qualys-cs";

/// Writes the cells and reads the filters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CsShape;

impl RowShape for CsShape {
    fn cell(&self, column: &str, row: &VulnerabilityRow<'_>, out: &mut String) {
        if !vulnerability_cell(column, row, out)
            && let Some(asset) = row.asset
        {
            asset_cell(column, asset, row.image, out);
        }
    }

    fn level(&self, column: &str) -> Level {
        match column {
            "qid" | "title" | "severity" | "cveids" | "vendorReference" | "cvssBase" | "cvss3Base"
            | "solution" | "exploitability" | "category" | "software" | "result" => Level::Match,
            "firstDetected" | "imageCount" => Level::Finding,
            _ => Level::Asset,
        }
    }

    fn select(&self, asked: &Asked<'_>) -> Result<Selection, Error> {
        let subject = match asked.kind {
            parapet_model::AssetKind::Container => Subject::Container,
            _ => Subject::Image,
        };
        let estate = Estate::of_asked(asked);
        let filter = estate.filter(subject, Some(asked.question));
        let filter = filter.map_err(|error| Error::Invalid(error.into_message()))?;
        let rows = rows_of(&filter);
        Ok(Selection { assets: estate.selected(subject, &filter), filter: shown(rows) })
    }
}

/// The tests of findings that every row must pass: those that AND joins to the rest of a query. Where
/// OR or NOT stands before one, it chooses assets only.
fn rows_of(filter: &AssetFilter) -> Filter {
    match filter {
        AssetFilter::Has(filter) => filter.clone(),
        AssetFilter::And(parts) => parts.iter().map(rows_of).fold(Filter::All, Filter::and),
        _ => Filter::All,
    }
}

/// Without what exceptions hide, unless the query itself speaks of exceptions.
fn shown(rows: Filter) -> Filter {
    let mut says = false;
    rows.each_test(&mut |test| says |= test.field == Field::Excepted);
    if says { rows } else { rows.and(Filter::test(Field::Excepted, Op::Eq, false)) }
}

/// Cells that speak of the vulnerability; false when the column is not one of them.
fn vulnerability_cell(column: &str, row: &VulnerabilityRow<'_>, out: &mut String) -> bool {
    let vulnerability = row.vulnerability;
    match column {
        "qid" => number(out, vulnerability.no.qid()),
        "title" => out.push_str(&vulns::title(vulnerability)),
        "severity" => number(out, u64::from(wire(row.severity))),
        "cveids" => join(out, vulns::cves(vulnerability).iter().map(String::as_str)),
        "vendorReference" => {
            let ids = std::iter::once(&vulnerability.id).chain(&vulnerability.aliases);
            join(out, ids.map(String::as_str).filter(|id| !id.starts_with("CVE-")));
        }
        "cvssBase" => out.push_str(&vulns::base_score(vulnerability, vulns::is_cvss2).unwrap_or_default()),
        "cvss3Base" => out.push_str(&vulns::base_score(vulnerability, vulns::is_cvss3).unwrap_or_default()),
        "solution" => row.write_solution(out),
        "exploitability" => exploitability(vulnerability, out),
        "category" => {
            let ecosystem = row.packages.first().map_or("", |package| &package.key.ecosystem);
            out.push_str(vulns::category(ecosystem).unwrap_or_default());
        }
        "software" => {
            for (i, package) in row.packages.iter().enumerate() {
                let separator = if i > 0 { ", " } else { "" };
                let _ = write!(out, "{separator}{} {}", package.key.name, package.key.version);
            }
        }
        "result" => {
            let packages = row.packages.iter().copied().zip(row.fixed_versions.iter().copied());
            out.push_str(&vulns::result(packages));
        }
        "firstDetected" => instant(out, row.first_found),
        "imageCount" => number(out, row.assets.len() as u64),
        _ => return false,
    }
    true
}

/// Cells that speak of the image or container.
fn asset_cell(column: &str, asset: &AssetRow, image: Option<&AssetRow>, out: &mut String) {
    let container = &asset.container_facts;
    match column {
        "repo" => {
            let current = asset.references.iter().filter(|row| row.held.is_open());
            let names: Vec<String> = current.map(|row| row.reference.to_string()).collect();
            join(out, names.iter().map(String::as_str));
        }
        // A container has the id of its image.
        "imageId" if asset.kind == parapet_model::AssetKind::Container => {
            out.push_str(image.map_or("", |image| estate::short(&image.identity)));
        }
        "imageId" | "containerId" => out.push_str(estate::short(&asset.identity)),
        "sha" => out.push_str(estate::bare(&asset.identity)),
        "uuid" => {
            let _ = write!(out, "{}", asset.uuid);
        }
        "name" => out.push_str(&asset.name),
        "label" => {
            let labels = [&asset.image_facts.labels, &container.labels];
            for (i, (key, value)) in labels.into_iter().flat_map(Labels::iter).enumerate() {
                let _ = write!(out, "{}{key}={value}", if i > 0 { "," } else { "" });
            }
        }
        "created" => instant(out, estate::created(asset)),
        "updated" => instant(out, asset.observed),
        "hostName" => out.push_str(&container.host),
        "state" => out.push_str(asset.container_state().as_str()),
        "stateChanged" => instant(out, container.state_since),
        _ => {}
    }
}

fn exploitability(vulnerability: &Vulnerability, out: &mut String) {
    if vulnerability.kev_added != 0 {
        let day = format_rfc3339(vulnerability.kev_added);
        let _ = write!(out, "Known exploited, CISA KEV {}", day.get(..10).unwrap_or(&day));
    }
}

fn number(out: &mut String, number: u64) {
    let _ = write!(out, "{number}");
}

fn instant(out: &mut String, at: Millis) {
    if at > 0 {
        out.push_str(&format_rfc3339(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::qualys_cs::qql::assets::compile;

    const STANDING: &str = "excepted = false";

    fn rows(query: &str) -> String {
        let estate = Estate::empty(1_800_000_000_000);
        shown(rows_of(&compile(Some(query), Subject::Image, &estate).unwrap())).to_string()
    }

    #[test]
    fn tests_of_vulnerabilities_that_and_joins_choose_rows_too() {
        assert_eq!(rows(""), STANDING);
        assert_eq!(rows("repo.repository:`shop/web`"), STANDING);
        let critical = "severity = critical and excepted = false";
        assert_eq!(rows("vulnerabilities.severity:5"), critical);
        assert_eq!(rows("image.repo.tag:v1 AND vulnerabilities.severity:5"), critical);
        assert_eq!(rows("imagesInUse:* AND (repo.tag:v1 AND vulnerabilities.severity:5)"), critical);
        assert_eq!(rows("vulnerabilities.isExempted:true"), "excepted");
    }

    #[test]
    fn behind_or_and_not_they_choose_images_only() {
        assert_eq!(rows("repo.tag:v1 OR vulnerabilities.severity:5"), STANDING);
        assert_eq!(rows("NOT vulnerabilities.severity:5"), STANDING);
    }
}
