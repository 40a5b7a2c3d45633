//! Write transactions.
//!
//! [`Tx`] is the only way to write a fact (rule 5). It begins by raising the log head, whose row
//! lock makes writers serial on both engines: commit order is log order, without gaps, and
//! check-then-write means the same on both. [`Side`] is for what is no fact (heart-beats,
//! sessions, counters): it leaves head and log alone.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parapet_model::Millis;
use parapet_model::{Clock, Ids};
use tokio::sync::watch;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::log::{Head, Kind, RAISE_HEAD, WRITE_LOG};
use crate::session::Session;
use crate::sql::{Value, args};
use crate::turn::Turn;

/// A write transaction. Dropping it rolls back.
pub struct Tx {
    session: Session,
    seq: u64,
    recorded: Millis,
    log: BTreeSet<(Kind, u32)>,
    ids: Arc<dyn Ids>,
    committed: watch::Sender<u64>,
    /// Only one writer at a time; let go after the session.
    _turn: Turn,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Log position of the last change: this transaction's, or, when it changed nothing, the one
    /// before it.
    pub seq: u64,
    /// Rows inserted, updated and deleted; 0 means that nothing changed and no position was used.
    pub rows: u64,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("seq", &self.seq).field("recorded", &self.recorded).finish_non_exhaustive()
    }
}

impl Deref for Tx {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Tx {
    /// Raises the head; refuses a store whose schema somebody migrated since it was opened.
    pub(crate) async fn begin(
        mut session: Session,
        turn: Turn,
        clock: &dyn Clock,
        ids: Arc<dyn Ids>,
        committed: watch::Sender<u64>,
        schema: i64,
    ) -> Result<Self> {
        let row = session.fetch_one(RAISE_HEAD, args![clock.now()]).await?;
        let row =
            row.ok_or_else(|| Error::Inconsistent { table: "log_head", column: "one", row: "none".into() })?;
        let head = Head::read(&mut row.fields("log_head"))?;
        head.expect_schema(schema)?;
        Ok(Self {
            session,
            seq: head.seq,
            recorded: head.recorded,
            log: BTreeSet::new(),
            ids,
            committed,
            _turn: turn,
        })
    }

    /// The instant of this transaction: later than that of every transaction before it.
    pub fn recorded(&self) -> Millis {
        self.recorded
    }

    /// The log position this transaction gets if it changes something.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// A fresh uuid.
    pub fn uuid(&self) -> Uuid {
        self.ids.uuid()
    }

    /// Tells followers to look at this subject again. Saying it twice is the same as once.
    pub fn log(&mut self, kind: Kind, subject: u32) {
        self.log.insert((kind, subject));
    }

    /// Makes the changes durable and wakes followers. A transaction that wrote no row and logged
    /// nothing is rolled back, so it uses no log position.
    pub async fn commit(mut self) -> Result<Committed> {
        let rows = self.session.written();
        if rows == 0 && self.log.is_empty() {
            self.session.rollback().await?;
            return Ok(Committed { seq: self.seq.saturating_sub(1), rows });
        }
        let entries: Vec<[Value<'_>; 3]> = self
            .log
            .iter()
            .map(|&(kind, subject)| [self.seq.into(), kind.number().into(), subject.into()])
            .collect();
        self.session.bulk(&WRITE_LOG, &entries).await?;
        self.session.commit().await?;
        self.committed.send_replace(self.seq);
        Ok(Committed { seq: self.seq, rows })
    }
}

/// A write transaction for what is no fact. Dropping it rolls back; a commit may be lost when the
/// machine loses its power.
#[derive(Debug)]
pub struct Side {
    session: Session,
    _turn: Turn,
}

impl Deref for Side {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Side {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Side {
    pub(crate) fn new(session: Session, turn: Turn) -> Self {
        Self { session, _turn: turn }
    }

    /// Makes the changes visible.
    pub async fn commit(self) -> Result<()> {
        self.session.commit().await
    }
}
