//! Made-up estates: assets that share packages the way images share base layers.
//!
//! Also used by `examples/bench_csv.rs`.

use parapet_model::asset::Reference;
use parapet_model::exception::{Asked, Exception, ExceptionState, Target, TargetKind};
use parapet_model::facts::{AssetRow, PackageRow, ReferenceRow};
use parapet_model::finding::{Finding, FindingVerdict};
use parapet_model::verdict::AdvisoryClass;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AdvisoryNo, AssetKind, AssetNo, Coverage, Digest, EnterpriseProjectNo, ExceptionNo, FOREVER, Interval,
    MatchState, Millis, PackageKey, PackageNo, ProjectNo, ScanState, Severity, VulnerabilityNo,
};
use uuid::Uuid;

/// 2026-03-01T00:00:00Z.
pub(crate) const MARCH: Millis = 1_772_323_200_000;

/// A package and the vulnerabilities that match it.
#[derive(Debug)]
pub(crate) struct Matched {
    pub(crate) package: PackageRow,
    pub(crate) vulnerabilities: Vec<(Vulnerability, FindingVerdict)>,
}

/// Assets, and which packages each shows.
#[derive(Debug, Default)]
pub(crate) struct Estate {
    pub(crate) assets: Vec<(AssetRow, Vec<usize>)>,
    pub(crate) packages: Vec<Matched>,
    pub(crate) exceptions: Vec<Exception>,
}

impl Estate {
    /// `assets` images of `per_asset` packages with about four vulnerabilities each: three packages
    /// of five come from one of twenty base layers, the rest from a pool of eighty times as many, in
    /// which the n-th is n times as rare as the first (Zipf's law).
    pub(crate) fn generate(assets: u32, per_asset: usize) -> Self {
        let mut random = Random(42);
        let (base, pool) = (per_asset * 3 / 5, per_asset * 80);
        let layers = 20;
        let packages = (0..layers * base + pool).map(|no| matched(no as u32, &mut random)).collect();
        let assets = (0..assets)
            .map(|no| {
                let layer = random.below(layers) * base;
                let mut shown: Vec<usize> = (layer..layer + base).collect();
                while shown.len() < per_asset {
                    let rank = (pool as f64).powf(random.below(1 << 20) as f64 / f64::from(1 << 20));
                    shown.push(layers * base + rank as usize - 1);
                }
                (asset(no, &format!("registry.example/team/service-{no}:1.{}", no % 40)), shown)
            })
            .collect();
        Self { assets, packages, exceptions: vec![exception(0)] }
    }

    /// Calls `visit` with every finding, asset by asset; one in a hundred is under an exception.
    pub(crate) fn each<'s>(&'s self, mut visit: impl FnMut(&Finding<'s>)) {
        let mut count = 0;
        for (asset, shown) in &self.assets {
            for matched in shown.iter().filter_map(|&no| self.packages.get(no)) {
                for (vulnerability, verdict) in &matched.vulnerabilities {
                    count += 1;
                    // Three of four were there at the first scan, the others came with an import.
                    let first_found = match vulnerability.no.0 {
                        no if no % 4 > 0 => asset.first_seen,
                        no => MARCH + i64::from(no % 300) * 86_400_000,
                    };
                    visit(&Finding {
                        asset,
                        references: &asset.references,
                        enterprise_project: "payments",
                        asset_coverage: Coverage::PartialFeed,
                        package: &matched.package,
                        vulnerability,
                        verdict,
                        not_run_here: false,
                        first_found,
                        reopened_at: first_found,
                        last_found: asset.observed,
                        exception: self.exceptions.first().filter(|_| count % 100 == 0),
                    });
                }
            }
        }
    }
}

