//! How hosts stood with controls at a past instant.
//!
//! Nothing is stored for this beside what is there: a document says when it was recorded, and the life of a
//! result holds at the instant of every look what that look showed, whatever came later. So what was known at
//! an instant is what the documents recorded by then show. Of two documents of one instant the one that has
//! the word today is taken to have had it; a host's platform is today's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use parapet_model::compliance::{ControlResult, Timeline};
use parapet_model::time::{FOREVER, Interval, Millis};
use parapet_model::{AssetNo, ControlResultNo, PolicyNo, Scope};

use super::results::ResultFilter;
use crate::error::Result;
use crate::facts::AsOfClock;
use crate::session::Session;
use crate::sql::{Bulk, Value};

const LOOKS: Bulk<4> = Bulk {
    before: "WITH k(host, policy, recorded, observed) AS (VALUES ",
    after: ") SELECT t.host, t.policy, t.observed, t.content FROM k CROSS JOIN assessment_document t \
            WHERE t.host = k.host AND t.policy = k.policy AND t.complete = 1 AND t.recorded <= k.recorded \
            AND t.observed <= k.observed ORDER BY t.host, t.policy, t.observed, t.content",
};
const LIFE: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.from_at, t.to_at FROM k CROSS JOIN asset t WHERE t.no = k.no ORDER BY t.no",
};

/// Results looked at in one go.
const CHUNK: u32 = 1_000;

/// A past instant, and whether it is one of the store's clock or of the world's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The instant.
    pub at: Millis,
    /// What was known then, or what was seen by then as it is known today.
    pub clock: AsOfClock,
}

/// Instants of looks, ascending, by host and policy.
type Looks = HashMap<(AssetNo, PolicyNo), Vec<Millis>>;

impl Session {
    /// At most `limit` results as they stood at a past instant, with numbers above `after`, ascending.
    /// Conditions are those of that instant; `updated` is no later.
    pub async fn control_results_as_of(
        &mut self,
        scope: &Scope,
        filter: &ResultFilter,
        past: Past,
        after: ControlResultNo,
        limit: u32,
    ) -> Result<Vec<ControlResult>> {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let today = filter.whatever_they_show();
        let (mut after, mut out) = (after, Vec::new());
        while out.len() < wanted {
            let page = self.control_results(scope, &today, after, CHUNK).await?;
            let Some(last) = page.last() else { break };
            after = last.no;
            let then = self.as_they_stood(page, past).await?;
            out.extend(then.into_iter().filter(|result| filter.matches(result)));
        }
        out.truncate(wanted);
        Ok(out)
    }

    /// These results as they stood; those that were not known are left out.
    async fn as_they_stood(&mut self, results: Vec<ControlResult>, past: Past) -> Result<Vec<ControlResult>> {
        let pairs = results.iter().map(|result| (result.identity.host, result.identity.policy)).collect();
        let looks = self.looks_until(&pairs, past).await?;
        let hosts = pairs.iter().map(|(host, _)| *host).collect();
        let there = self.hosts_there(&hosts, past).await?;
        let numbers: Vec<ControlResultNo> = results.iter().map(|result| result.no).collect();
        let mut lives = self.lives(&numbers).await?;
        let mut out = Vec::with_capacity(results.len());
        for mut result in results {
            let key = (result.identity.host, result.identity.policy);
            let Some(known) = looks.get(&key).filter(|_| there.contains(&key.0)) else { continue };
            let life = Timeline::new(lives.remove(&result.no).unwrap_or_default().0).as_known(known);
            let (Some(held), Some(&evaluated)) = (life.now(), known.last()) else { continue };
            (result.status, result.evidence, result.evaluated) = (held.status, held.evidence, evaluated);
            result.summary = life.summary(known);
            for last in [&mut result.summary.last_passed, &mut result.summary.last_failed] {
                if *last == FOREVER {
                    *last = evaluated;
                }
            }
            result.updated = result.updated.min(past.at);
            out.push(result);
        }
        Ok(out)
    }

    async fn looks_until(&mut self, pairs: &BTreeSet<(AssetNo, PolicyNo)>, past: Past) -> Result<Looks> {
        let (recorded, observed) = match past.clock {
            AsOfClock::Recorded => (past.at, FOREVER),
            AsOfClock::Hindsight => (FOREVER, past.at),
        };
        let keys: Vec<[Value<'_>; 4]> = pairs
            .iter()
            .map(|&(host, policy)| [host.into(), policy.into(), recorded.into(), observed.into()])
            .collect();
        let mut looks = Looks::new();
        for row in self.bulk_fetch(&LOOKS, &keys).await? {
            let mut f = row.fields("assessment_document");
            let key = (AssetNo(f.u32("host")?), PolicyNo(f.u32("policy")?));
            let (at, known) = (f.i64()?, looks.entry(key).or_default());
            if known.last() != Some(&at) {
                known.push(at);
            }
        }
        Ok(looks)
    }

    /// The hosts that were there. When something was recorded is the store's clock, so in hindsight a host is
    /// there when it is there today.
    async fn hosts_there(&mut self, hosts: &BTreeSet<AssetNo>, past: Past) -> Result<BTreeSet<AssetNo>> {
        let at = match past.clock {
            AsOfClock::Recorded => past.at,
            AsOfClock::Hindsight => FOREVER - 1,
        };
        let numbers: Vec<AssetNo> = hosts.iter().copied().collect();
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        let mut lives: BTreeMap<AssetNo, Vec<Interval>> = BTreeMap::new();
        for row in self.bulk_fetch(&LIFE, &keys).await? {
            let mut f = row.fields("asset");
            let no = AssetNo(f.u32("no")?);
            lives.entry(no).or_default().push(Interval { from: f.i64()?, to: f.i64()? });
        }
        for (no, life) in self.former_lives(&numbers).await? {
            lives.entry(no).or_default().push(life);
        }
        let there = |lives: &Vec<Interval>| lives.iter().any(|life| life.from <= at && at < life.to);
        Ok(lives.into_iter().filter(|(_, lives)| there(lives)).map(|(no, _)| no).collect())
    }
}
