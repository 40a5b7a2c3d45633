//! Who is next.

use std::collections::BTreeMap;

use parapet_model::job::JobKind;
use parapet_store::jobs::NewJob;

use crate::support::{TestStore, on_both_stores};
use crate::{LEASE, claim, enqueue, finish, scan, scope};

#[test]
fn the_owner_with_the_fewest_running_comes_first_then_age() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        for owner in ["ann", "ann", "ann", "bob", "cy", "bob"] {
            enqueue(&t.store, &NewJob { owner, ..scan(&home) }).await;
        }
        let mut claimed = Vec::new();
        while let Some(job) = claim(&t.store, "w").await {
            claimed.push(job);
        }
        let order: Vec<_> = claimed.iter().map(|job| (job.owner.as_str(), job.attempt.job)).collect();
        assert_eq!(order, [("ann", 1), ("bob", 4), ("cy", 5), ("ann", 2), ("bob", 6), ("ann", 3)]);
    });
}

#[test]
fn owners_take_turns_where_one_worker_does_one_job_after_the_other() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        for owner in ["ann", "ann", "ann", "bob", "cy", "bob"] {
            enqueue(&t.store, &NewJob { owner, ..scan(&home) }).await;
        }
        let mut order = Vec::new();
        while let Some(job) = claim(&t.store, "w").await {
            finish(&t.store, &job).await;
            order.push(job.owner);
        }
        assert_eq!(order, ["ann", "bob", "cy", "ann", "bob", "ann"]);
        // Turns are kept for each kind of work.
        for (owner, kind) in [("ann", JobKind::Export), ("bob", JobKind::Export), ("bob", JobKind::ScanImage)]
        {
            enqueue(&t.store, &NewJob { owner, kind, ..scan(&home) }).await;
        }
        assert_eq!(claim(&t.store, "w").await.unwrap().owner, "ann");
    });
}

#[test]
fn what_is_running_under_a_lost_lease_does_not_count_against_its_owner() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        for owner in ["ann", "ann", "bob"] {
            enqueue(&t.store, &NewJob { owner, ..scan(&home) }).await;
        }
        let lost = claim(&t.store, "dies").await.unwrap();
        t.clock.advance(LEASE);
        let next = claim(&t.store, "w").await.unwrap();
        assert_eq!((next.attempt.job, next.attempt.number), (lost.attempt.job, 2), "the oldest");
        assert_eq!(claim(&t.store, "w").await.unwrap().owner, "bob");
    });
}

#[test]
fn a_worker_gets_only_the_kinds_it_asks_for() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let export = enqueue(&t.store, &NewJob { kind: JobKind::Export, ..scan(&home) }).await.no();
        let scan = enqueue(&t.store, &scan(&home)).await.no();
        let get = async |kinds: &[JobKind]| {
            let job = t.store.claim_job("w", kinds, LEASE).await.unwrap();
            job.map(|job| job.attempt.job)
        };
        assert_eq!(get(&[JobKind::Rematch]).await, None);
        assert_eq!(get(&[]).await, None);
        assert_eq!(get(&[JobKind::ScanImage, JobKind::Rematch]).await, Some(scan));
        assert_eq!(get(&[JobKind::ScanImage, JobKind::Export]).await, Some(export));
    });
}

#[test]
fn looking_for_work_in_vain_uses_no_log_position() {
    on_both_stores(async |t: TestStore| {
        let head = t.store.read().await.unwrap().head().await.unwrap();
        assert!(claim(&t.store, "w").await.is_none());
        assert_eq!(t.store.read().await.unwrap().head().await.unwrap(), head);
    });
}

#[test]
fn many_workers_in_two_processes_never_get_the_same_job() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        for _ in 0..40 {
            enqueue(&t.store, &scan(&home)).await;
        }
        let (first, second) = (t.store.clone(), t.again().await);
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..6 {
            let store = if worker % 2 == 0 { first.clone() } else { second.clone() };
            workers.spawn(async move {
                let mut done = Vec::new();
                while let Some(job) = claim(&store, "w").await {
                    finish(&store, &job).await;
                    done.push(job.attempt.job);
                }
                done
            });
        }
        let mut times: BTreeMap<u32, u32> = BTreeMap::new();
        while let Some(done) = workers.join_next().await {
            for no in done.unwrap() {
                *times.entry(no).or_default() += 1;
            }
        }
        assert_eq!(times.len(), 40);
        assert!(times.values().all(|&n| n == 1), "{times:?}");
    });
}
