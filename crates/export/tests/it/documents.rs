//! SARIF and CycloneDX of one small image, compared byte by byte with the files in `fixtures`.

use parapet_export::{CycloneDx, Gap, Place, Sarif, Subject};
use parapet_model::exception::Exception;
use parapet_model::facts::{AssetRow, PackageRow};
use parapet_model::finding::{Finding, FindingVerdict};
use parapet_model::inventory::{DatabaseRead, ReadOutcome};
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AssetKind, Coverage, MatchState, Severity};
use serde_json::Value;
use uuid::Uuid;

use crate::estate::{MARCH, asset, exception, package, verdict, vulnerability};

/// Everything that findings borrow from.
struct World {
    image: AssetRow,
    host: AssetRow,
    openssl: PackageRow,
    angular: PackageRow,
    known: Vulnerability,
    odd: Vulnerability,
    fixable: FindingVerdict,
    rated: FindingVerdict,
    looked_at: FindingVerdict,
    accepted: Exception,
    gaps: Vec<Gap>,
}

impl World {
    fn new() -> Self {
        let mut image = asset(1, "registry.example/team/api:1.4");
        image.databases = vec![DatabaseRead {
            kind: "java".to_owned(),
            path: "opt/a.jar".to_owned(),
            packages: 0,
            outcome: ReadOutcome::NotRead("Java archive".to_owned()),
        }];
        let mut host = asset(2, "db, primary");
        (host.kind, host.identity) = (AssetKind::Host, "0f6a".to_owned());
        let mut angular = package(2, "@angular/core", "17.0.0");
        (angular.key.ecosystem, angular.key.arch) = ("npm".to_owned(), String::new());
        let mut known = vulnerability(7, "CVE-2026-1234", "He said \"overflow\",\u{202e} and\nmeant it");
        known.aliases = vec!["GHSA-aaaa-bbbb-cccc".to_owned()];
        (known.kev_added, known.published) = (MARCH - 86_400_000, MARCH);
        let mut odd = vulnerability(8, "X 8/../<script>", "");
        (odd.cvss_score, odd.cvss_vector, odd.epss) = (-1.0, String::new(), -1.0);
        let mut looked_at = verdict(Severity::Unknown, "");
        looked_at.state = MatchState::UnderInvestigation;
        let gap =
            |what: &str, coverage, why: &str| Gap { what: what.to_owned(), coverage, why: why.to_owned() };
        Self {
            image,
            host,
            openssl: package(1, "libssl3", "3.0.11-1~deb12u2"),
            angular,
            known,
            odd,
            fixable: verdict(Severity::High, "3.0.14-1~deb12u1"),
            rated: verdict(Severity::Critical, ""),
            looked_at,
            accepted: exception(0),
            gaps: vec![
                gap("1 packages of npm", Coverage::NoFeed, "no feed"),
                gap("java at opt/a.jar", Coverage::NotScanned, "Java archive"),
            ],
        }
    }

    fn subject<'w>(&'w self, asset: &'w AssetRow) -> Subject<'w> {
        Subject { asset, coverage: Coverage::NotScanned, gaps: &self.gaps, filter: "kev" }
    }

    fn findings(&self) -> [Finding<'_>; 3] {
        let first = Finding {
            asset: &self.image,
            references: &self.image.references,
            enterprise_project: "payments",
            asset_coverage: Coverage::NotScanned,
            package: &self.openssl,
            vulnerability: &self.known,
            verdict: &self.fixable,
            not_run_here: false,
            first_found: MARCH,
            reopened_at: MARCH,
            last_found: MARCH,
            exception: None,
        };
        let accepted = Finding {
            package: &self.angular,
            verdict: &self.rated,
            exception: Some(&self.accepted),
            ..first
        };
        let odd =
            Finding { package: &self.angular, vulnerability: &self.odd, verdict: &self.looked_at, ..first };
        [first, accepted, odd]
    }
}

fn place(path: &[u8]) -> Place {
    Place { layer: "sha256:11aa".to_owned(), path: path.to_vec() }
}

fn sarif(world: &World) -> String {
    let mut sarif = Sarif::new(Vec::new(), "1.0.0");
    sarif.run(&world.subject(&world.image)).unwrap();
    let [first, accepted, odd] = world.findings();
    sarif.row(&first, &[place(b"var/lib/dpkg/status")]).unwrap();
    sarif.row(&accepted, &[place(b"app/a b/\xff.json"), place(b"app/package-lock.json")]).unwrap();
    sarif.row(&odd, &[]).unwrap();
    sarif.run(&world.subject(&world.host)).unwrap();
    String::from_utf8(sarif.finish().unwrap()).unwrap()
}

fn cyclonedx(world: &World) -> String {
    let serial = Uuid::from_u128(7);
    let mut document = CycloneDx::new(Vec::new(), &world.subject(&world.image), "1.0.0", serial, MARCH);
    document.distribution("debian", "12").unwrap();
    let (purl, file) = ("pkg:deb/debian/libssl3@3.0.11-1~deb12u2", place(b"var/lib/dpkg/status"));
    document.component(&world.openssl, Some(purl), Coverage::Assessed, &[file]).unwrap();
    document.component(&world.angular, None, Coverage::NoFeed, &[]).unwrap();
    for finding in world.findings() {
        document.finding(&finding).unwrap();
    }
    document.not_affected(&world.openssl, &world.odd).unwrap();
    String::from_utf8(document.finish().unwrap()).unwrap()
}

#[test]
fn a_sarif_log_is_as_it_was() {
    assert_eq!(sarif(&World::new()), include_str!("fixtures/image.sarif"));
}

#[test]
fn a_cyclonedx_document_is_as_it_was() {
    assert_eq!(cyclonedx(&World::new()), include_str!("fixtures/image.cdx.json"));
}

#[test]
fn a_fingerprint_outlives_a_rebuild_and_an_upgrade_that_does_not_fix() {
    let prints = |world: &World| -> Vec<Value> {
        let log: Value = serde_json::from_str(&sarif(world)).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        results.iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let (before, mut rebuilt) = (World::new(), World::new());
    rebuilt.image.identity = "sha256:22bb".to_owned();
    rebuilt.openssl.key.version = "3.0.12-1".to_owned();
    assert_eq!(prints(&before), prints(&rebuilt));
    assert_ne!(prints(&before)[0], prints(&before)[1]);
}

#[test]
fn documents_without_findings_are_whole_and_name_their_gaps() {
    let world = World::new();
    let mut log = Sarif::new(Vec::new(), "1.0.0");
    log.run(&world.subject(&world.host)).unwrap();
    let log: Value = serde_json::from_slice(&log.finish().unwrap()).unwrap();
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    let notes = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notes[1]["message"]["text"], "not assessed: java at opt/a.jar: not-scanned (Java archive)");
    let bom = CycloneDx::new(Vec::new(), &world.subject(&world.image), "1.0.0", Uuid::nil(), MARCH);
    let bom: Value = serde_json::from_slice(&bom.finish().unwrap()).unwrap();
    assert_eq!(
        (&bom["components"], &bom["vulnerabilities"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    assert_eq!(bom["compositions"][0]["aggregate"], "incomplete");
    let empty: Value = serde_json::from_slice(&Sarif::new(Vec::new(), "1.0.0").finish().unwrap()).unwrap();
    assert_eq!(empty["runs"], serde_json::json!([]));
}
