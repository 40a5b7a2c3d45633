//! `bun.lock`, the text form. (`bun.lockb`, the binary one of before, is not read.)
//!
//! `packages` names each module as `name@version`; those count that can be reached from the
//! dependencies of the workspaces, by name: of a module in several versions all count.
//!
//! Source: Bun's documentation, *Lockfile*.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::yarn::split_name;
use crate::format::json;
use crate::graph::Graph;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of Bun.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"bun.lock"
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    workspaces: BTreeMap<String, Needs>,
    #[serde(default)]
    packages: BTreeMap<String, Vec<Box<RawValue>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Needs {
    dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
    peer_dependencies: BTreeMap<String, String>,
}

impl Needs {
    fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.dependencies.keys().chain(self.optional_dependencies.keys());
        all.chain(self.peer_dependencies.keys()).map(String::as_str)
    }
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match json::read_relaxed(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let needs: Vec<(&str, Needs)> =
        lock.packages.iter().map(|(key, parts)| (last_name(key), needs_of(parts))).collect();
    let mut graph = Graph::default();
    for (name, needs) in &needs {
        needs.names().for_each(|to| graph.needs(name, to));
    }
    let reachable = graph.reachable(lock.workspaces.values().flat_map(Needs::names));
    let mut out = Gathered::default();
    for (key, parts) in &lock.packages {
        if !lock.workspaces.is_empty() && !reachable.contains(last_name(key)) {
            continue;
        }
        let first = parts.first().and_then(|part| serde_json::from_str::<String>(part.get()).ok());
        match first.as_deref().and_then(split_name) {
            Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                out.add("npm", name, version);
            }
            Some((_, from)) if from.starts_with("workspace:") || from.starts_with("file:") => {}
            Some((name, from)) => out.unjudged("npm", name, from),
            None => out.complain(format!("{key:?} names no package")),
        }
    }
    out.finish()
}

/// What a module needs is the object among its parts.
fn needs_of(parts: &[Box<RawValue>]) -> Needs {
    let object = parts.iter().find(|part| part.get().starts_with('{'));
    object.and_then(|part| serde_json::from_str(part.get()).ok()).unwrap_or_default()
}

/// The key is a path of names, `a/@scope/b`, where one version could not be shared.
fn last_name(key: &str) -> &str {
    let Some(slash) = key.rfind('/') else { return key };
    let scope = key.get(..slash).unwrap_or_default();
    match scope.rfind('/').map_or(0, |at| at + 1) {
        start if scope.get(start..).is_some_and(|part| part.starts_with('@')) => {
            key.get(start..).unwrap_or(key)
        }
        _ => key.get(slash + 1..).unwrap_or(key),
    }
}
