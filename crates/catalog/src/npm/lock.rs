//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1, 2 and 3.
//!
//! A lock file says what `npm ci` would install. Where modules are installed beside it, those are
//! the truth and the lock file does not count; that is decided when layers are combined. Links
//! point to the project's own code and are left out; so are development dependencies, which
//! `npm ci --omit=dev` leaves out of the images that lock files are copied into. Lock files inside
//! of modules were published by accident and do not count either.
//!
//! Source: npm's documentation, *package-lock.json*.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::json;
use crate::path::split;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of a project.
pub(crate) fn claims(path: &[u8]) -> bool {
    let (dir, name) = split(path);
    matches!(name, b"package-lock.json" | b"npm-shrinkwrap.json")
        && !dir.split(|&b| b == b'/').any(|part| part == b"node_modules")
}

#[derive(Deserialize)]
struct Lock {
    /// Versions 2 and 3: by path, the project itself under the empty one.
    #[serde(default)]
    packages: Option<BTreeMap<String, Entry>>,
    /// Version 1 (and 2, for old clients): a tree by name.
    #[serde(default)]
    dependencies: Option<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    dev: bool,
    /// In version 1 a tree; in `packages` a map from name to range, of no interest.
    #[serde(default)]
    dependencies: Option<Box<RawValue>>,
}

/// Trees of version 1 are read one level at a time, as long as they are not deeper than any real one.
const MAX_DEPTH: usize = 64;

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match json::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    match (lock.packages, lock.dependencies) {
        (Some(packages), _) => flat(packages, &mut out),
        (None, Some(dependencies)) => tree(dependencies, &mut out),
        (None, None) => {}
    }
    out.finish()
}

fn flat(packages: BTreeMap<String, Entry>, out: &mut Gathered) {
    for (path, entry) in packages {
        let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
        add(entry.name.as_deref().unwrap_or(name), &entry, out);
    }
}

fn tree(dependencies: BTreeMap<String, Entry>, out: &mut Gathered) {
    let mut rest: Vec<(usize, String, Entry)> =
        dependencies.into_iter().map(|(name, entry)| (1, name, entry)).collect();
    while let Some((depth, name, mut entry)) = rest.pop() {
        add(&name, &entry, out);
        let Some(inner) = entry.dependencies.take() else { continue };
        if depth >= MAX_DEPTH {
            out.complain(format!("the dependencies of {name} are nested deeper than {MAX_DEPTH}"));
            continue;
        }
        match serde_json::from_str::<BTreeMap<String, Entry>>(inner.get()) {
            Ok(inner) => rest.extend(inner.into_iter().map(|(name, entry)| (depth + 1, name, entry))),
            Err(e) => out.complain(format!("the dependencies of {name}: {e}")),
        }
    }
}

fn add(name: &str, entry: &Entry, out: &mut Gathered) {
    let version = entry.version.as_deref().unwrap_or_default();
    // A directory of the project (`file:`), optional and not there, or not for production.
    if entry.link || entry.dev || version.is_empty() || version.starts_with("file:") {
        return;
    }
    // `npm:real@1.0.0` is an alias.
    let alias = version.strip_prefix("npm:").and_then(|target| target.rsplit_once('@'));
    let (name, version) = alias.unwrap_or((name, version));
    out.add("npm", name, version);
}
