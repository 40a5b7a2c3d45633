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
use crate::path::{RootedPath, file_name, lossy, split};
use crate::{
    apk, conan, conda, dart, distro, dotnet, dpkg, go, hex, homebrew, java, nix, npm, php, program, python,
    r, rpm, ruby, rust, sbom, swift,
};

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
    /// `yarn.lock` of yarn 1 and later ones.
    Yarn,
    /// `pnpm-lock.yaml`.
    Pnpm,
    /// `bun.lock`.
    Bun,
    /// Python distributions of setuptools (`*.egg-info`, unpacked `*.egg`).
    PythonEgg,
    /// Python distributions as one file (`*.egg`).
    PythonEggFile,
    /// `requirements.txt`.
    Requirements,
    /// `Pipfile.lock`.
    Pipenv,
    /// `poetry.lock`.
    Poetry,
    /// `pdm.lock`.
    Pdm,
    /// `uv.lock`.
    Uv,
    /// `pylock.toml`.
    PyLock,
    /// Installed gems.
    Gem,
    /// `Gemfile.lock`.
    GemLock,
    /// What Composer installed.
    Composer,
    /// `composer.lock`.
    ComposerLock,
    /// .NET programs and frameworks (`*.deps.json`).
    DotNet,
    /// `packages.lock.json`.
    NuGetLock,
    /// `project.assets.json`.
    NuGetAssets,
    /// `packages.config`.
    NuGetConfig,
    /// `pubspec.lock`.
    PubLock,
    /// `mix.lock`.
    MixLock,
    /// `rebar.lock`.
    RebarLock,
    /// Installed R packages.
    R,
    /// `renv.lock`.
    RenvLock,
    /// `conan.lock`.
    ConanLock,
    /// `conaninfo.txt`.
    ConanInfo,
    /// Conda environments.
    Conda,
    /// Homebrew's Cellar.
    Homebrew,
    /// `go.mod`.
    GoMod,
    /// `Package.resolved`.
    SwiftLock,
    /// `Podfile.lock`.
    PodLock,
    /// Nix store paths.
    Nix,
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

/// Where what a lock file names would be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Installed {
    /// In a directory beside the lock file. What is there is the truth, and the lock file does not
    /// count at all.
    Beside,
    /// Anywhere in the file system. Where a package of the name is installed, that one is the truth.
    Anywhere,
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

