//! Exceptions of a control on a host: the same life as those of vulnerabilities
//! ([`crate::lifecycle`]), another target.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::compliance::ResultIdentity;
use crate::id::{ControlExceptionNo, EnterpriseProjectNo, EvidenceNo, ProjectNo, TechnologyNo};
use crate::lifecycle::Lifecycle;
use crate::time::Millis;

/// What it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTarget {
    /// Host, policy, control and instance.
    pub identity: ResultIdentity,
    /// Platform of the host when it was asked for.
    pub technology: TechnologyNo,
    /// Whether it goes back to pending when another value is found and the control still fails.
    pub reopen_on_evidence_change: bool,
    /// What was found when it was approved; number 0 while it never was, or when nothing is known.
    pub accepted: EvidenceNo,
}

/// An exception of a control, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlException {
    /// Number on wires.
    pub no: ControlExceptionNo,
    /// Id for people and links.
    pub uuid: Uuid,
    /// Owner.
    pub project: ProjectNo,
    /// Owner inside the account, from the host.
    pub enterprise_project: EnterpriseProjectNo,
    /// What it is for.
    pub target: ControlTarget,
    /// Where it is in its life.
    pub life: Lifecycle,
    /// Number of the user who is to look at it.
    pub assignee: u32,
    /// Number of the user who asked; 0 is the local command line.
    pub created_by: u32,
    /// When.
    pub created_at: Millis,
    /// Number of the user of the newest history entry; 0 also for the program itself.
    pub modified_by: u32,
    /// When.
    pub modified_at: Millis,
}

/// One entry of a history: who did what, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Millis,
    /// Name of the user, or of the program itself.
    pub by: String,
    /// What changed; empty when somebody only said something.
    pub what: String,
    /// What they said.
    pub comment: String,
}

impl HistoryEntry {
    /// What was said and, below it, what changed: one text for wires that have only one.
    pub fn text(&self) -> String {
        match (self.comment.is_empty(), self.what.is_empty()) {
            (_, true) => self.comment.clone(),
            (true, false) => self.what.clone(),
            (false, false) => format!("{}\n[{}]", self.comment, self.what),
        }
    }
}
