//! CSAF documents, told as a user would see them: what a VEX says of an installed package.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use parapet_matching::advisory::{self, csaf};
use parapet_matching::judge;
use parapet_model::advisory::Advisory;
use parapet_model::{MatchState, PackageKey, Severity};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A package on a platform.
fn component(id: &str, purl: &str) -> Value {
    json!({"category": "product_version", "name": id,
        "product": {"name": id, "product_id": id, "product_identification_helper": {"purl": purl}}})
}

fn platform(id: &str, cpe: &str) -> Value {
    json!({"category": "product_name", "name": id,
        "product": {"name": id, "product_id": id, "product_identification_helper": {"cpe": cpe}}})
}

fn relation(component: &str, platform: &str) -> Value {
    json!({"category": "default_component_of", "product_reference": component,
        "relates_to_product_reference": platform,
        "full_product_name": {"name": "x", "product_id": format!("{platform}:{component}")}})
}

fn document(
    id: &str,
    branches: Vec<Value>,
    relationships: Vec<Value>,
    vulnerabilities: Vec<Value>,
) -> Vec<u8> {
    let document = json!({
        "document": {
            "category": "csaf_vex", "csaf_version": "2.0", "title": "one line",
            "publisher": {"name": "Red Hat Product Security", "category": "vendor", "namespace": "https://vendor.example"},
            "aggregate_severity": {"text": "Moderate"},
            "references": [
                {"category": "self", "url": "https://vendor.example/vex.json"},
                {"category": "external", "url": "https://vendor.example/page"}],
            "tracking": {"id": id, "current_release_date": "2026-08-01T00:00:00+00:00",
                "initial_release_date": "2026-07-01T00:00:00Z", "status": "final", "version": "1"}
        },
        "product_tree": {"branches": [{"category": "vendor", "name": "Red Hat", "branches": branches}],
            "relationships": relationships},
        "vulnerabilities": vulnerabilities
    });
    serde_json::to_vec(&document).unwrap()
}

/// RHEL 9 with a fix, RHEL 8 without, and a layered product.
fn vex() -> Vec<u8> {
    let branches = vec![
        platform("BaseOS-9", "cpe:/o:redhat:enterprise_linux:9::baseos"),
        platform("AppStream-9", "cpe:/a:redhat:enterprise_linux:9::appstream"),
        platform("BaseOS-9.2.EUS", "cpe:/o:redhat:rhel_eus:9.2::baseos"),
        platform("rhel_8", "cpe:/o:redhat:enterprise_linux:8"),
        platform("rhel_7", "cpe:/o:redhat:enterprise_linux:7"),
        platform("satellite", "cpe:/a:redhat:satellite:6.15::el9"),
        platform("everything", "cpe:/a:redhat"),
        component("libs-2", "pkg:rpm/redhat/openssl-libs@3.0.7-27.el9?arch=x86_64&epoch=1"),
        component("libs-3", "pkg:rpm/redhat/openssl-libs@3.0.7-28.el9?arch=x86_64&epoch=1"),
        component("src-2", "pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=src&epoch=1"),
        component("libs-eus", "pkg:rpm/redhat/openssl-libs@3.0.7-10.el9_2?arch=x86_64&epoch=1"),
        component("openssl", "pkg:rpm/redhat/openssl?arch=src"),
        component("compat", "pkg:rpm/redhat/compat-openssl?arch=src"),
        component("shim", "pkg:rpm/redhat/shim"),
    ];
    let relationships = [
        ("libs-2", "BaseOS-9"),
        ("libs-3", "AppStream-9"),
        ("src-2", "BaseOS-9"),
        ("libs-eus", "BaseOS-9.2.EUS"),
        ("openssl", "rhel_8"),
        ("openssl", "rhel_7"),
        ("openssl", "satellite"),
        ("compat", "BaseOS-9"),
        ("shim", "rhel_8"),
        ("compat", "everything"),
    ]
    .iter()
    .map(|(component, platform)| relation(component, platform))
    .collect();
    let vulnerability = json!({
        "cve": "CVE-2026-0001",
        "notes": [{"category": "description", "text": "what it is"}],
        "product_status": {
            "fixed": ["BaseOS-9:libs-2", "AppStream-9:libs-3", "BaseOS-9:src-2", "BaseOS-9.2.EUS:libs-eus", "unknown"],
            "known_affected": ["rhel_8:openssl", "rhel_7:openssl", "satellite:openssl"],
            "known_not_affected": ["BaseOS-9:compat", "everything:compat", "everything"],
            "under_investigation": ["rhel_8:shim"]
        },
        "remediations": [
            {"category": "vendor_fix", "details": "update", "product_ids": ["BaseOS-9:libs-2"]},
            {"category": "none_available", "details": "Fix deferred", "product_ids": ["rhel_8:openssl"]},
            {"category": "no_fix_planned", "details": "Because of its age.", "product_ids": ["rhel_7:openssl"]}],
        "scores": [{"cvss_v3": {"baseScore": 7.5, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}, "products": []}],
        "threats": [{"category": "impact", "details": "Low", "product_ids": ["rhel_8:openssl"]}]
    });
    document("CVE-2026-0001", branches, relationships, vec![vulnerability])
}

