//! The final file system, as far as readers care: which files are visible, and which layers wrote
//! the visible file at each path.
//!
//! Source of the rules: OCI image specification, *Image Layer Filesystem Changeset*: whiteouts and
//! opaque markers hide what lower layers have, never what their own layer has.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::layer::LayerContents;
use crate::layer::contents::Content;
use crate::path::{self, with_ancestors};

/// One layer's version of a file.
#[derive(Clone, Copy)]
pub(super) struct Version<'a> {
    /// Number of the layer, from below.
    pub(super) layer: usize,
    pub(super) content: &'a Content,
}

/// See the module.
#[derive(Default)]
pub(super) struct View<'a> {
    /// Visible files with the versions since the path came into being, lowest first.
    files: BTreeMap<&'a [u8], Vec<Version<'a>>>,
    /// The paths of files ever seen and of the directories above them, by hash.
    places: HashMap<u64, &'a [u8]>,
}

impl<'a> View<'a> {
    /// Puts a layer on top.
    pub(super) fn apply(&mut self, layer: usize, contents: &'a LayerContents) {
        self.hide(contents);
        for file in &contents.files {
            let path = file.path.as_bytes();
            for place in with_ancestors(path) {
                if self.places.insert(path::hash(place), place).is_some() && place != path {
                    break;
                }
            }
            self.files.entry(path).or_default().push(Version { layer, content: &file.content });
        }
    }

    fn hide(&mut self, contents: &LayerContents) {
        if self.files.is_empty() {
            return;
        }
        for path in &contents.whiteouts {
            self.files.remove(path.as_bytes());
            self.remove_below(path.as_bytes());
        }
        for directory in &contents.opaque {
            self.remove_below(directory.as_bytes());
        }
        for directory in &contents.directories {
            self.files.remove(directory.as_bytes());
        }
        for cover in contents.covers.iter() {
            let Some(path) = self.places.get(&cover).copied() else { continue };
            self.remove_below(path);
            // A new version of a file that matters goes on top of the old one.
            if contents.files.binary_search_by(|file| file.path.as_bytes().cmp(path)).is_err() {
                self.files.remove(path);
            }
        }
    }

    fn remove_below(&mut self, directory: &[u8]) {
        if directory.is_empty() {
            self.files.clear();
            return;
        }
        let first = [directory, b"/"].concat();
        let last = [directory, b"0"].concat();
        let below = (Bound::Excluded(first.as_slice()), Bound::Excluded(last.as_slice()));
        let hidden: Vec<&[u8]> = self.files.range::<[u8], _>(below).map(|(path, _)| *path).collect();
        for path in hidden {
            self.files.remove(path);
        }
    }

    /// The visible files in the order of their paths.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'a [u8], &[Version<'a>])> {
        self.files.iter().map(|(path, versions)| (*path, versions.as_slice()))
    }
}
