//! Exceptions of controls: one row for each as it stands, and its history beside it, which only grows.
//! Whether one holds is a function of (exception, now) and is not decided here. Nothing in memory
//! follows them, so nothing is logged.

use std::collections::{BTreeMap, HashMap};

use parapet_model::compliance::{ControlStatus, Held, ResultIdentity};
use parapet_model::control_exception::{ControlException, ControlTarget, HistoryEntry};
use parapet_model::exception::ExceptionState;
use parapet_model::lifecycle::{Lifecycle, Standing};
use parapet_model::{
    AssetNo, ControlExceptionNo, ControlNo, EnterpriseProjectNo, EvidenceNo, FOREVER, Millis, PolicyNo,
    ProjectNo, Ranges, Scope, TechnologyNo,
};

use crate::error::Result;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

/// Deleted ones (state 3) are kept for the trail and shown nowhere.
const PAGE: &str = "SELECT no, uuid, project, enterprise_project, host, policy, control, instance, \
     technology, reopens, accepted, state, start_at, end_at, assignee, created_by, created_at, modified_by, \
     modified_at FROM control_exception \
     WHERE project = $1 AND no > $2 AND no <= $3 AND state <> 3 ORDER BY no LIMIT $4";
const BY_STATE: &str = "SELECT enterprise_project, state, COUNT(*) FROM control_exception \
     WHERE project = $1 AND state <> 3 GROUP BY enterprise_project, state ORDER BY enterprise_project, state";
const EXPIRED: &str = "SELECT enterprise_project, COUNT(*) FROM control_exception \
     WHERE project = $1 AND state = 1 AND end_at <= $2 GROUP BY enterprise_project ORDER BY enterprise_project";
const NEXT_END: &str =
    "SELECT COALESCE(MIN(end_at), $1) FROM control_exception WHERE state = 1 AND end_at > $2";
const BY_NO: &str = "SELECT no, uuid, project, enterprise_project, host, policy, control, instance, \
     technology, reopens, accepted, state, start_at, end_at, assignee, created_by, created_at, modified_by, \
     modified_at FROM control_exception WHERE no = $1 AND state <> 3";
const IN_RANGES: Bulk<3> = Bulk {
    before: "WITH k(project, low, high) AS (VALUES ",
    after: ") SELECT t.no, t.uuid, t.project, t.enterprise_project, t.host, t.policy, t.control, t.instance, \
            t.technology, t.reopens, t.accepted, t.state, t.start_at, t.end_at, t.assignee, t.created_by, \
            t.created_at, t.modified_by, t.modified_at FROM k CROSS JOIN control_exception t \
            WHERE t.project = k.project AND t.no >= k.low AND t.no <= k.high AND t.state <> 3 \
            ORDER BY t.no LIMIT 100001",
};
const OF_RESULTS: Bulk<3> = Bulk {
    before: "WITH k(host, policy, control) AS (VALUES ",
    after: ") SELECT t.no, t.uuid, t.project, t.enterprise_project, t.host, t.policy, t.control, t.instance, \
            t.technology, t.reopens, t.accepted, t.state, t.start_at, t.end_at, t.assignee, t.created_by, \
            t.created_at, t.modified_by, t.modified_at FROM k CROSS JOIN control_exception t \
            WHERE t.host = k.host AND t.policy = k.policy AND t.control = k.control AND t.state <> 3 \
            ORDER BY t.no",
};
const ENDING: &str = "SELECT no, uuid, project, enterprise_project, host, policy, control, instance, \
     technology, reopens, accepted, state, start_at, end_at, assignee, created_by, created_at, modified_by, \
     modified_at FROM control_exception \
     WHERE state = 1 AND end_at > $1 AND end_at <= $2 AND NOT EXISTS (SELECT n.subject FROM notice n \
     WHERE n.kind = 'control_exception' AND n.subject = control_exception.no \
     AND n.instant = control_exception.end_at) ORDER BY end_at, no LIMIT $3";
const PUT: Bulk<19> = Bulk {
    before: "INSERT INTO control_exception (no, uuid, project, enterprise_project, host, policy, control, \
             instance, technology, reopens, accepted, state, start_at, end_at, assignee, created_by, \
             created_at, modified_by, modified_at) VALUES ",
    after: " ON CONFLICT (no) DO UPDATE SET reopens = excluded.reopens, accepted = excluded.accepted, \
            state = excluded.state, start_at = excluded.start_at, end_at = excluded.end_at, \
            assignee = excluded.assignee, modified_by = excluded.modified_by, \
            modified_at = excluded.modified_at",
};
const ENTRIES: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.exception, t.at, t.actor, t.what, t.comment FROM k CROSS JOIN \
            control_exception_entry t WHERE t.exception = k.no ORDER BY t.exception, t.at",
};
const ADD_ENTRY: Bulk<5> = Bulk {
    before: "INSERT INTO control_exception_entry (exception, at, actor, what, comment) VALUES ",
    after: "",
};

