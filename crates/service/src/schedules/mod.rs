//! Schedules of registry scans: made, changed, cancelled, deleted, and fired by the app's clock.
//!
//! A run is one job that lists the registry and whose children scan. All that is said of a run is
//! read from these jobs ([`Execution`]), so there is no second truth to go wrong.

mod execution;
mod tick;

use parapet_model::job::{JobKind, JobState};
use parapet_model::{FOREVER, Millis, Permission, Principal, ProjectNo, Scope};
use parapet_store::jobs::{Job, NewJob};
use parapet_store::schedules::{Schedule, ScheduleSettings};
use parapet_store::{Session, Tx};
use serde_json::json;
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::jobs::payload::{ListRegistryJob, Payload};
use crate::registries::wanted::Wanted;

pub use crate::registries::listing::RunError;
pub use execution::{Execution, Status};
pub(crate) use tick::tick;

/// Most schedules of a registry.
const MAX_SCHEDULES: u32 = 1_000;
/// Longest name in characters.
const LONGEST_NAME: usize = 200;
/// Most tags of a repository that "the newest" may ask for.
const MAX_NEWEST: u32 = 10_000;

/// Use cases around schedules.
#[derive(Debug, Clone, Copy)]
pub struct Schedules<'a>(pub(crate) &'a App);

/// A schedule with where it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The schedule.
    pub schedule: Schedule,
    /// Where it stands.
    pub status: Status,
    /// Its last run, as far as there is one.
    pub last: Option<Job>,
}

