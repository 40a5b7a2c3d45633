//! The live posture: loaded from the facts at start, kept current by following the log.
//!
//! A handler that wrote something calls [`Live::catch_up`] before it answers, so that whoever wrote
//! reads its own write; writes of other processes are noticed by [`Live::follow`] within 100 ms.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parapet_matching::coverage::{self, FeedFacts};
use parapet_model::facts::Change;
use parapet_model::time::DAY;
use parapet_model::{Clock, Ids, Millis};
use parapet_posture::{Posture, Snapshot};
use parapet_store::Store;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use crate::checkpoint::{self, Header, Unusable};
use crate::error::{Error, Result};
use crate::ranking;

/// How long a writer waits for its own write to become visible. After that it answers anyway: the
/// write is durable, only the reading lags.
const READ_OWN_WRITE: Duration = Duration::from_secs(2);
/// How often the coverage words are computed again without any change: feeds grow stale by time
/// alone.
const COVERAGE_EVERY: Millis = 60_000;
/// When posture is kept for the first time, and how often after that.
const CHECKPOINT_FIRST: Duration = Duration::from_secs(60);
const CHECKPOINT_EVERY: Duration = Duration::from_secs(900);
/// With fewer assets a checkpoint is not worth its file. Where tests run all are worth it.
const LARGE: u64 = if cfg!(debug_assertions) { 1 } else { 5_000 };
/// Checkpoints that nobody took up for so long are those of servers that are gone.
const FORGOTTEN_AFTER: Millis = 90 * DAY;
/// How long indexes are left alone after they were made ready.
const READY_PAUSE: Duration = Duration::from_millis(50);
/// How long nothing is looked for when nothing changes.
const READY_EVERY: Duration = Duration::from_secs(1);

/// See the module documentation.
#[derive(Debug)]
pub struct Live {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    stale_after: Millis,
    posture: ArcSwap<Posture>,
    loaded: AtomicBool,
    /// Where posture is kept from one start to the next.
    checkpoint: Option<PathBuf>,
    kept: Mutex<Option<Kept>>,
    /// Held while posture is brought forward: one applier at a time.
    applying: Mutex<()>,
    coverage_at: AtomicI64,
    /// Told after every change.
    changed: Notify,
}

/// The checkpoint that stands.
#[derive(Debug)]
struct Kept {
    token: Uuid,
    /// The log position up to which writing another one would be for nothing.
    seq: u64,
}

impl Live {
    /// From which age on a feed counts as stale.
    pub(crate) fn stale_after(&self) -> Millis {
        self.stale_after
    }

