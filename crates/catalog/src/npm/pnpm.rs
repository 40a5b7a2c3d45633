//! `pnpm-lock.yaml`, versions 5, 6 and 9.
//!
//! Up to version 6 a package says itself whether it is for development only (`dev: true`). From
//! version 9 on it does not; then what counts is what can be reached from the dependencies of the
//! importers, by the `snapshots`. Links to directories are the project's own code.
//!
//! Source: pnpm's lock file specifications (*lockfile 5.x, 6.0, 9.0*).

use std::collections::HashMap;

use super::yarn::split_name;
use crate::format::yaml::{self, Node};
use crate::graph::Graph;
use crate::path::file_name;
use crate::reader::{Gathered, Reading};

/// Whether the path is a lock file of pnpm.
pub(crate) fn claims(path: &[u8]) -> bool {
    file_name(path) == b"pnpm-lock.yaml"
}

/// Reads a lock file.
pub fn read(bytes: &[u8]) -> Reading {
    let documents = match yaml::read(bytes) {
        Ok(documents) => documents,
        Err(why) => return Reading::unreadable(why),
    };
    let mut out = Gathered::default();
    let mut known = false;
    for document in &documents {
        let Some(version) = document.text_of("lockfileVersion") else { continue };
        known = true;
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        match major {
            Some(major) if major >= 9 => by_snapshots(document, &mut out),
            Some(5 | 6) => by_packages(document, major == Some(5), &mut out),
            _ => out.complain(format!("lock files of version {version:?} are not read")),
        }
    }
    if !known {
        out.complain("it does not say its version".to_owned());
    }
    out.finish()
}

/// Versions 5 and 6.
fn by_packages(document: &Node, old: bool, out: &mut Gathered) {
    for (path, entry) in document.get("packages").into_iter().flat_map(Node::entries) {
        if entry.text_of("dev") == Some("true") {
            continue;
        }
        // What comes from elsewhere than a registry names itself.
        let own = entry.text_of("name").zip(entry.text_of("version"));
        let found = own.or_else(|| if old { of_path(path) } else { of_key(path.trim_start_matches('/')) });
        match found {
            Some((name, version)) => out.add("npm", name, version),
            None if path.starts_with("file:") => {}
            None => out.unjudged("npm", path, "not from a registry"),
        }
    }
}

/// `/@scope/name/1.0.0_peer@2`, perhaps with a registry in front.
fn of_path(path: &str) -> Option<(&str, &str)> {
    let path = match path.strip_prefix('/') {
        Some(path) => path,
        None => path.split_once('/')?.1,
    };
    let (name, version) = path.rsplit_once('/').filter(|(name, _)| !name.contains('_'))?;
    let version = version.split('_').next().unwrap_or(version);
    is_version(version).then_some((name, version))
}

/// `@scope/name@1.0.0(peer@2)`.
fn of_key(key: &str) -> Option<(&str, &str)> {
    let key = key.split('(').next().unwrap_or(key);
    split_name(key).filter(|(_, version)| is_version(version))
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Version 9.
fn by_snapshots(document: &Node, out: &mut Gathered) {
    // Texts of edges have to live as long as the graph.
    let mut edges: Vec<(&str, String)> = Vec::new();
    for (key, snapshot) in document.get("snapshots").into_iter().flat_map(Node::entries) {
        for (name, version) in needed(snapshot) {
            edges.push((key, key_of(name, version)));
        }
    }
    let mut roots = Vec::new();
    for (_, importer) in document.get("importers").into_iter().flat_map(Node::entries) {
        for (name, wanted) in needed(importer) {
            roots.push(key_of(name, wanted));
        }
    }
    let mut graph = Graph::default();
    edges.iter().for_each(|(from, to)| graph.needs(from, to));
    let reachable = graph.reachable(roots.iter().map(String::as_str));
    let packages = document.get("packages").into_iter().flat_map(Node::entries);
    let packages: HashMap<&str, &Node> = packages.collect();
    let importers = document.get("importers").is_some();
    for (key, _) in document.get("snapshots").into_iter().flat_map(Node::entries) {
        if importers && !reachable.contains(key) {
            continue;
        }
        let plain = key.split('(').next().unwrap_or(key);
        let version = packages.get(plain).and_then(|package| package.text_of("version"));
        match (of_key(key), split_name(plain), version) {
            (Some((name, version)), _, _) | (None, Some((name, _)), Some(version)) => {
                out.add("npm", name, version);
            }
            (None, Some((_, from)), None) if from.starts_with("file:") => {}
            (None, Some((name, from)), None) => out.unjudged("npm", name, from),
            (None, None, _) => out.complain(format!("{key:?} names no package")),
        }
    }
}

/// Name and resolved version of what a snapshot or an importer needs in production.
fn needed(node: &Node) -> impl Iterator<Item = (&str, &str)> {
    ["dependencies", "optionalDependencies"]
        .into_iter()
        .filter_map(|kind| node.get(kind))
        .flat_map(Node::entries)
        .filter_map(|(name, wanted)| Some((name, wanted.text().or_else(|| wanted.text_of("version"))?)))
        .filter(|(_, version)| !version.starts_with("link:"))
}

/// The key in `snapshots`: a version alone belongs to the name, anything else (an alias, an
/// address) is the key already.
fn key_of(name: &str, version: &str) -> String {
    let plain = version.split('(').next().unwrap_or(version);
    if split_name(plain).is_some() { version.to_owned() } else { format!("{name}@{version}") }
}