impl Reader {
    /// Reads the file at a path. Homebrew writes name and version into the path only.
    pub(crate) fn read_at(&self, path: &[u8], bytes: &[u8]) -> Reading {
        let reading = (self.read)(bytes);
        match self.kind {
            ReaderKind::Homebrew if reading.problem.is_none() => homebrew::of_path(path),
            _ => reading,
        }
    }
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
    Reader { kind: ReaderKind::Yarn, claims: npm::yarn::claims, read: npm::yarn::read, database: itself },
    Reader { kind: ReaderKind::Pnpm, claims: npm::pnpm::claims, read: npm::pnpm::read, database: itself },
    Reader { kind: ReaderKind::Bun, claims: npm::bun::claims, read: npm::bun::read, database: itself },
    Reader {
        kind: ReaderKind::PythonEgg,
        claims: python::egg::claims,
        read: python::egg::read,
        database: python::egg::database,
    },
    Reader {
        kind: ReaderKind::PythonEggFile,
        claims: python::egg::claims_file,
        read: python::egg::read_file,
        database: parent,
    },
    Reader {
        kind: ReaderKind::Requirements,
        claims: python::requirements::claims,
        read: python::requirements::read,
        database: itself,
    },
    Reader {
        kind: ReaderKind::Pipenv,
        claims: python::pipenv::claims,
        read: python::pipenv::read,
        database: itself,
    },
    Reader {
        kind: ReaderKind::Poetry,
        claims: python::poetry::claims,
        read: python::poetry::read,
        database: itself,
    },
    Reader { kind: ReaderKind::Pdm, claims: python::pdm::claims, read: python::pdm::read, database: itself },
    Reader { kind: ReaderKind::Uv, claims: python::uv::claims, read: python::uv::read, database: itself },
    Reader {
        kind: ReaderKind::PyLock,
        claims: python::pylock::claims,
        read: python::pylock::read,
        database: itself,
    },
    Reader { kind: ReaderKind::Gem, claims: ruby::claims, read: ruby::read, database: ruby::database },
    Reader {
        kind: ReaderKind::GemLock,
        claims: ruby::lock::claims,
        read: ruby::lock::read,
        database: itself,
    },
    Reader { kind: ReaderKind::Composer, claims: php::claims, read: php::read, database: itself },
    Reader {
        kind: ReaderKind::ComposerLock,
        claims: php::lock::claims,
        read: php::lock::read,
        database: itself,
    },
    Reader { kind: ReaderKind::DotNet, claims: dotnet::claims, read: dotnet::read, database: itself },
    Reader {
        kind: ReaderKind::NuGetLock,
        claims: dotnet::lock::claims,
        read: dotnet::lock::read,
        database: itself,
    },
    Reader {
        kind: ReaderKind::NuGetAssets,
        claims: dotnet::claims_assets,
        read: dotnet::read,
        database: itself,
    },
    Reader {
        kind: ReaderKind::NuGetConfig,
        claims: dotnet::config::claims,
        read: dotnet::config::read,
        database: itself,
    },
    Reader { kind: ReaderKind::PubLock, claims: dart::claims, read: dart::read, database: itself },
    Reader { kind: ReaderKind::MixLock, claims: hex::mix::claims, read: hex::mix::read, database: itself },
    Reader {
        kind: ReaderKind::RebarLock,
        claims: hex::rebar::claims,
        read: hex::rebar::read,
        database: itself,
    },
    Reader { kind: ReaderKind::R, claims: r::claims, read: r::read, database: r::database },
    Reader { kind: ReaderKind::RenvLock, claims: r::renv::claims, read: r::renv::read, database: itself },
    Reader {
        kind: ReaderKind::ConanLock,
        claims: conan::lock::claims,
        read: conan::lock::read,
        database: itself,
    },
    Reader {
        kind: ReaderKind::ConanInfo,
        claims: conan::info::claims,
        read: conan::info::read,
        database: itself,
    },
    Reader { kind: ReaderKind::Conda, claims: conda::claims, read: conda::read, database: parent },
    Reader {
        kind: ReaderKind::Homebrew,
        claims: homebrew::claims,
        read: homebrew::read,
        database: homebrew::database,
    },
    Reader { kind: ReaderKind::GoMod, claims: go::claims, read: go::read, database: itself },
    Reader { kind: ReaderKind::SwiftLock, claims: swift::claims, read: swift::read, database: itself },
    Reader {
        kind: ReaderKind::PodLock,
        claims: swift::pods::claims,
        read: swift::pods::read,
        database: itself,
    },
    // No file is read for it: the collector takes the paths of the store.
    Reader { kind: ReaderKind::Nix, claims: nothing, read: nix::read, database: parent },
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

fn nothing(_: &[u8]) -> bool {
    false
}

fn parent(path: &[u8]) -> &[u8] {
    split(path).0
}

fn itself(path: &[u8]) -> &[u8] {
    path
}

impl ReaderKind {
    /// The word in inventories.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Apk => "apk",
            Self::Python
            | Self::PythonEgg
            | Self::PythonEggFile
            | Self::Requirements
            | Self::Pipenv
            | Self::Poetry
            | Self::Pdm
            | Self::Uv
            | Self::PyLock => "python",
            Self::Npm | Self::NpmLock | Self::Yarn | Self::Pnpm | Self::Bun => "npm",
            Self::Gem | Self::GemLock => "ruby",
            Self::Composer | Self::ComposerLock => "php",
            Self::DotNet | Self::NuGetLock | Self::NuGetAssets | Self::NuGetConfig => "dotnet",
            Self::PubLock => "dart",
            Self::MixLock | Self::RebarLock => "hex",
            Self::R | Self::RenvLock => "r",
            Self::ConanLock | Self::ConanInfo => "conan",
            Self::Conda => "conda",
            Self::Homebrew => "homebrew",
            Self::GoMod | Self::GoProgram => "go",
            Self::SwiftLock | Self::PodLock => "swift",
            Self::Nix => "nix",
            Self::Rpm | Self::RpmLog | Self::RpmManifest => "rpm",
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

    /// Where what this lock file names would be installed; `None` for what is installed itself.
    pub(crate) const fn lock(self) -> Option<Installed> {
        match self {
            Self::NpmLock | Self::Yarn | Self::Pnpm | Self::Bun | Self::ComposerLock => {
                Some(Installed::Beside)
            }
            Self::Requirements
            | Self::Pipenv
            | Self::Poetry
            | Self::Pdm
            | Self::Uv
            | Self::PyLock
            | Self::GemLock
            | Self::NuGetLock
            | Self::NuGetAssets
            | Self::NuGetConfig
            | Self::PubLock
            | Self::MixLock
            | Self::RebarLock
            | Self::RenvLock
            | Self::ConanLock
            | Self::GoMod
            | Self::SwiftLock
            | Self::PodLock
            | Self::CargoLock => Some(Installed::Anywhere),
            _ => None,
        }
    }

    /// Of an installed package's file: the directory of the project that it is installed in, whose
    /// lock files it makes void.
    pub(crate) fn project(self, path: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Npm => Some(split(npm::database(path)).0),
            Self::Composer => Some(php::project(path)),
            _ => None,
        }
    }

