//! Rust: what `cargo auditable` puts into programs, and `Cargo.lock` (`lock.rs`).
//!
//! The section `.dep-v0` holds JSON, deflated with zlib: the crates that were compiled in. Only those
//! of crates.io are packages that advisories speak of; the program's own crates and those that were
//! only needed to build are left out. Source: the *cargo-auditable* project, `PARSING.md`.

pub mod lock;
#[cfg(test)]
pub(crate) mod tests;

use std::io::Read;

use parapet_model::PackageKey;
use serde::Deserialize;

use crate::program::Program;
use crate::reader::{Reading, clean_text};

/// OSV's name.
const ECOSYSTEM: &str = "crates.io";

/// Longest list, deflated and not, in bytes.
const MAX_DEFLATED: u64 = 2 << 20;
const MAX_LIST: u64 = 8 << 20;

#[derive(Deserialize)]
struct List {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    source: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    root: bool,
}

/// Reads a program's list of crates; `None` when it carries none.
pub(crate) fn read(program: &Program<'_>) -> Option<Reading> {
    let area = program.section(&[b".dep-v0"])?;
    Some(match list(program, area.offset, area.size) {
        Ok(list) => packages(list),
        Err(why) => Reading::unreadable(format!("its list of crates is damaged: {why}")),
    })
}

fn list(program: &Program<'_>, offset: u64, size: u64) -> Result<List, String> {
    if size > MAX_DEFLATED {
        return Err(format!("{size} bytes are too many"));
    }
    let deflated = program.blob.exact(offset, usize::try_from(size).map_err(|e| e.to_string())?)?;
    let mut text = Vec::new();
    let inflated = flate2::read::ZlibDecoder::new(deflated.as_slice());
    inflated.take(MAX_LIST + 1).read_to_end(&mut text).map_err(|e| e.to_string())?;
    if text.len() as u64 > MAX_LIST {
        return Err(format!("more than {MAX_LIST} bytes when unpacked"));
    }
    serde_json::from_slice(&text).map_err(|e| e.to_string())
}

fn packages(list: List) -> Reading {
    let mut reading = Reading::default();
    let mut problems = 0;
    for entry in list.packages {
        let is_built_in = entry.kind.as_deref().is_none_or(|kind| kind == "runtime");
        if entry.root || !is_built_in || entry.source != ECOSYSTEM {
            continue;
        }
        match key(&entry.name, &entry.version) {
            Ok(key) => reading.packages.push(key),
            Err(why) => reading.complain(&mut problems, || why),
        }
    }
    reading.packages.sort_unstable();
    reading.packages.dedup();
    reading.sum_up(problems)
}

fn key(name: &str, version: &str) -> Result<PackageKey, String> {
    let name = clean_text(name.as_bytes()).map_err(|e| format!("a crate's name {e}"))?;
    let version = clean_text(version.as_bytes()).map_err(|e| format!("the version of {name} {e}"))?;
    Ok(PackageKey::new(ECOSYSTEM, name, version))
}
