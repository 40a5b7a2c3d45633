//! The table of package readers, and what a path means to them.
//!
//! A new reader is a folder with a `read` function, a variant of [`ReaderKind`] and a row of
//! [`READERS`]; one that reads its file here and there instead of whole stands in [`SPOOLED`].
//! [`parapet_model::READER_VERSION`] is raised with it, so that layers are read again.

use parapet_model::PackageKey;
use parapet_model::package::is_clean;
use serde::{Deserialize, Serialize};

use crate::blob::Blob;
use crate::foreign::{self, Foreign};
use crate::path::{RootedPath, lossy};
use crate::{apk, distro, dpkg, java, npm, program, python, rpm, rust, sbom};

/// Which reader understood a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReaderKind {
    /// Debian and its relatives.
    Dpkg,
    /// Alpine, Wolfi, Chainguard.
    Apk,
    /// Python distributions (`*.dist-info`).
    Python,
    /// Installed npm modules.
    Npm,
    /// npm lock files; they count where no module is installed beside them.
    NpmLock,
    /// RPM databases.
    Rpm,
    /// Changes to an RPM database that are not in it yet.
    RpmLog,
    /// The list that stands for an RPM database in images without one.
    RpmManifest,
    /// Go programs.
    GoProgram,
    /// Rust programs with a list of crates.
    RustProgram,
    /// `Cargo.lock`.
    CargoLock,
    /// Java archives.
    Java,
    /// SBOMs inside of an image: what they name counts where no other reader found it.
    Sbom,
}

/// One row of the table.
pub(crate) struct Reader {
    pub(crate) kind: ReaderKind,
    /// Whether the file at this path is for this reader.
    pub(crate) claims: fn(&[u8]) -> bool,
    /// Reads it.
    pub(crate) read: fn(&[u8]) -> Reading,
    /// Which database a claimed file is a part of: itself, or the directory that holds many.
    pub(crate) database: fn(&[u8]) -> &[u8],
}

/// All readers.
pub(crate) const READERS: &[Reader] = &[
    Reader { kind: ReaderKind::Dpkg, claims: dpkg::claims, read: dpkg::read, database: dpkg::database },
    Reader { kind: ReaderKind::Apk, claims: apk::claims, read: apk::read, database: itself },
    Reader {
        kind: ReaderKind::Python,
        claims: python::claims,
        read: python::read,
        database: python::database,
    },
    Reader { kind: ReaderKind::Npm, claims: npm::claims, read: npm::read, database: npm::database },
    Reader { kind: ReaderKind::NpmLock, claims: npm::lock::claims, read: npm::lock::read, database: itself },
    Reader {
        kind: ReaderKind::RpmManifest,
        claims: rpm::manifest::claims,
        read: rpm::manifest::read,
        database: itself,
    },
    Reader {
        kind: ReaderKind::CargoLock,
        claims: rust::lock::claims,
        read: rust::lock::read,
        database: itself,
    },
    Reader {
        kind: ReaderKind::Sbom,
        claims: sbom::witness::claims,
        read: sbom::witness::read,
        database: itself,
    },
];

/// Reads a file, given its path, and tells which files its packages own, one by one.
type ReadSpooled = fn(&[u8], &dyn Blob, &mut dyn FnMut(&[u8])) -> Reading;

/// A reader of files that are too large to be read whole, or not from start to end.
pub(crate) struct SpooledReader {
    pub(crate) kind: ReaderKind,
    /// Whether the file at this path is for this reader.
    pub(crate) claims: fn(&[u8]) -> bool,
    pub(crate) read: ReadSpooled,
    /// As in [`Reader`].
    pub(crate) database: fn(&[u8]) -> &[u8],
}

/// All of those. Programs are known by their first bytes instead (`program`).
pub(crate) const SPOOLED: &[SpooledReader] = &[
    SpooledReader {
        kind: ReaderKind::Rpm,
        claims: rpm::claims,
        read: |_, blob, owned| rpm::read(blob, owned),
        database: itself,
    },
    SpooledReader {
        kind: ReaderKind::RpmLog,
        claims: rpm::claims_log,
        read: |_, blob, _| rpm::read_log(blob),
        database: itself,
    },
    SpooledReader {
        kind: ReaderKind::Java,
        claims: java::claims,
        read: |path, blob, _| java::read(blob, path),
        database: java::database,
    },
];

