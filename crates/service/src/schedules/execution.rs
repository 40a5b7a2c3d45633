//! What is to be said of one run, read from its job and that one's children.

use parapet_model::job::{JobKind, JobState};
use parapet_model::{Millis, Scope};
use parapet_store::Session;
use parapet_store::jobs::Job;
use parapet_store::schedules::Schedule;
use uuid::Uuid;

use super::RunError;
use crate::error::{Error, Result};
use crate::jobs::payload::Payload;
use crate::registries::listing::{ListResult, MAX_ERRORS};

/// Where a schedule or a run stands. The words are those of the contract (`qualys-cs` 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It has not run yet.
    Created,
    /// Its run waits for a worker.
    Queued,
    /// It lists or scans.
    Running,
    /// Everything was done; single images may have failed.
    Finished,
    /// The run as a whole failed.
    Error,
    /// Somebody cancelled it.
    Canceled,
}

impl Status {
    /// The word on wires.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Finished => "Finished",
            Self::Error => "Error",
            Self::Canceled => "Canceled",
        }
    }

    /// Whether there is something to cancel.
    pub const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Created | Self::Queued | Self::Running)
    }

    const fn of_job(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::Succeeded => Self::Finished,
            JobState::Failed => Self::Error,
            JobState::Cancelled => Self::Canceled,
        }
    }

    /// Where a schedule stands after its last run.
    pub(super) fn of(schedule: &Schedule, last: Option<&Job>) -> Self {
        match last.map(|job| job.state) {
            Some(state @ (JobState::Queued | JobState::Running)) => Self::of_job(state),
            _ if schedule.cancelled => Self::Canceled,
            Some(state) => Self::of_job(state),
            None => Self::Created,
        }
    }
}

/// A run. Instants are recorded time; `None` for not yet.
#[derive(Debug, Clone)]
pub struct Execution {
    /// Id: the job's.
    pub id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// The instant it fired for.
    pub fired: Millis,
    /// When the listing began.
    pub started: Option<Millis>,
    /// When the listing was complete.
    pub listed: Option<Millis>,
    /// When the first image was looked at.
    pub scanning: Option<Millis>,
    /// When everything was over.
    pub ended: Option<Millis>,
    /// Repositories looked at.
    pub repositories: u64,
    /// Images wanted.
    pub images: u64,
    /// Images read, or found to be as they were.
    pub scanned: u64,
    /// Of these, images not read again because their digest had not changed.
    pub unchanged: u64,
    /// Images that could not be read.
    pub failed: u64,
    /// What could not be listed or read, the first of them.
    pub errors: Vec<RunError>,
    /// How many more there are.
    pub errors_left_out: u64,
}

fn instant(at: Millis) -> Option<Millis> {
    Some(at).filter(|at| *at > 0)
}

/// Reads a run.
pub(super) async fn read(session: &mut Session, scope: &Scope, job: &Job) -> Result<Execution> {
    let listing: ListResult = match &job.result {
        Some(raw) if job.kind == JobKind::ListRegistry => {
            serde_json::from_str(raw.get()).map_err(Error::internal)?
        }
        _ => ListResult::default(),
    };
    let children = session.job_progress(job.no).await?;
    let work = session.job_child_work(job.no).await?;
    let failed = children.of(JobState::Failed);
    let (mut errors, mut left_out) = (listing.end.errors, listing.end.errors_left_out);
    if !job.error.is_empty() {
        errors.insert(0, RunError { image: String::new(), error: job.error.clone() });
    }
    if failed > 0 {
        let room = u32::try_from(MAX_ERRORS).unwrap_or(u32::MAX);
        let (rows, _) = session.job_children(scope, job.no, Some(JobState::Failed), u32::MAX, room).await?;
        left_out += failed.saturating_sub(rows.len() as u64);
        errors.extend(rows.iter().map(failure));
    }
    Ok(Execution {
        id: job.uuid,
        status: Status::of_job(job.state),
        fired: job.fired.map_or(job.created, |(_, at)| at),
        started: instant(job.started),
        listed: instant(listing.listed),
        // An image that somebody else wanted too may have been looked at before.
        scanning: instant(work.first_started).map(|at| at.max(job.started)),
        ended: instant(job.ended),
        repositories: listing.end.repositories,
        // A batch lists nothing: its images are its scans.
        images: listing.images.max(children.total()),
        scanned: children.of(JobState::Succeeded),
        unchanged: work.unchanged,
        failed,
        errors,
        errors_left_out: left_out,
    })
}

fn failure(job: &Job) -> RunError {
    let image = match Payload::read(job) {
        Ok(Payload::ScanImage(scan)) => scan.image,
        _ => String::new(),
    };
    RunError { image, error: job.error.clone() }
}
