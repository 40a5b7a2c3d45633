//! npm: installed modules, `node_modules/NAME/package.json`.
//!
//! The path must be that of a module: every `node_modules` after the first lies directly inside of
//! a module (or of pnpm's and yarn's stores, whose directories begin with a dot), so that fixtures
//! in a module's tests do not count. The name is the one in the file: after
//! `npm install a@npm:b` the directory is called `a`, but the module is `b`.

pub mod bun;
pub mod lock;
pub mod pnpm;
#[cfg(test)]
mod tests;
pub mod yarn;

use serde::Deserialize;

use crate::format::json;
use crate::path::split;
use crate::reader::{Reading, one};

/// Whether the path is the manifest of an installed module.
pub(crate) fn claims(path: &[u8]) -> bool {
    path.ends_with(b"/package.json") && modules_of(split(path).0).is_some()
}

/// The outermost `node_modules` directory.
pub(crate) fn database(path: &[u8]) -> &[u8] {
    modules_of(split(path).0).unwrap_or(path)
}

/// If `dir` is the directory of an installed module: the outermost `node_modules` above it.
fn modules_of(dir: &[u8]) -> Option<&[u8]> {
    let mut offset = 0;
    let mut outermost = None;
    let mut inside = Inside::Tree;
    for part in dir.split(|&b| b == b'/') {
        offset += part.len() + 1;
        inside = match (inside, part) {
            (Inside::Tree | Inside::Module | Inside::Store, b"node_modules") => {
                outermost = outermost.or(Some(offset - 1));
                Inside::Modules
            }
            (Inside::Tree, _) => Inside::Tree,
            (Inside::Modules, [b'.', ..]) => Inside::StoreRoot,
            (Inside::StoreRoot, _) => Inside::Store,
            (Inside::Store, b"package") => Inside::Module,
            (Inside::Modules, [b'@', ..]) => Inside::Scope,
            (Inside::Modules | Inside::Scope, _) => Inside::Module,
            (Inside::Module | Inside::Store, _) => return None,
        };
    }
    match inside {
        Inside::Module => dir.get(..outermost?),
        _ => None,
    }
}

/// Where a walk along a path has come to.
#[derive(Clone, Copy)]
enum Inside {
    /// Above the first `node_modules`.
    Tree,
    /// Directly in a `node_modules`.
    Modules,
    /// In `node_modules/@scope`.
    Scope,
    /// At a module.
    Module,
    /// In `node_modules/.pnpm` or `.store`.
    StoreRoot,
    /// In an entry of such a store; yarn keeps the module below it in `package`.
    Store,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: Option<String>,
}

/// Reads the manifest of one module. A manifest without name or version is that of no package (npm
/// asks for both) and counts for nothing.
pub fn read(bytes: &[u8]) -> Reading {
    let manifest: Manifest = match json::read(bytes) {
        Ok(manifest) => manifest,
        Err(why) => return Reading::unreadable(why),
    };
    match (manifest.name.unwrap_or_default(), manifest.version.unwrap_or_default()) {
        (name, version) if name.is_empty() || version.is_empty() => Reading::default(),
        (name, version) => one("npm", &name, &version),
    }
}
