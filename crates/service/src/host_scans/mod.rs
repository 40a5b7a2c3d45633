//! Looking at hosts again: somebody wishes it, or the project's policy does. Sensors fulfil wishes at
//! their next check-in; a host without a sensor cannot be looked at from here.

mod policy;
mod verify;

use std::collections::BTreeMap;

use parapet_model::facts::AssetRow;
use parapet_model::sensor::SensorStatus;
use parapet_model::{AssetKind, AssetNo, FOREVER, Millis, Permission, Principal, ScanState};
use parapet_store::host_scans::{HostScan, StoredPolicy};
use serde_json::json;
use uuid::Uuid;

pub use policy::{Period, ScanPolicy};
pub use verify::{Verification, Verifying};

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};

/// Policies fired in one look.
const BATCH: u32 = 100;
/// Most hosts of one wish.
const MAX_HOSTS: usize = 20_000;

/// How a host stands to a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookState {
    /// Its sensor has not looked yet.
    Waiting,
    /// It was looked at since.
    Done,
    /// It has no sensor.
    NoSensor,
    /// Its sensor is not heard of.
    Silent,
}

/// A wish with what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanView {
    /// The wish.
    pub scan: HostScan,
    /// Its hosts that the asker sees.
    pub hosts: Vec<(AssetNo, LookState)>,
    /// When the last of them was looked at; the time of the wish when none was.
    pub ended: Millis,
}

impl ScanView {
    /// Whether some host is still to be looked at.
    pub fn is_running(&self) -> bool {
        self.count(LookState::Waiting) > 0
    }

    /// Hosts that stand so.
    pub fn count(&self, state: LookState) -> usize {
        self.hosts.iter().filter(|(_, known)| *known == state).count()
    }
}

/// The sensors that the asker sees, by the identity of their host.
struct Sensors(BTreeMap<String, SensorStatus>);

impl Sensors {
    fn of(&self, host: &AssetRow) -> Option<SensorStatus> {
        self.0.get(&host.identity).copied()
    }

    /// How a host stands to a wish of an instant.
    fn state(&self, host: &AssetRow, wished: Millis) -> LookState {
        match self.of(host) {
            _ if host.scan == ScanState::Scanned && host.scanned >= wished => LookState::Done,
            None => LookState::NoSensor,
            Some(SensorStatus::Unknown) => LookState::Silent,
            Some(_) => LookState::Waiting,
        }
    }
}

/// Use cases around looking at hosts again.
#[derive(Debug, Clone, Copy)]
pub struct HostScans<'a>(pub(crate) &'a App);