    /// Of an installed package's file: the directory in which a package manager puts what others
    /// wrote. Lock files in there were published along and say nothing of this system.
    pub(crate) fn tree(self, path: &[u8]) -> Option<Vec<u8>> {
        let called = |directory: &[u8], names: &[&[u8]]| {
            names.contains(&file_name(directory)).then(|| directory.to_vec())
        };
        match self {
            Self::Npm => Some(npm::database(path).to_vec()),
            // Elsewhere distributions may lie between the files of a project.
            Self::Python => called(python::database(path), &[b"site-packages", b"dist-packages"]),
            Self::Composer => called(split(split(path).0).0, &[b"vendor"]),
            Self::Gem => Some(ruby::tree(path)),
            _ => None,
        }
    }

    /// The database that a file is a part of, by the row of its table.
    pub(crate) fn database(self, path: &[u8]) -> &[u8] {
        let spooled = || SPOOLED.iter().find(|r| r.kind == self).map(|r| r.database);
        let database = READERS.iter().find(|r| r.kind == self).map(|r| r.database).or_else(spooled);
        database.map_or(path, |database| database(path))
    }
}

/// What a reader found in one file. Packages of distributions carry the family (`dpkg`, `apk`,
/// `rpm`) as ecosystem until the release is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// The packages.
    pub packages: Vec<PackageKey>,
    /// Files that belong to those packages, as the database spells them.
    pub owned: Vec<Vec<u8>>,
    /// Why something could not be read; the packages beside it still count.
    pub problem: Option<String>,
    /// What a list asks for without one exact version (which is the constraint here, or where it
    /// comes from). It is named as not judged.
    pub unjudged: Vec<PackageKey>,
    /// What the file holds beside the packages, but does not name: sound, and yet nobody can judge it.
    pub unknown: Option<String>,
}

impl Reading {
    /// A file of which nothing could be read.
    pub fn unreadable(why: impl Into<String>) -> Self {
        Self { problem: Some(why.into()), ..Self::default() }
    }

    /// Whether it names nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.unjudged.is_empty()
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

/// Most packages of one document; lock files of very large projects name some thousands.
const MAX_PACKAGES: usize = 50_000;

/// Gathers the packages of one document.
#[derive(Default)]
pub(crate) struct Gathered {
    reading: Reading,
    problems: u32,
    left_out: bool,
}

impl Gathered {
    /// Adds a package, or the reason why it is none.
    pub(crate) fn add(&mut self, ecosystem: &str, name: &str, version: &str) {
        if self.is_full() {
            return;
        }
        match key(ecosystem, name, version) {
            Ok(key) => self.reading.packages.push(key),
            Err(why) => self.complain(why),
        }
    }

    /// Adds what is asked for without one exact version: `wanted` is what there is instead.
    pub(crate) fn unjudged(&mut self, ecosystem: &str, name: &str, wanted: &str) {
        if self.is_full() {
            return;
        }
        let wanted = if wanted.is_empty() { "any version" } else { wanted };
        match key(ecosystem, name, wanted) {
            Ok(key) => self.reading.unjudged.push(key),
            Err(why) => self.complain(why),
        }
    }

    /// Whether no more is taken, which is said once.
    pub(crate) fn is_full(&mut self) -> bool {
        let full = self.reading.packages.len() + self.reading.unjudged.len() >= MAX_PACKAGES;
        if full && !std::mem::replace(&mut self.left_out, true) {
            self.complain(format!("it names more than {MAX_PACKAGES} packages; the rest is left out"));
        }
        full
    }

    /// Notes a problem.
    pub(crate) fn complain(&mut self, why: String) {
        self.reading.complain(&mut self.problems, || why);
    }

    /// What was gathered, each package once.
    pub(crate) fn finish(mut self) -> Reading {
        for list in [&mut self.reading.packages, &mut self.reading.unjudged] {
            list.sort_unstable();
            list.dedup();
        }
        self.reading.sum_up(self.problems)
    }
}

/// A document of one package: that, or why it is none.
pub(crate) fn one(ecosystem: &str, name: &str, version: &str) -> Reading {
    match key(ecosystem, name, version) {
        Ok(key) => Reading { packages: vec![key], ..Reading::default() },
        Err(why) => Reading::unreadable(why),
    }
}

/// A package by texts that came through [`clean_text`].
pub(crate) fn key(ecosystem: &str, name: &str, version: &str) -> Result<PackageKey, String> {
    let name = clean_text(name.as_bytes()).map_err(|e| format!("the name {e}"))?;
    let version = clean_text(version.as_bytes()).map_err(|e| format!("the version of {name} {e}"))?;
    Ok(PackageKey::new(ecosystem, name, version))
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
    if distro::release_file(path).is_some() {
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
    let rooted = RootedPath::new(path);
    let path = rooted.as_bytes();
    match role(path) {
        Some(Role::Database(reader)) => Some(reader.read_at(path, bytes)),
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
            ("jail/var/lib/rpm/Packages", Some(ReaderKind::Rpm)),
            ("var/lib/rpm/rpmdb.sqlite-wal", Some(ReaderKind::RpmLog)),
            ("srv/rpm/Packages", None),
            ("var/lib/rpmmanifest/container-manifest-2", Some(ReaderKind::RpmManifest)),
            ("src/go.mod", Some(ReaderKind::GoMod)),
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
