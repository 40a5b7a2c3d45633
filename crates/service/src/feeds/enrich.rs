//! KEV and EPSS: what is known of a CVE beside the advisories.

use parapet_matching::feed::{epss, kev};
use parapet_model::vulnerability::EpssScore;
use parapet_model::{Millis, Principal};
use parapet_store::feeds::{Feed, FeedImport, FeedState};

use super::Feeds;
use super::import::{ImportOptions, ImportReport};
use super::source::FeedSource;
use crate::error::{Error, Result};
use crate::jobs::Fence;

/// Scores written in one transaction.
const BATCH: usize = 2000;
/// Most scores of one file; the real one has some 300,000.
const MAX_SCORES: usize = 5_000_000;

impl Feeds<'_> {
    pub(super) async fn import_kev(
        &self,
        who: &Principal,
        source: &FeedSource,
        options: &ImportOptions,
        fence: Option<&Fence>,
    ) -> Result<ImportReport> {
        let mut report =
            ImportReport { feed: source.name.clone(), format: "kev".to_owned(), ..Default::default() };
        let content_hash = self.fingerprint(source).await?;
        if self.is_unchanged(&mut report, &content_hash).await? {
            return Ok(report);
        }
        let reader = source.clone();
        let catalogue = tokio::task::spawn_blocking(move || {
            kev::parse(reader.reader()?)
                .map_err(|e| Error::Invalid(format!("{}: {e}", reader.path.display())))
        })
        .await??;
        report.records = catalogue.entries.len() as u64;
        if options.preview {
            report.outcome = "preview".to_owned();
            return Ok(report);
        }
        let begun = self.begin(who, &source.name, "kev", fence).await?;
        let mut tx = self.0.begin(fence).await?;
        report.changed = tx.replace_kev(&catalogue.entries).await? as u64;
        tx.commit().await?;
        self.complete_enrichment(begun, source, options, content_hash, catalogue.released, report, fence)
            .await
    }

    pub(super) async fn import_epss(
        &self,
        who: &Principal,
        source: &FeedSource,
        options: &ImportOptions,
        fence: Option<&Fence>,
    ) -> Result<ImportReport> {
        let mut report =
            ImportReport { feed: source.name.clone(), format: "epss".to_owned(), ..Default::default() };
        let content_hash = self.fingerprint(source).await?;
        if self.is_unchanged(&mut report, &content_hash).await? {
            return Ok(report);
        }
        let reader = source.clone();
        let (scores, header) = tokio::task::spawn_blocking(move || {
            let mut scores: Vec<EpssScore> = Vec::new();
            let header = epss::parse(reader.reader()?, |score| {
                if scores.len() < MAX_SCORES {
                    scores.push(score);
                }
            })
            .map_err(|e| Error::Invalid(format!("{}: {e}", reader.path.display())))?;
            scores.sort_unstable_by(|a, b| a.cve.cmp(&b.cve));
            scores.dedup_by(|a, b| a.cve == b.cve);
            Ok::<_, Error>((scores, header))
        })
        .await??;
        report.records = scores.len() as u64;
        if options.preview {
            report.outcome = "preview".to_owned();
            return Ok(report);
        }
        let begun = self.begin(who, &source.name, "epss", fence).await?;
        for batch in scores.chunks(BATCH) {
            let mut tx = self.0.begin(fence).await?;
            report.changed += tx.put_epss(batch).await? as u64;
            tx.commit().await?;
        }
        report.withdrawn = self.remove_dropped(&scores, fence).await?;
        self.complete_enrichment(begun, source, options, content_hash, header.date, report, fence).await
    }

    /// Removes scores that the publisher no longer has.
    async fn remove_dropped(&self, scores: &[EpssScore], fence: Option<&Fence>) -> Result<u64> {
        let mut removed = 0;
        let mut after = String::new();
        loop {
            let stored = self.0.store.read().await?.epss_cves(&after, BATCH as u32).await?;
            let Some(last) = stored.last() else { return Ok(removed) };
            after.clone_from(last);
            let dropped: Vec<&str> = stored
                .iter()
                .map(String::as_str)
                .filter(|cve| scores.binary_search_by(|s| s.cve.as_str().cmp(cve)).is_err())
                .collect();
            if !dropped.is_empty() {
                let mut tx = self.0.begin(fence).await?;
                removed += tx.remove_epss(&dropped).await?;
                tx.commit().await?;
            }
        }
    }

    async fn is_unchanged(&self, report: &mut ImportReport, content_hash: &str) -> Result<bool> {
        let existing = self.0.store.read().await?.feed_by_name(&report.feed).await?;
        let same = existing.filter(|f| f.state == FeedState::Complete && f.content_hash == content_hash);
        if let Some(feed) = &same {
            report.outcome = "unchanged".to_owned();
            report.records = feed.records;
        }
        Ok(same.is_some())
    }

    async fn complete_enrichment(
        &self,
        (feed, import): (Feed, FeedImport),
        source: &FeedSource,
        options: &ImportOptions,
        content_hash: String,
        data_date: Millis,
        mut report: ImportReport,
        fence: Option<&Fence>,
    ) -> Result<ImportReport> {
        let mut tx = self.0.begin(fence).await?;
        let now = tx.recorded();
        tx.put_feed(&Feed {
            location: options.location.clone().unwrap_or_else(|| source.path.display().to_string()),
            etag: options.etag.clone().unwrap_or_default(),
            content_hash,
            records: report.records,
            publisher_total: 0,
            data_date: data_date.min(now),
            state: FeedState::Complete,
            updated: now,
            ..feed
        })
        .await?;
        tx.put_import(&FeedImport {
            state: FeedState::Complete,
            ended: now,
            records: report.records,
            changed: report.changed,
            withdrawn: report.withdrawn,
            ..import
        })
        .await?;
        tx.commit().await?;
        self.0.live().catch_up().await?;
        report.outcome = "imported".to_owned();
        Ok(report)
    }
}
