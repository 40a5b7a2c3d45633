//! The packages of one image or container, with findings or without (contract 5.4 and 5.5).

use std::cmp::Ordering;

use parapet_matching::order::Order as VersionOrder;
use serde::Serialize;

use super::severity::{SeverityCounts, wire};
use super::sheet::Sheet;
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::qql::table::{Cell, TableRow};
use crate::http::qualys_cs::sorting::direction;
use crate::http::qualys_cs::{CsError, CsResult};

/// A package of an asset. qualysdk knows no other keys; `layerSha` is for images only.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SoftwareRow<'e> {
    name: &'e str,
    version: &'e str,
    scan_type: &'static str,
    package_path: Option<String>,
    fix_version: Option<&'e str>,
    pub(super) vulnerabilities: SeverityCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_sha: Option<Vec<&'e str>>,
    /// Not of the container's image.
    #[serde(skip)]
    pub(super) drift: bool,
}

/// What the findings of a package say.
#[derive(Debug, Default)]
struct Said<'e> {
    counts: SeverityCounts,
    fixed: Option<&'e str>,
}

/// The packages of an asset by name and version.
pub(super) fn rows<'e>(sheet: &Sheet<'e>) -> Vec<SoftwareRow<'e>> {
    let packages = sheet.shown.iter().zip(said(sheet)).filter_map(|(shown, said)| {
        let package = sheet.estate.package(shown.package)?;
        Some(SoftwareRow {
            name: &package.key.name,
            version: &package.key.version,
            scan_type: "STATIC",
            package_path: None,
            fix_version: said.fixed,
            vulnerabilities: said.counts,
            layer_sha: (sheet.subject == Subject::Image).then(|| shown.layers.clone()),
            drift: shown.drift,
        })
    });
    let mut rows: Vec<SoftwareRow<'e>> = packages.collect();
    rows.sort_by_key(|row| (row.name, row.version));
    rows
}

/// Counts, and the highest version that fixes something, of each package shown.
fn said<'e>(sheet: &Sheet<'e>) -> Vec<Said<'e>> {
    let mut out: Vec<Said<'e>> = Vec::new();
    out.resize_with(sheet.shown.len(), Said::default);
    for finding in &sheet.findings {
        let Some(said) = sheet.place(finding.package.no).and_then(|place| out.get_mut(place)) else {
            continue;
        };
        said.counts.add(wire(finding.verdict.severity));
        let fixed = finding.verdict.fixed_version.as_str();
        let higher = |than: &str| {
            let order = VersionOrder::of_ecosystem(&finding.package.key.ecosystem);
            fixed != than && order.and_then(|order| order.compare(fixed, than)).is_some_and(Ordering::is_gt)
        };
        if !fixed.is_empty() && said.fixed.is_none_or(higher) {
            said.fixed = Some(fixed);
        }
    }
    out
}

/// How many packages have a vulnerability of each severity, counted by their worst.
pub(super) fn by_severity<'r>(rows: impl Iterator<Item = &'r SoftwareRow<'r>>) -> SeverityCounts {
    let mut counts = SeverityCounts::default();
    for row in rows {
        let worst = (1..=5).rev().find(|&severity| row.vulnerabilities.get(severity) > 0);
        worst.into_iter().for_each(|severity| counts.add(severity));
    }
    counts
}

/// Sorts rows; they come by name.
pub(super) fn sort(rows: &mut [SoftwareRow<'_>], order: Option<&str>) -> CsResult<()> {
    let Some(order) = order else { return Ok(()) };
    let (token, descending) = direction(order)?;
    let bare = token.strip_prefix(SoftwareRow::<'_>::PREFIX).unwrap_or(token);
    match bare {
        "name" => {}
        "version" => rows.sort_by(|a, b| a.version.cmp(b.version)),
        "fixVersion" => rows.sort_by(|a, b| a.fix_version.cmp(&b.fix_version)),
        _ => match super::order::severity_of(bare) {
            Some(severity) => rows.sort_by_key(|row| row.vulnerabilities.get(severity)),
            None => return Err(CsError::invalid(format!("cannot sort software by {token:?}"))),
        },
    }
    if descending {
        rows.reverse();
    }
    Ok(())
}

impl TableRow for SoftwareRow<'_> {
    const PREFIX: &'static str = "softwares.";
    const TOKENS: &'static [&'static str] = &["name", "version", "fixVersion"];

    fn cells(&self, token: &str) -> Vec<Cell> {
        vec![match token {
            "name" => Cell::Text(self.name.to_owned()),
            "version" => Cell::Text(self.version.to_owned()),
            _ => Cell::Text(self.fix_version.unwrap_or_default().to_owned()),
        }]
    }
}
