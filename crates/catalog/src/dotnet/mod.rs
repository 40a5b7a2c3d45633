//! .NET: programs and shared frameworks, `NAME.deps.json`, and `project.assets.json`, which a restore
//! leaves and which has the same list.
//!
//! Packages count, and runtime packs: in a self-contained program
//! `runtimepack.Microsoft.NETCore.App.Runtime.linux-x64`, in a shared framework's own file the package
//! without that prefix; advisories speak of the latter. Projects and plain assemblies do not count.
//!
//! Source: the .NET SDK's documentation, *Runtime configuration files*.

pub mod config;
pub mod lock;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::format::json;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path lists what a program or framework consists of.
pub(crate) fn claims(path: &[u8]) -> bool {
    path.ends_with(b".deps.json")
}

/// Whether the path is what a restore left.
pub(crate) fn claims_assets(path: &[u8]) -> bool {
    file_name(path) == b"project.assets.json"
}

#[derive(Deserialize)]
struct Document {
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    compile_only: bool,
}

/// Reads the list.
pub fn read(bytes: &[u8]) -> Reading {
    let document: Document = match json::read(bytes) {
        Ok(document) => document,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    for (key, library) in &document.libraries {
        let kind = library.kind.to_ascii_lowercase();
        if library.compile_only || !matches!(kind.as_str(), "package" | "runtimepack") {
            continue;
        }
        match key.split_once('/') {
            Some((name, version)) => {
                out.add("NuGet", name.strip_prefix("runtimepack.").unwrap_or(name), version);
            }
            None => out.complain(format!("{key:?} has no version")),
        }
    }
    out.finish()
}
