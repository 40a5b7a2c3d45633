//! Control results, a page at a time, by number ascending.
//!
//! A page is read along the index of the most selective thing asked for (results, hosts, control, policy,
//! else the project); what else is asked for is looked at row by row. Results of hosts that were deleted and
//! of documents that were never complete are not shown.

use parapet_model::compliance::{
    ControlPosture, ControlResult, ControlStatus, Held, ResultIdentity, Stretch, Summary,
};
use parapet_model::time::{FOREVER, Millis};
use parapet_model::{
    AssetNo, ControlNo, ControlResultNo, EnterpriseProjectNo, EvidenceNo, PolicyNo, ProjectNo, Scope,
    TechnologyNo,
};

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};

const OF_PROJECT: &str = "SELECT t.no, t.project, a.enterprise_project, a.uuid, a.to_at, t.host, t.policy, \
     t.control, t.instance, t.technology, t.status, t.evidence, t.since, t.posture_since, t.previous, \
     t.first_passed, t.last_passed, t.first_failed, t.last_failed, s.observed, t.updated \
     FROM control_result t CROSS JOIN asset a CROSS JOIN assessment s \
     WHERE t.project = $1 AND t.posture = $2 AND t.no > $3 AND a.no = t.host AND s.host = t.host \
     AND s.policy = t.policy ORDER BY t.no LIMIT $4";
const OF_POLICY: &str = "SELECT t.no, t.project, a.enterprise_project, a.uuid, a.to_at, t.host, t.policy, \
     t.control, t.instance, t.technology, t.status, t.evidence, t.since, t.posture_since, t.previous, \
     t.first_passed, t.last_passed, t.first_failed, t.last_failed, s.observed, t.updated \
     FROM control_result t CROSS JOIN asset a CROSS JOIN assessment s \
     WHERE t.policy = $1 AND t.posture = $2 AND t.no > $3 AND a.no = t.host AND s.host = t.host \
     AND s.policy = t.policy ORDER BY t.no LIMIT $4";
const OF_CONTROL: &str = "SELECT t.no, t.project, a.enterprise_project, a.uuid, a.to_at, t.host, t.policy, \
     t.control, t.instance, t.technology, t.status, t.evidence, t.since, t.posture_since, t.previous, \
     t.first_passed, t.last_passed, t.first_failed, t.last_failed, s.observed, t.updated \
     FROM control_result t CROSS JOIN asset a CROSS JOIN assessment s \
     WHERE t.control = $1 AND t.posture = $2 AND t.no > $3 AND a.no = t.host AND s.host = t.host \
     AND s.policy = t.policy ORDER BY t.no LIMIT $4";
const OF_HOSTS: Bulk<1> = Bulk {
    before: "WITH k(host) AS (VALUES ",
    after: ") SELECT t.no, t.project, a.enterprise_project, a.uuid, a.to_at, t.host, t.policy, \
            t.control, t.instance, t.technology, t.status, t.evidence, t.since, t.posture_since, t.previous, \
            t.first_passed, t.last_passed, t.first_failed, t.last_failed, s.observed, t.updated \
            FROM k CROSS JOIN control_result t CROSS JOIN asset a CROSS JOIN assessment s \
            WHERE t.host = k.host AND a.no = t.host AND s.host = t.host AND s.policy = t.policy ORDER BY t.no",
};
const BY_NUMBER: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.project, a.enterprise_project, a.uuid, a.to_at, t.host, t.policy, \
            t.control, t.instance, t.technology, t.status, t.evidence, t.since, t.posture_since, t.previous, \
            t.first_passed, t.last_passed, t.first_failed, t.last_failed, s.observed, t.updated \
            FROM k CROSS JOIN control_result t CROSS JOIN asset a CROSS JOIN assessment s \
            WHERE t.no = k.no AND a.no = t.host AND s.host = t.host AND s.policy = t.policy ORDER BY t.no",
};
const BY_IDENTITY: &str = "SELECT no FROM control_result \
     WHERE host = $1 AND policy = $2 AND control = $3 AND instance = $4";