/// An image with two current references and one former.
pub(crate) fn asset(no: u32, name: &str) -> AssetRow {
    let reference = |repository: &str, tag: &str, held| ReferenceRow {
        reference: Reference {
            registry: "registry.example".to_owned(),
            repository: repository.to_owned(),
            tag: tag.to_owned(),
        },
        held,
    };
    let identity = Digest::of(name.as_bytes()).to_string();
    AssetRow {
        no: AssetNo(no),
        uuid: AssetKind::Image.uuid(ProjectNo(1), &identity),
        project: ProjectNo(1),
        enterprise_project: EnterpriseProjectNo(0),
        kind: AssetKind::Image,
        identity,
        name: name.to_owned(),
        image: None,
        distro: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        ecosystem: "Debian:12".to_owned(),
        scan: ScanState::Scanned,
        scan_error: String::new(),
        first_seen: MARCH + i64::from(no) * 60_000,
        observed: MARCH + i64::from(no) * 61_000,
        scanned: MARCH,
        reader_version: 1,
        held: Interval::since(MARCH),
        pinned: false,
        image_facts: Default::default(),
        host_facts: Default::default(),
        container_facts: Default::default(),
        databases: Vec::new(),
        references: vec![
            reference("team/api", "old", Interval { from: MARCH, to: MARCH + 1_000 }),
            reference("team/api", "1.4", Interval::since(MARCH + 1_000)),
            reference("team/api", "latest", Interval::since(MARCH + 1_000)),
        ],
        links: Vec::new(),
        deltas: Vec::new(),
    }
}

/// A package of Debian.
pub(crate) fn package(no: u32, name: &str, version: &str) -> PackageRow {
    PackageRow {
        no: PackageNo(no),
        key: PackageKey { arch: "amd64".to_owned(), ..PackageKey::new("Debian:12", name, version) },
        coverage: Coverage::Assessed,
        kernel: false,
    }
}

/// A vulnerability rated high, with a score and an EPSS probability.
pub(crate) fn vulnerability(no: u32, id: &str, title: &str) -> Vulnerability {
    Vulnerability {
        no: VulnerabilityNo(no),
        id: id.to_owned(),
        canonical: VulnerabilityNo(no),
        title: title.to_owned(),
        severity: Severity::High,
        cvss_vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H".to_owned(),
        cvss_score: 7.5,
        epss: 0.01234,
        ..Vulnerability::default()
    }
}

/// A verdict; fixable when a fixed version is given.
pub(crate) fn verdict(severity: Severity, fixed_version: &str) -> FindingVerdict {
    FindingVerdict {
        state: if fixed_version.is_empty() { MatchState::Postponed } else { MatchState::FixAvailable },
        class: AdvisoryClass::Vulnerability,
        severity,
        fixed_version: fixed_version.to_owned(),
        advisory: AdvisoryNo(0),
    }
}

/// An approved exception that ends ten days into March.
pub(crate) fn exception(no: u32) -> Exception {
    Exception {
        no: ExceptionNo(no),
        uuid: Uuid::from_u128(0xacce_0000 + u128::from(no)),
        project: ProjectNo(1),
        enterprise_project: EnterpriseProjectNo(0),
        title: "accepted, until the next release".to_owned(),
        reason: "risk_accepted".to_owned(),
        comment: String::new(),
        target: Target {
            kind: TargetKind::Dynamic,
            filter: None,
            included: Vec::new(),
            excluded: Vec::new(),
            vulnerabilities: Vec::new(),
        },
        start: MARCH,
        end: if no == 0 { MARCH + 864_000_000 } else { FOREVER },
        state: ExceptionState::Approved,
        requested_by: "kim".to_owned(),
        requested_at: MARCH,
        decisions: Vec::new(),
        asked: Asked::default(),
    }
}

fn matched(no: u32, random: &mut Random) -> Matched {
    let package = package(no, &format!("libexample{no}-dev"), &format!("2.{}.1-3+deb12u{}", no % 30, no % 5));
    let vulnerabilities = (0..1 + random.below(7))
        .map(|_| {
            let number = random.below(40_000) as u32;
            let id = format!("CVE-20{}-{number}", 10 + number % 17);
            let title = format!("Example library: out-of-bounds read number {number} in the parser");
            let fixed = if number.is_multiple_of(3) { "" } else { "2.31.1-3+deb12u9" };
            (vulnerability(number, &id, &title), verdict(Severity::High, fixed))
        })
        .collect();
    Matched { package, vulnerabilities }
}

/// A small generator whose sequence never changes (Knuth's MMIX constants).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
