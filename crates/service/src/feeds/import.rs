//! Importing records: incremental, measured before it is believed, resumable.
//!
//! Batches of independent records are committed one by one, each with its matches; the feed's
//! "complete" mark comes last. An import that is killed is simply run again: what is in is
//! recognised by its hash.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parapet_model::advisory::Advisory;
use parapet_model::verdict::ClosingReason;
use parapet_model::{AdvisoryNo, Millis, Permission, Principal};
use parapet_store::advisories::{BATCH, NewAdvisory, PutOutcome};
use parapet_store::feeds::{Feed, FeedImport, FeedState};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Feeds;
use super::effect::Effect;
use super::reading::{Known, Seen, gone, read};
use super::source::{FeedFormat, FeedSource};
use crate::accounts::require;
use crate::audit;
use crate::error::Result;
use crate::jobs::Fence;
use crate::matcher::{self, MatchDelta};
use crate::pace::Pace;
use crate::vulnerabilities;

/// Fewest records in one transaction.
pub(super) const FEWEST: usize = 50;

/// How an import is done.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Name of the feed, when not the file's.
    pub name: Option<String>,
    /// Address it was loaded from, for `sync`.
    pub location: Option<String>,
    /// Entity tag of the download.
    pub etag: Option<String>,
    /// Measure and report, store nothing.
    pub preview: bool,
    /// Hold the import for a decision when it goes beyond.
    pub limits: Limits,
    /// The set written by us.
    pub starter: bool,
    /// Store only records that speak of these ecosystems and names; count all. For stand-alone scans.
    pub only: Option<Arc<HashSet<(String, String)>>>,
}

/// From which size on a change is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most findings it may open.
    pub max_opened: Option<u64>,
    /// Most findings it may close.
    pub max_closed: Option<u64>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Name of the feed.
    pub feed: String,
    /// `osv`, `csaf`, `vex`, `debian-tracker`, `updateinfo`, `kev` or `epss`.
    pub format: String,
    /// `unchanged`, `preview`, `held`, `accepted`, `rejected`, `rolled_back` or `imported`.
    pub outcome: String,
    /// Records read.
    pub records: u64,
    /// New ones.
    pub added: u64,
    /// Those that say something else.
    pub changed: u64,
    /// Withdrawn or gone.
    pub withdrawn: u64,
    /// Records that could not be read.
    pub failed: u64,
    /// Some of those, with the reason.
    pub failures: Vec<String>,
    /// Matches (package × vulnerability × advisory) opened.
    pub matches_opened: u64,
    /// Matches closed.
    pub matches_closed: u64,
    /// Findings opened: matches × current assets of all projects that hold the package.
    pub findings_opened: u64,
    /// Findings closed.
    pub findings_closed: u64,
    /// Some of the vulnerabilities that open or close most, with numbers of findings.
    pub examples: Vec<String>,
}

/// What a source says, compared with what is known of its feed.
#[derive(Clone, Copy)]
pub(super) struct Changes<'a> {
    source: &'a FeedSource,
    options: &'a ImportOptions,
    known: &'a Arc<Known>,
    /// Fingerprint of the source.
    pub(super) content_hash: &'a str,
}