    /// Nothing is loaded yet, and until it is, nothing is brought forward either.
    pub(crate) fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        stale_after: Millis,
        checkpoint: Option<PathBuf>,
    ) -> Self {
        Self {
            checkpoint,
            kept: Mutex::default(),
            store,
            clock,
            ids,
            stale_after,
            posture: ArcSwap::from_pointee(Posture::new()),
            loaded: AtomicBool::new(false),
            applying: Mutex::new(()),
            coverage_at: AtomicI64::new(0),
            changed: Notify::new(),
        }
    }

    /// Takes up the posture that was kept, if it fits, and what happened since; else loads everything. An
    /// application that was opened with posture has done so.
    pub async fn load(&self) -> Result<()> {
        let taken_up = self.take_up().await?;
        if !taken_up {
            self.rebuild().await?;
        }
        self.loaded.store(true, Ordering::Release);
        if taken_up { self.advance().await } else { Ok(()) }
    }

    /// Whether posture began with a checkpoint or with the one that was written last.
    pub async fn has_checkpoint(&self) -> bool {
        self.kept.lock().await.is_some()
    }

    async fn take_up(&self) -> Result<bool> {
        let Some(path) = self.checkpoint.clone() else { return Ok(false) };
        let epoch = self.store.epoch();
        let opened = tokio::task::spawn_blocking(move || checkpoint::open(&path, epoch)).await?;
        let read = match opened {
            Ok(stored) if self.store.read().await?.knows_checkpoint(&stored.header.token).await? => {
                let header = stored.header.clone();
                let posture = tokio::task::spawn_blocking(move || stored.posture()).await?;
                posture.map(|posture| (header, posture))
            }
            Ok(_) => Err(Unusable::Other),
            Err(error) => Err(error),
        };
        let (header, posture) = match read {
            Ok(read) => read,
            Err(Unusable::Missing) => return Ok(false),
            Err(error) => {
                tracing::info!(%error, "the checkpoint of posture is of no use; reading the store");
                return Ok(false);
            }
        };
        let small = self.store.load_small().await?;
        posture.apply(Change { seq: header.seq, recorded: header.recorded, ..small });
        self.posture.store(Arc::new(posture));
        *self.kept.lock().await = Some(Kept { token: header.token, seq: header.seq });
        self.changed.notify_one();
        self.compute_coverage().await?;
        Ok(true)
    }

    /// Keeps posture in its file, if it moved since; on a small estate reading the store is as quick.
    pub async fn checkpoint(&self) -> Result<()> {
        let Some(path) = self.checkpoint.clone() else { return Ok(()) };
        let mut kept = self.kept.lock().await;
        let snapshot = self.snapshot();
        if snapshot.assets_held() < LARGE || kept.as_ref().is_some_and(|kept| snapshot.seq() <= kept.seq) {
            return Ok(());
        }
        let header = Header {
            token: self.ids.uuid(),
            epoch: self.store.epoch(),
            program: checkpoint::program().map_err(|error| Error::file(&path, error))?,
            seq: snapshot.seq(),
            recorded: snapshot.recorded(),
        };
        let token = header.token;
        let file = path.clone();
        let written =
            tokio::task::spawn_blocking(move || checkpoint::write(&file, &header, &snapshot)).await?;
        written.map_err(|error| Error::file(&path, error))?;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let old = kept.as_ref().map(|kept| &kept.token);
        tx.remember_checkpoint(&token, old, now, now - FORGOTTEN_AFTER).await?;
        let head = tx.commit().await?;
        *kept = Some(Kept { token, seq: head.seq });
        Ok(())
    }

    /// Does so from time to time, until the task is dropped.
    pub async fn keep_checkpoint(&self) {
        let mut pause = CHECKPOINT_FIRST;
        loop {
            tokio::time::sleep(pause).await;
            if let Err(error) = self.checkpoint().await {
                tracing::warn!(%error, "posture could not be kept; the next start reads the store");
            }
            pause = CHECKPOINT_EVERY;
        }
    }

    /// The present state; never blocks.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        debug_assert!(self.loaded.load(Ordering::Acquire), "the application was opened without posture");
        self.newest()
    }

    fn newest(&self) -> Arc<Snapshot> {
        self.posture.load().snapshot()
    }

    /// How many log positions posture is behind the store.
    pub async fn lag(&self) -> Result<u64> {
        let head = self.store.head().await?;
        Ok(head.seq.saturating_sub(self.snapshot().seq()))
    }

    /// Brings posture to the end of the log. Waits at most two seconds; a posture that lags longer
    /// is logged and caught up by the follower.
    pub async fn catch_up(&self) -> Result<()> {
        match tokio::time::timeout(READ_OWN_WRITE, self.advance()).await {
            Ok(result) => result,
            Err(_) => {
                tracing::warn!("posture lags behind a write by more than {READ_OWN_WRITE:?}");
                Ok(())
            }
        }
    }

    /// Brings posture to the end of the log, however long that takes: for a command, beside which nobody
    /// follows the log, and which would else answer as if nothing had been written.
    pub async fn settle(&self) -> Result<()> {
        self.advance().await
    }

    /// Follows the log until the task is dropped.
    pub async fn follow(&self) {
        loop {
            let step = async {
                self.store.wait_change(self.snapshot().seq()).await?;
                self.advance().await
            };
            if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(30), step).await {
                tracing::error!(%error, "posture cannot follow the log; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            if self.clock.now() - self.coverage_at.load(Ordering::Relaxed) > COVERAGE_EVERY
                && let Err(error) = self.refresh_coverage().await
            {
                tracing::error!(%error, "coverage could not be computed");
            }
        }
    }

    async fn advance(&self) -> Result<()> {
        if !self.loaded.load(Ordering::Acquire) {
            return Ok(());
        }
        let _turn = self.applying.lock().await;
        loop {
            let (seq, recorded) = {
                let snapshot = self.snapshot();
                (snapshot.seq(), snapshot.recorded())
            };
            let head = self.store.head().await?;
            if head.seq == seq {
                return Ok(());
            }
            match self.store.changes_since(seq, recorded).await? {
                // New packages may bring ecosystems that the table does not have yet, and new feeds
                // judge them.
                Some(change) => {
                    self.apply(change).await?;
                    self.compute_coverage().await?;
                }
                None => {
                    tracing::info!(seq, "the log does not reach back to posture; loading again");
                    self.rebuild().await?;
                }
            }
        }
    }

    /// Loads everything into a new posture and shows that one when it is complete.
    async fn rebuild(&self) -> Result<()> {
        // What is read is built while the next part is on its way.
        let (parts, mut built) = tokio::sync::mpsc::channel(2);
        let building = tokio::task::spawn_blocking(move || {
            Posture::of(std::iter::from_fn(move || built.blocking_recv()))
        });
        let mut session = self.store.read().await?;
        let mut read = session.parts().await?;
        while let Some(part) = read.next().await? {
            // Who builds has ended only if it panicked, which is seen below.
            let _ = parts.send(self.ranked(part).await?).await;
        }
        drop(parts);
        self.posture.store(Arc::new(building.await?));
        self.changed.notify_one();
        self.compute_coverage().await
    }

    async fn apply(&self, change: Change) -> Result<()> {
        let change = self.ranked(change).await?;
        let posture = self.posture.load_full();
        tokio::task::spawn_blocking(move || posture.apply(change)).await.map_err(Error::internal)?;
        self.changed.notify_one();
        Ok(())
    }

    /// Keeps what posture works out about all assets at hand, until the task is dropped: after the
    /// start, after changes, and when exceptions begin or end. It takes at most a quarter of one
    /// processor's time while changes come one after the other.
    pub async fn keep_ready(&self) {
        loop {
            let (posture, now) = (self.posture.load_full(), self.clock.now());
            let begun = Instant::now();
            let refreshed = tokio::task::spawn_blocking(move || posture.snapshot().refresh(now)).await;
            if let Err(error) = refreshed {
                tracing::error!(%error, "indexes could not be made ready");
            }
            tokio::time::sleep((begun.elapsed() * 3).max(READY_PAUSE)).await;
            // What time alone changes is looked for as often as nothing else happens.
            let _ = tokio::time::timeout(READY_EVERY, self.changed.notified()).await;
        }
    }

    async fn ranked(&self, mut change: Change) -> Result<Change> {
        if !change.matches.is_empty() {
            ranking::rank(&mut change, &mut self.store.read().await?).await?;
        }
        Ok(change)
    }

    /// Computes the coverage word of every ecosystem again.
    async fn refresh_coverage(&self) -> Result<()> {
        let _turn = self.applying.lock().await;
        self.compute_coverage().await
    }

    async fn compute_coverage(&self) -> Result<()> {
        let now = self.clock.now();
        self.coverage_at.store(now, Ordering::Relaxed);
        let feeds = feed_facts(&self.store).await?;
        let snapshot = self.newest();
        let mut ecosystems: Vec<String> = feeds.iter().map(|f| f.ecosystem.clone()).collect();
        ecosystems.extend(snapshot.ecosystems_seen().into_iter().map(str::to_owned));
        ecosystems.sort_unstable();
        ecosystems.dedup();
        let table: Vec<_> = ecosystems
            .iter()
            .map(|ecosystem| coverage::of_ecosystem(ecosystem, &feeds, now, self.stale_after))
            .collect();
        if snapshot.ecosystems() != table.as_slice() {
            let change = Change {
                seq: snapshot.seq(),
                recorded: snapshot.recorded(),
                coverage: Some(table),
                ..Change::default()
            };
            self.apply(change).await?;
        }
        Ok(())
    }
}

/// What is loaded, per feed and ecosystem, as coverage wants it.
async fn feed_facts(store: &Store) -> Result<Vec<FeedFacts>> {
    let mut facts = Vec::new();
    for feed in store.read().await?.feeds().await? {
        // Records that could not be read may have been of any ecosystem.
        let complete = (feed.publisher_total > feed.records).then_some(u64::MAX);
        for (ecosystem, records) in feed.ecosystems {
            facts.push(FeedFacts {
                ecosystem,
                name: feed.name.clone(),
                records,
                complete,
                data_date: feed.data_date,
                starter: feed.starter,
                lists_unfixed: feed.kind == crate::feeds::VEX,
            });
        }
    }
    Ok(facts)
}
