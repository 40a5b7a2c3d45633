//! Where jobs are done: by the server, or by the sensors of a profile that names their registry.

use crate::error::Result;
use crate::sql::{Bulk, Value, args};
use crate::tx::Tx;

const PLACE: Bulk<3> = Bulk {
    before: "WITH given(no, registry, place) AS (VALUES ",
    after: ") UPDATE job SET registry = given.registry, place = given.place FROM given \
     WHERE job.no = given.no AND job.state = 0",
};
const MOVE: &str = "UPDATE job SET place = $1 WHERE registry = $2 AND registry <> 0 AND state IN (0, 1) \
     AND waiting = 0 AND place <> $3";

impl Tx {
    /// Says which registry new jobs ask, and whether sensors do it. Jobs that run stay where they are.
    pub async fn place_jobs(&mut self, jobs: &[u32], registry: u32, at_sensor: bool) -> Result<()> {
        let place = if at_sensor { registry } else { 0 };
        let rows: Vec<[Value<'_>; 3]> =
            jobs.iter().map(|&no| [no.into(), registry.into(), place.into()]).collect();
        self.bulk(&PLACE, &rows).await?;
        Ok(())
    }

    /// Moves the jobs of a registry to its sensors or to the server. What runs is claimed there only
    /// when its lease runs out; how many were moved.
    pub async fn move_jobs(&mut self, registry: u32, at_sensor: bool) -> Result<u64> {
        let place = if at_sensor { registry } else { 0 };
        self.execute(MOVE, args![place, registry, place]).await
    }
}
