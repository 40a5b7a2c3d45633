//! When people last looked, per project. No facts: written beside the log, and what is lost by a crash is
//! only where somebody had got to.

use parapet_model::{Millis, ProjectNo};

use crate::error::Result;
use crate::session::Session;
use crate::sql::args;
use crate::tx::Side;

const GET: &str = "SELECT since, seen FROM visit WHERE user_no = $1 AND project = $2";
const PUT: &str = "INSERT INTO visit (user_no, project, since, seen) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (user_no, project) DO UPDATE SET since = excluded.since, seen = excluded.seen \
     WHERE visit.seen < excluded.seen";

/// A visit of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// Since when what changed is news: about the last look of the visit before; 0 when this is the first.
    pub since: Millis,
    /// The last look of this one.
    pub seen: Millis,
}

impl Session {
    /// The last visit of a user to a project.
    pub async fn visit(&mut self, user: u32, project: ProjectNo) -> Result<Option<Visit>> {
        let Some(row) = self.fetch_one(GET, args![user, project]).await? else { return Ok(None) };
        let mut f = row.fields("visit");
        Ok(Some(Visit { since: f.i64()?, seen: f.i64()? }))
    }
}

impl Side {
    /// Keeps a visit, unless a later look is known.
    pub async fn put_visit(&mut self, user: u32, project: ProjectNo, visit: Visit) -> Result<()> {
        self.execute(PUT, args![user, project, visit.since, visit.seen]).await?;
        Ok(())
    }
}
