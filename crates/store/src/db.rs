//! The two engines: pools with the right settings, and how a transaction begins on each.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::address::StoreUrl;
use crate::error::{Error, Result};
use crate::session::Session;
use crate::template;

/// What the writer keeps of the file in memory, in KiB below zero: bulk imports come back to the same pages again and
/// again.
const CACHE: &str = "-16000";
/// The same for a command that writes little.
const SMALL_CACHE: &str = "-512";

/// How long SQLite waits for another process's write transaction. Writers keep theirs to some
/// 50 ms, so this is patience for a crowd, not for one of them.
const BUSY: Duration = Duration::from_secs(15);

/// How far apart a program asks again for the switch to WAL.
const SWITCH_PAUSE: Duration = Duration::from_millis(10);

/// Connections for reading.
const READERS: u32 = 6;

/// Three pools of one engine; those of a temporary store are one. Writers have one connection each, so
/// writes of this process queue up here instead of in the engine.
pub(crate) enum Db {
    /// SQLite in WAL mode.
    Sqlite(Pools<sqlx::Sqlite>),
    /// PostgreSQL.
    Postgres(Pools<sqlx::Postgres>),
}

/// See [`Db`].
pub(crate) struct Pools<E: sqlx::Database> {
    /// Refuses writes.
    read: sqlx::Pool<E>,
    /// Facts: a commit is on disk when it returns.
    write: sqlx::Pool<E>,
    /// Heart-beats, sessions, counters: a commit may be lost with the machine's power.
    side: sqlx::Pool<E>,
}

impl Db {
    /// `small`: see [`Options`](crate::Options).
    pub(crate) async fn open(url: &StoreUrl, small: bool) -> Result<Self> {
        let cache = if small { SMALL_CACHE } else { CACHE };
        match url {
            StoreUrl::Sqlite(path) => {
                open_sqlite(path, SqliteSynchronous::Full, cache).await.map(Self::Sqlite)
            }
            StoreUrl::Temporary(path) => {
                template::write(path)?;
                open_sqlite(path, SqliteSynchronous::Off, cache).await.map(Self::Sqlite)
            }
            StoreUrl::Postgres(url) => open_postgres(url).await.map(Self::Postgres),
        }
    }

    /// A read transaction: one consistent state, no writes.
    pub(crate) async fn begin_read(&self) -> Result<Session> {
        Ok(match self {
            Self::Sqlite(pools) => Session::sqlite(pools.read.begin_with("BEGIN").await?),
            Self::Postgres(pools) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Session::postgres(pools.read.begin_with(begin).await?)
            }
        })
    }

    /// A transaction that only reads, on the durable connection: at the start it is the one that is open,
    /// and another one costs a short command more than its questions.
    pub(crate) async fn begin_first(&self) -> Result<Session> {
        Ok(match self {
            Self::Sqlite(pools) => Session::sqlite(pools.write.begin_with("BEGIN").await?),
            Self::Postgres(pools) => Session::postgres(pools.write.begin_with("BEGIN").await?),
        })
    }

    /// A write transaction of the durable connection. `IMMEDIATE`, because a deferred one that
    /// reads first fails at once when somebody else wrote meanwhile, whatever the busy timeout.
    pub(crate) async fn begin_write(&self) -> Result<Session> {
        Ok(match self {
            Self::Sqlite(pools) => Session::sqlite(pools.write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pools) => Session::postgres(pools.write.begin_with("BEGIN").await?),
        })
    }

    /// A write transaction of the connection that does not wait for the disk.
    pub(crate) async fn begin_side(&self) -> Result<Session> {
        Ok(match self {
            Self::Sqlite(pools) => Session::sqlite(pools.side.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pools) => Session::postgres(pools.side.begin_with("BEGIN").await?),
        })
    }

    #[cfg(test)]
    pub(crate) async fn vacuum(&self) {
        if let Self::Sqlite(pools) = self {
            sqlx::query("VACUUM").execute(&pools.write).await.unwrap();
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pools) => pools.close().await,
            Self::Postgres(pools) => pools.close().await,
        }
    }
}

impl<E: sqlx::Database> Pools<E> {
    /// Readers first: the last connection to leave an SQLite file folds its log into it, and must
    /// be one that may write.
    async fn close(&self) {
        self.read.close().await;
        self.side.close().await;
        self.write.close().await;
    }
}

/// `synchronous`: how a commit of facts waits for the disk. `cache`: pages that the writer keeps, as SQLite's pragma
/// `cache_size` has it.
async fn open_sqlite(
    path: &Path,
    synchronous: SqliteSynchronous,
    cache: &'static str,
) -> Result<Pools<sqlx::Sqlite>> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)
            .map_err(|source| Error::File { path: parent.display().to_string(), source })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        // Every statement has its index. Left to itself the planner, which has no statistics,
        // prefers to build one over all open intervals as soon as some hundred keys are looked up.
        .pragma("automatic_index", "0")
        // Rows cross from the driver's thread in handfuls, not one by one.
        .row_buffer_size(1_000);
    // Bulk imports touch the same pages in batch after batch: folding the log in every 16 MB
    // instead of every 4 writes them less often.
    let durable = options
        .clone()
        .synchronous(synchronous)
        .pragma("cache_size", cache)
        .pragma("wal_autocheckpoint", "4000");
    if synchronous == SqliteSynchronous::Off {
        // Each connection reads all tables there are, which takes longer than a small image. Where nothing waits
        // for the disk, one serves whoever comes after the other; writers queue before they come here.
        let all = sqlite_pool(READERS, durable);
        switch_to_wal(&all).await?;
        return Ok(Pools { read: all.clone(), write: all.clone(), side: all });
    }
    let write = sqlite_pool(1, durable);
    // The writer first: it creates the file and switches it to WAL.
    switch_to_wal(&write).await?;
    let side = sqlite_pool(1, options.clone().synchronous(SqliteSynchronous::Normal));
    let read = sqlite_pool(READERS, options.create_if_missing(false).pragma("query_only", "1"));
    Ok(Pools { read, write, side })
}

/// Makes the first connection. The switch to WAL needs the file alone and does not wait for it: of
/// two programs that create one store, SQLite turns one away at once, busy timeout or not.
async fn switch_to_wal(write: &SqlitePool) -> Result<()> {
    let deadline = tokio::time::Instant::now() + BUSY;
    loop {
        match write.acquire().await {
            Ok(_) => return Ok(()),
            Err(error) if is_busy(&error) && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(SWITCH_PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// `SQLITE_BUSY` and its extended codes, whose low byte it is.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

fn sqlite_pool(size: u32, options: SqliteConnectOptions) -> SqlitePool {
    // A file does not go away, so connections are neither retired nor tested.
    SqlitePoolOptions::new()
        .max_connections(size)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options.statement_cache_capacity(300))
}

async fn open_postgres(url: &str) -> Result<Pools<sqlx::Postgres>> {
    let options = PgConnectOptions::from_str(url)?.application_name("parapet");
    let pool = |size: u32, options: PgConnectOptions| -> PgPool {
        PgPoolOptions::new().max_connections(size).connect_lazy_with(options)
    };
    let write = pool(1, options.clone().options([("lock_timeout", "60s")]));
    drop(write.acquire().await?);
    let side = pool(1, options.clone().options([("synchronous_commit", "off")]));
    Ok(Pools { read: pool(READERS, options), write, side })
}
