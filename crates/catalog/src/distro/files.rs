//! The files that may say which distribution a root file system holds.

use std::collections::BTreeMap;

use crate::path::split;

/// In `etc`.
const IN_ETC: [&[u8]; 16] = [
    b"os-release",
    b"lsb-release",
    b"debian_version",
    b"alpine-release",
    b"almalinux-release",
    b"rocky-release",
    b"oracle-release",
    b"centos-release",
    b"redhat-release",
    b"system-release",
    b"SuSE-release",
    b"photon-release",
    b"mariner-release",
    b"azurelinux-release",
    b"openEuler-release",
    b"mageia-release",
];

/// Elsewhere: the place of os-release without `etc`, Alpine's repositories, the products of SUSE, and
/// what tells of Ubuntu Pro.
const ELSEWHERE: [(&[u8], &[u8]); 7] = [
    (b"usr/lib", b"os-release"),
    (b"etc/apk", b"repositories"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-infra.list"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-infra.sources"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-apps.list"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-apps.sources"),
    (b"var/lib/ubuntu-advantage", b"status.json"),
];

/// If the path is such a file: the root that it speaks of, and its place in there.
pub(crate) fn release_file(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let (directory, name) = split(path);
    let place: &[u8] = if IN_ETC.contains(&name) && ends_with(directory, b"etc") {
        b"etc"
    } else if name.ends_with(b".prod") && ends_with(directory, b"etc/products.d") {
        b"etc/products.d"
    } else {
        let of_name = ELSEWHERE.iter().filter(|(_, file)| *file == name);
        of_name.map(|(place, _)| *place).find(|place| ends_with(directory, place))?
    };
    let root = path.get(..directory.len() - place.len())?;
    Some((root.strip_suffix(b"/").unwrap_or(root), path.get(root.len()..)?))
}

/// Whether a directory is this one, in whatever root.
fn ends_with(directory: &[u8], place: &[u8]) -> bool {
    directory.strip_suffix(place).is_some_and(|root| root.is_empty() || root.ends_with(b"/"))
}

/// Reads assignments as a shell would: comments, quotes and backslashes, but no expansion.
pub(super) fn variables(text: &str) -> BTreeMap<&str, String> {
    let assignments = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    assignments.filter_map(|line| line.split_once('=')).map(|(key, value)| (key, unquoted(value))).collect()
}

fn unquoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut quote = None;
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => out.extend(characters.next()),
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => break,
            (c, _) => out.push(c),
        }
    }
    out
}
