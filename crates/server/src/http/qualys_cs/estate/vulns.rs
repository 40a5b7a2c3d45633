//! The vulnerabilities of one image or container (contract 5.3 and 5.5): one row per QID, with the
//! packages that have it.
//!
//! Rows have no key beyond those that qualysdk builds its objects from, save `layerSha` for images,
//! which it does not read.

use std::collections::BTreeSet;
use std::fmt;

use parapet_model::Millis;
use parapet_model::facts::PackageRow;
use parapet_model::finding::Finding;
use parapet_model::vulnerability::Vulnerability;
use serde::Serialize;
use serde_json::{Value, json};

use super::severity::wire;
use super::sheet::Sheet;
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::qql::table::{Cell, TableRow};
use crate::http::qualys_cs::sorting::direction;
use crate::http::qualys_cs::{CsError, CsResult, millis};

/// A vulnerability of an asset.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VulnRow<'e> {
    qid: u64,
    title: String,
    result: String,
    pub(super) severity: u8,
    customer_severity: u8,
    qds_score: Option<u32>,
    cvss_info: Option<Value>,
    cvss3_info: Option<Value>,
    pub(super) patch_available: bool,
    /// A number, unlike all other instants of this wire.
    published: Option<Millis>,
    port: Option<u16>,
    type_detected: &'static str,
    status: Option<&'static str>,
    risk: u8,
    category: Option<String>,
    discovery_type: Option<Vec<String>>,
    auth_type: Option<Vec<String>>,
    supported_by: Option<Vec<String>>,
    product: Vec<String>,
    vendor: Option<Vec<String>>,
    cveids: Vec<String>,
    threat_intel: Value,
    software: Vec<SoftwareOf<'e>>,
    first_found: Option<String>,
    last_found: Option<String>,
    scan_type: [&'static str; 1],
    source: Option<&'static str>,
    is_exempted: bool,
    vulnerability: Option<Value>,
    vendor_data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_sha: Option<BTreeSet<&'e str>>,
    /// Every package that has it was put in after the container's start.
    #[serde(skip)]
    pub(super) drift: bool,
    #[serde(skip)]
    found: (Millis, Millis),
}

/// A package that has a vulnerability.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SoftwareOf<'e> {
    name: &'e str,
    version: &'e str,
    fix_version: Option<&'e str>,
    scan_type: &'static str,
    package_path: Option<String>,
}

/// The rows of an asset by QID.
pub(super) fn rows<'e>(sheet: &Sheet<'e>) -> Vec<VulnRow<'e>> {
    sheet.by_vulnerability().filter_map(|findings| VulnRow::of(findings, sheet)).collect()
}

impl<'e> VulnRow<'e> {
    fn of(findings: &[Finding<'e>], sheet: &Sheet<'e>) -> Option<Self> {
        let vulnerability = findings.first()?.vulnerability;
        let severity = findings.iter().map(|f| wire(f.verdict.severity)).max()?;
        let patch_available = findings.iter().any(|f| f.verdict.state.is_fixable());
        let first = findings.iter().map(|f| f.first_found).min()?;
        let last = findings.iter().map(|f| f.last_found).max()?;
        let of_package = |f: &Finding<'_>| sheet.shown.get(sheet.place(f.package.no)?);
        let mut products: Vec<String> = findings.iter().map(|f| f.package.key.source_name.clone()).collect();
        products.retain(|name| !name.is_empty());
        products.sort_unstable();
        products.dedup();
        let ecosystem = &findings.first()?.package.key.ecosystem;
        Some(Self {
            qid: vulnerability.no.qid(),
            title: title(vulnerability),
            result: result(findings.iter().map(|f| (f.package, f.verdict.fixed_version.as_str()))),
            severity,
            customer_severity: severity,
            qds_score: None,
            cvss_info: cvss(vulnerability, is_cvss2),
            cvss3_info: cvss(vulnerability, is_cvss3),
            patch_available,
            published: (vulnerability.published != 0).then_some(vulnerability.published),
            port: None,
            type_detected: "CONFIRMED",
            status: None,
            risk: severity * 10,
            category: category(ecosystem).map(str::to_owned),
            discovery_type: None,
            auth_type: None,
            supported_by: None,
            product: products,
            vendor: None,
            cveids: cves(vulnerability),
            threat_intel: threat_intel(vulnerability, patch_available),
            software: findings.iter().map(SoftwareOf::of).collect(),
            first_found: millis(first),
            last_found: millis(last),
            scan_type: ["STATIC"],
            source: None,
            is_exempted: findings.iter().all(|f| f.exception.is_some()),
            vulnerability: None,
            vendor_data: None,
            layer_sha: (sheet.subject == Subject::Image).then(|| {
                let layers = findings.iter().filter_map(of_package).flat_map(|s| s.layers.iter().copied());
                layers.collect()
            }),
            drift: findings.iter().all(|f| of_package(f).is_some_and(|shown| shown.drift)),
            found: (first, last),
        })
    }
}

impl<'e> SoftwareOf<'e> {
    pub(super) fn of(finding: &Finding<'e>) -> Self {
        let key = &finding.package.key;
        Self {
            name: &key.name,
            version: &key.version,
            fix_version: Some(finding.verdict.fixed_version.as_str()).filter(|version| !version.is_empty()),
            scan_type: "STATIC",
            package_path: None,
        }
    }
}

/// What it is called.
pub(in crate::http::qualys_cs) fn title(vulnerability: &Vulnerability) -> String {
    if vulnerability.title.is_empty() { vulnerability.id.clone() } else { vulnerability.title.clone() }
}

/// A table with a line per package and the version that fixes it.
pub(in crate::http::qualys_cs) fn result<'p>(
    packages: impl Iterator<Item = (&'p PackageRow, &'p str)>,
) -> String {
    let mut text = String::new();
    // A text takes whatever is written to it.
    let _ = write_result(&mut text, packages);
    text
}

