//! Sensors: who registered, when it was last heard of, what it is told. What sensors see is recorded
//! by `report`; `agent` is the sensor itself; `profiles` are how sensors behave; `place` says which
//! scans of registries are theirs, and `work` hands these out.

mod agent;
mod bounds;
mod exclusions;
mod oscap;
mod place;
mod profiles;
mod report;
mod scanner;
mod silent;
mod work;

use parapet_model::sensor::{CHECK_IN_SECONDS, Registration, SensorSettings, SensorStatus};
use parapet_model::{Permission, Principal};
use parapet_store::sensors::{Profile, Sensor};
use uuid::Uuid;

pub use agent::{Agent, AgentOptions, BuiltIn, Round, Upstream};
pub(crate) use exclusions::Exclusions;
pub use oscap::Checklist;
pub(crate) use place::place;
pub use profiles::{NewProfile, ProfileView, SensorProfiles};
pub(crate) use silent::tick as mark_silent;
pub use work::{ScannedImage, Task, Work, WorkAnswer, WorkOutcome, WorkPlace, WorkReport};

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};

/// Sensors or profiles of one project that are looked at; far above what people keep.
const MAX_LISTED: u32 = 100_000;
/// Most sensors of a project: whoever may report could make up hosts without end.
const MAX_SENSORS: u32 = 20_000;
/// Hours between two looks at a host when no profile says otherwise (contract `qualys-cs` 4.1:
/// recommended).
const DEFAULT_INTERVAL_HOURS: u32 = 48;
/// Seconds between two check-ins of a sensor that scans registries: how long a scan may wait for it.
const REGISTRY_SECONDS: u32 = 30;
/// Images read at the same time when no profile says otherwise.
const DEFAULT_CONCURRENT_SCANS: u32 = 2;

/// Use cases around sensors.
#[derive(Debug, Clone, Copy)]
pub struct Sensors<'a>(pub(crate) &'a App);

/// A sensor as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorView {
    /// The sensor.
    pub sensor: Sensor,
    /// Name of its profile, or empty.
    pub profile: String,
    /// Whether it lives.
    pub status: SensorStatus,
}

