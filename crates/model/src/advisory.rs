//! Advisories in the one shape the matcher reads, whatever format they were published in.

use serde::{Deserialize, Serialize};

use crate::severity::Severity;
use crate::time::Millis;
use crate::verdict::AdvisoryClass;

/// An advisory as published: what it says, without judgement.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Advisory {
    /// Who published it: the prefix family that precedence looks at (`DSA`, `DEBIAN-CVE`, `GHSA`,
    /// `PYSEC`, `RUSTSEC`, `ALPINE-CVE`, `ALSA`, …).
    pub source: String,
    /// Its id: `DSA-5168-1`.
    pub id: String,
    /// Publication, 0 when unknown.
    #[serde(default)]
    pub published: Millis,
    /// Last change by the publisher, 0 when unknown.
    #[serde(default)]
    pub modified: Millis,
    /// When the publisher withdrew it, 0 when it stands.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub withdrawn: Millis,
    /// The vulnerabilities it stands for after expansion: one per CVE it names, else itself or the
    /// one alias it has. Never empty. See DESIGN, *Aliases*.
    pub vulnerabilities: Vec<String>,
    /// Ids that mean the same as the one entry of `vulnerabilities`; empty when it stands for
    /// several. Contains `id` where that differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_as: Vec<String>,
    /// One line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Text, cut to a few kilobytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// Address for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// CVSS vectors of the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cvss: Vec<String>,
    /// The publisher's own word, already read (`MODERATE` → medium); unknown when it has none.
    #[serde(default)]
    pub vendor_severity: Severity,
    /// Kind of the statement.
    #[serde(default)]
    pub class: AdvisoryClass,
    /// What it says of which package.
    pub affected: Vec<Affected>,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// One `affected` entry.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Affected {
    /// OSV ecosystem with release.
    pub ecosystem: String,
    /// Package name; for distributions usually the *source* package.
    pub name: String,
    /// Ranges; a version is affected when any contains it or `versions` lists it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Versions listed one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// RPM modularity label the entry is for, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub module: String,
    /// The vendor's word where it has one (Debian `urgency`, Ubuntu `availability`), verbatim.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vendor_state: String,
    /// The publisher's severity for this package, when it rates by package.
    #[serde(default)]
    pub vendor_severity: Severity,
}

/// A range: sorted events over the ecosystem's version order (OSV 1.7, *affected[].ranges[]*).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Range {
    /// Which order the events are in.
    pub kind: RangeKind,
    /// The events as published.
    pub events: Vec<Event>,
}

/// See OSV 1.7 *type*; GIT ranges are dropped when parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RangeKind {
    /// The ecosystem's own order.
    #[default]
    Ecosystem,
    /// SemVer 2.0.
    Semver,
}

/// One event of a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Affected from this version on; `0` is before every version.
    Introduced(String),
    /// No longer affected from this version on.
    Fixed(String),
    /// Affected up to and including this version.
    LastAffected(String),
    /// Upper bound of what was looked at.
    Limit(String),
}
