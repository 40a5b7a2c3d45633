//! Reports and the schedules that make them. Where a report stands is read from its job, and its file
//! is that job's artifact; so there is no second truth. What is asked of a report is its maker's
//! business and kept as JSON.

use std::collections::BTreeSet;

use parapet_model::job::JobState;
use parapet_model::{EnterpriseProjectNo, Millis, ProjectNo, Scope};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::Result;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Row, args, to_json};
use crate::tx::Tx;
use crate::visibility::{read_granted, write_granted};

const LIST: &str = "SELECT report.no, report.uuid, report.project, report.job, report.schedule, \
     report.settings, report.owner, report.enterprise_projects, report.created, job.uuid, job.state, \
     job.error, job.result, job.ended, COALESCE(artifact.size, 0), COALESCE(artifact.expires, 0) \
     FROM report JOIN job ON job.no = report.job LEFT JOIN artifact ON artifact.job = report.job \
     WHERE report.project = $1 AND report.no < $2 ORDER BY report.no DESC LIMIT $3";
const BY_UUID: &str = "SELECT report.no, report.uuid, report.project, report.job, report.schedule, \
     report.settings, report.owner, report.enterprise_projects, report.created, job.uuid, job.state, \
     job.error, job.result, job.ended, COALESCE(artifact.size, 0), COALESCE(artifact.expires, 0) \
     FROM report JOIN job ON job.no = report.job LEFT JOIN artifact ON artifact.job = report.job \
     WHERE report.project = $1 AND report.uuid = $2";
const OF_JOB: &str = "SELECT uuid, settings FROM report WHERE project = $1 AND job = $2 ORDER BY no";
const INSERT: &str = "INSERT INTO report (no, uuid, project, job, schedule, settings, owner, \
     enterprise_projects, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const DELETE: &str = "DELETE FROM report WHERE no = $1";
const FORGET: &str = "DELETE FROM report WHERE no IN (SELECT report.no FROM report \
     JOIN job ON job.no = report.job WHERE job.state IN (2, 3, 4) AND job.ended < $1 \
     AND NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.job = report.job) ORDER BY report.no LIMIT $2)";
const COUNT: &str = "SELECT COUNT(*) FROM report WHERE project = $1";
const SCHEDULES: &str = "SELECT no, uuid, project, settings, owner, enterprise_projects, next_fire, created, \
     updated FROM report_schedule WHERE project = $1 AND no > $2 ORDER BY no LIMIT $3";
const SCHEDULE: &str = "SELECT no, uuid, project, settings, owner, enterprise_projects, next_fire, created, \
     updated FROM report_schedule WHERE project = $1 AND uuid = $2";
const DUE: &str = "SELECT no, uuid, project, settings, owner, enterprise_projects, next_fire, created, \
     updated FROM report_schedule WHERE next_fire <= $1 ORDER BY next_fire, no LIMIT $2";
const INSERT_SCHEDULE: &str = "INSERT INTO report_schedule (no, uuid, project, settings, owner, \
     enterprise_projects, next_fire, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
const UPDATE_SCHEDULE: &str =
    "UPDATE report_schedule SET settings = $1, next_fire = $2, updated = $3 WHERE no = $4";
const SET_NEXT: &str = "UPDATE report_schedule SET next_fire = $1 WHERE no = $2";
const DELETE_SCHEDULE: &str = "DELETE FROM report_schedule WHERE no = $1";

/// A report with where its job stands.
#[derive(Debug, Clone)]
pub struct Report {
    /// Number, growing with age.
    pub no: u32,
    /// Id for people and wires.
    pub uuid: Uuid,
    /// Whose it is.
    pub project: ProjectNo,
    /// Number of the job that writes its file.
    pub job: u32,
    /// Number of the schedule that made it; 0 for none.
    pub schedule: u32,
    /// What was asked, as its maker wrote it.
    pub settings: Box<RawValue>,
    /// Name of the user it is made for.
    pub owner: String,
    /// The enterprise projects its owner saw; `None` means all. Who sees less does not see it.
    pub enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
    /// When it was asked for, recorded time.
    pub created: Millis,
    /// Id of the job.
    pub job_uuid: Uuid,
    /// Where the job stands.
    pub state: JobState,
    /// Why its last attempt failed, or empty.
    pub error: String,
    /// What came of it.
    pub result: Option<Box<RawValue>>,
    /// When it became final, recorded time; 0 for not yet.
    pub ended: Millis,
    /// Bytes of the file and the first instant at which it may be deleted, while it is there.
    pub file: Option<(u64, Millis)>,
}

