//! Severity bands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad a vulnerability is. The order is the order of concern with *unknown* lowest; a
/// comparison such as `severity >= high` therefore never includes unknown silently: filters name
/// it (`severity = unknown`), and `gate` fails on it by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Severity {
    /// Nobody rated it.
    #[default]
    Unknown = 0,
    /// Rated as no impact (CVSS 0.0).
    None = 1,
    /// CVSS 0.1–3.9, or the vendor's *negligible*, *unimportant*, *low*, *minor*.
    Low = 2,
    /// CVSS 4.0–6.9, or the vendor's *moderate*, *medium*.
    Medium = 3,
    /// CVSS 7.0–8.9, or the vendor's *important*, *high*.
    High = 4,
    /// CVSS 9.0–10.0, or the vendor's *critical*.
    Critical = 5,
}

impl Severity {
    /// All bands, worst first.
    pub const WORST_FIRST: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::None, Self::Unknown];

    /// The band of a CVSS base score (CVSS v3.1, section 5; the same bands are used for v2 and v4).
    pub fn of_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::None,
        }
    }

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The band stored as `number`.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Unknown,
            1 => Self::None,
            2 => Self::Low,
            3 => Self::Medium,
            4 => Self::High,
            5 => Self::Critical,
            _ => return None,
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::WORST_FIRST.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            format!("unknown severity {text:?}; one of critical, high, medium, low, none, unknown")
        })
    }
}
