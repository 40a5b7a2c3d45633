//! Coverage: what could be judged, and why not. Never a silent clean.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One word per package; the worst wins on the asset. The order of the variants is the order of
/// badness, best first. "0 findings" is printed only beside [`Coverage::Assessed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Coverage {
    /// A complete feed judged it.
    #[default]
    Assessed = 0,
    /// The feed lists fixes only, so unfixed vulnerabilities are unknown.
    FixesOnly = 1,
    /// A part of the publisher's records is loaded.
    PartialFeed = 2,
    /// The feed is older than the limit.
    StaleFeed = 3,
    /// The distribution release is past its end of life.
    ReleaseEol = 4,
    /// A vendor's package in a distribution's database; the distribution's feed is silent on it.
    ForeignPackage = 5,
    /// No order can parse the version.
    VersionUnparsed = 6,
    /// The distribution's release is not known, so no feed applies.
    ReleaseUnknown = 7,
    /// No feed for the ecosystem is loaded.
    NoFeed = 8,
    /// A package database was damaged or over a limit.
    Unreadable = 9,
    /// Nothing was read, or something that no reader understands is there.
    NotScanned = 10,
}

impl Coverage {
    /// All words, best first.
    pub const ALL: [Self; 11] = [
        Self::Assessed,
        Self::FixesOnly,
        Self::PartialFeed,
        Self::StaleFeed,
        Self::ReleaseEol,
        Self::ForeignPackage,
        Self::VersionUnparsed,
        Self::ReleaseUnknown,
        Self::NoFeed,
        Self::Unreadable,
        Self::NotScanned,
    ];

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assessed => "assessed",
            Self::FixesOnly => "fixes-only",
            Self::PartialFeed => "partial-feed",
            Self::StaleFeed => "stale-feed",
            Self::ReleaseEol => "release-eol",
            Self::ForeignPackage => "foreign-package",
            Self::VersionUnparsed => "version-unparsed",
            Self::ReleaseUnknown => "release-unknown",
            Self::NoFeed => "no-feed",
            Self::Unreadable => "unreadable",
            Self::NotScanned => "not-scanned",
        }
    }

    /// The word stored as `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Coverage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|c| c.as_str() == text)
            .ok_or_else(|| format!("unknown coverage word {text:?}"))
    }
}

/// What is loaded for one ecosystem, as shown beside results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcosystemCoverage {
    /// The ecosystem with release.
    pub ecosystem: String,
    /// Its word; packages may be worse on their own account.
    pub coverage: Coverage,
    /// The feeds that judge it, with the date of their data (`Debian 2026-08-22`).
    pub feeds: Vec<String>,
    /// How many advisory records speak of this ecosystem.
    pub records: u64,
}
