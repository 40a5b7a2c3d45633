//! Single values of the store: its epoch, the matcher's version, the check of the sealing key.

use parapet_model::{Ids, Millis};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::sql::args;
use crate::tx::Tx;

const GET: &str = "SELECT value FROM meta WHERE name = $1";
const SET: &str = "INSERT INTO meta (name, value) VALUES ($1, $2) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value";

const REMOVE: &str = "DELETE FROM meta WHERE name = $1";
const REMOVE_OLD: &str = "DELETE FROM meta WHERE SUBSTR(name, 1, 11) = 'checkpoint ' AND value < $1";

const EPOCH: &str = "store_epoch";

/// Name of the value that says which matcher computed the matches.
pub const MATCHER_VERSION: &str = "matcher_version";

/// Under which name the store knows a checkpoint of posture.
fn checkpoint(token: &Uuid) -> String {
    format!("checkpoint {token}")
}

/// An instant as a text that sorts as it does.
fn instant(at: Millis) -> String {
    format!("{at:020}")
}

impl Session {
    /// Whether a checkpoint of posture was made of this very store, and not of what it became after a backup
    /// was taken.
    pub async fn knows_checkpoint(&mut self, token: &Uuid) -> Result<bool> {
        Ok(self.meta(&checkpoint(token)).await?.is_some())
    }

    /// A value.
    pub async fn meta(&mut self, name: &str) -> Result<Option<String>> {
        let row = self.fetch_one(GET, args![name]).await?;
        row.map(|row| row.fields("meta").text()).transpose()
    }
}

impl Tx {
    /// Sets a value; writes nothing when it is the same.
    pub async fn set_meta(&mut self, name: &str, value: &str) -> Result<()> {
        self.execute(SET, args![name, value]).await?;
        Ok(())
    }

    /// Remembers a checkpoint of posture instead of the `old` one, and forgets those before `oldest`.
    pub async fn remember_checkpoint(
        &mut self,
        new: &Uuid,
        old: Option<&Uuid>,
        now: Millis,
        oldest: Millis,
    ) -> Result<()> {
        if let Some(old) = old {
            self.execute(REMOVE, args![&checkpoint(old)]).await?;
        }
        self.execute(REMOVE_OLD, args![&instant(oldest)]).await?;
        self.set_meta(&checkpoint(new), &instant(now)).await
    }

    /// Gives the store a new epoch, so that every follower rebuilds. For a store restored from a
    /// backup.
    pub async fn renew_epoch(&mut self) -> Result<Uuid> {
        let epoch = self.uuid();
        self.set_meta(EPOCH, &epoch.to_string()).await?;
        Ok(epoch)
    }
}

/// Gives a new store its epoch.
pub(crate) async fn seed(session: &mut Session, ids: &dyn Ids) -> Result<()> {
    if session.meta(EPOCH).await?.is_none() {
        session.execute(SET, args![EPOCH, &ids.uuid().to_string()]).await?;
    }
    Ok(())
}

/// The store's epoch.
pub(crate) async fn epoch(session: &mut Session) -> Result<Uuid> {
    let text = session.meta(EPOCH).await?.unwrap_or_default();
    text.parse().map_err(|_| Error::Inconsistent { table: "meta", column: "value", row: EPOCH.to_owned() })
}
