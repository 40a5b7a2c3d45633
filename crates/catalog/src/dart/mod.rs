//! Dart and Flutter: `pubspec.lock`. What is for development only, comes with the SDK or lies in a
//! directory of the project is left out; what comes from git is named as not judged, for its version
//! is the project's word only.
//!
//! Source: Dart's documentation, *pub: glossary, lockfile*, and what `dart pub` writes.

#[cfg(test)]
mod tests;

use crate::format::yaml::{self, Node};
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of pub.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"pubspec.lock"
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let documents = match yaml::read(bytes) {
        Ok(documents) => documents,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    let Some(packages) = documents.iter().find_map(|document| document.get("packages")) else {
        out.complain("it has no packages".to_owned());
        return out.finish();
    };
    for (name, entry) in packages.entries() {
        let text = |key| entry.text_of(key).unwrap_or_default();
        if text("dependency") == "direct dev" || matches!(text("source"), "sdk" | "path") {
            continue;
        }
        // The name in the description is the published one.
        let published = entry.get("description").and_then(|d: &Node| d.text_of("name")).unwrap_or(name);
        match text("source") {
            "git" => out.unjudged("Pub", name, "from git"),
            _ => out.add("Pub", published, text("version")),
        }
    }
    out.finish()
}
