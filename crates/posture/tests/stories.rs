//! What people rely on, told one by one: small estates by hand, each with one point.

use std::ops::ControlFlow;

use parapet_model::asset::Reference;
use parapet_model::coverage::EcosystemCoverage;
use parapet_model::exception::{Asked, Exception, ExceptionState, Target, TargetKind};
use parapet_model::facts::{
    AssetRow, Change, LinkRow, MatchRow, PackageRow, PresenceRow, ReferenceRow, SetRow,
};
use parapet_model::verdict::{AdvisoryClass, ClosingReason};
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AdvisoryNo, AssetKind, AssetNo, Coverage, EnterpriseProjectNo, ExceptionNo, FOREVER, Filter, Interval,
    MatchState, Millis, PackageKey, PackageNo, Principal, ProjectNo, ScanState, Scope, SetNo, Severity,
    VulnerabilityNo,
};
use parapet_posture::{Posture, Query, Snapshot, Standing, as_of};
use uuid::Uuid;

const P: ProjectNo = ProjectNo(1);

fn scope() -> Scope {
    Principal::local(P).scope()
}

fn package(no: u32, name: &str) -> PackageRow {
    let key = PackageKey::new("Debian:12", name, "1.0-1");
    PackageRow { no: PackageNo(no), key, coverage: Coverage::Assessed, kernel: name.starts_with("linux") }
}

fn set(no: u32, members: &[u32]) -> SetRow {
    SetRow { no: SetNo(no), members: members.iter().copied().map(PackageNo).collect() }
}

fn vulnerability(no: u32, id: &str) -> Vulnerability {
    Vulnerability {
        no: VulnerabilityNo(no),
        id: id.into(),
        canonical: VulnerabilityNo(no),
        severity: Severity::High,
        ..Vulnerability::default()
    }
}

fn affected(package: u32, vulnerability: u32, held: Interval) -> (PackageNo, Vec<MatchRow>) {
    let row = MatchRow {
        package: PackageNo(package),
        vulnerability: VulnerabilityNo(vulnerability),
        advisory: AdvisoryNo(vulnerability),
        precedence: 10,
        state: MatchState::Affected,
        class: AdvisoryClass::Vulnerability,
        vendor_severity: Severity::Unknown,
        fixed_version: String::new(),
        held,
        closed: (!held.is_open()).then_some(ClosingReason::Withdrawn),
    };
    (PackageNo(package), vec![row])
}

fn asset(no: u32, kind: AssetKind, links: &[(u32, Interval)]) -> AssetRow {
    let link = |&(set, held): &(u32, Interval)| LinkRow { set: SetNo(set), layer: String::new(), held };
    AssetRow {
        no: AssetNo(no),
        uuid: Uuid::from_u128(no.into()),
        project: P,
        enterprise_project: EnterpriseProjectNo(0),
        kind,
        identity: no.to_string(),
        name: format!("{}-{no}", kind.as_str()),
        image: None,
        distro: String::new(),
        ecosystem: String::new(),
        scan: ScanState::Scanned,
        scan_error: String::new(),
        first_seen: 0,
        observed: 1,
        scanned: 1,
        reader_version: 1,
        held: Interval::since(0),
        pinned: kind == AssetKind::Image,
        image_facts: Default::default(),
        host_facts: Default::default(),
        container_facts: Default::default(),
        databases: Vec::new(),
        references: Vec::new(),
        links: links.iter().map(link).collect(),
        deltas: Vec::new(),
    }
}

fn exception(no: u32, target: Target, start: Millis, end: Millis) -> Exception {
    Exception {
        no: ExceptionNo(no),
        uuid: Uuid::from_u128(no.into()),
        project: P,
        enterprise_project: EnterpriseProjectNo(0),
        title: "accepted".into(),
        reason: "risk_accepted".into(),
        comment: String::new(),
        target,
        start,
        end,
        state: ExceptionState::Approved,
        requested_by: "tess".into(),
        requested_at: 0,
        decisions: Vec::new(),
        asked: Asked::default(),
    }
}

fn target(included: &[u32], vulnerabilities: &[&str]) -> Target {
    Target {
        kind: TargetKind::Static,
        filter: None,
        included: included.iter().copied().map(AssetNo).collect(),
        excluded: Vec::new(),
        vulnerabilities: vulnerabilities.iter().map(|id| (*id).to_owned()).collect(),
    }
}

