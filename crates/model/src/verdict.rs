//! What an advisory says of a package.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::severity::Severity;

/// The vendor's own word for a match. *Fixable* is a state, not a non-empty version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum MatchState {
    /// Affected, and no fix is named.
    #[default]
    Affected = 0,
    /// Affected, and a fixed version can be installed.
    FixAvailable = 1,
    /// Affected; the fix needs a subscription (Ubuntu Pro, ELTS).
    FixWithSubscription = 2,
    /// Affected; the vendor will fix it later (Debian no-dsa, postponed).
    Postponed = 3,
    /// Affected; the vendor will not fix it.
    WontFix = 4,
    /// The vendor has not decided whether it is affected.
    UnderInvestigation = 5,
    /// The vendor says it is not affected. A negative match: it opens no finding.
    NotAffected = 6,
}

impl MatchState {
    /// All states by number.
    pub const ALL: [Self; 7] = [
        Self::Affected,
        Self::FixAvailable,
        Self::FixWithSubscription,
        Self::Postponed,
        Self::WontFix,
        Self::UnderInvestigation,
        Self::NotAffected,
    ];

    /// Whether a match in this state opens a finding.
    pub const fn is_positive(self) -> bool {
        !matches!(self, Self::NotAffected)
    }

    /// Whether a fix can be installed without a further contract.
    pub const fn is_fixable(self) -> bool {
        matches!(self, Self::FixAvailable)
    }

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::FixAvailable => "fix_available",
            Self::FixWithSubscription => "fix_with_subscription",
            Self::Postponed => "postponed",
            Self::WontFix => "wont_fix",
            Self::UnderInvestigation => "under_investigation",
            Self::NotAffected => "not_affected",
        }
    }

    /// The state stored as `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for MatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for MatchState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("unknown match state {text:?}"))
    }
}

/// What kind of statement the advisory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum AdvisoryClass {
    /// A vulnerability.
    #[default]
    Vulnerability = 0,
    /// Informational (RustSec `unmaintained`, `notice`, `unsound`).
    Informational = 1,
    /// The package itself is malicious (`MAL-…`).
    Malware = 2,
}

impl AdvisoryClass {
    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability",
            Self::Informational => "informational",
            Self::Malware => "malware",
        }
    }

    /// The class stored as `number`.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Vulnerability,
            1 => Self::Informational,
            2 => Self::Malware,
            _ => return None,
        })
    }
}

/// Why a match, a presence or a finding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ClosingReason {
    /// The package went from the asset.
    Fixed = 1,
    /// The advisory was withdrawn by its publisher.
    Withdrawn = 2,
    /// The advisory changed what it says.
    AdvisoryChanged = 3,
    /// A better reader saw something else.
    ReaderChanged = 4,
    /// A better matcher judged otherwise.
    MatcherChanged = 5,
    /// The asset was deleted.
    AssetGone = 6,
    /// The image is no longer referenced, run or pinned.
    NotCurrent = 7,
    /// A feed was rolled back to its previous state.
    RolledBack = 8,
}

impl ClosingReason {
    /// The reason stored as `number`; 0 (still open) gives `None`.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Fixed,
            2 => Self::Withdrawn,
            3 => Self::AdvisoryChanged,
            4 => Self::ReaderChanged,
            5 => Self::MatcherChanged,
            6 => Self::AssetGone,
            7 => Self::NotCurrent,
            8 => Self::RolledBack,
            _ => return None,
        })
    }

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Withdrawn => "withdrawn",
            Self::AdvisoryChanged => "advisory_changed",
            Self::ReaderChanged => "reader_changed",
            Self::MatcherChanged => "matcher_changed",
            Self::AssetGone => "asset_gone",
            Self::NotCurrent => "not_current",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// One verdict of one advisory on one package and one vulnerability: what the matcher computes and
/// the store keeps with an interval.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Verdict {
    /// Id of the vulnerability: the CVE where the record names one.
    pub vulnerability: String,
    /// What is said.
    pub state: MatchState,
    /// Kind of the statement.
    pub class: AdvisoryClass,
    /// The vendor's severity for this package, or unknown.
    pub vendor_severity: Severity,
    /// First version with the fix, or empty.
    pub fixed_version: String,
    /// The range that matched, in words: `>= 0, < 3.0.1-1` or `= 1.2.3`.
    pub range: String,
}
