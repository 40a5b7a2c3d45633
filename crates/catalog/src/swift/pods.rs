//! `Podfile.lock` of CocoaPods. Subspecs (`Firebase/Core`) are parts of their pod; pods in a directory
//! of the project are its own code. OSV has no ecosystem for pods.
//!
//! Source: CocoaPods, `Pod::Lockfile`.

use std::collections::HashSet;

use crate::format::yaml::{self, Node};
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Ecosystem of the packages.
pub(crate) const ECOSYSTEM: &str = "cocoapods";

/// Whether the path is a lock file of CocoaPods.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"Podfile.lock"
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let documents = match yaml::read(bytes) {
        Ok(documents) => documents,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    let Some(document) = documents.first().filter(|document| document.get("PODS").is_some()) else {
        return Reading::unreadable("it has no PODS");
    };
    let sources = document.get("EXTERNAL SOURCES").into_iter().flat_map(Node::entries);
    let own: HashSet<&str> =
        sources.filter(|(_, source)| source.get(":path").is_some()).map(|(name, _)| name).collect();
    for item in document.get("PODS").map(Node::items).unwrap_or_default() {
        // With what it needs, a pod is a map of one entry.
        let Some(text) = item.text().or_else(|| item.entries().next().map(|(key, _)| key)) else { continue };
        match text.strip_suffix(')').and_then(|text| text.split_once(" (")) {
            Some((name, version)) => {
                let pod = name.split('/').next().unwrap_or(name);
                if !own.contains(pod) {
                    out.add(ECOSYSTEM, pod, version);
                }
            }
            None => out.complain(format!("{:?} is no pod", text.chars().take(80).collect::<String>())),
        }
    }
    out.finish()
}
