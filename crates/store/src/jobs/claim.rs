//! Which job is next, and giving it to a worker.
//!
//! Next is the oldest job of the owner who has the fewest running (REVIEW D4), and of several such
//! owners the one whose last job of the kind was begun the longest ago. So one person's ten thousand
//! scans do not keep another's single one waiting, also where one worker does everything. Owners are
//! found by skipping through an index, one probe for each; the cost does not grow with the length of
//! the queue.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::job::JobKind;
use parapet_model::{EnterpriseProjectNo, Millis, ProjectNo};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::Result;
use crate::jobs::Attempt;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::store::Store;
use crate::tx::Tx;
use crate::visibility::read_granted;

/// For each kind wanted: the oldest queued job of each owner, and every job whose lease ran out.
const CANDIDATES: Bulk<2> = Bulk {
    before: "WITH RECURSIVE wanted(kind, instant) AS (VALUES ",
    after: "), owners(kind, instant, owner) AS ( \
     SELECT wanted.kind, wanted.instant, \
     (SELECT MIN(job.owner) FROM job WHERE job.state = 0 AND job.place = 0 AND job.kind = wanted.kind) FROM wanted \
     UNION ALL SELECT owners.kind, owners.instant, \
     (SELECT MIN(job.owner) FROM job WHERE job.state = 0 AND job.place = 0 AND job.kind = owners.kind \
     AND job.owner > owners.owner) FROM owners WHERE owners.owner IS NOT NULL), \
     oldest(kind, owner, no) AS (SELECT owners.kind, owners.owner, \
     (SELECT job.no FROM job WHERE job.state = 0 AND job.place = 0 AND job.kind = owners.kind \
     AND job.owner = owners.owner \
     AND job.not_before <= owners.instant ORDER BY job.no LIMIT 1) FROM owners \
     WHERE owners.owner IS NOT NULL), \
     lost(kind, owner, no) AS (SELECT job.kind, job.owner, job.no FROM wanted CROSS JOIN job CROSS JOIN job_run \
     WHERE job.state = 1 AND job.waiting = 0 AND job.place = 0 AND job.kind = wanted.kind \
     AND job_run.job = job.no AND job_run.lease_until <= wanted.instant) \
     SELECT no, owner, kind, CAST(0 AS BIGINT) FROM oldest WHERE no IS NOT NULL \
     UNION ALL SELECT no, owner, kind, CAST(1 AS BIGINT) FROM lost ORDER BY no",
};
const BUSY: &str = "SELECT job.owner, COUNT(*) FROM job JOIN job_run ON job_run.job = job.no \
     WHERE job.state = 1 AND job.waiting = 0 AND job_run.lease_until > $1 \
     GROUP BY job.owner ORDER BY job.owner";
const TURNS: Bulk<2> = Bulk {
    before: "WITH k(kind, owner) AS (VALUES ",
    after: ") SELECT t.kind, t.owner, t.served FROM k CROSS JOIN job_turn t \
     WHERE t.kind = k.kind AND t.owner = k.owner ORDER BY t.kind, t.owner",
};
const TAKE_TURN: &str = "INSERT INTO job_turn (kind, owner, served) VALUES ($1, $2, $3) \
     ON CONFLICT (kind, owner) DO UPDATE SET served = excluded.served";
const CLAIM: &str = "UPDATE job SET state = 1, attempt = attempt + 1, started = $1 \
     WHERE no = $2 AND state IN (0, 1) AND waiting = 0 \
     RETURNING no, uuid, project, enterprise_projects, kind, owner, attempt, payload";
const LEASE: &str = "INSERT INTO job_run (job, attempt, worker, lease_until, done, total) \
     VALUES ($1, $2, $3, $4, 0, 0) ON CONFLICT (job) DO UPDATE SET attempt = excluded.attempt, \
     worker = excluded.worker, lease_until = excluded.lease_until, done = 0, total = 0";

