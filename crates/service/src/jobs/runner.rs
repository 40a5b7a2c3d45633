//! The workers of a server: claim, do, end; and one heart-beat for all of them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parapet_model::job::JobKind;
use parapet_model::{Millis, Principal};
use parapet_store::jobs::{Beat, ClaimedJob, Stopped};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::payload::Payload;
use super::{Outcome, Run, RunProgress};
use crate::app::App;
use crate::error::{Error, Result};

/// How long a claim holds without a heart-beat.
const LEASE: Millis = 30_000;
/// Time between heart-beats.
const BEAT: Duration = Duration::from_secs(1);
/// How long an idle worker waits before it looks again; jobs of this process wake it at once.
const IDLE: Duration = Duration::from_millis(500);
/// Time between looks for expired exports and leftovers.
const SWEEP: Duration = Duration::from_secs(3600);
/// Name under which claims are made. One server has the store, so it stays the same over restarts.
const WORKER: &str = "server";
/// Attempts at a job whose failures look passing.
const MAX_ATTEMPTS: u32 = 5;
/// Wait before the second attempt; doubles with each further one.
const FIRST_RETRY: Millis = 5_000;

/// Attempts under way.
type Running = Arc<Mutex<BTreeMap<u32, Run>>>;

/// Running workers.
#[derive(Debug)]
pub struct Runner {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Runner {
    /// Asks the workers to end after the job at hand, which is told to stop too, and waits.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

impl App {
    /// Starts `workers` workers and their heart-beat.
    pub fn start_jobs(self: &Arc<Self>, workers: usize) -> Runner {
        let (stop, stopped) = watch::channel(false);
        let running = Running::default();
        let mut tasks: Vec<_> = (0..workers.max(1))
            .map(|slot| {
                tokio::spawn(work(self.clone(), kinds(slot, workers), running.clone(), stopped.clone()))
            })
            .collect();
        tasks.push(tokio::spawn(beat(self.clone(), running, stopped.clone())));
        tasks.push(tokio::spawn(tidy(self.clone(), stopped.clone())));
        tasks.push(tokio::spawn(crate::notices::tick(self.clone(), stopped.clone())));
        tasks.push(tokio::spawn(crate::schedules::tick(self.clone(), stopped.clone())));
        tasks.push(tokio::spawn(crate::sensors::mark_silent(self.clone(), stopped)));
        Runner { stop, tasks }
    }

    /// Runs jobs until none can be claimed; how many were run. For tests and one-shot commands.
    pub async fn run_jobs(self: &Arc<Self>) -> Result<u64> {
        let running = Running::default();
        let mut count = 0;
        while let Some(claimed) = self.store.claim_job(WORKER, &JobKind::ALL, LEASE).await? {
            run_one(self, claimed, &running).await;
            count += 1;
        }
        Ok(count)
    }

    /// Removes expired exports, and reports that nobody can use any more. A server does it every
    /// hour.
    pub async fn tidy_now(&self) -> Result<()> {
        self.exports().expire().await?;
        self.reports().forget().await
    }

    /// What a server does before it works: frees the claims of the one before it, and removes files
    /// in its folder that no job or artifact knows.
    pub async fn sweep(&self) -> Result<()> {
        self.store.release_jobs(WORKER).await?;
        self.store.cancel_children().await?;
        self.exports().sweep_folder().await
    }
}

/// One worker is kept for exports, so that they neither wait for scans nor hold them up. A single
/// worker does everything.
fn kinds(slot: usize, workers: usize) -> &'static [JobKind] {
    const EXPORTS: &[JobKind] = &[JobKind::Export];
    const OTHERS: &[JobKind] = &[
        JobKind::ScanImage,
        JobKind::ScanImages,
        JobKind::ListRegistry,
        JobKind::ImportFeed,
        JobKind::Rematch,
        JobKind::Notify,
    ];
    match workers {
        0 | 1 => &JobKind::ALL,
        _ if slot == 0 => EXPORTS,
        _ => OTHERS,
    }
}

async fn work(
    app: Arc<App>,
    kinds: &'static [JobKind],
    running: Running,
    mut stopped: watch::Receiver<bool>,
) {
    while !*stopped.borrow() {
        let woken = app.wake.notified();
        match app.store.claim_job(WORKER, kinds, LEASE).await {
            Ok(Some(claimed)) => {
                run_one(&app, claimed, &running).await;
                // The next one may be for a worker that sleeps.
                app.wake.notify_waiters();
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "jobs cannot be claimed"),
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(IDLE) => {}
            _ = stopped.changed() => {}
        }
    }
}

/// Removes what is over. A task of its own, for a bucket that is away takes its time.
async fn tidy(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let rounds = async {
        loop {
            if let Err(error) = app.tidy_now().await {
                tracing::error!(%error, "expired exports and old reports could not be removed");
            }
            if let Err(error) = app.exports().sweep_bucket().await {
                tracing::warn!(%error, "leftovers in the bucket were not looked for");
            }
            tokio::time::sleep(SWEEP).await;
        }
    };
    tokio::select! {
        () = rounds => {}
        _ = stopped.changed() => {}
    }
}

async fn beat(app: Arc<App>, running: Running, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            _ = stopped.changed() => {}
        }
        if *stopped.borrow() {
            lock(&running).values().for_each(|run| run.progress.cancelled.store(true, Ordering::Relaxed));
            return;
        }
        let beats: Vec<Beat> = lock(&running).values().map(progress_of).collect();
        if beats.is_empty() {
            continue;
        }
        match app.store.heartbeat(&beats, app.now() + LEASE).await {
            Ok(gone) => {
                for Stopped::Cancelled(job) | Stopped::Lost(job) in gone {
                    if let Some(run) = lock(&running).get(&job) {
                        run.progress.cancelled.store(true, Ordering::Relaxed);
                    }
                }
            }
            Err(error) => tracing::error!(%error, "heart-beat failed"),
        }
    }
}

