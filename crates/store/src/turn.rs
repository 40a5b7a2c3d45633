//! Whose turn it is to write.
//!
//! SQLite lets one program write and makes the others ask again, at growing intervals. A bulk import
//! begins its next batch as soon as the last one ended, so whoever asks beside it can wait for
//! seconds. Here writers queue: inside a process at a mutex, across processes at two lock files.
//! Whoever comes takes the first, waits for the second while holding it, and lets the first go when
//! it has the second: so an import that has just ended a batch stands behind the one who waited.
//! PostgreSQL's row locks queue by themselves.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::address::StoreUrl;
use crate::error::{Error, Result};

/// The queue of the writers of a store.
#[derive(Debug)]
pub(crate) struct Turns {
    process: Arc<Mutex<()>>,
    files: Option<Files>,
}

#[derive(Debug, Clone)]
struct Files {
    queue: Arc<File>,
    turn: Arc<File>,
}

/// The right to write, given back on drop.
#[derive(Debug)]
pub(crate) struct Turn {
    files: Option<Files>,
    /// After the files: the next writer of this process must find them free.
    _process: OwnedMutexGuard<()>,
}

impl Turns {
    /// The queue of the store at `url`.
    pub(crate) fn open(url: &StoreUrl) -> Result<Self> {
        let files = match url {
            StoreUrl::Sqlite(path) => {
                Some(Files { queue: open(path, ".queue")?, turn: open(path, ".turn")? })
            }
            StoreUrl::Temporary(_) | StoreUrl::Postgres(_) => None,
        };
        Ok(Self { process: Arc::default(), files })
    }

    /// Waits for the turn.
    pub(crate) async fn take(&self) -> Result<Turn> {
        let process = self.process.clone().lock_owned().await;
        let Some(files) = self.files.clone() else { return Ok(Turn { files: None, _process: process }) };
        // In a task of its own: a thread that waits for a lock cannot be stopped, so when the caller
        // goes away the turn still has to be taken, and given back.
        let waiting = tokio::spawn(async move {
            files.take().await?;
            Ok(Turn { files: Some(files), _process: process })
        });
        waiting.await.map_err(|error| failed(std::io::Error::other(error)))?
    }
}

impl Files {
    async fn take(&self) -> Result<()> {
        lock(&self.queue).await?;
        let taken = lock(&self.turn).await;
        let released = self.queue.unlock().map_err(failed);
        taken.and(released)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(files) = &self.files
            && let Err(error) = files.turn.unlock()
        {
            // The operating system frees it with the process; until then nobody else writes.
            tracing::error!(%error, "the turn to write could not be given back");
        }
    }
}

async fn lock(file: &Arc<File>) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let file = file.clone();
            let waited = tokio::task::spawn_blocking(move || file.lock()).await;
            waited.map_err(std::io::Error::other).flatten().map_err(failed)
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn open(database: &Path, suffix: &str) -> Result<Arc<File>> {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    let file = File::options().create(true).truncate(false).read(true).write(true).open(&name);
    file.map(Arc::new).map_err(|source| Error::File { path: name.to_string_lossy().into_owned(), source })
}

fn failed(source: std::io::Error) -> Error {
    Error::File { path: "the lock file of writers".to_owned(), source }
}
