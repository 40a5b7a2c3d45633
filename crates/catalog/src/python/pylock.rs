//! `pylock.toml` and `pylock.NAME.toml` (PEP 751).
//!
//! A package without a version comes from a directory or an address. Markers may keep packages to
//! groups of dependencies; those of development are left out.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{add, is_elsewhere, unjudged};
use crate::format::toml;
use crate::graph::is_development;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is such a file, and not one for development.
pub(crate) fn claims(path: &[u8]) -> bool {
    let name = file_name(path).strip_prefix(b"pylock.").and_then(|name| name.strip_suffix(b"toml"));
    match name {
        Some(b"") => true,
        Some(name) => !std::str::from_utf8(name).is_ok_and(|name| is_development(name.trim_end_matches('.'))),
        None => false,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lock {
    #[serde(rename = "lock-version")]
    _lock_version: String,
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    version: String,
    marker: Option<String>,
    directory: Option<IgnoredAny>,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match toml::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    for package in &lock.packages {
        let marker = package.marker.as_deref().unwrap_or_default();
        if package.directory.is_some() || is_elsewhere(marker) || is_for_development(marker) {
            continue;
        }
        match package.version.as_str() {
            "" => unjudged(&mut out, &package.name, "from an address"),
            version => add(&mut out, &package.name, version),
        }
    }
    out.finish()
}

/// `"dev" in dependency_groups`, and nothing else that would let it in.
fn is_for_development(marker: &str) -> bool {
    let mut groups = marker.split(" or ").map(|part| {
        part.split_once("in dependency_groups")
            .is_some_and(|(group, _)| is_development(group.trim_matches(['(', ' ', '"', '\''])))
    });
    !marker.is_empty() && groups.all(|development| development)
}