/// Writes that table.
pub(super) fn write_result<'p>(
    out: &mut impl fmt::Write,
    packages: impl Iterator<Item = (&'p PackageRow, &'p str)>,
) -> fmt::Result {
    out.write_str("Package\tInstalled Version\tRequired Version")?;
    for (package, fixed) in packages {
        for (before, cell) in
            [("\n", package.key.name.as_str()), ("\t", package.key.version.as_str()), ("\t", fixed)]
        {
            out.write_str(before)?;
            out.write_str(cell)?;
        }
    }
    Ok(())
}

/// Whether a vector is of CVSS 2.
pub(in crate::http::qualys_cs) fn is_cvss2(vector: &str) -> bool {
    !vector.starts_with("CVSS:")
}

/// Whether a vector is of CVSS 3.0 or 3.1.
pub(in crate::http::qualys_cs) fn is_cvss3(vector: &str) -> bool {
    vector.starts_with("CVSS:3")
}

/// The base score, when it is known and the vector is of the right version.
pub(in crate::http::qualys_cs) fn base_score(
    vulnerability: &Vulnerability,
    of_version: impl Fn(&str) -> bool,
) -> Option<String> {
    let vector = vulnerability.cvss_vector.as_str();
    let known = !vector.is_empty() && vulnerability.cvss_score >= 0.0 && of_version(vector);
    known.then(|| format!("{:.1}", vulnerability.cvss_score))
}

fn cvss(vulnerability: &Vulnerability, of_version: impl Fn(&str) -> bool) -> Option<Value> {
    let score = base_score(vulnerability, of_version)?;
    let vector = vulnerability.cvss_vector.as_str();
    Some(match is_cvss2(vector) {
        false => json!({"baseScore": score, "temporalScore": null}),
        true => json!({"baseScore": score, "temporalScore": null, "accessVector": vector}),
    })
}

/// The family of the ecosystem its first package is of.
pub(in crate::http::qualys_cs) fn category(ecosystem: &str) -> Option<&str> {
    ecosystem.split(':').next().filter(|name| !name.is_empty())
}

/// Its CVEs, sorted.
pub(in crate::http::qualys_cs) fn cves(vulnerability: &Vulnerability) -> Vec<String> {
    let ids = std::iter::once(&vulnerability.id).chain(&vulnerability.aliases);
    let cves: BTreeSet<&String> = ids.filter(|id| id.starts_with("CVE-")).collect();
    cves.into_iter().cloned().collect()
}

/// True or null, as the contract has it; what nobody told us is null.
fn threat_intel(vulnerability: &Vulnerability, patch_available: bool) -> Value {
    json!({
        "activeAttacks": (vulnerability.kev_added != 0).then_some(true),
        "zeroDay": null,
        "publicExploit": null,
        "easyExploit": null,
        "highLateralMovement": null,
        "highDataLoss": null,
        "noPatch": (!patch_available).then_some(true),
        "denialOfService": null,
        "malware": null,
        "exploitKit": null,
        "publicExploitNames": null,
        "malwareNames": null,
        "exploitKitNames": null,
    })
}

