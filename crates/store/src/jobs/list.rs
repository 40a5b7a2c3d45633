//! Looking at jobs, and forgetting old ones.

use parapet_model::job::{JobKind, JobState};
use parapet_model::{Millis, ProjectNo, Scope};
use uuid::Uuid;

use crate::error::Result;
use crate::jobs::Job;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;
use crate::visibility::read_granted;

const BY_UUID: &str = "SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.state, job.attempt, job.waiting, job.schedule, job.fire_time, job.payload, job.result, job.error, \
     COALESCE(job_run.done, 0), COALESCE(job_run.total, 0), job.not_before, job.created, job.started, \
     job.ended FROM job LEFT JOIN job_run ON job_run.job = job.no WHERE job.project = $1 AND job.uuid = $2";
const LIST: &str = "SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.state, job.attempt, job.waiting, job.schedule, job.fire_time, job.payload, job.result, job.error, \
     COALESCE(job_run.done, 0), COALESCE(job_run.total, 0), job.not_before, job.created, job.started, \
     job.ended FROM job LEFT JOIN job_run ON job_run.job = job.no WHERE job.project = $1 AND job.no < $2 \
     AND ($3 < 0 OR job.kind = $3) AND ($4 < 0 OR job.state = $4) AND ($5 = '' OR job.owner = $5) \
     ORDER BY job.no DESC LIMIT $6";
const CHILDREN: &str = "SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.state, job.attempt, job.waiting, job.schedule, job.fire_time, job.payload, job.result, job.error, \
     COALESCE(job_run.done, 0), COALESCE(job_run.total, 0), job.not_before, job.created, job.started, \
     job.ended FROM job_link JOIN job ON job.no = job_link.child LEFT JOIN job_run ON job_run.job = job.no \
     WHERE job_link.parent = $1 AND job.project = $2 AND job_link.child < $3 AND ($4 < 0 OR job.state = $4) \
     ORDER BY job_link.child DESC LIMIT $5";
const RUNS_OF: &str = "SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.state, job.attempt, job.waiting, job.schedule, job.fire_time, job.payload, job.result, job.error, \
     COALESCE(job_run.done, 0), COALESCE(job_run.total, 0), job.not_before, job.created, job.started, \
     job.ended FROM job LEFT JOIN job_run ON job_run.job = job.no \
     WHERE job.schedule = $1 AND job.schedule <> 0 AND job.no < $2 ORDER BY job.no DESC LIMIT $3";
const LAST_RUNS: Bulk<1> = Bulk {
    before: "WITH given(schedule) AS (VALUES ",
    after: ") SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.state, job.attempt, job.waiting, job.schedule, job.fire_time, job.payload, job.result, job.error, \
     COALESCE(job_run.done, 0), COALESCE(job_run.total, 0), job.not_before, job.created, job.started, \
     job.ended FROM given CROSS JOIN job LEFT JOIN job_run ON job_run.job = job.no \
     WHERE job.schedule = given.schedule AND job.schedule <> 0 AND job.no = \
     (SELECT MAX(other.no) FROM job AS other WHERE other.schedule = given.schedule AND other.schedule <> 0)",
};
const WATCHED: &str = "SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.state, job.attempt, job.waiting, job.schedule, job.fire_time, job.payload, job.result, job.error, \
     COALESCE(job_run.done, 0), COALESCE(job_run.total, 0), job.not_before, job.created, job.started, \
     job.ended FROM job LEFT JOIN job_run ON job_run.job = job.no WHERE job.project = $1 AND job.no < $2 \
     AND (job.kind IN (1, 2, 4, 6) OR (job.kind = 0 AND job.direct = 1)) AND ($3 < 0 OR job.kind = $3) ORDER BY job.no DESC LIMIT $4";
const EXPORTS: &str = "SELECT enterprise_projects, COUNT(*) FROM job WHERE project = $1 AND kind = 3 \
     AND SUBSTR(payload, 1, 10) = '{\"export\":' GROUP BY enterprise_projects ORDER BY enterprise_projects";
const NOTICES: &str = "SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.state, job.attempt, job.waiting, job.schedule, job.fire_time, job.payload, job.result, job.error, \
     COALESCE(job_run.done, 0), COALESCE(job_run.total, 0), job.not_before, job.created, job.started, \
     job.ended FROM job LEFT JOIN job_run ON job_run.job = job.no WHERE job.project = $1 AND job.no < $2 \
     AND job.kind = 5 ORDER BY job.no DESC LIMIT $3";