fn only(bytes: &[u8]) -> Advisory {
    assert!(advisory::is_csaf(bytes));
    let mut advisories = advisory::parse(bytes).unwrap();
    assert_eq!(advisories.len(), 1);
    advisories.pop().unwrap()
}

fn rpm(ecosystem: &str, name: &str, source: &str, version: &str) -> PackageKey {
    let mut package = PackageKey::new(ecosystem, name, version);
    package.source_name = source.to_owned();
    package
}

#[track_caller]
fn says(record: &Advisory, package: &PackageKey, state: Option<MatchState>, fixed: &str) {
    let verdict = judge(package, record).pop();
    let found = verdict.as_ref().map(|v| (v.state, v.fixed_version.as_str()));
    assert_eq!(found, state.map(|state| (state, fixed)), "{package:?}");
}

#[test]
fn a_document_of_one_cve_goes_by_its_publisher_and_that_cve() {
    let record = only(&vex());
    assert_eq!((record.id.as_str(), record.source.as_str()), ("REDHAT-CVE-2026-0001", "REDHAT-CVE"));
    assert_eq!(record.vulnerabilities, ["CVE-2026-0001"]);
    assert_eq!(record.same_as, ["REDHAT-CVE-2026-0001"]);
    assert_eq!((record.summary.as_str(), record.details.as_str()), ("one line", "what it is"));
    assert_eq!(record.url, "https://vendor.example/page");
    assert_eq!(record.vendor_severity, Severity::Medium);
    assert_eq!(record.cvss.len(), 1);
    assert!(record.modified > record.published && record.published > 0);
    assert!(csaf::is_vex(&vex()));
}

#[test]
fn a_fix_is_the_lowest_version_that_has_it() {
    let record = only(&vex());
    let libs = |version: &str| rpm("Red Hat:9", "openssl-libs", "openssl", version);
    says(&record, &libs("1:3.0.7-26.el9"), Some(MatchState::FixAvailable), "1:3.0.7-27.el9");
    says(&record, &libs("1:3.0.7-27.el9"), None, "");
    // Without an epoch it is an older package, whatever its number.
    says(&record, &libs("9.9-1.el9"), Some(MatchState::FixAvailable), "1:3.0.7-27.el9");
    // Binary packages are named, so those that are not have nothing fixed in them.
    says(&record, &rpm("Red Hat:9", "openssl-perl", "openssl", "1:3.0.7-26.el9"), None, "");
}

#[test]
fn what_is_not_fixed_keeps_the_vendors_word_and_counts_for_all_built_from_the_source() {
    let record = only(&vex());
    let built = |release: &str| rpm(release, "openssl-libs", "openssl", "1:1.1.1k-9.el8");
    says(&record, &built("Red Hat:8"), Some(MatchState::Postponed), "");
    says(&record, &built("Red Hat:7"), Some(MatchState::WontFix), "");
    let severity = |package| judge(&package, &record).pop().unwrap().vendor_severity;
    assert_eq!(severity(built("Red Hat:8")), Severity::Low);
    assert_eq!(severity(built("Red Hat:7")), Severity::Medium, "the document's word");
    says(&record, &rpm("Red Hat:8", "shim", "shim", "15-1"), Some(MatchState::UnderInvestigation), "");
    says(&record, &rpm("Red Hat:8", "shim-x64", "shim", "15-1"), Some(MatchState::UnderInvestigation), "");
}

