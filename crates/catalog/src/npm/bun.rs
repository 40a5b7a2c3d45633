//! `bun.lock`, the text form. (`bun.lockb`, the binary one of before, is not read.)
//!
//! `packages` names each module as `name@version`, under its name or, where one version could not be
//! shared, under the path of those that need it. Those count that can be reached from the
//! dependencies of the workspaces, found as node finds modules: at the module itself, then further up.
//!
//! Source: Bun's documentation, *Lockfile*.

use std::collections::BTreeMap;

use parapet_model::package::MAX_FIELD;
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
    /// Of workspaces.
    name: String,
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
    let packages = &lock.packages;
    let mut graph = Graph::default();
    let mut out = Gathered::default();
    for (key, parts) in packages {
        match needs_of(parts) {
            Ok(needs) if key.len() <= MAX_FIELD => {
                for needed in needs.names().filter_map(|name| found_from(packages, key, name)) {
                    graph.needs(key, needed);
                }
            }
            Ok(_) => out.complain("the path of a module is too long".to_owned()),
            Err(why) => out.complain(format!("what {key:?} needs: {why}")),
        }
    }
    let roots = lock.workspaces.values().flat_map(|workspace| {
        workspace.names().filter_map(move |name| found_from(packages, &workspace.name, name))
    });
    let reachable = graph.reachable(roots);
    for (key, parts) in packages {
        if !lock.workspaces.is_empty() && !reachable.contains(key.as_str()) {
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
fn needs_of(parts: &[Box<RawValue>]) -> Result<Needs, String> {
    match parts.iter().find(|part| part.get().starts_with('{')) {
        Some(object) => serde_json::from_str(object.get()).map_err(|e| e.to_string()),
        None => Ok(Needs::default()),
    }
}

/// Most steps up: a path of names is as long as its file has it.
const MAX_STEPS: usize = 16;

/// The key of the module that `name` means to the one at the path `from`.
fn found_from<'a>(
    packages: &'a BTreeMap<String, Vec<Box<RawValue>>>,
    from: &str,
    name: &str,
) -> Option<&'a str> {
    let mut place = from;
    for _ in 0..MAX_STEPS {
        if place.is_empty() {
            break;
        }
        if let Some((key, _)) = packages.get_key_value(&format!("{place}/{name}")) {
            return Some(key);
        }
        place = above(place);
    }
    packages.get_key_value(name).map(|(key, _)| key.as_str())
}

/// A path of names (`a/@scope/b`) without the last one.
fn above(path: &str) -> &str {
    let rest = path.rfind('/').and_then(|slash| path.get(..slash)).unwrap_or_default();
    let scope = rest.rfind('/').map_or(0, |slash| slash + 1);
    match rest.get(scope..) {
        Some(part) if part.starts_with('@') => rest.get(..scope.saturating_sub(1)).unwrap_or_default(),
        _ => rest,
    }
}
