//! The log: order, gaps, clock, followers.

use std::time::Duration;

use parapet_model::id::ProjectNo;
use parapet_store::{Error, Kind};

use crate::estate::numbers;
use crate::support::{TestStore, on_both_stores};

#[test]
fn a_transaction_that_changes_nothing_uses_no_position() {
    on_both_stores(async |t: TestStore| {
        let tx = t.store.begin().await.unwrap();
        let done = tx.commit().await.unwrap();
        assert_eq!((done.seq, done.rows), (0, 0));
        assert_eq!(t.store.head().await.unwrap().seq, 0);

        let mut tx = t.store.begin().await.unwrap();
        tx.ensure_project("other").await.unwrap();
        let done = tx.commit().await.unwrap();
        assert_eq!(done.seq, 1);
        let mut read = t.store.read().await.unwrap();
        let log = read.log_since(0, 10).await.unwrap().unwrap();
        assert_eq!(
            log.iter().map(|e| (e.seq, e.kind, e.subject)).collect::<Vec<_>>(),
            [(1, Kind::Project, 2)]
        );

        let mut tx = t.store.begin().await.unwrap();
        tx.ensure_project("other").await.unwrap();
        assert_eq!(tx.commit().await.unwrap(), parapet_store::Committed { seq: 1, rows: 0 });
    });
}

#[test]
fn a_dropped_transaction_leaves_nothing() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        tx.ensure_project("other").await.unwrap();
        drop(tx);
        let tx = t.store.begin().await.unwrap();
        assert_eq!(tx.seq(), 1, "no gap");
        drop(tx);
        assert_eq!(t.store.read().await.unwrap().projects().await.unwrap().len(), 1);
    });
}

#[test]
fn recorded_time_grows_with_every_transaction_even_when_the_clock_steps_back() {
    on_both_stores(async |t: TestStore| {
        let mut seen = Vec::new();
        for step in [0, 0, -500_000, 3] {
            t.clock.advance(step);
            let mut tx = t.store.begin().await.unwrap();
            tx.set_meta("step", &format!("{step} {}", seen.len())).await.unwrap();
            seen.push(tx.recorded());
            tx.commit().await.unwrap();
        }
        assert_eq!(seen, [1_000_000, 1_000_001, 1_000_002, 1_000_003]);
        t.clock.set(2_000_000);
        assert_eq!(t.store.begin().await.unwrap().recorded(), 2_000_000);
    });
}

