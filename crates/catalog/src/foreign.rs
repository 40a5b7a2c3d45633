//! Traces of software that no reader understands yet.
//!
//! An image full of jars is not clean only because nobody reads jars. Each trace here becomes a
//! `NotRead` line of the inventory, and thereby the coverage word `not-scanned`.

use serde::{Deserialize, Serialize};

use crate::path::split;

/// A kind of software that is recognised but not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Foreign {
    /// jar, war, ear.
    Java,
    /// An RPM database.
    Rpm,
    /// A Go program with build information.
    Go,
    /// `Cargo.lock`, or a program that carries one.
    Rust,
    /// Bun's lock file in its binary form of before `bun.lock`.
    BunBinary,
    /// pacman, opkg or Portage.
    OtherDistro,
}

impl Foreign {
    /// The word in [`parapet_model::inventory::DatabaseRead::kind`].
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Rpm => "rpm",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::BunBinary => "npm",
            Self::OtherDistro => "distribution",
        }
    }

    /// What it looks like, in words.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Java => "Java archive",
            Self::Rpm => "RPM database",
            Self::Go => "Go program",
            Self::Rust => "Rust dependency list",
            Self::BunBinary => "binary lock file of Bun",
            Self::OtherDistro => "package database of another distribution",
        }
    }

    /// Whether a distribution's package may own it.
    pub(crate) const fn is_language(self) -> bool {
        !matches!(self, Self::Rpm | Self::OtherDistro)
    }
}

/// The kind that a path alone gives away.
pub(crate) fn of_path(path: &[u8]) -> Option<Foreign> {
    let (dir, name) = split(path);
    let exact = match name {
        b"Packages" | b"Packages.db" | b"rpmdb.sqlite"
            if matches!(dir, b"var/lib/rpm" | b"usr/lib/sysimage/rpm" | b"usr/share/rpm") =>
        {
            Some(Foreign::Rpm)
        }
        b"Cargo.lock" => Some(Foreign::Rust),
        b"bun.lockb" => Some(Foreign::BunBinary),
        b"status" if matches!(dir, b"usr/lib/opkg" | b"var/lib/opkg") => Some(Foreign::OtherDistro),
        b"desc" if dir.starts_with(b"var/lib/pacman/local/") => Some(Foreign::OtherDistro),
        b"PF" if dir.starts_with(b"var/db/pkg/") => Some(Foreign::OtherDistro),
        _ => None,
    };
    exact.or_else(|| of_ending(name))
}

fn of_ending(name: &[u8]) -> Option<Foreign> {
    let dot = memchr::memrchr(b'.', name)?;
    match name.get(dot..)? {
        b".jar" | b".war" | b".ear" => Some(Foreign::Java),
        _ => None,
    }
}

/// Section names that give a program's origin away: Go's build information (`debug/buildinfo`), and
/// the dependency list that `cargo auditable` embeds.
const SECTIONS: [(&[u8], Foreign); 2] = [(b".go.buildinfo\0", Foreign::Go), (b".dep-v0\0", Foreign::Rust)];

/// Longest name in [`SECTIONS`].
const LONGEST: usize = 14;

/// First bytes of a program on Linux.
pub(crate) const ELF: &[u8; 4] = b"\x7fELF";

/// Looks for the section names in a program that passes by in pieces.
///
/// The section table may be anywhere in the file, so the whole of it is searched; that costs a
/// fraction of inflating it. A program that merely talks of such sections is taken for one: a
/// `NotRead` too many is better than one too few.
pub(crate) struct ProgramScan {
    finders: [(memchr::memmem::Finder<'static>, Foreign); 2],
    tail: Vec<u8>,
    found: Option<Foreign>,
}

impl ProgramScan {
    pub(crate) fn new() -> Self {
        let finders = SECTIONS.map(|(name, kind)| (memchr::memmem::Finder::new(name), kind));
        Self { finders, tail: Vec::with_capacity(2 * LONGEST), found: None }
    }

    /// Looks at the next piece.
    pub(crate) fn feed(&mut self, piece: &[u8]) {
        if self.found.is_some() {
            return;
        }
        // A name may lie across the border of two pieces.
        self.tail.extend_from_slice(piece.get(..piece.len().min(LONGEST)).unwrap_or_default());
        self.found = self.look(&self.tail).or_else(|| self.look(piece));
        if piece.len() >= LONGEST {
            self.tail.clear();
        }
        let keep = piece.len().min(LONGEST - 1);
        if piece.len() >= LONGEST {
            self.tail.extend_from_slice(piece.get(piece.len() - keep..).unwrap_or_default());
        } else {
            let surplus = self.tail.len().saturating_sub(LONGEST - 1);
            self.tail.drain(..surplus);
        }
    }

    fn look(&self, bytes: &[u8]) -> Option<Foreign> {
        self.finders.iter().find(|(finder, _)| finder.find(bytes).is_some()).map(|(_, kind)| *kind)
    }

    /// What it was.
    pub(crate) fn finish(self) -> Option<Foreign> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_give_software_away() {
        let cases = [
            ("opt/app/lib/log4j-core-2.14.1.jar", Some(Foreign::Java)),
            ("var/lib/rpm/rpmdb.sqlite", Some(Foreign::Rpm)),
            ("home/rpmdb.sqlite", None),
            ("src/Cargo.lock", Some(Foreign::Rust)),
            ("app/bun.lockb", Some(Foreign::BunBinary)),
            ("usr/bin/jar", None),
        ];
        for (path, kind) in cases {
            assert_eq!(of_path(path.as_bytes()), kind, "{path}");
        }
    }

    #[test]
    fn a_section_name_is_found_wherever_the_pieces_are_cut() {
        let mut program = ELF.to_vec();
        program.extend_from_slice(&[7; 50]);
        program.extend_from_slice(b".text\0.go.buildinfo\0.data\0");
        for size in 1..program.len() {
            let mut scan = ProgramScan::new();
            program.chunks(size).for_each(|piece| scan.feed(piece));
            assert_eq!(scan.finish(), Some(Foreign::Go), "pieces of {size}");
        }
        let mut scan = ProgramScan::new();
        scan.feed(b"\x7fELF.gopclntab\0");
        assert_eq!(scan.finish(), None);
    }
}
