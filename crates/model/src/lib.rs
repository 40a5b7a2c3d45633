//! The vocabulary of Parapet.
//!
//! Every other crate speaks in the types of this one: the facts as they are stored, the filter
//! tree with its plain evaluator, the state machines of exceptions and jobs, who may do what, and
//! the clock and identifier sources that are passed in everywhere instead of being ambient.
//!
//! Nothing here reads a file, a socket or a database.

pub mod access;
pub mod advisory;
pub mod asset;
pub mod compliance;
pub mod control_exception;
pub mod coverage;
pub mod digest;
pub mod exception;
pub mod facts;
pub mod filter;
pub mod finding;
pub mod id;
pub mod inventory;
pub mod job;
pub mod labels;
pub mod lifecycle;
pub mod package;
pub mod ranges;
pub mod rare;
pub mod recurrence;
pub mod risk;
pub mod schedule;
pub mod sensor;
pub mod severity;
pub mod time;
pub mod verdict;
pub mod vulnerability;

pub use access::{Access, Permission, Principal, Role, Scope};
pub use asset::{AssetKind, ScanState};
pub use coverage::Coverage;
pub use digest::Digest;
pub use filter::Filter;
pub use id::{
    AdvisoryNo, AssetNo, ControlExceptionNo, ControlNo, ControlResultNo, EnterpriseProjectNo, EvidenceNo,
    ExceptionNo, Ids, PackageNo, PolicyNo, ProjectNo, RandomIds, SeededIds, SetNo, TechnologyNo,
    VulnerabilityNo,
};
pub use package::PackageKey;
pub use ranges::Ranges;
pub use rare::Rare;
pub use risk::Risk;
pub use severity::Severity;
pub use time::{Clock, FOREVER, Interval, Millis, SystemClock, TestClock};
pub use verdict::MatchState;

/// The version of the package readers. A better reader raises it; layer caches and inventories
/// made by an older one are read again, with closing reason `reader_changed`.
pub const READER_VERSION: u32 = 6;

/// The version of the matcher. A better matcher raises it; all matches are computed again, with
/// closing reason `matcher_changed`.
pub const MATCHER_VERSION: u32 = 3;