/// For each registry: its oldest job that waits for a sensor, and every one whose lease ran out.
const AT_SENSOR: Bulk<2> = Bulk {
    before: "WITH given(registry, instant) AS (VALUES ",
    after: "), oldest(no) AS (SELECT (SELECT job.no FROM job WHERE job.state = 0 AND job.place <> 0 \
     AND job.place = given.registry AND job.not_before <= given.instant ORDER BY job.no LIMIT 1) FROM given), \
     lost(no) AS (SELECT job.no FROM given CROSS JOIN job CROSS JOIN job_run \
     WHERE job.state = 1 AND job.waiting = 0 AND job.place = given.registry AND job_run.job = job.no \
     AND job_run.lease_until <= given.instant) \
     SELECT no FROM oldest WHERE no IS NOT NULL UNION ALL SELECT no FROM lost ORDER BY no",
};
const HELD_BY: &str = "SELECT COUNT(*) FROM job JOIN job_run ON job_run.job = job.no \
     WHERE job.state = 1 AND job.waiting = 0 AND job_run.worker = $1 AND job_run.lease_until > $2";
const IN_HANDS: &str = "SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.attempt, job.payload FROM job JOIN job_run ON job_run.job = job.no WHERE job.uuid = $1 \
     AND job.state = 1 AND job.waiting = 0 AND job_run.worker = $2 AND job_run.attempt = job.attempt";

/// A job in a worker's hands.
#[derive(Debug, Clone)]
pub struct ClaimedJob {
    /// Job and attempt: what every write of the job must show.
    pub attempt: Attempt,
    /// Id for people and wires; names the job's files.
    pub uuid: Uuid,
    /// Whose it is.
    pub project: ProjectNo,
    /// The enterprise projects its asker saw; `None` means all.
    pub enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
    /// What to do.
    pub kind: JobKind,
    /// Name of the user who asked.
    pub owner: String,
    /// What to do in detail.
    pub payload: Box<RawValue>,
}

fn claimed(row: &Row) -> Result<ClaimedJob> {
    let mut f = row.fields("job");
    let (no, uuid, project) = (f.u32("no")?, f.uuid("uuid")?, ProjectNo(f.u32("project")?));
    let granted = read_granted(f.str()?).ok_or_else(|| f.inconsistent("enterprise_projects"))?;
    let (kind, owner) = (f.word("kind", JobKind::from_number)?, f.text()?);
    let attempt = Attempt { job: no, number: f.u32("attempt")? };
    let payload = f.json("payload")?;
    Ok(ClaimedJob { attempt, uuid, project, enterprise_projects: granted, kind, owner, payload })
}

/// A job that may be next.
struct Candidate {
    no: u32,
    owner: String,
    kind: i64,
    /// Its worker's lease ran out.
    lost: bool,
}

fn candidate(row: &Row) -> Result<Candidate> {
    let mut f = row.fields("job");
    Ok(Candidate { no: f.u32("no")?, owner: f.text()?, kind: f.i64()?, lost: f.bool("lost")? })
}

