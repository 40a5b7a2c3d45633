//! Traces of software that no reader understands yet.
//!
//! A system is not clean only because nobody reads its package database. Each trace here becomes a
//! `NotRead` line of the inventory, and thereby the coverage word `not-scanned`.

use serde::{Deserialize, Serialize};

use crate::path::split;

/// A kind of software that is recognised but not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Foreign {
    /// Bun's lock file in its binary form of before `bun.lock`.
    BunBinary,
    /// pacman, opkg or Portage.
    OtherDistro,
}

impl Foreign {
    /// The word in [`parapet_model::inventory::DatabaseRead::kind`].
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::BunBinary => "npm",
            Self::OtherDistro => "distribution",
        }
    }

    /// What it looks like, in words.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::BunBinary => "binary lock file of Bun",
            Self::OtherDistro => "package database of another distribution",
        }
    }

    /// Whether a distribution's package may own it.
    pub(crate) const fn is_language(self) -> bool {
        !matches!(self, Self::OtherDistro)
    }
}

/// The kind that a path alone gives away.
pub(crate) fn of_path(path: &[u8]) -> Option<Foreign> {
    let (dir, name) = split(path);
    match name {
        b"bun.lockb" => Some(Foreign::BunBinary),
        b"status" if matches!(dir, b"usr/lib/opkg" | b"var/lib/opkg") => Some(Foreign::OtherDistro),
        b"desc" if dir.starts_with(b"var/lib/pacman/local/") => Some(Foreign::OtherDistro),
        b"PF" if dir.starts_with(b"var/db/pkg/") => Some(Foreign::OtherDistro),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_give_software_away() {
        let cases = [
            ("app/bun.lockb", Some(Foreign::BunBinary)),
            ("usr/lib/opkg/status", Some(Foreign::OtherDistro)),
            ("var/lib/pacman/local/bash-5.2-1/desc", Some(Foreign::OtherDistro)),
            ("usr/bin/jar", None),
        ];
        for (path, kind) in cases {
            assert_eq!(of_path(path.as_bytes()), kind, "{path}");
        }
    }
}