fn progress_of(run: &Run) -> Beat {
    Beat {
        attempt: run.fence,
        done: run.progress.done.load(Ordering::Relaxed),
        total: run.progress.total.load(Ordering::Relaxed),
    }
}

async fn run_one(app: &Arc<App>, claimed: ClaimedJob, running: &Running) {
    let fence = claimed.attempt;
    let kind = claimed.kind;
    let result = match prepare(app, &claimed).await {
        Ok(run) => {
            lock(running).insert(fence.job, run.clone());
            let result = dispatch(app, &run, &claimed).await;
            lock(running).remove(&fence.job);
            result.map(|outcome| (outcome, progress_of(&run)))
        }
        Err(error) => Err(error),
    };
    let ended = match result {
        Ok((outcome, progress)) => end_well(app, &claimed, outcome, progress).await,
        Err(error) => end_badly(app, &claimed, &error).await,
    };
    match ended {
        Ok(()) => {}
        Err(Error::Store(parapet_store::Error::Fenced(_))) => {
            tracing::info!(job = fence.job, kind = kind.as_str(), "job was taken from this worker");
        }
        Err(error) => tracing::error!(job = fence.job, %error, "job could not be ended"),
    }
}

/// Commits what a job ends with, and its end.
pub(crate) async fn end_well(
    app: &App,
    claimed: &ClaimedJob,
    mut outcome: Outcome,
    progress: Beat,
) -> Result<()> {
    outcome.tx.progress(progress).await?;
    outcome.tx.finish(claimed.attempt, &outcome.result).await?;
    outcome.tx.commit().await?;
    app.live().catch_up().await
}

/// Ends an attempt that failed: to be tried again when that may help, or for good.
pub(crate) async fn end_badly(app: &App, claimed: &ClaimedJob, error: &Error) -> Result<()> {
    if let Error::Internal(cause) = error {
        tracing::error!(job = claimed.attempt.job, ?cause, "a defect made a job fail");
    }
    end_failed(app, claimed, &error.to_string(), error.is_transient()).await
}

/// The same, for a reason that somebody else gave.
pub(crate) async fn end_failed(app: &App, claimed: &ClaimedJob, why: &str, may_pass: bool) -> Result<()> {
    let attempt = claimed.attempt;
    let again = may_pass && attempt.number < MAX_ATTEMPTS;
    tracing::warn!(
        job = attempt.job,
        kind = claimed.kind.as_str(),
        attempt = attempt.number,
        error = why,
        "job failed"
    );
    let mut tx = app.store.begin().await?;
    let retry_at = again.then(|| tx.recorded() + (FIRST_RETRY << (attempt.number - 1).min(10)));
    tx.fail(attempt, why, retry_at).await?;
    tx.commit().await?;
    Ok(())
}

/// Whoever asked must still be allowed to: a user that was disabled meanwhile fails their jobs.
pub(crate) async fn prepare(app: &App, claimed: &ClaimedJob) -> Result<Run> {
    let mut principal = if claimed.owner == "local" {
        Principal::local(claimed.project)
    } else {
        let directory = app.accounts().directory().await?;
        let user = directory.user_by_name(&claimed.owner).map(|user| user.no);
        user.and_then(|no| directory.principal_of(no, claimed.project)).ok_or_else(|| {
            Error::Conflict(format!("{} has no rights in the project any more", claimed.owner))
        })?
    };
    if let Some(seen) = &claimed.enterprise_projects {
        principal.enterprise_projects = Some(match principal.enterprise_projects {
            None => seen.clone(),
            Some(granted) => granted.intersection(seen).copied().collect(),
        });
    }
    Ok(Run {
        fence: claimed.attempt,
        id: claimed.uuid,
        started: app.now(),
        scope: principal.scope(),
        principal,
        progress: Arc::new(RunProgress::default()),
    })
}

async fn dispatch(app: &Arc<App>, run: &Run, claimed: &ClaimedJob) -> Result<Outcome> {
    match Payload::parse(&claimed.payload)? {
        Payload::Export(job) => crate::exports::run(app, run, job).await,
        Payload::ScheduledReport(report) => crate::reports::run(app, run, &report).await,
        Payload::ScanImage(job) => crate::scan::run_scan(app, run, job).await,
        Payload::ScanImages(job) => crate::scan::batch::run(app, run, job).await,
        Payload::ListRegistry(job) => crate::registries::listing::run(app, run, job).await,
        Payload::SyncFeeds(job) => crate::feeds::run_sync(app, run, job).await,
        Payload::Rematch => crate::feeds::run_rematch(app, run).await,
        Payload::Notify(job) => crate::notices::run_notify(app, run, job).await,
        Payload::MailReport(job) => crate::reports::run_mail(app, run, job).await,
        Payload::AcceptHeld(job) => crate::feeds::run_accept(app, run, job).await,
    }
}

fn lock(running: &Running) -> MutexGuard<'_, BTreeMap<u32, Run>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
