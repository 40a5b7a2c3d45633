//! Inventories: what the package readers found in an image, a root file system or an SBOM.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::package::PackageKey;

/// A package as one layer shows it, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FoundPackage {
    /// The package.
    pub package: PackageKey,
    /// Files that show it, relative to the root without leading slash; bytes, because file names
    /// need not be text. Sorted.
    #[serde(with = "paths")]
    pub paths: Vec<Vec<u8>>,
    /// Which kind of database named it: `dpkg`, `apk`, `python`, `npm`, `ruby`, `cyclonedx`, ….
    pub database: String,
}

/// What one layer still shows in the final image. Content-addressed: the digest covers packages,
/// paths and databases, so two images built on one layer share the set (DESIGN, *package set*).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PackageSet {
    /// Sorted and without doubles; build with [`PackageSet::new`].
    pub packages: Vec<FoundPackage>,
}

impl PackageSet {
    /// Sorts, removes doubles.
    pub fn new(mut packages: Vec<FoundPackage>) -> Self {
        packages.sort_unstable();
        packages.dedup();
        Self { packages }
    }

    /// The content address.
    pub fn digest(&self) -> Digest {
        fn field(hash: &mut Sha256, bytes: &[u8]) {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        let mut hash = Sha256::new();
        hash.update(b"parapet package set 1\n");
        for found in &self.packages {
            let p = &found.package;
            for text in [
                &p.ecosystem,
                &p.name,
                &p.version,
                &p.arch,
                &p.source_name,
                &p.source_version,
                &p.module,
                &found.database,
            ] {
                field(&mut hash, text.as_bytes());
            }
            hash.update((found.paths.len() as u64).to_le_bytes());
            for path in &found.paths {
                field(&mut hash, path);
            }
        }
        Digest(hash.finalize().into())
    }
}

/// One layer's contribution to an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerInventory {
    /// Digest of the layer as the manifest names it; empty for a root file system or SBOM.
    pub layer: String,
    /// What it still shows. Sets of one inventory are disjoint.
    pub set: PackageSet,
}

/// What became of one package database or lock file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DatabaseRead {
    /// Which kind: `dpkg`, `apk`, `rpm`, `python`, `npm`, `go`, `ruby`, `sbom`, …, or a kind that nobody reads yet.
    pub kind: String,
    /// Where, lossily as text.
    pub path: String,
    /// How many packages it named.
    pub packages: u32,
    /// What happened.
    pub outcome: ReadOutcome,
}

/// See [`DatabaseRead`]. In JSON `{"outcome": "not_read", "why": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadOutcome {
    /// Read whole.
    Read,
    /// Damaged or over a limit; the reason.
    Unreadable(String),
    /// Something is there that no reader understands yet, what it looks like; or something is asked
    /// for without a version that could be judged.
    NotRead(String),
}

/// As JSON has it. Formats that do not name fields cannot tell where such a one ends.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ReadOutcome", rename_all = "snake_case", tag = "outcome", content = "why")]
enum Tagged {
    Read,
    Unreadable(String),
    NotRead(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ReadOutcome")]
enum Numbered {
    Read,
    Unreadable(String),
    NotRead(String),
}

impl Serialize for ReadOutcome {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { Tagged::serialize(self, s) } else { Numbered::serialize(self, s) }
    }
}

impl<'de> Deserialize<'de> for ReadOutcome {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() { Tagged::deserialize(d) } else { Numbered::deserialize(d) }
    }
}

/// The distribution, from `os-release` and its relatives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Distro {
    /// `ID` of os-release: `debian`, `ubuntu`, `alpine`, `almalinux`.
    pub id: String,
    /// `VERSION_ID`, or what `debian_version` or `alpine-release` say; may be empty (sid).
    pub version: String,
    /// `PRETTY_NAME` for people.
    pub name: String,
    /// The OSV ecosystem with release for its packages: `Debian:12`, `Alpine:v3.11`,
    /// `Ubuntu:22.04:LTS`, `AlmaLinux:9`; the bare family when the release is unknown; empty when
    /// the family is unknown.
    pub ecosystem: String,
}

/// A whole inventory: a disjoint union of package sets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inventory {
    /// The distribution, if one was recognised.
    pub distro: Option<Distro>,
    /// One entry per layer that still shows something, bottom layer first.
    pub layers: Vec<LayerInventory>,
    /// Every database met, read or not.
    pub databases: Vec<DatabaseRead>,
    /// [`crate::READER_VERSION`] at the time of reading.
    pub reader_version: u32,
}

impl Inventory {
    /// All packages of all layers.
    pub fn packages(&self) -> impl Iterator<Item = &FoundPackage> {
        self.layers.iter().flat_map(|layer| &layer.set.packages)
    }
}

/// Byte paths as JSON: text where they are UTF-8, else `hex:` and digits.
mod paths {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(paths: &[Vec<u8>], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(paths.iter().map(|p| match std::str::from_utf8(p) {
            Ok(text) if !text.starts_with("hex:") => text.to_owned(),
            _ => format!("hex:{}", hex::encode(p)),
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Vec::<String>::deserialize(d)?
            .into_iter()
            .map(|text| match text.strip_prefix("hex:") {
                Some(digits) => hex::decode(digits).map_err(serde::de::Error::custom),
                None => Ok(text.into_bytes()),
            })
            .collect()
    }
}
