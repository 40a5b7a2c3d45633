//! How hosts stand with controls, exceptions included: what the lists of compliance families show.

mod table;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use parapet_model::compliance::{Control, ControlPosture, ControlResult, Criticality, Evidence, Policy};
use parapet_model::control_exception::{ControlException, HistoryEntry};
use parapet_model::lifecycle::Standing;
use parapet_model::{
    AssetNo, ControlNo, ControlResultNo, EvidenceNo, Millis, Permission, PolicyNo, Principal, TechnologyNo,
};
use parapet_store::compliance::ResultFilter;

pub use parapet_store::control_sums::HostSum;
pub use table::{Cell, Column, Part, ResultPage, ResultQuery, Table, TableQuery, TableRow};

use crate::accounts::require;
use crate::app::App;
use crate::control_exceptions::HostWords;
use crate::error::Result;

/// Numbers read at once.
const CHUNK: u32 = 10_000;
/// Most results read at once.
const MAX_RESULTS: usize = 2_000;

/// Use cases around how hosts stand with controls.
#[derive(Debug, Clone, Copy)]
pub struct ControlPostures<'a>(pub(crate) &'a App);

/// Which results are wanted of one policy.
#[derive(Debug, Clone, Default)]
pub struct PostureQuery {
    /// What the store is asked for; postures are set from `shown`.
    pub filter: ResultFilter,
    /// What is shown of them, exceptions considered; empty: everything.
    pub shown: Vec<ControlPosture>,
    /// Of controls of this criticality; empty: of any.
    pub criticalities: Vec<Criticality>,
    /// Whether evidence is wanted too.
    pub evidence: bool,
}

/// A result with the exception it is under.
#[derive(Debug, Clone)]
pub struct PostureRow {
    /// The result.
    pub result: ControlResult,
    /// What is shown: a failure under an exception that holds is shown as passed.
    pub shown: ControlPosture,
    /// The open exception for it, else the newest.
    pub exception: Option<(ControlException, Standing)>,
    /// What was found.
    pub evidence: Option<Evidence>,
}

/// Sums over a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PostureSummary {
    /// Hosts.
    pub hosts: u64,
    /// Controls.
    pub controls: u64,
    /// Shown as passed.
    pub passed: u64,
    /// Shown as failed.
    pub failed: u64,
    /// Not judged.
    pub error: u64,
    /// Failing under an exception that holds.
    pub accepted: u64,
}

/// A host with what the lists say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedHost {
    /// Number on wires.
    pub no: AssetNo,
    /// Name, addresses, system.
    pub words: HostWords,
    /// When its packages were read last, observed time; 0 for never.
    pub scanned: Millis,
    /// When it was evaluated last, observed time; 0 for never.
    pub assessed: Millis,
    /// When it was first known.
    pub first_seen: Millis,
}

