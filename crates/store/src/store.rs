//! The store: opening it, and the three kinds of transaction.

use std::sync::Arc;
use std::time::Duration;

use parapet_model::{Clock, Ids, Millis};
use tokio::sync::watch;
use uuid::Uuid;

use crate::address::StoreUrl;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::lock::ServerLock;
use crate::log::Head;
use crate::session::Session;
use crate::sql::args;
use crate::turn::Turns;
use crate::tx::{Side, Tx};
use crate::{meta, projects, schema};

const HAS_SCHEMA_SQLITE: &str =
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'log_head'";
const HAS_SCHEMA_POSTGRES: &str = "SELECT COUNT(*) FROM information_schema.tables \
     WHERE table_schema = CURRENT_SCHEMA() AND table_name = 'log_head'";

/// How often, and how far apart, a program asks again while another one migrates.
const MIGRATION_TRIES: u32 = 100;
const MIGRATION_PAUSE: Duration = Duration::from_millis(50);

/// What a store is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is.
    pub url: StoreUrl,
    /// What recorded time follows.
    pub clock: Arc<dyn Clock>,
    /// Where uuids come from.
    pub ids: Arc<dyn Ids>,
    /// Little is written, so that little memory is kept for what was: for short commands.
    pub small: bool,
}

/// The facts. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    url: StoreUrl,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    epoch: Uuid,
    turns: Turns,
    /// Position of this process's last commit.
    committed: watch::Sender<u64>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("url", &self.inner.url).field("epoch", &self.inner.epoch).finish()
    }
}

impl Store {
    /// Opens the store; creates and migrates it when that is due and no server runs on it. A store
    /// of a newer program is refused.
    pub async fn open(options: Options) -> Result<Self> {
        let Options { url, clock, ids, small } = options;
        let db = Db::open(&url, small).await?;
        let mut session = ensure_schema(&db, &url, &*ids).await?;
        let epoch = meta::epoch(&mut session).await?;
        session.rollback().await?;
        let (committed, _) = watch::channel(0);
        let turns = Turns::open(&url)?;
        Ok(Self { inner: Arc::new(Inner { db, url, clock, ids, epoch, turns, committed }) })
    }

    /// Takes the lock that only one server of a store can hold.
    pub async fn lock_server(&self) -> Result<ServerLock> {
        ServerLock::take(&self.inner.url).await
    }

    /// A read transaction: every query on it sees the same state. Short-lived: on SQLite the log
    /// file grows while one is open.
    pub async fn read(&self) -> Result<Session> {
        self.inner.db.begin_read().await
    }

    /// A write transaction for facts. Keep it under some 50 ms; all writers of the store wait for
    /// it (REVIEW B3).
    pub async fn begin(&self) -> Result<Tx> {
        let inner = &self.inner;
        let turn = inner.turns.take().await?;
        let session = inner.db.begin_write().await?;
        let (ids, committed) = (inner.ids.clone(), inner.committed.clone());
        Tx::begin(session, turn, &*inner.clock, ids, committed, schema::version()).await
    }

    /// A write transaction for what is no fact.
    pub async fn side(&self) -> Result<Side> {
        let turn = self.inner.turns.take().await?;
        Ok(Side::new(self.inner.db.begin_side().await?, turn))
    }

    /// Tells this store from every other one, and from itself before it was restored from a backup.
    pub fn epoch(&self) -> Uuid {
        self.inner.epoch
    }

    /// Where it is.
    pub fn url(&self) -> &StoreUrl {
        &self.inner.url
    }

    /// Now, by the store's clock.
    pub fn now(&self) -> Millis {
        self.inner.clock.now()
    }

    /// Closes all connections; waits for those in use. Without it the last clone's drop does the
    /// same in the background.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }

    /// The positions this process commits.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.inner.committed.subscribe()
    }
}

/// Creates or migrates the schema under the server's lock, so that it never changes under one. Gives
/// the session that found it current.
async fn ensure_schema(db: &Db, url: &StoreUrl, ids: &dyn Ids) -> Result<Session> {
    let known = schema::version();
    let mut tries = 0;
    loop {
        let mut session = db.begin_first().await?;
        let found = found_schema(db, &mut session).await?;
        if found == known {
            return Ok(session);
        }
        session.rollback().await?;
        if found > known {
            return Err(Error::SchemaNewer { found, known });
        }
        match ServerLock::take(url).await {
            Ok(_lock) => create(db, ids).await?,
            Err(Error::Locked(_)) if tries < MIGRATION_TRIES => {
                tries += 1;
                tokio::time::sleep(MIGRATION_PAUSE).await;
            }
            Err(Error::Locked(_)) => return Err(Error::SchemaInUse { found, known }),
            Err(other) => return Err(other),
        }
    }
}

/// The schema in the store, 0 when it is empty.
async fn found_schema(db: &Db, session: &mut Session) -> Result<i64> {
    let exists = match db {
        Db::Sqlite(_) => HAS_SCHEMA_SQLITE,
        Db::Postgres(_) => HAS_SCHEMA_POSTGRES,
    };
    let tables = match session.fetch_one(exists, args![]).await? {
        Some(row) => row.fields("schema").i64()?,
        None => 0,
    };
    if tables == 0 { Ok(0) } else { session.head().await.map(|head: Head| head.schema()) }
}

pub(crate) async fn create(db: &Db, ids: &dyn Ids) -> Result<()> {
    let mut session = db.begin_write().await?;
    schema::migrate(&mut session, matches!(db, Db::Postgres(_))).await?;
    meta::seed(&mut session, ids).await?;
    projects::seed(&mut session, ids).await?;
    session.commit().await
}
