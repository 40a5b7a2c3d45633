//! The readers of packages, and what a path means to them.
//!
//! A new reader is a folder with a `read` function, a variant of [`ReaderKind`] (`kind.rs`) and a row
//! of `READERS` (`table.rs`); one that reads its file here and there instead of whole stands in
//! `SPOOLED`. [`parapet_model::READER_VERSION`] is raised with it, so that layers are read again.

mod kind;
mod reading;
mod table;

pub(crate) use self::kind::Installed;
pub use self::kind::ReaderKind;
pub use self::reading::Reading;
pub(crate) use self::reading::{Gathered, clean_text, one, short};
pub(crate) use self::table::{READERS, Reader, SPOOLED, SpooledReader};

use crate::foreign::{self, Foreign};
use crate::path::RootedPath;
use crate::{distro, dpkg, program};

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
            ("opt/App.WAR", Some(ReaderKind::Java)),
            (".jar", None),
            ("usr/bin/jar", None),
            ("opt/bitnami/redis/.spdx-redis.spdx", Some(ReaderKind::Sbom)),
        ];
        for (path, expected) in cases {
            assert_eq!(kind(path), expected, "{path}");
        }
    }
}