/// `asset/vulnerability/package`, with `!` when hidden.
fn rows(snapshot: &Snapshot, filter: &str, now: Millis) -> Vec<String> {
    let Ok(filter) = Filter::parse(filter) else { panic!("{filter}") };
    let scope = scope();
    let mut out = Vec::new();
    let _ = snapshot.findings(&Query::new(&scope, &filter, now), |row| {
        let hidden = if row.exception.is_some() { "!" } else { "" };
        out.push(format!("{}/{}/{}{hidden}", row.asset.no, row.vulnerability.id, row.package.key.name));
        ControlFlow::Continue(())
    });
    out
}

/// One vulnerable openssl in one image.
fn one_image() -> Change {
    Change {
        packages: vec![package(1, "openssl")],
        sets: vec![set(1, &[1])],
        assets: vec![asset(1, AssetKind::Image, &[(1, Interval::since(10))])],
        matches: vec![affected(1, 1, Interval::since(20))],
        vulnerabilities: vec![vulnerability(1, "CVE-2026-1")],
        ..Change::default()
    }
}

#[test]
fn a_held_snapshot_does_not_move() {
    let posture = Posture::new();
    posture.apply(one_image());
    let held = posture.snapshot();
    let closed = affected(1, 1, Interval { from: 20, to: 30 });
    posture.apply(Change { seq: 2, matches: vec![closed], ..Change::default() });
    assert_eq!(rows(&held, "all", 0), ["1/CVE-2026-1/openssl"]);
    assert!(rows(&posture.snapshot(), "all", 0).is_empty());
    assert_eq!(posture.snapshot().seq(), 2);
}

#[test]
fn another_project_sees_nothing() {
    let snapshot = Snapshot::build(one_image());
    let other = Principal::local(ProjectNo(2)).scope();
    assert_eq!(snapshot.count(&Query::new(&other, &Filter::All, 0)).findings, 0);
    assert!(snapshot.asset(&other, AssetNo(1)).is_none());
    assert!(snapshot.packages_of(&other, AssetNo(1)).is_none());
    assert!(snapshot.assets_with_package(&other, PackageNo(1)).is_empty());
    assert!(snapshot.explain(&other, 0, AssetNo(1), VulnerabilityNo(1), PackageNo(1)).is_none());
}

#[test]
fn when_a_tag_moves_the_old_image_no_longer_counts() {
    let tagged = |no: u32, held: Interval| {
        let reference =
            Reference { registry: "r.test".into(), repository: "team/web".into(), tag: "1".into() };
        AssetRow {
            pinned: false,
            references: vec![ReferenceRow { reference, held }],
            ..asset(no, AssetKind::Image, &[(1, Interval::since(10))])
        }
    };
    let mut facts = one_image();
    facts.assets = vec![tagged(1, Interval { from: 10, to: 50 }), tagged(2, Interval::since(50))];
    assert_eq!(rows(&Snapshot::build(facts.clone()), "tag = 1", 0), ["2/CVE-2026-1/openssl"]);
    let before = as_of::cut(facts, 49, 49);
    assert_eq!(rows(&Snapshot::build(before), "tag = 1", 0), ["1/CVE-2026-1/openssl"]);
}

#[test]
fn an_upgrade_from_vulnerable_to_vulnerable_is_one_stint() {
    let delta =
        |package: u32, held: Interval| PresenceRow { package: PackageNo(package), set: SetNo(1), held };
    let mut facts = one_image();
    facts.packages.push(package(2, "openssl"));
    facts.matches.push(affected(2, 1, Interval::since(0)));
    let mut host = asset(1, AssetKind::Host, &[(1, Interval::since(0))]);
    host.deltas = vec![
        delta(1, Interval { from: 20, to: 40 }),
        delta(2, Interval { from: 40, to: 60 }),
        delta(1, Interval::since(90)),
    ];
    facts.assets = vec![host];
    let snapshot = Snapshot::build(facts);
    let why = snapshot.explain(&scope(), 0, AssetNo(1), VulnerabilityNo(1), PackageNo(1)).unwrap();
    assert_eq!(why.stints, [Interval { from: 20, to: 60 }, Interval::since(90)]);
    let finding = why.finding.unwrap();
    assert_eq!((finding.first_found, finding.reopened_at), (20, 90));
}

#[test]
fn an_exception_starts_and_ends_to_the_millisecond() {
    let mut facts = one_image();
    facts.exceptions = vec![exception(1, target(&[1], &["cve-2026-1"]), 100, 200)];
    let snapshot = Snapshot::build(facts);
    let hidden = |now| rows(&snapshot, "excepted", now).len();
    assert_eq!([hidden(99), hidden(100), hidden(199), hidden(200), hidden(150)], [0, 1, 1, 0, 1]);
    assert_eq!(
        [snapshot.valid_until(0), snapshot.valid_until(100), snapshot.valid_until(200)],
        [100, 200, FOREVER]
    );
}

