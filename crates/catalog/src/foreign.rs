//! Traces of software that no reader understands yet.
//!
//! An image full of jars is not clean only because nobody reads jars. Each trace here becomes a
//! `NotRead` line of the inventory, and thereby the coverage word `not-scanned`.

use serde::{Deserialize, Serialize};

use crate::path::{file_name, split};

/// A kind of software that is recognised but not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Foreign {
    /// `Gemfile.lock`, installed gem specifications.
    Ruby,
    /// `composer.lock`, Composer's list of installed packages.
    Php,
    /// .NET dependency files.
    DotNet,
    /// Conda environments.
    Conda,
    /// Eggs of setuptools.
    Egg,
    /// Lock files of yarn and pnpm; they count where no module is installed beside them.
    NodeLock,
    /// pacman, opkg or Portage.
    OtherDistro,
    /// A Nix store.
    Nix,
}

impl Foreign {
    /// The word in [`parapet_model::inventory::DatabaseRead::kind`].
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Ruby => "ruby",
            Self::Php => "php",
            Self::DotNet => "dotnet",
            Self::Conda => "conda",
            Self::Egg => "python",
            Self::NodeLock => "npm",
            Self::OtherDistro => "distribution",
            Self::Nix => "nix",
        }
    }

    /// What it looks like, in words.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Ruby => "Ruby dependency list",
            Self::Php => "Composer dependency list",
            Self::DotNet => ".NET dependency list",
            Self::Conda => "Conda package record",
            Self::Egg => "Python egg",
            Self::NodeLock => "yarn or pnpm lock file",
            Self::OtherDistro => "package database of another distribution",
            Self::Nix => "Nix store database",
        }
    }

    /// Whether a distribution's package may own it.
    pub(crate) const fn is_language(self) -> bool {
        !matches!(self, Self::OtherDistro | Self::Nix)
    }
}

/// The kind that a path alone gives away.
pub(crate) fn of_path(path: &[u8]) -> Option<Foreign> {
    let (dir, name) = split(path);
    let under = |parent: &[u8]| file_name(dir) == parent;
    let exact = match name {
        b"Gemfile.lock" => Some(Foreign::Ruby),
        b"composer.lock" => Some(Foreign::Php),
        b"installed.json" if under(b"composer") => Some(Foreign::Php),
        b"packages.lock.json" => Some(Foreign::DotNet),
        b"yarn.lock" | b"pnpm-lock.yaml" => Some(Foreign::NodeLock),
        b"PKG-INFO" if dir.ends_with(b".egg-info") || under(b"EGG-INFO") => Some(Foreign::Egg),
        b"status" if matches!(dir, b"usr/lib/opkg" | b"var/lib/opkg") => Some(Foreign::OtherDistro),
        b"desc" if dir.starts_with(b"var/lib/pacman/local/") => Some(Foreign::OtherDistro),
        b"PF" if dir.starts_with(b"var/db/pkg/") => Some(Foreign::OtherDistro),
        b"db.sqlite" if dir == b"nix/var/nix/db" => Some(Foreign::Nix),
        _ => None,
    };
    exact.or_else(|| of_ending(dir, name))
}

fn of_ending(dir: &[u8], name: &[u8]) -> Option<Foreign> {
    let dot = memchr::memrchr(b'.', name)?;
    match name.get(dot..)? {
        b".egg-info" => Some(Foreign::Egg),
        b".gemspec" if file_name(dir) == b"specifications" => Some(Foreign::Ruby),
        b".json" if name.ends_with(b".deps.json") => Some(Foreign::DotNet),
        b".json" if file_name(dir) == b"conda-meta" && name != b"history" => Some(Foreign::Conda),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_give_software_away() {
        let cases = [
            ("usr/lib/ruby/gems/3.1.0/specifications/rake-13.gemspec", Some(Foreign::Ruby)),
            ("src/rake.gemspec", None),
            ("app/app.deps.json", Some(Foreign::DotNet)),
            ("usr/lib/python3/dist-packages/six.egg-info", Some(Foreign::Egg)),
            ("usr/lib/python3/dist-packages/six.egg-info/PKG-INFO", Some(Foreign::Egg)),
            ("usr/bin/jar", None),
        ];
        for (path, kind) in cases {
            assert_eq!(of_path(path.as_bytes()), kind, "{path}");
        }
    }
}
