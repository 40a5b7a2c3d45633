//! Parents and children. A run lists a registry and makes a scan for each image; a scan wanted by
//! two runs is the child of both. A parent whose own work is done waits until its children are
//! final; cancelling it reaches those children that nobody else wants.

use parapet_model::Scope;
use parapet_model::job::JobState;
use uuid::Uuid;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Row, args};
use crate::tx::Tx;

const WAIT: &str = "UPDATE job SET waiting = 1 WHERE no = $1 \
     AND EXISTS (SELECT 1 FROM job_link WHERE job_link.parent = job.no AND job_link.live = 1)";
const END: &str = "UPDATE job SET state = $1, waiting = 0, ended = $2 WHERE no = $3";
const UNLINK: &str = "UPDATE job_link SET live = 0 WHERE child = $1 AND live = 1";
const SETTLE: &str = "UPDATE job SET state = 2, waiting = 0, ended = $1 WHERE state = 1 AND waiting = 1 \
     AND no IN (SELECT job_link.parent FROM job_link WHERE job_link.child = $2) \
     AND NOT EXISTS (SELECT 1 FROM job_link WHERE job_link.parent = job.no AND job_link.live = 1) \
     RETURNING no";
const CANCEL: &str = "UPDATE job SET state = 4, waiting = 0, ended = $1 WHERE no = $2 AND state IN (0, 1)";
/// One generation: those below the root that nobody asked for directly and no live parent wants.
const CANCEL_BELOW: &str = "WITH RECURSIVE below(no) AS ( \
     SELECT job_link.child FROM job_link WHERE job_link.parent = $1 \
     UNION SELECT job_link.child FROM job_link JOIN below ON job_link.parent = below.no) \
     UPDATE job SET state = 4, waiting = 0, ended = $2 WHERE state IN (0, 1) AND direct = 0 \
     AND no IN (SELECT below.no FROM below) AND NOT EXISTS (SELECT 1 FROM job_link \
     JOIN job AS wanting ON wanting.no = job_link.parent \
     WHERE job_link.child = job.no AND wanting.state IN (0, 1))";
const UNLINK_BELOW: &str = "WITH RECURSIVE below(no) AS ( \
     SELECT job_link.child FROM job_link WHERE job_link.parent = $1 \
     UNION SELECT job_link.child FROM job_link JOIN below ON job_link.parent = below.no) \
     UPDATE job_link SET live = 0 WHERE live = 1 AND child IN ( \
     SELECT job.no FROM below JOIN job ON job.no = below.no WHERE job.state = 4)";
const COUNTS: &str = "SELECT job.state, COUNT(*) FROM job_link JOIN job ON job.no = job_link.child \
     WHERE job_link.parent = $1 GROUP BY job.state ORDER BY job.state";

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
}

fn number(row: &Row) -> Result<u32> {
    row.fields("job").u32("no")
}

impl Session {
    /// How the children of a job stand, counted from their own rows.
    pub async fn job_progress(&mut self, job: u32) -> Result<Progress> {
        let mut progress = Progress::default();
        for row in self.fetch(COUNTS, args![job]).await? {
            let mut f = row.fields("job");
            let state = f.word("state", JobState::from_number)?;
            if let Some(count) = progress.counts.get_mut(state as usize) {
                *count = f.u64("state")?;
            }
        }
        Ok(progress)
    }
}

impl Tx {
    /// Lets a job wait for its children; false when all are final.
    pub(super) async fn wait_for_children(&mut self, job: u32) -> Result<bool> {
        Ok(self.execute(WAIT, args![job]).await? > 0)
    }

    /// Makes a job final, and then those parents that waited for it alone.
    pub(super) async fn end(&mut self, job: u32, state: JobState) -> Result<()> {
        let at = self.recorded();
        self.execute(END, args![state as u8, at, job]).await?;
        self.settle_parents(job).await
    }

    async fn settle_parents(&mut self, job: u32) -> Result<()> {
        let at = self.recorded();
        let mut ended = vec![job];
        while let Some(child) = ended.pop() {
            self.execute(UNLINK, args![child]).await?;
            let settled = self.write_many(SETTLE, args![at, child]).await?;
            for row in &settled {
                ended.push(number(row)?);
            }
        }
        Ok(())
    }

    /// Cancels a job that is visible, and those below it that nobody else wants; how many. `None`
    /// when there is no such job; 0 when it was over already. Their workers are fenced from here on
    /// and learn of it with the next heart-beat.
    pub async fn cancel_job(&mut self, scope: &Scope, uuid: &Uuid) -> Result<Option<u64>> {
        let Some(job) = self.job(scope, uuid).await? else { return Ok(None) };
        let at = self.recorded();
        let mut cancelled = self.execute(CANCEL, args![at, job.no]).await?;
        if cancelled == 0 {
            return Ok(Some(0));
        }
        loop {
            let generation = self.execute(CANCEL_BELOW, args![job.no, at]).await?;
            if generation == 0 {
                break;
            }
            cancelled += generation;
        }
        self.execute(UNLINK_BELOW, args![job.no]).await?;
        self.settle_parents(job.no).await?;
        Ok(Some(cancelled))
    }
}
