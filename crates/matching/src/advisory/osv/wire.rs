//! The fields of an OSV 1.7 record that are read. Unknown ones are skipped, `null` is absence.

use serde::Deserialize;

use super::lenient::{Object, Text};

#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    #[serde(default)]
    pub(super) published: Text,
    #[serde(default)]
    pub(super) modified: Text,
    #[serde(default)]
    pub(super) withdrawn: Text,
    pub(super) aliases: Option<Vec<String>>,
    pub(super) upstream: Option<Vec<String>>,
    pub(super) related: Option<Vec<String>>,
    #[serde(default)]
    pub(super) summary: Text,
    #[serde(default)]
    pub(super) details: Text,
    pub(super) severity: Option<Vec<Rating>>,
    pub(super) affected: Option<Vec<Affected>>,
    pub(super) references: Option<Vec<Reference>>,
    #[serde(default)]
    pub(super) database_specific: Object<DatabaseSpecific>,
}

/// `severity[]`: a CVSS vector, or a publisher's word under the publisher's name as type.
#[derive(Debug, Deserialize)]
pub(super) struct Rating {
    #[serde(default, rename = "type")]
    pub(super) kind: Text,
    #[serde(default)]
    pub(super) score: Text,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    #[serde(default, rename = "type")]
    pub(super) kind: Text,
    #[serde(default)]
    pub(super) url: Text,
}

#[derive(Debug, Deserialize)]
pub(super) struct Affected {
    pub(super) package: Option<Package>,
    pub(super) severity: Option<Vec<Rating>>,
    pub(super) ranges: Option<Vec<Range>>,
    pub(super) versions: Option<Vec<String>>,
    #[serde(default)]
    pub(super) ecosystem_specific: Object<EcosystemSpecific>,
    #[serde(default)]
    pub(super) database_specific: Object<DatabaseSpecific>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) ecosystem: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) events: Option<Vec<Event>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) introduced: Option<String>,
    pub(super) fixed: Option<String>,
    pub(super) last_affected: Option<String>,
    pub(super) limit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct DatabaseSpecific {
    /// GitHub's word.
    #[serde(default)]
    pub(super) severity: Text,
    /// RustSec's kind of an informational advisory.
    #[serde(default)]
    pub(super) informational: Text,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct EcosystemSpecific {
    /// Debian.
    #[serde(default)]
    pub(super) urgency: Text,
    /// Ubuntu.
    #[serde(default)]
    pub(super) availability: Text,
    /// Ubuntu, older records.
    #[serde(default)]
    pub(super) ubuntu_priority: Text,
    /// RPM distributions: `name:stream` of the module the entry is for.
    #[serde(default, alias = "modularitylabel")]
    pub(super) module: Text,
}
