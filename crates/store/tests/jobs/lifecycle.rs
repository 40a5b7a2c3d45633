//! One job from queue to end, and the workers that come too late.

use std::collections::HashMap;

use parapet_model::job::{JobKind, JobState};
use parapet_model::{EnterpriseProjectNo, Principal, ProjectNo};
use parapet_store::Error;
use parapet_store::jobs::{Beat, Enqueued, JobFilter, NewJob, Stopped};

use crate::support::{TestStore, on_both_stores};
use crate::{DEFAULT, LEASE, claim, enqueue, finish, job, scan, scope, state};

#[test]
fn a_job_runs_once_and_keeps_what_came_of_it() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let mut tx = t.store.begin().await.unwrap();
        let payload = serde_json::json!({ "image": "team/web:1" });
        let new = NewJob {
            scope: &home,
            kind: JobKind::ScanImage,
            owner: "ann",
            payload: &payload,
            parent: None,
            dedup_key: "",
            fired: None,
            not_before: 0,
        };
        let no = tx.enqueue(&new).await.unwrap().no();
        let created = tx.recorded();
        tx.commit().await.unwrap();

        let claimed = claim(&t.store, "w").await.unwrap();
        assert_eq!((claimed.attempt.job, claimed.attempt.number), (no, 1));
        assert_eq!((claimed.project, claimed.owner.as_str()), (DEFAULT, "ann"));
        assert_eq!(claimed.payload.get(), payload.to_string());
        assert!(claim(&t.store, "w").await.is_none(), "nothing else to do");
        let beat = Beat { attempt: claimed.attempt, done: 3, total: 10 };
        assert_eq!(t.store.heartbeat(&[beat], t.store.now() + LEASE).await.unwrap(), []);
        let running = job(&t.store, no).await;
        assert_eq!((running.state, running.done, running.total), (JobState::Running, 3, 10));

        finish(&t.store, &claimed).await;
        let done = job(&t.store, no).await;
        assert_eq!((done.state, done.done, done.attempt), (JobState::Succeeded, 10, 1));
        assert_eq!(done.result.unwrap().get(), "\"done\"");
        assert_eq!(done.created, created);
        assert!(created < done.started && done.started < done.ended);
        assert!(claim(&t.store, "w").await.is_none());
    });
}

#[test]
fn a_worker_that_slept_through_its_lease_changes_nothing() {
    on_both_stores(async |t: TestStore| {
        let no = enqueue(&t.store, &scan(&scope())).await.no();
        let sleeper = claim(&t.store, "a").await.unwrap();
        t.clock.advance(LEASE - 1);
        assert!(claim(&t.store, "b").await.is_none(), "the lease still holds");
        t.clock.advance(1);
        let second = claim(&t.store, "b").await.unwrap();
        assert_eq!((second.attempt.job, second.attempt.number), (no, 2));

        let beats = [
            Beat { attempt: sleeper.attempt, done: 9, total: 9 },
            Beat { attempt: second.attempt, done: 1, total: 2 },
        ];
        let stopped = t.store.heartbeat(&beats[..1], t.store.now() + LEASE).await.unwrap();
        assert_eq!(stopped, [Stopped::Lost(no)]);
        assert_eq!(t.store.heartbeat(&beats[1..], t.store.now() + LEASE).await.unwrap(), []);
        assert_eq!(job(&t.store, no).await.done, 1, "the sleeper's progress is not kept");

        let mut tx = t.store.begin().await.unwrap();
        tx.set_meta("effect", "of the sleeper").await.unwrap();
        let refused = tx.finish(sleeper.attempt, &()).await.unwrap_err();
        assert!(matches!(refused, Error::Fenced(n) if n == no), "{refused}");
        drop(tx);
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.fail(sleeper.attempt, "late", None).await.is_err());
        assert!(tx.fence(sleeper.attempt).await.is_err());
        drop(tx);
        finish(&t.store, &second).await;
        assert_eq!(t.store.read().await.unwrap().meta("effect").await.unwrap(), None);
    });
}

