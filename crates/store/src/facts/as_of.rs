//! How things stood at an instant (REVIEW A2, A8, B6).
//!
//! **Recorded**: what was known at `at`. Whatever was recorded later is left out, whatever ended
//! later is open. Covers presence, matches, references, exceptions, severity bands and *same as*.
//!
//! **Hindsight**: presence as *observed* at `at` × matches as known today. For an image the newest
//! reading counts, because its digest fixes what it shows; for a host the last look not after `at`,
//! whenever that was uploaded. Matches that are open today count as open since `at` at the latest.
//!
//! Both: coverage, titles, scores, KEV and EPSS are today's.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::asset::{AssetKind, ScanState};
use parapet_model::facts::{AssetRow, Change, LinkRow, MatchRow};
use parapet_model::time::{FOREVER, Interval, Millis};
use parapet_model::{AssetNo, ExceptionNo, PackageNo, SetNo};

use crate::assets::Observation;
use crate::error::Result;
use crate::log::Head;
use crate::session::Session;
use crate::store::Store;

/// Which clock `at` is read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOfClock {
    /// What did we know?
    Recorded,
    /// What was true, as far as we know today?
    Hindsight,
}

/// An instant, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// The instant.
    pub at: Millis,
    /// How it is meant.
    pub clock: AsOfClock,
    /// One asset (with the image it was started from), or the whole estate.
    pub asset: Option<AssetNo>,
}

impl Store {
    /// The facts as they stood: a posture built from them and asked for its present state answers
    /// for that instant. For one asset some milliseconds; for the estate as much as
    /// [`Store::load_all`], so that belongs in a job.
    pub async fn facts_as_of(&self, as_of: AsOf) -> Result<Change> {
        let mut session = self.read().await?;
        let head = session.head().await?;
        let mut all = match as_of.asset {
            Some(asset) => session.load_asset(&head, asset).await?,
            None => session.load_all().await?,
        };
        all.recorded = head.recorded.min(as_of.at);
        session.set_back_assets(&mut all.assets, as_of).await?;
        match as_of.clock {
            AsOfClock::Recorded => {
                all.matches = cut_matches(all.matches, as_of.at);
                session.vulnerabilities_as_of(&mut all.vulnerabilities, as_of.at).await?;
            }
            AsOfClock::Hindsight => all.matches = open_matches(all.matches, as_of.at),
        }
        let exceptions: Vec<ExceptionNo> = all.exceptions.iter().map(|exception| exception.no).collect();
        all.exceptions = session.exceptions_at(&exceptions, as_of.at).await?;
        Ok(all)
    }
}

impl Session {
    /// One asset with everything that touches it.
    async fn load_asset(&mut self, head: &Head, asset: AssetNo) -> Result<Change> {
        let mut all = Change { seq: head.seq, recorded: head.recorded, ..Change::default() };
        all.assets = self.assets(&[asset]).await?;
        let images: Vec<AssetNo> = all.assets.iter().filter_map(|asset| asset.image).collect();
        all.assets.extend(self.assets(&images).await?);
        let numbers: Vec<AssetNo> = all.assets.iter().map(|asset| asset.no).collect();
        let mut sets: BTreeSet<SetNo> =
            self.observations(&numbers).await?.into_iter().flat_map(|o| o.sets).map(|(set, _)| set).collect();
        sets.extend(all.assets.iter().flat_map(|asset| asset.links.iter().map(|link| link.set)));
        sets.extend(all.assets.iter().flat_map(|asset| asset.deltas.iter().map(|delta| delta.set)));
        all.sets = self.sets(&Vec::from_iter(sets)).await?;
        let packages: BTreeSet<PackageNo> =
            all.sets.iter().flat_map(|set| set.members.iter().copied()).collect();
        let packages = Vec::from_iter(packages);
        all.packages = self.packages(&packages).await?;
        all.matches = self.match_history(&packages).await?;
        all.vulnerabilities = self.vulnerabilities_matched(&all.matches, BTreeSet::new()).await?;
        for project in BTreeSet::from_iter(all.assets.iter().map(|asset| asset.project)) {
            all.exceptions.extend(self.exceptions(project, ExceptionNo(0), u32::MAX).await?);
        }
        all.enterprise_projects = Some(self.enterprise_projects().await?);
        Ok(all)
    }

