//! What an asset holds and what it suffers from, as CycloneDX 1.6 in JSON: packages are components,
//! findings are vulnerabilities that point to them.
//!
//! - There is one entry for each finding, not for each vulnerability: state, fix and analysis may
//!   differ from package to package, and an entry has room for one of each.
//! - `analysis` says only what somebody decided: an exception, or a vendor who investigates, will not
//!   fix, or says *not affected*. That a version lies in a range is no analysis.
//! - What was not assessed stands in `metadata.properties` as `parapet:not-assessed`, and inventories
//!   with unread databases are said to be incomplete in `compositions`.

use std::io::{self, Write};

use parapet_model::exception::Exception;
use parapet_model::facts::PackageRow;
use parapet_model::finding::Finding;
use parapet_model::inventory::ReadOutcome;
use parapet_model::time::format_rfc3339;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AssetKind, Coverage, MatchState, Millis, PackageNo};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::document::{Pieces, Place, Subject, score_of, url_of};

/// Reference of the asset inside the document.
const SUBJECT: &str = "asset";

/// Writes one CycloneDX document: first all components, then all vulnerabilities.
#[derive(Debug)]
pub struct CycloneDx<W> {
    pieces: Pieces<W>,
    in_vulnerabilities: bool,
}

impl<W: Write> CycloneDx<W> {
    /// Begins the document of an asset, made at `at` by this version of Parapet.
    pub fn new(writer: W, subject: &Subject<'_>, version: &str, serial: Uuid, at: Millis) -> Self {
        let asset = subject.asset;
        let kind = match asset.kind {
            AssetKind::Host => "operating-system",
            AssetKind::Image | AssetKind::Container => "container",
        };
        let mut properties = vec![
            property("parapet:asset-id", &asset.uuid.to_string()),
            property("parapet:coverage", subject.coverage.as_str()),
        ];
        if !subject.filter.is_empty() {
            properties.push(property("parapet:filter", subject.filter));
        }
        properties.extend(subject.gaps.iter().map(|gap| property("parapet:not-assessed", &gap.to_string())));
        let unread = asset.databases.iter().any(|database| database.outcome != ReadOutcome::Read);
        let whole = !unread && !asset.databases.is_empty();
        let head = json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": serial.urn().to_string(),
            "version": 1,
            "compositions": [{"aggregate": if whole { "unknown" } else { "incomplete" }, "assemblies": [SUBJECT]}],
            "metadata": {
                "timestamp": format_rfc3339(at),
                "tools": {"components": [{"type": "application", "name": "parapet", "version": version}]},
                "component": {"type": kind, "bom-ref": SUBJECT, "name": asset.name, "version": asset.identity},
                "properties": properties,
            },
        });
        let mut pieces = Pieces::new(writer);
        let text = head.to_string();
        pieces.raw(text.strip_suffix('}').unwrap_or(&text));
        pieces.raw(",\"components\":[");
        Self { pieces, in_vulnerabilities: false }
    }

    /// Writes the distribution, by the id and version that `os-release` gives it.
    ///
    /// # Errors
    /// What the writer below says; the document is then to be dropped.
    pub fn distribution(&mut self, id: &str, version: &str) -> io::Result<()> {
        self.pieces.element(&json!({"type": "operating-system", "name": id, "version": version}))
    }

    /// Writes a package with its package URL, if there is one for its kind.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn component(
        &mut self,
        package: &PackageRow,
        purl: Option<&str>,
        coverage: Coverage,
        places: &[Place],
    ) -> io::Result<()> {
        let key = &package.key;
        let occurrence = |place: &Place| match place.layer.as_str() {
            "" => json!({"location": String::from_utf8_lossy(&place.path)}),
            layer => {
                json!({"location": String::from_utf8_lossy(&place.path), "additionalContext": format!("layer {layer}")})
            }
        };
        let mut component = json!({
            "type": "library", "bom-ref": reference(package.no), "name": key.name, "version": key.version,
            "properties": [property("parapet:ecosystem", &key.ecosystem), property("parapet:coverage", coverage.as_str())],
        });
        if let Some(purl) = purl {
            component["purl"] = Value::from(purl);
        }
        if !places.is_empty() {
            let occurrences: Vec<Value> = places.iter().map(occurrence).collect();
            component["evidence"] = json!({"occurrences": occurrences});
        }
        self.pieces.element(&component)
    }

    /// Writes a finding; its package is a component already.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finding(&mut self, finding: &Finding<'_>) -> io::Result<()> {
        let (verdict, vulnerability) = (finding.verdict, finding.vulnerability);
        let mut entry = entry(vulnerability, finding.package, "affected");
        entry["ratings"] = Value::from(ratings(finding));
        let mut properties = vec![
            property("parapet:state", verdict.state.as_str()),
            property("parapet:class", verdict.class.as_str()),
            property("parapet:first-found", &format_rfc3339(finding.first_found)),
        ];
        if vulnerability.kev_added != 0 {
            properties.push(property("parapet:known-exploited", &format_rfc3339(vulnerability.kev_added)));
        }
        if vulnerability.epss >= 0.0 {
            properties.push(property("parapet:epss", &vulnerability.epss.to_string()));
        }
        entry["properties"] = Value::from(properties);
        if !verdict.fixed_version.is_empty() {
            let update = format!("Update {} to {}", finding.package.key.name, verdict.fixed_version);
            entry["recommendation"] = Value::from(update);
        }
        if let Some(analysis) = analysis(finding) {
            entry["analysis"] = analysis;
        }
        self.vulnerability(&entry)
    }

    /// Writes that an advisory says the package, a component already, does not have a vulnerability.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn not_affected(&mut self, package: &PackageRow, vulnerability: &Vulnerability) -> io::Result<()> {
        let mut entry = entry(vulnerability, package, "unaffected");
        entry["analysis"] = json!({"state": "not_affected", "detail": "so says the vendor's advisory"});
        self.vulnerability(&entry)
    }

    /// Ends the document and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(mut self) -> io::Result<W> {
        self.begin_vulnerabilities();
        self.pieces.raw("]}\n");
        self.pieces.finish()
    }

    fn vulnerability(&mut self, entry: &Value) -> io::Result<()> {
        self.begin_vulnerabilities();
        self.pieces.element(entry)
    }

    fn begin_vulnerabilities(&mut self) {
        if !self.in_vulnerabilities {
            self.pieces.raw("],\"vulnerabilities\":[");
            self.in_vulnerabilities = true;
        }
    }
}

