//! What pages can reach.

use std::sync::Arc;
use std::time::Instant;

use parapet_service::{App, Result, Turns};
use tokio::sync::{Mutex, MutexGuard};

use crate::past::PastViews;
use crate::pinned::{Held, Pinned};
use crate::ready::Ready;
use crate::{findings, start};

/// From how many assets on an estate is large.
#[derive(Debug, Clone, Copy)]
pub struct Large {
    /// So large that lists of all assets are made before somebody looks at them.
    pub lists: u64,
    /// So large that people wait for a past day to be worked out, and are told so.
    pub past: u64,
}

impl Default for Large {
    fn default() -> Self {
        Self { lists: 20_000, past: 2_000 }
    }
}

/// Shared by all pages; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pages {
    pub(crate) app: Arc<App>,
    /// Turns at questions to posture.
    pub(crate) turns: Turns,
    /// Past states that somebody looks at.
    pub(crate) past: PastViews,
    /// The state that lists show.
    pub(crate) ready: Ready,
    /// States of posture that somebody pages through.
    pinned: Pinned,
    /// Held by what may take seconds.
    long: Arc<Mutex<()>>,
}

impl Pages {
    /// Pages over an application; `turns` are those of all questions to it.
    pub fn new(app: Arc<App>, turns: Turns) -> Self {
        Self::with_sizes(app, turns, Large::default())
    }

    /// The same, with other sizes from which on an estate is large.
    pub fn with_sizes(app: Arc<App>, turns: Turns, large: Large) -> Self {
        let (past, ready) = (PastViews::new(large.past), Ready::new(large.lists));
        Self { app, turns, past, ready, pinned: Pinned::default(), long: Arc::default() }
    }

    /// Has lists of a large estate made before somebody looks at them, until the task is dropped.
    pub async fn keep_ready(&self) {
        loop {
            let begun = Instant::now();
            if let Err(error) = self.make_ready().await {
                tracing::error!(%error, "lists could not be made ready");
            }
            tokio::time::sleep(self.ready.rest(begun.elapsed())).await;
        }
    }

    /// Has lists of the newest state made, if the estate is large and that was not done; pages show it from then on.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn make_ready(&self) -> Result<()> {
        if !self.ready.is_behind(&self.app) {
            return Ok(());
        }
        let (who, pages) = (self.app.local_principal().await?, self.clone());
        let make = move || {
            let usual: Vec<_> = start::usual(&who).into_iter().chain(findings::usual(&who)).collect();
            pages.ready.advance(&pages.app, &usual);
        };
        tokio::task::spawn_blocking(make).await?;
        Ok(())
    }

    /// A form was sent: pages show what is known by now, or something newer.
    pub fn written(&self) {
        self.ready.written(self.app.live().snapshot().seq());
    }

    /// The state for a list over all assets: the one that the address holds on to, else the one for which lists are
    /// made.
    pub(crate) fn of_lists(&self, at: Option<u64>) -> Held {
        self.pinned.view(&self.app, at, self.ready.snapshot(&self.app))
    }

    /// The state for a page that is made quickly: the one that the address holds on to, else the newest.
    pub(crate) fn newest(&self, at: Option<u64>) -> Held {
        self.pinned.view(&self.app, at, self.app.live().snapshot())
    }

    /// Does work that may take seconds on a large estate: one at a time, so that a turn is always left for
    /// pages that somebody waits for.
    pub(crate) async fn long_work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let _alone = self.alone().await;
        self.turns.work(work).await
    }

    /// The turn at what may take seconds.
    pub(crate) async fn alone(&self) -> MutexGuard<'_, ()> {
        self.long.lock().await
    }
}
