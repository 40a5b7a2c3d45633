//! What became of each package database, gathered for people.

use std::collections::BTreeMap;

use parapet_model::inventory::{DatabaseRead, Distro, ReadOutcome};

use super::Judged;
use crate::foreign::Foreign;
use crate::path::lossy;
use crate::reader::ReaderKind;
use crate::root;

/// How many paths of unread software of one kind, or packages without a version, are named.
const NAMED: usize = 5;

/// Gathers the lines of [`parapet_model::inventory::Inventory::databases`].
#[derive(Default)]
pub(super) struct Summary<'a> {
    databases: BTreeMap<(ReaderKind, &'a [u8]), Read>,
    foreign: BTreeMap<Foreign, (usize, Vec<&'a [u8]>)>,
    unknown: BTreeMap<ReaderKind, Unknown<'a>>,
    /// A distribution without any database of packages.
    nameless: Option<String>,
}

/// Files that hold what they do not name: how many, and the first of them with what is said.
#[derive(Default)]
struct Unknown<'a> {
    count: usize,
    files: Vec<(&'a [u8], String)>,
}

#[derive(Default)]
struct Read {
    packages: u32,
    problem: Option<String>,
    further: u32,
    unjudged: usize,
    /// The first of them.
    named: Vec<String>,
}

impl<'a> Summary<'a> {
    /// Adds one file of a database.
    pub(super) fn database(&mut self, kind: ReaderKind, path: &'a [u8], judged: &Judged<'_>) {
        if let Some(unknown) = judged.unknown {
            let said = self.unknown.entry(kind).or_default();
            said.count += 1;
            if said.files.len() < NAMED {
                said.files.push((path, unknown.to_owned()));
            }
            // Nothing else is to be said of a file that names no package.
            if judged.is_empty() {
                return;
            }
        }
        let database = kind.database(path);
        let read = self.databases.entry((kind, database)).or_default();
        read.packages =
            read.packages.saturating_add(u32::try_from(judged.packages.len()).unwrap_or(u32::MAX));
        read.unjudged += judged.unjudged.len();
        let names = judged.unjudged.iter().map(|p| format!("{} ({})", p.name, p.version));
        read.named.extend(names.take(NAMED.saturating_sub(read.named.len())));
        let Some(problem) = judged.problem else { return };
        if read.problem.is_some() {
            read.further += 1;
        } else if database == path {
            read.problem = Some(problem.to_owned());
        } else {
            read.problem = Some(format!("{}: {problem}", lossy(path)));
        }
    }

    /// Adds one trace of unread software.
    pub(super) fn foreign(&mut self, kind: Foreign, path: &'a [u8]) {
        let (count, paths) = self.foreign.entry(kind).or_default();
        *count += 1;
        if paths.len() < NAMED {
            paths.push(path);
        }
    }

    /// A system whose files name a distribution has packages of it. Where no database of any is there
    /// (it was removed to make an image small), nobody knows them.
    pub(super) fn distribution(&mut self, distro: &Distro) {
        let is_one = |kind: ReaderKind| {
            matches!(
                kind,
                ReaderKind::Dpkg
                    | ReaderKind::Apk
                    | ReaderKind::Rpm
                    | ReaderKind::RpmManifest
                    | ReaderKind::Nix
            )
        };
        let own = |(kind, path): &(ReaderKind, &[u8])| is_one(*kind) && root::of_database(path).is_empty();
        if !self.databases.keys().any(own) && !self.foreign.contains_key(&Foreign::OtherDistro) {
            self.nameless = Some(distro.name.clone());
        }
    }

    /// The lines, sorted.
    pub(super) fn finish(self) -> Vec<DatabaseRead> {
        let read = self.databases.into_iter().flat_map(|((kind, path), read)| read.lines(kind, path));
        let foreign = self.foreign.into_iter().map(|(kind, (count, paths))| DatabaseRead {
            kind: kind.kind().to_owned(),
            path: paths.first().map(|path| lossy(path)).unwrap_or_default(),
            packages: 0,
            outcome: ReadOutcome::NotRead(not_read(kind, count, &paths)),
        });
        let unknown = self.unknown.into_iter().map(|(kind, said)| DatabaseRead {
            kind: kind.as_str().to_owned(),
            path: said.files.first().map(|(path, _)| lossy(path)).unwrap_or_default(),
            packages: 0,
            outcome: ReadOutcome::NotRead(said_in_part(kind, &said)),
        });
        let nameless = self.nameless.map(|name| DatabaseRead {
            kind: Foreign::OtherDistro.kind().to_owned(),
            path: "etc".to_owned(),
            packages: 0,
            outcome: ReadOutcome::NotRead(format!(
                "{name} without a database of its packages, which nobody knows"
            )),
        });
        let mut all: Vec<DatabaseRead> = read.chain(foreign).chain(unknown).chain(nameless).collect();
        all.sort_unstable();
        all
    }
}

impl Read {
    /// What was read or why not, and on a line of its own what cannot be judged.
    fn lines(self, kind: ReaderKind, path: &[u8]) -> impl Iterator<Item = DatabaseRead> {
        let line = |packages, outcome| DatabaseRead {
            kind: kind.as_str().to_owned(),
            path: lossy(path),
            packages,
            outcome,
        };
        let unjudged = (self.unjudged > 0).then(|| {
            let names = listed(&self.named, self.unjudged);
            line(0, ReadOutcome::NotRead(format!("no one version, which cannot be judged: {names}")))
        });
        let outcome = match (self.problem, self.further) {
            (None, _) => ReadOutcome::Read,
            (Some(problem), 0) => ReadOutcome::Unreadable(problem),
            (Some(problem), more) => ReadOutcome::Unreadable(format!("{problem} (and {more} more files)")),
        };
        [line(self.packages, outcome)].into_iter().chain(unjudged)
    }
}

/// Some names of many.
fn listed(names: &[String], count: usize) -> String {
    match count.saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn not_read(kind: Foreign, count: usize, paths: &[&[u8]]) -> String {
    let names: Vec<String> = paths.iter().map(|path| lossy(path)).collect();
    let names = listed(&names, count);
    format!("{}, which no reader understands yet: {names}", kind.describe())
}

fn said_in_part(kind: ReaderKind, said: &Unknown<'_>) -> String {
    let names: Vec<String> =
        said.files.iter().map(|(path, why)| format!("{} ({why})", lossy(path))).collect();
    format!("{}: {}", kind.unknown(), listed(&names, said.count))
}
