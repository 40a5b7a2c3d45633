//! Wishes that hosts be looked at again, by hand or by the project's policy. Sensors are told of the
//! newest one that names their host; whether it came true is in the looks.

use parapet_model::{AssetNo, Millis, ProjectNo, VulnerabilityNo};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

const LIST: &str = "SELECT no, uuid, owner, scheduled, vulnerability_types, created FROM host_scan \
     WHERE project = $1 ORDER BY no DESC LIMIT $2";
const BY_UUID: &str = "SELECT no, uuid, owner, scheduled, vulnerability_types, created FROM host_scan \
     WHERE project = $1 AND uuid = $2";
const HOSTS: &str = "SELECT asset FROM host_scan_host WHERE scan = $1 ORDER BY asset, scan";
const LAST_OF_HOST: &str = "SELECT COALESCE(MAX(scan), 0) FROM host_scan_host WHERE asset = $1";
const INSERT: &str = "INSERT INTO host_scan (no, uuid, project, owner, scheduled, vulnerability_types, created) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const INSERT_HOSTS: Bulk<2> = Bulk { before: "INSERT INTO host_scan_host (scan, asset) VALUES ", after: "" };
const INSERT_VERIFICATIONS: Bulk<3> =
    Bulk { before: "INSERT INTO host_scan_verification (scan, vulnerability, assets) VALUES ", after: "" };
const VERIFICATIONS: &str = "SELECT s.created, v.vulnerability, v.assets FROM host_scan s \
     JOIN host_scan_verification v ON v.scan = s.no WHERE s.project = $1 AND s.created > $2 \
     ORDER BY s.no, v.vulnerability";
const FORGET_VERIFICATIONS: &str = "DELETE FROM host_scan_verification WHERE scan IN \
     (SELECT no FROM host_scan WHERE project = $1 AND no <= $2)";
const TOO_OLD: &str = "SELECT no FROM host_scan WHERE project = $1 ORDER BY no DESC LIMIT 1 OFFSET $2";
const FORGET_HOSTS: &str = "DELETE FROM host_scan_host WHERE scan IN \
     (SELECT no FROM host_scan WHERE project = $1 AND no <= $2)";
const FORGET: &str = "DELETE FROM host_scan WHERE project = $1 AND no <= $2";
const POLICY: &str = "SELECT project, settings, next_fire FROM host_scan_policy WHERE project = $1";
const DUE: &str = "SELECT project, settings, next_fire FROM host_scan_policy WHERE next_fire <= $1 \
     ORDER BY next_fire, project LIMIT $2";
const PUT_POLICY: &str = "INSERT INTO host_scan_policy (project, settings, next_fire) VALUES ($1, $2, $3) \
     ON CONFLICT (project) DO UPDATE SET settings = excluded.settings, next_fire = excluded.next_fire";

/// How many wishes of a project are remembered.
const REMEMBERED: u32 = 200;

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostScan {
    /// Number; later ones have higher numbers.
    pub no: u32,
    /// Id on wires.
    pub uuid: Uuid,
    /// Who asked.
    pub owner: String,
    /// By the policy, not by hand.
    pub scheduled: bool,
    /// Words of a wire family for what is looked for.
    pub types: Vec<String>,
    /// When, recorded time.
    pub created: Millis,
}

/// What a wish is to verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The vulnerability.
    pub vulnerability: VulnerabilityNo,
    /// The hosts on which it is looked for.
    pub hosts: Vec<AssetNo>,
    /// When that was wished, recorded time.
    pub created: Millis,
}

/// The policy of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Whose.
    pub project: ProjectNo,
    /// JSON of the caller's.
    pub settings: String,
    /// When it makes the next wish.
    pub next_fire: Millis,
}

fn scan(row: &Row) -> Result<HostScan> {
    let mut f = row.fields("host_scan");
    Ok(HostScan {
        no: f.u32("no")?,
        uuid: f.uuid("uuid")?,
        owner: f.text()?,
        scheduled: f.bool("scheduled")?,
        types: f.str()?.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        created: f.i64()?,
    })
}

fn policy(row: &Row) -> Result<StoredPolicy> {
    let mut f = row.fields("host_scan_policy");
    Ok(StoredPolicy { project: ProjectNo(f.u32("project")?), settings: f.text()?, next_fire: f.i64()? })
}

impl Session {
    /// The wishes of a project, newest first.
    pub async fn host_scans(&mut self, project: ProjectNo) -> Result<Vec<HostScan>> {
        self.fetch(LIST, args![project, REMEMBERED]).await?.iter().map(scan).collect()
    }

