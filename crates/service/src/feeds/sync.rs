//! Brings feeds up to date from their addresses, with conditional requests.

use std::sync::Arc;

use parapet_fetch::{Download, Validators, download};
use parapet_model::job::JobKind;
use parapet_model::{Permission, Principal};
use parapet_store::feeds::FeedState;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Feeds;
use super::import::{ImportOptions, ImportReport, Limits};
use super::source::FeedSource;
use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::payload::{Payload, SyncFeedsJob};
use crate::jobs::{Fence, Outcome, Run};

/// Where the OSV project publishes one zip per ecosystem.
const OSV: &str = "https://storage.googleapis.com/osv-vulnerabilities";
/// Where CISA publishes the KEV catalogue.
const KEV: &str = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";
/// Where FIRST publishes EPSS scores.
const EPSS: &str = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz";

/// Families of packages that no public feed of OSV speaks of.
const WITHOUT_FEED: [&str; 9] =
    ["dpkg", "apk", "rpm", "Amazon Linux", "Oracle Linux", "conda", "brew", "nix", "cocoapods"];

/// Largest download of a feed, in bytes. The largest real one has under 300 MB.
const MAX_DOWNLOAD: u64 = 2 << 30;

/// A feed that anybody can load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicFeed {
    /// Its name here.
    pub name: String,
    /// Its address.
    pub url: String,
}

impl PublicFeed {
    /// The public feeds that judge packages of these ecosystems, and the two that enrich.
    pub fn for_ecosystems<'a>(ecosystems: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let families: std::collections::BTreeSet<&str> =
            ecosystems.into_iter().map(parapet_model::package::family_of).collect();
        let public = families.into_iter().filter(|family| !WITHOUT_FEED.contains(family));
        let osv = public.map(|family| Self {
            name: family.to_owned(),
            url: format!("{OSV}/{}/all.zip", family.replace(' ', "%20")),
        });
        let others = [("kev", KEV), ("epss", EPSS)]
            .map(|(name, url)| Self { name: name.to_owned(), url: url.to_owned() });
        osv.chain(others).collect()
    }
}

/// What became of one feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncReport {
    /// Its name.
    pub feed: String,
    /// What the import did, when there was one.
    pub import: Option<ImportReport>,
    /// Why it failed, or empty.
    pub error: String,
}

impl Feeds<'_> {
    /// Starts a job that brings feeds up to date; without names, all that have an address.
    pub async fn sync_job(&self, who: &Principal, feeds: Vec<String>, limits: Limits) -> Result<Uuid> {
        require(who, Permission::FeedsWrite)?;
        let key = feeds.join(",");
        let payload = Payload::SyncFeeds(SyncFeedsJob { feeds, limits });
        let mut tx = self.0.store.begin().await?;
        let jobs = self.0.jobs();
        let (scope, key) = (who.scope(), format!("sync {key}"));
        let job = jobs.enqueue(&mut tx, &scope, who, JobKind::ImportFeed, &payload, &key).await?;
        tx.commit().await?;
        jobs.wake();
        Ok(job)
    }

    /// Brings feeds up to date, one after another; a feed that fails does not stop the others.
    pub async fn sync(
        &self,
        who: &Principal,
        feeds: &[PublicFeed],
        limits: Limits,
        fence: Option<&Fence>,
    ) -> Result<Vec<SyncReport>> {
        require(who, Permission::FeedsWrite)?;
        let mut reports = Vec::new();
        for feed in feeds {
            reports.push(match self.sync_one(who, feed, limits, fence).await {
                Ok(import) => SyncReport { feed: feed.name.clone(), import, error: String::new() },
                Err(error @ Error::Store(parapet_store::Error::Fenced(_))) => return Err(error),
                Err(error) => SyncReport { feed: feed.name.clone(), import: None, error: error.to_string() },
            });
        }
        Ok(reports)
    }

    /// The feeds that were loaded from an address, as far as they are named.
    pub async fn synced(&self, names: &[String]) -> Result<Vec<PublicFeed>> {
        let known = self.0.store.read().await?.feeds().await?;
        if let Some(unknown) = names.iter().find(|name| !known.iter().any(|feed| feed.name == **name)) {
            return Err(Error::NotFound(format!("feed {unknown:?}")));
        }
        Ok(known
            .into_iter()
            .filter(|feed| feed.location.starts_with("http"))
            .filter(|feed| names.is_empty() || names.contains(&feed.name))
            .map(|feed| PublicFeed { name: feed.name, url: feed.location })
            .collect())
    }

    async fn sync_one(
        &self,
        who: &Principal,
        feed: &PublicFeed,
        limits: Limits,
        fence: Option<&Fence>,
    ) -> Result<Option<ImportReport>> {
        let app = self.0;
        let known = app.store.read().await?.feed_by_name(&feed.name).await?;
        let etag = known
            .filter(|known| known.state == FeedState::Complete && known.location == feed.url)
            .map(|known| known.etag)
            .filter(|etag| !etag.is_empty());
        let url =
            feed.url.parse().map_err(|_| Error::Invalid(format!("{:?} is not an address", feed.url)))?;
        let validators = Validators { etag, last_modified: None };
        let dir = tempfile::tempdir().map_err(|e| Error::file(&std::env::temp_dir(), e))?;
        match download(&app.client, &url, &validators, dir.path(), MAX_DOWNLOAD).await? {
            Download::NotModified => Ok(None),
            Download::File(file) => {
                let path = dir.path().join(if feed.url.ends_with(".zip") { "feed.zip" } else { "feed" });
                file.file.persist(&path).map_err(|e| Error::file(&path, e.error))?;
                let recognised = FeedSource::recognise(&path)?;
                let source = FeedSource { name: feed.name.clone(), ..recognised };
                let options = ImportOptions {
                    name: Some(feed.name.clone()),
                    location: Some(feed.url.clone()),
                    etag: file.validators.etag,
                    limits,
                    ..ImportOptions::default()
                };
                self.import(who, &source, &options, fence).await.map(Some)
            }
        }
    }
}

/// Runs a sync job.
pub(crate) async fn run(app: &Arc<App>, run: &Run, job: SyncFeedsJob) -> Result<Outcome> {
    let feeds = app.feeds().synced(&job.feeds).await?;
    run.progress.set_total(feeds.len() as u64);
    let reports = app.feeds().sync(&run.principal, &feeds, job.limits, Some(&run.fence)).await?;
    let failed: Vec<&str> = reports.iter().filter(|r| !r.error.is_empty()).map(|r| r.feed.as_str()).collect();
    if !failed.is_empty() && failed.len() == reports.len() {
        let first = reports.first().map(|r| r.error.clone()).unwrap_or_default();
        return Err(Error::Conflict(format!("no feed could be loaded: {first}")));
    }
    let result = serde_json::to_value(&reports).map_err(Error::internal)?;
    Ok(Outcome { tx: run.begin(app).await?, result })
}
