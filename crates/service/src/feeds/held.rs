//! Imports held for a decision. What such an import would store is kept in the store, so that it can
//! be accepted later and elsewhere, whatever its publisher says by then. At most one import of a
//! feed waits; a later import or a rollback of the feed ends it, because what was measured no longer
//! holds.

use parapet_model::job::JobKind;
use parapet_model::{AdvisoryNo, Permission, Principal};
use parapet_store::advisories::{BATCH, WaitingImport};
use parapet_store::feeds::{Feed, FeedImport, FeedNo, FeedState};
use uuid::Uuid;

use super::Feeds;
use super::effect::Effect;
use super::import::{Changes, FEWEST, ImportReport};
use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::jobs::payload::{AcceptHeldJob, Payload};
use crate::jobs::{Fence, Outcome, Run};
use crate::pace::Pace;

/// Why an import ended that another one overtook.
const OVERTAKEN: &str = "a later import or a rollback of the feed took its place";

impl Feeds<'_> {
    /// Keeps what an import would store, and lets it wait. Nothing of it is in.
    pub(super) async fn hold(
        &self,
        who: &Principal,
        mut report: ImportReport,
        why: String,
        changes: Changes<'_>,
        fence: Option<&Fence>,
    ) -> Result<ImportReport> {
        report.outcome = "held".to_owned();
        report.failures.insert(0, why.clone());
        if let Some(feed) = self.0.store.read().await?.feed_by_name(&report.feed).await?
            && let Some(waiting) = self.0.store.read().await?.waiting_import(feed.no).await?
            && waiting.mark.content_hash == changes.content_hash
        {
            return Ok(report);
        }
        let (feed, import) = self.begin(who, &report.feed, &report.format, fence).await?;
        self.overtake(feed.no, fence).await?;
        let mark = self.keep(&feed, changes, fence).await?;
        let mut tx = self.0.begin(fence).await?;
        let (import_no, text) = (import.no, serde_json::to_string(&report).map_err(Error::internal)?);
        tx.put_waiting_import(&WaitingImport { import: import_no, mark, report: text }).await?;
        let ended = tx.recorded();
        let state = FeedState::Held;
        tx.put_import(&FeedImport { state, ended, message: why, ..report.counted(import) }).await?;
        // What was complete before stays so; only a feed that never was is marked.
        let state = if feed.updated == 0 { FeedState::Held } else { feed.state };
        tx.put_feed(&Feed { state, ..feed }).await?;
        tx.commit().await?;
        Ok(report)
    }

    /// Reads the source once more and keeps what differs; the feed as it would stand.
    async fn keep(&self, feed: &Feed, changes: Changes<'_>, fence: Option<&Fence>) -> Result<Feed> {
        let (mut batches, reader) = changes.read();
        let mut next = 1;
        while let Some(batch) = batches.recv().await {
            let mut tx = self.0.begin(fence).await?;
            tx.keep_waiting_records(feed.no, next, &batch).await?;
            tx.commit().await?;
            next += batch.len() as u32;
        }
        let seen = reader.await??;
        for batch in changes.gone(&seen)?.chunks(BATCH) {
            let mut tx = self.0.begin(fence).await?;
            tx.keep_waiting_withdrawals(feed.no, batch).await?;
            tx.commit().await?;
        }
        Ok(changes.mark(feed.clone(), seen))
    }

    /// Starts a job that accepts the import of a feed that waits.
    pub async fn accept_job(&self, who: &Principal, name: &str) -> Result<Uuid> {
        require(who, Permission::FeedsWrite)?;
        self.waiting(name).await?;
        let payload = Payload::AcceptHeld(AcceptHeldJob { feed: name.to_owned() });
        let (jobs, scope, key) = (self.0.jobs(), who.scope(), format!("accept {name}"));
        let mut tx = self.0.store.begin().await?;
        let job = jobs.enqueue(&mut tx, &scope, who, JobKind::ImportFeed, &payload, &key).await?;
        tx.commit().await?;
        jobs.wake();
        Ok(job)
    }

    /// Stores what the import of a feed that waits would have stored. One that is killed half-way
    /// still waits, and can be accepted again.
    pub async fn accept(&self, who: &Principal, name: &str, fence: Option<&Fence>) -> Result<ImportReport> {
        require(who, Permission::FeedsWrite)?;
        let (feed, waiting, import) = self.waiting(name).await?;
        let measured = read_report(&waiting)?;
        let mut tx = self.0.begin(fence).await?;
        audit::event(&mut tx, who, "accept", "feed", name, audit::NONE, audit::NONE).await?;
        tx.commit().await?;
        let snapshot = self.0.live().snapshot();
        let mut effect = Effect::default();
        let mut pace = Pace::between(FEWEST, BATCH);
        let mut position = 0;
        loop {
            let page = self.0.store.read().await?.waiting_records(feed.no, position).await?;
            let Some((last, _)) = page.last() else { break };
            position = *last;
            let batch: Vec<_> = page.into_iter().map(|(_, record)| record).collect();
            effect.add(&snapshot, self.store(&feed, &batch, fence, &mut pace).await?);
        }
        let mut after = AdvisoryNo(0);
        loop {
            let gone = self.0.store.read().await?.waiting_withdrawals(feed.no, after).await?;
            let Some(last) = gone.last() else { break };
            after = *last;
            effect.add(&snapshot, self.withdraw_batch(&feed, &gone, fence).await?);
        }
        let mut report = ImportReport { outcome: "accepted".to_owned(), examples: Vec::new(), ..measured };
        effect.report(&mut report);
        let mark = Feed { no: feed.no, ..waiting.mark };
        self.complete(mark, import, &report, fence).await?;
        Ok(report)
    }

    /// Turns the import of a feed that waits down; nothing of it stays.
    pub async fn reject(&self, who: &Principal, name: &str) -> Result<ImportReport> {
        require(who, Permission::FeedsWrite)?;
        let (feed, waiting, import) = self.waiting(name).await?;
        let report = ImportReport { outcome: "rejected".to_owned(), ..read_report(&waiting)? };
        let mut tx = self.0.store.begin().await?;
        tx.forget_waiting_import(feed.no).await?;
        tx.put_import(&FeedImport { state: FeedState::Rejected, ..import }).await?;
        if feed.state == FeedState::Held {
            tx.put_feed(&Feed { state: FeedState::Rejected, ..feed.clone() }).await?;
        }
        audit::event(&mut tx, who, "reject", "feed", name, audit::NONE, audit::NONE).await?;
        tx.commit().await?;
        self.drop_kept(feed.no, None).await?;
        Ok(report)
    }

    /// Ends the import of a feed that waits, if there is one, because the feed moves on without it.
    pub(super) async fn overtake(&self, feed: FeedNo, fence: Option<&Fence>) -> Result<()> {
        let mut tx = self.0.begin(fence).await?;
        if let Some(waiting) = tx.waiting_import(feed).await? {
            tx.forget_waiting_import(feed).await?;
            if let Some(import) = tx.feed_import(waiting.import).await? {
                let (state, message) = (FeedState::Rejected, OVERTAKEN.to_owned());
                tx.put_import(&FeedImport { state, message, ..import }).await?;
            }
            tx.commit().await?;
        } else {
            drop(tx);
        }
        self.drop_kept(feed, fence).await
    }

    /// Removes what was kept, in small transactions; also what a killed import left.
    pub(super) async fn drop_kept(&self, feed: FeedNo, fence: Option<&Fence>) -> Result<()> {
        loop {
            if self.0.store.read().await?.has_kept(feed).await? {
                let mut tx = self.0.begin(fence).await?;
                tx.drop_waiting(feed).await?;
                tx.commit().await?;
            } else {
                return Ok(());
            }
        }
    }

    async fn waiting(&self, name: &str) -> Result<(Feed, WaitingImport, FeedImport)> {
        let mut session = self.0.store.read().await?;
        let feed = session.feed_by_name(name).await?;
        let feed = feed.ok_or_else(|| Error::NotFound(format!("feed {name:?}")))?;
        let none = || Error::Conflict(format!("no import of feed {name:?} is held"));
        let waiting = session.waiting_import(feed.no).await?.ok_or_else(none)?;
        let import = session.feed_import(waiting.import).await?.ok_or_else(none)?;
        Ok((feed, waiting, import))
    }
}

/// What was measured.
pub(super) fn read_report(waiting: &WaitingImport) -> Result<ImportReport> {
    serde_json::from_str(&waiting.report).map_err(Error::internal)
}

/// Runs the job that accepts.
pub(crate) async fn run_accept(app: &App, run: &Run, job: AcceptHeldJob) -> Result<Outcome> {
    let report = app.feeds().accept(&run.principal, &job.feed, Some(&run.fence)).await?;
    let result = serde_json::to_value(&report).map_err(Error::internal)?;
    Ok(Outcome { tx: run.begin(app).await?, result })
}
