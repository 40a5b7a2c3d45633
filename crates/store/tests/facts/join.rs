//! A host that documents name and a sensor reports is one asset, whichever came first.

use parapet_model::asset::{AssetKind, HostFacts, ScanState};
use parapet_model::compliance::{ControlStatus, ResultIdentity, Target};
use parapet_model::control_exception::{ControlException, ControlTarget, HistoryEntry};
use parapet_model::lifecycle::Lifecycle;
use parapet_model::time::Millis;
use parapet_model::{AssetNo, ControlExceptionNo, ControlResultNo, Digest, EnterpriseProjectNo, EvidenceNo};
use parapet_store::Store;
use parapet_store::assets::{HostObservation, Look, Outcome, Recorded};
use parapet_store::compliance::{Arrival, Past, ResultFilter};
use parapet_store::facts::AsOfClock;
use uuid::Uuid;

use crate::compliance::{Shown, import_for, scope};
use crate::estate::PROJECT;
use crate::support::{TestStore, on_both_stores};

const RUN: [Shown; 2] = [("umask", ControlStatus::Fail, "18"), ("shadow", ControlStatus::Pass, "")];

fn target(names: &[&str]) -> Target {
    let mut target = Target::default();
    for name in names {
        match name.split_once('=') {
            Some(("id", id)) => target.add_machine_id(id),
            _ => target.add_name(name),
        }
    }
    target
}

/// A sensor reports its host.
async fn report(store: &Store, id: &str, name: &str, addresses: &[&str], at: Millis) -> Recorded {
    let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
    let facts = HostFacts { addresses, ..HostFacts::default() };
    let mut tx = store.begin().await.unwrap();
    let (set, _) = tx.put_set(&Default::default(), &[]).await.unwrap();
    let look = Look {
        project: PROJECT,
        enterprise_project: EnterpriseProjectNo(0),
        name,
        distro: None,
        databases: &[],
        observed: at,
        content: Digest::of(format!("{id} {at}").as_bytes()),
        reader_version: 1,
    };
    let recorded = tx.record_host(&HostObservation { look, identity: id, facts: &facts, set }).await.unwrap();
    tx.commit().await.unwrap();
    recorded
}

