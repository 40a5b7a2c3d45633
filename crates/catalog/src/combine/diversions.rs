//! Diversions: a file that a package lists may lie elsewhere, because another package or the
//! administrator has a file of their own at its place.
//!
//! Source: *dpkg-divert(1)*.

use std::collections::HashMap;

use super::view::View;
use crate::layer::contents::{Content, Diversion};
use crate::{dpkg, root};

/// The diversions in force, by the place that is diverted.
#[derive(Default)]
pub(super) struct Diversions<'a>(HashMap<&'a [u8], (&'a [u8], &'a Diversion)>);

impl<'a> Diversions<'a> {
    pub(super) fn new(view: &View<'a>) -> Self {
        let mut all = HashMap::new();
        for (path, versions) in view.files() {
            if let Some(Content::Diverted(diversions)) = versions.last().map(|top| top.content) {
                let root = root::of_database(path);
                all.extend(diversions.iter().map(|d| (d.from.as_bytes(), (root, d))));
            }
        }
        Self(all)
    }

    /// Where the file that `owner` lists at `file` lies.
    pub(super) fn place_of(&self, file: &'a [u8], owner: dpkg::Owner<'_>) -> &'a [u8] {
        match self.0.get(file) {
            Some((root, diversion)) if (*root, diversion.by.as_bytes()) != owner => diversion.to.as_bytes(),
            _ => file,
        }
    }
}
