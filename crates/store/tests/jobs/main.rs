//! Jobs, artifacts and the layer cache, on both engines.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "says what was left out")]

#[path = "../support/mod.rs"]
mod support;

mod artifacts;
mod claims;
mod layer_cache;
mod lifecycle;
mod places;
mod random;
mod reports;
mod schedules;
mod tree;

use parapet_model::job::{JobKind, JobState};
use parapet_model::{Principal, ProjectNo, Scope};
use parapet_store::Store;
use parapet_store::jobs::{ClaimedJob, Enqueued, Job, NewJob};

/// The project every store starts with.
pub(crate) const DEFAULT: ProjectNo = ProjectNo(1);

/// How long a claim holds in these tests.
pub(crate) const LEASE: i64 = 30_000;

/// What the command line sees of the default project.
pub(crate) fn scope() -> Scope {
    Principal::local(DEFAULT).scope()
}

/// A scan for `ann`, with nothing special about it.
pub(crate) fn scan(scope: &Scope) -> NewJob<'_, ()> {
    NewJob {
        scope,
        kind: JobKind::ScanImage,
        owner: "ann",
        payload: &(),
        parent: None,
        dedup_key: "",
        fired: None,
        not_before: 0,
    }
}

/// Puts one job into the queue.
pub(crate) async fn enqueue(store: &Store, new: &NewJob<'_, ()>) -> Enqueued {
    let mut tx = store.begin().await.unwrap();
    let enqueued = tx.enqueue(new).await.unwrap();
    tx.commit().await.unwrap();
    enqueued
}

/// Claims a job of any kind.
pub(crate) async fn claim(store: &Store, worker: &str) -> Option<ClaimedJob> {
    store.claim_job(worker, &JobKind::ALL, LEASE).await.unwrap()
}

/// Ends an attempt well.
pub(crate) async fn finish(store: &Store, job: &ClaimedJob) {
    let mut tx = store.begin().await.unwrap();
    tx.finish(job.attempt, &"done").await.unwrap();
    tx.commit().await.unwrap();
}

/// A job by number.
pub(crate) async fn job(store: &Store, no: u32) -> Job {
    let mut read = store.read().await.unwrap();
    let (jobs, _) = read.jobs(&scope(), &Default::default(), no + 1, 1).await.unwrap();
    jobs.into_iter().find(|job| job.no == no).expect("the job exists")
}

/// Where a job stands.
pub(crate) async fn state(store: &Store, no: u32) -> JobState {
    job(store, no).await.state
}
