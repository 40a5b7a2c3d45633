//! The log: "at position `seq`, look again at subject `n` of kind `k`" (REVIEW B1, B2).
//!
//! Entries carry no payload. A follower reads the subjects anew and replaces what it knew, so
//! applying is idempotent. Positions have no gaps; a transaction may have no entries. Old entries
//! are trimmed, and `floor` tells a follower that was away too long to rebuild.

use std::time::Duration;

use parapet_model::Millis;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::sql::{Bulk, Fields, args};
use crate::store::Store;
use crate::tx::Tx;

/// Raises the head. `recorded` follows the clock and never steps back; it even grows with every
/// transaction, so that a position and an instant name the same state (REVIEW A2, B7).
pub(crate) const RAISE_HEAD: &str = "UPDATE log_head SET seq = seq + 1, \
     recorded = CASE WHEN recorded < $1 THEN $1 ELSE recorded + 1 END \
     WHERE one = 1 RETURNING seq, recorded, floor, schema_version";
const READ_HEAD: &str = "SELECT seq, recorded, floor, schema_version FROM log_head WHERE one = 1";
pub(crate) const WRITE_LOG: Bulk<3> =
    Bulk { before: "INSERT INTO log (seq, kind, subject) VALUES ", after: "" };
const LOG_SINCE: &str =
    "SELECT seq, kind, subject FROM log WHERE seq > $1 ORDER BY seq, kind, subject LIMIT $2";
const TRIM_LOG: &str = "DELETE FROM log WHERE seq <= $1";
const RAISE_FLOOR: &str = "UPDATE log_head SET floor = $1 WHERE one = 1 AND floor < $2";

/// How often other processes' commits are looked for.
const POLL: Duration = Duration::from_millis(50);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)+) => {
        /// What kind of subject an entry names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name = $number,)+
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The number in the log.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The kind stored as `number`.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// A package is new, or its coverage changed.
    Package = 1,
    /// A package set is new.
    Set = 2,
    /// An asset, its references, links or deltas.
    Asset = 3,
    /// The matches of a package (subject: the package).
    Matches = 4,
    /// A vulnerability.
    Vulnerability = 5,
    /// An exception.
    Exception = 6,
    /// Feeds, and so what they judge (subject: 0).
    Feeds = 7,
    /// Enterprise projects (subject: 0).
    EnterpriseProject = 8,
    /// A project.
    Project = 9,
    /// A compliance policy, with the controls it asks for.
    Policy = 10,
    /// A control.
    Control = 11,
    /// The control results of a host (subject: the host).
    ControlResults = 12,
    /// A user, with roles and epoch.
    User = 20,
    /// A role.
    Role = 21,
    /// An access key or token.
    Key = 22,
    /// A registry, with its schedules.
    Registry = 23,
    /// A setting.
    Setting = 24,
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Position of the last transaction.
    pub seq: u64,
    /// Its instant, recorded time.
    pub recorded: Millis,
    /// Entries up to here were trimmed.
    pub floor: u64,
    schema: i64,
}

impl Head {
    pub(crate) fn read(f: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { seq: f.u64("seq")?, recorded: f.i64()?, floor: f.u64("floor")?, schema: f.i64()? })
    }

    /// The schema of the store.
    pub(crate) fn schema(&self) -> i64 {
        self.schema
    }

    pub(crate) fn expect_schema(&self, known: i64) -> Result<()> {
        match self.schema {
            found if found > known => Err(Error::SchemaNewer { found, known }),
            found if found < known => Err(Error::SchemaInUse { found, known }),
            _ => Ok(()),
        }
    }
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogEntry {
    /// Position.
    pub seq: u64,
    /// Kind of the subject.
    pub kind: Kind,
    /// Its number.
    pub subject: u32,
}

impl Session {
    /// The end of the log.
    pub async fn head(&mut self) -> Result<Head> {
        match self.fetch_one(READ_HEAD, args![]).await? {
            Some(row) => Head::read(&mut row.fields("log_head")),
            None => Err(Error::Inconsistent { table: "log_head", column: "one", row: "none".into() }),
        }
    }

    /// At most `limit` entries after `seq`, in order. `None` when entries after `seq` were trimmed,
    /// or when `seq` lies beyond the head (another store, or one restored from a backup): rebuild.
    pub async fn log_since(&mut self, seq: u64, limit: u32) -> Result<Option<Vec<LogEntry>>> {
        let head = self.head().await?;
        if seq < head.floor || seq > head.seq {
            return Ok(None);
        }
        let rows = self.fetch(LOG_SINCE, args![seq, limit]).await?;
        let entry = |row: &crate::sql::Row| {
            let mut f = row.fields("log");
            Ok(LogEntry {
                seq: f.u64("seq")?,
                kind: f.word("kind", Kind::from_number)?,
                subject: f.u32("subject")?,
            })
        };
        rows.iter().map(entry).collect::<Result<Vec<_>>>().map(Some)
    }
}

impl Tx {
    /// Forgets entries up to and including `seq`. Followers behind it rebuild.
    pub async fn trim_log(&mut self, seq: u64) -> Result<()> {
        let seq = seq.min(self.seq().saturating_sub(1));
        self.execute(TRIM_LOG, args![seq]).await?;
        self.execute(RAISE_FLOOR, args![seq, seq]).await?;
        Ok(())
    }
}

impl Store {
    /// The end of the log.
    pub async fn head(&self) -> Result<Head> {
        self.read().await?.head().await
    }

    /// Waits until the log is longer than `after` and gives the new head. Commits of this process
    /// wake it at once, those of others within 50 ms.
    pub async fn wait_change(&self, after: u64) -> Result<Head> {
        let mut own = self.commits();
        loop {
            own.mark_unchanged();
            let head = self.head().await?;
            // A head behind the follower is news too: the store was replaced.
            if head.seq != after {
                return Ok(head);
            }
            // Either way the head is read again; the sender lives as long as this store.
            let _ = tokio::time::timeout(POLL, own.changed()).await;
        }
    }
}
