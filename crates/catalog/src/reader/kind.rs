//! The kinds of readers, and what holds for each.

use serde::{Deserialize, Serialize};

use super::table::{READERS, SPOOLED};
use crate::path::{file_name, split};
use crate::{npm, php, python, ruby};

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