impl Feeds<'_> {
    /// Imports one feed from disk.
    pub async fn import(
        &self,
        who: &Principal,
        source: &FeedSource,
        options: &ImportOptions,
        fence: Option<&Fence>,
    ) -> Result<ImportReport> {
        require(who, Permission::FeedsWrite)?;
        match source.format {
            FeedFormat::Kev => self.import_kev(who, source, options, fence).await,
            FeedFormat::Epss => self.import_epss(who, source, options, fence).await,
            _ => self.import_records(who, source, options, fence).await,
        }
    }

    async fn import_records(
        &self,
        who: &Principal,
        source: &FeedSource,
        options: &ImportOptions,
        fence: Option<&Fence>,
    ) -> Result<ImportReport> {
        let app = self.0;
        let name = options.name.clone().unwrap_or_else(|| source.name.clone());
        let kind = source.format.as_str();
        let mut report = ImportReport { feed: name.clone(), format: kind.to_owned(), ..Default::default() };
        let content_hash = self.fingerprint(source).await?;
        let existing = app.store.read().await?.feed_by_name(&name).await?;
        if let Some(feed) = &existing
            && feed.state == FeedState::Complete
            && feed.content_hash == content_hash
        {
            report.outcome = "unchanged".to_owned();
            report.records = feed.records;
            return Ok(report);
        }
        let known: Arc<Known> = Arc::new(match &existing {
            Some(feed) => app.store.read().await?.advisory_hashes(feed.no).await?,
            None => HashMap::new(),
        });
        let changes = Changes { source, options, known: &known, content_hash: &content_hash };
        if options.preview || options.limits != Limits::default() {
            self.measure(changes, &mut report).await?;
            if options.preview {
                report.outcome = "preview".to_owned();
                return Ok(report);
            }
            if let Some(why) = over(&report, options.limits) {
                return self.hold(who, report, why, changes, fence).await;
            }
        }
        let (feed, import) = self.begin(who, &name, kind, fence).await?;
        let report = ImportReport { feed: name, format: kind.to_owned(), ..Default::default() };
        self.apply(changes, (feed, import), report, fence).await
    }

    /// Reads everything and counts what storing it would change.
    async fn measure(&self, changes: Changes<'_>, report: &mut ImportReport) -> Result<()> {
        let (mut batches, reader) = changes.read();
        let mut effect = Effect::default();
        let snapshot = self.0.live().snapshot();
        // Records nobody has yet get numbers that no stored one can have.
        let mut unnumbered = u32::MAX;
        while let Some(batch) = batches.recv().await {
            let mut advisories = Vec::with_capacity(batch.len());
            for incoming in &batch {
                let stored = changes.known.get(&incoming.advisory.id);
                count_record(report, stored.is_some(), &incoming.advisory);
                let no = stored.map_or_else(
                    || {
                        unnumbered -= 1;
                        AdvisoryNo(unnumbered)
                    },
                    |(no, _)| *no,
                );
                advisories.push((no, standing(&incoming.advisory)));
            }
            let mut session = self.0.store.read().await?;
            let measured = matcher::measure(&mut session, &advisories).await?;
            effect.add(&snapshot, measured);
        }
        let seen = reader.await??;
        seen.report(report);
        let gone = changes.gone(&seen)?;
        for batch in gone.chunks(BATCH) {
            let advisories: Vec<_> = batch.iter().map(|no| (*no, None)).collect();
            let mut session = self.0.store.read().await?;
            effect.add(&snapshot, matcher::measure(&mut session, &advisories).await?);
        }
        report.withdrawn += gone.len() as u64;
        effect.report(report);
        Ok(())
    }

    async fn apply(
        &self,
        changes: Changes<'_>,
        (feed, import): (Feed, FeedImport),
        mut report: ImportReport,
        fence: Option<&Fence>,
    ) -> Result<ImportReport> {
        let (mut batches, reader) = changes.read();
        let snapshot = self.0.live().snapshot();
        let mut effect = Effect::default();
        let mut pace = Pace::between(FEWEST, BATCH);
        while let Some(batch) = batches.recv().await {
            for incoming in &batch {
                let known = changes.known.contains_key(&incoming.advisory.id);
                count_record(&mut report, known, &incoming.advisory);
            }
            effect.add(&snapshot, self.store(&feed, &batch, fence, &mut pace).await?);
        }
        let seen = reader.await??;
        seen.report(&mut report);
        let gone = changes.gone(&seen)?;
        for batch in gone.chunks(BATCH) {
            effect.add(&snapshot, self.withdraw_batch(&feed, batch, fence).await?);
        }
        report.withdrawn += gone.len() as u64;
        effect.report(&mut report);
        report.outcome = "imported".to_owned();
        self.overtake(feed.no, fence).await?;
        self.complete(changes.mark(feed, seen), import, &report, fence).await?;
        Ok(report)
    }

    /// The "complete" mark, which comes last. No import of the feed waits after it.
    pub(super) async fn complete(
        &self,
        mark: Feed,
        import: FeedImport,
        report: &ImportReport,
        fence: Option<&Fence>,
    ) -> Result<()> {
        let feed = mark.no;
        let mut tx = self.0.begin(fence).await?;
        let now = tx.recorded();
        let state = FeedState::Complete;
        tx.put_feed(&Feed { data_date: mark.data_date.min(now), state, updated: now, ..mark }).await?;
        let message = String::new();
        tx.put_import(&FeedImport { state, ended: now, message, ..report.counted(import) }).await?;
        tx.forget_waiting_import(feed).await?;
        tx.commit().await?;
        self.drop_kept(feed, fence).await?;
        self.0.live().catch_up().await
    }

    /// Takes records out that the publisher no longer has.
    pub(super) async fn withdraw_batch(
        &self,
        feed: &Feed,
        batch: &[AdvisoryNo],
        fence: Option<&Fence>,
    ) -> Result<MatchDelta> {
        let mut tx = self.0.begin(fence).await?;
        let gone = tx.withdraw_advisories(feed.no, batch).await?;
        let advisories: Vec<_> = gone.into_iter().map(|no| (no, None)).collect();
        let delta = matcher::match_advisories(&mut tx, &advisories, ClosingReason::Withdrawn).await?;
        tx.commit().await?;
        Ok(delta)
    }

    /// Stores records with their matches, in transactions that hold up nobody for long.
    pub(super) async fn store(
        &self,
        feed: &Feed,
        records: &[NewAdvisory],
        fence: Option<&Fence>,
        pace: &mut Pace,
    ) -> Result<MatchDelta> {
        let mut delta = MatchDelta::default();
        let mut rest = records;
        while !rest.is_empty() {
            let (batch, later) = pace.split(rest);
            let (changed, took) = self.store_batch(feed, batch, fence).await?;
            delta.extend(changed);
            pace.took(batch.len(), took);
            rest = later;
        }
        Ok(delta)
    }

    /// Stores records with their matches in one transaction; what changed, and how long it took.
    async fn store_batch(
        &self,
        feed: &Feed,
        batch: &[NewAdvisory],
        fence: Option<&Fence>,
    ) -> Result<(MatchDelta, Millis)> {
        let mut tx = self.0.begin(fence).await?;
        let began = self.0.now();
        let put = tx.put_advisories(feed.no, batch).await?;
        // A record that another feed holds in a newer form changes nothing.
        let advisories: Vec<(AdvisoryNo, &Advisory)> = put
            .puts
            .iter()
            .zip(batch)
            .filter(|(put, _)| matches!(put.outcome, PutOutcome::Added | PutOutcome::Changed))
            .map(|(put, new)| (put.no, &new.advisory))
            .collect();
        let at_hand = advisories.iter().copied().collect();
        let (stand, withdrawn): (Vec<_>, Vec<_>) = advisories.iter().partition(|(_, a)| a.withdrawn == 0);
        let stand: Vec<_> = stand.into_iter().map(|(no, a)| (no, Some(a))).collect();
        let withdrawn: Vec<_> = withdrawn.into_iter().map(|(no, _)| (no, None)).collect();
        let mut delta = matcher::match_advisories(&mut tx, &stand, ClosingReason::AdvisoryChanged).await?;
        if !withdrawn.is_empty() {
            delta.extend(matcher::match_advisories(&mut tx, &withdrawn, ClosingReason::Withdrawn).await?);
        }
        let records = batch.iter().map(|new| &new.advisory);
        vulnerabilities::refresh_joined(&mut tx, records, &at_hand, &put.joined).await?;
        tx.commit().await?;
        Ok((delta, self.0.now() - began))
    }

    /// Begins an import: the feed as it was before, and the new import.
    pub(super) async fn begin(
        &self,
        who: &Principal,
        name: &str,
        kind: &str,
        fence: Option<&Fence>,
    ) -> Result<(Feed, FeedImport)> {
        let mut tx = self.0.begin(fence).await?;
        let feed = tx.ensure_feed(name, kind).await?;
        let import = tx.begin_import(feed.no).await?;
        audit::event(&mut tx, who, "import", "feed", name, audit::NONE, audit::NONE).await?;
        tx.commit().await?;
        Ok((feed, import))
    }

    /// The content's hash with the matcher's version, so that a better matcher sees it as new.
    pub(super) async fn fingerprint(&self, source: &FeedSource) -> Result<String> {
        let source = source.clone();
        let hash = tokio::task::spawn_blocking(move || source.fingerprint()).await??;
        Ok(format!("{}-{}", hex::encode(hash), parapet_model::MATCHER_VERSION))
    }
}