impl TableRow for VulnRow<'_> {
    const PREFIX: &'static str = "vulnerabilities.";
    const TOKENS: &'static [&'static str] = &[
        "qid",
        "title",
        "result",
        "severity",
        "customerSeverity",
        "patchAvailable",
        "published",
        "typeDetected",
        "risk",
        "category",
        "product",
        "cveids",
        "firstFound",
        "lastFound",
        "isExempted",
        "software.name",
        "software.version",
        "software.fixVersion",
        "threatIntel.activeAttacks",
        "threatIntel.noPatch",
    ];

    fn cells(&self, token: &str) -> Vec<Cell> {
        let texts = |texts: &[String]| texts.iter().map(|text| Cell::Text(text.clone())).collect();
        let software = |of: fn(&SoftwareOf<'_>) -> String| {
            self.software.iter().map(|s| Cell::Text(of(s))).collect::<Vec<Cell>>()
        };
        match token {
            "qid" => vec![Cell::Number(self.qid as f64)],
            "title" => vec![Cell::Text(self.title.clone())],
            "result" => vec![Cell::Text(self.result.clone())],
            "severity" | "customerSeverity" => vec![Cell::Number(f64::from(self.severity))],
            "patchAvailable" => vec![Cell::Flag(self.patch_available)],
            "published" => vec![Cell::Instant(self.published.unwrap_or_default())],
            "typeDetected" => vec![self.type_detected.into()],
            "risk" => vec![Cell::Number(f64::from(self.risk))],
            "category" => self.category.iter().map(|text| Cell::Text(text.clone())).collect(),
            "product" => texts(&self.product),
            "cveids" => texts(&self.cveids),
            "firstFound" => vec![Cell::Instant(self.found.0)],
            "lastFound" => vec![Cell::Instant(self.found.1)],
            "isExempted" => vec![Cell::Flag(self.is_exempted)],
            "software.name" => software(|s| s.name.to_owned()),
            "software.version" => software(|s| s.version.to_owned()),
            "software.fixVersion" => software(|s| s.fix_version.unwrap_or_default().to_owned()),
            "threatIntel.activeAttacks" => vec![Cell::Flag(self.threat_intel["activeAttacks"] == true)],
            _ => vec![Cell::Flag(!self.patch_available)],
        }
    }
}

/// Sorts rows; by QID when nothing is said.
pub(super) fn sort(rows: &mut [VulnRow<'_>], order: Option<&str>) -> CsResult<()> {
    let (token, descending) = direction(order.unwrap_or("qid:asc"))?;
    match token.strip_prefix(VulnRow::PREFIX).unwrap_or(token) {
        "qid" => rows.sort_by_key(|row| row.qid),
        "severity" | "customerSeverity" | "risk" => rows.sort_by_key(|row| row.severity),
        "title" => rows.sort_by(|a, b| a.title.cmp(&b.title)),
        "cveids" => rows.sort_by(|a, b| a.cveids.cmp(&b.cveids)),
        "patchAvailable" => rows.sort_by_key(|row| row.patch_available),
        "published" => rows.sort_by_key(|row| row.published),
        "firstFound" => rows.sort_by_key(|row| row.found.0),
        "lastFound" => rows.sort_by_key(|row| row.found.1),
        _ => return Err(CsError::invalid(format!("cannot sort vulnerabilities by {token:?}"))),
    }
    if descending {
        rows.reverse();
    }
    Ok(())
}

/// Counts of rows: all are confirmed, none potential.
pub(super) fn summary(rows: &[VulnRow<'_>]) -> Value {
    let count = |wanted: &dyn Fn(&VulnRow<'_>) -> bool| {
        let of = |severity| rows.iter().filter(|row| row.severity == severity && wanted(row)).count();
        json!({"sev1": of(1), "sev2": of(2), "sev3": of(3), "sev4": of(4), "sev5": of(5)})
    };
    json!({
        "confirmed": count(&|_| true),
        "potential": count(&|_| false),
        "patchAvailability": {"confirmed": count(&|row| row.patch_available), "potential": count(&|_| false)},
    })
}
