//! `Pipfile.lock`. The section `develop` is left out.
//!
//! Source: Pipenv's documentation, *Pipfile & Pipfile.lock*.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{add, is_elsewhere, unjudged};
use crate::format::json;
use crate::graph::is_development;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of Pipenv.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"Pipfile.lock"
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    version: Option<String>,
    markers: Option<String>,
    path: Option<String>,
    git: Option<String>,
    file: Option<String>,
}

/// The sections that are no lists of packages.
#[derive(Deserialize)]
#[serde(untagged)]
enum Section {
    Packages(BTreeMap<String, Entry>),
    Other(serde::de::IgnoredAny),
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    // Categories of one's own stand beside `default`; `_meta` has the shape of none.
    let lock: BTreeMap<String, Box<serde_json::value::RawValue>> = match json::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    if !lock.contains_key("default") {
        out.complain("it has no section \"default\"".to_owned());
    }
    for (category, section) in &lock {
        if category == "_meta" || is_development(category) {
            continue;
        }
        match serde_json::from_str::<Section>(section.get()) {
            Ok(Section::Packages(packages)) => packages.iter().for_each(|(name, e)| entry(name, e, &mut out)),
            _ => out.complain(format!("the section {category:?} is no list of packages")),
        }
    }
    out.finish()
}

fn entry(name: &str, entry: &Entry, out: &mut Gathered) {
    if entry.path.is_some() || entry.markers.as_deref().is_some_and(is_elsewhere) {
        return;
    }
    let version = entry.version.as_deref().unwrap_or_default();
    match version.strip_prefix("==") {
        Some(version) => add(out, name, version),
        None => {
            let from = entry.git.as_deref().or(entry.file.as_deref()).unwrap_or(version);
            unjudged(out, name, from);
        }
    }
}
