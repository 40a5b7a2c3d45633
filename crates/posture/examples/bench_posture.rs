//! Measures posture on a synthetic estate: load, full iteration, counts, look-ups, publishing.
//!
//! `cargo run --release -p parapet-posture --example bench_posture [IMAGES]` (20,000 by default).
//! Each image shows 250 packages: 150 of one of 60 bases, 80 of a layer shared by 20 builds, 20 of
//! its own layer. A quarter of the packages have advisories, four each. Medians of five runs.
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Instant;

use parapet_model::asset::Reference;
use parapet_model::facts::{AssetRow, Change, LinkRow, MatchRow, PackageRow, ReferenceRow, SetRow};
use parapet_model::verdict::AdvisoryClass;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AdvisoryNo, AssetKind, AssetNo, Coverage, EnterpriseProjectNo, Filter, Interval, MatchState, PackageKey,
    PackageNo, Principal, ProjectNo, ScanState, SetNo, Severity, VulnerabilityNo,
};
use parapet_posture::{AssetOrder, Posture, Query, VulnerabilityOrder, Window};

const BASES: u32 = 60;
const VULNERABILITIES: u32 = 30_000;

fn main() {
    let images: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let before = resident_mib();
    let estate = estate(images);
    let facts = resident_mib();
    println!("images {images}, packages {}, sets {}", estate.packages.len(), estate.sets.len());
    let posture = Posture::new();
    let (_, load) = timed(|| posture.apply(estate));
    println!("load                    {load:9.3} s");
    println!(
        "memory                  {:9} MiB (facts as rows had {})",
        resident_mib() - before,
        facts - before
    );
    ask(&posture);
    write(&posture);
}

fn ask(posture: &Posture) {
    let scope = Principal::local(ProjectNo(1)).scope();
    let snapshot = posture.snapshot();
    let everything = Query::new(&scope, &Filter::All, 0);
    let (rows, seconds) = median(|| {
        let (mut rows, mut sum) = (0_u64, 0_i64);
        let _ = snapshot.findings(&everything, |row| {
            rows += 1;
            sum ^= row.first_found ^ i64::from(row.vulnerability.no.0);
            ControlFlow::Continue(())
        });
        black_box(sum);
        rows
    });
    println!("findings {rows}: {seconds:.3} s, {:.1} M rows/s", rows as f64 / seconds / 1e6);
    for text in ["all", "severity >= high", "severity = critical and fixable and kev", "package ~ \"-99\""] {
        let Ok(filter) = Filter::parse(text) else { continue };
        let query = Query::new(&scope, &filter, 0);
        let (counts, seconds) = median(|| snapshot.count(&query));
        println!("count {text:42} {:9.2} ms ({} findings)", seconds * 1e3, counts.findings);
    }
    let Ok(one) = Filter::parse("package = pkg-8") else { return };
    let (counts, seconds) = median(|| snapshot.count(&Query::new(&scope, &one, 0)));
    println!("count of one package    {:9.3} ms ({} assets)", seconds * 1e3, counts.assets);
    for package in [8, 200_000] {
        let (assets, seconds) = median(|| snapshot.assets_with_package(&scope, PackageNo(package)).len());
        println!("assets with package     {:9.1} µs ({assets})", seconds * 1e6);
    }
    let window = Window { offset: 0, limit: 50 };
    let (list, seconds) =
        median(|| snapshot.vulnerabilities(&everything, VulnerabilityOrder::Risk, window).total);
    println!("vulnerabilities by risk {:9.1} ms ({list})", seconds * 1e3);
    let (list, seconds) = median(|| snapshot.assets(&everything, AssetOrder::Risk, window).total);
    println!("assets by risk          {:9.1} ms ({list})", seconds * 1e3);
}

fn write(posture: &Posture) {
    let mut last = 0;
    let (_, seconds) = median(|| {
        last += 1;
        let assets = vec![image(last, 1)];
        posture.apply(Change { assets, ..Change::default() });
    });
    println!("one asset published     {:9.1} µs", seconds * 1e6);
    let (_, seconds) = median(|| {
        let rows = (0..100).map(|no| (PackageNo(no * 4), matches_of(no * 4))).collect();
        posture.apply(Change { matches: rows, ..Change::default() });
    });
    println!("100 packages rematched  {:9.1} µs", seconds * 1e6);
    let (_, seconds) = timed(|| posture.merge());
    println!("merge                   {:9.1} ms", seconds * 1e3);
}