const LAST_WALKS: Bulk<1> = Bulk {
    before: "WITH given(registry) AS (VALUES ",
    after: ") SELECT job.no, job.uuid, job.project, job.enterprise_projects, job.kind, job.owner, \
     job.state, job.attempt, job.waiting, job.schedule, job.fire_time, job.payload, job.result, job.error, \
     COALESCE(job_run.done, 0), COALESCE(job_run.total, 0), job.not_before, job.created, job.started, \
     job.ended FROM given CROSS JOIN job LEFT JOIN job_run ON job_run.job = job.no \
     WHERE job.kind = 1 AND job.registry <> 0 AND job.no = (SELECT MAX(other.no) FROM job AS other \
     WHERE other.registry = given.registry AND other.kind = 1 AND other.registry <> 0)",
};
const FORGETTABLE: &str = "SELECT no FROM job WHERE state IN (2, 3, 4) AND waiting = 0 AND ended < $1 \
     AND NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.job = job.no) \
     AND NOT EXISTS (SELECT 1 FROM report WHERE report.job = job.no) \
     AND NOT EXISTS (SELECT 1 FROM job_link JOIN job AS wanting ON wanting.no = job_link.parent \
     WHERE job_link.child = job.no AND wanting.state IN (0, 1)) ORDER BY ended, no LIMIT $2";
const FORGET_PARENTS: Bulk<1> = Bulk {
    before: "WITH gone(no) AS (VALUES ",
    after: ") DELETE FROM job_link WHERE child IN (SELECT no FROM gone)",
};
const FORGET_CHILDREN: Bulk<1> = Bulk {
    before: "WITH gone(no) AS (VALUES ",
    after: ") DELETE FROM job_link WHERE parent IN (SELECT no FROM gone)",
};
const FORGET_RUNS: Bulk<1> = Bulk {
    before: "WITH gone(no) AS (VALUES ",
    after: ") DELETE FROM job_run WHERE job IN (SELECT no FROM gone)",
};
const FORGET_JOBS: Bulk<1> = Bulk {
    before: "WITH gone(no) AS (VALUES ",
    after: ") DELETE FROM job WHERE no IN (SELECT no FROM gone)",
};

const UUID_OF: &str = "SELECT uuid FROM job WHERE no = $1";
const COUNTS: &str = "SELECT kind, state, COUNT(*) FROM job GROUP BY kind, state ORDER BY kind, state";

/// Which jobs are wanted. `None` and empty ask for all.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter<'a> {
    /// What they do.
    pub kind: Option<JobKind>,
    /// Where they stand.
    pub state: Option<JobState>,
    /// Who asked.
    pub owner: &'a str,
}

fn job(row: &Row) -> Result<Job> {
    let mut f = row.fields("job");
    let (no, uuid, project) = (f.u32("no")?, f.uuid("uuid")?, ProjectNo(f.u32("project")?));
    let granted = read_granted(f.str()?).ok_or_else(|| f.inconsistent("enterprise_projects"))?;
    let (kind, owner) = (f.word("kind", JobKind::from_number)?, f.text()?);
    let state = f.word("state", JobState::from_number)?;
    let (attempt, waiting) = (f.u32("attempt")?, f.bool("waiting")?);
    let (schedule, fire_time) = (f.u32("schedule")?, f.i64()?);
    let payload = f.json("payload")?;
    let result = match f.str()? {
        "" => None,
        text => Some(serde_json::from_str(text).map_err(|_| f.inconsistent("result"))?),
    };
    let (error, done, total) = (f.text()?, f.u64("done")?, f.u64("total")?);
    // The last heart-beat may have come before the end of the work.
    let done = if state == JobState::Succeeded { total.max(done) } else { done };
    Ok(Job {
        no,
        uuid,
        project,
        enterprise_projects: granted,
        kind,
        owner,
        state,
        attempt,
        waiting,
        fired: (schedule != 0).then_some((schedule, fire_time)),
        payload,
        result,
        error,
        done,
        total,
        not_before: f.i64()?,
        created: f.i64()?,
        started: f.i64()?,
        ended: f.i64()?,
    })
}

/// What is visible of one page, and where the next begins.
fn page(scope: &Scope, rows: &[Row], limit: u32) -> Result<(Vec<Job>, Option<u32>)> {
    let mut all = rows.iter().map(job).collect::<Result<Vec<_>>>()?;
    let full = u32::try_from(all.len()).is_ok_and(|length| length >= limit);
    let next = all.last().filter(|_| full).map(|last| last.no);
    all.retain(|job| scope.covers(job.project, job.enterprise_projects.as_ref()));
    Ok((all, next))
}

/// A number no column holds, for "all".
fn number_or_all(number: Option<u8>) -> i64 {
    number.map_or(-1, i64::from)
}

impl Session {
    /// The id of a job.
    pub async fn job_uuid(&mut self, no: u32) -> Result<Option<Uuid>> {
        self.fetch_one(UUID_OF, args![no]).await?.map(|row| row.fields("job").uuid("uuid")).transpose()
    }

