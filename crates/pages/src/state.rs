//! What pages can reach.

use std::sync::Arc;

use parapet_service::{App, Result, Turns};
use tokio::sync::Mutex;

use crate::past::PastViews;
use crate::pinned::Pinned;

/// Shared by all pages; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pages {
    pub(crate) app: Arc<App>,
    /// Turns at questions to posture.
    pub(crate) turns: Turns,
    /// States of posture that somebody pages through.
    pub(crate) pinned: Pinned,
    /// Past states that somebody looks at.
    pub(crate) past: PastViews,
    /// Held by what may take seconds.
    long: Arc<Mutex<()>>,
}

impl Pages {
    /// Does work that may take seconds on a large estate: one at a time, so that a turn is always left for
    /// pages that somebody waits for.
    pub(crate) async fn long_work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let _alone = self.long.lock().await;
        self.turns.work(work).await
    }

    /// Pages over an application; `turns` are those of all questions to it.
    pub fn new(app: Arc<App>, turns: Turns) -> Self {
        Self { app, turns, pinned: Pinned::default(), past: PastViews::default(), long: Arc::default() }
    }
}
