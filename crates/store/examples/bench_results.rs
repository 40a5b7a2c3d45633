//! First pages of a million control results: 1,000 hosts with 1,000 controls each, on SQLite.
//!
//! ```sh
//! cargo run --release -p parapet-store --example bench_results [HOSTS]
//! ```
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parapet_model::compliance::{
    ControlPosture, ControlStatus, Evidence, Item, Target, TestEvidence, WHOLE_HOST,
};
use parapet_model::{
    ControlNo, ControlResultNo, Digest, Principal, ProjectNo, RandomIds, Scope, SystemClock,
};
use parapet_store::assets::TargetObservation;
use parapet_store::compliance::{Document, NewControl, NewPolicy, NewResult, Ranges, ResultFilter, Said};
use parapet_store::{Options, Store, StoreUrl};

const CONTROLS: usize = 1_000;
/// Results recorded in one transaction, as imports do.
const BATCH: usize = 250;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let hosts: usize = std::env::args().nth(1).map_or(Ok(1_000), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let url = StoreUrl::Sqlite(dir.path().join("store.db"));
    let store =
        Store::open(Options { url, clock: Arc::new(SystemClock), ids: Arc::new(RandomIds), small: false })
            .await?;
    let mut tx = store.begin().await?;
    let project = tx.ensure_project("default").await?.no;
    tx.commit().await?;
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    for host in 0..hosts {
        slowest = slowest.max(record(&store, project, host).await?);
    }
    let results = hosts * CONTROLS;
    println!("{results} results recorded in {:.1?}, longest transaction {slowest:.1?}", start.elapsed());
    let scope = Principal::local(project).scope();
    let policy = store.read().await?.policies(project, Default::default(), 1).await?[0].no;
    let of_policy = ResultFilter { policy: Some(policy), ..ResultFilter::default() };
    let (half, middle) = (hosts as u64 / 2, results as u64 / 2);
    let with =
        |postures: &[ControlPosture]| ResultFilter { postures: postures.to_vec(), ..of_policy.clone() };
    for (name, filter) in [
        ("all", ResultFilter::default()),
        ("of the policy", of_policy.clone()),
        ("failed, of the policy", with(&[ControlPosture::Failed])),
        ("error, of which is none", with(&[ControlPosture::Error])),
        ("of one control", ResultFilter { controls: Ranges::one(100_500), ..of_policy.clone() }),
        ("of one host", ResultFilter { hosts: Ranges::new([(half, half)]), ..of_policy.clone() }),
        ("of half of the hosts", ResultFilter { hosts: Ranges::new([(1, half)]), ..of_policy.clone() }),
        (
            "from the middle on",
            ResultFilter { numbers: Ranges::new([(middle, u64::MAX)]), ..of_policy.clone() },
        ),
    ] {
        page(&store, &scope, name, &filter).await?;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("peak unknown"));
    Ok(())
}

/// Records one host; the longest transaction of results.
async fn record(store: &Store, project: ProjectNo, host: usize) -> Result<Duration, Box<dyn Error>> {
    let mut target = Target::default();
    target.add_name(&format!("host-{host}.example.test"));
    let (observed, content) = (1_000 + i64::try_from(host)?, Digest::of(&host.to_le_bytes()));
    let mut tx = store.begin().await?;
    let policy = NewPolicy { project, benchmark: "b", profile: "p", title: "Measured", version: "1" };
    let policy = tx.put_policy(&policy, Said { observed, content }).await?;
    let technology = tx.put_technology(project, "cpe:/o:debian:debian_linux:12", "Debian").await?;
    let enterprise_project = Default::default();
    let seen = TargetObservation { project, enterprise_project, target: &target, observed, newest: true };
    let host_no = tx.record_target(&seen).await?.asset;
    let document = Document { project, host: host_no, policy, technology, observed, content };
    tx.begin_document(&document).await?;
    tx.commit().await?;
    let rules: Vec<NewControl> =
        (0..CONTROLS).map(|n| NewControl { rule: format!("rule_{n}"), text: None }).collect();
    let mut numbers: Vec<ControlNo> = Vec::new();
    for batch in rules.chunks(BATCH) {
        let mut tx = store.begin().await?;
        numbers.extend(tx.put_controls(project, batch, "1", technology).await?);
        tx.commit().await?;
    }
    let evidences: Vec<Evidence> = (0..20).map(|n| evidence(&(host * 20 + n).to_string())).collect();
    let results: Vec<NewResult<'_>> = numbers
        .iter()
        .enumerate()
        .map(|(n, &control)| NewResult {
            control,
            instance: WHOLE_HOST,
            status: if n % 8 == 0 { ControlStatus::Fail } else { ControlStatus::Pass },
            evidence: Some(&evidences[n % 20]),
        })
        .collect();
    let mut longest = Duration::ZERO;
    for batch in results.chunks(BATCH) {
        let start = Instant::now();
        let mut tx = store.begin().await?;
        tx.begin_document(&document).await?;
        tx.record_control_results(&document, batch).await?;
        tx.commit().await?;
        longest = longest.max(start.elapsed());
    }
    let mut tx = store.begin().await?;
    tx.end_document(&document, &numbers).await?;
    tx.commit().await?;
    Ok(longest)
}

fn evidence(value: &str) -> Evidence {
    let item = Item { kind: "variable".to_owned(), fields: vec![("value".to_owned(), value.to_owned())] };
    let test = TestEvidence {
        test: "tst".to_owned(),
        title: String::new(),
        result: "false".to_owned(),
        existence: String::new(),
        expected: Vec::new(),
        items: vec![item],
        more: 0,
    };
    Evidence::new(vec![test], Vec::new())
}

async fn page(store: &Store, scope: &Scope, name: &str, filter: &ResultFilter) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..20 {
        let start = Instant::now();
        let page = store.read().await?.control_results(scope, filter, ControlResultNo(0), 1_000).await?;
        times.push(start.elapsed());
        found = page.len();
    }
    times.sort_unstable();
    println!(
        "first page, {name:<24} {found:>5} results   median {:>8.1?}   max {:>8.1?}",
        times[10], times[19]
    );
    Ok(())
}