/// Seconds on the processor where the system tells them (so that neighbours do not count), else by
/// the clock.
fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let (start, busy) = (Instant::now(), on_processor());
    let value = run();
    let seconds = match (busy, on_processor()) {
        (Some(from), Some(to)) => (to - from) as f64 / 1e9,
        _ => start.elapsed().as_secs_f64(),
    };
    (value, seconds)
}

/// Nanoseconds that this thread has run.
fn on_processor() -> Option<u64> {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn median<T>(mut run: impl FnMut() -> T) -> (T, f64) {
    let mut runs: Vec<(T, f64)> = (0..5).map(|_| timed(&mut run)).collect();
    runs.sort_by(|a, b| a.1.total_cmp(&b.1));
    runs.swap_remove(2)
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn estate(images: u32) -> Change {
    let layers = images.div_ceil(20);
    let (bases_end, layers_end) = (BASES * 150, BASES * 150 + layers * 80);
    let set = |no: u32, first: u32, length: u32| SetRow {
        no: SetNo(no),
        members: (first..first + length).map(PackageNo).collect(),
    };
    let bases = (0..BASES).map(|n| set(n, n * 150, 150));
    let shared = (0..layers).map(|n| set(BASES + n, bases_end + n * 80, 80));
    let own = (0..images).map(|n| set(BASES + layers + n, layers_end + n * 20, 20));
    let packages = layers_end + images * 20;
    Change {
        seq: 1,
        recorded: 1,
        packages: (0..packages).map(package).collect(),
        sets: bases.chain(shared).chain(own).collect(),
        assets: (0..images).map(|n| image(n, layers)).collect(),
        matches: (0..packages).step_by(4).map(|no| (PackageNo(no), matches_of(no))).collect(),
        vulnerabilities: (0..VULNERABILITIES).map(vulnerability).collect(),
        ..Change::default()
    }
}

fn package(no: u32) -> PackageRow {
    let key = PackageKey::new("Debian:12", &format!("pkg-{}", no % 5000), &format!("1.{no}-1"));
    PackageRow { no: PackageNo(no), key, coverage: Coverage::Assessed, kernel: false }
}

fn matches_of(no: u32) -> Vec<MatchRow> {
    let row = |n: u32| MatchRow {
        package: PackageNo(no),
        vulnerability: VulnerabilityNo((no * 7 + n * 911) % VULNERABILITIES),
        advisory: AdvisoryNo(n),
        precedence: 10,
        state: if n.is_multiple_of(2) { MatchState::FixAvailable } else { MatchState::Affected },
        class: AdvisoryClass::Vulnerability,
        vendor_severity: Severity::Unknown,
        fixed_version: format!("2.{n}-1"),
        held: Interval::since(i64::from(n)),
        closed: None,
    };
    (0..4).map(row).collect()
}

fn vulnerability(no: u32) -> Vulnerability {
    Vulnerability {
        no: VulnerabilityNo(no),
        id: format!("CVE-2026-{no}"),
        canonical: VulnerabilityNo(no),
        aliases: vec![format!("GHSA-{no}")],
        title: format!("something overflows in number {no}"),
        severity: Severity::from_number((no % 6) as u8).unwrap_or_default(),
        kev_added: i64::from(no.is_multiple_of(100)),
        epss: f64::from(no % 1000) / 1000.0,
        ..Vulnerability::default()
    }
}

fn image(no: u32, layers: u32) -> AssetRow {
    let identity = format!("sha256:{no:064x}");
    let link = |set: u32| LinkRow {
        set: SetNo(set),
        layer: format!("sha256:{set:064x}"),
        held: Interval::since(i64::from(no)),
    };
    let reference = Reference {
        registry: "registry.example".into(),
        repository: format!("team/app-{}", no % 500),
        tag: format!("1.{no}"),
    };
    AssetRow {
        no: AssetNo(no),
        uuid: AssetKind::Image.uuid(ProjectNo(1), &identity),
        project: ProjectNo(1),
        enterprise_project: EnterpriseProjectNo(0),
        kind: AssetKind::Image,
        name: reference.to_string(),
        identity,
        image: None,
        distro: "Debian GNU/Linux 12".into(),
        ecosystem: "Debian:12".into(),
        scan: ScanState::Scanned,
        scan_error: String::new(),
        first_seen: 0,
        observed: 1,
        scanned: 1,
        reader_version: 1,
        held: Interval::since(0),
        pinned: false,
        image_facts: Default::default(),
        host_facts: Default::default(),
        container_facts: Default::default(),
        databases: Vec::new(),
        references: vec![ReferenceRow { reference, held: Interval::since(0) }],
        links: vec![link(no % BASES), link(BASES + no / 20 % layers), link(BASES + layers + no)],
        deltas: Vec::new(),
    }
}
