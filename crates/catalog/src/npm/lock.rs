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

use super::key;
use crate::path::split;
use crate::reader::Reading;

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
    dependencies: Option<serde_json::Value>,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lock: Lock = match serde_json::from_slice(bytes) {
        Ok(lock) => lock,
        Err(e) => return Reading::unreadable(e.to_string()),
    };
    let mut out = Collected::default();
    match (lock.packages, lock.dependencies) {
        (Some(packages), _) => out.flat(packages),
        (None, Some(dependencies)) => out.tree(dependencies),
        (None, None) => {}
    }
    out.reading.packages.sort_unstable();
    out.reading.packages.dedup();
    out.reading.sum_up(out.problems)
}

#[derive(Default)]
struct Collected {
    reading: Reading,
    problems: u32,
}

impl Collected {
    fn flat(&mut self, packages: BTreeMap<String, Entry>) {
        for (path, entry) in packages {
            let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
            let name = entry.name.as_deref().unwrap_or(name).to_owned();
            self.add(&name, &entry);
        }
    }

    fn tree(&mut self, dependencies: BTreeMap<String, Entry>) {
        let mut rest: Vec<(String, Entry)> = dependencies.into_iter().collect();
        while let Some((name, mut entry)) = rest.pop() {
            self.add(&name, &entry);
            if let Some(inner) = entry.dependencies.take() {
                match serde_json::from_value::<BTreeMap<String, Entry>>(inner) {
                    Ok(inner) => rest.extend(inner),
                    Err(e) => self.complain(format!("the dependencies of {name}: {e}")),
                }
            }
        }
    }

    fn add(&mut self, name: &str, entry: &Entry) {
        let version = entry.version.as_deref().unwrap_or_default();
        // A directory of the project (`file:`), optional and not there, or not for production.
        if entry.link || entry.dev || version.is_empty() || version.starts_with("file:") {
            return;
        }
        // `npm:real@1.0.0` is an alias.
        let alias = version.strip_prefix("npm:").and_then(|target| target.rsplit_once('@'));
        let (name, version) = alias.unwrap_or((name, version));
        match key(name, version) {
            Ok(key) => self.reading.packages.push(key),
            Err(why) => self.complain(why),
        }
    }

    fn complain(&mut self, why: String) {
        self.reading.complain(&mut self.problems, || why);
    }
}
