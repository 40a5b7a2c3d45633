//! `renv.lock`.
//!
//! Source: renv's documentation, *Lockfile*.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::format::json;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of renv.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"renv.lock"
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lock {
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Package {
    package: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    source: String,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match json::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    for package in lock.packages.values() {
        match package.source.as_str() {
            "Repository" | "" => out.add("CRAN", &package.package, &package.version),
            "Bioconductor" => out.add("Bioconductor", &package.package, &package.version),
            "Local" => {}
            from => out.unjudged("CRAN", &package.package, &format!("from {from}")),
        }
    }
    out.finish()
}
