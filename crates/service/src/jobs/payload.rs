//! What jobs are told to do, as it is kept in their rows. Fields may be added with a default; a row
//! written by an older program must stay readable.

use parapet_model::Millis;
use parapet_store::jobs::Job;
use parapet_store::schedules::ScanPlan;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::exports::ExportRequest;
use crate::feeds::Limits;
use crate::notices::NotifyJob;
use crate::reports::{MailReportJob, ReportSettings};

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Payload {
    /// Write an artifact.
    Export(ExportJob),
    /// Read one image.
    ScanImage(ScanImageJob),
    /// Read many images.
    ScanImages(ScanImagesJob),
    /// List a registry and scan what it holds.
    ListRegistry(ListRegistryJob),
    /// Bring feeds up to date from their addresses.
    SyncFeeds(SyncFeedsJob),
    /// Store what a held import would have stored.
    AcceptHeld(AcceptHeldJob),
    /// Write the report of a schedule that fired.
    ScheduledReport(ReportSettings),
    /// Compute all matches again with the matcher of this program.
    Rematch,
    /// Tell somebody something.
    Notify(NotifyJob),
    /// Mail a finished report.
    MailReport(MailReportJob),
}

/// See [`Payload::Export`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExportJob {
    /// What is wanted.
    pub(crate) request: ExportRequest,
    /// Log position promised on.
    pub(crate) seq: u64,
    /// Its recorded time.
    pub(crate) recorded: Millis,
    /// The instant at which exceptions hold or do not.
    pub(crate) now: Millis,
    /// Rows promised.
    pub(crate) rows: u64,
}

/// See [`Payload::ScanImage`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScanImageJob {
    /// A registry of the project, for its address and credentials; without one the reference says
    /// where to go, anonymously.
    pub(crate) registry: Option<Uuid>,
    /// `host/repository:tag`, or `repository:tag` in the registry.
    pub(crate) image: String,
    /// `os/architecture[/variant]`, or empty.
    pub(crate) platform: String,
    /// Read again what was read before.
    pub(crate) force: bool,
}

/// See [`Payload::ScanImages`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScanImagesJob {
    /// Which, and how each is read.
    pub(crate) images: Vec<ScanImageJob>,
}

/// See [`Payload::ListRegistry`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ListRegistryJob {
    /// The registry.
    pub(crate) registry: Uuid,
    /// Read again what was read before.
    pub(crate) force: bool,
    /// What is wanted; without it what the registry's own selection takes.
    #[serde(default)]
    pub(crate) plan: Option<ScanPlan>,
}

/// See [`Payload::SyncFeeds`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SyncFeedsJob {
    /// Names of feeds with an address; empty means all.
    pub(crate) feeds: Vec<String>,
    /// When to hold an import.
    pub(crate) limits: Limits,
}

/// See [`Payload::AcceptHeld`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AcceptHeldJob {
    /// Name of the feed.
    pub(crate) feed: String,
}

impl Payload {
    /// Reads the payload of a job.
    pub(crate) fn read(job: &Job) -> Result<Self> {
        Self::parse(&job.payload)
    }

    /// Reads a payload.
    pub(crate) fn parse(raw: &RawValue) -> Result<Self> {
        serde_json::from_str(raw.get()).map_err(Error::internal)
    }
}
