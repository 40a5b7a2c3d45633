//! Whether a vulnerability is still there: its hosts are looked at again.
//!
//! Findings are derived from what is installed, so the look itself confirms or reopens: what is gone
//! is in no list any more, what was marked as repaired and is still there is open again.

use std::collections::BTreeMap;

use parapet_model::sensor::SensorStatus;
use parapet_model::{Permission, Principal};
use serde_json::json;
use uuid::Uuid;

use super::{HostScans, ScanPolicy};
use crate::accounts::require;
use crate::audit;
use crate::error::Result;
use crate::handling::OnAssets;

/// What came of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verification {
    /// Hosts whose sensor is told at its next check-in.
    pub wished: usize,
    /// Hosts that nobody can look at from here.
    pub without_sensor: usize,
    /// Hosts whose sensor is not heard of.
    pub silent: usize,
}

impl HostScans<'_> {
    /// Wishes that the hosts of these vulnerabilities be looked at again, as far as their sensors are
    /// heard of; where none is, nothing is noted.
    pub async fn verify(&self, who: &Principal, on: &[OnAssets]) -> Result<Verification> {
        require(who, Permission::ExceptionsRequest)?;
        let hosts: Vec<Uuid> = on.iter().flat_map(|one| one.assets.iter().copied()).collect();
        let numbers = self.numbers(who, Some(&hosts))?;
        let sensors = self.0.sensors().list(who).await?;
        let sensors: BTreeMap<&str, SensorStatus> =
            sensors.iter().map(|v| (v.sensor.registration.identity.as_str(), v.status)).collect();
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let (mut came, mut live) = (Verification::default(), Vec::new());
        for no in numbers {
            let host = snapshot.asset(&scope, no);
            match host.and_then(|host| sensors.get(host.identity.as_str())) {
                None => came.without_sensor += 1,
                Some(SensorStatus::Unknown) => came.silent += 1,
                Some(_) => live.push(no),
            }
        }
        came.wished = live.len();
        if live.is_empty() {
            return Ok(came);
        }
        let mut tx = self.0.store.begin().await?;
        for one in on {
            let after = json!({"assets": one.assets});
            let id = &one.vulnerability;
            audit::event(&mut tx, who, "verify", "vulnerability", id, audit::NONE, Some(after)).await?;
        }
        let types = ScanPolicy::default().types;
        let scan = tx.create_host_scan(who.project, &who.name, false, &types, &live).await?;
        let after = json!({"hosts": live.len(), "types": types});
        let id = scan.uuid.to_string();
        audit::event(&mut tx, who, "scan", "hosts", &id, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(came)
    }
}
