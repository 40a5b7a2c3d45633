//! Fires schedules that are due: of registry scans here, of reports in `reports/schedules.rs`. The instant is the app's clock and the calendar UTC, so nothing
//! shifts; a pair of schedule and instant is unique in the store, so nothing fires twice; and the
//! next time lies after both now and the one that fired, so that a clock that jumps skips forward
//! with one run for all it passed, and back without any again.

use std::sync::Arc;
use std::time::Duration;

use parapet_store::schedules::Schedule;
use tokio::sync::watch;

use super::{Schedules, enqueue, fired};
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use parapet_model::{FOREVER, Principal};

/// Time between looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Schedules fired in one look.
const BATCH: u32 = 100;

/// Looks every second until it is told to stop; the first look is at once, and fires what was missed
/// while no server ran.
pub(crate) async fn tick(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = app.schedules().fire_due().await {
            tracing::error!(%error, "schedules cannot be fired");
        }
        if let Err(error) = app.reports().fire_due().await {
            tracing::error!(%error, "schedules of reports cannot be fired");
        }
        if let Err(error) = app.host_scans().fire_due().await {
            tracing::error!(%error, "policies of host scans cannot be fired");
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stopped.changed() => {}
        }
    }
}

impl Schedules<'_> {
    /// Fires what is due by now; how many were. One that cannot be fired holds up no other.
    pub async fn fire_due(&self) -> Result<usize> {
        let due = self.0.store.read().await?.due_schedules(self.0.now(), BATCH).await?;
        for schedule in &due {
            if let Err(error) = self.fire(schedule).await {
                tracing::error!(schedule = %schedule.uuid, %error, "a schedule cannot be fired");
            }
        }
        if !due.is_empty() {
            self.0.jobs().wake();
        }
        Ok(due.len())
    }

    async fn fire(&self, due: &Schedule) -> Result<()> {
        let mut tx = self.0.store.begin().await?;
        let current = tx.schedule(due.project, due.registry, &due.uuid).await?;
        // Somebody may have changed it since it was found due.
        let Some(schedule) = current.filter(|s| s.next_fire == due.next_fire) else { return Ok(()) };
        let at = schedule.next_fire;
        let next = match schedule.settings.cadence {
            Some(cadence) => cadence.next_after(schedule.anchor, self.0.now().max(at)),
            None => FOREVER,
        };
        let registry = tx.registry_uuid(schedule.registry).await?;
        let registry = registry.ok_or_else(|| Error::NotFound("registry".to_owned()))?;
        if !enqueue(&mut tx, &schedule, registry, at).await? {
            tracing::info!(schedule = %schedule.uuid, "the run before is not over and stands for this one too");
        }
        tx.set_next_fire(schedule.no, next).await?;
        let owner = Principal { name: schedule.owner.clone(), ..Principal::local(schedule.project) };
        let id = schedule.uuid.to_string();
        audit::event(&mut tx, &owner, "fire", "schedule", &id, audit::NONE, Some(fired(at))).await?;
        tx.commit().await?;
        Ok(())
    }
}