const HELD: Bulk<4> = Bulk {
    before: "WITH k(host, policy, control, instance) AS (VALUES ",
    after: ") SELECT t.host, t.policy, t.control, t.instance, t.status, t.evidence \
            FROM k CROSS JOIN control_result t WHERE t.host = k.host AND t.policy = k.policy \
            AND t.control = k.control AND t.instance = k.instance ORDER BY t.no",
};

/// Most exceptions that one lookup by ranges gives.
pub const MAX_IN_RANGES: usize = 100_000;

fn exception(row: &Row) -> Result<ControlException> {
    let mut f = row.fields("control_exception");
    let (no, uuid) = (ControlExceptionNo(f.u32("no")?), f.uuid("uuid")?);
    let project = ProjectNo(f.u32("project")?);
    let enterprise_project = EnterpriseProjectNo(f.u32("enterprise_project")?);
    let identity = ResultIdentity {
        host: AssetNo(f.u32("host")?),
        policy: PolicyNo(f.u32("policy")?),
        control: ControlNo(f.u32("control")?),
        instance: f.text()?,
    };
    let target = ControlTarget {
        identity,
        technology: TechnologyNo(f.u32("technology")?),
        reopen_on_evidence_change: f.bool("reopens")?,
        accepted: EvidenceNo(f.u32("accepted")?),
    };
    let life =
        Lifecycle { state: f.word("state", ExceptionState::from_number)?, start: f.i64()?, end: f.i64()? };
    Ok(ControlException {
        no,
        uuid,
        project,
        enterprise_project,
        target,
        life,
        assignee: f.u32("assignee")?,
        created_by: f.u32("created_by")?,
        created_at: f.i64()?,
        modified_by: f.u32("modified_by")?,
        modified_at: f.i64()?,
    })
}

fn values(e: &ControlException) -> [Value<'_>; 19] {
    let identity = &e.target.identity;
    [
        e.no.0.into(),
        (&e.uuid).into(),
        e.project.into(),
        e.enterprise_project.into(),
        identity.host.into(),
        identity.policy.0.into(),
        identity.control.0.into(),
        (&identity.instance).into(),
        e.target.technology.0.into(),
        e.target.reopen_on_evidence_change.into(),
        e.target.accepted.0.into(),
        (e.life.state as u8).into(),
        e.life.start.into(),
        e.life.end.into(),
        e.assignee.into(),
        e.created_by.into(),
        e.created_at.into(),
        e.modified_by.into(),
        e.modified_at.into(),
    ]
}

impl Session {
    /// An exception by number, deleted ones excluded.
    pub async fn control_exception(&mut self, no: ControlExceptionNo) -> Result<Option<ControlException>> {
        self.fetch_one(BY_NO, args![no.0]).await?.as_ref().map(exception).transpose()
    }

    /// The first instant after `now` at which an approved exception ends, of all projects; [`FOREVER`] when none
    /// does.
    pub async fn control_exceptions_until(&mut self, now: Millis) -> Result<Millis> {
        let row = self.fetch_one(NEXT_END, args![FOREVER, now]).await?;
        row.map_or(Ok(FOREVER), |row| row.fields("control_exception").i64())
    }

    /// How many exceptions that the scope sees stand how at `now`; those that were deleted do not count.
    pub async fn control_exception_counts(
        &mut self,
        scope: &Scope,
        now: Millis,
    ) -> Result<BTreeMap<Standing, u64>> {
        let project = scope.project();
        let sees = |owner| scope.sees(project, EnterpriseProjectNo(owner));
        let mut counts: BTreeMap<Standing, u64> = BTreeMap::new();
        for row in self.fetch(BY_STATE, args![project]).await? {
            let mut f = row.fields("control_exception");
            let owner = f.u32("enterprise_project")?;
            let state = f.word("state", ExceptionState::from_number)?;
            let count = f.u64("count")?;
            if sees(owner) {
                // Those that expired are taken out below.
                let life = Lifecycle { state, start: Millis::MIN, end: FOREVER };
                *counts.entry(life.standing(now)).or_default() += count;
            }
        }
        for row in self.fetch(EXPIRED, args![project, now]).await? {
            let mut f = row.fields("control_exception");
            let (owner, count) = (f.u32("enterprise_project")?, f.u64("count")?);
            if sees(owner) {
                *counts.entry(Standing::Expired).or_default() += count;
                let approved = counts.entry(Standing::Approved).or_default();
                *approved = approved.saturating_sub(count);
            }
        }
        Ok(counts)
    }

    /// At most `limit` exceptions of the project with numbers above `after` up to `last`, ascending.
    pub async fn control_exceptions(
        &mut self,
        project: ProjectNo,
        after: u32,
        last: u32,
        limit: u32,
    ) -> Result<Vec<ControlException>> {
        self.fetch(PAGE, args![project, after, last, limit]).await?.iter().map(exception).collect()
    }

