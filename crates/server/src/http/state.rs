//! What every handler can reach.

use std::sync::Arc;

use parapet_service::{App, Error};
use tokio::sync::Semaphore;

use super::operations::Metrics;
use super::qualys_cs::Limits;
use super::qualys_pc::Calls;

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) app: Arc<App>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) pc_calls: Calls,
    /// Turns at questions to posture.
    pub(crate) turns: Turns,
}

/// Questions are answered in the order in which they came, as many at once as there are processors.
/// When all are begun at once, each takes as long as all of them together.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))))
    }
}

impl Turns {
    /// Does `work` away from the threads that serve connections, when its turn comes.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(Error::internal)?;
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        Ok(tokio::task::spawn_blocking(work).await?)
    }
}
