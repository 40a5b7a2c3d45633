//! What an import did, in numbers and for those who act on it.

use parapet_model::compliance::{ControlPosture, ResultChange};
use parapet_model::{ControlResultNo, Millis, PolicyNo};
use serde::Serialize;
use uuid::Uuid;

/// Most results named one by one.
const MAX_NAMED: usize = 10_000;

/// What importing a document did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ImportReport {
    /// One for each host and profile of the document.
    pub evaluations: Vec<EvaluationReport>,
    /// What is worth saying beside.
    pub warnings: Vec<String>,
}

/// What recording one host's stand with one policy did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct EvaluationReport {
    /// Id of the host as an asset.
    pub host: Uuid,
    /// Its name in the document.
    pub host_name: String,
    /// Whether the host was not known.
    pub host_is_new: bool,
    /// Number of the policy.
    pub policy: PolicyNo,
    /// Its title.
    pub policy_title: String,
    /// The platform.
    pub technology: String,
    /// When the host was looked at, epoch milliseconds.
    pub observed: Millis,
    /// `newest`, `older` (history: nothing that holds now changed), `seen` (recorded before, or overruled
    /// by another look at that very instant: nothing was recorded).
    pub outcome: &'static str,
    /// Results read.
    pub results: usize,
    /// Of these, passed.
    pub passed: usize,
    /// Of these, failed.
    pub failed: usize,
    /// Of these, without an answer.
    pub errors: usize,
    /// Of these, not judged: not applicable, not checked, informational.
    pub not_judged: usize,
    /// Results that were not known.
    pub new: usize,
    /// Results with another status than before.
    pub changed_status: usize,
    /// Results of the same status where another thing was found than before.
    pub changed_evidence: usize,
    /// Results that stand as they stood.
    pub unchanged: usize,
    /// Results that the document no longer names.
    pub gone: usize,
    /// Those that failed, still fail, and where another thing was found.
    pub fail_differently: Vec<ControlResultNo>,
    /// Those that pass and did not before.
    pub pass_again: Vec<ControlResultNo>,
}

impl EvaluationReport {
    /// Counts a result of the document.
    pub(super) fn read(&mut self, posture: Option<ControlPosture>) {
        self.results += 1;
        *match posture {
            Some(ControlPosture::Passed) => &mut self.passed,
            Some(ControlPosture::Failed) => &mut self.failed,
            Some(ControlPosture::Error) => &mut self.errors,
            None => &mut self.not_judged,
        } += 1;
    }

    /// Counts what changed.
    pub(super) fn changed(&mut self, change: &ResultChange) {
        if change.before.is_none() {
            self.new += 1;
        } else if change.status_changed() {
            self.changed_status += 1;
        } else if change.evidence_changed {
            self.changed_evidence += 1;
        }
        if change.fails_differently() && self.fail_differently.len() < MAX_NAMED {
            self.fail_differently.push(change.no);
        }
        if change.passes_again() && self.pass_again.len() < MAX_NAMED {
            self.pass_again.push(change.no);
        }
    }
}
