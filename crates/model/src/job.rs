//! Jobs: durable work with a lease.

use serde::{Deserialize, Serialize};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum JobKind {
    /// Read one image.
    ScanImage = 0,
    /// List a registry and make a scan for each image.
    ListRegistry = 1,
    /// Load a feed.
    ImportFeed = 2,
    /// Write an artifact.
    Export = 3,
    /// Compute all matches again with a better matcher.
    Rematch = 4,
    /// Tell somebody something.
    Notify = 5,
}

impl JobKind {
    /// All kinds by number.
    pub const ALL: [Self; 6] =
        [Self::ScanImage, Self::ListRegistry, Self::ImportFeed, Self::Export, Self::Rematch, Self::Notify];

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScanImage => "scan_image",
            Self::ListRegistry => "list_registry",
            Self::ImportFeed => "import_feed",
            Self::Export => "export",
            Self::Rematch => "rematch",
            Self::Notify => "notify",
        }
    }

    /// The kind stored as `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Where a job stands.
///
/// | from | to | when |
/// |---|---|---|
/// | queued | running | a worker claims it; `attempt` rises |
/// | running | running | its lease ran out and another worker claims it; `attempt` rises |
/// | running | succeeded, failed | the worker of the current attempt says so |
/// | running | queued | the worker of the current attempt asks for a retry |
/// | queued, running | cancelled | somebody cancels it or its parent |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum JobState {
    /// Waiting for a worker.
    Queued = 0,
    /// A worker holds a lease on it.
    Running = 1,
    /// Done.
    Succeeded = 2,
    /// Failed for good.
    Failed = 3,
    /// Cancelled.
    Cancelled = 4,
}

impl JobState {
    /// All states by number.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Whether nothing more will happen to the job.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state stored as `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}
