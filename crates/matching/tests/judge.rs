//! What records say of packages, told as a user would see it: state, fixed version, range.

use parapet_matching::{affected_key, judge, keys_of};
use parapet_model::advisory::{Advisory, Affected, Event, Range, RangeKind};
use parapet_model::verdict::{AdvisoryClass, Verdict};
use parapet_model::{MatchState, PackageKey, Severity};
use proptest::prelude::*;

/// `>=1 <2` and so on, in OSV's events: `i` introduced, `f` fixed, `l` last affected, `m` limit.
fn range(events: &[&str]) -> Range {
    let event = |text: &&str| {
        let (kind, version) = text.split_at(1);
        let version = version.trim().to_owned();
        match kind {
            "i" => Event::Introduced(version),
            "f" => Event::Fixed(version),
            "l" => Event::LastAffected(version),
            _ => Event::Limit(version),
        }
    };
    Range { kind: RangeKind::Ecosystem, events: events.iter().map(event).collect() }
}

fn entry(ecosystem: &str, name: &str, events: &[&str]) -> Affected {
    Affected {
        ecosystem: ecosystem.to_owned(),
        name: name.to_owned(),
        ranges: if events.is_empty() { Vec::new() } else { vec![range(events)] },
        ..Affected::default()
    }
}

fn advisory(affected: Vec<Affected>) -> Advisory {
    Advisory {
        source: "TEST".to_owned(),
        id: "TEST-1".to_owned(),
        vulnerabilities: vec!["CVE-2024-0001".to_owned()],
        affected,
        ..Advisory::default()
    }
}

fn of(ecosystem: &str, version: &str, events: &[&str]) -> Option<Verdict> {
    let package = PackageKey::new(ecosystem, "x", version);
    judge(&package, &advisory(vec![entry(ecosystem, "x", events)])).pop()
}

/// State, fixed version and range of the one verdict.
fn said(verdict: Option<Verdict>) -> Option<(MatchState, String, String)> {
    verdict.map(|v| (v.state, v.fixed_version, v.range))
}

#[track_caller]
fn check(verdict: Option<Verdict>, expected: Option<(MatchState, &str, &str)>) {
    let expected = expected.map(|(state, fixed, range)| (state, fixed.to_owned(), range.to_owned()));
    assert_eq!(said(verdict), expected);
}

use MatchState::*;

#[test]
fn a_version_before_the_fix_is_affected_and_fixable() {
    let events = ["i0", "f3.0.11-1~deb12u2"];
    let fixable = Some((FixAvailable, "3.0.11-1~deb12u2", ">= 0, < 3.0.11-1~deb12u2"));
    check(of("Debian:12", "3.0.11-1~deb12u1", &events), fixable);
    check(of("Debian:12", "3.0.11-1~deb12u2", &events), None);
    check(of("Debian:12", "1:0.1-1", &events), None);
}

#[test]
fn without_a_fix_it_stays_affected() {
    check(of("Debian:12", "9.9-1", &["i0"]), Some((Affected, "", ">= 0")));
    check(of("PyPI", "1.5", &["i1.0", "l1.5"]), Some((Affected, "", ">= 1.0, <= 1.5")));
    check(of("PyPI", "1.5.1", &["i1.0", "l1.5"]), None);
    check(of("PyPI", "0.9", &["i1.0", "l1.5"]), None);
}

#[test]
fn several_intervals_in_one_range_are_kept_apart() {
    let events = ["i0", "f1.14.14", "i1.15.0", "f1.15.7", "i1.16.0"];
    check(of("Go", "v1.14.0", &events), Some((FixAvailable, "1.14.14", ">= 0, < 1.14.14")));
    check(of("Go", "v1.14.20", &events), None);
    check(of("Go", "v1.15.6", &events), Some((FixAvailable, "1.15.7", ">= 1.15.0, < 1.15.7")));
    check(of("Go", "v1.17.0", &events), Some((Affected, "", ">= 1.16.0")));
    // A range with several fixes ends at the first of them.
    check(of("PyPI", "1.0", &["i0", "f3.1", "f2.2"]), Some((FixAvailable, "2.2", ">= 0, < 2.2")));
    check(of("PyPI", "2.5", &["i0", "f3.1", "f2.2"]), None);
}