/// A coverage word is that of all packages, so a question that mixes it with exceptions reads them all,
/// however few vulnerabilities it is about.
#[test]
fn a_coverage_word_beside_an_exception_is_that_of_the_whole_asset() {
    let mut facts = one_image();
    let unread = PackageRow { coverage: Coverage::VersionUnparsed, ..package(2, "odd") };
    facts.packages.push(unread);
    facts.sets = vec![set(1, &[1, 2])];
    let judged = EcosystemCoverage {
        ecosystem: "Debian:12".into(),
        coverage: Coverage::Assessed,
        feeds: Vec::new(),
        records: 1,
    };
    facts.coverage = Some(vec![judged]);
    let snapshot = Snapshot::build(facts);
    let scope = scope();
    let of_one = |filter: &str| {
        let Ok(filter) = Filter::parse(filter) else { panic!("{filter}") };
        let mut count = 0;
        let _ = snapshot.findings_of(&Query::new(&scope, &filter, 50), &[VulnerabilityNo(1)], |_| {
            count += 1;
            ControlFlow::Continue(())
        });
        (count, rows(&snapshot, &filter.to_string(), 50).len())
    };
    assert_eq!(of_one("not (excepted or coverage = version-unparsed)"), (0, 0));
    assert_eq!(of_one("excepted or coverage = version-unparsed"), (1, 1));
}

#[test]
fn an_images_exception_reaches_its_containers_but_not_what_drifted() {
    let mut facts = one_image();
    facts.packages.push(package(2, "curl"));
    facts.sets.push(set(2, &[2]));
    facts.matches.push(affected(2, 1, Interval::since(0)));
    let mut container = asset(2, AssetKind::Container, &[(2, Interval::since(30))]);
    container.image = Some(AssetNo(1));
    facts.assets.push(container);
    facts.exceptions = vec![exception(1, target(&[1], &[]), 0, FOREVER)];
    let snapshot = Snapshot::build(facts);
    assert_eq!(
        rows(&snapshot, "all", 0),
        ["1/CVE-2026-1/openssl!", "2/CVE-2026-1/openssl!", "2/CVE-2026-1/curl"]
    );
}

#[test]
fn a_join_of_ids_widens_an_exception_and_a_split_restores_it() {
    let posture = Posture::new();
    let mut facts = one_image();
    facts.vulnerabilities.push(vulnerability(2, "GHSA-x"));
    facts.exceptions = vec![exception(1, target(&[1], &["GHSA-x"]), 0, FOREVER)];
    posture.apply(facts);
    assert_eq!(rows(&posture.snapshot(), "all", 0), ["1/CVE-2026-1/openssl"]);
    let joined = Vulnerability { canonical: VulnerabilityNo(1), ..vulnerability(2, "GHSA-x") };
    posture.apply(Change { vulnerabilities: vec![joined], ..Change::default() });
    assert_eq!(rows(&posture.snapshot(), "all", 0), ["1/CVE-2026-1/openssl!"]);
    posture.apply(Change { vulnerabilities: vec![vulnerability(2, "GHSA-x")], ..Change::default() });
    assert_eq!(rows(&posture.snapshot(), "all", 0), ["1/CVE-2026-1/openssl"]);
}

#[test]
fn as_of_knows_what_was_known_and_hindsight_what_was_true() {
    let facts = one_image();
    let at = |presence, matches| Snapshot::build(as_of::cut(facts.clone(), presence, matches));
    assert!(rows(&at(15, 15), "all", 0).is_empty(), "the advisory came at 20");
    assert_eq!(rows(&at(15, 99), "all", 0).len(), 1, "in hindsight the image was affected");
    assert!(rows(&at(5, 99), "all", 0).is_empty(), "the image was read at 10");
    let mut withdrawn = facts.clone();
    withdrawn.matches = vec![affected(1, 1, Interval { from: 20, to: 30 })];
    assert!(rows(&Snapshot::build(withdrawn.clone()), "all", 0).is_empty());
    assert_eq!(rows(&Snapshot::build(as_of::cut(withdrawn, 25, 25)), "all", 0).len(), 1);
}

#[test]
fn a_kernel_in_an_image_is_kept_and_counted_only_when_asked_for() {
    let mut facts = one_image();
    facts.packages = vec![package(1, "linux-image-6.1.0-9-amd64")];
    let snapshot = Snapshot::build(facts);
    let scope = scope();
    let query = Query::new(&scope, &Filter::All, 0);
    assert_eq!(snapshot.count(&query).findings, 0);
    assert_eq!(snapshot.count(&Query { include_not_run_here: true, ..query }).findings, 1);
}

