//! A document is read whole, away from what else goes on, and few at a time.

use std::path::{Path, PathBuf};

use parapet_catalog::arf::{self, ArfError, ResultsDocument};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Documents read at the same time: each may need some tens of megabytes.
static READING: Semaphore = Semaphore::const_new(2);

/// Reads a document of at most `most` bytes when unpacked.
///
/// # Errors
/// [`Error::Invalid`] when it cannot be read as one.
pub(super) async fn read(file: &Path, most: Option<u64>) -> Result<ResultsDocument> {
    let _turn = READING.acquire().await.map_err(Error::internal)?;
    let file: PathBuf = file.to_owned();
    let read = move || match arf::read(file.as_path(), most.unwrap_or(arf::MAX_UNPACKED)) {
        Ok(document) => Ok(document),
        Err(ArfError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::file(&file, error))
        }
        Err(error) => Err(Error::Invalid(error.to_string())),
    };
    // The thread that asks reads: what is read is freed where it was allocated, so the allocator uses that room
    // again. A runtime of one thread is that of a command that does nothing beside.
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(read),
        _ => read(),
    }
}