    /// How many jobs of each kind are in each state, over all projects.
    pub async fn job_counts(&mut self) -> Result<Vec<(JobKind, JobState, u64)>> {
        let read = |row: &Row| {
            let mut f = row.fields("job");
            Ok((
                f.word("kind", JobKind::from_number)?,
                f.word("state", JobState::from_number)?,
                f.u64("count")?,
            ))
        };
        self.fetch(COUNTS, args![]).await?.iter().map(read).collect()
    }

    /// A job, if it is visible.
    pub async fn job(&mut self, scope: &Scope, uuid: &Uuid) -> Result<Option<Job>> {
        let row = self.fetch_one(BY_UUID, args![scope.project(), uuid]).await?;
        let found = row.as_ref().map(job).transpose()?;
        Ok(found.filter(|job| scope.covers(job.project, job.enterprise_projects.as_ref())))
    }

    /// Jobs, newest first: what is visible of the `limit` ones below number `before` (`u32::MAX`
    /// for the first page), and where the next page begins, unless this is the last.
    pub async fn jobs(
        &mut self,
        scope: &Scope,
        filter: &JobFilter<'_>,
        before: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, Option<u32>)> {
        let kind = number_or_all(filter.kind.map(|kind| kind as u8));
        let state = number_or_all(filter.state.map(|state| state as u8));
        let wanted = args![scope.project(), before, kind, state, filter.owner, limit];
        page(scope, &self.fetch(LIST, wanted).await?, limit)
    }

    /// The children of a job, like [`Session::jobs`].
    pub async fn job_children(
        &mut self,
        scope: &Scope,
        parent: u32,
        state: Option<JobState>,
        before: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, Option<u32>)> {
        let state = number_or_all(state.map(|state| state as u8));
        let wanted = args![parent, scope.project(), before, state, limit];
        page(scope, &self.fetch(CHILDREN, wanted).await?, limit)
    }

    /// The jobs that a schedule made, newest first, below number `before`.
    pub async fn runs_of_schedule(&mut self, schedule: u32, before: u32, limit: u32) -> Result<Vec<Job>> {
        self.fetch(RUNS_OF, args![schedule, before, limit]).await?.iter().map(job).collect()
    }

    /// Jobs that people watch, like [`Session::jobs`]: all but exports, notices, and scans of images that are
    /// only a part of others; of one kind or all of them.
    pub async fn watched_jobs(
        &mut self,
        scope: &Scope,
        kind: Option<JobKind>,
        before: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, Option<u32>)> {
        let kind = number_or_all(kind.map(|kind| kind as u8));
        page(scope, &self.fetch(WATCHED, args![scope.project(), before, kind, limit]).await?, limit)
    }

    /// How many exports are visible: jobs that write files, those of reports aside.
    pub async fn count_exports(&mut self, scope: &Scope) -> Result<u64> {
        let mut count = 0;
        for row in self.fetch(EXPORTS, args![scope.project()]).await? {
            let mut f = row.fields("job");
            let granted = read_granted(f.str()?).ok_or_else(|| f.inconsistent("enterprise_projects"))?;
            let number = f.u64("count")?;
            if scope.covers(scope.project(), granted.as_ref()) {
                count += number;
            }
        }
        Ok(count)
    }

    /// Jobs that tell somebody something, like [`Session::jobs`].
    pub async fn notice_jobs(
        &mut self,
        scope: &Scope,
        before: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, Option<u32>)> {
        page(scope, &self.fetch(NOTICES, args![scope.project(), before, limit]).await?, limit)
    }

    /// The newest walk of each of these registries that has one.
    pub async fn last_walks(&mut self, registries: &[u32]) -> Result<Vec<Job>> {
        let given: Vec<[Value<'_>; 1]> = registries.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&LAST_WALKS, &given).await?.iter().map(job).collect()
    }

    /// The newest job of each of these schedules that has one.
    pub async fn last_runs(&mut self, schedules: &[u32]) -> Result<Vec<Job>> {
        let given: Vec<[Value<'_>; 1]> = schedules.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&LAST_RUNS, &given).await?.iter().map(job).collect()
    }
}

impl Tx {
    /// Forgets at most `limit` jobs (some hundreds, to be done with in a moment) that were final
    /// before `before`, have no artifacts left, are no report's, and are part of nothing that still
    /// runs; how many.
    pub async fn forget_jobs(&mut self, before: Millis, limit: u32) -> Result<u64> {
        let rows = self.fetch(FORGETTABLE, args![before, limit]).await?;
        let mut gone: Vec<[Value<'_>; 1]> = Vec::with_capacity(rows.len());
        for row in &rows {
            gone.push([row.fields("job").u32("no")?.into()]);
        }
        for statement in [&FORGET_PARENTS, &FORGET_CHILDREN, &FORGET_RUNS] {
            self.bulk(statement, &gone).await?;
        }
        self.bulk(&FORGET_JOBS, &gone).await
    }
}
