//! `uv.lock`.
//!
//! The file does not mark what is for development, but the project itself is in it: what counts is
//! what can be reached from the project and its extras, by name (of a package in several versions all
//! count). The project and its workspace members are its own code.
//!
//! Source: uv's documentation, *Project structure: the lockfile*, and what uv writes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{add, is_elsewhere, unjudged};
use crate::format::toml;
use crate::graph::Graph;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of uv.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"uv.lock"
}

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    source: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    dependencies: Vec<Needed>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Needed>>,
}

#[derive(Deserialize)]
struct Needed {
    name: String,
    marker: Option<String>,
}

impl Package {
    fn is(&self, source: &str) -> bool {
        self.source.contains_key(source)
    }

    /// The project and the members of its workspace.
    fn is_own(&self) -> bool {
        ["virtual", "editable", "directory"].iter().any(|source| self.is(source))
    }

    fn needs(&self) -> impl Iterator<Item = &Needed> {
        self.dependencies.iter().chain(self.optional_dependencies.values().flatten())
    }
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match toml::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut graph = Graph::default();
    for package in &lock.package {
        for needed in package.needs().filter(|needed| !needed.marker.as_deref().is_some_and(is_elsewhere)) {
            graph.needs(&package.name, &needed.name);
        }
    }
    let own: Vec<&str> = lock.package.iter().filter(|p| p.is_own()).map(|p| p.name.as_str()).collect();
    let reachable = graph.reachable(own.iter().copied());
    let mut out = Gathered::default();
    for package in &lock.package {
        let needed = own.is_empty() || reachable.contains(package.name.as_str());
        if package.is_own() || !needed {
            continue;
        }
        match package.version.as_str() {
            "" => unjudged(&mut out, &package.name, "from an address"),
            version => add(&mut out, &package.name, version),
        }
    }
    out.finish()
}