const LIFE: &str = "SELECT result, from_at, to_at, status, evidence, recorded FROM control_interval \
     WHERE result = $1 AND from_at < $2 ORDER BY result, from_at DESC LIMIT $3";

/// Most hosts whose results are read host by host; beyond, other indexes are better.
const FEW_HOSTS: u64 = 16;
/// Most results that are read by number.
const FEW_RESULTS: u64 = 1_000;
/// Rows read at once where rows are passed over.
const CHUNK: u32 = 2_000;

/// Numbers and ranges of numbers, both ends included, as wires give them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// These ranges; without any, every number is meant.
    pub fn new(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        Self(ranges.into_iter().collect())
    }

    /// One number.
    pub fn one(number: u32) -> Self {
        Self(vec![(number.into(), number.into())])
    }

    /// Whether every number is meant.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a number is meant.
    pub fn contains(&self, number: u32) -> bool {
        let number = u64::from(number);
        self.is_all() || self.0.iter().any(|&(low, high)| low <= number && number <= high)
    }

    /// How many numbers are meant, at most; `None` for all.
    fn count(&self) -> Option<u64> {
        let width = |&(low, high): &(u64, u64)| high.saturating_add(1).saturating_sub(low);
        (!self.is_all()).then(|| self.0.iter().map(width).fold(0, u64::saturating_add))
    }

    /// The numbers, ascending, when they are no more than `most`.
    fn few(&self, most: u64) -> Option<Vec<u32>> {
        self.count().filter(|&count| count <= most)?;
        let mut numbers: Vec<u32> =
            self.0.iter().flat_map(|&(low, high)| low..=high).filter_map(|n| u32::try_from(n).ok()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers)
    }

    /// The least and the greatest number that may be meant.
    fn bounds(&self) -> (u64, u64) {
        let low = self.0.iter().map(|range| range.0).min().unwrap_or(0);
        (low, self.0.iter().map(|range| range.1).max().unwrap_or(u64::MAX))
    }
}

/// Which results are wanted; all conditions hold together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultFilter {
    /// Of one policy.
    pub policy: Option<PolicyNo>,
    /// Of these hosts.
    pub hosts: Ranges,
    /// Of these controls.
    pub controls: Ranges,
    /// These results.
    pub numbers: Ranges,
    /// On this platform.
    pub technology: Option<TechnologyNo>,
    /// Of this instance.
    pub instance: Option<String>,
    /// With one of these postures; empty: with any.
    pub postures: Vec<ControlPosture>,
    /// Also those that have no posture (not applicable, not checked, no longer asked for).
    pub without_posture: bool,
    /// Whose posture is what it is since then or later.
    pub changed_since: Option<Millis>,
    /// Whose host was looked at then or later.
    pub evaluated_since: Option<Millis>,
    /// Also those of hosts that are gone.
    pub of_gone_hosts: bool,
}

impl ResultFilter {
    /// The same without what changes in the life of a result.
    pub(super) fn whatever_they_show(&self) -> Self {
        let ends = Self { without_posture: true, of_gone_hosts: true, ..self.clone() };
        Self { postures: Vec::new(), changed_since: None, evaluated_since: None, ..ends }
    }

    pub(super) fn matches(&self, result: &ControlResult) -> bool {
        let posture = match result.posture() {
            None => self.without_posture,
            Some(posture) => self.postures.is_empty() || self.postures.contains(&posture),
        };
        let ControlResult { identity, summary, .. } = result;
        posture
            && self.policy.is_none_or(|policy| policy == identity.policy)
            && self.hosts.contains(identity.host.0)
            && self.controls.contains(identity.control.0)
            && self.numbers.contains(result.no.0)
            && self.technology.is_none_or(|technology| technology == result.technology)
            && self.instance.as_ref().is_none_or(|instance| *instance == identity.instance)
            && self.changed_since.is_none_or(|since| summary.posture_since >= since)
            && self.evaluated_since.is_none_or(|since| result.evaluated >= since)
    }

