//! Sums over the control results of a policy, and the hosts that lists of the compliance families show.

use std::collections::BTreeMap;

use parapet_model::compliance::ControlPosture;
use parapet_model::{AssetKind, AssetNo, ControlNo, EnterpriseProjectNo, Millis, PolicyNo, ProjectNo, Scope};

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Bulk, Value, args};

const HOSTS: &str = "SELECT no FROM asset WHERE project = $1 AND kind = $2 AND no > $3 \
     AND to_at = 9223372036854775807 ORDER BY no LIMIT $4";
const LOOKS: Bulk<1> = Bulk {
    before: "WITH k(host) AS (VALUES ",
    after: ") SELECT t.host, MAX(t.observed) FROM k CROSS JOIN assessment t WHERE t.host = k.host \
            GROUP BY t.host ORDER BY t.host",
};
const SUMS: &str = "SELECT host, posture, COUNT(*) FROM control_result WHERE policy = $1 \
     GROUP BY host, posture ORDER BY host, posture";
const ACCEPTED: &str = "SELECT e.host, COUNT(*) FROM control_exception e CROSS JOIN control_result t \
     WHERE e.policy = $1 AND e.state = 1 AND e.start_at <= $2 AND e.end_at > $2 AND t.host = e.host \
     AND t.policy = e.policy AND t.control = e.control AND t.instance = e.instance AND t.posture = 2 \
     GROUP BY e.host ORDER BY e.host";
const CONTROL_SUMS: &str = "SELECT t.control, a.enterprise_project, t.posture, COUNT(*) \
     FROM control_result t CROSS JOIN asset a WHERE t.policy = $1 AND a.no = t.host \
     AND a.to_at = 9223372036854775807 GROUP BY t.control, a.enterprise_project, t.posture \
     ORDER BY t.control, a.enterprise_project, t.posture";
const CONTROL_ACCEPTED: &str = "SELECT e.control, a.enterprise_project, COUNT(*) \
     FROM control_exception e CROSS JOIN control_result t CROSS JOIN asset a \
     WHERE e.policy = $1 AND e.state = 1 AND e.start_at <= $2 AND e.end_at > $2 AND t.host = e.host \
     AND t.policy = e.policy AND t.control = e.control AND t.instance = e.instance AND t.posture = 2 \
     AND a.no = t.host AND a.to_at = 9223372036854775807 \
     GROUP BY e.control, a.enterprise_project ORDER BY e.control, a.enterprise_project";

/// How the controls of a policy stand on one host, or one control on its hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostSum {
    /// Met.
    pub passed: u64,
    /// Not met, accepted ones included.
    pub failed: u64,
    /// Not judged.
    pub error: u64,
    /// Not met, under an exception that holds.
    pub accepted: u64,
}

impl HostSum {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            error: self.error + other.error,
            accepted: self.accepted + other.accepted,
        }
    }

    fn add(&mut self, posture: i64, count: u64) {
        match posture {
            p if p == ControlPosture::Passed as i64 => self.passed += count,
            p if p == ControlPosture::Failed as i64 => self.failed += count,
            p if p == ControlPosture::Error as i64 => self.error += count,
            _ => {}
        }
    }
}

impl Session {
    /// At most `limit` hosts of the project that are there, with numbers above `after`, ascending.
    pub async fn hosts_after(
        &mut self,
        project: ProjectNo,
        after: AssetNo,
        limit: u32,
    ) -> Result<Vec<AssetNo>> {
        let rows = self.fetch(HOSTS, args![project, AssetKind::Host as u8, after, limit]).await?;
        rows.iter().map(|row| row.fields("asset").u32("no").map(AssetNo)).collect()
    }

    /// When these hosts were looked at last for any policy, observed time; those that never were are
    /// left out.
    pub async fn last_assessed(&mut self, hosts: &[AssetNo]) -> Result<BTreeMap<AssetNo, Millis>> {
        let keys: Vec<[Value<'_>; 1]> = hosts.iter().map(|&no| [no.into()]).collect();
        let rows = self.bulk_fetch(&LOOKS, &keys).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("assessment");
                Ok((AssetNo(f.u32("host")?), f.i64()?))
            })
            .collect()
    }

    /// How the controls of a policy stand, host by host, deleted hosts included.
    pub async fn control_sums(
        &mut self,
        policy: PolicyNo,
        now: Millis,
    ) -> Result<BTreeMap<AssetNo, HostSum>> {
        let mut sums: BTreeMap<AssetNo, HostSum> = BTreeMap::new();
        for row in self.fetch(SUMS, args![policy]).await? {
            let mut f = row.fields("control_result");
            let (host, posture, count) = (AssetNo(f.u32("host")?), f.i64()?, f.u64("count")?);
            sums.entry(host).or_default().add(posture, count);
        }
        for row in self.fetch(ACCEPTED, args![policy, now]).await? {
            let mut f = row.fields("control_exception");
            let (host, count) = (AssetNo(f.u32("host")?), f.u64("count")?);
            sums.entry(host).or_default().accepted = count;
        }
        Ok(sums)
    }

    /// How each control of a policy stands on the hosts that the scope sees and that are there.
    pub async fn sums_of_controls(
        &mut self,
        scope: &Scope,
        policy: PolicyNo,
        now: Millis,
    ) -> Result<BTreeMap<ControlNo, HostSum>> {
        let mut sums: BTreeMap<ControlNo, HostSum> = BTreeMap::new();
        for row in self.fetch(CONTROL_SUMS, args![policy]).await? {
            let mut f = row.fields("control_result");
            let (control, owner) = (ControlNo(f.u32("control")?), EnterpriseProjectNo(f.u32("owner")?));
            let (posture, count) = (f.i64()?, f.u64("count")?);
            if scope.sees(scope.project(), owner) {
                sums.entry(control).or_default().add(posture, count);
            }
        }
        for row in self.fetch(CONTROL_ACCEPTED, args![policy, now]).await? {
            let mut f = row.fields("control_exception");
            let (control, owner) = (ControlNo(f.u32("control")?), EnterpriseProjectNo(f.u32("owner")?));
            let count = f.u64("count")?;
            if scope.sees(scope.project(), owner) {
                sums.entry(control).or_default().accepted += count;
            }
        }
        Ok(sums)
    }
}
