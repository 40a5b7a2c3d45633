//! Sensor profiles: how the sensors that have one behave.

use parapet_model::sensor::BlackoutWindow;
use parapet_model::{Millis, ProjectNo};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Row, args, to_json};
use crate::tx::Tx;

const BY_UUID: &str = "SELECT no, uuid, name, settings, created, updated FROM sensor_profile \
     WHERE project = $1 AND uuid = $2";
const BY_NAME: &str = "SELECT no, uuid, name, settings, created, updated FROM sensor_profile \
     WHERE project = $1 AND name = $2";
const ALL: &str = "SELECT no, uuid, name, settings, created, updated FROM sensor_profile \
     WHERE project = $1 ORDER BY no LIMIT $2";
const INSERT: &str = "INSERT INTO sensor_profile (no, uuid, project, name, settings, created, updated) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const UPDATE: &str = "UPDATE sensor_profile SET name = $1, settings = $2, updated = $3 WHERE no = $4";
const DELETE: &str = "DELETE FROM sensor_profile WHERE no = $1";

/// What kind of sensors a profile is for (contract `qualys-cs` 4.1, in its spelling).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ProfileKind {
    /// Those that scan registries.
    Registry,
    /// Those of hosts.
    #[default]
    General,
    /// Those of build machines.
    #[serde(rename = "CICD")]
    Cicd,
    /// Those of clusters.
    Cluster,
    /// Those that watch what runs.
    #[serde(rename = "RUNTIME")]
    Runtime,
}

/// How images are read. Both ways read the image's content here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ScanningPolicy {
    /// Run, and when that fails read.
    #[default]
    DynamicWithStaticScanningAsFallback,
    /// Run only.
    Dynamic,
}

/// What people say of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileSettings {
    /// Unique in the project.
    pub name: String,
    /// Longer text, or empty.
    pub description: String,
    /// What kind of sensors.
    pub kind: ProfileKind,
    /// Registries that its sensors scan.
    pub registries: Vec<Uuid>,
    /// `runtimeSensor`, for kind RUNTIME only.
    pub runtime: Option<bool>,
    /// `ignoreProcesses`, for kind RUNTIME only.
    pub ignore_processes: String,
    /// `isVulnPropagation`.
    pub propagates: bool,
    /// `filter`, kept as it was given.
    pub filter: String,
    /// When nothing is read.
    pub blackouts: Vec<BlackoutWindow>,
    /// Hours between two looks at a host.
    pub interval_hours: u32,
    /// Regular expressions over names of images that are left out.
    pub image_exclusions: Vec<String>,
    /// `globalScanningFlag`.
    pub global: bool,
    /// How images are read.
    pub policy: ScanningPolicy,
    /// `maxNoOfArchivedLogFiles`.
    pub archived_logs: Option<u32>,
    /// `maxLogFileSize`.
    pub log_size: Option<u32>,
    /// Images read at the same time.
    pub concurrent_scans: u32,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Number.
    pub no: u32,
    /// Id on wires.
    pub uuid: Uuid,
    /// What people say of it.
    pub settings: ProfileSettings,
    /// When it was made, recorded time.
    pub created: Millis,
    /// When it was changed last, recorded time.
    pub updated: Millis,
}

fn profile(row: &Row) -> Result<Profile> {
    let mut f = row.fields("sensor_profile");
    let (no, uuid, name) = (f.u32("no")?, f.uuid("uuid")?, f.text()?);
    let settings = ProfileSettings { name, ..f.json("settings")? };
    Ok(Profile { no, uuid, settings, created: f.i64()?, updated: f.i64()? })
}

impl Session {
    /// A profile of the project.
    pub async fn sensor_profile(&mut self, project: ProjectNo, uuid: &Uuid) -> Result<Option<Profile>> {
        self.fetch_one(BY_UUID, args![project, uuid]).await?.as_ref().map(profile).transpose()
    }

    /// At most `limit` profiles of the project, oldest first.
    pub async fn sensor_profiles(&mut self, project: ProjectNo, limit: u32) -> Result<Vec<Profile>> {
        self.fetch(ALL, args![project, limit]).await?.iter().map(profile).collect()
    }
}

impl Tx {
    /// Makes a profile.
    ///
    /// # Errors
    /// [`Error::Taken`] when the project has one of that name.
    pub async fn create_sensor_profile(
        &mut self,
        project: ProjectNo,
        settings: &ProfileSettings,
    ) -> Result<Profile> {
        self.refuse_taken_profile(project, &settings.name, None).await?;
        let no = self.take_number(Counter::SensorProfile).await?;
        let (uuid, now, json) = (self.uuid(), self.recorded(), to_json(settings)?);
        self.execute(INSERT, args![no, &uuid, project, &settings.name, &json, now, now]).await?;
        Ok(Profile { no, uuid, settings: settings.clone(), created: now, updated: now })
    }

    /// Changes a profile.
    ///
    /// # Errors
    /// Like [`Tx::create_sensor_profile`].
    pub async fn update_sensor_profile(
        &mut self,
        project: ProjectNo,
        old: &Profile,
        settings: &ProfileSettings,
    ) -> Result<Profile> {
        self.refuse_taken_profile(project, &settings.name, Some(old.no)).await?;
        let (now, json) = (self.recorded(), to_json(settings)?);
        self.execute(UPDATE, args![&settings.name, &json, now, old.no]).await?;
        Ok(Profile { settings: settings.clone(), updated: now, ..old.clone() })
    }

    /// Deletes a profile; its sensors have none then.
    pub async fn delete_sensor_profile(&mut self, profile: &Profile) -> Result<()> {
        self.assign_sensors(profile.no, &[]).await?;
        self.execute(DELETE, args![profile.no]).await?;
        Ok(())
    }

    async fn refuse_taken_profile(
        &mut self,
        project: ProjectNo,
        name: &str,
        except: Option<u32>,
    ) -> Result<()> {
        let found = self.fetch_one(BY_NAME, args![project, name]).await?;
        match found.as_ref().map(profile).transpose()? {
            Some(other) if Some(other.no) != except => {
                Err(Error::Taken { what: "sensor profile", name: name.to_owned() })
            }
            _ => Ok(()),
        }
    }
}
