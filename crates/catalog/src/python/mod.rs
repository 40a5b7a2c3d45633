//! Python: installed distributions, `*.dist-info/METADATA`; eggs and lock files beside this module.
//!
//! The file begins with headers as in mail; `Name` and `Version` are mandatory (PyPA, *Core metadata
//! specifications*). Names are kept in their normalised form (PEP 503), as advisories use it.

pub mod egg;
pub mod pdm;
pub mod pipenv;
pub mod poetry;
pub mod pylock;
pub mod requirements;
#[cfg(test)]
mod tests;
pub mod uv;

use parapet_model::PackageKey;

use crate::graph::is_development;
use crate::path::split;
use crate::reader::{Gathered, Reading, clean_text};

/// Whether the path is the metadata of an installed distribution.
pub(crate) fn claims(path: &[u8]) -> bool {
    path.ends_with(b".dist-info/METADATA")
}

/// The directory that holds the distributions, usually `site-packages`.
pub(crate) fn database(path: &[u8]) -> &[u8] {
    split(split(path).0).0
}

/// Reads the metadata of one distribution. A header without an end of line is no header: the file was
/// cut within it.
pub fn read(bytes: &[u8]) -> Reading {
    let (mut name, mut version): (&[u8], &[u8]) = (b"", b"");
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { break };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let (header, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.is_empty() && header.eq_ignore_ascii_case(b"name") {
            name = value;
        } else if version.is_empty() && header.eq_ignore_ascii_case(b"version") {
            version = value;
        }
    }
    let key = clean_text(name)
        .map_err(|e| format!("the name {e}"))
        .and_then(|name| Ok((name, clean_text(version).map_err(|e| format!("the version of {name} {e}"))?)));
    match key {
        Ok((name, version)) => Reading {
            packages: vec![PackageKey::new("PyPI", &normalised(name), version)],
            ..Reading::default()
        },
        Err(why) => Reading::unreadable(why),
    }
}

/// The canonical form of a name: lower case, runs of `-`, `_` and `.` are one `-` (PEP 503).
pub(crate) fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push('-');
        }
        out.push_str(&part.to_lowercase());
    }
    out
}

/// Adds a distribution that a list names.
fn add(out: &mut Gathered, name: &str, version: &str) {
    out.add("PyPI", &normalised(name), version);
}

/// Names what a list asks for without one exact version.
fn unjudged(out: &mut Gathered, name: &str, wanted: &str) {
    out.unjudged("PyPI", &normalised(name), wanted);
}

/// Whether a package is in groups for development only; one without any is not.
fn is_for_development<'a>(groups: impl Iterator<Item = &'a str>) -> bool {
    let mut groups = groups.peekable();
    groups.peek().is_some() && groups.all(is_development)
}

/// Whether an environment marker (PEP 508) rules Linux out. Markers are not worked out otherwise: the
/// interpreter is not known.
fn is_elsewhere(marker: &str) -> bool {
    const ELSEWHERE: [&str; 6] = [
        "sys_platform==win32",
        "sys_platform==darwin",
        "sys_platform==cygwin",
        "os_name==nt",
        "platform_system==windows",
        "platform_system==darwin",
    ];
    marker.split(" or ").all(|part| {
        let words = part.to_ascii_lowercase().replace(['\'', '"', ' '], "");
        ELSEWHERE.iter().any(|word| words.contains(word))
    })
}
