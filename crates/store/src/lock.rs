//! One server per store. Short command-line writers need no lock; they only ask whether
//! a server holds it before they migrate.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, PgConnection};

use crate::address::StoreUrl;
use crate::error::{Error, Result};

/// Any number will do, as long as nobody else uses it in this database: "parapet" in ASCII.
const ADVISORY_KEY: i64 = 0x0070_6172_6170_6574;
const TRY_ADVISORY_LOCK: &str = "SELECT pg_try_advisory_lock($1)";

/// Held by the one server of a store; let go when dropped, or when the process dies.
#[derive(Debug)]
pub struct ServerLock {
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// The lock file beside the database; the operating system frees it with the process.
    File(#[expect(dead_code, reason = "kept open: closing it frees the lock")] File),
    /// The session that holds the advisory lock.
    Session(Box<PgConnection>),
}

impl ServerLock {
    /// Takes the lock, or says that somebody else has it.
    pub(crate) async fn take(url: &StoreUrl) -> Result<Self> {
        let held = match url {
            StoreUrl::Sqlite(path) | StoreUrl::Temporary(path) => Held::File(lock_file(path, url)?),
            StoreUrl::Postgres(text) => Held::Session(Box::new(lock_session(text, url).await?)),
        };
        Ok(Self { held })
    }

    /// Whether the lock is still held. A file lock cannot be lost; a session can, with its
    /// connection, and a server that lost it must stop writing.
    pub async fn is_held(&mut self) -> bool {
        match &mut self.held {
            Held::File(_) => true,
            Held::Session(connection) => sqlx::Connection::ping(&mut **connection).await.is_ok(),
        }
    }
}

fn lock_file(database: &Path, url: &StoreUrl) -> Result<File> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let failed = |source| Error::File { path: path.display().to_string(), source };
    let file =
        File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(url.to_string())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

async fn lock_session(text: &str, url: &StoreUrl) -> Result<PgConnection> {
    let options: sqlx::postgres::PgConnectOptions = text.parse()?;
    let mut connection = options.application_name("parapet server lock").connect().await?;
    let taken: bool =
        sqlx::query_scalar(TRY_ADVISORY_LOCK).bind(ADVISORY_KEY).fetch_one(&mut connection).await?;
    if taken { Ok(connection) } else { Err(Error::Locked(url.to_string())) }
}
