//! Exceptions of controls: kept as they stand, with a history that only grows, on both engines.

use parapet_model::compliance::ResultIdentity;
use parapet_model::control_exception::{ControlException, ControlTarget, HistoryEntry};
use parapet_model::exception::ExceptionState;
use parapet_model::lifecycle::Lifecycle;
use parapet_model::{
    AssetNo, ControlExceptionNo, ControlNo, EnterpriseProjectNo, EvidenceNo, PolicyNo, Ranges, TechnologyNo,
};
use uuid::Uuid;

use crate::support::{TestStore, on_both_stores};
use crate::{DEFAULT, add_user};

fn exception(host: u32, instance: &str) -> ControlException {
    let identity = ResultIdentity {
        host: AssetNo(host),
        policy: PolicyNo(1_000),
        control: ControlNo(100_000),
        instance: instance.to_owned(),
    };
    ControlException {
        no: ControlExceptionNo(0),
        uuid: Uuid::nil(),
        project: DEFAULT,
        enterprise_project: EnterpriseProjectNo(0),
        target: ControlTarget {
            identity,
            technology: TechnologyNo(10_000),
            reopen_on_evidence_change: true,
            accepted: EvidenceNo(0),
        },
        life: Lifecycle::asked(5, 100),
        assignee: 1,
        created_by: 1,
        created_at: 5,
        modified_by: 1,
        modified_at: 5,
    }
}

fn entry(at: i64, comment: &str) -> HistoryEntry {
    HistoryEntry { at, by: "ann".to_owned(), what: "Status".to_owned(), comment: comment.to_owned() }
}

async fn numbers(t: &TestStore, wanted: &str) -> Vec<u32> {
    let wanted = Ranges::parse(wanted, u64::from(u32::MAX)).unwrap();
    let found = t.store.read().await.unwrap().control_exceptions_in(DEFAULT, &wanted).await.unwrap();
    found.iter().map(|e| e.no.0).collect()
}

#[test]
fn what_is_put_is_found_by_number_range_and_result() {
    on_both_stores(async |t: TestStore| {
        add_user(&t, "ann").await;
        let mut tx = t.store.begin().await.unwrap();
        let mut all = Vec::new();
        for (host, instance) in [(1, "os"), (1, "MSSQL 2022:1:1433:MSSQLSERVER:master"), (2, "os")] {
            let mut e = exception(host, instance);
            tx.number_control_exception(&mut e).await.unwrap();
            all.push(e);
        }
        tx.put_control_exceptions(&all).await.unwrap();
        tx.add_control_exception_entries(&[(all[0].no, entry(5, "first"))]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(numbers(&t, "1-4000000000").await, [1, 2, 3]);
        assert_eq!(numbers(&t, "3,1").await, [1, 3]);
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.control_exceptions(DEFAULT, 1, 2, 9).await.unwrap(), all[1..2]);
        assert_eq!(read.control_exceptions(DEFAULT, 0, u32::MAX, 2).await.unwrap(), all[..2]);
        let key = (AssetNo(1), PolicyNo(1_000), ControlNo(100_000));
        assert_eq!(read.control_exceptions_of([key, key]).await.unwrap(), all[..2]);
        drop(read);

        let mut tx = t.store.begin().await.unwrap();
        all[0].life.state = ExceptionState::Approved;
        all[1].life.state = ExceptionState::Ended;
        tx.put_control_exceptions(&all).await.unwrap();
        tx.add_control_exception_entries(&[(all[0].no, entry(6, "second"))]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(numbers(&t, "1-9").await, [1, 3], "what was deleted is shown nowhere");
        let mut read = t.store.read().await.unwrap();
        let history = read.control_exception_history(&[all[0].no, all[2].no]).await.unwrap();
        assert_eq!(history[&all[0].no], [entry(5, "first"), entry(6, "second")]);
        assert!(!history.contains_key(&all[2].no));
        for (now, until, ending) in [(50, 99, 0), (50, 100, 1), (99, i64::MAX, 1), (100, i64::MAX, 0)] {
            let found = read.control_exceptions_ending(now, until, 9).await.unwrap();
            assert_eq!(found.len(), ending, "{now} to {until}");
        }
        drop(read);
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.put_notice("control_exception", 1, 100, true).await.unwrap());
        assert!(!tx.put_notice("control_exception", 1, 100, true).await.unwrap());
        tx.put_notice("reopened", 1, 7, false).await.unwrap();
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert!(read.control_exceptions_ending(50, 100, 9).await.unwrap().is_empty(), "told once");
        assert_eq!(read.notices_waiting("reopened", 9).await.unwrap(), [(1, 7)]);
        drop(read);
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.tell_notice("reopened", 1, 7).await.unwrap());
        assert!(!tx.tell_notice("reopened", 1, 7).await.unwrap());
        tx.commit().await.unwrap();
    });
}

#[test]
fn ten_thousand_are_put_with_their_history_in_one_transaction() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let mut all = Vec::new();
        for host in 1..=10_000 {
            let mut e = exception(host, "os");
            tx.number_control_exception(&mut e).await.unwrap();
            all.push(e);
        }
        tx.put_control_exceptions(&all).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        let wanted = Ranges::parse("1-10000", 10_000).unwrap();
        let found = tx.control_exceptions_in(DEFAULT, &wanted).await.unwrap();
        assert_eq!(found, all);
        let entries: Vec<_> = found.iter().map(|e| (e.no, entry(9, "all of them"))).collect();
        tx.put_control_exceptions(&found).await.unwrap();
        tx.add_control_exception_entries(&entries).await.unwrap();
        let held = tx.control_results_held(found.iter().map(|e| &e.target.identity)).await.unwrap();
        assert!(held.is_empty(), "there are no results");
        tx.commit().await.unwrap();
    });
}
