//! What becomes of the containers of a sensor that fell silent: nobody knows whether they still run,
//! so their state is unknown until the sensor lists its engine again. The fact is dated to when they
//! were last seen, so that a sensor whose clock is behind is believed when it returns.

use std::sync::Arc;
use std::time::Duration;

use parapet_model::asset::{AssetKind, ContainerFacts, ContainerState};
use parapet_model::sensor::SILENT_AFTER;
use parapet_store::assets::ContainerObservation;
use parapet_store::sensors::Sensor;
use tokio::sync::watch;

use super::Sensors;
use crate::app::App;
use crate::error::Result;

/// Time between looks.
const PAUSE: Duration = Duration::from_secs(30);
/// Sensors looked at in one look.
const SENSORS: u32 = 100;
/// Containers changed in one transaction.
const BATCH: usize = 50;

/// Looks again and again until it is told to stop.
pub(crate) async fn tick(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = app.sensors().mark_silent().await {
            tracing::error!(%error, "containers of silent sensors cannot be marked");
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stopped.changed() => {}
        }
    }
}

impl Sensors<'_> {
    /// Marks the containers of sensors that fell silent by now; how many sensors there were.
    pub async fn mark_silent(&self) -> Result<usize> {
        let before = self.0.now().saturating_sub(SILENT_AFTER);
        let silent = self.0.store.read().await?.silent_sensors(before, SENSORS).await?;
        for sensor in &silent {
            self.mark(sensor).await?;
        }
        if !silent.is_empty() {
            self.0.live().catch_up().await?;
        }
        Ok(silent.len())
    }

    async fn mark(&self, sensor: &Sensor) -> Result<()> {
        let held = self.0.store.read().await?.holdings(sensor.no).await?;
        let containers: Vec<_> = held.iter().filter(|held| held.kind == AssetKind::Container).collect();
        for batch in containers.chunks(BATCH) {
            let mut tx = self.0.store.begin().await?;
            for holding in batch {
                let Some(known) = tx.asset(holding.asset).await? else { continue };
                if !known.held.is_open() || known.container_facts.state == ContainerState::Unknown {
                    continue;
                }
                let said = ContainerFacts::clone(&known.container_facts);
                let facts = ContainerFacts { state: ContainerState::Unknown, ..said };
                tx.record_container(&ContainerObservation {
                    project: known.project,
                    enterprise_project: known.enterprise_project,
                    identity: &known.identity,
                    name: &known.name,
                    facts: &facts,
                    observed: known.observed,
                })
                .await?;
            }
            tx.commit().await?;
        }
        // Last, so that whatever is interrupted is done again. One that was heard of meanwhile says
        // itself what its engine has.
        let mut tx = self.0.store.begin().await?;
        tx.mark_silent(sensor).await?;
        tx.commit().await?;
        Ok(())
    }
}
