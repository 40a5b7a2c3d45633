//! What pages can reach.

use std::sync::Arc;
use std::time::Instant;

use parapet_service::{App, Result, Turns};
use tokio::sync::{Mutex, MutexGuard};

use crate::past::PastViews;
use crate::pinned::{Held, Pinned};
use crate::ready::{Question, Ready};
use crate::{findings, start};

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
        let (past, ready, pinned) = Default::default();
        Self { app, turns, past, ready, pinned, long: Arc::default() }
    }

    /// Has lists of a large estate made before somebody looks at them, until the task is dropped.
    pub async fn keep_ready(&self) {
        let always = match self.app.local_principal().await {
            Ok(who) => findings::usual(&who).into_iter().chain(start::usual(&who)).collect::<Vec<Question>>(),
            Err(error) => {
                tracing::error!(%error, "nobody's lists are made ready");
                Vec::new()
            }
        };
        let always: Arc<[Question]> = always.into();
        loop {
            let (pages, always, begun) = (self.clone(), Arc::clone(&always), Instant::now());
            let made = tokio::task::spawn_blocking(move || pages.ready.advance(&pages.app, &always)).await;
            if let Err(error) = made {
                tracing::error!(%error, "lists could not be made ready");
            }
            tokio::time::sleep(self.ready.rest(begun.elapsed())).await;
        }
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