    /// The numbers of postures in the index.
    fn posture_numbers(&self) -> Vec<u8> {
        let all = if self.postures.is_empty() { ControlPosture::ALL.to_vec() } else { self.postures.clone() };
        let mut numbers: Vec<u8> = all.into_iter().map(|posture| posture as u8).collect();
        if self.without_posture {
            numbers.push(0);
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The index to go along, for a page.
    fn index(&self, project: ProjectNo) -> (&'static str, Value<'static>) {
        match (self.controls.few(1).as_deref(), self.policy) {
            (Some(&[control]), _) => (OF_CONTROL, control.into()),
            (_, Some(policy)) => (OF_POLICY, policy.into()),
            _ => (OF_PROJECT, project.into()),
        }
    }
}

/// A result, and whether its host is there.
fn result(row: &Row) -> Result<(ControlResult, bool)> {
    let mut f = row.fields("control_result");
    let no = ControlResultNo(f.u32("no")?);
    let project = ProjectNo(f.u32("project")?);
    let enterprise_project = EnterpriseProjectNo(f.u32("enterprise_project")?);
    let host_uuid = f.uuid("uuid")?;
    let alive = f.i64()? == FOREVER;
    let (host, policy) = (AssetNo(f.u32("host")?), PolicyNo(f.u32("policy")?));
    let identity =
        ResultIdentity { host, policy, control: ControlNo(f.u32("control")?), instance: f.text()? };
    let technology = TechnologyNo(f.u32("technology")?);
    let status = f.word("status", ControlStatus::from_number)?;
    let evidence = EvidenceNo(f.u32("evidence")?);
    let mut summary = summary(&mut f)?;
    let evaluated = f.i64()?;
    // What still lasts was seen last by the newest look.
    for last in [&mut summary.last_passed, &mut summary.last_failed] {
        if *last == FOREVER {
            *last = evaluated;
        }
    }
    let updated = f.i64()?;
    let result = ControlResult {
        no,
        identity,
        project,
        enterprise_project,
        host_uuid,
        technology,
        status,
        evidence,
        summary,
        evaluated,
        updated,
    };
    Ok((result, alive))
}

/// The columns from `since` to `last_failed`.
pub(super) fn summary(f: &mut crate::sql::Fields<'_>) -> Result<Summary> {
    let (since, posture_since) = (f.i64()?, f.i64()?);
    let previous =
        f.word("previous", |n| if n == 0 { Some(None) } else { ControlStatus::from_number(n).map(Some) })?;
    Ok(Summary {
        since,
        posture_since,
        previous,
        first_passed: f.i64()?,
        last_passed: f.i64()?,
        first_failed: f.i64()?,
        last_failed: f.i64()?,
    })
}

/// Reads rows, leaving out what must not be seen or was not asked for.
fn visible(rows: &[Row], scope: &Scope, filter: &ResultFilter) -> Result<Vec<ControlResult>> {
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        let (result, alive) = result(row)?;
        if (alive || filter.of_gone_hosts)
            && scope.sees(result.project, result.enterprise_project)
            && filter.matches(&result)
        {
            out.push(result);
        }
    }
    Ok(out)
}

impl Session {
    /// At most `limit` results with numbers above `after`, ascending.
    pub async fn control_results(
        &mut self,
        scope: &Scope,
        filter: &ResultFilter,
        after: ControlResultNo,
        limit: u32,
    ) -> Result<Vec<ControlResult>> {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let rows = if let Some(numbers) = filter.numbers.few(FEW_RESULTS) {
            self.bulk_fetch(&BY_NUMBER, &above(&numbers, after)).await?
        } else if let Some(hosts) = filter.hosts.few(FEW_HOSTS) {
            let keys: Vec<[Value<'_>; 1]> = hosts.iter().map(|&host| [host.into()]).collect();
            self.bulk_fetch(&OF_HOSTS, &keys).await?
        } else {
            return self.results_along(scope, filter, after, wanted).await;
        };
        let mut out = visible(&rows, scope, filter)?;
        out.retain(|result| result.no > after);
        out.sort_unstable_by_key(|result| result.no);
        out.truncate(wanted);
        Ok(out)
    }

    /// A page along an index, passing over rows that were not asked for.
    async fn results_along(
        &mut self,
        scope: &Scope,
        filter: &ResultFilter,
        after: ControlResultNo,
        wanted: usize,
    ) -> Result<Vec<ControlResult>> {
        let (low, high) = filter.numbers.bounds();
        let mut after = u64::from(after.0).max(low.saturating_sub(1));
        let mut out = Vec::new();
        while out.len() < wanted && after < high {
            let missing = u32::try_from(wanted - out.len()).unwrap_or(u32::MAX);
            // The first chunk is what is needed if nothing is passed over.
            let chunk = if out.is_empty() { missing.min(CHUNK) } else { CHUNK };
            let rows = self.chunk(scope, filter, after, chunk).await?;
            let Some(last) = rows.last() else { break };
            after = last.fields("control_result").u64("no")?;
            out.extend(visible(&rows, scope, filter)?);
        }
        out.truncate(wanted);
        Ok(out)
    }

    /// The next rows of all postures wanted, ascending.
    async fn chunk(
        &mut self,
        scope: &Scope,
        filter: &ResultFilter,
        after: u64,
        size: u32,
    ) -> Result<Vec<Row>> {
        let (statement, key) = filter.index(scope.project());
        let mut rows = Vec::new();
        for posture in filter.posture_numbers() {
            for row in self.fetch(statement, &[key, posture.into(), after.into(), size.into()]).await? {
                rows.push((row.fields("control_result").u32("no")?, row));
            }
        }
        rows.sort_unstable_by_key(|(no, _)| *no);
        rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// A result by number.
    pub async fn control_result(
        &mut self,
        scope: &Scope,
        no: ControlResultNo,
    ) -> Result<Option<ControlResult>> {
        let filter =
            ResultFilter { numbers: Ranges::one(no.0), without_posture: true, ..ResultFilter::default() };
        Ok(self.control_results(scope, &filter, ControlResultNo(0), 1).await?.pop())
    }

    /// A result by what it is the result of.
    pub async fn control_result_of(
        &mut self,
        scope: &Scope,
        identity: &ResultIdentity,
    ) -> Result<Option<ControlResult>> {
        let ResultIdentity { host, policy, control, instance } = identity;
        match self.fetch_one(BY_IDENTITY, args![*host, *policy, *control, instance]).await? {
            Some(row) => {
                let no = ControlResultNo(row.fields("control_result").u32("no")?);
                self.control_result(scope, no).await
            }
            None => Ok(None),
        }
    }

    /// The life of a result, newest first: at most `limit` stretches that began before `before`
    /// ([`FOREVER`] for the first page), each with the instant at which it was recorded.
    pub async fn control_result_history(
        &mut self,
        no: ControlResultNo,
        before: Millis,
        limit: u32,
    ) -> Result<Vec<(Stretch, Millis)>> {
        let rows = self.fetch(LIFE, args![no, before, limit]).await?;
        rows.iter()
            .map(|row| super::record::stretch(row).map(|(_, stretch, recorded)| (stretch, recorded)))
            .collect()
    }

    /// What a result holds now and what it held before the evidence or status last changed.
    pub async fn control_result_before(
        &mut self,
        no: ControlResultNo,
    ) -> Result<(Option<Held>, Option<Held>)> {
        let life = self.control_result_history(no, FOREVER, 2).await?;
        let held = |at: usize| life.get(at).map(|(stretch, _)| stretch.held);
        Ok((held(0), held(1)))
    }
}

fn above(numbers: &[u32], after: ControlResultNo) -> Vec<[Value<'_>; 1]> {
    numbers.iter().filter(|&&no| no > after.0).map(|&no| [no.into()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_wires_say() {
        let ranges = Ranges::new([(5, 5), (8, 10), (1, 99_999_999_999)]);
        assert!(ranges.contains(7) && ranges.few(1_000).is_none());
        assert_eq!(Ranges::new([(9, 10), (5, 5), (5, 6)]).few(5), Some(vec![5, 6, 9, 10]));
        assert_eq!(Ranges::new([(0, u64::MAX)]).few(5), None);
        assert!(Ranges::default().contains(3));
        assert_eq!(Ranges::new([(5_000_000_000, 5_000_000_001)]).few(5), Some(vec![]));
    }
}
