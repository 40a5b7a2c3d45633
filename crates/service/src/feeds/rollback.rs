//! Takes a feed back to what it said before its last import. Bad feed days are normal.

use parapet_model::advisory::Advisory;
use parapet_model::verdict::ClosingReason;
use parapet_model::{AdvisoryNo, Permission, Principal};
use parapet_store::advisories::{BATCH, NewAdvisory, PutOutcome};
use parapet_store::feeds::{Feed, FeedImport, FeedState};

use super::Feeds;
use super::effect::Effect;
use super::import::ImportReport;
use super::source::FeedFormat;
use crate::accounts::require;
use crate::audit;
use crate::error::{Error, Result};
use crate::matcher::{self, MatchDelta};
use crate::vulnerabilities::{AtHand, refresh_joined};

impl Feeds<'_> {
    /// Restores the state before the last complete import of a feed. Matches that the import opened
    /// close with reason `rolled_back`; those it closed open again. KEV and EPSS keep no history:
    /// import an older file instead.
    pub async fn rollback(&self, who: &Principal, name: &str) -> Result<ImportReport> {
        require(who, Permission::FeedsWrite)?;
        let (feed, last) = self.last_complete(name).await?;
        if [FeedFormat::Kev, FeedFormat::Epss].iter().any(|format| format.as_str() == feed.kind) {
            return Err(Error::Conflict(format!("{name} keeps no history; import an older file instead")));
        }
        let before = last.started - 1;
        let mut report = ImportReport {
            feed: name.to_owned(),
            format: feed.kind.clone(),
            outcome: "rolled_back".to_owned(),
            ..Default::default()
        };
        let snapshot = self.0.live().snapshot();
        let mut effect = Effect::default();
        let mut after = AdvisoryNo(0);
        loop {
            let mut session = self.0.store.read().await?;
            let (changes, next) = session.feed_changes_since(feed.no, before, after, BATCH as u32).await?;
            let put: Vec<_> = changes.iter().filter_map(|c| c.then.map(|hash| (c.no, hash))).collect();
            let gone: Vec<AdvisoryNo> = changes.iter().filter(|c| c.then.is_none()).map(|c| c.no).collect();
            let batch = session.records(&put).await?;
            drop(session);
            report.changed += batch.len() as u64;
            report.withdrawn += gone.len() as u64;
            effect.add(&snapshot, self.restore(&feed, &batch, &gone).await?);
            match next {
                Some(no) => after = no,
                None => break,
            }
        }
        effect.report(&mut report);
        self.overtake(feed.no, None).await?;
        self.mark_rolled_back(who, feed, last).await?;
        self.0.live().catch_up().await?;
        Ok(report)
    }

    async fn restore(&self, feed: &Feed, batch: &[NewAdvisory], gone: &[AdvisoryNo]) -> Result<MatchDelta> {
        let mut tx = self.0.store.begin().await?;
        let put = tx.put_advisories(feed.no, batch).await?;
        let withdrawn = tx.withdraw_advisories(feed.no, gone).await?;
        let current: AtHand<'_> = put
            .puts
            .iter()
            .zip(batch)
            .filter(|(put, _)| put.outcome != PutOutcome::Older)
            .map(|(put, new)| (put.no, &new.advisory))
            .collect();
        let restored: Vec<(AdvisoryNo, Option<&Advisory>)> = current
            .iter()
            .map(|(no, record)| (*no, (record.withdrawn == 0).then_some(*record)))
            .chain(withdrawn.into_iter().map(|no| (no, None)))
            .collect();
        let delta = matcher::match_advisories(&mut tx, &restored, ClosingReason::RolledBack).await?;
        refresh_joined(&mut tx, batch.iter().map(|new| &new.advisory), &current, &put.joined).await?;
        tx.commit().await?;
        Ok(delta)
    }

    /// The feed's mark is what it was before; without a content hash, so that the same file can be
    /// imported again.
    async fn mark_rolled_back(&self, who: &Principal, feed: Feed, last: FeedImport) -> Result<()> {
        let mut tx = self.0.store.begin().await?;
        let imports = tx.feed_imports(feed.no, Some(last.no), 100).await?;
        let previous = imports.into_iter().find(|import| import.state == FeedState::Complete);
        tx.put_feed(&Feed {
            content_hash: String::new(),
            etag: String::new(),
            records: previous.as_ref().map_or(0, |import| import.records),
            ..feed.clone()
        })
        .await?;
        tx.put_import(&FeedImport { state: FeedState::RolledBack, ..last }).await?;
        audit::event(&mut tx, who, "rollback", "feed", &feed.name, audit::NONE, audit::NONE).await?;
        tx.commit().await?;
        Ok(())
    }
}
