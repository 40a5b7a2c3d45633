//! Facts as posture eats them: everything at once, what changed since a position, and how things
//! stood at an instant.

mod as_of;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use parapet_model::facts::{Change, MatchRow};
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AssetNo, ExceptionNo, Millis, PackageNo, SetNo, VulnerabilityNo};

pub use as_of::{AsOf, AsOfClock};

use crate::error::Result;
use crate::log::{Head, Kind};
use crate::session::Session;
use crate::sql::args;
use crate::store::Store;

const NEXT: &str = "SELECT next FROM counter WHERE name = $1";

/// Numbers read at a time, so that rows of the driver do not pile up beside the facts.
const CHUNK: u32 = 5_000;

/// Most log entries that are followed one by one; beyond it everything is read anew.
const MAX_FOLLOWED: u32 = 500_000;

/// Subjects to look at.
#[derive(Default)]
struct Subjects {
    packages: BTreeSet<PackageNo>,
    sets: BTreeSet<SetNo>,
    assets: BTreeSet<AssetNo>,
    matches: BTreeSet<PackageNo>,
    vulnerabilities: BTreeSet<VulnerabilityNo>,
    exceptions: BTreeSet<ExceptionNo>,
    enterprise_projects: bool,
}

impl Store {
    /// Everything, history included. On a large estate [`Session::parts`] needs less memory.
    pub async fn load_all(&self) -> Result<Change> {
        self.read().await?.load_all().await
    }

    /// Exceptions and enterprise projects, as they stand now: what is few on every estate.
    pub async fn load_small(&self) -> Result<Change> {
        let mut session = self.read().await?;
        let head = session.head().await?;
        session.load_small(&head).await
    }

    /// What changed after `seq`, the transaction of the instant `recorded`, up to now. `None` when the log no
    /// longer tells: it was trimmed, is too long to follow, or belongs to another store. Then load everything.
    ///
    /// A follower must also compare [`Store::epoch`] when it kept its state across restarts.
    pub async fn changes_since(&self, seq: u64, recorded: Millis) -> Result<Option<Change>> {
        let mut session = self.read().await?;
        let Some(entries) = session.log_since(seq, MAX_FOLLOWED).await? else { return Ok(None) };
        if entries.len() >= MAX_FOLLOWED as usize {
            return Ok(None);
        }
        let mut subjects = Subjects::default();
        for entry in entries {
            subjects.add(entry.kind, entry.subject);
        }
        let head = session.head().await?;
        session.read_subjects(&head, &subjects, recorded).await.map(Some)
    }
}

impl Subjects {
    fn add(&mut self, kind: Kind, subject: u32) {
        match kind {
            Kind::Package => drop(self.packages.insert(PackageNo(subject))),
            Kind::Set => drop(self.sets.insert(SetNo(subject))),
            Kind::Asset => drop(self.assets.insert(AssetNo(subject))),
            Kind::Matches => drop(self.matches.insert(PackageNo(subject))),
            Kind::Vulnerability => drop(self.vulnerabilities.insert(VulnerabilityNo(subject))),
            Kind::Exception => drop(self.exceptions.insert(ExceptionNo(subject))),
            Kind::EnterpriseProject => self.enterprise_projects = true,
            // What feeds judge is computed after every change; the others are followed elsewhere.
            // Compliance stays in SQL.
            Kind::Policy
            | Kind::Control
            | Kind::ControlResults
            | Kind::Feeds
            | Kind::Project
            | Kind::User
            | Kind::Role
            | Kind::Key
            | Kind::Registry
            | Kind::Setting => {}
        }
    }
}

/// Everything of one state in parts: each subject in one of them, what is named before what names it.
#[derive(Debug)]
pub struct Parts<'s> {
    session: &'s mut Session,
    head: Head,
    rest: VecDeque<Wanted>,
}

/// What a part holds.
#[derive(Debug)]
enum Wanted {
    /// Packages, what advisories say of them, and the vulnerabilities that these name.
    Judged,
    Sets(Range<u32>),
    Assets(Range<u32>),
    Small,
}

impl Parts<'_> {
    /// The next part; nothing after the last.
    pub async fn next(&mut self) -> Result<Option<Change>> {
        let (session, head) = (&mut *self.session, &self.head);
        let part = Change { seq: head.seq, recorded: head.recorded, ..Change::default() };
        let Some(wanted) = self.rest.pop_front() else { return Ok(None) };
        Ok(Some(match wanted {
            Wanted::Judged => session.load_judged(part).await?,
            Wanted::Sets(numbers) => {
                Change { sets: session.sets(&numbers.map(SetNo).collect::<Vec<_>>()).await?, ..part }
            }
            Wanted::Assets(numbers) => {
                Change { assets: session.assets(&numbers.map(AssetNo).collect::<Vec<_>>()).await?, ..part }
            }
            Wanted::Small => session.load_small(head).await?,
        }))
    }
}