#[test]
fn not_affected_holds_within_its_platform_only() {
    let record = only(&vex());
    let compat = |release: &str| rpm(release, "compat-openssl11", "compat-openssl", "1:1.1.1k-4.el9");
    says(&record, &compat("Red Hat:9"), Some(MatchState::NotAffected), "");
    says(&record, &compat("Red Hat:8"), None, "");
    says(&record, &compat("AlmaLinux:9"), None, "");
}

#[test]
fn layered_products_and_update_streams_say_nothing_of_the_release() {
    let record = only(&vex());
    let ecosystems: Vec<&str> = record.affected.iter().map(|entry| entry.ecosystem.as_str()).collect();
    assert!(ecosystems.contains(&"Red Hat:satellite:6.15::el9"), "{ecosystems:?}");
    // Affected in Satellite on RHEL 9, and RHEL 9 itself is fixed.
    says(&record, &rpm("Red Hat:9", "openssl", "openssl", "1:3.0.7-27.el9"), None, "");
    // The extended stream's fix is lower than the release's and does not count there.
    let libs = rpm("Red Hat:9", "openssl-libs", "openssl", "1:3.0.7-11.el9");
    says(&record, &libs, Some(MatchState::FixAvailable), "1:3.0.7-27.el9");
}

#[test]
fn modules_are_told_apart() {
    let branches = vec![
        platform("AppStream-8", "cpe:/a:redhat:enterprise_linux:8::appstream"),
        component("mod-16", "pkg:rpmmod/redhat/nodejs@16:8070020230306170042:bd1311ed"),
        component("node-16", "pkg:rpm/redhat/nodejs@16.19.1-1.module%2Bel8.7.0?arch=x86_64&epoch=1"),
        component(
            "node-18",
            "pkg:rpm/redhat/nodejs@18.14.2-2.module%2Bel8.7.0?arch=x86_64&epoch=1&rpmmod=nodejs:18:1:2",
        ),
    ];
    let mut relationships = vec![relation("mod-16", "AppStream-8"), relation("node-18", "AppStream-8")];
    relationships.push(relation("node-16", "AppStream-8:mod-16"));
    let vulnerability = json!({"cve": "CVE-2026-0002",
        "product_status": {"fixed": ["AppStream-8:mod-16:node-16", "AppStream-8:node-18"]}});
    let record = only(&document("RHSA-2026:1", branches, relationships, vec![vulnerability]));
    assert_eq!((record.id.as_str(), record.same_as.len()), ("RHSA-2026:1", 0));
    let node = |module: &str, version: &str| {
        let mut package = rpm("Red Hat:8", "nodejs", "nodejs", version);
        package.module = module.to_owned();
        package
    };
    says(
        &record,
        &node("nodejs:18:9:9", "1:18.1.0-1.module+el8.7.0"),
        Some(MatchState::FixAvailable),
        "1:18.14.2-2.module+el8.7.0",
    );
    says(
        &record,
        &node("nodejs:16:9:9", "1:16.1.0-1.module+el8.7.0"),
        Some(MatchState::FixAvailable),
        "1:16.19.1-1.module+el8.7.0",
    );
    says(&record, &node("nodejs:16:9:9", "1:16.20.0-1.module+el8.7.0"), None, "");
    says(&record, &node("nodejs:20:9:9", "1:16.1.0-1.module+el8.7.0"), None, "");
    says(&record, &node("", "1:10.0.0-1.el8"), None, "");
}