#[test]
fn an_exception_that_waits_is_explained() {
    let mut facts = one_image();
    let mut pending = exception(1, target(&[1], &[]), 0, FOREVER);
    pending.state = ExceptionState::Pending;
    facts.exceptions = vec![
        pending,
        exception(2, target(&[1], &[]), 0, 50),
        exception(3, target(&[1], &[]), 500, FOREVER),
        exception(4, target(&[9], &[]), 0, FOREVER),
        exception(5, target(&[1], &[]), 0, FOREVER),
        exception(6, target(&[1], &[]), 0, 200),
    ];
    let snapshot = Snapshot::build(facts);
    let why = snapshot.explain(&scope(), 100, AssetNo(1), VulnerabilityNo(1), PackageNo(1)).unwrap();
    let standings: Vec<_> = why.exceptions.iter().map(|c| (c.exception.no.0, c.standing)).collect();
    assert_eq!(
        standings,
        [
            (5, Standing::Hides),
            (1, Standing::Pending),
            (2, Standing::Expired),
            (3, Standing::NotYet),
            (6, Standing::AlsoHolds),
        ]
    );
    assert_eq!(why.asset_coverage, Coverage::NoFeed, "nothing judges Debian here, and it is said");
}

#[test]
fn an_image_counts_for_as_long_as_a_container_runs_it() {
    let container = |image: u32, held: Interval| AssetRow {
        image: Some(AssetNo(image)),
        held,
        ..asset(9, AssetKind::Container, &[])
    };
    let image =
        |no: u32| AssetRow { pinned: false, ..asset(no, AssetKind::Image, &[(1, Interval::since(10))]) };
    for merge in [false, true] {
        let posture = Posture::new();
        let current = |assets: Vec<AssetRow>| {
            posture.apply(Change { assets, ..Change::default() });
            if merge {
                posture.merge();
            }
            [1, 2].map(|no| posture.snapshot().is_current(AssetNo(no)))
        };
        assert_eq!(current(vec![image(1), image(2)]), [false, false]);
        assert_eq!(current(vec![container(1, Interval::since(20))]), [true, false]);
        assert_eq!(current(vec![container(2, Interval::since(20))]), [false, true], "another image");
        assert_eq!(current(vec![container(2, Interval { from: 20, to: 30 })]), [false, false], "it ended");
    }
}

#[test]
fn thousands_of_changes_merge_and_keep_their_answers() {
    let posture = Posture::new();
    posture.apply(one_image());
    for first in (0..9000).step_by(3000) {
        let images = (first..first + 3000).map(|n| asset(n, AssetKind::Image, &[(1, Interval::since(10))]));
        posture.apply(Change { assets: images.collect(), ..Change::default() });
    }
    let scope = scope();
    let counts = |posture: &Posture| posture.snapshot().count(&Query::new(&scope, &Filter::All, 0));
    let before = counts(&posture);
    assert_eq!((before.findings, before.assets), (9000, 9000));
    posture.merge();
    assert!(!posture.merge_due());
    assert_eq!(counts(&posture), before);
    assert_eq!(posture.snapshot().assets_with_package_named(&scope, "OpenSSL", None).len(), 9000);
}

#[test]
fn a_denial_counts_where_no_other_advisory_prevails() {
    let mut denial = affected(1, 7, Interval::since(0)).1.remove(0);
    denial.state = MatchState::NotAffected;
    let mut outvoted = MatchRow { vulnerability: VulnerabilityNo(8), ..denial.clone() };
    outvoted.precedence = 5;
    let ended =
        MatchRow { vulnerability: VulnerabilityNo(9), held: Interval { from: 0, to: 5 }, ..denial.clone() };
    let positive = affected(1, 8, Interval::since(0)).1.remove(0);
    let snapshot = Snapshot::build(Change {
        packages: vec![package(1, "glass")],
        matches: vec![(PackageNo(1), vec![denial, outvoted, ended, positive])],
        vulnerabilities: vec![
            vulnerability(7, "CVE-7"),
            vulnerability(8, "CVE-8"),
            vulnerability(9, "CVE-9"),
        ],
        ..Change::default()
    });
    let denied: Vec<&str> = snapshot.not_affected(PackageNo(1)).iter().map(|v| v.id.as_str()).collect();
    assert_eq!(denied, ["CVE-7"]);
}
