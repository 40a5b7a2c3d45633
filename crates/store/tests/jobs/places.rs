//! Jobs that wait for sensors: the server passes them over, sensors get those of their registries.

use parapet_store::jobs::{ClaimedJob, NewJob};

use crate::support::{TestStore, on_both_stores};
use crate::{LEASE, claim, enqueue, finish, scan, scope};

async fn place(t: &TestStore, jobs: &[u32], registry: u32, at_sensor: bool) {
    let mut tx = t.store.begin().await.unwrap();
    tx.place_jobs(jobs, registry, at_sensor).await.unwrap();
    tx.commit().await.unwrap();
}

async fn at_sensor(t: &TestStore, worker: &str, registries: &[u32]) -> Option<ClaimedJob> {
    t.store.claim_at_sensor(worker, registries, 2, LEASE).await.unwrap()
}

#[test]
fn jobs_of_a_registry_are_claimed_where_they_are_placed() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let mut jobs = Vec::new();
        for owner in ["ann", "bob", "ann", "ann"] {
            jobs.push(enqueue(&t.store, &NewJob { owner, ..scan(&home) }).await.no());
        }
        place(&t, &jobs[..2], 7, true).await;
        place(&t, &jobs[2..3], 8, true).await;
        place(&t, &jobs[3..], 9, false).await;
        let own = claim(&t.store, "server").await.unwrap();
        assert_eq!(own.attempt.job, jobs[3], "the others are not for the server");
        assert!(claim(&t.store, "server").await.is_none());
        assert!(at_sensor(&t, "s", &[]).await.is_none());
        assert!(at_sensor(&t, "s", &[9, 1000]).await.is_none(), "that one is the server's");
        let first = at_sensor(&t, "s", &[8, 7]).await.unwrap();
        let second = at_sensor(&t, "s", &[8, 7]).await.unwrap();
        assert_eq!((first.attempt.job, second.attempt.job), (jobs[0], jobs[1]), "the oldest first");
        assert!(at_sensor(&t, "s", &[8, 7]).await.is_none(), "it holds two");
        assert_eq!(at_sensor(&t, "other", &[8, 7]).await.unwrap().attempt.job, jobs[2]);

        let mut read = t.store.read().await.unwrap();
        let held = read.job_in_hands("s", &first.uuid).await.unwrap().unwrap();
        assert_eq!(held.attempt, first.attempt);
        assert!(read.job_in_hands("other", &first.uuid).await.unwrap().is_none());
        drop(read);
        finish(&t.store, &first).await;
        assert!(t.store.read().await.unwrap().job_in_hands("s", &first.uuid).await.unwrap().is_none());
    });
}

#[test]
fn a_lost_lease_goes_to_another_sensor_with_a_higher_attempt() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let job = enqueue(&t.store, &scan(&home)).await.no();
        place(&t, &[job], 7, true).await;
        let lost = at_sensor(&t, "dies", &[7]).await.unwrap();
        assert!(at_sensor(&t, "s", &[7]).await.is_none());
        t.clock.advance(LEASE);
        assert!(claim(&t.store, "server").await.is_none(), "it stays where it is placed");
        let next = at_sensor(&t, "s", &[7]).await.unwrap();
        assert_eq!((next.attempt.job, next.attempt.number), (job, lost.attempt.number + 1));
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.finish(lost.attempt, &"late").await.is_err(), "who comes back changes nothing");
    });
}

#[test]
fn what_waits_moves_and_what_runs_ends_where_it_is() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let mut jobs = Vec::new();
        for _ in 0..3 {
            jobs.push(enqueue(&t.store, &scan(&home)).await.no());
        }
        place(&t, &jobs[..2], 7, false).await;
        let running = claim(&t.store, "server").await.unwrap();
        assert_eq!(running.attempt.job, jobs[0]);
        let moved = async |at_sensor| {
            let mut tx = t.store.begin().await.unwrap();
            let moved = tx.move_jobs(7, at_sensor).await.unwrap();
            tx.commit().await.unwrap();
            moved
        };
        assert_eq!(moved(true).await, 2);
        assert_eq!(moved(true).await, 0, "moved once");
        assert_eq!(claim(&t.store, "server").await.unwrap().attempt.job, jobs[2], "of no registry");
        finish(&t.store, &running).await;
        assert_eq!(at_sensor(&t, "s", &[7]).await.unwrap().attempt.job, jobs[1]);
        assert_eq!(moved(false).await, 1);
        t.clock.advance(LEASE);
        assert_eq!(claim(&t.store, "server").await.unwrap().attempt.job, jobs[1]);
    });
}