impl ControlPostures<'_> {
    /// A policy of the asker's project.
    pub async fn policy(&self, who: &Principal, no: u64) -> Result<Option<Policy>> {
        require(who, Permission::FindingsRead)?;
        let Ok(no) = u32::try_from(no) else { return Ok(None) };
        Ok(self.0.store.read().await?.policy(who.project, PolicyNo(no)).await?)
    }

    /// The controls that a policy asks for, by number.
    pub async fn controls_of(
        &self,
        who: &Principal,
        policy: PolicyNo,
    ) -> Result<BTreeMap<ControlNo, Control>> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let (mut all, mut after) = (BTreeMap::new(), ControlNo(0));
        loop {
            let numbers = session.controls_of_policy(policy, after, CHUNK).await?;
            let Some(last) = numbers.last() else { return Ok(all) };
            after = *last;
            let found = session.controls_by_number(who.project, &numbers).await?;
            all.extend(found.into_iter().map(|control| (control.no, control)));
        }
    }

    /// At most `limit` results with numbers above `after`, and whether there are more.
    pub async fn page(
        &self,
        who: &Principal,
        query: &PostureQuery,
        after: ControlResultNo,
        limit: usize,
    ) -> Result<(Vec<PostureRow>, bool)> {
        require(who, Permission::FindingsRead)?;
        let app = self.0;
        let wanted_controls = match (query.criticalities.is_empty(), query.filter.policy) {
            (false, Some(policy)) => {
                let all = self.controls_of(who, policy).await?;
                let wanted = all.values().filter(|c| query.criticalities.contains(&c.text.criticality));
                Some(wanted.map(|c| c.no).collect::<HashSet<_>>())
            }
            _ => None,
        };
        let filter = ResultFilter { postures: underlying(&query.shown), ..query.filter.clone() };
        let mut session = app.store.read().await?;
        let (mut rows, mut after) = (Vec::new(), after);
        let now = app.now();
        loop {
            let missing = limit.saturating_add(1).saturating_sub(rows.len()).min(MAX_RESULTS);
            let asked = u32::try_from(missing).unwrap_or(u32::MAX);
            let mut results = session.control_results(&who.scope(), &filter, after, asked).await?;
            let complete = results.len() < missing;
            if let Some(last) = results.last() {
                after = last.no;
            }
            if let Some(wanted) = &wanted_controls {
                results.retain(|result| wanted.contains(&result.identity.control));
            }
            let exceptions = app.control_exceptions().of_results(who, &results).await?;
            for result in results {
                let all = exceptions.get(&result.identity).map_or(&[][..], Vec::as_slice);
                let Some(row) = self.row(result, all, now) else { continue };
                if query.shown.is_empty() || query.shown.contains(&row.shown) {
                    rows.push(row);
                }
            }
            if rows.len() > limit || complete {
                break;
            }
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        if query.evidence {
            let numbers: BTreeSet<EvidenceNo> = rows.iter().map(|row| row.result.evidence).collect();
            let found = session.evidence(&Vec::from_iter(numbers)).await?;
            for row in &mut rows {
                row.evidence = found.get(&row.result.evidence).cloned();
            }
        }
        Ok((rows, more))
    }

    /// What is shown of a result; `exceptions` newest first.
    fn row(&self, result: ControlResult, exceptions: &[ControlException], now: Millis) -> Option<PostureRow> {
        let posture = result.posture()?;
        let open = exceptions.iter().find(|e| e.life.standing(now).is_open());
        let exception = open.or(exceptions.first()).cloned();
        let accepted = exception.as_ref().is_some_and(|e| e.life.holds(now));
        let passes = accepted && posture == ControlPosture::Failed && !self.0.rules.show_accepted_as_failed;
        let shown = if passes { ControlPosture::Passed } else { posture };
        let exception = exception.map(|e| {
            let standing = e.life.standing(now);
            (e, standing)
        });
        Some(PostureRow { result, shown, exception, evidence: None })
    }

    /// Histories of the exceptions of these rows, by result.
    pub async fn histories(
        &self,
        who: &Principal,
        rows: &[PostureRow],
    ) -> Result<BTreeMap<ControlResultNo, Vec<HistoryEntry>>> {
        require(who, Permission::ExceptionsRead)?;
        let of = |row: &PostureRow| Some((row.result.no, row.exception.as_ref()?.0.no));
        let pairs: Vec<_> = rows.iter().filter_map(of).collect();
        let numbers: Vec<_> = pairs.iter().map(|(_, exception)| *exception).collect();
        let mut found = self.0.store.read().await?.control_exception_history(&numbers).await?;
        let entries = |(result, exception)| Some((result, found.remove(&exception)?));
        Ok(pairs.into_iter().filter_map(entries).collect())
    }

    /// Sums over a policy, and for each host the part of its controls that passes, in percent.
    pub async fn summary(
        &self,
        who: &Principal,
        policy: PolicyNo,
    ) -> Result<(PostureSummary, BTreeMap<AssetNo, u64>)> {
        require(who, Permission::FindingsRead)?;
        let (app, scope) = (self.0, who.scope());
        let mut session = app.store.read().await?;
        let sums = session.control_sums(policy, app.now()).await?;
        let (mut out, mut percentages) = (PostureSummary::default(), BTreeMap::new());
        let snapshot = app.live().snapshot();
        for (host, sum) in sums {
            let total = sum.passed + sum.failed + sum.error;
            let there = snapshot.asset(&scope, host).is_some_and(|asset| asset.held.is_open());
            if total == 0 || !there {
                continue;
            }
            let accepted = sum.accepted.min(sum.failed);
            let shown = if app.rules.show_accepted_as_failed { 0 } else { accepted };
            out.hosts += 1;
            out.passed += sum.passed + shown;
            out.failed += sum.failed - shown;
            out.error += sum.error;
            out.accepted += accepted;
            percentages.insert(host, (sum.passed + shown) * 100 / total);
        }
        let mut after = ControlNo(0);
        loop {
            let controls = session.controls_of_policy(policy, after, CHUNK).await?;
            let Some(last) = controls.last() else { return Ok((out, percentages)) };
            after = *last;
            out.controls += controls.len() as u64;
        }
    }

    /// Hosts by number that the asker sees and that are there.
    pub async fn hosts(&self, who: &Principal, numbers: &[AssetNo]) -> Result<BTreeMap<AssetNo, ListedHost>> {
        require(who, Permission::FindingsRead)?;
        let assessed = self.0.store.read().await?.last_assessed(numbers).await?;
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let listed = numbers.iter().filter_map(|&no| {
            let asset = snapshot.asset(&scope, no).filter(|asset| asset.held.is_open())?;
            let host = ListedHost {
                no,
                words: HostWords::of(asset),
                scanned: asset.observed,
                assessed: assessed.get(&no).copied().unwrap_or_default(),
                first_seen: asset.first_seen,
            };
            Some((no, host))
        });
        Ok(listed.collect())
    }

    /// At most `limit` hosts above `after` for which `wanted` says yes, and whether there are more.
    pub async fn hosts_after(
        &self,
        who: &Principal,
        after: AssetNo,
        limit: usize,
        wanted: impl Fn(&ListedHost) -> bool,
    ) -> Result<(Vec<ListedHost>, bool)> {
        require(who, Permission::FindingsRead)?;
        let (mut out, mut after) = (Vec::new(), after);
        loop {
            let missing = limit.saturating_add(1).saturating_sub(out.len());
            let chunk = u32::try_from(missing).unwrap_or(u32::MAX).clamp(100, CHUNK);
            let numbers = self.0.store.read().await?.hosts_after(who.project, after, chunk).await?;
            let Some(last) = numbers.last() else { return Ok((out, false)) };
            after = *last;
            let found = self.hosts(who, &numbers).await?;
            out.extend(found.into_values().filter(|host| wanted(host)));
            if out.len() > limit {
                out.truncate(limit);
                return Ok((out, true));
            }
        }
    }

    /// At most `limit` controls of the project above `after`.
    pub async fn controls(&self, who: &Principal, after: ControlNo, limit: u32) -> Result<Vec<Control>> {
        require(who, Permission::FindingsRead)?;
        Ok(self.0.store.read().await?.controls(who.project, after, limit).await?)
    }

    /// At most `limit` policies of the project above `after`.
    pub async fn policies(&self, who: &Principal, after: PolicyNo, limit: u32) -> Result<Vec<Policy>> {
        require(who, Permission::FindingsRead)?;
        Ok(self.0.store.read().await?.policies(who.project, after, limit).await?)
    }

    /// The technologies of controls: number and name, by control.
    pub async fn technologies_of(
        &self,
        who: &Principal,
        controls: &[ControlNo],
    ) -> Result<BTreeMap<ControlNo, Vec<(TechnologyNo, String)>>> {
        require(who, Permission::FindingsRead)?;
        let names = self.technologies(who).await?;
        let mut session = self.0.store.read().await?;
        let mut out: BTreeMap<ControlNo, Vec<(TechnologyNo, String)>> = BTreeMap::new();
        for (control, technology) in session.technologies_of_controls(controls).await? {
            let name = names.get(&technology).cloned().unwrap_or_default();
            out.entry(control).or_default().push((technology, name));
        }
        Ok(out)
    }

    /// Names of all technologies of the project.
    pub async fn technologies(&self, who: &Principal) -> Result<BTreeMap<TechnologyNo, String>> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let (mut all, mut after) = (BTreeMap::new(), TechnologyNo(0));
        loop {
            let some = session.technologies(who.project, after, CHUNK).await?;
            let Some(last) = some.last() else { return Ok(all) };
            after = last.no;
            all.extend(some.into_iter().map(|technology| (technology.no, technology.name)));
        }
    }

    /// The hosts of a policy of which `has` says yes.
    pub async fn hosts_with(
        &self,
        who: &Principal,
        policy: PolicyNo,
        has: impl Fn(&HostWords) -> bool,
    ) -> Result<Vec<AssetNo>> {
        require(who, Permission::FindingsRead)?;
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let mut session = self.0.store.read().await?;
        let (mut out, mut after) = (Vec::new(), AssetNo(0));
        loop {
            let some = session.assessments_of_policy(policy, after, CHUNK).await?;
            let Some(last) = some.last() else { return Ok(out) };
            after = last.host;
            let numbers = some.iter().map(|assessment| assessment.host);
            out.extend(
                numbers.filter(|no| snapshot.asset(&scope, *no).is_some_and(|a| has(&HostWords::of(a)))),
            );
        }
    }
}

/// The postures of the store behind what is shown: a failure may be shown as passed.
fn underlying(shown: &[ControlPosture]) -> Vec<ControlPosture> {
    let mut out: Vec<ControlPosture> = shown.to_vec();
    if shown.contains(&ControlPosture::Passed) && !shown.contains(&ControlPosture::Failed) {
        out.push(ControlPosture::Failed);
    }
    out
}
