//! The words for a result: those of XCCDF 1.2, and the three that posture knows.

use serde::{Deserialize, Serialize};

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $word:literal, $posture:expr;)+) => {
        /// What a scanner said of a rule (XCCDF 1.2, `result`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum ControlStatus {
            $($(#[$doc])* #[serde(rename = $word)] $name = $number,)+
        }

        impl ControlStatus {
            /// All statuses.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word of XCCDF.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The status stored as `number`.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }

            /// What it means for posture; `None`: the control was not judged, so there is none.
            pub const fn posture(self) -> Option<ControlPosture> {
                match self { $(Self::$name => $posture,)+ }
            }
        }
    };
}

statuses! {
    /// The host meets it.
    Pass = 1, "pass", Some(ControlPosture::Passed);
    /// It did not, and the scanner repaired it.
    Fixed = 2, "fixed", Some(ControlPosture::Passed);
    /// The host does not meet it.
    Fail = 3, "fail", Some(ControlPosture::Failed);
    /// The check broke.
    Error = 4, "error", Some(ControlPosture::Error);
    /// The check came to no answer.
    Unknown = 5, "unknown", Some(ControlPosture::Error);
    /// It is not for hosts like this.
    NotApplicable = 6, "notapplicable", None;
    /// There was nothing to run.
    NotChecked = 7, "notchecked", None;
    /// The profile does not ask for it, or the newest document does not name it.
    NotSelected = 8, "notselected", None;
    /// Said, not judged.
    Informational = 9, "informational", None;
}

impl ControlStatus {
    /// The status of XCCDF's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == word)
    }

    /// Which of two statuses of one rule is kept when a document names it twice: the worse.
    pub const fn concern(self) -> u8 {
        match self {
            Self::Fail => 8,
            Self::Error => 7,
            Self::Unknown => 6,
            Self::Pass => 5,
            Self::Fixed => 4,
            Self::Informational => 3,
            Self::NotChecked => 2,
            Self::NotApplicable => 1,
            Self::NotSelected => 0,
        }
    }
}

/// How a host stands with a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ControlPosture {
    /// Met.
    Passed = 1,
    /// Not met.
    Failed = 2,
    /// Could not be judged.
    Error = 3,
}

impl ControlPosture {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Error];

    /// The word of the Qualys family.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Error => "Error",
        }
    }

    /// The posture of a word, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|posture| posture.as_str().eq_ignore_ascii_case(word))
    }
}

/// How much a control matters, on the scale of the Qualys family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Criticality {
    /// Nobody rated it (XCCDF `unknown` and `info`).
    #[default]
    Undefined = 0,
    /// XCCDF `low`.
    Minimal = 1,
    /// XCCDF `medium`.
    Medium = 2,
    /// No word of XCCDF means it.
    Serious = 3,
    /// XCCDF `high`.
    Critical = 4,
    /// No word of XCCDF means it.
    Urgent = 5,
}

impl Criticality {
    /// All of them, by number.
    pub const ALL: [Self; 6] =
        [Self::Undefined, Self::Minimal, Self::Medium, Self::Serious, Self::Critical, Self::Urgent];

    /// The label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undefined => "UNDEFINED",
            Self::Minimal => "MINIMAL",
            Self::Medium => "MEDIUM",
            Self::Serious => "SERIOUS",
            Self::Critical => "CRITICAL",
            Self::Urgent => "URGENT",
        }
    }

    /// The criticality stored as `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// What XCCDF's severity means.
    pub fn of_severity(word: &str) -> Self {
        match word {
            "low" => Self::Minimal,
            "medium" => Self::Medium,
            "high" => Self::Critical,
            _ => Self::Undefined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_survives_its_word_and_number() {
        for &status in ControlStatus::ALL {
            assert_eq!(ControlStatus::parse(status.as_str()), Some(status));
            assert_eq!(ControlStatus::from_number(status as u8), Some(status));
        }
        assert_eq!(ControlStatus::parse("PASS"), None);
        assert_eq!(ControlPosture::parse("failed"), Some(ControlPosture::Failed));
    }

    #[test]
    fn what_was_not_judged_has_no_posture() {
        use ControlStatus::*;
        for status in [NotApplicable, NotChecked, NotSelected, Informational] {
            assert_eq!(status.posture(), None);
        }
        assert_eq!(Fixed.posture(), Some(ControlPosture::Passed));
        assert_eq!(Unknown.posture(), Some(ControlPosture::Error));
    }
}
