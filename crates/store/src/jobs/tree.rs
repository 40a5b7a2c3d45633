//! Parents and children. A run lists a registry and makes a scan for each image; a scan wanted by
//! two runs is the child of both. A parent whose own work is done waits until its children are
//! final.
//!
//! The link to a child keeps how the child ended, and the parent keeps how many children are open: the
//! counts come from one index and "is anything left?" from one row, however many there are.

use parapet_model::Millis;
use parapet_model::job::JobState;

use crate::error::Result;
use crate::session::Session;
use crate::sql::args;
use crate::tx::Tx;

const WAIT: &str = "UPDATE job SET waiting = 1 WHERE no = $1 \
     AND open_children > 0";
const END: &str = "UPDATE job SET state = $1, waiting = 0, ended = $2 WHERE no = $3";
const TELL_PARENTS: &str = "UPDATE job_link SET outcome = $1 WHERE child = $2 AND outcome = 0";
const CLOSE: &str = "UPDATE job SET open_children = open_children - 1 \
     WHERE no IN (SELECT parent FROM job_link WHERE child = $1 AND outcome = 0)";
const SETTLE: &str = "UPDATE job SET state = 2, waiting = 0, ended = $1 WHERE state = 1 AND waiting = 1 \
     AND no IN (SELECT job_link.parent FROM job_link WHERE job_link.child = $2) \
     AND open_children = 0 \
     RETURNING no";
const OUTCOMES: &str =
    "SELECT outcome, COUNT(*) FROM job_link WHERE parent = $1 GROUP BY outcome ORDER BY outcome";
const RUNNING: &str = "SELECT COUNT(*) FROM job CROSS JOIN job_link \
     WHERE job.state = 1 AND job_link.parent = $1 AND job_link.child = job.no";
const MARK_UNCHANGED: &str = "UPDATE job SET unchanged = 1 WHERE no = $1";
const PHASES: &str = "SELECT COALESCE(MIN(CASE WHEN job.started > 0 THEN job.started END), 0), \
     COALESCE(CAST(SUM(job.unchanged) AS BIGINT), 0) \
     FROM job_link JOIN job ON job.no = job_link.child WHERE job_link.parent = $1";

/// What the children of a job have done beside ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChildWork {
    /// When the first of them began, recorded time; 0 for none yet. One that others wanted too may
    /// have begun before its parent.
    pub first_started: Millis,
    /// How many found that nothing was to be done.
    pub unchanged: u64,
}

/// How many children of a job stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    counts: [u64; JobState::ALL.len()],
}

impl Progress {
    /// Children in this state.
    pub fn of(&self, state: JobState) -> u64 {
        self.counts.get(state as usize).copied().unwrap_or(0)
    }

    /// All children.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Children to which nothing more will happen.
    pub fn ended(&self) -> u64 {
        JobState::ALL.into_iter().filter(|state| state.is_final()).map(|state| self.of(state)).sum()
    }

    fn set(&mut self, state: JobState, count: u64) {
        if let Some(slot) = self.counts.get_mut(state as usize) {
            *slot = count;
        }
    }
}

impl Session {
    /// How the children of a job stand.
    pub async fn job_progress(&mut self, job: u32) -> Result<Progress> {
        let mut progress = Progress::default();
        // An outcome of 0 reads as "queued": everything that is not final.
        for row in self.fetch(OUTCOMES, args![job]).await? {
            let mut f = row.fields("job_link");
            let state = f.word("outcome", JobState::from_number)?;
            progress.set(state, f.u64("outcome")?);
        }
        let row = self.fetch_one(RUNNING, args![job]).await?;
        let running = row.map_or(Ok(0), |row| row.fields("job").u64("state"))?;
        progress.set(JobState::Queued, progress.of(JobState::Queued).saturating_sub(running));
        progress.set(JobState::Running, running);
        Ok(progress)
    }

    /// What the children of a job have done.
    pub async fn job_child_work(&mut self, job: u32) -> Result<ChildWork> {
        let row = self.fetch_one(PHASES, args![job]).await?;
        let Some(row) = row else { return Ok(ChildWork::default()) };
        let mut f = row.fields("job");
        Ok(ChildWork { first_started: f.i64()?, unchanged: f.u64("unchanged")? })
    }
}

impl Tx {
    /// Says of a job that it found nothing to do.
    pub async fn mark_unchanged(&mut self, job: u32) -> Result<()> {
        self.execute(MARK_UNCHANGED, args![job]).await?;
        Ok(())
    }

    /// Lets a job wait for its children; false when all are final.
    pub(super) async fn wait_for_children(&mut self, job: u32) -> Result<bool> {
        Ok(self.execute(WAIT, args![job]).await? > 0)
    }

    /// Makes a job final, and then those parents that waited for it alone.
    pub(super) async fn end(&mut self, job: u32, state: JobState) -> Result<()> {
        let at = self.recorded();
        self.execute(END, args![state as u8, at, job]).await?;
        self.tell_parents(job, state).await
    }

    /// Lets the parents of a job know how it ended; those that waited for nothing else have
    /// succeeded, which their own parents learn in turn.
    pub(super) async fn tell_parents(&mut self, job: u32, state: JobState) -> Result<()> {
        let at = self.recorded();
        let mut ended = vec![(job, state)];
        while let Some((child, state)) = ended.pop() {
            self.execute(CLOSE, args![child]).await?;
            self.execute(TELL_PARENTS, args![state as u8, child]).await?;
            for row in self.write_many(SETTLE, args![at, child]).await? {
                ended.push((row.fields("job").u32("no")?, JobState::Succeeded));
            }
        }
        Ok(())
    }
}