impl Schedules<'_> {
    /// The schedules of a registry with where they stand, oldest first.
    pub async fn list(&self, who: &Principal, registry: Uuid) -> Result<Vec<Standing>> {
        require(who, Permission::RegistriesRead)?;
        let mut session = self.0.store.read().await?;
        let no = registry_no(&mut session, &who.scope(), registry).await?;
        let schedules = session.schedules(who.project, no, 0, MAX_SCHEDULES).await?;
        standing(&mut session, who, schedules).await
    }

    /// All schedules of the asker's project with where they stand; at most ten thousand.
    pub async fn of_project(&self, who: &Principal) -> Result<Vec<Standing>> {
        require(who, Permission::RegistriesRead)?;
        let mut session = self.0.store.read().await?;
        let schedules = session.schedules_of_project(who.project, 0, 10 * MAX_SCHEDULES).await?;
        standing(&mut session, who, schedules).await
    }

    /// The last run of a schedule in full.
    pub async fn last_run(&self, who: &Principal, standing: &Standing) -> Result<Option<Execution>> {
        require(who, Permission::RegistriesRead)?;
        let Some(job) = &standing.last else { return Ok(None) };
        execution::read(&mut self.0.store.read().await?, &who.scope(), job).await.map(Some)
    }

    /// One run or batch of scans in full, of a schedule or asked for by hand; `None` for a job that is no
    /// such thing.
    pub async fn execution(&self, who: &Principal, job: &Job) -> Result<Option<Execution>> {
        require(who, Permission::FindingsRead)?;
        if !matches!(job.kind, JobKind::ListRegistry | JobKind::ScanImages) {
            return Ok(None);
        }
        execution::read(&mut self.0.store.read().await?, &who.scope(), job).await.map(Some)
    }

    /// One schedule with where it stands.
    pub async fn get(&self, who: &Principal, registry: Uuid, id: Uuid) -> Result<Standing> {
        require(who, Permission::RegistriesRead)?;
        find(&mut self.0.store.read().await?, who, registry, id).await
    }

    /// The runs of a schedule, newest first, without the first `offset` and at most `limit`; and how
    /// many there are.
    pub async fn executions(
        &self,
        who: &Principal,
        registry: Uuid,
        id: Uuid,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Execution>, usize)> {
        require(who, Permission::RegistriesRead)?;
        let mut session = self.0.store.read().await?;
        let schedule = find(&mut session, who, registry, id).await?.schedule;
        let runs = session.runs_of_schedule(schedule.no, u32::MAX, 10 * MAX_SCHEDULES).await?;
        let mut out = Vec::new();
        for job in runs.iter().skip(offset).take(limit) {
            out.push(execution::read(&mut session, &who.scope(), job).await?);
        }
        Ok((out, runs.len()))
    }

    /// Makes a schedule. One without a cadence runs now.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that cannot be; [`Error::NotFound`] for the registry.
    pub async fn create(
        &self,
        who: &Principal,
        registry: Uuid,
        settings: &ScheduleSettings,
    ) -> Result<Schedule> {
        require(who, Permission::AssetsWrite)?;
        check(settings)?;
        let (scope, now) = (who.scope(), self.0.now());
        let anchor = settings.cadence.map_or(FOREVER, |cadence| cadence.first_after(now));
        let mut tx = self.0.store.begin().await?;
        let no = registry_no(&mut tx, &scope, registry).await?;
        if tx.schedules(who.project, no, 0, MAX_SCHEDULES).await?.len() >= MAX_SCHEDULES as usize {
            return Err(Error::Conflict(format!("a registry has at most {MAX_SCHEDULES} schedules")));
        }
        let schedule = tx.create_schedule(&scope, &who.name, no, settings, anchor).await?;
        if settings.cadence.is_none() {
            enqueue(&mut tx, &schedule, registry, now).await?;
        }
        let (id, after) = (schedule.uuid.to_string(), summary(settings)?);
        audit::event(&mut tx, who, "create", "schedule", &id, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        self.0.jobs().wake();
        Ok(schedule)
    }

    /// Changes an automatic schedule that is not running. What it scans cannot be changed. One that
    /// was cancelled fires again.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it may not be changed, or not so; [`Error::Invalid`].
    pub async fn update(
        &self,
        who: &Principal,
        registry: Uuid,
        id: Uuid,
        settings: &ScheduleSettings,
    ) -> Result<Schedule> {
        require(who, Permission::AssetsWrite)?;
        check(settings)?;
        let conflict = |why: &str| Err(Error::Conflict(why.to_owned()));
        let mut tx = self.0.store.begin().await?;
        let Standing { schedule: old, status, .. } = find(&mut tx, who, registry, id).await?;
        let (Some(before), Some(cadence)) = (old.settings.cadence, settings.cadence) else {
            return conflict("only automatic schedules can be updated, and stay automatic");
        };
        if status == Status::Running {
            return conflict("the schedule is running and cannot be updated");
        }
        if old.settings.plan.filters != settings.plan.filters {
            return conflict("repositories, tags and days of a schedule cannot be changed");
        }
        let now = self.0.now();
        let anchor = if before == cadence { old.anchor } else { cadence.first_after(now) };
        let next =
            if before == cadence && !old.cancelled { old.next_fire } else { cadence.next_after(anchor, now) };
        tx.update_schedule(&old, settings, anchor, next).await?;
        let (before, after) = (summary(&old.settings)?, summary(settings)?);
        audit::event(&mut tx, who, "update", "schedule", &id.to_string(), Some(before), Some(after)).await?;
        tx.commit().await?;
        Ok(Schedule { settings: settings.clone(), anchor, next_fire: next, cancelled: false, ..old })
    }

    /// Cancels a schedule: its run under way ends, and it fires no more until it is updated.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is nothing to cancel.
    pub async fn cancel(&self, who: &Principal, registry: Uuid, id: Uuid) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        let found = find(&mut tx, who, registry, id).await?;
        if !found.status.can_be_cancelled() {
            let status = found.status.as_str();
            return Err(Error::Conflict(format!("a schedule that is {status} cannot be cancelled")));
        }
        cancel(&mut tx, who, &found).await?;
        tx.commit().await?;
        self.0.store.cancel_children().await?;
        Ok(())
    }

    /// Deletes a schedule that is not running.
    ///
    /// # Errors
    /// [`Error::Conflict`] while it runs.
    pub async fn delete(&self, who: &Principal, registry: Uuid, id: Uuid) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        let found = find(&mut tx, who, registry, id).await?;
        if found.status == Status::Running {
            return Err(Error::Conflict("the schedule is running and cannot be deleted".to_owned()));
        }
        if found.status == Status::Queued {
            cancel(&mut tx, who, &found).await?;
        }
        delete(&mut tx, who, &found.schedule).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Cancels those of the schedules that can be; the others are passed over.
    pub async fn cancel_many(&self, who: &Principal, registry: Uuid, ids: &[Uuid]) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        for found in find_all(&mut tx, who, registry, ids).await? {
            if found.status.can_be_cancelled() {
                cancel(&mut tx, who, &found).await?;
            }
        }
        tx.commit().await?;
        self.0.store.cancel_children().await?;
        Ok(())
    }

    /// Deletes those of the schedules that are neither queued nor running; the others are passed
    /// over.
    pub async fn delete_many(&self, who: &Principal, registry: Uuid, ids: &[Uuid]) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        for found in find_all(&mut tx, who, registry, ids).await? {
            if !matches!(found.status, Status::Queued | Status::Running) {
                delete(&mut tx, who, &found.schedule).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Refuses while a schedule of the registry is running.
pub(crate) async fn refuse_running(session: &mut Session, project: ProjectNo, registry: u32) -> Result<()> {
    let schedules = session.schedules(project, registry, 0, MAX_SCHEDULES).await?;
    let numbers: Vec<u32> = schedules.iter().map(|schedule| schedule.no).collect();
    match session.last_runs(&numbers).await?.iter().any(|job| job.state == JobState::Running) {
        true => Err(Error::Conflict("a schedule of the registry is running".to_owned())),
        false => Ok(()),
    }
}

async fn registry_no(session: &mut Session, scope: &Scope, registry: Uuid) -> Result<u32> {
    let found = session.registry(scope, &registry).await?;
    found.map(|registry| registry.no).ok_or_else(|| Error::NotFound(format!("registry {registry}")))
}

/// Those schedules that the asker sees, with where they stand.
async fn standing(
    session: &mut Session,
    who: &Principal,
    mut schedules: Vec<Schedule>,
) -> Result<Vec<Standing>> {
    let scope = who.scope();
    schedules.retain(|s| scope.covers(s.project, s.enterprise_projects.as_ref()));
    let numbers: Vec<u32> = schedules.iter().map(|schedule| schedule.no).collect();
    let mut runs = session.last_runs(&numbers).await?;
    let of = |schedule: Schedule| {
        let made_it = |job: &Job| job.fired.is_some_and(|(by, _)| by == schedule.no);
        let last = runs.iter().position(made_it).map(|at| runs.swap_remove(at));
        Standing { status: Status::of(&schedule, last.as_ref()), schedule, last }
    };
    Ok(schedules.into_iter().map(of).collect())
}

async fn find(session: &mut Session, who: &Principal, registry: Uuid, id: Uuid) -> Result<Standing> {
    let unknown = || Error::NotFound(format!("schedule {id}"));
    let no = registry_no(session, &who.scope(), registry).await?;
    let schedule = session.schedule(who.project, no, &id).await?.ok_or_else(unknown)?;
    standing(session, who, vec![schedule]).await?.pop().ok_or_else(unknown)
}

async fn find_all(
    session: &mut Session,
    who: &Principal,
    registry: Uuid,
    ids: &[Uuid],
) -> Result<Vec<Standing>> {
    let mut out = Vec::new();
    for id in ids {
        out.push(find(session, who, registry, *id).await?);
    }
    Ok(out)
}

async fn cancel(tx: &mut Tx, who: &Principal, found: &Standing) -> Result<()> {
    if let Some(job) = found.last.as_ref().filter(|job| !job.state.is_final()) {
        tx.cancel_job(&who.scope(), &job.uuid).await?;
    }
    tx.cancel_schedule(&found.schedule).await?;
    let id = found.schedule.uuid.to_string();
    audit::event(tx, who, "cancel", "schedule", &id, audit::NONE, audit::NONE).await
}

async fn delete(tx: &mut Tx, who: &Principal, schedule: &Schedule) -> Result<()> {
    tx.delete_schedule(schedule).await?;
    let (id, before) = (schedule.uuid.to_string(), summary(&schedule.settings)?);
    audit::event(tx, who, "delete", "schedule", &id, Some(before), audit::NONE).await
}

/// Puts the run for one instant into the queue; false when the run before it is not over, which then
/// stands for both.
async fn enqueue(tx: &mut Tx, schedule: &Schedule, registry: Uuid, at: Millis) -> Result<bool> {
    let owner = Principal {
        user: 0,
        name: schedule.owner.clone(),
        project: schedule.project,
        // What the owner may do is looked up when the job begins.
        permissions: Default::default(),
        enterprise_projects: schedule.enterprise_projects.clone(),
    };
    let ScheduleSettings { plan, force, .. } = &schedule.settings;
    let job = ListRegistryJob { registry, force: *force, plan: Some(plan.clone()) };
    let scope = owner.scope();
    let enqueued = tx
        .enqueue(&NewJob {
            scope: &scope,
            kind: JobKind::ListRegistry,
            owner: &owner.name,
            payload: &Payload::ListRegistry(job),
            parent: None,
            dedup_key: &format!("schedule {}", schedule.uuid),
            fired: Some((schedule.no, at)),
            not_before: 0,
        })
        .await?;
    crate::sensors::place(tx, &scope, registry, &[enqueued.no()]).await?;
    Ok(matches!(enqueued, parapet_store::jobs::Enqueued::New(_)))
}

fn summary(settings: &ScheduleSettings) -> Result<serde_json::Value> {
    serde_json::to_value(settings).map_err(Error::internal)
}

/// What the contract asks of a schedule (`qualys-cs` 3.5).
fn check(settings: &ScheduleSettings) -> Result<()> {
    let invalid = |why: String| Err(Error::Invalid(why));
    if let Some(cadence) = settings.cadence {
        if cadence.minute >= 24 * 60 {
            return invalid("schedule is a time of day, HH:MM in UTC".to_owned());
        }
        if !(1..=365).contains(&cadence.interval_days) {
            return invalid("scheduleIntervalInDays must be 1 to 365".to_owned());
        }
        match (cadence.interval_days, cadence.week_day) {
            (7, None) => return invalid("weekDay is mandatory with scheduleIntervalInDays 7".to_owned()),
            (7, Some(_)) | (_, None) => {}
            (_, Some(_)) => return invalid("weekDay is valid only with scheduleIntervalInDays 7".to_owned()),
        }
    }
    if settings.name.as_deref().is_some_and(|n| n.chars().count() > LONGEST_NAME || n.contains('\0')) {
        return invalid(format!("name has at most {LONGEST_NAME} characters"));
    }
    if let Some(filter) = settings.plan.filters.iter().find(|f| !matches!(f.days, 0..=7 | 14)) {
        return invalid(format!("days must be 1 to 7 or 14, not {}", filter.days));
    }
    if settings.plan.newest.is_some_and(|newest| newest == 0 || newest > MAX_NEWEST) {
        return invalid(format!("numberOfTags must be 1 to {MAX_NEWEST}"));
    }
    Wanted::of_plan(&settings.plan).map(drop)
}

/// For the audit trail of what fired by itself.
fn fired(at: Millis) -> serde_json::Value {
    json!({"fired": parapet_model::time::format_rfc3339(at)})
}