fn itself(path: &[u8]) -> &[u8] {
    path
}

impl ReaderKind {
    /// The word in inventories.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Apk => "apk",
            Self::Python => "python",
            Self::Npm | Self::NpmLock => "npm",
            Self::Rpm | Self::RpmLog | Self::RpmManifest => "rpm",
            Self::GoProgram => "go",
            Self::RustProgram | Self::CargoLock => "rust",
            Self::Java => "java",
            Self::Sbom => "sbom",
        }
    }

    /// Whether it reads packages of a language, which a distribution's package may own.
    pub(crate) const fn is_language(self) -> bool {
        !matches!(self, Self::Dpkg | Self::Apk | Self::Rpm | Self::RpmLog | Self::RpmManifest)
    }

    /// Whether its files are known by what they hold, not by their paths.
    pub(crate) const fn is_program(self) -> bool {
        matches!(self, Self::GoProgram | Self::RustProgram)
    }

    /// What [`Reading::unknown`] is said of, for people.
    pub(crate) const fn unknown(self) -> &'static str {
        match self {
            Self::Java => "Java archives that do not say what they are",
            Self::GoProgram => "Go programs that do not say what they were built from",
            Self::Sbom => "SBOMs with entries that no advisory could speak of",
            _ => "files that say only a part",
        }
    }

    /// The row of the table.
    pub(crate) fn database(self, path: &[u8]) -> &[u8] {
        let spooled = || SPOOLED.iter().find(|r| r.kind == self).map(|r| r.database);
        let database = READERS.iter().find(|r| r.kind == self).map(|r| r.database).or_else(spooled);
        database.map_or(path, |database| database(path))
    }
}

/// What a reader found in one file. Packages of distributions carry the family `dpkg` or `apk` as
/// ecosystem until the release is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// The packages.
    pub packages: Vec<PackageKey>,
    /// Files that belong to those packages, as the database spells them.
    pub owned: Vec<Vec<u8>>,
    /// Why something could not be read; the packages beside it still count.
    pub problem: Option<String>,
    /// What the file holds beside the packages, but does not name: sound, and yet nobody can judge it.
    pub unknown: Option<String>,
}

impl Reading {
    /// A file of which nothing could be read.
    pub fn unreadable(why: impl Into<String>) -> Self {
        Self { problem: Some(why.into()), ..Self::default() }
    }

    /// What a distribution's database says; one that names nothing at all is no database that a
    /// system could be called clean by.
    pub(crate) fn database(mut self) -> Self {
        if self.packages.is_empty() && self.problem.is_none() {
            self.problem = Some("it names no package".to_owned());
        }
        self
    }

    /// Notes a problem; the first one is kept, with the number of further ones.
    pub(crate) fn complain(&mut self, problems: &mut u32, why: impl FnOnce() -> String) {
        *problems = problems.saturating_add(1);
        if self.problem.is_none() {
            self.problem = Some(why());
        }
    }

    /// Adds how many problems there were beyond the first.
    pub(crate) fn sum_up(mut self, problems: u32) -> Self {
        if problems > 1
            && let Some(problem) = &mut self.problem
        {
            problem.push_str(&format!(" (and {} more)", problems - 1));
        }
        self
    }
}

/// Takes a text from a database: UTF-8, no NUL, of sane length, and not empty. This is the reader's
/// door of store rule 8.
pub(crate) fn clean_text(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{:?} is not UTF-8", short(bytes)))?;
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if !is_clean(text) || text.chars().any(char::is_control) {
        return Err(format!("{:?} holds control characters or is too long", short(bytes)));
    }
    Ok(text)
}

/// The start of some bytes, for an error message.
pub(crate) fn short(bytes: &[u8]) -> String {
    lossy(bytes.get(..bytes.len().min(80)).unwrap_or_default())
}

