//! `pdm.lock`. Packages of groups for development only are left out.
//!
//! Source: PDM's documentation, *Lock file*.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{add, is_elsewhere, is_for_development, unjudged};
use crate::format::toml;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of PDM.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"pdm.lock"
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
    #[serde(rename = "metadata")]
    _metadata: IgnoredAny,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    groups: Vec<String>,
    marker: Option<String>,
    path: Option<String>,
    git: Option<String>,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match toml::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    for package in &lock.package {
        let groups = package.groups.iter().map(String::as_str);
        if is_for_development(groups)
            || package.path.is_some()
            || package.marker.as_deref().is_some_and(is_elsewhere)
        {
            continue;
        }
        match (package.version.as_str(), &package.git) {
            ("", Some(git)) => unjudged(&mut out, &package.name, git),
            (version, _) => add(&mut out, &package.name, version),
        }
    }
    out.finish()
}
