//! Findings as SARIF 2.1.0 (OASIS *Static Analysis Results Interchange Format*): one run for each
//! asset, its rules the vulnerabilities, its results the findings.
//!
//! - What was not assessed is a warning among the run's notifications, so that a run without results
//!   does not look clean.
//! - A finding that an exception hides is there, with a suppression.
//! - `security-severity` is the number that code hosts sort by: the CVSS score where it agrees with
//!   the band, else the lower bound of the vendor's band; none where nobody rated.
//! - The fingerprint leaves versions and layers out, so that a finding stays the same through
//!   rebuilds and through upgrades that do not fix it.
//! - The rules come after the results, since only then all are known; a run remembers nothing else.

use std::collections::HashMap;
use std::io::{self, Write};

use parapet_model::finding::Finding;
use parapet_model::time::format_rfc3339;
use parapet_model::verdict::AdvisoryClass;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{Digest, Severity, VulnerabilityNo};
use serde_json::{Value, json};

use crate::document::{Pieces, Place, Subject, score_of, uri_of_path, url_of};

/// Writes SARIF.
#[derive(Debug)]
pub struct Sarif<'s, W> {
    pieces: Pieces<W>,
    runs: usize,
    version: String,
    rules: Vec<Rule<'s>>,
    places: HashMap<VulnerabilityNo, usize>,
}

#[derive(Debug)]
struct Rule<'s> {
    vulnerability: &'s Vulnerability,
    /// Worst band among its results.
    worst: Severity,
}

impl<'s, W: Write> Sarif<'s, W> {
    /// Begins a document that says it was written by this version of Parapet.
    pub fn new(writer: W, version: &str) -> Self {
        let mut pieces = Pieces::new(writer);
        pieces.raw(
            "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[",
        );
        Self { pieces, runs: 0, version: version.to_owned(), rules: Vec::new(), places: HashMap::new() }
    }

    /// Begins the run of an asset.
    ///
    /// # Errors
    /// What the writer below says; the document is then to be dropped.
    pub fn run(&mut self, subject: &Subject<'_>) -> io::Result<()> {
        self.end_run()?;
        let asset = subject.asset;
        let warning = |text: String| json!({"level": "warning", "message": {"text": text}});
        let notes: Vec<Value> =
            subject.gaps.iter().map(|gap| warning(format!("not assessed: {gap}"))).collect();
        let head = json!({
            "automationDetails": {"id": format!("parapet/{}/{}", asset.kind.as_str(), asset.name)},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notes}],
            "properties": {
                "asset": asset.name, "assetId": asset.uuid, "coverage": subject.coverage.as_str(),
                "distribution": asset.distro, "filter": subject.filter, "identity": asset.identity,
            },
        });
        self.pieces.raw(if self.runs == 0 { "\n" } else { ",\n" });
        self.runs += 1;
        let text = head.to_string();
        self.pieces.raw(text.strip_suffix('}').unwrap_or(&text));
        self.pieces.raw(",\"results\":[");
        Ok(())
    }

    /// Writes a finding of the asset whose run was begun last, with the places that show its package.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn row(&mut self, finding: &Finding<'s>, places: &[Place]) -> io::Result<()> {
        let index = *self.places.entry(finding.vulnerability.no).or_insert_with(|| {
            self.rules.push(Rule { vulnerability: finding.vulnerability, worst: Severity::Unknown });
            self.rules.len() - 1
        });
        if let Some(rule) = self.rules.get_mut(index) {
            rule.worst = rule.worst.max(finding.verdict.severity);
        }
        self.pieces.element(&result(finding, places, index))
    }

    /// Ends the document and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_run()?;
        self.pieces.raw("]}\n");
        self.pieces.finish()
    }

    fn end_run(&mut self) -> io::Result<()> {
        if self.runs == 0 {
            return Ok(());
        }
        let version = Value::from(self.version.as_str());
        self.pieces.raw(&format!(
            "],\"tool\":{{\"driver\":{{\"name\":\"Parapet\",\"version\":{version},\"rules\":["
        ));
        self.places.clear();
        for rule in std::mem::take(&mut self.rules) {
            self.pieces.element(&rule.json())?;
        }
        self.pieces.raw("]}}}");
        Ok(())
    }
}