#[test]
fn limits_bound_what_was_looked_at() {
    check(of("PyPI", "1.0", &["i0", "m2.0"]), Some((Affected, "", ">= 0")));
    check(of("PyPI", "2.0", &["i0", "m2.0"]), None);
    check(of("PyPI", "2.0", &["i0", "m2.0", "m3.0"]), Some((Affected, "", ">= 0")));
    check(of("PyPI", "9.0", &["i0", "m*"]), Some((Affected, "", ">= 0")));
}

#[test]
fn fixed_at_zero_is_never_affected() {
    check(of("Alpine:v3.20", "1.2.3-r0", &["i0", "f0"]), Some((NotAffected, "", "never affected")));
    check(of("Debian:12", "1.2.3-1", &["f0", "i0"]), Some((NotAffected, "", "never affected")));
    check(of("npm", "1.2.3", &["i0", "f0"]), None);
    let mut listed = entry("Debian:12", "x", &["i0", "f0"]);
    listed.versions.push("1.2.3-1".to_owned());
    let package = PackageKey::new("Debian:12", "x", "1.2.3-1");
    check(judge(&package, &advisory(vec![listed])).pop(), Some((Affected, "", "= 1.2.3-1")));
}

#[test]
fn a_version_without_a_place_matches_only_where_it_is_listed() {
    check(of("PyPI", "2.0.0-final-really", &["i0"]), None);
    let mut listed = entry("PyPI", "x", &["i0"]);
    listed.versions.push("2.0.0-final-really".to_owned());
    let package = PackageKey::new("PyPI", "x", "2.0.0-final-really");
    check(judge(&package, &advisory(vec![listed])).pop(), Some((Affected, "", "= 2.0.0-final-really")));
}

#[test]
fn listed_versions_are_compared_by_the_order_where_there_is_one() {
    let listed = |ecosystem: &str, listed: &str, version: &str| {
        let mut entry = entry(ecosystem, "x", &[]);
        entry.versions.push(listed.to_owned());
        judge(&PackageKey::new(ecosystem, "x", version), &advisory(vec![entry])).pop()
    };
    check(listed("PyPI", "1.0", "1.0.0"), Some((Affected, "", "= 1.0.0")));
    check(listed("Conda", "2.14.1", "2.14.1"), Some((Affected, "", "= 2.14.1")));
    check(listed("Conda", "2.14", "2.14.0"), None);
}

#[test]
fn an_ecosystem_without_an_order_is_not_guessed() {
    check(of("Conda", "2.14.1", &["i2.0", "f2.15.0"]), None);
    check(of("Homebrew", "1.0", &["i0"]), None);
}

#[test]
fn a_fix_that_cannot_be_compared_is_shown_as_such() {
    let unclear = Some((Affected, "", ">= 0, < 4.10-1-r1 (cannot be compared)"));
    check(of("Alpine:v3.20", "4.11-r0", &["i0", "f4.10-1-r1"]), unclear);
    check(of("Alpine:v3.20", "1-r0", &["i0", "fx", "f4-r0"]), Some((FixAvailable, "4-r0", ">= 0, < 4-r0")));
    check(of("Alpine:v3.20", "4.11-r0", &["ix"]), None);
}

#[test]
fn distributions_are_judged_by_source_package() {
    let mut package = PackageKey::new("Debian:12", "libssl3", "1:3.0.11-1+b9");
    package.source_name = "openssl".to_owned();
    package.source_version = "3.0.11-1".to_owned();
    let record = advisory(vec![entry("Debian:12", "openssl", &["i0", "f3.0.11-1+b1"])]);
    check(judge(&package, &record).pop(), Some((FixAvailable, "3.0.11-1+b1", ">= 0, < 3.0.11-1+b1")));
    for other in ["Debian:11", "Debian", "Ubuntu:22.04:LTS"] {
        package.ecosystem = other.to_owned();
        assert_eq!(judge(&package, &record), []);
    }
}

