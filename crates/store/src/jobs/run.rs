//! An attempt while it runs, and the ways it ends.

use parapet_model::Millis;
use parapet_model::job::JobState;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::sql::{Bulk, Value, args, to_json};
use crate::store::Store;
use crate::tx::{Side, Tx};

const FENCE: &str = "SELECT no FROM job WHERE no = $1 AND attempt = $2 AND state = 1 AND waiting = 0";
const BEAT: Bulk<5> = Bulk {
    before: "WITH beat(job, attempt, lease_until, done, total) AS (VALUES ",
    after: ") UPDATE job_run SET lease_until = beat.lease_until, done = beat.done, total = beat.total \
     FROM beat WHERE job_run.job = beat.job AND job_run.attempt = beat.attempt \
     RETURNING job_run.job, (SELECT job.state FROM job WHERE job.no = job_run.job)",
};
const PROGRESS: &str = "UPDATE job_run SET done = $1, total = $2 WHERE job = $3 AND attempt = $4";
const RELEASE: &str = "UPDATE job_run SET lease_until = $1 WHERE worker = $2 AND lease_until > $3";
const KEEP_RESULT: &str = "UPDATE job SET result = $1, error = '' WHERE no = $2";
const RETRY: &str = "UPDATE job SET state = 0, error = $1, not_before = $2 WHERE no = $3";
const FAIL: &str = "UPDATE job SET error = $1 WHERE no = $2";

/// Longest kept reason of a failure, in characters.
const LONGEST_ERROR: usize = 2_000;

/// A job and which attempt at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// Number of the job.
    pub job: u32,
    /// Raised by every claim.
    pub number: u32,
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Which.
    pub attempt: Attempt,
    /// Units of work done.
    pub done: u64,
    /// Units of work in all; 0 when not known.
    pub total: u64,
}

/// An attempt that must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopped {
    /// Somebody cancelled the job.
    Cancelled(u32),
    /// It ended, or another worker has it.
    Lost(u32),
}

impl Tx {
    /// Makes sure that this attempt is still the job's present one. The first thing in every
    /// transaction in which a job writes. Transactions are serial, so nothing can come between.
    ///
    /// # Errors
    /// [`Error::Fenced`]: give the transaction up, and the work.
    pub async fn fence(&mut self, attempt: Attempt) -> Result<()> {
        match self.fetch_one(FENCE, args![attempt.job, attempt.number]).await? {
            Some(_) => Ok(()),
            None => Err(Error::Fenced(attempt.job)),
        }
    }

    /// Says how far an attempt has come, where a heart-beat would be too late: at its end.
    pub async fn progress(&mut self, beat: Beat) -> Result<()> {
        let Beat { attempt, done, total } = beat;
        self.execute(PROGRESS, args![done, total, attempt.job, attempt.number]).await?;
        Ok(())
    }

    /// Ends an attempt well. The job has succeeded now, or, when it has children that are not final,
    /// when they are.
    ///
    /// # Errors
    /// [`Error::Fenced`].
    pub async fn finish<R: Serialize>(&mut self, attempt: Attempt, result: &R) -> Result<()> {
        self.fence(attempt).await?;
        self.execute(KEEP_RESULT, args![&to_json(result)?, attempt.job]).await?;
        if self.wait_for_children(attempt.job).await? {
            return Ok(());
        }
        self.end(attempt.job, JobState::Succeeded).await
    }

    /// Ends an attempt badly: to be tried again from `retry_at` on, or for good. Children go on;
    /// cancel the job to stop them.
    ///
    /// # Errors
    /// [`Error::Fenced`].
    pub async fn fail(&mut self, attempt: Attempt, why: &str, retry_at: Option<Millis>) -> Result<()> {
        self.fence(attempt).await?;
        // A reason may quote what a registry sent.
        let why: String = why.chars().filter(|c| *c != '\0').take(LONGEST_ERROR).collect();
        match retry_at {
            Some(at) => {
                self.execute(RETRY, args![&why, at, attempt.job]).await?;
                Ok(())
            }
            None => {
                self.execute(FAIL, args![&why, attempt.job]).await?;
                self.end(attempt.job, JobState::Failed).await
            }
        }
    }
}

impl Side {
    async fn beat(&mut self, beats: &[Beat], lease_until: Millis) -> Result<Vec<Stopped>> {
        let rows: Vec<[Value<'_>; 5]> = beats
            .iter()
            .map(|b| {
                [
                    b.attempt.job.into(),
                    b.attempt.number.into(),
                    lease_until.into(),
                    b.done.into(),
                    b.total.into(),
                ]
            })
            .collect();
        let mut states = std::collections::BTreeMap::new();
        for row in self.bulk_fetch(&BEAT, &rows).await? {
            let mut f = row.fields("job_run");
            states.insert(f.u32("job")?, f.word("state", JobState::from_number)?);
        }
        let stopped = |beat: &Beat| match states.get(&beat.attempt.job) {
            Some(JobState::Running) => None,
            Some(JobState::Cancelled) => Some(Stopped::Cancelled(beat.attempt.job)),
            _ => Some(Stopped::Lost(beat.attempt.job)),
        };
        Ok(beats.iter().filter_map(stopped).collect())
    }
}

impl Store {
    /// Says of all attempts of this process that they live, until `lease_until`, and how far they
    /// are; one statement, beside the log, once a second. Returns those that must stop.
    pub async fn heartbeat(&self, beats: &[Beat], lease_until: Millis) -> Result<Vec<Stopped>> {
        if beats.is_empty() {
            return Ok(Vec::new());
        }
        let mut side = self.side().await?;
        let stopped = side.beat(beats, lease_until).await?;
        side.commit().await?;
        Ok(stopped)
    }

    /// Ends all leases of `worker`, so that its jobs can be claimed at once. For a server at start,
    /// which holds the store's lock and so knows that the one before it is gone; how many.
    pub async fn release_jobs(&self, worker: &str) -> Result<u64> {
        let now = self.now();
        let mut side = self.side().await?;
        let released = side.execute(RELEASE, args![now, worker, now]).await?;
        side.commit().await?;
        Ok(released)
    }
}
