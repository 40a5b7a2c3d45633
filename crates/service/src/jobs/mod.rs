//! Jobs: durable work, run by the server. What a job does is in `payload`; the code that does it is
//! with its use case.

mod about;
pub(crate) mod payload;
mod runner;

pub(crate) use runner::{end_badly, end_failed, end_well, prepare};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parapet_model::job::{JobKind, JobState};
use parapet_model::{Millis, Permission, Principal, ProjectNo, Scope};
use parapet_store::Tx;
use parapet_store::jobs::{Attempt, Job, JobFilter, NewJob, Progress};
use uuid::Uuid;

pub use about::About;
pub use parapet_store::jobs::Attempt as Fence;
use payload::Payload;
pub use runner::Runner;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};

/// Use cases around jobs.
#[derive(Debug, Clone, Copy)]
pub struct Jobs<'a>(pub(crate) &'a App);

/// A page of jobs.
#[derive(Debug, Clone)]
pub struct JobPage {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// Ask again with this; `None` after the last one.
    pub next: Option<u32>,
}

impl Jobs<'_> {
    /// Jobs the asker sees, newest first, below number `before`.
    pub async fn list(
        &self,
        who: &Principal,
        filter: &JobFilter<'_>,
        before: u32,
        limit: u32,
    ) -> Result<JobPage> {
        require(who, Permission::FindingsRead)?;
        let (jobs, next) = self.0.store.read().await?.jobs(&who.scope(), filter, before, limit).await?;
        Ok(JobPage { jobs, next })
    }

    /// How many of the newest `most` jobs of a kind that failed did so after `since`.
    pub async fn failed_since(
        &self,
        who: &Principal,
        kind: JobKind,
        since: Millis,
        most: usize,
    ) -> Result<usize> {
        let failed = JobFilter { kind: Some(kind), state: Some(JobState::Failed), owner: "" };
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let page = self.list(who, &failed, u32::MAX, most).await?;
        Ok(page.jobs.iter().filter(|job| job.ended > since).count())
    }

    /// One job with how its children stand.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<(Job, Progress)> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let job = session.job(&who.scope(), &id).await?.ok_or_else(|| Error::NotFound("job".to_owned()))?;
        let progress = session.job_progress(job.no).await?;
        Ok((job, progress))
    }

    /// Cancels a job and the children that only it wanted; false when it was over already.
    pub async fn cancel(&self, who: &Principal, id: Uuid) -> Result<bool> {
        require(who, Permission::JobsWrite)?;
        let mut tx = self.0.store.begin().await?;
        let cancelled = tx.cancel_job(&who.scope(), &id).await?;
        let cancelled = cancelled.ok_or_else(|| Error::NotFound("job".to_owned()))?;
        if cancelled {
            audit::event(&mut tx, who, "cancel", "job", &id.to_string(), audit::NONE, audit::NONE).await?;
        }
        tx.commit().await?;
        self.0.store.cancel_children().await?;
        Ok(cancelled)
    }

    /// Makes a job that sees what `scope` sees, or finds the one that does the same work.
    pub(crate) async fn enqueue(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        who: &Principal,
        kind: JobKind,
        payload: &Payload,
        dedup_key: &str,
    ) -> Result<Uuid> {
        Ok(self.enqueue_numbered(tx, scope, who, kind, payload, dedup_key).await?.1)
    }

    /// The same for a scan that asks a registry, which sensors may do instead of the server.
    pub(crate) async fn enqueue_scan(
        &self,
        tx: &mut Tx,
        who: &Principal,
        kind: JobKind,
        payload: &Payload,
        dedup_key: &str,
        registry: Option<Uuid>,
    ) -> Result<Uuid> {
        let scope = who.scope();
        let (no, uuid) = self.enqueue_numbered(tx, &scope, who, kind, payload, dedup_key).await?;
        if let Some(registry) = registry {
            crate::sensors::place(tx, &scope, registry, &[no]).await?;
        }
        Ok(uuid)
    }

    async fn enqueue_numbered(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        who: &Principal,
        kind: JobKind,
        payload: &Payload,
        dedup_key: &str,
    ) -> Result<(u32, Uuid)> {
        let new = NewJob {
            scope,
            kind,
            owner: &who.name,
            payload,
            parent: None,
            dedup_key,
            fired: None,
            not_before: 0,
        };
        let no = tx.enqueue(&new).await?.no();
        let uuid = tx.job_uuid(no).await?.ok_or_else(|| Error::NotFound("job".to_owned()))?;
        Ok((no, uuid))
    }

    /// Tells the workers that there may be something to do.
    pub(crate) fn wake(&self) {
        self.0.wake.notify_waiters();
    }
}

impl App {
    /// A write transaction; inside a job, one that fails when the job is somebody else's by now.
    pub(crate) async fn begin(&self, fence: Option<&Fence>) -> Result<Tx> {
        let mut tx = self.store.begin().await?;
        if let Some(attempt) = fence {
            tx.fence(*attempt).await?;
        }
        Ok(tx)
    }
}

/// A job in our hands.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Job and attempt.
    pub(crate) fence: Fence,
    /// Id for people; names its files.
    pub(crate) id: Uuid,
    /// When the attempt began.
    pub(crate) started: Millis,
    /// Who asked.
    pub(crate) principal: Principal,
    /// What the asker saw.
    pub(crate) scope: Scope,
    /// How far it is, and whether to stop.
    pub(crate) progress: Arc<RunProgress>,
}

/// How far a job is; shared with the heart-beat.
#[derive(Debug, Default)]
pub(crate) struct RunProgress {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl RunProgress {
    /// The counter of what is done.
    pub(crate) fn done(&self) -> &AtomicU64 {
        &self.done
    }

    /// Says how much there is.
    pub(crate) fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Whether to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// What a job ends with: an open transaction with its last facts, and its result. The runner adds
/// the job's own end and commits both together.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tx: Tx,
    pub(crate) result: serde_json::Value,
}

impl Run {
    /// Number of the project.
    pub(crate) fn project(&self) -> ProjectNo {
        self.principal.project
    }

    /// A transaction of this attempt.
    pub(crate) async fn begin(&self, app: &App) -> Result<Tx> {
        app.begin(Some(&self.fence)).await
    }

    /// Number of the job.
    pub(crate) fn no(&self) -> u32 {
        let Attempt { job, .. } = self.fence;
        job
    }
}
