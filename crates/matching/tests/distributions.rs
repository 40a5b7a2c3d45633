//! What each distribution's feed needs so that its packages are judged rightly. Each test names the
//! mistake it is about; all records are small ones of our own in the publishers' shapes.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use parapet_matching::advisory::osv;
use parapet_matching::coverage::{FeedFacts, of_ecosystem, of_package};
use parapet_matching::precedence::{Candidate, choose};
use parapet_matching::{affected_key, judge, keys_of};
use parapet_model::advisory::Advisory;
use parapet_model::time::{DAY, parse_instant};
use parapet_model::{Coverage, MatchState, PackageKey, Severity};
use serde_json::{Value, json};

fn record(value: &Value) -> Advisory {
    osv::parse(&serde_json::to_vec(value).unwrap()).unwrap()
}

/// A record with one entry; `fixed` empty for none.
fn simple(id: &str, ecosystem: &str, name: &str, fixed: &str, specific: &Value) -> Advisory {
    let mut events = vec![json!({"introduced": "0"})];
    if !fixed.is_empty() {
        events.push(json!({"fixed": fixed}));
    }
    record(&json!({"id": id, "modified": "2026-08-01T00:00:00Z", "upstream": ["CVE-2026-0001"],
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "ecosystem_specific": specific,
            "ranges": [{"type": "ECOSYSTEM", "events": events}]}]}))
}

fn none() -> Value {
    json!({})
}

/// `name` built from `source`, with the source's version where that is another.
fn package(ecosystem: &str, name: &str, version: &str, source: &str, source_version: &str) -> PackageKey {
    let mut key = PackageKey::new(ecosystem, name, version);
    (key.source_name, key.source_version) = (source.to_owned(), source_version.to_owned());
    key
}

fn state(package: &PackageKey, record: &Advisory) -> Option<MatchState> {
    judge(package, record).pop().map(|verdict| verdict.state)
}

fn feed(ecosystem: &str) -> FeedFacts {
    FeedFacts {
        ecosystem: ecosystem.to_owned(),
        name: "feed".to_owned(),
        records: 10,
        complete: None,
        data_date: parse_instant("2026-08-20").unwrap(),
        starter: false,
        lists_unfixed: false,
    }
}

fn coverage(ecosystem: &str, feeds: &[FeedFacts]) -> Coverage {
    of_ecosystem(ecosystem, feeds, parse_instant("2026-08-25").unwrap(), 30 * DAY).coverage
}

#[test]
fn debian_is_judged_by_source_version_and_not_by_the_rebuild() {
    let fixed = simple("DSA-1-1", "Debian:12", "bash", "5.2.15-2+b20", &none());
    let rebuilt = package("Debian:12", "bash", "5.2.15-2+b21", "bash", "5.2.15-2");
    assert_eq!(state(&rebuilt, &fixed), Some(MatchState::FixAvailable), "the rebuild changed no source");
    // Epochs of source and binary differ: by the binary's, everything would look fixed.
    let fixed = simple("DSA-1-1", "Debian:12", "mailx", "8.1.2-0.20180807cvs-2", &none());
    let other_epoch =
        package("Debian:12", "bsd-mailx", "9:8.1.2-0.20180807cvs-1", "mailx", "8.1.2-0.20180807cvs-1");
    assert_eq!(state(&other_epoch, &fixed), Some(MatchState::FixAvailable));
}

#[test]
fn debian_records_without_a_release_match_nothing_and_sid_is_said_to_be_unknown() {
    let everywhere = simple("DEBIAN-CVE-2026-0001", "Debian", "bash", "", &none());
    assert_eq!(state(&package("Debian:12", "bash", "1-1", "bash", "1-1"), &everywhere), None);
    assert_eq!(coverage("Debian", &[feed("Debian:12"), feed("Debian:13")]), Coverage::ReleaseUnknown);
}

