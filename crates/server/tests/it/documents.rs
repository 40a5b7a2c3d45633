//! `parapet scan --format sarif` and `--format cyclonedx`.

use serde_json::Value;

use crate::support::{Fixture, parapet};

/// The fixture with a file that no reader understands.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    std::fs::create_dir_all(fixture.path("root/var/lib/opkg")).unwrap();
    std::fs::write(fixture.path("root/var/lib/opkg/status"), "Package: x\n").unwrap();
    fixture
}

/// Scans alone, with the fixture's feed.
fn scan(fixture: &Fixture, target: &str, format: &str, more: &[&str]) -> String {
    let mut command = parapet();
    command.args(["scan", target, "--format", format, "--feed"]).arg(fixture.feed()).args(more);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn sarif_names_file_rule_and_fix_of_every_finding() {
    let fixture = fixture();
    let log: Value = serde_json::from_str(&scan(&fixture, &fixture.target(), "sarif", &[])).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "{log:#}");
    let glass = results.iter().find(|result| result["ruleId"] == "CVE-2026-0001").unwrap();
    assert_eq!(glass["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "var/lib/dpkg/status");
    assert_eq!(
        glass["message"]["text"],
        "glass 1.0-1 (Debian:12) has CVE-2026-0001: fix_available, fixed in 1.0-2"
    );
    let rule = glass["ruleIndex"].as_u64().unwrap() as usize;
    let rule = &run["tool"]["driver"]["rules"][rule];
    assert_eq!(rule["id"], "CVE-2026-0001");
    assert_eq!(rule["helpUri"], "https://nvd.nist.gov/vuln/detail/CVE-2026-0001");
    assert_eq!(run["properties"]["coverage"], "not-scanned");
    let note = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert!(note.as_str().unwrap().contains("distribution at var/lib/opkg/status: not-scanned"), "{note}");

    let only = scan(&fixture, &fixture.target(), "sarif", &["--where", "fixable"]);
    let only: Value = serde_json::from_str(&only).unwrap();
    assert_eq!(only["runs"][0]["results"].as_array().unwrap().len(), 1);
    assert_eq!(only["runs"][0]["properties"]["filter"], "fixable");
}

#[test]
fn a_cyclonedx_document_scanned_again_gives_the_same_findings() {
    let fixture = fixture();
    let text = scan(&fixture, &fixture.target(), "cyclonedx", &[]);
    let bom: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bom["specVersion"], "1.6");
    let purls: Vec<&str> =
        bom["components"].as_array().unwrap().iter().filter_map(|c| c["purl"].as_str()).collect();
    assert_eq!(
        purls,
        ["glass@1.0-1", "stone@2.0-1", "wood@3.0-1"]
            .map(|package| format!("pkg:deb/debian/{package}?arch=amd64&distro=debian-12"))
    );
    assert_eq!(bom["vulnerabilities"].as_array().unwrap().len(), 2);
    let not_assessed = |p: &&Value| p["name"] == "parapet:not-assessed";
    assert!(bom["metadata"]["properties"].as_array().unwrap().iter().any(|p| not_assessed(&p)));

    let file = fixture.path("bom.json");
    std::fs::write(&file, text).unwrap();
    let again = scan(&fixture, &format!("sbom:{}", file.display()), "csv", &[]);
    let direct = scan(&fixture, &fixture.target(), "csv", &[]);
    let found = |csv: &str| -> Vec<String> {
        let rows = csv.lines().skip(1).map(|row| row.split(',').skip(12).collect::<Vec<_>>().join(","));
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        rows
    };
    assert_eq!(found(&again), found(&direct));
    assert_eq!(found(&again).len(), 2, "{again}");
}

#[test]
fn a_cyclonedx_document_is_of_one_target() {
    let fixture = Fixture::new();
    let target = fixture.target();
    let output = parapet().args(["scan", &target, &target, "--format", "cyclonedx"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("one target at a time"));
}