impl Session {
    /// The job that would be claimed next.
    async fn next_job(&mut self, kinds: &[JobKind], now: Millis) -> Result<Option<u32>> {
        let wanted: Vec<[Value<'_>; 2]> =
            kinds.iter().map(|&kind| [(kind as u8).into(), now.into()]).collect();
        let candidates = self.bulk_fetch(&CANDIDATES, &wanted).await?;
        if candidates.is_empty() {
            return Ok(None);
        }
        let mut busy = BTreeMap::new();
        for row in self.fetch(BUSY, args![now]).await? {
            let mut f = row.fields("job");
            busy.insert(f.text()?, f.i64()?);
        }
        let candidates = candidates.iter().map(candidate).collect::<Result<Vec<_>>>()?;
        let served = self.turns(&candidates).await?;
        let rank = |c: &Candidate| {
            let running = busy.get(&c.owner).copied().unwrap_or(0);
            // A job that was lost had its turn.
            let turn = served.get(&(c.kind, c.owner.clone())).copied().filter(|_| !c.lost);
            (running, turn.unwrap_or(0), c.no)
        };
        Ok(candidates.iter().min_by_key(|c| rank(c)).map(|c| c.no))
    }

    /// When a job of each candidate's kind and owner was last begun, if one was.
    async fn turns(&mut self, candidates: &[Candidate]) -> Result<BTreeMap<(i64, String), Millis>> {
        let asked: BTreeSet<(i64, &str)> = candidates.iter().map(|c| (c.kind, c.owner.as_str())).collect();
        let rows: Vec<[Value<'_>; 2]> =
            asked.into_iter().map(|(kind, owner)| [kind.into(), owner.into()]).collect();
        let turn = |row: &Row| {
            let mut f = row.fields("job_turn");
            Ok(((f.i64()?, f.text()?), f.i64()?))
        };
        self.bulk_fetch(&TURNS, &rows).await?.iter().map(turn).collect()
    }
}

impl Session {
    /// The job of that id, while a worker holds it.
    pub async fn job_in_hands(&mut self, worker: &str, job: &Uuid) -> Result<Option<ClaimedJob>> {
        self.fetch_one(IN_HANDS, args![job, worker]).await?.as_ref().map(claimed).transpose()
    }

    /// The oldest job of these registries that waits for a sensor.
    async fn next_at_sensor(&mut self, registries: &[u32], now: Millis) -> Result<Option<u32>> {
        let given: Vec<[Value<'_>; 2]> = registries.iter().map(|&no| [no.into(), now.into()]).collect();
        let rows = self.bulk_fetch(&AT_SENSOR, &given).await?;
        rows.first().map(|row| row.fields("job").u32("no")).transpose()
    }

    async fn held_by(&mut self, worker: &str, now: Millis) -> Result<u64> {
        let row = self.fetch_one(HELD_BY, args![worker, now]).await?;
        row.map_or(Ok(0), |row| row.fields("job").u64("count"))
    }
}

impl Tx {
    /// Gives the next job of these kinds to `worker` until `now + lease` milliseconds.
    async fn claim(
        &mut self,
        worker: &str,
        kinds: &[JobKind],
        now: Millis,
        lease: Millis,
    ) -> Result<Option<ClaimedJob>> {
        let Some(no) = self.next_job(kinds, now).await? else { return Ok(None) };
        self.give(no, worker, now, lease).await
    }

    async fn give(
        &mut self,
        no: u32,
        worker: &str,
        now: Millis,
        lease: Millis,
    ) -> Result<Option<ClaimedJob>> {
        let started = self.recorded();
        let row = self.write_one(CLAIM, args![started, no]).await?;
        let Some(job) = row.as_ref().map(claimed).transpose()? else { return Ok(None) };
        let until = now.saturating_add(lease);
        self.execute(LEASE, args![no, job.attempt.number, worker, until]).await?;
        self.execute(TAKE_TURN, args![job.kind as u8, &job.owner, started]).await?;
        Ok(Some(job))
    }
}

impl Store {
    /// Gives the oldest job of these registries that waits for a sensor to `worker`, unless that one
    /// holds `most` already.
    pub async fn claim_at_sensor(
        &self,
        worker: &str,
        registries: &[u32],
        most: u32,
        lease: Millis,
    ) -> Result<Option<ClaimedJob>> {
        let now = self.now();
        if registries.is_empty() || self.read().await?.next_at_sensor(registries, now).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let mut claimed = None;
        if tx.held_by(worker, now).await? < u64::from(most)
            && let Some(no) = tx.next_at_sensor(registries, now).await?
        {
            claimed = tx.give(no, worker, now, lease).await?;
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Gives the next job of these kinds to `worker` (a name that outlives a restart) for `lease`
    /// milliseconds; `None` when there is nothing to do, which costs no write. A job whose lease ran
    /// out, because its worker died or slept, is claimed like a queued one, with a higher attempt.
    pub async fn claim_job(
        &self,
        worker: &str,
        kinds: &[JobKind],
        lease: Millis,
    ) -> Result<Option<ClaimedJob>> {
        let now = self.now();
        if self.read().await?.next_job(kinds, now).await?.is_none() {
            return Ok(None);
        }
        // Asked again inside, because another worker may have been faster.
        let mut tx = self.begin().await?;
        let claimed = tx.claim(worker, kinds, now, lease).await?;
        tx.commit().await?;
        Ok(claimed)
    }
}
