//! Cancelling. The job itself is cancelled at once, in the transaction of whoever asked. Its
//! children, which may be a hundred thousand, follow a batch at a time ([`Store::cancel_children`]),
//! so that nobody waits long for the write lock; a cancelled job stays marked until they are done,
//! so that a crash in between loses nothing.
//!
//! A child goes with its parent unless somebody asked for it directly or another live parent wants
//! it; then the cancelled parent only lets go of it.

use parapet_model::Scope;
use parapet_model::job::JobState;
use uuid::Uuid;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::store::Store;
use crate::tx::Tx;

/// `waiting` marks that there are children to see to.
const CANCEL: &str = "UPDATE job SET state = 4, ended = $1, waiting = CASE WHEN open_children > 0 THEN 1 ELSE 0 END \
     WHERE no = $2 AND state IN (0, 1)";
const MARKED: &str = "SELECT no FROM job WHERE state = 4 AND waiting = 1 ORDER BY no LIMIT 1";
const UNMARK: &str = "UPDATE job SET waiting = 0 WHERE no = $1";
const CHILDREN: &str = "SELECT child FROM job_link WHERE parent = $1 AND outcome = 0 ORDER BY child LIMIT $2";
const CANCEL_CHILDREN: Bulk<2> = Bulk {
    before: "WITH given(no, instant) AS (VALUES ",
    after: ") UPDATE job SET state = 4, ended = given.instant, waiting = CASE WHEN open_children > 0 THEN 1 ELSE 0 END \
     FROM given WHERE job.no = given.no AND job.state IN (0, 1) AND job.direct = 0 \
     AND NOT EXISTS (SELECT 1 FROM job_link JOIN job AS wanting ON wanting.no = job_link.parent \
     WHERE job_link.child = job.no AND wanting.state IN (0, 1))",
};
const TELL_PARENTS: Bulk<1> = Bulk {
    before: "WITH given(no) AS (VALUES ",
    after: ") UPDATE job_link SET outcome = 4 WHERE outcome = 0 AND child IN ( \
     SELECT job.no FROM given CROSS JOIN job WHERE job.no = given.no AND job.state = 4)",
};
const LET_GO: Bulk<2> = Bulk {
    before: "WITH given(parent, child) AS (VALUES ",
    after: ") DELETE FROM job_link WHERE outcome = 0 AND (parent, child) IN (SELECT parent, child FROM given)",
};

/// Children seen to in one transaction.
const BATCH: usize = 200;

fn number(row: &Row) -> Result<u32> {
    row.fields("job").u32("no")
}

impl Session {
    /// A cancelled job whose children are still to be seen to.
    async fn marked_job(&mut self) -> Result<Option<u32>> {
        self.fetch_one(MARKED, args![]).await?.as_ref().map(number).transpose()
    }
}

impl Tx {
    /// Cancels a visible job: its worker is fenced from here on and learns of it with the next
    /// heart-beat. `None` when there is no such job, false when it was over already. Call
    /// [`Store::cancel_children`] after the commit.
    pub async fn cancel_job(&mut self, scope: &Scope, uuid: &Uuid) -> Result<Option<bool>> {
        let Some(job) = self.job(scope, uuid).await? else { return Ok(None) };
        let at = self.recorded();
        if self.execute(CANCEL, args![at, job.no]).await? == 0 {
            return Ok(Some(false));
        }
        self.tell_parents(job.no, JobState::Cancelled).await?;
        Ok(Some(true))
    }

    /// Sees to one batch of the children of a cancelled job; how many were cancelled.
    async fn cancel_batch(&mut self, parent: u32) -> Result<u64> {
        let rows = self.fetch(CHILDREN, args![parent, BATCH]).await?;
        let children = rows.iter().map(number).collect::<Result<Vec<_>>>()?;
        let at = self.recorded();
        let timed: Vec<[Value<'_>; 2]> = children.iter().map(|&no| [no.into(), at.into()]).collect();
        let cancelled = self.bulk(&CANCEL_CHILDREN, &timed).await?;
        let plain: Vec<[Value<'_>; 1]> = children.iter().map(|&no| [no.into()]).collect();
        self.bulk(&TELL_PARENTS, &plain).await?;
        if cancelled < u64::try_from(children.len()).unwrap_or(u64::MAX) {
            self.let_go(parent, &children).await?;
        }
        if children.len() < BATCH {
            self.execute(UNMARK, args![parent]).await?;
        }
        Ok(cancelled)
    }

    /// Unlinks those of the children that live on.
    async fn let_go(&mut self, parent: u32, children: &[u32]) -> Result<()> {
        let pairs: Vec<[Value<'_>; 2]> = children.iter().map(|&no| [parent.into(), no.into()]).collect();
        self.bulk(&LET_GO, &pairs).await?;
        Ok(())
    }
}

impl Store {
    /// Cancels what is below cancelled jobs and nobody else wants, in short transactions; how many.
    /// After every [`Tx::cancel_job`], and once at start, to finish what a crash interrupted.
    pub async fn cancel_children(&self) -> Result<u64> {
        let mut cancelled = 0;
        while let Some(parent) = self.read().await?.marked_job().await? {
            let mut tx = self.begin().await?;
            cancelled += tx.cancel_batch(parent).await?;
            tx.commit().await?;
        }
        Ok(cancelled)
    }
}
