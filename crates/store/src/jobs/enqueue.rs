//! New jobs. The same work wanted twice is one job: the second asker, or the second parent, gets
//! the first one's.

use parapet_model::job::JobKind;
use parapet_model::{Millis, Scope};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::numbers::Counter;
use crate::sql::{Row, args, to_json};
use crate::tx::Tx;
use crate::visibility::write_granted;

const WANTED: &str = "SELECT no FROM job WHERE project = $1 AND enterprise_projects = $2 AND kind = $3 \
     AND dedup_key = $4 AND dedup_key <> '' AND state IN (0, 1)";
const FIRED: &str = "SELECT no FROM job WHERE schedule = $1 AND fire_time = $2 AND schedule <> 0";
const PARENT: &str = "SELECT no FROM job WHERE no = $1 AND project = $2 AND state IN (0, 1)";
const INSERT: &str = "INSERT INTO job (no, uuid, project, enterprise_projects, kind, owner, state, attempt, \
     direct, waiting, open_children, dedup_key, schedule, fire_time, payload, result, error, not_before, created, started, \
     ended) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, 0, 0, $8, $9, $10, $11, '', '', $12, $13, 0, 0)";
const MAKE_DIRECT: &str = "UPDATE job SET direct = 1 WHERE no = $1 AND direct = 0";
const LINK: &str = "INSERT INTO job_link (parent, child, outcome) VALUES ($1, $2, 0) \
     ON CONFLICT (parent, child) DO NOTHING";

const OPEN: &str = "UPDATE job SET open_children = open_children + 1 WHERE no = $1";

/// A job to be made.
#[derive(Debug, Clone)]
pub struct NewJob<'a, P: Serialize> {
    /// Whose it is, and what its asker sees.
    pub scope: &'a Scope,
    /// What it does.
    pub kind: JobKind,
    /// Name of the user who asked.
    pub owner: &'a str,
    /// What to do; JSON without secrets.
    pub payload: &'a P,
    /// Number of the running job this is a part of.
    pub parent: Option<u32>,
    /// Jobs of one kind, project and view with the same key are the same work while queued or
    /// running; empty for work that is never the same.
    pub dedup_key: &'a str,
    /// The schedule (from 1 on) and the instant it fired for; there is one job for each.
    pub fired: Option<(u32, Millis)>,
    /// First instant at which it may be claimed; 0 for at once.
    pub not_before: Millis,
}

/// Which job does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// A new one.
    New(u32),
    /// One that was there already.
    Existing(u32),
}

impl Enqueued {
    /// The job's number.
    pub const fn no(self) -> u32 {
        match self {
            Self::New(no) | Self::Existing(no) => no,
        }
    }
}

fn number(row: Option<Row>) -> Result<Option<u32>> {
    row.map(|row| row.fields("job").u32("no")).transpose()
}

impl Tx {
    /// Puts a job into the queue, or finds the one that does the same work. A job made by another
    /// job is made in the transaction of that one's [`Tx::fence`].
    ///
    /// # Errors
    /// [`Error::Fenced`] when the parent is over; [`Error::Invalid`] when a job would be its own
    /// parent.
    pub async fn enqueue<P: Serialize>(&mut self, new: &NewJob<'_, P>) -> Result<Enqueued> {
        if let Some(parent) = new.parent {
            let live = number(self.fetch_one(PARENT, args![parent, new.scope.project()]).await?)?;
            live.ok_or(Error::Fenced(parent))?;
        }
        let enqueued = match self.same_work(new).await? {
            Some(no) => Enqueued::Existing(no),
            None => Enqueued::New(self.insert_job(new).await?),
        };
        let no = enqueued.no();
        match new.parent {
            Some(parent) if parent == no => {
                return Err(Error::Invalid("a job cannot be a part of itself".to_owned()));
            }
            Some(parent) => {
                if self.execute(LINK, args![parent, no]).await? > 0 {
                    self.execute(OPEN, args![parent]).await?;
                }
            }
            None => {
                self.execute(MAKE_DIRECT, args![no]).await?;
            }
        }
        Ok(enqueued)
    }

    async fn same_work<P: Serialize>(&mut self, new: &NewJob<'_, P>) -> Result<Option<u32>> {
        if let Some((schedule, at)) = new.fired
            && let Some(no) = number(self.fetch_one(FIRED, args![schedule, at]).await?)?
        {
            return Ok(Some(no));
        }
        if new.dedup_key.is_empty() {
            return Ok(None);
        }
        let granted = write_granted(new.scope.enterprise_projects());
        let wanted = args![new.scope.project(), &granted, new.kind as u8, new.dedup_key];
        number(self.fetch_one(WANTED, wanted).await?)
    }

    async fn insert_job<P: Serialize>(&mut self, new: &NewJob<'_, P>) -> Result<u32> {
        let (schedule, fire_time) = new.fired.unwrap_or((0, 0));
        let (no, uuid, created) = (self.take_number(Counter::Job).await?, self.uuid(), self.recorded());
        self.execute(
            INSERT,
            args![
                no,
                &uuid,
                new.scope.project(),
                &write_granted(new.scope.enterprise_projects()),
                new.kind as u8,
                new.owner,
                new.parent.is_none(),
                new.dedup_key,
                schedule,
                fire_time,
                &to_json(new.payload)?,
                new.not_before,
                created
            ],
        )
        .await?;
        Ok(no)
    }
}
