//! What is installed, and which lock files it makes void.
//!
//! A lock file says what would be installed. Where something is installed, that is the truth: beside
//! the lock file where an ecosystem installs into the project (npm, Composer), by name where it
//! installs elsewhere (Python, Ruby, .NET, R, …). A lock file inside of what others published says
//! nothing of this system.

use std::collections::HashSet;

use parapet_model::PackageKey;

use super::view::View;
use crate::layer::contents::Content;
use crate::path::{split, with_ancestors};
use crate::reader::{Installed, ReaderKind};

/// See the module.
#[derive(Default)]
pub(super) struct Installations<'a> {
    /// Directories of projects with something installed, by the word of the reader.
    projects: HashSet<(&'static str, &'a [u8])>,
    /// Directories that package managers fill.
    trees: HashSet<Vec<u8>>,
    /// Ecosystem and name.
    names: HashSet<(&'a str, &'a str)>,
}

impl<'a> Installations<'a> {
    /// From the visible files; what a distribution's package owns is not the project's, but lock
    /// files in there are nobody's either.
    pub(super) fn new(view: &View<'a>, owned: &HashSet<&'a [u8]>) -> Self {
        let mut all = Self::default();
        for (path, versions) in view.files() {
            let Some(Content::Packages { kind, reading }) = versions.last().map(|top| top.content) else {
                continue;
            };
            // What an SBOM names may be installed; that it is, only other readers can tell.
            if !kind.is_language() || kind.lock().is_some() || *kind == ReaderKind::Sbom {
                continue;
            }
            all.trees.extend(kind.tree(path));
            all.projects.extend(kind.project(path).map(|project| (kind.as_str(), project)));
            if !owned.contains(path) {
                all.names.extend(reading.packages.iter().map(|p| (p.ecosystem.as_str(), p.name.as_str())));
            }
        }
        all
    }

    /// Whether a lock file does not count at all.
    pub(super) fn makes_void(&self, kind: ReaderKind, path: &[u8]) -> bool {
        (kind.lock() == Some(Installed::Beside) && self.is_beside(kind, path))
            || with_ancestors(split(path).0).any(|above| self.trees.contains(above))
    }

    /// Whether something of the reader's ecosystem is installed in the directory of a file.
    pub(super) fn is_beside(&self, kind: ReaderKind, path: &[u8]) -> bool {
        self.projects.contains(&(kind.as_str(), split(path).0))
    }

    /// Whether a package of this name is installed.
    pub(super) fn has(&self, package: &PackageKey) -> bool {
        self.names.contains(&(package.ecosystem.as_str(), package.name.as_str()))
    }
}