/// A report to be written down.
#[derive(Debug, Clone, Copy)]
pub struct NewReport<'a, S: Serialize> {
    /// Whose it is, and what its owner sees.
    pub scope: &'a Scope,
    /// Name of the user it is made for.
    pub owner: &'a str,
    /// Number of the job.
    pub job: u32,
    /// Number of the schedule that made it; 0 for none.
    pub schedule: u32,
    /// What was asked.
    pub settings: &'a S,
}

/// A schedule of reports.
#[derive(Debug, Clone)]
pub struct ReportSchedule {
    /// Number, in one row with those of registry scans.
    pub no: u32,
    /// Id for people and wires.
    pub uuid: Uuid,
    /// Whose it is.
    pub project: ProjectNo,
    /// What its owner says, as they wrote it.
    pub settings: Box<RawValue>,
    /// Name of the user who made it; its reports are made for them.
    pub owner: String,
    /// The enterprise projects its owner saw; `None` means all.
    pub enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
    /// When it fires next; [`FOREVER`](parapet_model::FOREVER) for never.
    pub next_fire: Millis,
    /// When it was made, recorded time.
    pub created: Millis,
    /// When it was last changed, recorded time.
    pub updated: Millis,
}

fn report(row: &Row) -> Result<Report> {
    let mut f = row.fields("report");
    let (no, uuid, project) = (f.u32("no")?, f.uuid("uuid")?, ProjectNo(f.u32("project")?));
    let (job, schedule) = (f.u32("job")?, f.u32("schedule")?);
    let (settings, owner) = (f.json("settings")?, f.text()?);
    let enterprise_projects = read_granted(f.str()?).ok_or_else(|| f.inconsistent("enterprise_projects"))?;
    let (created, job_uuid) = (f.i64()?, f.uuid("job.uuid")?);
    let (state, error) = (f.word("state", JobState::from_number)?, f.text()?);
    let result = match f.str()? {
        "" => None,
        text => Some(serde_json::from_str(text).map_err(|_| f.inconsistent("result"))?),
    };
    let (ended, size, expires) = (f.i64()?, f.u64("size")?, f.i64()?);
    Ok(Report {
        no,
        uuid,
        project,
        job,
        schedule,
        settings,
        owner,
        enterprise_projects,
        created,
        job_uuid,
        state,
        error,
        result,
        ended,
        file: (expires != 0).then_some((size, expires)),
    })
}

fn schedule(row: &Row) -> Result<ReportSchedule> {
    let mut f = row.fields("report_schedule");
    let (no, uuid, project) = (f.u32("no")?, f.uuid("uuid")?, ProjectNo(f.u32("project")?));
    let (settings, owner) = (f.json("settings")?, f.text()?);
    let enterprise_projects = read_granted(f.str()?).ok_or_else(|| f.inconsistent("enterprise_projects"))?;
    Ok(ReportSchedule {
        no,
        uuid,
        project,
        settings,
        owner,
        enterprise_projects,
        next_fire: f.i64()?,
        created: f.i64()?,
        updated: f.i64()?,
    })
}

impl Session {
    /// What is visible of the `limit` newest reports of a project, newest first.
    pub async fn reports(&mut self, scope: &Scope, limit: u32) -> Result<Vec<Report>> {
        let rows = self.fetch(LIST, args![scope.project(), u32::MAX, limit]).await?;
        let mut all = rows.iter().map(report).collect::<Result<Vec<_>>>()?;
        all.retain(|report| scope.covers(report.project, report.enterprise_projects.as_ref()));
        Ok(all)
    }

    /// A report, if it is visible.
    pub async fn report(&mut self, scope: &Scope, uuid: &Uuid) -> Result<Option<Report>> {
        let row = self.fetch_one(BY_UUID, args![scope.project(), uuid]).await?;
        let found = row.as_ref().map(report).transpose()?;
        Ok(found.filter(|report| scope.covers(report.project, report.enterprise_projects.as_ref())))
    }

    /// The report whose file a job writes: its id, and what was asked of it.
    pub async fn report_of_job(
        &mut self,
        project: ProjectNo,
        job: u32,
    ) -> Result<Option<(Uuid, Box<RawValue>)>> {
        let row = self.fetch_one(OF_JOB, args![project, job]).await?;
        let read = |row: &Row| {
            let mut f = row.fields("report");
            Ok((f.uuid("uuid")?, f.json("settings")?))
        };
        row.as_ref().map(read).transpose()
    }