impl Session {
    /// Everything, history included, in parts: what a server starts with.
    pub async fn parts(&mut self) -> Result<Parts<'_>> {
        let head = self.head().await?;
        let mut rest = VecDeque::from([Wanted::Judged]);
        rest.extend(self.number_chunks("package_set").await?.into_iter().map(Wanted::Sets));
        rest.extend(self.number_chunks("asset").await?.into_iter().map(Wanted::Assets));
        rest.push_back(Wanted::Small);
        Ok(Parts { session: self, head, rest })
    }

    async fn load_all(&mut self) -> Result<Change> {
        let (mut all, mut parts) = (Change::default(), self.parts().await?);
        while let Some(part) = parts.next().await? {
            let Change { seq, recorded, packages, sets, assets, matches, vulnerabilities, .. } = part;
            (all.seq, all.recorded) = (seq, recorded);
            all.packages.extend(packages);
            all.sets.extend(sets);
            all.assets.extend(assets);
            all.matches.extend(matches);
            all.vulnerabilities.extend(vulnerabilities);
            all.exceptions.extend(part.exceptions);
            all.enterprise_projects = part.enterprise_projects.or(all.enterprise_projects);
        }
        Ok(all)
    }

    async fn load_judged(&mut self, mut part: Change) -> Result<Change> {
        for numbers in self.number_chunks("package").await? {
            let numbers: Vec<PackageNo> = numbers.map(PackageNo).collect();
            part.packages.extend(self.packages(&numbers).await?);
            part.matches.extend(self.match_history(&numbers).await?);
        }
        part.vulnerabilities = self.vulnerabilities_matched(&part.matches, BTreeSet::new()).await?;
        Ok(part)
    }

    async fn load_small(&mut self, head: &Head) -> Result<Change> {
        let mut small = Change { seq: head.seq, recorded: head.recorded, ..Change::default() };
        for numbers in self.number_chunks("exception").await? {
            let numbers: Vec<ExceptionNo> = numbers.map(ExceptionNo).collect();
            small.exceptions.extend(self.exceptions_by_number(&numbers).await?);
        }
        small.enterprise_projects = Some(self.enterprise_projects().await?);
        Ok(small)
    }

    async fn read_subjects(&mut self, head: &Head, subjects: &Subjects, since: Millis) -> Result<Change> {
        let packages = Vec::from_iter(subjects.matches.iter().copied());
        let matches = self.matches_changed(&packages, since).await?;
        let vulnerabilities =
            self.vulnerabilities_matched(&matches, subjects.vulnerabilities.clone()).await?;
        Ok(Change {
            seq: head.seq,
            recorded: head.recorded,
            packages: self.packages(&Vec::from_iter(subjects.packages.iter().copied())).await?,
            sets: self.sets(&Vec::from_iter(subjects.sets.iter().copied())).await?,
            assets: self.assets(&Vec::from_iter(subjects.assets.iter().copied())).await?,
            matches,
            vulnerabilities,
            exceptions: self
                .exceptions_by_number(&Vec::from_iter(subjects.exceptions.iter().copied()))
                .await?,
            coverage: None,
            enterprise_projects: if subjects.enterprise_projects {
                Some(self.enterprise_projects().await?)
            } else {
                None
            },
        })
    }

    /// The vulnerabilities that matches name, and `others`, with those that stand for them. A store
    /// knows far more than that: every one that any advisory names.
    pub(super) async fn vulnerabilities_matched(
        &mut self,
        matches: &[(PackageNo, Vec<MatchRow>)],
        others: BTreeSet<VulnerabilityNo>,
    ) -> Result<Vec<Vulnerability>> {
        let mut named = others;
        named.extend(matches.iter().flat_map(|(_, rows)| rows).map(|row| row.vulnerability));
        let mut found = self.vulnerabilities(&Vec::from_iter(named.iter().copied())).await?;
        let canonical: BTreeSet<VulnerabilityNo> =
            found.iter().map(|v| v.canonical).filter(|no| !named.contains(no)).collect();
        found.extend(self.vulnerabilities(&Vec::from_iter(canonical)).await?);
        Ok(found)
    }

    /// All numbers ever given out for a counter, in chunks. They are dense, so asking for each is
    /// asking for all.
    async fn number_chunks(&mut self, counter: &str) -> Result<Vec<Range<u32>>> {
        let next = match self.fetch_one(NEXT, args![counter]).await? {
            Some(row) => row.fields("counter").u32("next")?,
            None => 1,
        };
        let starts = (1..next).step_by(CHUNK as usize);
        Ok(starts.map(|start| start..start.saturating_add(CHUNK).min(next)).collect())
    }
}
