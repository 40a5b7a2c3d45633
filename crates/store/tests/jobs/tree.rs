//! Parents and children.

use parapet_model::job::{JobKind, JobState};
use parapet_store::jobs::{Attempt, Beat, ClaimedJob, NewJob, Stopped};
use parapet_store::{Error, Store};

use crate::support::{TestStore, on_both_stores};
use crate::{LEASE, claim, enqueue, finish, job, scan, scope, state};

/// A list job in a worker's hands.
async fn start_list(store: &Store) -> ClaimedJob {
    let home = scope();
    let list = NewJob { kind: JobKind::ListRegistry, ..scan(&home) };
    enqueue(store, &list).await;
    store.claim_job("lister", &[JobKind::ListRegistry], LEASE).await.unwrap().unwrap()
}

/// Makes scans for these digests, in the transaction of the parent's fence.
async fn add_children(store: &Store, parent: Attempt, digests: &[&str]) -> Vec<u32> {
    let (home, mut children) = (scope(), Vec::new());
    let mut tx = store.begin().await.unwrap();
    tx.fence(parent).await.unwrap();
    for dedup_key in digests {
        let child = NewJob { parent: Some(parent.job), dedup_key, ..scan(&home) };
        children.push(tx.enqueue(&child).await.unwrap().no());
    }
    tx.commit().await.unwrap();
    children
}

async fn claim_scan(store: &Store) -> ClaimedJob {
    store.claim_job("scanner", &[JobKind::ScanImage], LEASE).await.unwrap().unwrap()
}

/// Cancels a job and what goes with it; how many in all.
async fn cancel(store: &Store, no: u32) -> u64 {
    let uuid = job(store, no).await.uuid;
    let mut tx = store.begin().await.unwrap();
    let cancelled = tx.cancel_job(&scope(), &uuid).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    u64::from(cancelled) + store.cancel_children().await.unwrap()
}

