//! Sensors, their profiles, and what each holds. None of this is a fact; what sensors saw is.

mod holdings;
mod profiles;

use parapet_model::sensor::Registration;
use parapet_model::{Millis, ProjectNo};
use uuid::Uuid;

pub use holdings::Holding;
pub use profiles::{Profile, ProfileKind, ProfileSettings, ScanningPolicy};

use crate::error::Result;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args, to_json};
use crate::tx::{Side, Tx};

const BY_UUID: &str = "SELECT no, uuid, user_no, registration, profile, created, checked_in, looked \
     FROM sensor WHERE project = $1 AND uuid = $2";
const BY_IDENTITY: &str = "SELECT no, uuid, user_no, registration, profile, created, checked_in, looked \
     FROM sensor WHERE project = $1 AND identity = $2";
const ALL: &str = "SELECT no, uuid, user_no, registration, profile, created, checked_in, looked \
     FROM sensor WHERE project = $1 ORDER BY no LIMIT $2";
const INSERT: &str = "INSERT INTO sensor (no, uuid, project, user_no, identity, registration, profile, created, \
     checked_in, looked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const RENEW: &str = "UPDATE sensor SET registration = $1, checked_in = $2 WHERE no = $3";
const CHECK_IN: &str = "UPDATE sensor SET checked_in = $1 WHERE no = $2 AND checked_in < $3";
const SILENT: &str = "SELECT no, uuid, user_no, registration, profile, created, checked_in, looked \
     FROM sensor WHERE silent = 0 AND checked_in < $1 ORDER BY no LIMIT $2";
const MARK_SILENT: &str = "UPDATE sensor SET silent = 1 WHERE no = $1 AND checked_in = $2";
const LOOKED: &str = "UPDATE sensor SET looked = $1, silent = 0 WHERE no = $2";
const DELETE: &str = "DELETE FROM sensor WHERE no = $1";
const CLEAR_PROFILE: &str = "UPDATE sensor SET profile = 0 WHERE profile = $1";
const SET_PROFILE: Bulk<2> = Bulk {
    before: "WITH k(no, profile) AS (VALUES ",
    after: ") UPDATE sensor SET profile = k.profile FROM k WHERE sensor.no = k.no",
};

/// A sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensor {
    /// Number.
    pub no: u32,
    /// Id on wires.
    pub uuid: Uuid,
    /// Who registered it, and alone may speak for it; 0 is the one built into the server.
    pub user: u32,
    /// What it said of itself.
    pub registration: Registration,
    /// Number of its profile; 0 is none.
    pub profile: u32,
    /// When it registered first, recorded time.
    pub created: Millis,
    /// When it was last heard of, the server's clock.
    pub checked_in: Millis,
    /// Observed time of the newest list of its engine's things.
    pub looked: Millis,
}

fn sensor(row: &Row) -> Result<Sensor> {
    let mut f = row.fields("sensor");
    Ok(Sensor {
        no: f.u32("no")?,
        uuid: f.uuid("uuid")?,
        user: f.u32("user_no")?,
        registration: f.json("registration")?,
        profile: f.u32("profile")?,
        created: f.i64()?,
        checked_in: f.i64()?,
        looked: f.i64()?,
    })
}

impl Session {
    /// A sensor of the project.
    pub async fn sensor(&mut self, project: ProjectNo, uuid: &Uuid) -> Result<Option<Sensor>> {
        self.fetch_one(BY_UUID, args![project, uuid]).await?.as_ref().map(sensor).transpose()
    }

    /// The sensor of the host with this machine id.
    pub async fn sensor_of_host(&mut self, project: ProjectNo, identity: &str) -> Result<Option<Sensor>> {
        self.fetch_one(BY_IDENTITY, args![project, identity]).await?.as_ref().map(sensor).transpose()
    }

    /// At most `limit` sensors of all projects that were last heard of before an instant and are not
    /// marked as silent.
    pub async fn silent_sensors(&mut self, before: Millis, limit: u32) -> Result<Vec<Sensor>> {
        self.fetch(SILENT, args![before, limit]).await?.iter().map(sensor).collect()
    }

    /// At most `limit` sensors of the project, oldest first.
    pub async fn sensors(&mut self, project: ProjectNo, limit: u32) -> Result<Vec<Sensor>> {
        self.fetch(ALL, args![project, limit]).await?.iter().map(sensor).collect()
    }
}

impl Tx {
    /// Makes a sensor.
    pub async fn create_sensor(
        &mut self,
        project: ProjectNo,
        user: u32,
        registration: &Registration,
        now: Millis,
    ) -> Result<Sensor> {
        let no = self.take_number(Counter::Sensor).await?;
        let (uuid, created, json) = (self.uuid(), self.recorded(), to_json(registration)?);
        let identity = &registration.identity;
        self.execute(INSERT, args![no, &uuid, project, user, identity, &json, 0_u32, created, now, 0_i64])
            .await?;
        let registration = registration.clone();
        Ok(Sensor { no, uuid, user, registration, profile: 0, created, checked_in: now, looked: 0 })
    }

    /// Takes over what a known sensor says of itself now.
    pub async fn renew_sensor(&mut self, no: u32, registration: &Registration, now: Millis) -> Result<()> {
        self.execute(RENEW, args![&to_json(registration)?, now, no]).await?;
        Ok(())
    }

    /// Marks a sensor as silent, unless it was heard of since it was found so; whether it is.
    pub async fn mark_silent(&mut self, sensor: &Sensor) -> Result<bool> {
        Ok(self.execute(MARK_SILENT, args![sensor.no, sensor.checked_in]).await? > 0)
    }

    /// Notes until when its engine was looked at; it is not silent then.
    pub async fn sensor_looked(&mut self, no: u32, observed: Millis) -> Result<()> {
        self.execute(LOOKED, args![observed, no]).await?;
        Ok(())
    }

    /// Gives these sensors the profile, and takes it from all others.
    pub async fn assign_sensors(&mut self, profile: u32, sensors: &[u32]) -> Result<()> {
        self.execute(CLEAR_PROFILE, args![profile]).await?;
        let rows: Vec<[Value<'_>; 2]> = sensors.iter().map(|&no| [no.into(), profile.into()]).collect();
        self.bulk(&SET_PROFILE, &rows).await?;
        Ok(())
    }

    /// Forgets a sensor. What it holds is let go first ([`Tx::release_holding`]).
    pub async fn delete_sensor(&mut self, no: u32) -> Result<()> {
        self.execute(DELETE, args![no]).await?;
        Ok(())
    }
}

impl Side {
    /// Notes that a sensor lives.
    pub async fn sensor_checked_in(&mut self, no: u32, now: Millis) -> Result<()> {
        self.execute(CHECK_IN, args![now, no, now]).await?;
        Ok(())
    }
}
