//! Whether a vulnerability is still there: its hosts are looked at again.
//!
//! Findings are derived from what is installed, so the look itself confirms or reopens: what is gone
//! is in no list any more, what was marked as repaired and is still there is open again.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::sensor::SensorStatus;
use parapet_model::time::DAY;
use parapet_model::{AssetNo, Millis, Permission, Principal, VulnerabilityNo};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{HostScans, LookState, ScanPolicy};
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

/// How long a wish that nobody fulfils counts as being verified.
const PATIENCE: Millis = DAY;

/// The pairs of vulnerability and host that are being verified: wished, and not looked at since.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verifying(BTreeMap<VulnerabilityNo, BTreeSet<AssetNo>>);

impl Verifying {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the pair is.
    pub fn has(&self, vulnerability: VulnerabilityNo, host: AssetNo) -> bool {
        self.0.get(&vulnerability).is_some_and(|hosts| hosts.contains(&host))
    }

    /// The hosts on which each vulnerability is.
    pub fn iter(&self) -> impl Iterator<Item = (VulnerabilityNo, &BTreeSet<AssetNo>)> {
        self.0.iter().map(|(no, hosts)| (*no, hosts))
    }
}

impl HostScans<'_> {
    /// What is being verified of what the asker sees: since a day at most, and on hosts whose sensor is
    /// heard of.
    pub async fn verifying(&self, who: &Principal) -> Result<Verifying> {
        let after = self.0.now() - PATIENCE;
        let wished = self.0.store.read().await?.verifications(who.project, after).await?;
        let mut all = Verifying::default();
        if wished.is_empty() {
            return Ok(all);
        }
        let sensors = self.sensors(who).await?;
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        for one in wished {
            let hosts = one.hosts.iter().filter_map(|&no| snapshot.asset(&scope, no));
            let waiting = hosts.filter(|host| sensors.state(host, one.created) == LookState::Waiting);
            let waiting: BTreeSet<AssetNo> = waiting.map(|host| host.no).collect();
            if !waiting.is_empty() {
                all.0.entry(one.vulnerability).or_default().extend(waiting);
            }
        }
        Ok(all)
    }

    /// Wishes that the hosts of these vulnerabilities be looked at again, as far as their sensors are
    /// heard of; where none is, nothing is noted.
    pub async fn verify(&self, who: &Principal, on: &[OnAssets]) -> Result<Verification> {
        require(who, Permission::ExceptionsRequest)?;
        let hosts: Vec<Uuid> = on.iter().flat_map(|one| one.assets.iter().copied()).collect();
        let numbers = self.numbers(who, Some(&hosts))?;
        let sensors = self.sensors(who).await?;
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let (mut came, mut live) = (Verification::default(), Vec::new());
        for no in numbers {
            let host = snapshot.asset(&scope, no);
            match host.and_then(|host| sensors.of(host)) {
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
        let mut what: BTreeMap<VulnerabilityNo, BTreeSet<AssetNo>> = BTreeMap::new();
        for one in on {
            let assets = one.assets.iter().filter_map(|id| snapshot.asset_by_uuid(&scope, *id));
            let hosts: Vec<AssetNo> =
                assets.map(|asset| asset.no).filter(|no| live.binary_search(no).is_ok()).collect();
            if let Some(named) = snapshot.vulnerabilities_named(&one.vulnerability).first()
                && !hosts.is_empty()
            {
                what.entry(named.no).or_default().extend(hosts);
            }
        }
        let what: Vec<(VulnerabilityNo, Vec<AssetNo>)> =
            what.into_iter().map(|(no, hosts)| (no, hosts.into_iter().collect())).collect();
        tx.keep_verifications(scan.no, &what).await?;
        let after = json!({"hosts": live.len(), "types": types});
        let id = scan.uuid.to_string();
        audit::event(&mut tx, who, "scan", "hosts", &id, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(came)
    }
}
