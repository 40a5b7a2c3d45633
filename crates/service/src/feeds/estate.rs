//! What judges the estate: its ecosystems with their feeds and ends of life, and when feeds were last asked
//! for.

use std::collections::BTreeMap;
use std::sync::Arc;

use parapet_matching::coverage::end_of_life;
use parapet_model::coverage::EcosystemCoverage;
use parapet_model::filter::{Field, Op};
use parapet_model::job::{JobKind, JobState};
use parapet_model::{AssetKind, Filter, Millis, Permission, Principal, Scope};
use parapet_posture::{AssetFilter, AssetSet, Snapshot};
use uuid::Uuid;

use super::{Feeds, SyncReport};
use crate::accounts::require;
use crate::error::Result;
use crate::jobs::About;

/// Jobs that are looked through for the last time each feed was asked for.
const LOOKED_THROUGH: u32 = 200;

/// An ecosystem whose packages current assets show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstateRelease {
    /// Its name with release, and what judges it.
    pub judged: EcosystemCoverage,
    /// First instant after its end of life; `None` for none known.
    pub ends: Option<Millis>,
    /// Current assets that show a package of it.
    pub assets: u64,
}

/// The last time a feed's address was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCheck {
    /// When, recorded time.
    pub at: Millis,
    /// Why it failed, or empty.
    pub error: String,
    /// The job that did it.
    pub job: Uuid,
}

impl Feeds<'_> {
    /// The ecosystems of the asker's current assets, by name.
    pub fn estate(&self, who: &Principal) -> Result<Vec<EstateRelease>> {
        require(who, Permission::FeedsRead)?;
        let (snapshot, scope, now) = (self.0.live().snapshot(), who.scope(), self.0.now());
        let seen = snapshot.ecosystems_seen();
        let mut out = Vec::new();
        for judged in snapshot.ecosystems().iter().filter(|row| seen.contains(row.ecosystem.as_str())) {
            let assets = showing(&snapshot, &scope, &judged.ecosystem, now).len();
            if assets > 0 {
                out.push(EstateRelease {
                    judged: judged.clone(),
                    ends: end_of_life(&judged.ecosystem),
                    assets,
                });
            }
        }
        Ok(out)
    }

    /// The asker's current assets that show a package of an ecosystem, with the state they were found in.
    pub fn assets_showing(&self, who: &Principal, ecosystem: &str) -> Result<(Arc<Snapshot>, AssetSet)> {
        require(who, Permission::FindingsRead)?;
        let snapshot = self.0.live().snapshot();
        let found = showing(&snapshot, &who.scope(), ecosystem, self.0.now());
        Ok((snapshot, found))
    }

    /// When the server last asked the address of each feed, by the feed's name, as far as the newest jobs
    /// tell.
    pub async fn checks(&self, who: &Principal) -> Result<BTreeMap<String, FeedCheck>> {
        require(who, Permission::FeedsRead)?;
        let mut session = self.0.store.read().await?;
        let (jobs, _) =
            session.watched_jobs(&who.scope(), Some(JobKind::ImportFeed), u32::MAX, LOOKED_THROUGH).await?;
        let with_address: Vec<String> = session
            .feeds()
            .await?
            .into_iter()
            .filter(|feed| feed.location.starts_with("http"))
            .map(|feed| feed.name)
            .collect();
        let mut out = BTreeMap::new();
        for job in jobs.iter().filter(|job| matches!(job.state, JobState::Succeeded | JobState::Failed)) {
            let about = About::of(job);
            if about.accepts {
                continue;
            }
            let reports: Vec<SyncReport> =
                job.result.as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
            let mut check = |feed: String, error: String| {
                out.entry(feed).or_insert(FeedCheck { at: job.ended, error, job: job.uuid });
            };
            if job.state == JobState::Failed {
                let asked = if about.feeds.is_empty() { with_address.clone() } else { about.feeds };
                asked.into_iter().for_each(|feed| check(feed, job.error.clone()));
            }
            reports.into_iter().for_each(|report| check(report.feed, report.error));
        }
        Ok(out)
    }

    /// From which age on a feed counts as stale.
    pub fn stale_after(&self) -> Millis {
        self.0.live().stale_after()
    }
}

fn showing(snapshot: &Snapshot, scope: &Scope, ecosystem: &str, now: Millis) -> AssetSet {
    let shows = AssetFilter::Shows(Filter::test(Field::Ecosystem, Op::Eq, ecosystem.to_owned()));
    let kinds = [AssetKind::Image, AssetKind::Container, AssetKind::Host];
    kinds
        .into_iter()
        .map(|kind| snapshot.select(scope, kind, &shows, now))
        .fold(AssetSet::new(), |a, b| a | b)
}