fn reference(package: PackageNo) -> String {
    format!("package-{package}")
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

/// What entries of every kind have.
fn entry(vulnerability: &Vulnerability, package: &PackageRow, status: &str) -> Value {
    let reference = reference(package.no);
    let mut entry = json!({
        "bom-ref": format!("{reference}/{}", vulnerability.id),
        "id": vulnerability.id,
        "source": {"url": url_of(&vulnerability.id)},
        "affects": [{"ref": reference, "versions": [{"version": package.key.version, "status": status}]}],
    });
    if !vulnerability.title.is_empty() {
        entry["description"] = Value::from(vulnerability.title.as_str());
    }
    if vulnerability.published != 0 {
        entry["published"] = Value::from(format_rfc3339(vulnerability.published));
    }
    if !vulnerability.aliases.is_empty() {
        let alias = |id: &String| json!({"id": id, "source": {"url": url_of(id)}});
        entry["references"] = vulnerability.aliases.iter().map(alias).collect();
    }
    entry
}

/// The band that is shown and, where there is one, the CVSS score; together when they agree.
fn ratings(finding: &Finding<'_>) -> Vec<Value> {
    let (vulnerability, severity) = (finding.vulnerability, finding.verdict.severity);
    let shown = json!({"severity": severity.as_str()});
    if vulnerability.cvss_score < 0.0 {
        return vec![shown];
    }
    let method = match vulnerability.cvss_vector.get(..8) {
        Some("CVSS:4.0") => "CVSSv4",
        Some("CVSS:3.1") => "CVSSv31",
        Some("CVSS:3.0") => "CVSSv3",
        Some(_) => "CVSSv2",
        None => "other",
    };
    let mut scored = json!({"method": method, "score": vulnerability.cvss_score});
    if !vulnerability.cvss_vector.is_empty() {
        scored["vector"] = Value::from(vulnerability.cvss_vector.as_str());
    }
    match score_of(vulnerability, severity) {
        Some(_) => {
            scored["severity"] = Value::from(severity.as_str());
            vec![scored]
        }
        None => vec![shown, scored],
    }
}

fn analysis(finding: &Finding<'_>) -> Option<Value> {
    match (finding.exception, finding.verdict.state) {
        (Some(exception), _) => Some(accepted(exception)),
        (None, MatchState::UnderInvestigation) => Some(json!({"state": "in_triage"})),
        (None, MatchState::WontFix) => Some(json!({"response": ["will_not_fix"]})),
        (None, _) => None,
    }
}

/// What an exception decided. An accepted risk stays exploitable: that is what was accepted.
fn accepted(exception: &Exception) -> Value {
    let until = format_rfc3339(exception.end);
    let until = if until.is_empty() { "without end".to_owned() } else { format!("until {until}") };
    let detail = format!("exception {} ({}), {until}: {}", exception.uuid, exception.reason, exception.title);
    match exception.reason.as_str() {
        "false_positive" => json!({"state": "false_positive", "detail": detail}),
        "mitigated" => json!({
            "state": "not_affected", "justification": "protected_by_mitigating_control", "detail": detail,
        }),
        _ => json!({"state": "exploitable", "response": ["will_not_fix"], "detail": detail}),
    }
}
