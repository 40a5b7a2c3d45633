//! How long the lists and decisions of compliance exceptions take on a large store.
//!
//! `cargo run --release -p parapet-service --example bench_exceptions -- [RESULTS] [EXCEPTIONS]` makes a
//! store with so many control results (1,000,000) and exceptions (50,000), then measures the first page of
//! each list and the approval of 10,000 exceptions in one call.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use parapet_model::asset::HostFacts;
use parapet_model::compliance::{ControlStatus, ControlText, Evidence, ResultIdentity, WHOLE_HOST};
use parapet_model::control_exception::{ControlException, ControlTarget, HistoryEntry};
use parapet_model::exception::ExceptionState;
use parapet_model::inventory::PackageSet;
use parapet_model::lifecycle::Lifecycle;
use parapet_model::time::DAY;
use parapet_model::{
    AssetNo, Clock as _, ControlExceptionNo, ControlNo, ControlResultNo, Digest, EnterpriseProjectNo,
    EvidenceNo, PolicyNo, Principal, RandomIds, Ranges, SystemClock, TechnologyNo,
};
use parapet_service::control_exceptions::{Change, Filter};
use parapet_service::control_posture::PostureQuery;
use parapet_service::{App, ArtifactPlace, Options};
use parapet_store::StoreUrl;
use parapet_store::assets::{HostObservation, Look};
use parapet_store::compliance::{Document, NewControl, NewPolicy, NewResult, ResultFilter, Said};
use parapet_store::seal::MasterKey;
use uuid::Uuid;

/// Controls of the one policy.
const CONTROLS: usize = 1_000;
/// Exceptions approved in one call.
const APPROVED: u64 = 10_000;
/// Runs of each measurement.
const RUNS: usize = 5;

struct Estate {
    app: Arc<App>,
    who: Principal,
    policy: PolicyNo,
    technology: TechnologyNo,
    controls: Vec<ControlNo>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let results = numbers.next().transpose()?.unwrap_or(1_000_000);
    let exceptions = numbers.next().transpose()?.unwrap_or(50_000);
    let dir = tempfile::tempdir()?;
    let began = Instant::now();
    let mut estate = open(dir.path()).await?;
    let hosts = fill(&mut estate, results.div_ceil(CONTROLS)).await?;
    ask(&estate, &hosts, exceptions).await?;
    println!("made {results} results, {exceptions} exceptions in {:.1} s", began.elapsed().as_secs_f64());
    measure(&estate).await
}

async fn open(dir: &std::path::Path) -> anyhow::Result<Estate> {
    let app = App::open(Options {
        url: StoreUrl::Sqlite(dir.join("parapet.db")),
        key: MasterKey::from_bytes([7; 32]),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        artifacts: ArtifactPlace::Folder(dir.join("artifacts")),
        stale_after: 30 * DAY,
        posture: true,
        checkpoint: None,
        shapes: Vec::new(),
        allow: parapet_fetch::AddressPolicy::default(),
        clouds: parapet_service::connectors::Clouds::default(),
        rules: Default::default(),
        notify: Default::default(),
    })
    .await?;
    let who = app.local_principal().await?;
    let said = Said { observed: 1, content: Digest::of(b"bench") };
    let mut tx = app.store().begin().await?;
    let new = NewPolicy { project: who.project, benchmark: "b", profile: "p", title: "Policy", version: "1" };
    let policy = tx.put_policy(&new, said).await?;
    let technology = tx.put_technology(who.project, "cpe:/o:debian:debian_linux:12", "Debian").await?;
    let control = |n: usize| {
        let text = ControlText { statement: format!("Control number {n}"), ..ControlText::default() };
        NewControl { rule: format!("rule {n}"), text: Some(text) }
    };
    let new: Vec<NewControl> = (0..CONTROLS).map(control).collect();
    let controls = tx.put_controls(who.project, &new, "1", technology).await?;
    tx.commit().await?;
    Ok(Estate { app, who, policy, technology, controls })
}