/// What a path means.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Says which distribution this is.
    Release,
    /// Names packages.
    Database(&'static Reader),
    /// Names packages, and is read here and there.
    Spooled(&'static SpooledReader),
    /// Lists the files of a distribution's package.
    Ownership,
    /// Shows software that no reader understands yet.
    Foreign(Foreign),
}

/// The role of a normalised path, if it has one.
pub(crate) fn role(path: &[u8]) -> Option<Role> {
    if distro::is_release_file(path) {
        return Some(Role::Release);
    }
    if dpkg::lists_files(path) {
        return Some(Role::Ownership);
    }
    let whole = READERS.iter().find(|reader| (reader.claims)(path)).map(Role::Database);
    whole
        .or_else(|| SPOOLED.iter().find(|reader| (reader.claims)(path)).map(Role::Spooled))
        .or_else(|| foreign::of_path(path).map(Role::Foreign))
}

/// Whether a distribution's package that owns this path owns a language package with it.
pub(crate) fn is_language_file(path: &[u8]) -> bool {
    match role(path) {
        Some(Role::Database(reader)) => reader.kind.is_language(),
        Some(Role::Spooled(reader)) => reader.kind.is_language(),
        Some(Role::Foreign(kind)) => kind.is_language(),
        Some(Role::Release | Role::Ownership) | None => false,
    }
}

/// Reads one file as a layer with it would: by its path, or as a program by its first bytes. `None`
/// when no reader cares for it. Files that packages own are left out.
pub fn read_file(path: &[u8], bytes: &[u8]) -> Option<Reading> {
    match role(RootedPath::new(path).as_bytes()) {
        Some(Role::Database(reader)) => Some((reader.read)(bytes)),
        Some(Role::Spooled(reader)) => Some((reader.read)(path, &bytes, &mut |_| {})),
        Some(Role::Release | Role::Ownership | Role::Foreign(_)) => None,
        None => program::read(&bytes).map(|(_, reading)| reading),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_goes_to_its_reader() {
        let kind = |path: &str| match role(path.as_bytes()) {
            Some(Role::Database(reader)) => Some(reader.kind),
            Some(Role::Spooled(reader)) => Some(reader.kind),
            _ => None,
        };
        let cases = [
            ("var/lib/dpkg/status", Some(ReaderKind::Dpkg)),
            ("var/lib/dpkg/status.d/base-files", Some(ReaderKind::Dpkg)),
            ("var/lib/dpkg/status-old", None),
            ("lib/apk/db/installed", Some(ReaderKind::Apk)),
            ("usr/lib/python3/dist-packages/a-1.dist-info/METADATA", Some(ReaderKind::Python)),
            ("usr/lib/python3/dist-packages/a-1.dist-info/RECORD", None),
            ("app/node_modules/@s/a/package.json", Some(ReaderKind::Npm)),
            ("app/package.json", None),
            ("app/package-lock.json", Some(ReaderKind::NpmLock)),
            ("var/lib/rpm/rpmdb.sqlite", Some(ReaderKind::Rpm)),
            ("usr/lib/sysimage/rpm/Packages.db", Some(ReaderKind::Rpm)),
            ("home/rpmdb.sqlite", None),
            ("var/lib/rpmmanifest/container-manifest-2", Some(ReaderKind::RpmManifest)),
            ("src/Cargo.lock", Some(ReaderKind::CargoLock)),
            ("root/.cargo/registry/src/index/x-1/Cargo.lock", None),
            ("opt/app/lib/log4j-core-2.14.1.jar", Some(ReaderKind::Java)),
            ("usr/bin/jar", None),
            ("opt/bitnami/redis/.spdx-redis.spdx", Some(ReaderKind::Sbom)),
        ];
        for (path, expected) in cases {
            assert_eq!(kind(path), expected, "{path}");
        }
    }

    #[test]
    fn the_tables_have_one_row_for_each_kind() {
        let spooled = SPOOLED.iter().map(|r| r.kind);
        let mut kinds: Vec<ReaderKind> = READERS.iter().map(|r| r.kind).chain(spooled).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), READERS.len() + SPOOLED.len());
    }
}