impl Rule<'_> {
    fn json(&self) -> Value {
        let vulnerability = self.vulnerability;
        let title = if vulnerability.title.is_empty() { &vulnerability.id } else { &vulnerability.title };
        let url = url_of(&vulnerability.id);
        let mut properties = json!({"aliases": vulnerability.aliases, "tags": ["security", "vulnerability"]});
        if let Some(number) = security_severity(vulnerability, self.worst) {
            properties["security-severity"] = Value::from(number);
        }
        json!({
            "defaultConfiguration": {"level": level(self.worst)},
            "help": {"text": format!("See {url}")},
            "helpUri": url,
            "id": vulnerability.id,
            "properties": properties,
            "shortDescription": {"text": title},
        })
    }
}

fn result(finding: &Finding<'_>, places: &[Place], rule: usize) -> Value {
    let (package, verdict) = (&finding.package.key, finding.verdict);
    let id = &finding.vulnerability.id;
    let fix = match verdict.fixed_version.as_str() {
        "" => String::new(),
        version => format!(", fixed in {version}"),
    };
    let message = format!(
        "{} {} ({}) has {id}: {}{fix}",
        package.name, package.version, package.ecosystem, verdict.state
    );
    let level = match verdict.class {
        AdvisoryClass::Informational => "note",
        _ => level(verdict.severity),
    };
    let mut result = json!({
        "level": level,
        "locations": locations(finding, places),
        "message": {"text": message},
        "partialFingerprints": {"parapetFinding/v1": fingerprint(finding, places)},
        "properties": {
            "class": verdict.class.as_str(),
            "firstFound": format_rfc3339(finding.first_found),
            "fixedVersion": verdict.fixed_version,
            "knownExploited": finding.vulnerability.kev_added != 0,
            "severity": verdict.severity.as_str(),
            "state": verdict.state.as_str(),
        },
        "ruleId": id,
        "ruleIndex": rule,
    });
    if finding.vulnerability.epss >= 0.0 {
        result["properties"]["epss"] = Value::from(finding.vulnerability.epss);
    }
    if let Some(exception) = finding.exception {
        result["suppressions"] = json!([{
            "justification": exception.title, "kind": "external", "status": "accepted",
            "properties": {
                "exception": exception.uuid, "reason": exception.reason, "end": format_rfc3339(exception.end),
            },
        }]);
    }
    result
}

/// One location for each file; a package without a file is named all the same.
fn locations(finding: &Finding<'_>, places: &[Place]) -> Vec<Value> {
    let package = &finding.package.key;
    let logical = json!([{
        "fullyQualifiedName": format!("{} {} {}", package.ecosystem, package.name, package.version),
        "kind": "package", "name": package.name,
    }]);
    if places.is_empty() {
        return vec![json!({"logicalLocations": logical})];
    }
    let location = |place: &Place| {
        let mut location = json!({
            "logicalLocations": logical,
            "physicalLocation": {"artifactLocation": {"uri": uri_of_path(&place.path)}},
        });
        if !place.layer.is_empty() {
            location["properties"] = json!({"layer": place.layer});
        }
        location
    };
    places.iter().map(location).collect()
}

fn fingerprint(finding: &Finding<'_>, places: &[Place]) -> String {
    let package = &finding.package.key;
    let mut bytes = Vec::new();
    let texts = [
        finding.asset.kind.as_str(),
        &finding.asset.name,
        &finding.vulnerability.id,
        &package.ecosystem,
        &package.name,
        &package.arch,
    ];
    for field in texts.map(str::as_bytes).into_iter().chain(places.first().map(|place| &*place.path)) {
        bytes.extend_from_slice(&(field.len() as u64).to_le_bytes());
        bytes.extend_from_slice(field);
    }
    Digest::of(&bytes).hex()
}

/// Unknown is a warning: nobody has said that it is harmless.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low | Severity::None => "note",
    }
}

fn security_severity(vulnerability: &Vulnerability, worst: Severity) -> Option<String> {
    let floor = match worst {
        Severity::Critical => 9.0,
        Severity::High => 7.0,
        Severity::Medium => 4.0,
        Severity::Low => 0.1,
        Severity::None => 0.0,
        Severity::Unknown => return None,
    };
    Some(format!("{:.1}", score_of(vulnerability, worst).unwrap_or(floor)))
}
