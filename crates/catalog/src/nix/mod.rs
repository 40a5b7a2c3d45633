//! Nix: paths in the store, `nix/store/HASH-NAME-VERSION`. There is nothing to read: what is there has
//! its name and version in the path, split as Nix does, before the first hyphen that no letter
//! follows. Outputs of a build (`-dev`, `-bin`) belong to its version. OSV has no ecosystem for them.
//!
//! Source: *Nix Reference Manual*, "Store path" and `builtins.parseDrvName`.

#[cfg(test)]
mod tests;

use crate::reader::{Reading, one};

/// Ecosystem of the packages.
pub(crate) const ECOSYSTEM: &str = "nix";

const STORE: &[u8] = b"nix/store/";

/// For anything in the store: the path directly in it.
pub(crate) fn store_path(path: &[u8]) -> Option<&[u8]> {
    let rest = path.strip_prefix(STORE)?;
    let length = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    let name = rest.get(..length)?;
    is_output(name).then(|| path.get(..STORE.len() + length)).flatten()
}

/// Whether a name begins with a hash. Plans of builds, sources and patches are no packages.
fn is_output(name: &[u8]) -> bool {
    let Some((hash, rest)) = name.split_at_checked(33) else { return false };
    let Some((b'-', hash)) = hash.split_last() else { return false };
    let left_out: [&[u8]; 8] =
        [b".drv", b".patch", b".diff", b".tar.gz", b".tar.xz", b".tar.bz2", b".lock", b".sh"];
    !rest.is_empty()
        && hash.iter().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        && !left_out.iter().any(|ending| rest.ends_with(ending))
}

/// A file directly in the store is no package.
pub fn read(_: &[u8]) -> Reading {
    Reading::default()
}

/// The package at a path directly in the store; what has no version (a wrapper, a text) is none.
pub(crate) fn of_path(path: &[u8]) -> Reading {
    let name = path.strip_prefix(STORE).and_then(|name| name.get(33..)).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(name) else { return Reading::default() };
    let hyphen = text
        .match_indices('-')
        .map(|(at, _)| at)
        .find(|at| text.as_bytes().get(at + 1).is_some_and(|next| !next.is_ascii_alphabetic()));
    let Some((name, version)) = hyphen.map(|at| text.split_at(at)) else { return Reading::default() };
    let mut version = version.get(1..).unwrap_or_default();
    for output in ["-bin", "-dev", "-lib", "-doc", "-man", "-info", "-out", "-dist", "-debug", "-data"] {
        version = version.strip_suffix(output).unwrap_or(version);
    }
    if name.is_empty() || version.is_empty() { Reading::default() } else { one(ECOSYSTEM, name, version) }
}