/// A withdrawn record says nothing of any package.
fn standing(advisory: &Advisory) -> Option<&Advisory> {
    (advisory.withdrawn == 0).then_some(advisory)
}

fn count_record(report: &mut ImportReport, known: bool, advisory: &Advisory) {
    match (known, advisory.withdrawn != 0) {
        (true, true) => report.withdrawn += 1,
        (true, false) => report.changed += 1,
        (false, _) => report.added += 1,
    }
}

impl ImportReport {
    /// An import with these counts.
    pub(super) fn counted(&self, import: FeedImport) -> FeedImport {
        FeedImport {
            records: self.records,
            added: self.added,
            changed: self.changed,
            withdrawn: self.withdrawn,
            opened: self.matches_opened,
            closed: self.matches_closed,
            ..import
        }
    }
}

impl Changes<'_> {
    /// Reads the source on a thread of its own; only records that changed come through the channel.
    pub(super) fn read(&self) -> (mpsc::Receiver<Vec<NewAdvisory>>, JoinHandle<Result<Seen>>) {
        read(self.source, self.known, self.options)
    }

    /// Records of the feed that the publisher no longer has.
    pub(super) fn gone(&self, seen: &Seen) -> Result<Vec<AdvisoryNo>> {
        gone(self.known, seen, self.source, self.options)
    }

    /// The feed as it stands when all of this is in.
    pub(super) fn mark(&self, feed: Feed, seen: Seen) -> Feed {
        let Self { source, options, .. } = self;
        Feed {
            location: options.location.clone().unwrap_or_else(|| source.path.display().to_string()),
            etag: options.etag.clone().unwrap_or_default(),
            content_hash: if options.only.is_some() { String::new() } else { self.content_hash.to_owned() },
            records: seen.records,
            publisher_total: seen.records + seen.failed,
            data_date: seen.newest,
            starter: options.starter,
            ecosystems: seen.ecosystems.into_iter().collect(),
            ..feed
        }
    }
}

/// So many findings, in words.
pub(super) fn findings(number: u64) -> String {
    format!("{number} {}", if number == 1 { "finding" } else { "findings" })
}

fn over(report: &ImportReport, limits: Limits) -> Option<String> {
    let check = |what: &str, n: u64, limit: Option<u64>| {
        limit
            .filter(|limit| n > *limit)
            .map(|limit| format!("it would {what} {}, the limit is {limit}", findings(n)))
    };
    check("open", report.findings_opened, limits.max_opened)
        .or_else(|| check("close", report.findings_closed, limits.max_closed))
}
