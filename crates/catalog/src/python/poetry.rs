//! `poetry.lock`. Packages of groups for development only are left out, where the file says so: by
//! `category` until Poetry 1.4, by `groups` since 2.0; in between it does not say.
//!
//! Source: what Poetry 1.1 to 2.1 write.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{add, is_elsewhere, is_for_development};
use crate::format::toml;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of Poetry.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"poetry.lock"
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
    /// Its last part, which a file that was cut lacks.
    #[serde(rename = "metadata")]
    _metadata: IgnoredAny,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    version: String,
    category: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    source: Option<Source>,
    /// A text, or a table of one for each group.
    markers: Option<Markers>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Markers {
    All(String),
    ByGroup(IgnoredAny),
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match toml::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    for package in &lock.package {
        let groups = package.category.iter().chain(&package.groups);
        let development = is_for_development(groups.map(String::as_str));
        let own = package.source.as_ref().is_some_and(|source| source.kind == "directory");
        let elsewhere = matches!(&package.markers, Some(Markers::All(marker)) if is_elsewhere(marker));
        if !development && !own && !elsewhere {
            add(&mut out, &package.name, &package.version);
        }
    }
    out.finish()
}
