//! Jobs: durable work with a lease (REVIEW D1–D4).
//!
//! A job is a row; [`JobState`] has the steps it may take. Everything that changes one happens in a
//! [`Tx`](crate::Tx), and those are serial, so there are no races between workers to think about:
//! [`Store::claim_job`](crate::Store::claim_job) raises `attempt`, and every transaction in which a
//! job writes facts begins with [`Tx::fence`](crate::Tx::fence), which fails once another attempt
//! began. A worker that was paused and comes back changes nothing, whatever the clocks say: a lease
//! decides only when somebody else tries.
//!
//! The one thing outside is the heart-beat ([`Store::heartbeat`](crate::Store::heartbeat)), which
//! touches a table of its own.
//!
//! - `enqueue`: new jobs; the same work wanted twice is one job.
//! - `claim`: which job is next, fair between owners.
//! - `run`: fence, heart-beat, and the ways an attempt ends.
//! - `tree`: parents and children, and waiting for them.
//! - `cancel`: cancelling, down the tree.
//! - `place`: whether the server does it or a sensor.
//! - `list`: looking at jobs; forgetting old ones.

mod cancel;
mod claim;
mod enqueue;
mod list;
mod place;
mod run;
mod tree;

use std::collections::BTreeSet;

use parapet_model::job::{JobKind, JobState};
use parapet_model::{EnterpriseProjectNo, Millis, ProjectNo};
use serde_json::value::RawValue;
use uuid::Uuid;

pub use claim::ClaimedJob;
pub use enqueue::{Enqueued, NewJob};
pub use list::JobFilter;
pub use run::{Attempt, Beat, Stopped};
pub use tree::{ChildWork, Progress};

/// A job as people see it.
#[derive(Debug, Clone)]
pub struct Job {
    /// Number, growing with age.
    pub no: u32,
    /// Id for people and wires.
    pub uuid: Uuid,
    /// Whose it is.
    pub project: ProjectNo,
    /// The enterprise projects its asker saw; `None` means all. Who sees less does not see the job.
    pub enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
    /// What it does.
    pub kind: JobKind,
    /// Name of the user who asked.
    pub owner: String,
    /// Where it stands. A job whose own work is done stays running until its children are final.
    pub state: JobState,
    /// How often it was claimed.
    pub attempt: u32,
    /// Its own work is done, its children's is not; or it is cancelled, and they are about to be.
    pub waiting: bool,
    /// The schedule that made it and the instant it fired for.
    pub fired: Option<(u32, Millis)>,
    /// What to do, as the kind defines it.
    pub payload: Box<RawValue>,
    /// What came of it, as the kind defines it.
    pub result: Option<Box<RawValue>>,
    /// Why the last attempt failed, or empty.
    pub error: String,
    /// Units of work done, as the last heart-beat said; all of them once it succeeded.
    pub done: u64,
    /// Units of work in all; 0 when not known.
    pub total: u64,
    /// First instant at which it may be claimed.
    pub not_before: Millis,
    /// When it was asked for, recorded time.
    pub created: Millis,
    /// When its last attempt began, recorded time; 0 for never.
    pub started: Millis,
    /// When it became final, recorded time; 0 for not yet.
    pub ended: Millis,
}
