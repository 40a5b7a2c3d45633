//! Exceptions: a risk accepted for a limited time. One engine for every wire family.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asset::AssetKind;
use crate::filter::Filter;
use crate::id::{AssetNo, EnterpriseProjectNo, ExceptionNo, ProjectNo};
use crate::lifecycle::Lifecycle;
use crate::time::Millis;

/// Whether a filter is evaluated once or on every read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// The filter was evaluated once, when the exception was made; what it held is in `included`.
    Static,
    /// The filter is kept and evaluated live, never materialised.
    Dynamic,
}

/// What an exception is for: `filter? ∪ included − excluded`, and which vulnerabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// How the filter is taken.
    pub kind: TargetKind,
    /// Findings that match; `None` for an exception that names its assets. Tests on exceptions
    /// themselves (`excepted`, `exception`) are refused when it is made.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// Assets named one by one, or held by a static filter. An image stands for its containers too.
    #[serde(default)]
    pub included: Vec<AssetNo>,
    /// Assets taken out.
    #[serde(default)]
    pub excluded: Vec<AssetNo>,
    /// Vulnerability ids as given, resolved at evaluation (aliases included); empty means all.
    #[serde(default)]
    pub vulnerabilities: Vec<String>,
}

/// What was decided last. Time is not a state: whether an approved exception holds is a function of
/// the exception and now. Steps from one to another: [`crate::lifecycle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ExceptionState {
    /// Asked for; hides nothing.
    Pending = 0,
    /// Accepted; hides findings inside its window.
    Approved = 1,
    /// Refused.
    Rejected = 2,
    /// Ended by hand, before or inside its window.
    Ended = 3,
}

impl ExceptionState {
    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Ended => "ended",
        }
    }

    /// The state stored as `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Rejected, Self::Ended].get(usize::from(number)).copied()
    }
}

/// One decision in the life of an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Millis,
    /// Who.
    pub by: String,
    /// What it became.
    pub state: ExceptionState,
    /// Why.
    pub comment: String,
}

/// How a wire family asked, kept to answer in the same words. It decides nothing: the target does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// For images (and so for their containers) or for containers alone.
    #[serde(default)]
    pub scope: Option<AssetKind>,
    /// The live filter as it was written.
    #[serde(default)]
    pub filter: Option<String>,
    /// The list that the vulnerabilities were taken from. When it changes, the target does.
    #[serde(default)]
    pub list: Option<Uuid>,
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Its number.
    pub no: ExceptionNo,
    /// Its id for people and wires.
    pub uuid: Uuid,
    /// Owner.
    pub project: ProjectNo,
    /// Owner inside the account.
    pub enterprise_project: EnterpriseProjectNo,
    /// One line.
    pub title: String,
    /// Why: `risk_accepted`, `false_positive`, `mitigated`, or free words of a wire family.
    pub reason: String,
    /// Longer text.
    pub comment: String,
    /// What it is for.
    pub target: Target,
    /// How that was asked for.
    #[serde(default)]
    pub asked: Asked,
    /// First instant it holds.
    pub start: Millis,
    /// First instant it no longer holds; [`crate::FOREVER`] for no end.
    pub end: Millis,
    /// Where the request stands.
    pub state: ExceptionState,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Millis,
    /// All decisions, oldest first.
    pub decisions: Vec<Decision>,
}

impl Exception {
    /// Where it is in its life.
    pub const fn life(&self) -> Lifecycle {
        Lifecycle { state: self.state, start: self.start, end: self.end }
    }

    /// Whether it hides findings at `now`.
    pub fn holds(&self, now: Millis) -> bool {
        self.life().holds(now)
    }

    /// The next instant at which [`Exception::holds`] may change, if any.
    pub fn next_change(&self, now: Millis) -> Option<Millis> {
        self.life().next_change(now)
    }
}
