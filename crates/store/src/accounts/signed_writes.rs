//! Signed requests that change something, and what the first of each was answered. A signature says
//! when it was made to the second only, so a client that sends the same request twice sends the same
//! bytes: such a request is done once and answered twice.
//!
//! A row without an answer is a request that is being done, or whose server ended before it could
//! tell. Rows are no facts: written beside the log. On SQLite a fact that is committed later carries
//! them to the disk too, so a power failure never forgets the request and keeps what it did.

use parapet_model::{Digest, Millis};

use crate::error::Result;
use crate::session::Session;
use crate::sql::args;
use crate::tx::Side;

const GET: &str = "SELECT status, content_type, body FROM signed_write WHERE hash = $1";
const CLAIM: &str = "INSERT INTO signed_write (hash, expires, status, content_type, body) \
     VALUES ($1, $2, 0, '', $3) ON CONFLICT (hash) DO NOTHING";
const ANSWER: &str =
    "UPDATE signed_write SET status = $1, content_type = $2, body = $3 WHERE hash = $4 AND status = 0";
const TRIM: &str = "DELETE FROM signed_write WHERE expires <= $1";

/// What the first request was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, or empty.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Session {
    /// What the request with this hash was answered: nothing when there was none, an empty one while
    /// it is not answered.
    pub async fn signed_write(&mut self, hash: &Digest) -> Result<Option<Option<Reply>>> {
        let Some(row) = self.fetch_one(GET, args![hash]).await? else { return Ok(None) };
        let mut f = row.fields("signed_write");
        let status = u16::try_from(f.u32("status")?).map_err(|_| f.inconsistent("status"))?;
        let reply = Reply { status, content_type: f.text()?, body: f.blob()?.to_vec() };
        Ok(Some(Some(reply).filter(|reply| reply.status != 0)))
    }
}

impl Side {
    /// Notes that a request is being done; false when it was noted before. What ended by `now` is
    /// forgotten first.
    pub async fn claim_signed_write(&mut self, hash: &Digest, now: Millis, expires: Millis) -> Result<bool> {
        self.execute(TRIM, args![now]).await?;
        Ok(self.execute(CLAIM, args![hash, expires, b"".as_slice()]).await? > 0)
    }

    /// Keeps what a request was answered.
    pub async fn answer_signed_write(&mut self, hash: &Digest, reply: &Reply) -> Result<()> {
        let (status, body) = (reply.status, &reply.body);
        self.execute(ANSWER, args![status, &reply.content_type, body, hash]).await?;
        Ok(())
    }
}