impl HostScans<'_> {
    /// Wishes that these hosts be looked at, or all that the asker sees.
    pub async fn begin(&self, who: &Principal, hosts: Option<&[Uuid]>, types: &[String]) -> Result<HostScan> {
        require(who, Permission::AssetsWrite)?;
        let hosts = self.numbers(who, hosts)?;
        if hosts.is_empty() {
            return Err(Error::NotFound("host".to_owned()));
        }
        let mut tx = self.0.store.begin().await?;
        let scan = tx.create_host_scan(who.project, &who.name, false, types, &hosts).await?;
        let after = json!({"hosts": hosts.len(), "types": types});
        let id = scan.uuid.to_string();
        audit::event(&mut tx, who, "scan", "hosts", &id, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(scan)
    }

    fn numbers(&self, who: &Principal, hosts: Option<&[Uuid]>) -> Result<Vec<AssetNo>> {
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let Some(hosts) = hosts else {
            let all = parapet_posture::AssetFilter::All;
            let found = snapshot.select(&scope, AssetKind::Host, &all, self.0.now());
            return Ok(found.into_iter().map(AssetNo).collect());
        };
        let mut hosts = hosts.to_vec();
        hosts.sort_unstable();
        hosts.dedup();
        if hosts.len() > MAX_HOSTS {
            return Err(Error::Invalid(format!("more than {MAX_HOSTS} hosts")));
        }
        let number = |id: &Uuid| {
            let host = snapshot.asset_by_uuid(&scope, *id).filter(|asset| asset.kind == AssetKind::Host);
            host.map(|host| host.no).ok_or_else(|| Error::NotFound(format!("host {id}")))
        };
        let mut numbers = hosts.iter().map(number).collect::<Result<Vec<_>>>()?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The wishes of the asker's project, newest first, with what came of them.
    pub async fn list(&self, who: &Principal) -> Result<Vec<ScanView>> {
        require(who, Permission::FindingsRead)?;
        let scans = self.0.store.read().await?.host_scans(who.project).await?;
        let mut out = Vec::new();
        for scan in scans {
            out.push(self.view(who, scan).await?);
        }
        Ok(out)
    }

    /// One of them.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<ScanView> {
        require(who, Permission::FindingsRead)?;
        let found = self.0.store.read().await?.host_scan(who.project, &id).await?;
        self.view(who, found.ok_or_else(|| Error::NotFound("scan task".to_owned()))?).await
    }

    async fn sensors(&self, who: &Principal) -> Result<Sensors> {
        let all = self.0.sensors().list(who).await?;
        Ok(Sensors(all.into_iter().map(|view| (view.sensor.registration.identity, view.status)).collect()))
    }

    async fn view(&self, who: &Principal, scan: HostScan) -> Result<ScanView> {
        let numbers = self.0.store.read().await?.hosts_of_scan(scan.no).await?;
        let sensors = self.sensors(who).await?;
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let seen: Vec<&AssetRow> = numbers.iter().filter_map(|&no| snapshot.asset(&scope, no)).collect();
        let hosts: Vec<_> = seen.iter().map(|host| (host.no, sensors.state(host, scan.created))).collect();
        let looked = seen.iter().map(|host| host.scanned).filter(|&at| at >= scan.created);
        let ended = looked.max().unwrap_or(scan.created);
        Ok(ScanView { hosts, ended, scan })
    }

    /// The policy of the asker's project, and when it wishes next.
    pub async fn policy(&self, who: &Principal) -> Result<(ScanPolicy, Millis)> {
        require(who, Permission::FindingsRead)?;
        match self.0.store.read().await?.host_scan_policy(who.project).await? {
            Some(stored) => Ok((read(&stored)?, stored.next_fire)),
            None => Ok((ScanPolicy::default(), FOREVER)),
        }
    }

    /// Changes the policy.
    pub async fn set_policy(&self, who: &Principal, policy: &ScanPolicy) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        if let Some(hosts) = &policy.hosts {
            self.numbers(who, Some(hosts))?;
        }
        let settings = serde_json::to_string(policy).map_err(Error::internal)?;
        let next_fire = policy.next_after(self.0.now());
        let mut tx = self.0.store.begin().await?;
        let stored = StoredPolicy { project: who.project, settings, next_fire };
        tx.put_host_scan_policy(&stored).await?;
        let after = serde_json::to_value(policy).map_err(Error::internal)?;
        audit::event(&mut tx, who, "update", "host scan policy", "", audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes the wishes of policies that are due by now; how many. What was missed is wished once.
    pub async fn fire_due(&self) -> Result<usize> {
        let due = self.0.store.read().await?.due_host_scan_policies(self.0.now(), BATCH).await?;
        for stored in &due {
            let who = Principal { name: "scan policy".to_owned(), ..Principal::local(stored.project) };
            let policy = read(stored)?;
            // A host that is gone is no longer named.
            let all = self.numbers(&who, None)?;
            let hosts = match &policy.hosts {
                None => all,
                Some(named) => {
                    let snapshot = self.0.live().snapshot();
                    let named = named.iter().filter_map(|id| snapshot.asset_by_uuid(&who.scope(), *id));
                    named.map(|host| host.no).filter(|no| all.binary_search(no).is_ok()).collect()
                }
            };
            let mut tx = self.0.store.begin().await?;
            let current = tx.host_scan_policy(stored.project).await?;
            if current.is_none_or(|current| current.next_fire != stored.next_fire) {
                continue;
            }
            let next_fire = policy.next_after(self.0.now().max(stored.next_fire));
            tx.put_host_scan_policy(&StoredPolicy { next_fire, ..stored.clone() }).await?;
            if !hosts.is_empty() {
                tx.create_host_scan(stored.project, &who.name, true, &policy.types, &hosts).await?;
            }
            tx.commit().await?;
        }
        Ok(due.len())
    }
}

fn read(stored: &StoredPolicy) -> Result<ScanPolicy> {
    serde_json::from_str(&stored.settings).map_err(Error::internal)
}
