//! Profiles of sensors: made, changed and deleted by people; each sensor has one at most.

use std::collections::BTreeSet;

use parapet_model::{Permission, Principal};
use parapet_store::Tx;
use parapet_store::sensors::{Profile, ProfileKind, ProfileSettings, Sensor};
use serde_json::Value;
use uuid::Uuid;

use super::exclusions::Exclusions;
use super::place::rearrange;
use super::{MAX_LISTED, Sensors};
use crate::accounts::require;
use crate::audit;
use crate::error::{Error, Result};
use crate::exceptions::check_text;

/// Most windows, registries and sensors of a profile.
const MAX_WINDOWS: usize = 100;
const MAX_ASSOCIATED: usize = 10_000;
/// Longest name, in characters.
const MAX_NAME: usize = 255;
/// Most images read at the same time.
const MAX_CONCURRENT: u32 = 20;

/// A profile as it is asked for.
#[derive(Debug, Clone)]
pub struct NewProfile {
    /// What it says.
    pub settings: ProfileSettings,
    /// The sensors that are to have it.
    pub sensors: Vec<Uuid>,
}

/// A profile as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileView {
    /// The profile.
    pub profile: Profile,
    /// The sensors that have it.
    pub sensors: Vec<Uuid>,
}

/// Use cases around sensor profiles.
#[derive(Debug, Clone, Copy)]
pub struct SensorProfiles<'a>(pub(crate) Sensors<'a>);

impl SensorProfiles<'_> {
    /// The profiles of the asker's project, oldest first.
    pub async fn list(&self, who: &Principal) -> Result<Vec<ProfileView>> {
        require(who, Permission::SensorProfilesView)?;
        let mut session = self.0.0.store.read().await?;
        let sensors = session.sensors(who.project, MAX_LISTED).await?;
        let profiles = session.sensor_profiles(who.project, MAX_LISTED).await?;
        Ok(profiles.into_iter().map(|profile| view(profile, &sensors)).collect())
    }

    /// A profile of the asker's project.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<ProfileView> {
        require(who, Permission::SensorProfilesView)?;
        let mut session = self.0.0.store.read().await?;
        let sensors = session.sensors(who.project, MAX_LISTED).await?;
        Ok(view(known(session.sensor_profile(who.project, &id).await?)?, &sensors))
    }

    /// Makes a profile and gives it to its sensors.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a setting that cannot be, an unknown registry or sensor; a store error
    /// when the name is taken.
    pub async fn create(&self, who: &Principal, new: &NewProfile) -> Result<Uuid> {
        require(who, Permission::SensorProfilesCreate)?;
        check(&new.settings)?;
        let mut tx = self.0.0.store.begin().await?;
        let sensors = associated(&mut tx, who, new).await?;
        let profile = tx.create_sensor_profile(who.project, &new.settings).await?;
        tx.assign_sensors(profile.no, &sensors).await?;
        rearrange(&mut tx, &who.scope()).await?;
        let id = profile.uuid.to_string();
        audit::event(&mut tx, who, "create", "sensor_profile", &id, audit::NONE, Some(state(new)?)).await?;
        tx.commit().await?;
        self.0.0.jobs().wake();
        Ok(profile.uuid)
    }

    /// Changes a profile; its sensors hear of it when they check in.
    ///
    /// # Errors
    /// Like [`Self::create`].
    pub async fn update(
        &self,
        who: &Principal,
        id: Uuid,
        change: impl FnOnce(&ProfileView) -> Result<NewProfile>,
    ) -> Result<Uuid> {
        require(who, Permission::SensorProfilesUpdate)?;
        let mut tx = self.0.0.store.begin().await?;
        let old = known(tx.sensor_profile(who.project, &id).await?)?;
        let old = view(old, &tx.sensors(who.project, MAX_LISTED).await?);
        let new = change(&old)?;
        check(&new.settings)?;
        let sensors = associated(&mut tx, who, &new).await?;
        tx.update_sensor_profile(who.project, &old.profile, &new.settings).await?;
        tx.assign_sensors(old.profile.no, &sensors).await?;
        rearrange(&mut tx, &who.scope()).await?;
        let before = NewProfile { settings: old.profile.settings, sensors: old.sensors };
        let (before, after) = (Some(state(&before)?), Some(state(&new)?));
        audit::event(&mut tx, who, "update", "sensor_profile", &id.to_string(), before, after).await?;
        tx.commit().await?;
        self.0.0.jobs().wake();
        Ok(id)
    }

    /// Deletes a profile; its sensors behave as without one from their next check-in on.
    pub async fn delete(&self, who: &Principal, id: Uuid) -> Result<()> {
        require(who, Permission::SensorProfilesDelete)?;
        let mut tx = self.0.0.store.begin().await?;
        let old = known(tx.sensor_profile(who.project, &id).await?)?;
        tx.delete_sensor_profile(&old).await?;
        rearrange(&mut tx, &who.scope()).await?;
        let before = NewProfile { settings: old.settings, sensors: Vec::new() };
        let before = Some(state(&before)?);
        audit::event(&mut tx, who, "delete", "sensor_profile", &id.to_string(), before, audit::NONE).await?;
        tx.commit().await?;
        self.0.0.jobs().wake();
        Ok(())
    }
}

