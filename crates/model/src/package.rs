//! Packages: what a package database names.

use serde::{Deserialize, Serialize};

/// The identity of a package. Absent parts are empty strings, so that the key is one row with a
/// unique index on both engines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct PackageKey {
    /// OSV ecosystem with release where the ecosystem has releases: `Debian:12`, `Alpine:v3.20`,
    /// `AlmaLinux:9`, `PyPI`, `npm`. A distribution without a known release is the bare family
    /// (`Debian`); a dpkg database of an unknown distribution is `dpkg`, an apk one `apk`. A vendor's own package in a
    /// distribution's database names its vendor: `dpkg:Docker`, `rpm:Docker`.
    pub ecosystem: String,
    /// Name as the database gives it; language names in their ecosystem's canonical form
    /// (PEP 503 for PyPI; scope included for npm: `@angular/core`).
    pub name: String,
    /// Version with epoch and revision, as the database gives it.
    pub version: String,
    /// Architecture, or empty.
    pub arch: String,
    /// Name of the source package; equal to `name` when the database names no other.
    pub source_name: String,
    /// Version of the source package; equal to `version` when the database names no other.
    pub source_version: String,
    /// RPM modularity label, or empty.
    pub module: String,
}

impl PackageKey {
    /// A package whose source is itself and which has no architecture.
    pub fn new(ecosystem: &str, name: &str, version: &str) -> Self {
        Self {
            ecosystem: ecosystem.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            arch: String::new(),
            source_name: name.to_owned(),
            source_version: version.to_owned(),
            module: String::new(),
        }
    }

    /// The ecosystem without its release: `Debian:12` → `Debian`.
    pub fn family(&self) -> &str {
        family_of(&self.ecosystem)
    }
}

/// The ecosystem without its release: `Ubuntu:22.04:LTS` → `Ubuntu`.
pub fn family_of(ecosystem: &str) -> &str {
    ecosystem.split_once(':').map_or(ecosystem, |(family, _)| family)
}

/// Longest accepted package name, version or source name, in bytes. Longer ones are garbage.
pub const MAX_FIELD: usize = 1024;

/// Whether a text may enter the store: no NUL, not longer than [`MAX_FIELD`] (rule 8: broken text
/// stops at the reader's door).
pub fn is_clean(text: &str) -> bool {
    text.len() <= MAX_FIELD && !text.contains('\0')
}