    async fn set_back_assets(&mut self, assets: &mut Vec<AssetRow>, as_of: AsOf) -> Result<()> {
        let mut kept = Vec::with_capacity(assets.len());
        for chunk in assets.chunks(super::CHUNK as usize) {
            let numbers: Vec<AssetNo> = chunk.iter().map(|asset| asset.no).collect();
            let mut lives: BTreeMap<AssetNo, Vec<Interval>> = BTreeMap::new();
            for (asset, life) in self.former_lives(&numbers).await? {
                lives.entry(asset).or_default().push(life);
            }
            let mut looks: BTreeMap<AssetNo, Vec<Observation>> = BTreeMap::new();
            for look in self.observations(&numbers).await? {
                looks.entry(look.asset).or_default().push(look);
            }
            for asset in chunk {
                let mut lives = lives.remove(&asset.no).unwrap_or_default();
                lives.push(asset.held);
                let looks = looks.remove(&asset.no).unwrap_or_default();
                let asset = asset.clone();
                kept.extend(match as_of.clock {
                    AsOfClock::Recorded => as_known(asset, &lives, &looks, as_of.at),
                    AsOfClock::Hindsight => as_observed(asset, &lives, &looks, as_of.at),
                });
            }
        }
        *assets = kept;
        Ok(())
    }
}

/// The interval as it looked at `at`; `None` when it was not recorded yet.
fn cut(held: Interval, at: Millis) -> Option<Interval> {
    let to = if held.to > at { FOREVER } else { held.to };
    (held.from <= at).then_some(Interval { from: held.from, to })
}

fn as_known(mut asset: AssetRow, lives: &[Interval], looks: &[Observation], at: Millis) -> Option<AssetRow> {
    let life = lives.iter().find(|life| life.contains(at))?;
    asset.held = Interval::since(life.from);
    asset.links.retain_mut(|row| cut(row.held, at).map(|held| row.held = held).is_some());
    asset.deltas.retain_mut(|row| cut(row.held, at).map(|held| row.held = held).is_some());
    asset.references.retain_mut(|row| cut(row.held, at).map(|held| row.held = held).is_some());
    let known: Vec<&Observation> = looks.iter().filter(|look| look.recorded <= at).collect();
    match known.last() {
        Some(look) => {
            asset.observed = look.last_observed.min(at);
            asset.scanned = asset.scanned.min(at);
            asset.reader_version = look.reader_version;
        }
        None if asset.kind == AssetKind::Container => asset.observed = asset.observed.min(at),
        None => {
            asset.scan = ScanState::NotScanned;
            (asset.observed, asset.scanned, asset.reader_version) = (0, 0, 0);
            asset.databases.clear();
        }
    }
    Some(asset)
}

fn as_observed(
    mut asset: AssetRow,
    lives: &[Interval],
    looks: &[Observation],
    at: Millis,
) -> Option<AssetRow> {
    let first = looks.iter().map(|look| look.observed).min();
    let late = first.is_some_and(|first| first <= at);
    // A life that ended before `at` does not count; one recorded later does when it was observed.
    let life = lives.iter().find(|life| life.to > at && (life.from <= at || late))?;
    asset.held = Interval::since(life.from.min(at));
    asset.references.retain_mut(|row| {
        if life.from > at {
            // Uploaded later: the reference it came with.
            row.held = Interval::since(at);
            return true;
        }
        cut(row.held, at).map(|held| row.held = held).is_some()
    });
    let look = match asset.kind {
        AssetKind::Image => {
            looks.iter().max_by_key(|look| (look.reader_version, look.observed)).filter(|_| late)
        }
        AssetKind::Host | AssetKind::Container => looks.iter().rfind(|look| look.observed <= at),
    };
    asset.deltas.clear();
    asset.links.clear();
    match look {
        Some(look) => {
            let since = if asset.kind == AssetKind::Image { first.unwrap_or(at) } else { look.observed };
            asset.observed = look.last_observed.min(at);
            asset.scanned = asset.scanned.min(at);
            asset.reader_version = look.reader_version;
            let held = Interval::since(since.min(at));
            asset.links = look
                .sets
                .iter()
                .map(|(set, layer)| LinkRow { set: *set, layer: layer.clone(), held })
                .collect();
        }
        None if asset.kind == AssetKind::Container => asset.observed = asset.observed.min(at),
        None => {
            asset.scan = ScanState::NotScanned;
            (asset.observed, asset.scanned, asset.reader_version) = (0, 0, 0);
            asset.databases.clear();
        }
    }
    Some(asset)
}

type Matches = Vec<(PackageNo, Vec<MatchRow>)>;

fn cut_matches(matches: Matches, at: Millis) -> Matches {
    map_matches(matches, |mut row| {
        row.held = cut(row.held, at)?;
        if row.held.is_open() {
            row.closed = None;
        }
        Some(row)
    })
}

fn open_matches(matches: Matches, at: Millis) -> Matches {
    map_matches(matches, |mut row| {
        row.held.from = row.held.from.min(at);
        row.held.is_open().then_some(row)
    })
}

fn map_matches(matches: Matches, f: impl Fn(MatchRow) -> Option<MatchRow>) -> Matches {
    let rows = |(package, rows): (PackageNo, Vec<MatchRow>)| {
        (package, rows.into_iter().filter_map(&f).collect::<Vec<_>>())
    };
    matches.into_iter().map(rows).filter(|(_, rows)| !rows.is_empty()).collect()
}