#[test]
fn debian_no_dsa_is_not_wont_fix_and_unimportant_is_kept() {
    let bash = package("Debian:12", "bash", "1-1", "bash", "1-1");
    let with =
        |urgency: &str| simple("DEBIAN-CVE-2026-0001", "Debian:12", "bash", "", &json!({"urgency": urgency}));
    assert_eq!(state(&bash, &with("no-dsa")), Some(MatchState::Postponed));
    assert_eq!(state(&bash, &with("end-of-life")), Some(MatchState::WontFix));
    assert_eq!(state(&bash, &with("undetermined")), Some(MatchState::UnderInvestigation));
    let unimportant = judge(&bash, &with("unimportant")).pop().unwrap();
    assert_eq!((unimportant.state, unimportant.vendor_severity), (MatchState::Affected, Severity::Low));
}

#[test]
fn debian_after_its_end_is_no_clean_result() {
    assert_eq!(coverage("Debian:10", &[]), Coverage::NoFeed);
    assert_eq!(coverage("Debian:10", &[feed("Debian:10")]), Coverage::ReleaseEol);
}

#[test]
fn ubuntu_pro_is_a_fix_with_subscription_until_it_is_attached() {
    let both = record(&json!({"id": "UBUNTU-CVE-2026-0001", "upstream": ["CVE-2026-0001"], "affected": [
        {"package": {"ecosystem": "Ubuntu:20.04:LTS", "name": "vim"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]},
        {"package": {"ecosystem": "Ubuntu:Pro:20.04:LTS", "name": "vim"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2:8.1-1ubuntu1+esm3"}]}]},
        {"package": {"ecosystem": "Ubuntu:Pro:FIPS:20.04:LTS", "name": "vim"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2:9"}]}]}]}));
    let vim = |version: &str| package("Ubuntu:20.04:LTS", "vim-tiny", version, "vim", version);
    assert_eq!(state(&vim("2:8.1-1ubuntu1"), &both), Some(MatchState::FixWithSubscription));
    assert_eq!(state(&vim("2:8.1-1ubuntu1+esm2"), &both), Some(MatchState::FixAvailable));
    assert_eq!(state(&vim("2:8.1-1ubuntu1+esm3"), &both), None, "a FIPS build's version is no bar");
    let attached =
        |version: &str| PackageKey { ecosystem: "Ubuntu:Pro:20.04:LTS".to_owned(), ..vim(version) };
    assert_eq!(state(&attached("2:8.1-1ubuntu1"), &both), Some(MatchState::FixAvailable));
    assert_eq!(state(&attached("2:8.1-1ubuntu1+esm3"), &both), None);
    let unfixed = simple("UBUNTU-CVE-2026-0002", "Ubuntu:20.04:LTS", "vim", "", &none());
    assert_eq!(state(&attached("2:8.1-1ubuntu1"), &unfixed), Some(MatchState::Affected));
}

#[test]
fn a_system_on_a_minor_release_of_red_hat_is_judged_by_its_stream() {
    let both = record(&json!({"id": "RHSA-2026:1", "upstream": ["CVE-2026-0001"], "affected": [
        {"package": {"ecosystem": "Red Hat:enterprise_linux:9::baseos", "name": "openssl"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1:3.0.7-18.el9_3"}]}]},
        {"package": {"ecosystem": "Red Hat:rhel_eus:9.2::baseos", "name": "openssl"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1:3.0.7-16.el9_2.1"}]}]}]}));
    let openssl = |ecosystem: &str, version: &str| package(ecosystem, "openssl", version, "openssl", version);
    let patched = "1:3.0.7-16.el9_2.1";
    assert_eq!(state(&openssl("Red Hat:9", patched), &both), Some(MatchState::FixAvailable));
    assert_eq!(state(&openssl("Red Hat:EUS:9.2", patched), &both), None);
    assert_eq!(state(&openssl("Red Hat:EUS:9.2", "1:3.0.7-16.el9_2"), &both), Some(MatchState::FixAvailable));
    assert_eq!(
        state(&openssl("Red Hat:EUS:9.4", patched), &both),
        Some(MatchState::FixAvailable),
        "where its own stream is silent, the release speaks"
    );
}

#[test]
fn ubuntu_fips_and_realtime_records_never_speak_of_the_ordinary_packages() {
    for other in
        ["Ubuntu:Pro:FIPS:22.04:LTS", "Ubuntu:Pro:FIPS-updates:22.04:LTS", "Ubuntu:Pro:Realtime:22.04:LTS"]
    {
        let record = simple("USN-1-1", other, "openssl", "99", &none());
        let openssl = package("Ubuntu:22.04:LTS", "libssl3", "3.0.2-0ubuntu1", "openssl", "3.0.2-0ubuntu1");
        assert_eq!(state(&openssl, &record), None, "{other}");
    }
}

#[test]
fn ubuntu_hardware_enablement_kernels_are_other_sources() {
    let generic = simple("USN-1-1", "Ubuntu:22.04:LTS", "linux", "5.15.0-100.110", &none());
    let hwe = package(
        "Ubuntu:22.04:LTS",
        "linux-image-6.5",
        "6.5.0-14.14~22.04.1",
        "linux-hwe-6.5",
        "6.5.0-14.14~22.04.1",
    );
    assert_eq!(state(&hwe, &generic), None);
}

#[test]
fn ubuntu_ignored_is_wont_fix_and_listed_versions_do() {
    let bash = package("Ubuntu:22.04:LTS", "bash", "5.1-6ubuntu1", "bash", "5.1-6ubuntu1");
    let ignored =
        simple("UBUNTU-CVE-2026-0001", "Ubuntu:22.04:LTS", "bash", "", &json!({"urgency": "ignored"}));
    assert_eq!(state(&bash, &ignored), Some(MatchState::WontFix));
    let listed = record(&json!({"id": "UBUNTU-CVE-2026-0002", "affected": [
        {"package": {"ecosystem": "Ubuntu:22.04:LTS", "name": "bash"}, "versions": ["5.1-6ubuntu1"]}]}));
    assert_eq!(state(&bash, &listed), Some(MatchState::Affected));
}

#[test]
fn red_hat_products_are_not_the_release_and_a_missing_epoch_is_not_zero_of_another() {
    let libs = package("Red Hat:9", "openssl-libs", "1:3.0.7-24.el9", "openssl", "1:3.0.7-24.el9");
    let of = |product: &str| {
        simple("RHSA-2026:1", &format!("Red Hat:{product}"), "openssl-libs", "1:3.0.7-27.el9", &none())
    };
    for ordinary in ["enterprise_linux:9::baseos", "enterprise_linux:9::appstream", "enterprise_linux:9"] {
        assert_eq!(state(&libs, &of(ordinary)), Some(MatchState::FixAvailable), "{ordinary}");
        assert!(keys_of(&libs).contains(&affected_key(&of(ordinary).affected[0])), "{ordinary}");
    }
    for other in
        ["satellite:6.15::el9", "rhel_eus:9.2::baseos", "enterprise_linux:8::baseos", "openshift:4.14::el9"]
    {
        assert_eq!(state(&libs, &of(other)), None, "{other}");
        assert!(!keys_of(&libs).contains(&affected_key(&of(other).affected[0])), "{other}");
    }
    let without_epoch = package("Red Hat:9", "openssl-libs", "3.0.7-27.el9", "openssl", "3.0.7-27.el9");
    assert_eq!(state(&without_epoch, &of("enterprise_linux:9")), Some(MatchState::FixAvailable));
}

#[test]
fn almalinux_takes_its_cves_from_related_and_never_red_hats_versions() {
    let bulletin =
        record(&json!({"id": "ALSA-2026:1", "related": ["CVE-2026-0001", "CVE-2026-0002"], "affected": [
        {"package": {"ecosystem": "AlmaLinux:9", "name": "bind"}, "ranges": [{"type": "ECOSYSTEM",
            "events": [{"introduced": "0"}, {"fixed": "32:9.16.23-5.el9.alma.1"}]}]}]}));
    assert_eq!(bulletin.vulnerabilities, ["CVE-2026-0001", "CVE-2026-0002"]);
    assert_eq!(bulletin.same_as, [""; 0], "a bulletin is no other name of what it covers");
    let bind = |release: &str, version: &str| package(release, "bind", version, "bind", version);
    assert_eq!(judge(&bind("AlmaLinux:9", "32:9.16.23-5.el9"), &bulletin).len(), 2, ".alma comes after");
    assert_eq!(state(&bind("AlmaLinux:9", "32:9.16.23-5.el9.alma.1"), &bulletin), None);
    let red_hat =
        simple("RHSA-2026:1", "Red Hat:enterprise_linux:9::appstream", "bind", "32:9.16.23-6.el9", &none());
    assert_eq!(state(&bind("AlmaLinux:9", "32:9.16.23-5.el9"), &red_hat), None);
    assert_eq!(coverage("AlmaLinux:9", &[feed("AlmaLinux:9")]), Coverage::FixesOnly);
}

#[test]
fn rpm_module_builds_are_apart_even_without_a_label() {
    let bulletin = simple("ALSA-2026:1", "AlmaLinux:8", "nodejs", "1:18.20.0-1.module_el8.9.0+1+a", &none());
    let plain = package("AlmaLinux:8", "nodejs", "1:10.24.0-1.el8", "nodejs", "1:10.24.0-1.el8");
    assert_eq!(state(&plain, &bulletin), None, "a plain build is not fixed by a module's");
    let module = "1:18.1.0-1.module_el8.6.0+1+a";
    assert_eq!(
        state(&package("AlmaLinux:8", "nodejs", module, "nodejs", module), &bulletin),
        Some(MatchState::FixAvailable)
    );
}

#[test]
fn rocky_covers_by_related_and_lists_fixes_only() {
    let bulletin = record(&json!({"id": "RLSA-2026:1", "related": ["CVE-2026-0003"], "affected": [
        {"package": {"ecosystem": "Rocky Linux:9", "name": "bind"}, "ranges": [{"type": "ECOSYSTEM",
            "events": [{"introduced": "0"}, {"fixed": "32:9.16.23-5.el9"}]}]}]}));
    assert_eq!(bulletin.vulnerabilities, ["CVE-2026-0003"]);
    assert_eq!(coverage("Rocky Linux:9", &[feed("Rocky Linux:9")]), Coverage::FixesOnly);
}

#[test]
fn alpine_zero_is_not_affected_and_branches_are_apart() {
    let never = simple("ALPINE-CVE-2026-0001", "Alpine:v3.20", "openssl", "0", &none());
    let libssl = |branch: &str| package(branch, "libssl3", "3.3.1-r0", "openssl", "3.3.1-r0");
    assert_eq!(state(&libssl("Alpine:v3.20"), &never), Some(MatchState::NotAffected));
    let fixed = simple("ALPINE-CVE-2026-0001", "Alpine:v3.20", "openssl", "3.3.1-r1", &none());
    assert_eq!(state(&libssl("Alpine:v3.20"), &fixed), Some(MatchState::FixAvailable));
    assert_eq!(state(&libssl("Alpine:v3.21"), &fixed), None, "another branch");
    assert_eq!(state(&libssl("Alpine"), &fixed), None, "edge has no branch of its own");
    assert_eq!(coverage("Alpine", &[feed("Alpine:v3.20")]), Coverage::ReleaseUnknown);
    assert_eq!(coverage("Alpine:v3.23", &[feed("Alpine:v3.23")]), Coverage::FixesOnly, "absent is unknown");
    assert_eq!(
        coverage("Alpine:v3.11", &[feed("Alpine:v3.11")]),
        Coverage::ReleaseEol,
        "with no word in the feed"
    );
}

#[test]
fn wolfi_and_chainguard_follow_the_alias_of_a_ghsa() {
    let record = record(
        &json!({"id": "CGA-1111-2222-3333", "upstream": ["GHSA-aaaa-bbbb-cccc"], "aliases": ["CVE-2026-0004"],
        "affected": [{"package": {"ecosystem": "Wolfi", "name": "go-1.22"}, "ranges": [{"type": "ECOSYSTEM",
            "events": [{"introduced": "0"}, {"fixed": "0"}]}]}]}),
    );
    assert_eq!(record.vulnerabilities, ["CVE-2026-0004"]);
    assert_eq!(
        state(&package("Wolfi", "go-1.22", "1.22.0-r0", "go-1.22", "1.22.0-r0"), &record),
        Some(MatchState::NotAffected)
    );
    assert_eq!(coverage("Wolfi", &[feed("Wolfi")]), Coverage::FixesOnly);
}

#[test]
fn suse_names_its_modules_and_the_service_pack_matters() {
    let libopenssl = |release: &str| {
        package(release, "libopenssl3", "3.1.4-150600.5.1.1", "openssl-3", "3.1.4-150600.5.1.1")
    };
    let of =
        |product: &str| simple("SUSE-SU-2026:1-1", product, "libopenssl3", "3.1.4-150600.5.7.1", &none());
    let sp6 = "SUSE:Linux Enterprise 15 SP6";
    assert_eq!(
        state(&libopenssl(sp6), &of("SUSE:Linux Enterprise Module for Basesystem 15 SP6")),
        Some(MatchState::FixAvailable)
    );
    assert_eq!(state(&libopenssl(sp6), &of("SUSE:Linux Enterprise Module for Basesystem 15 SP5")), None);
    assert_eq!(state(&libopenssl(sp6), &of("SUSE:Linux Enterprise Micro 6.0")), None);
    let ltss = of("SUSE:Linux Enterprise Server 15 SP6-LTSS");
    assert_eq!(state(&libopenssl(sp6), &ltss), Some(MatchState::FixWithSubscription));
    // Leap has names of its own, and a new one without records is not clean.
    let leap = of("openSUSE:Leap 15.6");
    assert_eq!(state(&libopenssl("openSUSE:Leap 15.6"), &leap), Some(MatchState::FixAvailable));
    assert_eq!(coverage("openSUSE:Leap 16.0", &[feed("openSUSE:Leap 15.6")]), Coverage::NoFeed);
}

#[test]
fn releases_that_no_feed_speaks_of_say_so() {
    for ecosystem in ["Amazon Linux:2023", "Oracle Linux:9", "Photon OS:5.0", "Fedora:42", "CentOS:9"] {
        assert_eq!(coverage(ecosystem, &[feed("AlmaLinux:9")]), Coverage::NoFeed, "{ecosystem}");
        assert_eq!(of_package(&PackageKey::new(ecosystem, "bash", "5.2-1.fc42")), Coverage::Assessed);
    }
}

#[test]
fn packages_of_others_in_a_distributions_database_are_not_its_own() {
    let debians = simple("DEBIAN-CVE-2026-0001", "Debian:12", "docker-ce", "5:99", &none());
    let docker = package("dpkg:Docker", "docker-ce", "5:27.0-1", "docker-ce", "5:27.0-1");
    assert_eq!(state(&docker, &debians), None);
    assert_eq!(coverage("dpkg:Docker", &[feed("Debian:12")]), Coverage::ForeignPackage);
}

#[test]
fn a_bulletin_and_a_tracker_that_disagree_are_ranked() {
    let candidate = |source, id, state, fixed_version| Candidate { source, id, state, fixed_version };
    let all = [
        candidate("RHSA", "RHSA-2026:1", MatchState::FixAvailable, "2-1.el9"),
        candidate("REDHAT-CVE", "REDHAT-CVE-2026-0001", MatchState::NotAffected, ""),
    ];
    assert_eq!(choose("Red Hat:9", &all).unwrap().id, "REDHAT-CVE-2026-0001");
    let all = [
        candidate("DEBIAN-CVE", "DEBIAN-CVE-2026-0001", MatchState::Affected, ""),
        candidate("DEBIAN-TRACKER", "DEBIAN-TRACKER-bash-CVE-2026-0001", MatchState::Postponed, ""),
    ];
    assert_eq!(
        choose("Debian:12", &all).unwrap().id,
        "DEBIAN-TRACKER-bash-CVE-2026-0001",
        "no-dsa is said there only"
    );
}
