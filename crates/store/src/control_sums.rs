//! Sums over the control results of a policy, and the hosts that lists of the compliance families show.

use std::collections::BTreeMap;

use parapet_model::compliance::ControlPosture;
use parapet_model::{AssetKind, AssetNo, Millis, PolicyNo, ProjectNo};

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

/// How the controls of a policy stand on one host.
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
            let sum = sums.entry(host).or_default();
            match posture {
                p if p == ControlPosture::Passed as i64 => sum.passed = count,
                p if p == ControlPosture::Failed as i64 => sum.failed = count,
                p if p == ControlPosture::Error as i64 => sum.error = count,
                _ => {}
            }
        }
        for row in self.fetch(ACCEPTED, args![policy, now]).await? {
            let mut f = row.fields("control_exception");
            let (host, count) = (AssetNo(f.u32("host")?), f.u64("count")?);
            sums.entry(host).or_default().accepted = count;
        }
        Ok(sums)
    }
}
