//! Schedules of registry scans: what is wanted and when. A run of one is a job (see
//! [`NewJob::fired`](crate::jobs::NewJob)), and all that is to be said of runs is read from there.

use std::collections::BTreeSet;

use parapet_model::schedule::Cadence;
use parapet_model::{EnterpriseProjectNo, FOREVER, Millis, ProjectNo, Scope};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Result;
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Row, args, to_json};
use crate::tx::Tx;
use crate::visibility::{read_granted, write_granted};

const LIST: &str = "SELECT no, uuid, project, registry, settings, owner, enterprise_projects, cancelled, \
     anchor, next_fire, created, updated FROM schedule WHERE project = $1 AND registry = $2 AND no > $3 \
     ORDER BY no LIMIT $4";
const ALL: &str = "SELECT no, uuid, project, registry, settings, owner, enterprise_projects, cancelled, \
     anchor, next_fire, created, updated FROM schedule WHERE project = $1 AND no > $2 ORDER BY no LIMIT $3";
const BY_UUID: &str = "SELECT no, uuid, project, registry, settings, owner, enterprise_projects, cancelled, \
     anchor, next_fire, created, updated FROM schedule WHERE project = $1 AND registry = $2 AND uuid = $3";
const DUE: &str = "SELECT no, uuid, project, registry, settings, owner, enterprise_projects, cancelled, \
     anchor, next_fire, created, updated FROM schedule WHERE next_fire <= $1 ORDER BY next_fire, no LIMIT $2";
const INSERT: &str = "INSERT INTO schedule (no, uuid, project, registry, settings, owner, \
     enterprise_projects, cancelled, anchor, next_fire, created, updated) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $10)";
const UPDATE: &str = "UPDATE schedule SET settings = $1, cancelled = 0, anchor = $2, next_fire = $3, \
     updated = $4 WHERE no = $5";
const SET_NEXT: &str = "UPDATE schedule SET next_fire = $1 WHERE no = $2";
const CANCEL: &str =
    "UPDATE schedule SET cancelled = 1, next_fire = $1, updated = $2 WHERE no = $3 AND cancelled = 0";
const DELETE: &str = "DELETE FROM schedule WHERE no = $1";
const REGISTRY_UUID: &str = "SELECT uuid FROM registry WHERE no = $1";

/// A repository and its tags, as somebody wrote them: names, patterns, expressions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoTag {
    /// Which repositories.
    pub repo: String,
    /// Which tags; `None` for all.
    pub tag: Option<String>,
}

/// Images wanted: of these repositories and tags, not older than so many days.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScheduleFilter {
    /// Repositories and tags; none for everything.
    pub repo_tags: Vec<RepoTag>,
    /// Days since the image was built; 0 for any age.
    pub days: u16,
}

/// What a run looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScanPlan {
    /// An image is wanted when one of these takes it.
    pub filters: Vec<ScheduleFilter>,
    /// So many tags of each repository, those built last; `None` for all.
    pub newest: Option<u32>,
}

/// What its owner says of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSettings {
    /// Name for people, not unique.
    pub name: Option<String>,
    /// When it fires; `None` for once, at the moment it was made.
    pub cadence: Option<Cadence>,
    /// What a run looks at.
    pub plan: ScanPlan,
    /// Reads again what was read before.
    pub force: bool,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Number.
    pub no: u32,
    /// Id for people and wires.
    pub uuid: Uuid,
    /// Whose it is.
    pub project: ProjectNo,
    /// Number of its registry.
    pub registry: u32,
    /// What its owner says.
    pub settings: ScheduleSettings,
    /// Name of the user who made it; its runs act for them.
    pub owner: String,
    /// The enterprise projects its owner saw; `None` means all.
    pub enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
    /// It was cancelled and fires no more.
    pub cancelled: bool,
    /// One instant at which it fires; the others lie whole intervals away.
    pub anchor: Millis,
    /// When it fires next; [`FOREVER`] for never.
    pub next_fire: Millis,
    /// When it was made, recorded time.
    pub created: Millis,
    /// When it was last changed, recorded time.
    pub updated: Millis,
}

