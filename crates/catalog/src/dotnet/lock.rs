//! `packages.lock.json`. Projects are the solution's own code.
//!
//! Source: NuGet's documentation, *Locking dependencies*.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::format::json;
use crate::path::split;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of NuGet: `packages.lock.json` or `packages.PROJECT.lock.json`.
pub(crate) fn claims(path: &[u8]) -> bool {
    let name = split(path).1;
    name.starts_with(b"packages.") && name.ends_with(b".lock.json")
}

#[derive(Deserialize)]
struct Lock {
    /// By framework, then by package.
    dependencies: BTreeMap<String, BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    resolved: String,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match json::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    for (name, entry) in lock.dependencies.values().flatten() {
        if !entry.kind.eq_ignore_ascii_case("project") {
            out.add("NuGet", name, &entry.resolved);
        }
    }
    out.finish()
}
