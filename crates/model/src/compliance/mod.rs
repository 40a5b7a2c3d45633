//! Compliance: what a policy demands of hosts, and what was found there.
//!
//! A *policy* is a profile of a benchmark; a *control* is a rule, whichever benchmark holds it; a
//! *technology* is a platform as people name it. A *control result* says how one host stands with one
//! control of one policy at one instance; its identity is those four. Results are facts with half-open
//! intervals in **observed** time (see [`timeline`]): what a host showed when it was looked at does not
//! depend on the order in which documents arrive.

pub mod evidence;
pub mod status;
pub mod target;
pub mod technology;
pub mod timeline;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use evidence::{Evidence, Expected, Item, TestEvidence};
pub use status::{ControlPosture, ControlStatus, Criticality};
pub use target::Target;
pub use timeline::{Held, Stretch, Summary, Timeline};

use crate::id::{
    AssetNo, ControlNo, ControlResultNo, EnterpriseProjectNo, EvidenceNo, PolicyNo, ProjectNo, TechnologyNo,
};
use crate::time::Millis;

/// The instance of a result whose check has only one: the operating system itself.
pub const WHOLE_HOST: &str = "os";

/// A profile of a benchmark, in one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Number on wires.
    pub no: PolicyNo,
    /// Owner.
    pub project: ProjectNo,
    /// Id of the benchmark.
    pub benchmark: String,
    /// Id of the profile, or empty when a document names none.
    pub profile: String,
    /// Title of the profile.
    pub title: String,
    /// Version of the benchmark in the newest document.
    pub version: String,
    /// When it was first known, recorded time.
    pub created: Millis,
    /// When its title, version or controls changed last, recorded time.
    pub updated: Millis,
    /// When a host was evaluated last, observed time.
    pub evaluated: Millis,
}

/// A rule, in one project. Benchmarks that share a rule share the control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Number on wires; never given to another rule.
    pub no: ControlNo,
    /// Owner.
    pub project: ProjectNo,
    /// Id of the rule.
    pub rule: String,
    /// What the newest version of a benchmark says of it.
    pub text: ControlText,
    /// When it was first known, recorded time.
    pub created: Millis,
    /// When its text changed last, recorded time.
    pub updated: Millis,
}

/// What a benchmark says of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct ControlText {
    /// Title.
    pub statement: String,
    /// Title of the outermost group but one, or of the outermost.
    pub category: String,
    /// Title of the innermost group.
    pub sub_category: String,
    /// Why it is demanded.
    pub rationale: String,
    /// How much it matters.
    pub criticality: Criticality,
    /// Identifiers (CCE and others) and references, in the order of the benchmark.
    pub references: Vec<ControlReference>,
}

/// Something that a control refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ControlReference {
    /// Address or name of the framework.
    pub framework: String,
    /// Section or identifier.
    pub section: String,
}

/// A platform, in one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technology {
    /// Number on wires.
    pub no: TechnologyNo,
    /// Owner.
    pub project: ProjectNo,
    /// Its CPE name, or empty for hosts whose platform no document named.
    pub cpe: String,
    /// Name as people write it: `Debian GNU/Linux 12.x`.
    pub name: String,
}

/// A host as a policy sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The host.
    pub host: AssetNo,
    /// The policy.
    pub policy: PolicyNo,
    /// Its platform.
    pub technology: TechnologyNo,
    /// When it was looked at last, observed time.
    pub observed: Millis,
    /// When the first document of it was recorded.
    pub created: Millis,
}

/// What a result is the result of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResultIdentity {
    /// The host.
    pub host: AssetNo,
    /// The policy.
    pub policy: PolicyNo,
    /// The control.
    pub control: ControlNo,
    /// [`WHOLE_HOST`], or one of several things that a check looks at.
    pub instance: String,
}

/// How a host stands with a control now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlResult {
    /// Number on wires.
    pub no: ControlResultNo,
    /// Of what.
    pub identity: ResultIdentity,
    /// Owner.
    pub project: ProjectNo,
    /// Owner inside the account, from the host.
    pub enterprise_project: EnterpriseProjectNo,
    /// Id of the host as an asset.
    pub host_uuid: Uuid,
    /// Platform of the host.
    pub technology: TechnologyNo,
    /// What the scanner said last.
    pub status: ControlStatus,
    /// What was found, number 0 when the document held no evidence at all.
    pub evidence: EvidenceNo,
    /// Instants and the status before; observed time.
    pub summary: Summary,
    /// When the host was looked at last for this policy, observed time.
    pub evaluated: Millis,
    /// When the row changed last, recorded time.
    pub updated: Millis,
}

impl ControlResult {
    /// Passed, failed, error, or nothing to show.
    pub fn posture(&self) -> Option<ControlPosture> {
        self.status.posture()
    }
}

/// What recording a document did to one result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultChange {
    /// The result.
    pub no: ControlResultNo,
    /// Of what.
    pub identity: ResultIdentity,
    /// Platform of the host.
    pub technology: TechnologyNo,
    /// What was held before; `None` when the result is new.
    pub before: Option<Held>,
    /// What is held now.
    pub now: Held,
    /// Whether another thing was found than before. Only where both documents held evidence:
    /// a document without any cannot show a change.
    pub evidence_changed: bool,
    /// When it was looked at, observed time.
    pub observed: Millis,
}

impl ResultChange {
    fn was(&self) -> Option<ControlPosture> {
        self.before.and_then(|held| held.status.posture())
    }

    /// Failed before, fails now, and something else was found: an accepted value is no longer the
    /// one that was accepted.
    pub fn fails_differently(&self) -> bool {
        let failed = Some(ControlPosture::Failed);
        self.evidence_changed && self.was() == failed && self.now.status.posture() == failed
    }

    /// Did not pass before and passes now.
    pub fn passes_again(&self) -> bool {
        let passed = Some(ControlPosture::Passed);
        self.before.is_some() && self.was() != passed && self.now.status.posture() == passed
    }

    /// Another status than before; a new result has changed too.
    pub fn status_changed(&self) -> bool {
        self.before.is_none_or(|before| before.status != self.now.status)
    }
}
