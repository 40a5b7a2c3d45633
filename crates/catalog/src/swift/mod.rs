//! Swift: `Package.resolved`, versions 1 to 3. Packages are named by the address of their repository,
//! as OSV does: `github.com/vapor/vapor`. Pins to a branch or a revision are named as not judged.
//!
//! Source: Swift Package Manager, `ResolvedPackagesStore`.

pub mod pods;
#[cfg(test)]
mod tests;

use serde::Deserialize;

use crate::format::json;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of Swift's package manager.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"Package.resolved"
}

#[derive(Deserialize)]
struct Resolved {
    pins: Option<Vec<Pin>>,
    /// Version 1.
    object: Option<Object>,
}

#[derive(Deserialize)]
struct Object {
    pins: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    #[serde(alias = "repositoryURL")]
    location: String,
    state: State,
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
struct State {
    version: Option<String>,
    branch: Option<String>,
    #[serde(default)]
    revision: String,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let resolved: Resolved = match json::read(bytes) {
        Ok(resolved) => resolved,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    let pins = match (resolved.pins, resolved.object) {
        (Some(pins), _) => pins,
        (None, Some(object)) => object.pins,
        (None, None) => return Reading::unreadable("it has no pins"),
    };
    for pin in pins.iter().filter(|pin| !pin.kind.starts_with("local")) {
        let name = repository(&pin.location);
        match (&pin.state.version, &pin.state.branch) {
            (Some(version), _) => out.add("SwiftURL", name, version),
            (None, Some(branch)) => out.unjudged("SwiftURL", name, &format!("branch {branch}")),
            (None, None) => out.unjudged("SwiftURL", name, &format!("revision {}", pin.state.revision)),
        }
    }
    out.finish()
}

/// Host and path of a repository, without scheme, user and `.git`.
fn repository(location: &str) -> &str {
    let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
    let rest = rest.split_once('@').filter(|(user, _)| !user.contains('/')).map_or(rest, |(_, rest)| rest);
    rest.trim_end_matches('/').trim_end_matches(".git")
}
