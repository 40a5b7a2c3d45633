//! Reading OSV records: what is kept, what is cut, what is refused.

use parapet_matching::advisory::{AdvisoryError, osv};
use parapet_model::Severity;
use parapet_model::advisory::{Advisory, Event, RangeKind};
use parapet_model::time::parse_instant;
use parapet_model::verdict::AdvisoryClass;
use proptest::prelude::*;

fn parse(json: &str) -> Result<Advisory, AdvisoryError> {
    osv::parse(json.as_bytes())
}

#[track_caller]
fn read(json: &str) -> Advisory {
    match parse(json) {
        Ok(advisory) => advisory,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_github_record_is_read_whole() {
    let record = read(
        r###"{
        "schema_version": "1.7.3", "id": "GHSA-aaaa-bbbb-cccc",
        "published": "2024-03-01T10:00:00Z", "modified": "2024-03-02T10:00:00.5Z",
        "aliases": ["CVE-2024-1234", "PYSEC-2024-9"], "related": ["CVE-2000-0001"],
        "summary": "Something\n is  wrong", "details": "## What\nIt is.",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
        "affected": [{
            "package": {"ecosystem": "PyPI", "name": "Some.Thing", "purl": "pkg:pypi/some-thing"},
            "ranges": [
                {"type": "GIT", "repo": "https://example.org/x", "events": [{"introduced": "0"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2"}, {"last_affected": "2.3"}]}
            ],
            "versions": ["1.0", "1.1"], "database_specific": {"source": "x"}
        }],
        "references": [
            {"type": "PACKAGE", "url": "https://example.org/package"},
            {"type": "WEB", "url": "https://example.org/page"},
            {"type": "ADVISORY", "url": "javascript:alert(1)"},
            {"type": "ADVISORY", "url": "https://example.org/advisory"}
        ],
        "database_specific": {"severity": "MODERATE", "cwe_ids": ["CWE-1"]}, "unknown": {"a": [1, 2]}
    }"###,
    );
    assert_eq!(record.source, "GHSA");
    assert_eq!(record.vulnerabilities, ["CVE-2024-1234"]);
    assert_eq!(record.same_as, ["GHSA-aaaa-bbbb-cccc", "PYSEC-2024-9"]);
    assert_eq!(record.summary, "Something is wrong");
    assert_eq!(record.url, "https://example.org/advisory");
    assert_eq!(record.vendor_severity, Severity::Medium);
    assert_eq!(record.published, parse_instant("2024-03-01T10:00:00Z").unwrap());
    assert_eq!((record.withdrawn, record.class), (0, AdvisoryClass::Vulnerability));
    assert_eq!(record.cvss.len(), 1);
    let [entry] = record.affected.as_slice() else { panic!("one entry") };
    assert_eq!((entry.ecosystem.as_str(), entry.name.as_str()), ("PyPI", "Some.Thing"));
    let [range] = entry.ranges.as_slice() else { panic!("the GIT range is dropped") };
    assert_eq!(range.kind, RangeKind::Ecosystem);
    assert_eq!(range.events[1], Event::Fixed("1.2".to_owned()));
    assert_eq!(range.events[3], Event::LastAffected("2.3".to_owned()));
}

#[test]
fn related_covers_only_where_distributions_put_their_cves_there() {
    let of = |ecosystem: &str| {
        let record = read(&format!(
            r#"{{"id": "ALSA-2024:1", "related": ["CVE-2024-0002", "CVE-2024-0001"],
                "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "x"}}}}]}}"#
        ));
        record.vulnerabilities
    };
    assert_eq!(of("AlmaLinux:9"), ["CVE-2024-0001", "CVE-2024-0002"]);
    assert_eq!(of("Rocky Linux:9"), ["CVE-2024-0001", "CVE-2024-0002"]);
    assert_eq!(of("Debian:12"), ["ALSA-2024:1"]);
}

#[test]
fn words_of_distributions_are_kept() {
    let record = read(
        r#"{"id": "UBUNTU-CVE-2024-0001", "upstream": ["CVE-2024-0001"],
            "severity": [{"type": "Ubuntu", "score": "negligible"}],
            "affected": [
              {"package": {"ecosystem": "Debian:12", "name": "a"}, "ecosystem_specific": {"urgency": "unimportant"}},
              {"package": {"ecosystem": "Ubuntu:22.04:LTS", "name": "a"},
               "severity": [{"type": "Ubuntu", "score": "high"}],
               "ecosystem_specific": {"availability": "No subscription required"}},
              {"package": {"ecosystem": "AlmaLinux:9", "name": "a"}, "ecosystem_specific": {"module": "nodejs:18"}},
              {"ranges": [{"type": "GIT", "events": []}]}
            ]}"#,
    );
    assert_eq!(record.vendor_severity, Severity::Low);
    let [debian, ubuntu, alma] = record.affected.as_slice() else {
        panic!("entries without package are dropped")
    };
    assert_eq!((debian.vendor_state.as_str(), debian.vendor_severity), ("unimportant", Severity::Low));
    assert_eq!(
        (ubuntu.vendor_state.as_str(), ubuntu.vendor_severity),
        ("No subscription required", Severity::High)
    );
    assert_eq!(alma.module, "nodejs:18");
}

#[test]
fn classes_are_told_apart() {
    let informational = r#"{"id": "RUSTSEC-2024-1", "affected": [{"package": {"ecosystem": "crates.io", "name": "x"},
        "database_specific": {"informational": "unmaintained", "cvss": null}}]}"#;
    let vulnerability = informational.replace("\"unmaintained\"", "null");
    assert_eq!(read(informational).class, AdvisoryClass::Informational);
    assert_eq!(read(&vulnerability).class, AdvisoryClass::Vulnerability);
    assert_eq!(read(r#"{"id": "MAL-2024-1"}"#).class, AdvisoryClass::Malware);
}

#[test]
fn a_withdrawal_counts_even_without_a_readable_date() {
    let of = |date: &str| read(&format!(r#"{{"id": "X-1", "withdrawn": {date}}}"#)).withdrawn;
    assert_eq!(of("null"), 0);
    assert_eq!(of("\"2024-01-01T00:00:00Z\""), parse_instant("2024-01-01").unwrap());
    assert_ne!(of("\"some day\""), 0);
    assert_ne!(of("\"0001-01-01T00:00:00Z\""), 0);
}

#[test]
fn free_fields_of_any_shape_do_not_spoil_a_record() {
    for value in ["null", "[]", "[[1]]", "3", "-1.5", "true", "\"x\"", "{}", r#"{"severity": {"a": 1}}"#] {
        let record = read(&format!(
            r#"{{"id": "X-1", "database_specific": {value}, "summary": {value}, "affected": [{{
                "package": {{"ecosystem": "npm", "name": "a"}}, "ecosystem_specific": {value},
                "database_specific": {value}}}]}}"#
        ));
        assert_eq!(record.affected.len(), 1, "{value}");
    }
}