fn schedule(row: &Row) -> Result<Schedule> {
    let mut f = row.fields("schedule");
    let (no, uuid, project) = (f.u32("no")?, f.uuid("uuid")?, ProjectNo(f.u32("project")?));
    let (registry, settings, owner) = (f.u32("registry")?, f.json("settings")?, f.text()?);
    let enterprise_projects = read_granted(f.str()?).ok_or_else(|| f.inconsistent("enterprise_projects"))?;
    Ok(Schedule {
        no,
        uuid,
        project,
        registry,
        settings,
        owner,
        enterprise_projects,
        cancelled: f.bool("cancelled")?,
        anchor: f.i64()?,
        next_fire: f.i64()?,
        created: f.i64()?,
        updated: f.i64()?,
    })
}

impl Session {
    /// At most `limit` schedules of a registry with numbers above `after`, ascending.
    pub async fn schedules(
        &mut self,
        project: ProjectNo,
        registry: u32,
        after: u32,
        limit: u32,
    ) -> Result<Vec<Schedule>> {
        self.fetch(LIST, args![project, registry, after, limit]).await?.iter().map(schedule).collect()
    }

    /// At most `limit` schedules of a project with numbers above `after`, ascending.
    pub async fn schedules_of_project(
        &mut self,
        project: ProjectNo,
        after: u32,
        limit: u32,
    ) -> Result<Vec<Schedule>> {
        self.fetch(ALL, args![project, after, limit]).await?.iter().map(schedule).collect()
    }

    /// A schedule of a registry.
    pub async fn schedule(
        &mut self,
        project: ProjectNo,
        registry: u32,
        uuid: &Uuid,
    ) -> Result<Option<Schedule>> {
        self.fetch_one(BY_UUID, args![project, registry, uuid]).await?.as_ref().map(schedule).transpose()
    }

    /// At most `limit` schedules of all projects that are due at `now`, the longest due first.
    pub async fn due_schedules(&mut self, now: Millis, limit: u32) -> Result<Vec<Schedule>> {
        self.fetch(DUE, args![now, limit]).await?.iter().map(schedule).collect()
    }

    /// The id of a registry.
    pub async fn registry_uuid(&mut self, no: u32) -> Result<Option<Uuid>> {
        let row = self.fetch_one(REGISTRY_UUID, args![no]).await?;
        row.map(|row| row.fields("registry").uuid("uuid")).transpose()
    }
}

impl Tx {
    /// Makes a schedule that fires at `anchor` first; [`FOREVER`] for never.
    pub async fn create_schedule(
        &mut self,
        scope: &Scope,
        owner: &str,
        registry: u32,
        settings: &ScheduleSettings,
        anchor: Millis,
    ) -> Result<Schedule> {
        let (no, uuid, now) = (self.take_number(Counter::Schedule).await?, self.uuid(), self.recorded());
        let (json, granted) = (to_json(settings)?, write_granted(scope.enterprise_projects()));
        let project = scope.project();
        self.execute(
            INSERT,
            args![no, &uuid, project, registry, &json, owner, &granted, anchor, anchor, now],
        )
        .await?;
        self.log(Kind::Registry, registry);
        Ok(Schedule {
            no,
            uuid,
            project,
            registry,
            settings: settings.clone(),
            owner: owner.to_owned(),
            enterprise_projects: scope.enterprise_projects().cloned(),
            cancelled: false,
            anchor,
            next_fire: anchor,
            created: now,
            updated: now,
        })
    }

    /// Changes a schedule; one that was cancelled fires again.
    pub async fn update_schedule(
        &mut self,
        old: &Schedule,
        settings: &ScheduleSettings,
        anchor: Millis,
        next_fire: Millis,
    ) -> Result<()> {
        let (json, now) = (to_json(settings)?, self.recorded());
        self.execute(UPDATE, args![&json, anchor, next_fire, now, old.no]).await?;
        self.log(Kind::Registry, old.registry);
        Ok(())
    }

    /// Sets when a schedule fires next.
    pub async fn set_next_fire(&mut self, schedule: u32, at: Millis) -> Result<()> {
        self.execute(SET_NEXT, args![at, schedule]).await?;
        Ok(())
    }

    /// Lets a schedule fire no more; whether it did until now.
    pub async fn cancel_schedule(&mut self, old: &Schedule) -> Result<bool> {
        let now = self.recorded();
        let changed = self.execute(CANCEL, args![FOREVER, now, old.no]).await? > 0;
        self.log(Kind::Registry, old.registry);
        Ok(changed)
    }

    /// Deletes a schedule. Its jobs stay.
    pub async fn delete_schedule(&mut self, old: &Schedule) -> Result<()> {
        self.execute(DELETE, args![old.no]).await?;
        self.log(Kind::Registry, old.registry);
        Ok(())
    }
}