fn known(profile: Option<Profile>) -> Result<Profile> {
    profile.ok_or_else(|| Error::NotFound("sensor profile".to_owned()))
}

fn view(profile: Profile, sensors: &[Sensor]) -> ProfileView {
    let own = sensors.iter().filter(|sensor| sensor.profile == profile.no);
    ProfileView { sensors: own.map(|sensor| sensor.uuid).collect(), profile }
}

fn state(profile: &NewProfile) -> Result<Value> {
    let settings = serde_json::to_value(&profile.settings).map_err(Error::internal)?;
    Ok(serde_json::json!({"settings": settings, "sensors": profile.sensors}))
}

/// The numbers of the sensors asked for; registries must be there too.
async fn associated(tx: &mut Tx, who: &Principal, new: &NewProfile) -> Result<Vec<u32>> {
    for registry in BTreeSet::from_iter(&new.settings.registries) {
        if tx.registry(&who.scope(), registry).await?.is_none() {
            return Err(Error::Invalid(format!("associatedRegistryIds: there is no registry {registry}")));
        }
    }
    let mut numbers = Vec::new();
    for id in BTreeSet::from_iter(&new.sensors) {
        match tx.sensor(who.project, id).await? {
            Some(sensor) => numbers.push(sensor.no),
            None => return Err(Error::Invalid(format!("associatedSensorIds: there is no sensor {id}"))),
        }
    }
    Ok(numbers)
}

fn check(settings: &ProfileSettings) -> Result<()> {
    let wrong = |why: &str| Err(Error::Invalid(why.to_owned()));
    if settings.name.trim().is_empty() || settings.name.chars().count() > MAX_NAME {
        return wrong("profileName must have 1 to 255 characters");
    }
    for (what, text) in [
        ("profileName", &settings.name),
        ("description", &settings.description),
        ("filter", &settings.filter),
        ("ignoreProcesses", &settings.ignore_processes),
    ] {
        check_text(what, text)?;
    }
    if settings.kind != ProfileKind::Runtime
        && (settings.runtime.is_some() || !settings.ignore_processes.is_empty())
    {
        return wrong("runtimeSensor and ignoreProcesses are for profileType RUNTIME only");
    }
    if settings.registries.len() > MAX_ASSOCIATED || settings.blackouts.len() > MAX_WINDOWS {
        return wrong("a profile has at most 10,000 registries and 100 blackout windows");
    }
    for window in &settings.blackouts {
        if window.days.is_empty() {
            return wrong("weeklyBlackoutWindowSchedules: repeatOnDays is mandatory");
        }
        if window.start >= window.end || window.end > 1440 {
            return wrong(
                "weeklyBlackoutWindowSchedules: startTime must be before endTime; \
                 a window over midnight is written as two",
            );
        }
    }
    if ![12, 24, 48].contains(&settings.interval_hours) {
        return wrong("containerScanningInterval must be 12, 24 or 48");
    }
    if !(1..=MAX_CONCURRENT).contains(&settings.concurrent_scans) {
        return wrong("concurrentScans must be 1 to 20");
    }
    Exclusions::new(&settings.image_exclusions).map(|_| ())
}