    /// A wish of the project.
    pub async fn host_scan(&mut self, project: ProjectNo, uuid: &Uuid) -> Result<Option<HostScan>> {
        self.fetch_one(BY_UUID, args![project, uuid]).await?.as_ref().map(scan).transpose()
    }

    /// The hosts that a wish names, by number.
    pub async fn hosts_of_scan(&mut self, scan: u32) -> Result<Vec<AssetNo>> {
        let rows = self.fetch(HOSTS, args![scan]).await?;
        rows.iter().map(|row| Ok(AssetNo(row.fields("host_scan_host").u32("asset")?))).collect()
    }

    /// The newest wish that names a host; 0 for none.
    pub async fn last_scan_of_host(&mut self, host: AssetNo) -> Result<u32> {
        let row = self.fetch_one(LAST_OF_HOST, args![host]).await?;
        row.map_or(Ok(0), |row| row.fields("host_scan_host").u32("scan"))
    }

    /// What wishes of a project that were made after an instant are to verify.
    pub async fn verifications(&mut self, project: ProjectNo, after: Millis) -> Result<Vec<Verification>> {
        let rows = self.fetch(VERIFICATIONS, args![project, after]).await?;
        let read = |row: &Row| {
            let mut f = row.fields("host_scan_verification");
            let (created, vulnerability) = (f.i64()?, VulnerabilityNo(f.u32("vulnerability")?));
            let hosts = serde_json::from_str(f.str()?).map_err(|_| f.inconsistent("assets"))?;
            Ok(Verification { vulnerability, hosts, created })
        };
        rows.iter().map(read).collect()
    }

    /// The policy of a project.
    pub async fn host_scan_policy(&mut self, project: ProjectNo) -> Result<Option<StoredPolicy>> {
        self.fetch_one(POLICY, args![project]).await?.as_ref().map(policy).transpose()
    }

    /// At most `limit` policies that are due by now.
    pub async fn due_host_scan_policies(&mut self, now: Millis, limit: u32) -> Result<Vec<StoredPolicy>> {
        self.fetch(DUE, args![now, limit]).await?.iter().map(policy).collect()
    }
}

impl Tx {
    /// Keeps a wish, and forgets the oldest ones.
    pub async fn create_host_scan(
        &mut self,
        project: ProjectNo,
        owner: &str,
        scheduled: bool,
        types: &[String],
        hosts: &[AssetNo],
    ) -> Result<HostScan> {
        let no = self.take_number(Counter::HostScan).await?;
        let (uuid, created, words) = (self.uuid(), self.recorded(), types.join(" "));
        self.execute(INSERT, args![no, &uuid, project, owner, scheduled, &words, created]).await?;
        let rows: Vec<[Value<'_>; 2]> = hosts.iter().map(|&host| [no.into(), host.into()]).collect();
        self.bulk(&INSERT_HOSTS, &rows).await?;
        if let Some(row) = self.fetch_one(TOO_OLD, args![project, REMEMBERED]).await? {
            let last = row.fields("host_scan").u32("no")?;
            self.execute(FORGET_HOSTS, args![project, last]).await?;
            self.execute(FORGET_VERIFICATIONS, args![project, last]).await?;
            self.execute(FORGET, args![project, last]).await?;
        }
        let owner = owner.to_owned();
        Ok(HostScan { no, uuid, owner, scheduled, types: types.to_vec(), created })
    }

    /// Keeps what a wish is to verify, each vulnerability once.
    pub async fn keep_verifications(
        &mut self,
        scan: u32,
        what: &[(VulnerabilityNo, Vec<AssetNo>)],
    ) -> Result<()> {
        let texts: Vec<String> = what
            .iter()
            .map(|(_, hosts)| serde_json::to_string(hosts).map_err(|error| Error::Invalid(error.to_string())))
            .collect::<Result<_>>()?;
        let rows = what.iter().zip(&texts);
        let rows: Vec<[Value<'_>; 3]> =
            rows.map(|((no, _), text)| [scan.into(), (*no).into(), text.as_str().into()]).collect();
        self.bulk(&INSERT_VERIFICATIONS, &rows).await?;
        Ok(())
    }

    /// Keeps a project's policy.
    pub async fn put_host_scan_policy(&mut self, policy: &StoredPolicy) -> Result<()> {
        self.execute(PUT_POLICY, args![policy.project, &policy.settings, policy.next_fire]).await?;
        Ok(())
    }
}