/// Hosts with one failing result for each control.
async fn fill(estate: &mut Estate, hosts: usize) -> anyhow::Result<Vec<AssetNo>> {
    let evidence = Evidence::new(Vec::new(), Vec::new());
    let mut made = Vec::with_capacity(hosts);
    for n in 0..hosts {
        let name = format!("host-{n}");
        let facts =
            HostFacts { addresses: vec![format!("10.{}.{}.1", n / 250, n % 250)], ..Default::default() };
        let mut tx = estate.app.store().begin().await?;
        let (set, _) = tx.put_set(&PackageSet::default(), &[]).await?;
        let content = Digest::of(name.as_bytes());
        let look = Look {
            project: estate.who.project,
            enterprise_project: EnterpriseProjectNo(0),
            name: &name,
            distro: None,
            databases: &[],
            observed: 1,
            content,
            reader_version: 1,
        };
        let host = HostObservation { look, identity: &name, facts: &facts, set };
        let host = tx.record_host(&host).await?.asset;
        let document = Document {
            project: estate.who.project,
            host,
            policy: estate.policy,
            technology: estate.technology,
            observed: 1,
            content,
        };
        tx.begin_document(&document).await?;
        let result = |control: &ControlNo| NewResult {
            control: *control,
            instance: WHOLE_HOST,
            status: ControlStatus::Fail,
            evidence: Some(&evidence),
        };
        let results: Vec<NewResult<'_>> = estate.controls.iter().map(result).collect();
        tx.record_control_results(&document, &results).await?;
        tx.end_document(&document, &estate.controls).await?;
        tx.commit().await?;
        made.push(host);
    }
    estate.app.live().catch_up().await?;
    Ok(made)
}

/// Pending exceptions, each for a result of its own.
async fn ask(estate: &Estate, hosts: &[AssetNo], count: usize) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let all = hosts.iter().flat_map(|host| estate.controls.iter().map(move |control| (*host, *control)));
    let all: Vec<(AssetNo, ControlNo)> = all.take(count).collect();
    for batch in all.chunks(10_000) {
        let mut tx = estate.app.store().begin().await?;
        let (mut rows, mut entries) = (Vec::new(), Vec::new());
        for &(host, control) in batch {
            let identity =
                ResultIdentity { host, policy: estate.policy, control, instance: WHOLE_HOST.to_owned() };
            let mut e = ControlException {
                no: ControlExceptionNo(0),
                uuid: Uuid::nil(),
                project: estate.who.project,
                enterprise_project: EnterpriseProjectNo(0),
                target: ControlTarget {
                    identity,
                    technology: estate.technology,
                    reopen_on_evidence_change: true,
                    accepted: EvidenceNo(0),
                },
                life: Lifecycle::asked(now, now + DAY),
                assignee: 0,
                created_by: 0,
                created_at: now,
                modified_by: 0,
                modified_at: now,
            };
            tx.number_control_exception(&mut e).await?;
            let comment = "legacy".to_owned();
            entries.push((e.no, HistoryEntry { at: now, by: "bench".into(), what: String::new(), comment }));
            rows.push(e);
        }
        tx.put_control_exceptions(&rows).await?;
        tx.add_control_exception_entries(&entries).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn measure(estate: &Estate) -> anyhow::Result<()> {
    let (exceptions, postures) = (estate.app.control_exceptions(), estate.app.control_postures());
    let who = &estate.who;
    for (name, history) in [("exceptions, first page of 1,000", false), ("the same with histories", true)] {
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let began = Instant::now();
            let page = exceptions.list(who, &Filter::default(), 1_000, history).await?;
            times.push(began.elapsed());
            anyhow::ensure!(!page.rows.is_empty(), "an empty page");
        }
        print(name, times);
    }
    let filter = ResultFilter { policy: Some(estate.policy), ..ResultFilter::default() };
    let query = PostureQuery { filter, ..PostureQuery::default() };
    let (mut pages, mut sums) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let began = Instant::now();
        let (rows, _) = postures.page(who, &query, ControlResultNo(0), 1_000).await?;
        pages.push(began.elapsed());
        anyhow::ensure!(rows.len() == 1_000, "a short page");
        let began = Instant::now();
        postures.summary(who, estate.policy).await?;
        sums.push(began.elapsed());
    }
    print("posture, first page of 1,000", pages);
    print("posture, sums over the policy", sums);
    let numbers = Ranges::of(vec![(1, APPROVED)]);
    let mut times = Vec::new();
    for run in 0..RUNS {
        let status = if run % 2 == 0 { ExceptionState::Approved } else { ExceptionState::Pending };
        let end = SystemClock.now().checked_add(30 * DAY).context("time")?;
        let change = Change {
            comment: "all of them".to_owned(),
            status: Some(status),
            end: Some(end),
            ..Change::default()
        };
        let began = Instant::now();
        let batch = exceptions.update(who, &numbers, &change).await?;
        times.push(began.elapsed());
        anyhow::ensure!(batch.refused.is_empty(), "{:?}", batch.refused);
    }
    print("10,000 exceptions decided in one call", times);
    Ok(())
}

fn print(name: &str, mut times: Vec<std::time::Duration>) {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("{name:<44} median {:8.1} ms", median.as_secs_f64() * 1_000.0);
}