    /// The exceptions of the project with these numbers, ascending; one more than [`MAX_IN_RANGES`]
    /// when there are more.
    pub async fn control_exceptions_in(
        &mut self,
        project: ProjectNo,
        numbers: &Ranges,
    ) -> Result<Vec<ControlException>> {
        let keys: Vec<[Value<'_>; 3]> = numbers
            .ranges()
            .iter()
            .map(|&(first, last)| [project.into(), first.into(), last.into()])
            .collect();
        let mut out = Vec::new();
        for chunk in keys.chunks(Bulk::<3>::ROWS) {
            for row in self.bulk_fetch(&IN_RANGES, chunk).await? {
                out.push(exception(&row)?);
            }
            if out.len() > MAX_IN_RANGES {
                break;
            }
        }
        Ok(out)
    }

    /// The exceptions for any instance of these results, by number.
    pub async fn control_exceptions_of(
        &mut self,
        results: impl IntoIterator<Item = (AssetNo, PolicyNo, ControlNo)>,
    ) -> Result<Vec<ControlException>> {
        let mut keys: Vec<(AssetNo, PolicyNo, ControlNo)> = results.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        let keys: Vec<[Value<'_>; 3]> = keys
            .iter()
            .map(|(host, policy, control)| [(*host).into(), policy.0.into(), control.0.into()])
            .collect();
        let mut found: Vec<ControlException> =
            self.bulk_fetch(&OF_RESULTS, &keys).await?.iter().map(exception).collect::<Result<_>>()?;
        found.sort_unstable_by_key(|e| e.no);
        Ok(found)
    }

    /// How these results stand now; those that are unknown are left out.
    pub async fn control_results_held(
        &mut self,
        results: impl IntoIterator<Item = &ResultIdentity>,
    ) -> Result<HashMap<ResultIdentity, Held>> {
        let keys: Vec<[Value<'_>; 4]> = results
            .into_iter()
            .map(|r| [r.host.into(), r.policy.0.into(), r.control.0.into(), (&r.instance).into()])
            .collect();
        let rows = self.bulk_fetch(&HELD, &keys).await?;
        rows.iter()
            .map(|row| {
                let mut f = row.fields("control_result");
                let identity = ResultIdentity {
                    host: AssetNo(f.u32("host")?),
                    policy: PolicyNo(f.u32("policy")?),
                    control: ControlNo(f.u32("control")?),
                    instance: f.text()?,
                };
                let status = f.word("status", ControlStatus::from_number)?;
                Ok((identity, Held { status, evidence: EvidenceNo(f.u32("evidence")?) }))
            })
            .collect()
    }

    /// At most `limit` approved exceptions whose end lies after `now` up to `until`, and for whose end
    /// nobody was told yet; the next to end first.
    pub async fn control_exceptions_ending(
        &mut self,
        now: Millis,
        until: Millis,
        limit: u32,
    ) -> Result<Vec<ControlException>> {
        self.fetch(ENDING, args![now, until.min(FOREVER - 1), limit]).await?.iter().map(exception).collect()
    }

    /// The histories of exceptions, oldest entry first.
    pub async fn control_exception_history(
        &mut self,
        numbers: &[ControlExceptionNo],
    ) -> Result<BTreeMap<ControlExceptionNo, Vec<HistoryEntry>>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|no| [no.0.into()]).collect();
        let mut out: BTreeMap<ControlExceptionNo, Vec<HistoryEntry>> = BTreeMap::new();
        for row in self.bulk_fetch(&ENTRIES, &keys).await? {
            let mut f = row.fields("control_exception_entry");
            let no = ControlExceptionNo(f.u32("exception")?);
            let entry = HistoryEntry { at: f.i64()?, by: f.text()?, what: f.text()?, comment: f.text()? };
            out.entry(no).or_default().push(entry);
        }
        Ok(out)
    }
}

impl Tx {
    /// Gives a new exception its number and id; [`Tx::put_control_exceptions`] stores it.
    pub async fn number_control_exception(&mut self, new: &mut ControlException) -> Result<()> {
        self.number_control_exceptions(std::slice::from_mut(new)).await
    }

    /// The same for several, which get numbers in the order given.
    pub async fn number_control_exceptions(&mut self, new: &mut [ControlException]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let first = self.take_numbers(Counter::ControlException, new.len()).await?;
        for (no, e) in (first..).zip(new) {
            (e.no, e.uuid) = (ControlExceptionNo(no), self.uuid());
        }
        Ok(())
    }

    /// Stores exceptions as they stand now, new ones and known ones; what they are for never changes.
    pub async fn put_control_exceptions(&mut self, exceptions: &[ControlException]) -> Result<()> {
        let rows: Vec<[Value<'_>; 19]> = exceptions.iter().map(values).collect();
        self.bulk(&PUT, &rows).await?;
        Ok(())
    }

    /// Adds an entry to the history of each; at most one for each in a transaction.
    pub async fn add_control_exception_entries(
        &mut self,
        entries: &[(ControlExceptionNo, HistoryEntry)],
    ) -> Result<()> {
        let rows: Vec<[Value<'_>; 5]> = entries
            .iter()
            .map(|(no, e)| [no.0.into(), e.at.into(), (&e.by).into(), (&e.what).into(), (&e.comment).into()])
            .collect();
        self.bulk(&ADD_ENTRY, &rows).await?;
        Ok(())
    }
}
