//! What somebody is told of, so that nobody is told twice and nothing is forgotten between what happened
//! and the job that tells it.

use parapet_model::Millis;

use crate::error::Result;
use crate::session::Session;
use crate::sql::args;
use crate::tx::Tx;

const ADD: &str = "INSERT INTO notice (kind, subject, instant, told) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (kind, subject, instant) DO NOTHING";
const WAITING: &str = "SELECT subject, instant FROM notice WHERE told = 0 AND kind = $1 \
     ORDER BY subject, instant LIMIT $2";
const TELL: &str =
    "UPDATE notice SET told = 1 WHERE kind = $1 AND subject = $2 AND instant = $3 AND told = 0";

impl Session {
    /// At most `limit` notices of a kind that nobody was told of: subject and instant.
    pub async fn notices_waiting(&mut self, kind: &str, limit: u32) -> Result<Vec<(u32, Millis)>> {
        let rows = self.fetch(WAITING, args![kind, limit]).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("notice");
                Ok((f.u32("subject")?, f.i64()?))
            })
            .collect()
    }
}

impl Tx {
    /// Notes something to tell, or that it is told with this; false when it was noted before.
    pub async fn put_notice(
        &mut self,
        kind: &str,
        subject: u32,
        instant: Millis,
        told: bool,
    ) -> Result<bool> {
        Ok(self.execute(ADD, args![kind, subject, instant, told]).await? > 0)
    }

    /// Notes that it is told with this; false when it was told before.
    pub async fn tell_notice(&mut self, kind: &str, subject: u32, instant: Millis) -> Result<bool> {
        Ok(self.execute(TELL, args![kind, subject, instant]).await? > 0)
    }
}