#[test]
fn texts_for_people_are_cut_between_characters() {
    let long = "é".repeat(100_000);
    let record = read(&format!(r#"{{"id": "X-1", "summary": "a{long}", "details": "{long}"}}"#));
    assert!(record.summary.len() <= 512 && record.summary.ends_with('é'));
    assert!(record.details.len() <= 4096 && record.details.ends_with('é'));
}

#[test]
fn what_is_broken_is_refused_and_says_why() {
    let deep = format!("{{\"id\": \"X-1\", \"unknown\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let long = "x".repeat(2000);
    for (json, part) in [
        ("", "not valid"),
        ("[]", "not valid"),
        ("{", "not valid"),
        (r#"{"id": "X-1"} trailing"#, "not valid"),
        (r#"{"summary": "no id"}"#, "missing field `id`"),
        (r#"{"id": ""}"#, "no advisory id"),
        (r#"{"id": "../../etc/passwd"}"#, "no advisory id"),
        (r#"{"id": "X 1"}"#, "no advisory id"),
        (&format!(r#"{{"id": "X-{long}"}}"#), "no advisory id"),
        (r#"{"id": "X-1", "aliases": "CVE-2024-0001"}"#, "not valid"),
        (r#"{"id": "X-1", "summary": "a\u0000b"}"#, "summary contains a NUL"),
        (
            r#"{"id": "X-1", "affected": [{"package": {"ecosystem": "npm", "name": "a\u0000"}}]}"#,
            "name contains a NUL",
        ),
        (
            &format!(
                r#"{{"id": "X-1", "affected": [{{"package": {{"ecosystem": "npm", "name": "{long}"}}}}]}}"#
            ),
            "longer than",
        ),
        (
            &format!(
                r#"{{"id": "X-1", "affected": [{{"package": {{"ecosystem": "npm", "name": "a"}}, "versions": ["{long}"]}}]}}"#
            ),
            "versions[] is longer",
        ),
        (&deep, "nested deeper"),
        (&deep_objects, "nested deeper"),
    ] {
        let error = parse(json).expect_err(part).to_string();
        assert!(error.contains(part), "{error:?} should say {part:?}");
        assert!(error.len() < 500, "{error}");
    }
    let large = vec![b' '; parapet_matching::advisory::MAX_RECORD + 1];
    assert!(matches!(osv::parse(&large), Err(AdvisoryError::TooLarge(_))));
    assert!(osv::parse(b"{\"id\": \"X-\xff\"}").is_err());
}

#[test]
fn brackets_in_texts_are_no_depth() {
    let brackets = "[{".repeat(1000);
    let record = read(&format!(r#"{{"id": "X-1", "details": "\\\"{brackets}\\"}}"#));
    assert!(record.details.ends_with('\\') || record.details.contains("[{"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = osv::parse(&bytes);
    }

    #[test]
    fn a_damaged_record_is_read_or_refused(place in 0usize..400, byte in any::<u8>()) {
        let mut bytes = br#"{"id":"GHSA-a-b-c","aliases":["CVE-2024-1234"],"affected":[{"package":{"ecosystem":"npm",
            "name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.0.0"}]}],"versions":["1"]}],
            "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}]}"#.to_vec();
        let place = place % bytes.len();
        bytes[place] = byte;
        if let Ok(advisory) = osv::parse(&bytes) {
            prop_assert!(!advisory.vulnerabilities.is_empty());
        }
    }
}