#[test]
fn rpm_modules_are_judged_apart() {
    let package = |module: &str, version: &str| {
        let mut package = PackageKey::new("AlmaLinux:8", "nodejs", version);
        package.module = module.to_owned();
        package
    };
    let mut labelled = entry("AlmaLinux:8", "nodejs", &["i0", "f1:18.20.0-1.module_el8.9.0+1+a"]);
    labelled.module = "nodejs:18".to_owned();
    let record = advisory(vec![labelled.clone()]);
    let build = "1:18.1.0-1.module_el8.6.0+1+a";
    assert_eq!(judge(&package("nodejs:18:8060020220101:ad008a3a", build), &record).len(), 1);
    assert_eq!(
        judge(&package("nodejs:16:8060020220101:ad008a3a", "1:16.1.0-1.module_el8.6.0+1+a"), &record),
        []
    );
    assert_eq!(judge(&package("", "1:10.1.0-1.el8"), &record), []);
    // A record without a label still does not mix module builds with plain ones.
    labelled.module.clear();
    let record = advisory(vec![labelled]);
    assert_eq!(judge(&package("nodejs:18:8060020220101:ad008a3a", build), &record).len(), 1);
    assert_eq!(judge(&package("", build), &record).len(), 1);
    assert_eq!(judge(&package("", "1:10.1.0-1.el8"), &record), []);
}

#[test]
fn a_fix_behind_a_subscription_is_named_so() {
    let pro = || entry("Ubuntu:Pro:22.04:LTS", "x", &["i0", "f1.0-1ubuntu0.1+esm2"]);
    let plain = || entry("Ubuntu:22.04:LTS", "x", &["i0"]);
    let judged = |version: &str, entries: Vec<Affected>| {
        judge(&PackageKey::new("Ubuntu:22.04:LTS", "x", version), &advisory(entries)).pop()
    };
    let range = ">= 0, < 1.0-1ubuntu0.1+esm2";
    let (with, without) = ("1.0-1ubuntu0.1+esm1", "1.0-1ubuntu0.1");
    check(judged(without, vec![pro()]), Some((FixWithSubscription, "1.0-1ubuntu0.1+esm2", range)));
    check(judged(without, vec![plain(), pro()]), Some((FixWithSubscription, "1.0-1ubuntu0.1+esm2", range)));
    check(judged(without, vec![pro(), plain()]), Some((FixWithSubscription, "1.0-1ubuntu0.1+esm2", range)));
    check(judged(with, vec![plain(), pro()]), Some((FixAvailable, "1.0-1ubuntu0.1+esm2", range)));
    check(judged("1.0-1ubuntu0.1+esm2", vec![plain(), pro()]), None);
    let public = entry("Ubuntu:22.04:LTS", "x", &["i0", "f1.0-1ubuntu0.2"]);
    check(
        judged(without, vec![pro(), public]),
        Some((FixAvailable, "1.0-1ubuntu0.2", ">= 0, < 1.0-1ubuntu0.2")),
    );
}

#[test]
fn the_trackers_words_become_states() {
    let with = |word: &str, events: &[&str]| {
        let mut entry = entry("Debian:12", "x", events);
        entry.vendor_state = word.to_owned();
        judge(&PackageKey::new("Debian:12", "x", "1.0-1"), &advisory(vec![entry])).pop().map(|v| v.state)
    };
    assert_eq!(with("end-of-life", &["i0"]), Some(WontFix));
    assert_eq!(with("ignored", &["i0"]), Some(WontFix));
    assert_eq!(with("no-dsa", &["i0"]), Some(Postponed));
    assert_eq!(with("postponed", &["i0"]), Some(Postponed));
    assert_eq!(with("undetermined", &["i0"]), Some(UnderInvestigation));
    assert_eq!(with("not yet assigned", &["i0"]), Some(Affected));
    assert_eq!(with("no-dsa", &["i0", "f2.0-1"]), Some(FixAvailable), "a fix is a fix");
}

