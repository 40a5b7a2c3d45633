//! Sensors: who looks at a host and its engine, how often, and what is left out.
//!
//! The same types are stored, shown and spoken between `parapet sensor` and the server
//! (`docs/sensor.md`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asset::{HostFacts, ImageFacts};
use crate::digest::Digest;
use crate::inventory::Inventory;
use crate::schedule::Weekday;
use crate::time::{DAY, Millis};

/// How often a sensor should say that it lives, in seconds.
pub const CHECK_IN_SECONDS: u32 = 300;
/// A sensor that was silent for longer is [`SensorStatus::Unknown`]: three check-ins were missed.
pub const SILENT_AFTER: Millis = 3 * CHECK_IN_SECONDS as Millis * 1000;

/// Whether a sensor lives. A function of its last check-in and now; nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SensorStatus {
    /// It checked in lately.
    Running,
    /// It has not been heard of for [`SILENT_AFTER`].
    Unknown,
}

impl SensorStatus {
    /// The status of a sensor that checked in last at `checked_in`.
    pub const fn at(checked_in: Millis, now: Millis) -> Self {
        if now.saturating_sub(checked_in) > SILENT_AFTER { Self::Unknown } else { Self::Running }
    }

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What a sensor is for (contract `qualys-cs` 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SensorKind {
    /// A host and its engine.
    #[default]
    General,
    /// Registries.
    Registry,
    /// A build machine.
    Cicd,
}

/// What a sensor says of itself when it registers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Machine id of its host; one sensor for each host of a project.
    pub identity: String,
    /// Name for people; the host name when empty.
    #[serde(default)]
    pub name: String,
    /// Host name.
    #[serde(default)]
    pub hostname: String,
    /// What it is for.
    #[serde(default)]
    pub kind: SensorKind,
    /// The distribution of its host, for people.
    #[serde(default)]
    pub os: String,
    /// `os/architecture` of its host.
    #[serde(default)]
    pub platform: String,
    /// Addresses of its host.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Name and version of the engine it looks at, or empty.
    #[serde(default)]
    pub engine: String,
    /// Version of the sensor program.
    #[serde(default)]
    pub version: String,
    /// What its owner calls it.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A time of the week in which a sensor reads nothing: `[start, end)` on each of its days, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlackoutWindow {
    /// First minute of the day.
    pub start: u16,
    /// First minute after it, at most 1440.
    pub end: u16,
    /// On which days.
    pub days: BTreeSet<Weekday>,
}

impl BlackoutWindow {
    /// Whether it holds at an instant.
    pub fn contains(&self, at: Millis) -> bool {
        let minute = at.rem_euclid(DAY) / 60_000;
        self.days.contains(&Weekday::of(at)) && (i64::from(self.start)..i64::from(self.end)).contains(&minute)
    }
}

/// What a sensor is told at each check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorSettings {
    /// Its id.
    pub sensor: Uuid,
    /// Name of its profile, or empty.
    pub profile: String,
    /// When it reads nothing.
    pub blackouts: Vec<BlackoutWindow>,
    /// Hours after which the host is read again.
    pub interval_hours: u32,
    /// Regular expressions; an image one of whose names matches is left out, and its containers.
    pub image_exclusions: Vec<String>,
    /// Images read at the same time.
    pub concurrent_scans: u32,
    /// Seconds to the next check-in.
    pub check_in_seconds: u32,
    /// How many registries it scans.
    #[serde(default)]
    pub registries: u32,
    /// Number of the newest wish that the host be read at once; 0 for none.
    #[serde(default)]
    pub look_wanted: u32,
}

/// What a sensor saw. Every part may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorReport {
    /// Which sensor.
    pub sensor: Uuid,
    /// When it looked, epoch milliseconds of its clock; what lies ahead of the server's counts as now.
    pub observed: Millis,
    /// The host itself.
    #[serde(default)]
    pub host: Option<HostReport>,
    /// Everything its engine has; what is missing here is gone.
    #[serde(default)]
    pub engine: Option<EngineReport>,
    /// What is in images that an earlier answer wanted.
    #[serde(default)]
    pub contents: Vec<ImageContent>,
}

/// A host as its sensor read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    /// Host name.
    pub name: String,
    /// Kernel, addresses.
    pub facts: HostFacts,
    /// Its packages.
    pub inventory: Inventory,
}

/// What an engine has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineReport {
    /// Images.
    #[serde(default)]
    pub images: Vec<EngineImage>,
    /// Containers, running or not.
    #[serde(default)]
    pub containers: Vec<EngineContainer>,
}

/// An image of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineImage {
    /// By what the engine is asked for it.
    pub id: String,
    /// Every digest by which the engine names it: config, manifest, index.
    pub digests: Vec<Digest>,
    /// `repository:tag` names.
    #[serde(default)]
    pub names: Vec<String>,
}

/// A container of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineContainer {
    /// The engine's id.
    pub id: String,
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// State in the engine's word.
    #[serde(default)]
    pub state: String,
    /// When it was made, epoch milliseconds, 0 when not said.
    #[serde(default)]
    pub created: Millis,
    /// What it was started with, for people.
    #[serde(default)]
    pub image_name: String,
    /// Every digest by which the engine names its image.
    pub image_digests: Vec<Digest>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What is in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageContent {
    /// Name for people.
    pub name: String,
    /// Digest of its config.
    pub config: Digest,
    /// Every digest by which the engine names it.
    pub digests: Vec<Digest>,
    /// Manifest and config beside the layers.
    pub facts: ImageFacts,
    /// Its packages.
    pub inventory: Inventory,
}

/// The answer to a report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReportAnswer {
    /// What became of the host: `new`, `changed`, `unchanged`, `older`, `seen`; empty without one.
    pub host: String,
    /// Containers recorded.
    pub containers: usize,
    /// Containers that were gone.
    pub deleted: usize,
    /// Images recorded with their content.
    pub contents: usize,
    /// Ids of images whose content the server does not know.
    pub wanted: Vec<String>,
    /// What was left out, and why.
    pub refused: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 2026-11-02, 00:00 UTC.
    const MONDAY: Millis = 1_793_577_600_000;

    #[test]
    fn a_window_holds_on_its_days_from_start_to_before_end() {
        let days = BTreeSet::from([Weekday::Monday, Weekday::Sunday]);
        let window = BlackoutWindow { start: 60, end: 1440, days };
        let hour = 3_600_000;
        assert_eq!(Weekday::of(MONDAY), Weekday::Monday);
        assert!(!window.contains(MONDAY));
        assert!(window.contains(MONDAY + hour));
        assert!(window.contains(MONDAY + DAY - 1));
        assert!(!window.contains(MONDAY + DAY + hour), "Tuesday");
        assert!(window.contains(MONDAY - hour), "Sunday before");
        assert_eq!(Weekday::of(-1), Weekday::Wednesday, "before 1970");
    }

    #[test]
    fn a_silent_sensor_is_unknown_after_three_check_ins() {
        assert_eq!(SensorStatus::at(1000, 1000 + SILENT_AFTER), SensorStatus::Running);
        assert_eq!(SensorStatus::at(1000, 1001 + SILENT_AFTER), SensorStatus::Unknown);
        assert_eq!(SensorStatus::at(1000, 0), SensorStatus::Running, "a clock that went back");
    }
}