#[test]
fn each_vulnerability_of_an_advisory_speaks_for_itself() {
    let branches = vec![
        json!({"category": "product_name", "name": "m", "product": {"product_id": "m",
            "name": "SUSE Linux Enterprise Module for Basesystem 15 SP6",
            "product_identification_helper": {"cpe": "cpe:/o:suse:sle-module-basesystem:15:sp6"}}}),
        json!({"category": "product_version", "name": "libx-1.2-150600.1.1.x86_64",
            "product": {"product_id": "libx", "name": "libx-1.2-150600.1.1.x86_64"}}),
        json!({"category": "product_version", "name": "liby-3-1.1.noarch",
            "product": {"product_id": "liby", "name": "liby-3-1.1.noarch"}}),
    ];
    let relationships = vec![relation("libx", "m"), relation("liby", "m")];
    let vulnerability = |cve: &str, id: &str| {
        json!({"cve": cve, "product_status": {"recommended": [id]},
        "threats": [{"category": "impact", "details": "important"}]})
    };
    let vulnerabilities = vec![
        vulnerability("CVE-2026-0003", "m:libx"),
        vulnerability("CVE-2026-0004", "m:liby"),
        json!({"cve": "CVE-2026-0005"}),
    ];
    let records =
        csaf::parse(&document("SUSE-SU-2026:1-1", branches, relationships, vulnerabilities)).unwrap();
    let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["SUSE-SU-2026:1-1/CVE-2026-0003", "SUSE-SU-2026:1-1/CVE-2026-0004"]);
    assert_eq!((records[0].source.as_str(), records[0].vendor_severity), ("SUSE-SU", Severity::High));
    let package = |name: &str, version: &str| rpm("SUSE:Linux Enterprise 15 SP6", name, name, version);
    says(&records[0], &package("libx", "1.2-150600.0.9"), Some(MatchState::FixAvailable), "1.2-150600.1.1");
    says(&records[1], &package("libx", "1.2-150600.0.9"), None, "");
    says(&records[1], &package("liby", "3-1.0"), Some(MatchState::FixAvailable), "3-1.1");
}

#[test]
fn language_packages_count_where_they_stand_alone() {
    let branches = vec![
        platform("product", "cpe:/a:acme:portal:1"),
        component("lodash", "pkg:npm/lodash@4.17.20"),
        component("left", "pkg:npm/left-pad@1.0.0"),
    ];
    let vulnerability =
        json!({"cve": "CVE-2026-0006", "product_status": {"known_affected": ["lodash", "product:left"]}});
    let record = only(&document("ACME-1", branches, vec![relation("left", "product")], vec![vulnerability]));
    says(&record, &PackageKey::new("npm", "lodash", "4.17.20"), Some(MatchState::Affected), "");
    says(&record, &PackageKey::new("npm", "lodash", "4.17.21"), None, "");
    says(&record, &PackageKey::new("npm", "left-pad", "1.0.0"), None, "");
}

#[test]
fn hostile_documents_are_errors_or_say_nothing() {
    let circle = vec![json!({"category": "default_component_of", "product_reference": "a",
        "relates_to_product_reference": "a", "full_product_name": {"name": "x", "product_id": "a"}})];
    let vulnerability = json!({"cve": "CVE-2026-0007", "product_status": {"known_affected": ["a", "b", ""]}});
    let bytes = document("X-1", vec![component("a", "pkg:rpm/redhat/a")], circle, vec![vulnerability]);
    assert_eq!(csaf::parse(&bytes).unwrap(), []);
    for (text, why) in [
        ("{\"product_tree\": {}}", "missing field"),
        ("{\"document\": {\"tracking\": {\"id\": \"a b\"}}}", "is no advisory id"),
        ("{\"document\": {\"tracking\": {\"id\": 7}}}", "expected a text"),
    ] {
        let error = csaf::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let deep = format!("{{\"document\": {}1{}}}", "[".repeat(70), "]".repeat(70));
    assert!(csaf::parse(deep.as_bytes()).unwrap_err().to_string().contains("nested deeper"));
    assert!(!advisory::is_csaf(br#"{"id": "X-1", "details": "\"csaf_version\""}"#));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_that_was_changed_anywhere_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..40), 1..6)
    ) {
        let mut bytes = vex();
        for (place, byte, cut) in changes {
            let at = place.index(bytes.len());
            bytes[at] = byte;
            let end = (at + cut).min(bytes.len());
            bytes.drain(at..end);
            if bytes.is_empty() {
                break;
            }
        }
        for record in csaf::parse(&bytes).unwrap_or_default() {
            let package = rpm("Red Hat:9", "openssl-libs", "openssl", "1:3.0.7-26.el9");
            let _ = judge(&package, &record);
        }
    }

    #[test]
    fn any_product_name_is_read_or_passed_over(name in "\\PC{0,60}", purl in "pkg:[ -~]{0,60}", cpe in "cpe:[ -~]{0,60}") {
        let branches = vec![component(&name, &purl), platform("p", &cpe)];
        let vulnerability = json!({"cve": "CVE-2026-0008", "product_status": {"known_affected": [name, format!("p:{name}")]}});
        let bytes = document("X-1", branches, vec![relation(&name, "p")], vec![vulnerability]);
        prop_assert!(csaf::parse(&bytes).is_ok());
    }
}
