//! Dense `u32` numbers from counter rows (REVIEW A12): given out inside the serialised write
//! transaction, never reused, never burnt by a conflict, because callers look up existing keys
//! first and number only new ones.

use crate::error::{Error, Result};
use crate::sql::args;
use crate::tx::Tx;

const TAKE: &str =
    "UPDATE counter SET next = next + $1 WHERE name = $2 AND next + $3 <= 4294967295 RETURNING next";

/// What is numbered; the names are rows of `counter`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counter {
    Package,
    Set,
    Asset,
    Advisory,
    Vulnerability,
    Exception,
    Project,
    EnterpriseProject,
    Feed,
    FeedImport,
    Account,
    Role,
    ApiKey,
    Audit,
    Registry,
    List,
    Sensor,
    SensorProfile,
    Schedule,
    Connector,
    Job,
    Artifact,
    Policy,
    Control,
    Technology,
    ControlResult,
    ControlEvidence,
    ControlException,
}

impl Counter {
    const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Set => "package_set",
            Self::Asset => "asset",
            Self::Advisory => "advisory",
            Self::Vulnerability => "vulnerability",
            Self::Exception => "exception",
            Self::Project => "project",
            Self::EnterpriseProject => "enterprise_project",
            Self::Feed => "feed",
            Self::FeedImport => "feed_import",
            Self::Account => "account",
            Self::Role => "role",
            Self::ApiKey => "api_key",
            Self::Audit => "audit",
            Self::Registry => "registry",
            Self::List => "vulnerability_list",
            Self::Sensor => "sensor",
            Self::SensorProfile => "sensor_profile",
            Self::Schedule => "schedule",
            Self::Connector => "connector",
            Self::Job => "job",
            Self::Artifact => "artifact",
            Self::Policy => "policy",
            Self::Control => "control",
            Self::Technology => "technology",
            Self::ControlResult => "control_result",
            Self::ControlEvidence => "control_evidence",
            Self::ControlException => "control_exception",
        }
    }
}

impl Tx {
    /// `count` fresh numbers, the first of which is returned. The highest number ever given out is
    /// `u32::MAX - 1`.
    pub(crate) async fn take_numbers(&mut self, counter: Counter, count: usize) -> Result<u32> {
        let name = counter.name();
        let row = self.write_one(TAKE, args![count, name, count]).await?.ok_or(Error::Exhausted(name))?;
        let next = row.fields("counter").u32("next")?;
        u32::try_from(count).ok().and_then(|n| next.checked_sub(n)).ok_or(Error::Exhausted(name))
    }

    /// One fresh number.
    pub(crate) async fn take_number(&mut self, counter: Counter) -> Result<u32> {
        self.take_numbers(counter, 1).await
    }
}