#[test]
fn of_several_matching_ranges_the_hardest_is_told() {
    let judged = |ranges: Vec<Range>| {
        let mut entry = entry("Debian:12", "x", &[]);
        entry.ranges = ranges;
        judge(&PackageKey::new("Debian:12", "x", "1.0-1"), &advisory(vec![entry])).pop()
    };
    let (nine, ten) = (range(&["i0", "f9-1"]), range(&["i0", "f10-1"]));
    let told = Some((FixAvailable, "10-1", ">= 0, < 10-1"));
    check(judged(vec![nine.clone(), ten.clone()]), told);
    check(judged(vec![ten.clone(), nine.clone()]), told);
    check(judged(vec![nine, range(&["i0"]), ten]), Some((Affected, "", ">= 0")));
}

#[test]
fn every_vulnerability_of_a_record_gets_its_verdict() {
    let mut record = advisory(vec![entry("Debian:12", "x", &["i0", "f2-1"])]);
    record.vulnerabilities = vec!["CVE-2024-0001".to_owned(), "CVE-2024-0002".to_owned()];
    record.class = AdvisoryClass::Informational;
    let verdicts = judge(&PackageKey::new("Debian:12", "x", "1-1"), &record);
    let named: Vec<&str> = verdicts.iter().map(|v| v.vulnerability.as_str()).collect();
    assert_eq!(named, ["CVE-2024-0001", "CVE-2024-0002"]);
    assert!(verdicts.iter().all(|v| v.class == AdvisoryClass::Informational));
    record.withdrawn = 1;
    assert_eq!(judge(&PackageKey::new("Debian:12", "x", "1-1"), &record), []);
}

#[test]
fn the_vendors_word_comes_before_the_records_cvss() {
    let severity = |record: &Advisory| {
        judge(&PackageKey::new("Debian:12", "x", "1-1"), record).pop().map(|v| v.vendor_severity)
    };
    let mut record = advisory(vec![entry("Debian:12", "x", &["i0"])]);
    assert_eq!(severity(&record), Some(Severity::Unknown));
    record.cvss.push("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned());
    assert_eq!(severity(&record), Some(Severity::Critical));
    record.vulnerabilities.push("CVE-2024-0002".to_owned());
    assert_eq!(severity(&record), Some(Severity::Unknown), "the vector may be the other's");
    record.vendor_severity = Severity::Medium;
    assert_eq!(severity(&record), Some(Severity::Medium));
    record.affected[0].vendor_severity = Severity::Low;
    assert_eq!(severity(&record), Some(Severity::Low));
}

/// OSV's own words for the evaluation of a range: sort the events, walk them.
fn by_the_specification(version: u32, events: &[(u8, u32)]) -> bool {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|&(kind, at)| (at, kind != 0));
    let mut affected = false;
    for (kind, at) in sorted {
        match kind {
            0 if version >= at => affected = true,
            1 if version >= at => affected = false,
            2 if version > at => affected = false,
            _ => {}
        }
    }
    affected
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranges_mean_what_the_specification_says(
        version in 1u32..12, events in prop::collection::vec((0u8..3, 1u32..12), 1..7)
    ) {
        let text: Vec<String> =
            events.iter().map(|(kind, at)| format!("{}{at}", ["i", "f", "l"][usize::from(*kind)])).collect();
        let text: Vec<&str> = text.iter().map(String::as_str).collect();
        let found = of("PyPI", &version.to_string(), &text);
        prop_assert_eq!(found.is_some(), by_the_specification(version, &events), "{} in {:?}", version, text);
        if let Some(found) = found && found.state == FixAvailable {
            let fixed: u32 = found.fixed_version.parse().unwrap();
            prop_assert!(fixed > version && !by_the_specification(fixed, &events));
        }
    }

    #[test]
    fn only_packages_with_the_key_of_an_entry_are_judged(
        ecosystem in prop::sample::select(vec!["Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS", "PyPI", "npm", "Debian:12"]),
        other in prop::sample::select(vec!["Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS", "PyPI", "npm", "Debian:12"]),
        name in prop::sample::select(vec!["a-b", "A_B", "a.b", "c"]),
    ) {
        let package = PackageKey::new(ecosystem, "a-b", "1.0.0");
        let entry = entry(other, name, &["i0"]);
        let meets = keys_of(&package).contains(&affected_key(&entry));
        prop_assert_eq!(!judge(&package, &advisory(vec![entry])).is_empty(), meets);
    }
}
