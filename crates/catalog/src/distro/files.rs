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

/// Elsewhere: the place of os-release without `etc`, Alpine's repositories, what tells of Ubuntu Pro, and
/// from which repositories a layer of Red Hat was built.
const ELSEWHERE: [(&[u8], &[u8]); 11] = [
    (b"usr/lib", b"os-release"),
    (b"etc/apk", b"repositories"),
    (b"root/buildinfo", b"content-sets.json"),
    (b"usr/share/buildinfo", b"content-sets.json"),
    (b"etc/apt", b"sources.list"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-trusty.list"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-infra.list"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-infra.sources"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-apps.list"),
    (b"etc/apt/sources.list.d", b"ubuntu-esm-apps.sources"),
    (b"var/lib/ubuntu-advantage", b"status.json"),
];

/// Directories of which each file with such an ending counts: the products of SUSE, the content sets of
/// Red Hat's layers.
const FOLDERS: [(&[u8], &[u8]); 2] =
    [(b"etc/products.d", b".prod"), (b"root/buildinfo/content_manifests", b".json")];

/// If the path is such a file: the root that it speaks of, and its place in there.
pub(crate) fn release_file(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let (directory, name) = split(path);
    let place: &[u8] = if IN_ETC.contains(&name) && ends_with(directory, b"etc") {
        b"etc"
    } else if let Some((place, _)) =
        FOLDERS.iter().find(|(place, ending)| name.ends_with(ending) && ends_with(directory, place))
    {
        place
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