    /// How many reports a project has, whoever sees them.
    pub async fn report_count(&mut self, project: ProjectNo) -> Result<u64> {
        let row = self.fetch_one(COUNT, args![project]).await?;
        row.map_or(Ok(0), |row| row.fields("report").u64("count"))
    }

    /// What is visible of at most `limit` schedules of a project with numbers above `after`,
    /// ascending.
    pub async fn report_schedules(
        &mut self,
        scope: &Scope,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ReportSchedule>> {
        let rows = self.fetch(SCHEDULES, args![scope.project(), after, limit]).await?;
        let mut all = rows.iter().map(schedule).collect::<Result<Vec<_>>>()?;
        all.retain(|schedule| scope.covers(schedule.project, schedule.enterprise_projects.as_ref()));
        Ok(all)
    }

    /// A schedule, if it is visible.
    pub async fn report_schedule(&mut self, scope: &Scope, uuid: &Uuid) -> Result<Option<ReportSchedule>> {
        let row = self.fetch_one(SCHEDULE, args![scope.project(), uuid]).await?;
        let found = row.as_ref().map(schedule).transpose()?;
        Ok(found.filter(|schedule| scope.covers(schedule.project, schedule.enterprise_projects.as_ref())))
    }

    /// At most `limit` schedules of all projects that are due at `now`, the longest due first.
    pub async fn due_report_schedules(&mut self, now: Millis, limit: u32) -> Result<Vec<ReportSchedule>> {
        self.fetch(DUE, args![now, limit]).await?.iter().map(schedule).collect()
    }
}

impl Tx {
    /// Writes a report down, in the transaction that makes its job; its id.
    pub async fn create_report<S: Serialize>(&mut self, new: &NewReport<'_, S>) -> Result<Uuid> {
        let (no, uuid, now) = (self.take_number(Counter::Report).await?, self.uuid(), self.recorded());
        let (settings, project) = (to_json(new.settings)?, new.scope.project());
        let granted = write_granted(new.scope.enterprise_projects());
        self.execute(
            INSERT,
            args![no, &uuid, project, new.job, new.schedule, &settings, new.owner, &granted, now],
        )
        .await?;
        Ok(uuid)
    }

    /// Deletes a report. Its job and file are the caller's care.
    pub async fn delete_report(&mut self, no: u32) -> Result<()> {
        self.execute(DELETE, args![no]).await?;
        Ok(())
    }

    /// Forgets at most `limit` reports that were over before `before` and have no file any more; how
    /// many.
    pub async fn forget_reports(&mut self, before: Millis, limit: u32) -> Result<u64> {
        self.execute(FORGET, args![before, limit]).await
    }

    /// Makes a schedule of reports; its id.
    pub async fn create_report_schedule<S: Serialize>(
        &mut self,
        scope: &Scope,
        owner: &str,
        settings: &S,
        next_fire: Millis,
    ) -> Result<Uuid> {
        let (no, uuid, now) = (self.take_number(Counter::Schedule).await?, self.uuid(), self.recorded());
        let (json, granted) = (to_json(settings)?, write_granted(scope.enterprise_projects()));
        self.execute(
            INSERT_SCHEDULE,
            args![no, &uuid, scope.project(), &json, owner, &granted, next_fire, now],
        )
        .await?;
        Ok(uuid)
    }

    /// Changes a schedule of reports.
    pub async fn update_report_schedule<S: Serialize>(
        &mut self,
        no: u32,
        settings: &S,
        next_fire: Millis,
    ) -> Result<()> {
        let (json, now) = (to_json(settings)?, self.recorded());
        self.execute(UPDATE_SCHEDULE, args![&json, next_fire, now, no]).await?;
        Ok(())
    }

    /// Sets when a schedule of reports fires next.
    pub async fn set_next_report(&mut self, no: u32, at: Millis) -> Result<()> {
        self.execute(SET_NEXT, args![at, no]).await?;
        Ok(())
    }

    /// Deletes a schedule of reports. What it made stays.
    pub async fn delete_report_schedule(&mut self, no: u32) -> Result<()> {
        self.execute(DELETE_SCHEDULE, args![no]).await?;
        Ok(())
    }
}