impl Sensors<'_> {
    /// The sensors of the asker's project, oldest first.
    pub async fn list(&self, who: &Principal) -> Result<Vec<SensorView>> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let profiles = session.sensor_profiles(who.project, MAX_LISTED).await?;
        let sensors = session.sensors(who.project, MAX_LISTED).await?;
        Ok(sensors.into_iter().map(|sensor| self.view(sensor, &profiles)).collect())
    }

    /// A sensor of the asker's project.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<SensorView> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let profiles = session.sensor_profiles(who.project, MAX_LISTED).await?;
        Ok(self.view(known(session.sensor(who.project, &id).await?)?, &profiles))
    }

    fn view(&self, sensor: Sensor, profiles: &[Profile]) -> SensorView {
        let profile = profiles.iter().find(|profile| profile.no == sensor.profile);
        let profile = profile.map(|profile| profile.settings.name.clone()).unwrap_or_default();
        let status = SensorStatus::at(sensor.checked_in, self.0.now());
        SensorView { sensor, profile, status }
    }

    /// Forgets a sensor that is silent. The containers of its engine are deleted, since nobody will
    /// say what became of them; the host stays.
    ///
    /// # Errors
    /// [`Error::Conflict`] while it is heard of.
    pub async fn delete(&self, who: &Principal, id: Uuid) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        let sensor = known(tx.sensor(who.project, &id).await?)?;
        if SensorStatus::at(sensor.checked_in, self.0.now()) != SensorStatus::Unknown {
            let name = &sensor.registration.name;
            return Err(Error::Conflict(format!("the sensor {name:?} is not UNKNOWN: it checks in")));
        }
        for holding in tx.holdings(sensor.no).await? {
            tx.release_holding(sensor.no, holding).await?;
        }
        tx.delete_sensor(sensor.no).await?;
        place::rearrange(&mut tx, &who.scope()).await?;
        let before = serde_json::to_value(&sensor.registration).map_err(Error::internal)?;
        audit::event(&mut tx, who, "delete", "sensor", &id.to_string(), Some(before), audit::NONE).await?;
        tx.commit().await?;
        self.0.live().catch_up().await
    }

    /// Registers the sensor of a host, or takes over what a known one says of itself now. From the
    /// first time on only the same account may speak for that host.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another account registered this host.
    pub async fn register(&self, who: &Principal, mut new: Registration) -> Result<SensorSettings> {
        require(who, Permission::SensorReport)?;
        bounds::registration(&mut new)?;
        let now = self.0.now();
        let mut tx = self.0.store.begin().await?;
        let sensor = match tx.sensor_of_host(who.project, &new.identity).await? {
            Some(sensor) if sensor.user != who.user => {
                return Err(Error::Conflict(
                    "this host is reported by another account; delete its sensor first".to_owned(),
                ));
            }
            Some(sensor) => {
                tx.renew_sensor(sensor.no, &new, now).await?;
                sensor
            }
            None => {
                if tx.sensors(who.project, MAX_SENSORS).await?.len() >= MAX_SENSORS as usize {
                    return Err(Error::Conflict(format!("a project has at most {MAX_SENSORS} sensors")));
                }
                let sensor = tx.create_sensor(who.project, who.user, &new, now).await?;
                let after = serde_json::to_value(&new).map_err(Error::internal)?;
                let id = sensor.uuid.to_string();
                audit::event(&mut tx, who, "create", "sensor", &id, audit::NONE, Some(after)).await?;
                sensor
            }
        };
        let profiles = tx.sensor_profiles(who.project, MAX_LISTED).await?;
        tx.commit().await?;
        Ok(settings(&sensor, &profiles))
    }

    /// Notes that a sensor lives, and says how it is to behave.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a sensor of another account too.
    pub async fn check_in(&self, who: &Principal, id: Uuid) -> Result<SensorSettings> {
        let sensor = self.own(who, id).await?;
        let mut side = self.0.store.side().await?;
        side.sensor_checked_in(sensor.no, self.0.now()).await?;
        side.commit().await?;
        let mut session = self.0.store.read().await?;
        let profiles = session.sensor_profiles(who.project, MAX_LISTED).await?;
        let host = session.find_machine(who.project, &sensor.registration.identity).await?;
        let snapshot = self.0.live().snapshot();
        let look_wanted = match host.and_then(|host| snapshot.asset(&who.scope(), host)) {
            Some(host) => session.last_scan_of_host(host.no).await?,
            None => 0,
        };
        Ok(SensorSettings { look_wanted, ..settings(&sensor, &profiles) })
    }

    /// The asker's own sensor.
    pub(crate) async fn own(&self, who: &Principal, id: Uuid) -> Result<Sensor> {
        require(who, Permission::SensorReport)?;
        let found = self.0.store.read().await?.sensor(who.project, &id).await?;
        known(found.filter(|sensor| sensor.user == who.user))
    }
}

fn known(sensor: Option<Sensor>) -> Result<Sensor> {
    sensor.ok_or_else(|| Error::NotFound("sensor".to_owned()))
}

/// What a sensor is told.
fn settings(sensor: &Sensor, profiles: &[Profile]) -> SensorSettings {
    let none = SensorSettings {
        sensor: sensor.uuid,
        profile: String::new(),
        blackouts: Vec::new(),
        interval_hours: DEFAULT_INTERVAL_HOURS,
        image_exclusions: Vec::new(),
        concurrent_scans: DEFAULT_CONCURRENT_SCANS,
        check_in_seconds: CHECK_IN_SECONDS,
        registries: 0,
        look_wanted: 0,
    };
    match profiles.iter().find(|profile| profile.no == sensor.profile) {
        None => none,
        Some(Profile { settings, .. }) => SensorSettings {
            profile: settings.name.clone(),
            blackouts: settings.blackouts.clone(),
            interval_hours: settings.interval_hours,
            image_exclusions: settings.image_exclusions.clone(),
            concurrent_scans: settings.concurrent_scans,
            registries: u32::try_from(settings.registries.len()).unwrap_or(u32::MAX),
            check_in_seconds: if settings.registries.is_empty() {
                CHECK_IN_SECONDS
            } else {
                REGISTRY_SECONDS
            },
            ..none
        },
    }
}