#[test]
fn a_parent_runs_until_its_last_child_is_final() {
    on_both_stores(async |t: TestStore| {
        let list = start_list(&t.store).await;
        let children = add_children(&t.store, list.attempt, &["a", "b", "c"]).await;
        finish(&t.store, &list).await;
        let waiting = job(&t.store, list.attempt.job).await;
        assert!(waiting.waiting && waiting.state == JobState::Running);
        t.clock.advance(10 * LEASE);

        finish(&t.store, &claim_scan(&t.store).await).await;
        let failing = claim_scan(&t.store).await;
        let mut tx = t.store.begin().await.unwrap();
        tx.fail(failing.attempt, "no such image", None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(state(&t.store, list.attempt.job).await, JobState::Running);
        let last = claim(&t.store, "any").await.unwrap();
        assert_eq!(last.attempt.job, children[2], "a waiting parent is nobody's work, lease or not");
        let progress = t.store.read().await.unwrap().job_progress(list.attempt.job).await.unwrap();
        assert_eq!((progress.total(), progress.ended()), (3, 2));
        assert_eq!((progress.of(JobState::Running), progress.of(JobState::Failed)), (1, 1));

        finish(&t.store, &last).await;
        let done = job(&t.store, list.attempt.job).await;
        assert_eq!((done.state, done.waiting), (JobState::Succeeded, false));
        assert_eq!(done.result.unwrap().get(), "\"done\"");
        let mut read = t.store.read().await.unwrap();
        let (found, next) = read.job_children(&scope(), list.attempt.job, None, u32::MAX, 2).await.unwrap();
        assert_eq!(found.iter().map(|job| job.no).collect::<Vec<_>>(), [children[2], children[1]]);
        assert_eq!(next, Some(children[1]));
        let failed = Some(JobState::Failed);
        let (found, _) = read.job_children(&scope(), list.attempt.job, failed, u32::MAX, 2).await.unwrap();
        assert_eq!(found.len(), 1);
    });
}

#[test]
fn a_parent_whose_children_are_final_already_ends_at_once() {
    on_both_stores(async |t: TestStore| {
        let list = start_list(&t.store).await;
        add_children(&t.store, list.attempt, &["a"]).await;
        finish(&t.store, &claim_scan(&t.store).await).await;
        finish(&t.store, &list).await;
        assert_eq!(state(&t.store, list.attempt.job).await, JobState::Succeeded);
    });
}

#[test]
fn ends_climb_over_generations() {
    on_both_stores(async |t: TestStore| {
        let (home, run) = (scope(), start_list(&t.store).await);
        let mut tx = t.store.begin().await.unwrap();
        let inner = NewJob { kind: JobKind::ListRegistry, parent: Some(run.attempt.job), ..scan(&home) };
        tx.enqueue(&inner).await.unwrap();
        tx.commit().await.unwrap();
        let inner = t.store.claim_job("lister", &[JobKind::ListRegistry], LEASE).await.unwrap().unwrap();
        add_children(&t.store, inner.attempt, &["a"]).await;
        finish(&t.store, &run).await;
        finish(&t.store, &inner).await;
        assert_eq!(state(&t.store, run.attempt.job).await, JobState::Running);
        finish(&t.store, &claim_scan(&t.store).await).await;
        assert_eq!(state(&t.store, inner.attempt.job).await, JobState::Succeeded);
        assert_eq!(state(&t.store, run.attempt.job).await, JobState::Succeeded);
    });
}

#[test]
fn work_wanted_by_two_runs_is_the_child_of_both() {
    on_both_stores(async |t: TestStore| {
        let (one, two) = (start_list(&t.store).await, start_list(&t.store).await);
        let of_one = add_children(&t.store, one.attempt, &["shared", "own"]).await;
        let of_two = add_children(&t.store, two.attempt, &["shared"]).await;
        assert_eq!(of_one[0], of_two[0]);
        finish(&t.store, &one).await;
        finish(&t.store, &two).await;

        assert_eq!(cancel(&t.store, one.attempt.job).await, 2, "the run and its own child");
        assert_eq!(state(&t.store, of_one[0]).await, JobState::Queued, "the other run wants it");
        assert_eq!(state(&t.store, of_one[1]).await, JobState::Cancelled);
        finish(&t.store, &claim_scan(&t.store).await).await;
        assert_eq!(state(&t.store, two.attempt.job).await, JobState::Succeeded);
        assert_eq!(state(&t.store, one.attempt.job).await, JobState::Cancelled);
    });
}

#[test]
fn cancelling_reaches_running_children_and_grandchildren_but_not_what_was_asked_for_directly() {
    on_both_stores(async |t: TestStore| {
        let (home, run) = (scope(), start_list(&t.store).await);
        let direct = enqueue(&t.store, &NewJob { dedup_key: "direct", ..scan(&home) }).await.no();
        let mut tx = t.store.begin().await.unwrap();
        let inner = NewJob { kind: JobKind::ListRegistry, parent: Some(run.attempt.job), ..scan(&home) };
        let inner = tx.enqueue(&inner).await.unwrap().no();
        tx.commit().await.unwrap();
        let lister = t.store.claim_job("lister", &[JobKind::ListRegistry], LEASE).await.unwrap().unwrap();
        let children = add_children(&t.store, lister.attempt, &["direct", "a"]).await;
        assert_eq!(children[0], direct);
        finish(&t.store, &lister).await;
        let first = claim_scan(&t.store).await;
        let second = claim_scan(&t.store).await;

        assert_eq!(cancel(&t.store, run.attempt.job).await, 3);
        assert_eq!(cancel(&t.store, run.attempt.job).await, 0, "over already");
        for (no, expected) in [
            (run.attempt.job, JobState::Cancelled),
            (inner, JobState::Cancelled),
            (children[1], JobState::Cancelled),
            (direct, JobState::Running),
        ] {
            assert_eq!(state(&t.store, no).await, expected, "{no}");
        }
        let beat = |attempt| Beat { attempt, done: 0, total: 0 };
        let beats = [beat(run.attempt), beat(first.attempt), beat(second.attempt)];
        let stopped = t.store.heartbeat(&beats, t.store.now() + LEASE).await.unwrap();
        assert_eq!(stopped, [Stopped::Cancelled(run.attempt.job), Stopped::Cancelled(children[1])]);
        let mut tx = t.store.begin().await.unwrap();
        assert!(matches!(tx.fence(second.attempt).await, Err(Error::Fenced(_))));
        let late = NewJob { parent: Some(run.attempt.job), ..scan(&home) };
        assert!(matches!(tx.enqueue(&late).await, Err(Error::Fenced(_))), "no child of what is over");
    });
}

#[test]
fn a_cancelled_child_lets_its_parent_end() {
    on_both_stores(async |t: TestStore| {
        let list = start_list(&t.store).await;
        let children = add_children(&t.store, list.attempt, &["a", "b"]).await;
        finish(&t.store, &list).await;
        assert_eq!(cancel(&t.store, children[0]).await, 1);
        finish(&t.store, &claim_scan(&t.store).await).await;
        assert_eq!(state(&t.store, list.attempt.job).await, JobState::Succeeded);
    });
}

#[test]
fn old_jobs_are_forgotten_but_not_the_children_of_a_running_one() {
    on_both_stores(async |t: TestStore| {
        let list = start_list(&t.store).await;
        add_children(&t.store, list.attempt, &["a", "b"]).await;
        finish(&t.store, &list).await;
        finish(&t.store, &claim_scan(&t.store).await).await;
        let forget = async || {
            let mut tx = t.store.begin().await.unwrap();
            let gone = tx.forget_jobs(i64::MAX, 100).await.unwrap();
            tx.commit().await.unwrap();
            gone
        };
        assert_eq!(forget().await, 0);
        finish(&t.store, &claim_scan(&t.store).await).await;
        assert_eq!(forget().await, 3);
        let (left, _) =
            t.store.read().await.unwrap().jobs(&scope(), &Default::default(), u32::MAX, 9).await.unwrap();
        assert!(left.is_empty());
    });
}

#[test]
fn a_big_run_is_cancelled_to_the_last_child_even_after_a_crash() {
    on_both_stores(async |t: TestStore| {
        let list = start_list(&t.store).await;
        let names: Vec<String> = (0..450).map(|n| n.to_string()).collect();
        let digests: Vec<&str> = names.iter().map(String::as_str).collect();
        let children = add_children(&t.store, list.attempt, &digests).await;
        finish(&t.store, &claim_scan(&t.store).await).await;
        let uuid = job(&t.store, list.attempt.job).await.uuid;
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.cancel_job(&scope(), &uuid).await.unwrap(), Some(true));
        tx.commit().await.unwrap();
        // The process dies here; the next one finishes the work.
        let next = t.again().await;
        assert_eq!(next.cancel_children().await.unwrap(), 449);
        assert_eq!(next.cancel_children().await.unwrap(), 0);
        let progress = next.read().await.unwrap().job_progress(list.attempt.job).await.unwrap();
        assert_eq!((progress.total(), progress.of(JobState::Cancelled)), (450, 449));
        assert_eq!(state(&next, children[449]).await, JobState::Cancelled);
        assert!(claim(&next, "w").await.is_none());
    });
}
