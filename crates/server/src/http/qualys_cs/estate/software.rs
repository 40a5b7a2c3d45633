//! The packages of one image or container, with findings or without (contract 5.4 and 5.5).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use parapet_matching::order::Order as VersionOrder;
use parapet_model::PackageNo;
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Filter, Op};
use parapet_posture::Query;
use serde::Serialize;

use super::Estate;
use super::severity::{SeverityCounts, wire};
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::qql::table::{Cell, TableRow};
use crate::http::qualys_cs::sorting::direction;
use crate::http::qualys_cs::{CsError, CsResult};

/// A package of an asset. qualysdk knows no other keys; `layerSha` is for images only.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SoftwareRow {
    name: String,
    version: String,
    scan_type: &'static str,
    package_path: Option<String>,
    fix_version: Option<String>,
    pub(super) vulnerabilities: SeverityCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_sha: Option<Vec<String>>,
    /// Not of the container's image.
    #[serde(skip)]
    pub(super) drift: bool,
}

/// What the findings of a package say.
#[derive(Debug, Default)]
struct Said {
    counts: SeverityCounts,
    fixed: Option<String>,
}

/// The packages of an asset by name and version.
pub(super) fn rows(estate: &Estate, subject: Subject, asset: &AssetRow) -> Vec<SoftwareRow> {
    let mut said = said(estate, asset);
    let mut shown = super::vulns::shown(estate, subject, asset);
    let packages = shown.drain().filter_map(|(no, shown)| {
        let package = estate.snapshot.package(no)?;
        let said = said.remove(&no).unwrap_or_default();
        Some(SoftwareRow {
            name: package.key.name.clone(),
            version: package.key.version.clone(),
            scan_type: "STATIC",
            package_path: None,
            fix_version: said.fixed,
            vulnerabilities: said.counts,
            layer_sha: (subject == Subject::Image).then(|| shown.layers.into_iter().collect()),
            drift: shown.drift,
        })
    });
    let mut rows: Vec<SoftwareRow> = packages.collect();
    rows.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    rows
}

/// Counts, and the highest version that fixes something, by package.
fn said(estate: &Estate, asset: &AssetRow) -> BTreeMap<PackageNo, Said> {
    let filter = Filter::test(Field::AssetId, Op::Eq, asset.uuid.to_string());
    let filter = filter.and(Filter::test(Field::Excepted, Op::Eq, false));
    let query = Query::new(&estate.scope, &filter, estate.now);
    let mut out: BTreeMap<PackageNo, Said> = BTreeMap::new();
    let _ = estate.snapshot.findings(&query, |finding| {
        let said = out.entry(finding.package.no).or_default();
        said.counts.add(wire(finding.verdict.severity));
        let fixed = &finding.verdict.fixed_version;
        let higher = |than: &String| {
            let order = VersionOrder::of_ecosystem(&finding.package.key.ecosystem);
            order.and_then(|order| order.compare(fixed, than)).is_some_and(std::cmp::Ordering::is_gt)
        };
        if !fixed.is_empty() && said.fixed.as_ref().is_none_or(higher) {
            said.fixed = Some(fixed.clone());
        }
        ControlFlow::Continue(())
    });
    out
}

/// How many packages have a vulnerability of each severity, counted by their worst.
pub(super) fn by_severity<'r>(rows: impl Iterator<Item = &'r SoftwareRow>) -> SeverityCounts {
    let mut counts = SeverityCounts::default();
    for row in rows {
        let worst = (1..=5).rev().find(|&severity| row.vulnerabilities.get(severity) > 0);
        worst.into_iter().for_each(|severity| counts.add(severity));
    }
    counts
}

/// Sorts rows; they come by name.
pub(super) fn sort(rows: &mut [SoftwareRow], order: Option<&str>) -> CsResult<()> {
    let Some(order) = order else { return Ok(()) };
    let (token, descending) = direction(order)?;
    let bare = token.strip_prefix(SoftwareRow::PREFIX).unwrap_or(token);
    match bare {
        "name" => {}
        "version" => rows.sort_by(|a, b| a.version.cmp(&b.version)),
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

impl TableRow for SoftwareRow {
    const PREFIX: &'static str = "softwares.";
    const TOKENS: &'static [&'static str] = &["name", "version", "fixVersion"];

    fn cells(&self, token: &str) -> Vec<Cell> {
        vec![match token {
            "name" => Cell::Text(self.name.clone()),
            "version" => Cell::Text(self.version.clone()),
            _ => Cell::Text(self.fix_version.clone().unwrap_or_default()),
        }]
    }
}
