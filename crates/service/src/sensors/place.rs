//! Which scans of registries are for sensors.
//!
//! A registry that a profile names is scanned by the sensors that have the profile, if there are any
//! beside the one built into the server. Its jobs then wait for them, also while they are silent:
//! whoever named them may have done so because the server cannot reach the registry.

use std::collections::BTreeSet;

use parapet_model::Scope;
use parapet_store::{Session, Tx};
use uuid::Uuid;

use super::MAX_LISTED;
use crate::error::Result;

/// The registries that are scanned by sensors.
async fn at_sensors(session: &mut Session, scope: &Scope) -> Result<BTreeSet<Uuid>> {
    let profiles = session.sensor_profiles(scope.project(), MAX_LISTED).await?;
    if profiles.iter().all(|profile| profile.settings.registries.is_empty()) {
        return Ok(BTreeSet::new());
    }
    let sensors = session.sensors(scope.project(), MAX_LISTED).await?;
    let used: BTreeSet<u32> = sensors.iter().filter(|s| s.user != 0).map(|sensor| sensor.profile).collect();
    let named = profiles.iter().filter(|profile| used.contains(&profile.no));
    Ok(named.flat_map(|profile| profile.settings.registries.iter().copied()).collect())
}

/// Says of new jobs which registry they ask, and who does them.
pub(crate) async fn place(tx: &mut Tx, scope: &Scope, registry: Uuid, jobs: &[u32]) -> Result<()> {
    let Some(known) = tx.registry(scope, &registry).await? else { return Ok(()) };
    let at_sensor = at_sensors(tx, scope).await?.contains(&registry);
    Ok(tx.place_jobs(jobs, known.no, at_sensor).await?)
}

/// Moves what waits to whoever is to do it now, after profiles or their sensors changed.
pub(super) async fn rearrange(tx: &mut Tx, scope: &Scope) -> Result<()> {
    let theirs = at_sensors(tx, scope).await?;
    for registry in tx.registries(scope, 0, u32::MAX).await? {
        tx.move_jobs(registry.no, theirs.contains(&registry.uuid)).await?;
    }
    Ok(())
}