/// The hosts that have results now, each once.
async fn hosts(store: &Store) -> Vec<AssetNo> {
    let mut read = store.read().await.unwrap();
    let all = ResultFilter::default();
    let results = read.control_results(&scope(), &all, ControlResultNo(0), 1_000).await.unwrap();
    let mut hosts: Vec<AssetNo> = results.iter().map(|result| result.identity.host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// An approved exception of the host's first failing result.
async fn accept(store: &Store, host: AssetNo) -> ControlExceptionNo {
    let mut tx = store.begin().await.unwrap();
    let all = ResultFilter::default();
    let results = tx.control_results(&scope(), &all, ControlResultNo(0), 1_000).await.unwrap();
    let failing =
        results.iter().find(|r| r.identity.host == host && r.status == ControlStatus::Fail).unwrap();
    let mut e = ControlException {
        no: ControlExceptionNo(0),
        uuid: Uuid::nil(),
        project: PROJECT,
        enterprise_project: EnterpriseProjectNo(0),
        target: ControlTarget {
            identity: failing.identity.clone(),
            technology: failing.technology,
            reopen_on_evidence_change: true,
            accepted: failing.evidence,
        },
        life: Lifecycle::asked(5, 100),
        assignee: 1,
        created_by: 1,
        created_at: 5,
        modified_by: 1,
        modified_at: 5,
    };
    tx.number_control_exception(&mut e).await.unwrap();
    let entry =
        HistoryEntry { at: 5, by: "ann".to_owned(), what: "Status".to_owned(), comment: "legacy".to_owned() };
    tx.add_control_exception_entries(&[(e.no, entry)]).await.unwrap();
    tx.put_control_exceptions(std::slice::from_ref(&e)).await.unwrap();
    tx.commit().await.unwrap();
    e.no
}

#[test]
fn whichever_is_known_first_there_is_one_asset() {
    on_both_stores(async |t: TestStore| {
        for (case, names, name, addresses) in [
            (1, &["id=4C4C4544", "a.example.test"][..], "other", &[][..]),
            (2, &["web-2.example.test", "web-2"], "web-2.example.test", &["192.0.2.2"]),
            (3, &["web-3", "198.51.100.3"], "web-3", &["127.0.0.1", "198.51.100.3"]),
            (4, &["web-4"], "WEB-4", &["192.0.2.4"]),
            (5, &["198.51.100.5"], "web-5", &["198.51.100.5"]),
        ] {
            let id = if case == 1 { "4c4c4544".to_owned() } else { format!("machine-{case}") };
            // The sensor comes second.
            let (benchmark, named) = (format!("b{case}"), target(names));
            import_for(&t.store, &benchmark, &named, 1_000, &RUN).await;
            let mut tx = t.store.begin().await.unwrap();
            let first = tx.find_target(PROJECT, &named).await.unwrap();
            let first = match first {
                Some(first) => tx.asset(first).await.unwrap().unwrap(),
                None => {
                    let uuid = AssetKind::Host.uuid(PROJECT, &named.identity().unwrap());
                    tx.asset_by_uuid(PROJECT, &uuid).await.unwrap().unwrap()
                }
            };
            drop(tx);
            let exception = accept(&t.store, first.no).await;
            let joined = report(&t.store, &id, name, addresses, 2_000).await;
            assert_eq!((joined.asset, joined.uuid), (first.no, first.uuid), "case {case}");
            let again = report(&t.store, &id, name, addresses, 3_000).await;
            assert_eq!((again.asset, again.outcome), (first.no, Outcome::Unchanged));
            let late = report(&t.store, &id, name, addresses, 1_500).await;
            assert_eq!((late.asset, late.outcome), (first.no, Outcome::OlderKept));
            let (arrival, _) = import_for(&t.store, &benchmark, &named, 4_000, &RUN).await;
            assert_eq!(arrival, Arrival::Newest);
            let mut read = t.store.read().await.unwrap();
            let host = read.host_of_machine(PROJECT, &id).await.unwrap().unwrap();
            assert_eq!(
                (host.no, host.identity.as_str(), host.scan),
                (first.no, id.as_str(), ScanState::Scanned)
            );
            assert_eq!(host.held.from, first.held.from, "it has been known since the document");
            let kept = read.control_exception(exception).await.unwrap().unwrap();
            assert_eq!(kept.target.identity.host, first.no);
            drop(read);

            // The document comes second.
            let other: Vec<String> =
                names.iter().map(|n| n.replace("web-", "db-").replace("198.51", "203.0")).collect();
            let other: Vec<&str> = other.iter().map(String::as_str).collect();
            let mut named = target(&other);
            if case == 1 {
                named = target(&["id=5d5d", "a1.example.test"]);
            }
            let id = if case == 1 { "5d5d".to_owned() } else { format!("engine-{case}") };
            let name = name.to_ascii_lowercase().replace("web-", "db-");
            let addresses: Vec<String> = addresses
                .iter()
                .map(|a| a.replace("198.51", "203.0").replace("192.0.2", "192.0.3"))
                .collect();
            let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            let sensor = report(&t.store, &id, &name, &addresses, 2_000).await;
            assert_eq!(sensor.outcome, Outcome::New, "case {case}");
            import_for(&t.store, &benchmark, &named, 1_000, &RUN).await;
            let again = report(&t.store, &id, &name, &addresses, 3_000).await;
            assert_eq!(again.asset, sensor.asset);
            assert!(hosts(&t.store).await.contains(&sensor.asset), "case {case}");
            assert_eq!(hosts(&t.store).await.len(), 2 * case, "no third asset");
        }
    });
}

#[test]
fn two_machines_never_become_one() {
    on_both_stores(async |t: TestStore| {
        let outcome = async |id: &str, name: &str, addresses: &[&str]| {
            report(&t.store, id, name, addresses, 2_000).await.outcome
        };
        // Two hosts of documents have the name.
        for (names, at) in [
            (&["a.example.test"][..], 900),
            (&["b.example.test"], 900),
            (&["a.example.test", "twin", "192.0.2.1"], 1_000),
            (&["b.example.test", "twin", "192.0.2.2"], 1_000),
        ] {
            import_for(&t.store, "b", &target(names), at, &RUN).await;
        }
        assert_eq!(hosts(&t.store).await.len(), 2);
        assert_eq!(outcome("m1", "twin", &[]).await, Outcome::New);
        // The address was another machine's before, the name is another network's too.
        import_for(&t.store, "b", &target(&["old.example.test", "old", "192.0.2.3"]), 1_000, &RUN).await;
        assert_eq!(outcome("m2", "new", &["192.0.2.3"]).await, Outcome::New);
        assert_eq!(outcome("m3", "old", &["198.51.100.3"]).await, Outcome::New);
        assert_eq!(outcome("m4", "localhost", &["127.0.0.1"]).await, Outcome::New);
        // A host that a sensor reports is nobody else's, whatever another one calls itself.
        import_for(&t.store, "b", &target(&["db.example.test"]), 1_000, &RUN).await;
        let first = report(&t.store, "m5", "db.example.test", &["192.0.2.5"], 2_000).await;
        assert_ne!(first.outcome, Outcome::New);
        let second = report(&t.store, "m6", "db.example.test", &["192.0.2.5"], 2_000).await;
        assert_eq!(second.outcome, Outcome::New);
        assert_ne!(first.asset, second.asset);
        assert_eq!(report(&t.store, "m5", "db.example.test", &[], 3_000).await.asset, first.asset);
    });
}

#[test]
fn what_was_two_assets_becomes_one_when_the_sensor_learns_the_name() {
    on_both_stores(async |t: TestStore| {
        let sensor = report(&t.store, "m1", "node", &[], 500).await;
        let named = target(&["web-1.example.test", "192.0.2.15"]);
        import_for(&t.store, "b", &named, 1_000, &RUN).await;
        let [apart] = hosts(&t.store).await[..] else { panic!() };
        assert_ne!(apart, sensor.asset);
        let exception = accept(&t.store, apart).await;
        let before = t.store.head().await.unwrap().recorded;
        t.clock.advance(1_000);
        let joined = report(&t.store, "m1", "web-1.example.test", &["192.0.2.15"], 2_000).await;
        assert_eq!(joined.asset, sensor.asset);
        assert_eq!(hosts(&t.store).await, [sensor.asset]);
        let mut read = t.store.read().await.unwrap();
        assert!(!read.asset(apart).await.unwrap().unwrap().held.is_open(), "the other one ended");
        let kept = read.control_exception(exception).await.unwrap().unwrap();
        assert_eq!(kept.target.identity.host, sensor.asset);
        assert_eq!(read.control_exception_history(&[exception]).await.unwrap()[&exception].len(), 1);
        let past = Past { at: before, clock: AsOfClock::Recorded };
        let then = read
            .control_results_as_of(&scope(), &ResultFilter::default(), past, ControlResultNo(0), 10)
            .await
            .unwrap();
        assert_eq!(then.len(), 2, "what was known then is told of the host it was known of");
        drop(read);
        let (arrival, _) = import_for(&t.store, "b", &named, 1_000, &RUN).await;
        assert_eq!(arrival, Arrival::Duplicate);
        let (arrival, changes) =
            import_for(&t.store, "b", &named, 3_000, &[("umask", ControlStatus::Fail, "22"), RUN[1]]).await;
        assert_eq!((arrival, changes.changes.len()), (Arrival::Newest, 1));
        assert_eq!(changes.changes[0].identity.host, sensor.asset);
        assert!(changes.changes[0].fails_differently());
        assert_eq!(hosts(&t.store).await, [sensor.asset]);
        let mut read = t.store.read().await.unwrap();
        let ResultIdentity { policy, .. } = changes.changes[0].identity.clone();
        assert_eq!(read.assessment(sensor.asset, policy).await.unwrap().unwrap().observed, 3_000);
        assert_ne!(read.control_result_before(changes.changes[0].no).await.unwrap().1, None);
        assert_ne!(kept.target.accepted, EvidenceNo(0));
    });
}

#[test]
fn two_that_were_looked_at_for_one_policy_stay_two() {
    on_both_stores(async |t: TestStore| {
        let sensor = report(&t.store, "m1", "node", &[], 500).await;
        import_for(&t.store, "b", &target(&["node"]), 900, &RUN).await;
        import_for(&t.store, "b", &target(&["web-1.example.test"]), 1_000, &RUN).await;
        let both = hosts(&t.store).await;
        assert_eq!(both.len(), 2);
        let joined = report(&t.store, "m1", "web-1.example.test", &[], 2_000).await;
        assert_eq!(joined.asset, sensor.asset);
        assert_eq!(hosts(&t.store).await, both);
    });
}
