//! Use cases: who may do what to which facts, and the jobs that do it.
//!
//! [`App`] is an open store with its live posture. Its use cases are grouped by what they are about
//! ([`App::feeds`], [`App::scans`], [`App::exceptions`], …); each takes the asker as a
//! [`Principal`](parapet_model::Principal) and checks the right itself, so that no caller can
//! forget to. Nothing here knows of HTTP or of the command line.
//!
//! How to add a use case: a method on its group; `require` the permission first; write in one
//! transaction with an audit event; `live().catch_up()` after the commit.
//!
//! How to add a job: a variant of `jobs::payload::Payload`, a `run` function beside its use case,
//! a row in `jobs::runner::dispatch`. Everything a job writes, it writes through `Run::begin`, which
//! fails once the job is somebody else's.

mod accounts;
mod app;
mod artifacts;
mod audit;
pub mod changes;
mod checkpoint;
pub mod compliance;
pub mod connectors;
pub mod control_exceptions;
pub mod control_posture;
mod error;
pub mod exceptions;
pub mod explain;
pub mod exports;
pub mod feeds;
pub mod findings;
mod gaps;
pub mod generate;
pub mod handling;
pub mod host_scans;
mod hosts;
pub mod jobs;
pub mod lists;
mod live;
mod matcher;
pub mod notices;
mod pace;
pub mod packages;
mod password;
pub mod plan;
mod ranking;
pub mod registries;
pub mod reports;
mod retention;
pub mod scan;
pub mod schedules;
pub mod sensors;
pub mod sources;
mod turns;
mod vulnerabilities;

pub use accounts::{
    Accounts, BearerError, Changeable, ChosenAssets, Claim, ListedUser, NewKey, SignedIn, SignedWrite,
    SigningError, SigningKey, TEMPORARY_SECONDS, TemporaryKey, TokenScope, VISIT_ENDS,
};
pub use app::{App, Options};
pub use artifacts::{ArtifactBody, ArtifactPlace};
pub use error::{Error, Result};
pub use findings::{PastInstant, View};
pub use gaps::{gaps_of, kernels_left_out};
pub use hosts::Hosts;
pub use live::Live;
pub use parapet_matching::coverage::end_of_life;
pub use retention::{Retained, retention};
pub use turns::Turns;