#[test]
fn a_heart_beat_keeps_the_lease_and_uses_no_log_position() {
    on_both_stores(async |t: TestStore| {
        enqueue(&t.store, &scan(&scope())).await;
        let claimed = claim(&t.store, "a").await.unwrap();
        let head = t.store.read().await.unwrap().head().await.unwrap();
        for step in 0..5 {
            t.clock.advance(LEASE - 1);
            let beat = Beat { attempt: claimed.attempt, done: step, total: 0 };
            assert_eq!(t.store.heartbeat(&[beat], t.store.now() + LEASE).await.unwrap(), []);
            assert!(claim(&t.store, "b").await.is_none());
        }
        assert_eq!(t.store.read().await.unwrap().head().await.unwrap(), head);
    });
}

#[test]
fn a_server_that_starts_again_takes_up_its_jobs_at_once() {
    on_both_stores(async |t: TestStore| {
        enqueue(&t.store, &scan(&scope())).await;
        enqueue(&t.store, &scan(&scope())).await;
        claim(&t.store, "server").await.unwrap();
        claim(&t.store, "shell").await.unwrap();
        let again = t.again().await;
        assert_eq!(again.release_jobs("server").await.unwrap(), 1);
        assert_eq!(claim(&again, "server").await.unwrap().attempt.number, 2);
        assert!(claim(&again, "server").await.is_none(), "the shell's job is left to it");
    });
}

#[test]
fn a_failed_job_is_tried_again_when_its_worker_says_so() {
    on_both_stores(async |t: TestStore| {
        let no = enqueue(&t.store, &scan(&scope())).await.no();
        let first = claim(&t.store, "a").await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        let later = t.store.now() + 60_000;
        tx.fail(first.attempt, "the registry\0 answered 503", Some(later)).await.unwrap();
        tx.commit().await.unwrap();
        let waiting = job(&t.store, no).await;
        assert_eq!((waiting.state, waiting.error.as_str()), (JobState::Queued, "the registry answered 503"));
        t.clock.set(later - 1);
        assert!(claim(&t.store, "a").await.is_none());
        t.clock.set(later);
        let second = claim(&t.store, "a").await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        tx.fail(second.attempt, &"x".repeat(5_000), None).await.unwrap();
        tx.commit().await.unwrap();
        let failed = job(&t.store, no).await;
        assert_eq!((failed.state, failed.error.len()), (JobState::Failed, 2_000));
        assert!(failed.ended > 0);
    });
}

#[test]
fn the_same_work_wanted_twice_is_one_job_while_it_is_not_done() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let wanted = NewJob { dedup_key: "sha256:aa", ..scan(&home) };
        let first = enqueue(&t.store, &wanted).await;
        assert_eq!(enqueue(&t.store, &wanted).await, Enqueued::Existing(first.no()));
        let other_kind = NewJob { kind: JobKind::Export, ..wanted.clone() };
        assert!(matches!(enqueue(&t.store, &other_kind).await, Enqueued::New(_)));
        let claimed = claim(&t.store, "w").await.unwrap();
        assert_eq!(enqueue(&t.store, &wanted).await, Enqueued::Existing(first.no()), "running");
        finish(&t.store, &claimed).await;
        assert!(matches!(enqueue(&t.store, &wanted).await, Enqueued::New(_)), "done: work again");
    });
}

#[test]
fn a_schedule_fires_once_for_each_instant() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let at = |at| NewJob { fired: Some((4, at)), ..scan(&home) };
        let first = enqueue(&t.store, &at(100)).await;
        finish(&t.store, &claim(&t.store, "w").await.unwrap()).await;
        assert_eq!(enqueue(&t.store, &at(100)).await, Enqueued::Existing(first.no()), "even when done");
        assert!(matches!(enqueue(&t.store, &at(200)).await, Enqueued::New(_)));
        assert_eq!(job(&t.store, first.no()).await.fired, Some((4, 100)));
    });
}

