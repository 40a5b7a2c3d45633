//! `conan.lock` of Conan 1 (a graph) and Conan 2 (lists). What is needed for building only is left out.
//!
//! Source: Conan's documentation, *Lockfiles*, of both versions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::add;
use crate::format::json;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of Conan.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"conan.lock"
}

#[derive(Deserialize)]
struct Lock {
    graph_lock: Option<Graph>,
    requires: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Graph {
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    /// Absent for the project itself.
    #[serde(rename = "ref")]
    reference: Option<String>,
    context: Option<String>,
    /// The recipe of the project, where it has a name.
    path: Option<String>,
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let lock: Lock = match json::read(bytes) {
        Ok(lock) => lock,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    if lock.graph_lock.is_none() && lock.requires.is_none() {
        out.complain("it has neither requires nor graph_lock".to_owned());
    }
    lock.requires.iter().flatten().for_each(|reference| add(&mut out, reference));
    for node in lock.graph_lock.iter().flat_map(|graph| graph.nodes.values()) {
        let host = node.context.as_deref() != Some("build");
        if let Some(reference) = &node.reference
            && host
            && node.path.is_none()
        {
            add(&mut out, reference);
        }
    }
    out.finish()
}