#[test]
fn writers_on_several_connections_commit_in_log_order_without_gaps() {
    on_both_stores(async |t: TestStore| {
        // Two stores on one database: as two processes, not behind one mutex.
        let stores = [t.store.clone(), t.again().await];
        let writers = (0..4_u32).map(|writer| {
            let store = stores[writer as usize % 2].clone();
            tokio::spawn(async move {
                for n in 0..15 {
                    let mut tx = store.begin().await.unwrap();
                    tx.ensure_project(&format!("p{writer}-{n}")).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        // A follower that keeps the highest position must see every entry.
        let (mut at, mut entries) = (0, Vec::new());
        while at < 60 {
            let head = t.store.wait_change(at).await.unwrap();
            let mut read = t.store.read().await.unwrap();
            let new = read.log_since(at, 1000).await.unwrap().unwrap();
            at = new.last().map_or(at, |entry| entry.seq);
            entries.extend(new);
            assert!(head.seq <= at, "entries of a visible position are visible");
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let seqs: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, (1..=60).collect::<Vec<u64>>());
        // Numbers are dense too: the default project is 1.
        let projects = t.store.read().await.unwrap().projects().await.unwrap();
        assert_eq!(
            projects.iter().map(|p| p.no).collect::<Vec<_>>(),
            (1..=61).map(ProjectNo).collect::<Vec<_>>()
        );
    });
}

#[test]
fn a_follower_hears_of_other_processes_and_reads_what_changed() {
    on_both_stores(async |t: TestStore| {
        let other = t.again().await;
        let waiting = tokio::spawn({
            let store = t.store.clone();
            async move { store.wait_change(0).await.unwrap() }
        });
        let mut tx = other.begin().await.unwrap();
        let packages = numbers(&mut tx, &["bash", "zlib"]).await;
        tx.ensure_enterprise_project("finance", "Finance").await.unwrap();
        tx.commit().await.unwrap();
        let head = tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap().unwrap();
        assert_eq!(head.seq, 1);

        let change = t.store.changes_since(0, 0).await.unwrap().unwrap();
        assert_eq!((change.seq, change.recorded), (1, head.recorded));
        assert_eq!(change.packages.iter().map(|p| p.no).collect::<Vec<_>>(), packages);
        let divisions = change.enterprise_projects.unwrap();
        assert_eq!(divisions.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["0", "finance"]);
        assert!(change.coverage.is_none() && change.assets.is_empty());

        let nothing = t.store.changes_since(1, 0).await.unwrap().unwrap();
        assert!(nothing.packages.is_empty() && nothing.seq == 1);
    });
}

#[test]
fn a_follower_that_fell_behind_or_is_ahead_is_told_to_rebuild() {
    on_both_stores(async |t: TestStore| {
        for n in 0..4 {
            let mut tx = t.store.begin().await.unwrap();
            numbers(&mut tx, &[&format!("package{n}")]).await;
            tx.commit().await.unwrap();
        }
        let mut tx = t.store.begin().await.unwrap();
        tx.trim_log(2).await.unwrap();
        tx.commit().await.unwrap();
        assert!(t.store.changes_since(1, 0).await.unwrap().is_none(), "entry 2 is gone");
        let change = t.store.changes_since(2, 0).await.unwrap().unwrap();
        assert_eq!(change.packages.len(), 2);
        assert!(
            t.store.changes_since(99, 0).await.unwrap().is_none(),
            "a store that is younger than the follower"
        );
    });
}

#[test]
fn reads_see_one_state_and_cannot_write() {
    on_both_stores(async |t: TestStore| {
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.projects().await.unwrap().len(), 1);
        let mut tx = t.store.begin().await.unwrap();
        tx.ensure_project("later").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(read.projects().await.unwrap().len(), 1, "the state of its first query");
        assert_eq!(t.store.read().await.unwrap().projects().await.unwrap().len(), 2);
    });
}

#[test]
fn nul_is_refused_on_both_engines_and_nothing_is_stored() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let refused = tx.ensure_project("a\0b").await.unwrap_err();
        assert!(matches!(refused, Error::Nul(_)), "{refused}");
        drop(tx);
        assert_eq!(t.store.head().await.unwrap().seq, 0);
    });
}

#[test]
fn a_restored_store_gets_a_new_epoch() {
    on_both_stores(async |t: TestStore| {
        let before = t.store.epoch();
        assert_eq!(t.again().await.epoch(), before);
        let mut tx = t.store.begin().await.unwrap();
        // The seeded ids of the test start anew, so step past the ones in use.
        for _ in 0..10 {
            tx.uuid();
        }
        let new = tx.renew_epoch().await.unwrap();
        tx.commit().await.unwrap();
        assert_ne!(new, before);
        assert_eq!(t.again().await.epoch(), new);
    });
}

/// Handlers run on a multi-threaded runtime: everything they await must be able to move.
#[test]
fn the_store_may_be_used_from_any_thread() {
    fn movable<T: Send>(_: T) {}
    on_both_stores(async |t: TestStore| {
        movable(t.store.load_all());
        movable(t.store.changes_since(0, 0));
        movable(t.store.wait_change(0));
        movable(t.store.lock_server());
        let mut tx = t.store.begin().await.unwrap();
        movable(tx.package_numbers(&[]));
        movable(tx.put_vulnerabilities(&[]));
        movable(tx.put_advisories(parapet_store::feeds::FeedNo(1), &[]));
        movable(tx.withdraw_advisories(parapet_store::feeds::FeedNo(1), &[]));
        movable(tx.close_matches(&[], parapet_model::verdict::ClosingReason::Fixed));
        movable(crate::estate::host(&mut tx, 1, 1, &["bash"]));
        movable(crate::estate::image(&mut tx, 1, None, 1, 1, &["bash"]));
        movable(tx.commit());
    });
}