#[test]
fn who_sees_less_than_the_asker_does_not_see_the_job() {
    on_both_stores(async |t: TestStore| {
        let all = scope();
        let narrow = all.narrow(EnterpriseProjectNo(3)).unwrap();
        let elsewhere = Principal::local(ProjectNo(9)).scope();
        let of_all = enqueue(&t.store, &NewJob { dedup_key: "k", ..scan(&all) }).await.no();
        let of_narrow = enqueue(&t.store, &NewJob { dedup_key: "k", ..scan(&narrow) }).await;
        assert!(matches!(of_narrow, Enqueued::New(_)), "never another view's job");
        let uuid = job(&t.store, of_all).await.uuid;
        let mut tx = t.store.begin().await.unwrap();
        for (scope, seen) in
            [(&all, vec![of_narrow.no(), of_all]), (&narrow, vec![of_narrow.no()]), (&elsewhere, vec![])]
        {
            let (jobs, next) = tx.jobs(scope, &JobFilter::default(), u32::MAX, 10).await.unwrap();
            assert_eq!(jobs.iter().map(|job| job.no).collect::<Vec<_>>(), seen);
            assert_eq!(next, None);
        }
        assert!(tx.job(&narrow, &uuid).await.unwrap().is_none());
        assert_eq!(tx.cancel_job(&narrow, &uuid).await.unwrap(), None);
        assert_eq!(tx.cancel_job(&elsewhere, &uuid).await.unwrap(), None);
        tx.commit().await.unwrap();
        assert_eq!(state(&t.store, of_all).await, JobState::Queued);
    });
}

#[test]
fn jobs_are_paged_newest_first_and_filtered() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        for (kind, owner) in [
            (JobKind::ScanImage, "ann"),
            (JobKind::Export, "bob"),
            (JobKind::ScanImage, "bob"),
            (JobKind::Export, "ann"),
        ] {
            enqueue(&t.store, &NewJob { kind, owner, ..scan(&home) }).await;
        }
        let mut read = t.store.read().await.unwrap();
        let all = JobFilter::default();
        let (first, next) = read.jobs(&home, &all, u32::MAX, 3).await.unwrap();
        assert_eq!(first.iter().map(|job| job.no).collect::<Vec<_>>(), [4, 3, 2]);
        let (second, end) = read.jobs(&home, &all, next.unwrap(), 3).await.unwrap();
        assert_eq!((second.len(), end), (1, None));
        for (filter, expected) in [
            (JobFilter { kind: Some(JobKind::Export), ..all }, vec![4, 2]),
            (JobFilter { owner: "bob", ..all }, vec![3, 2]),
            (
                JobFilter { kind: Some(JobKind::ScanImage), owner: "ann", state: Some(JobState::Queued) },
                vec![1],
            ),
            (JobFilter { state: Some(JobState::Failed), ..all }, vec![]),
        ] {
            let (found, _) = read.jobs(&home, &filter, u32::MAX, 10).await.unwrap();
            assert_eq!(found.iter().map(|job| job.no).collect::<Vec<_>>(), expected, "{filter:?}");
        }
    });
}

#[test]
fn exports_are_counted_without_files_of_reports() {
    on_both_stores(async |t: TestStore| {
        let home = scope();
        let mut tx = t.store.begin().await.unwrap();
        for (kind, what) in [
            (JobKind::Export, "export"),
            (JobKind::Export, "report"),
            (JobKind::ScanImage, "export"),
            (JobKind::Export, "export"),
        ] {
            let NewJob { scope, owner, parent, dedup_key, fired, not_before, .. } = scan(&home);
            let payload = &HashMap::from([(what, 1)]);
            tx.enqueue(&NewJob { scope, owner, parent, dedup_key, fired, not_before, kind, payload })
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(t.store.read().await.unwrap().count_exports(&home).await.unwrap(), 2);
    });
}
