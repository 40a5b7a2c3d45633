//! The table: which reader a path is for.

use super::{ReaderKind, Reading};
use crate::blob::Blob;
use crate::path::split;
use crate::{
    apk, conan, conda, dart, dotnet, dpkg, go, hex, homebrew, java, nix, npm, php, python, r, rpm, ruby,
    rust, sbom, swift,
};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_one_row_for_each_kind() {
        let spooled = SPOOLED.iter().map(|r| r.kind);
        let mut kinds: Vec<ReaderKind> = READERS.iter().map(|r| r.kind).chain(spooled).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), READERS.len() + SPOOLED.len());
    }
}
