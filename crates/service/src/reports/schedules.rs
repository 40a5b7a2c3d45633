//! Schedules of reports: made, changed, deleted, and fired by the app's clock. As with registry
//! scans, a pair of schedule and instant is unique in the store, so nothing fires twice; and the next
//! time lies after both now and the one that fired, so that what was missed while no server ran comes
//! once.

use parapet_model::recurrence::Recurrence;
use parapet_model::time::format_rfc3339;
use parapet_model::{FOREVER, Millis, Permission, Principal, Scope};
use parapet_store::Session;
use parapet_store::reports::ReportSchedule;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{MAX_REPORTS, ReportSettings, Reports, check, enqueue_fired, owned, run, summary};
use crate::accounts::require;
use crate::audit;
use crate::error::{Error, Result};

/// Most schedules of reports in a project.
const MAX_SCHEDULES: u32 = 1_000;
/// Schedules fired in one look.
const BATCH: u32 = 100;

/// What its owner says of a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportScheduleSettings {
    /// What each report is.
    pub report: ReportSettings,
    /// When one is made.
    pub recurrence: Recurrence,
}

/// A schedule of reports.
#[derive(Debug, Clone)]
pub struct ReportScheduleView {
    /// Id.
    pub id: Uuid,
    /// What its owner says.
    pub settings: ReportScheduleSettings,
    /// Name of the user who made it.
    pub owner: String,
    /// When it fires next; `None` when it does not any more.
    pub next: Option<Millis>,
    /// When it was made.
    pub created: Millis,
    /// When it was last changed.
    pub updated: Millis,
}

impl ReportScheduleView {
    fn of(schedule: &ReportSchedule) -> Result<Self> {
        Ok(Self {
            id: schedule.uuid,
            settings: settings_of(schedule)?,
            owner: schedule.owner.clone(),
            next: Some(schedule.next_fire).filter(|at| *at != FOREVER),
            created: schedule.created,
            updated: schedule.updated,
        })
    }
}

fn settings_of(schedule: &ReportSchedule) -> Result<ReportScheduleSettings> {
    serde_json::from_str(schedule.settings.get()).map_err(Error::internal)
}

impl Reports<'_> {
    /// The schedules of the asker's project, oldest first.
    pub async fn schedules(&self, who: &Principal) -> Result<Vec<ReportScheduleView>> {
        require(who, Permission::ExportsCreate)?;
        let all = self.0.store.read().await?.report_schedules(&who.scope(), 0, MAX_SCHEDULES).await?;
        all.iter().map(ReportScheduleView::of).collect()
    }

    /// One schedule.
    pub async fn schedule(&self, who: &Principal, id: Uuid) -> Result<ReportScheduleView> {
        require(who, Permission::ExportsCreate)?;
        ReportScheduleView::of(&find(&mut self.0.store.read().await?, &who.scope(), id).await?)
    }

    /// Makes a schedule; its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that cannot be, or that would never fire.
    pub async fn create_schedule(&self, who: &Principal, settings: &ReportScheduleSettings) -> Result<Uuid> {
        require(who, Permission::ExportsCreate)?;
        self.refuse_wrong(who, &settings.report).await?;
        // An instant that is just now still counts.
        let next = first(&settings.recurrence, self.0.now() - 1)?;
        let scope = who.scope();
        let mut tx = self.0.store.begin().await?;
        if tx.report_schedules(&scope, 0, MAX_SCHEDULES).await?.len() >= MAX_SCHEDULES as usize {
            return Err(Error::Conflict(format!(
                "a project has at most {MAX_SCHEDULES} schedules of reports"
            )));
        }
        let id = tx.create_report_schedule(&scope, &who.name, settings, next).await?;
        let after = Some(summary(settings)?);
        audit::event(&mut tx, who, "create", "report schedule", &id.to_string(), audit::NONE, after).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Changes a schedule that has a time left.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it has none; [`Error::Forbidden`] for somebody else's, unless the
    /// asker may cancel jobs.
    pub async fn update_schedule(
        &self,
        who: &Principal,
        id: Uuid,
        settings: &ReportScheduleSettings,
    ) -> Result<()> {
        require(who, Permission::ExportsCreate)?;
        self.refuse_wrong(who, &settings.report).await?;
        let mut tx = self.0.store.begin().await?;
        let schedule = find(&mut tx, &who.scope(), id).await?;
        owned(who, &schedule.owner)?;
        if schedule.next_fire == FOREVER {
            return Err(Error::Conflict("a schedule without a time left cannot be updated".to_owned()));
        }
        let before = settings_of(&schedule)?;
        let next = match before.recurrence == settings.recurrence {
            true => schedule.next_fire,
            false => first(&settings.recurrence, self.0.now() - 1)?,
        };
        tx.update_report_schedule(schedule.no, settings, next).await?;
        let (before, after) = (summary(&before)?, summary(settings)?);
        let subject = id.to_string();
        audit::event(&mut tx, who, "update", "report schedule", &subject, Some(before), Some(after)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes schedules, all of them or none. Reports they made stay.
    ///
    /// # Errors
    /// As [`Reports::update_schedule`]; [`Error::NotFound`] for one that is not there.
    pub async fn delete_schedules(&self, who: &Principal, ids: &[Uuid]) -> Result<()> {
        require(who, Permission::ExportsCreate)?;
        let mut tx = self.0.store.begin().await?;
        let mut seen: Vec<Uuid> = Vec::new();
        for &id in ids {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            let schedule = find(&mut tx, &who.scope(), id).await?;
            owned(who, &schedule.owner)?;
            tx.delete_report_schedule(schedule.no).await?;
            let before = Some(summary(&settings_of(&schedule)?)?);
            let subject = id.to_string();
            audit::event(&mut tx, who, "delete", "report schedule", &subject, before, audit::NONE).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Fires what is due by now; how many did. One that cannot be fired keeps no other waiting.
    pub async fn fire_due(&self) -> Result<usize> {
        let due = self.0.store.read().await?.due_report_schedules(self.0.now(), BATCH).await?;
        for schedule in &due {
            if let Err(error) = self.fire(schedule).await {
                tracing::error!(schedule = %schedule.uuid, %error, "a report could not be asked for");
            }
        }
        if !due.is_empty() {
            self.0.jobs().wake();
        }
        Ok(due.len())
    }

    async fn fire(&self, due: &ReportSchedule) -> Result<()> {
        let owner = Principal {
            name: due.owner.clone(),
            enterprise_projects: due.enterprise_projects.clone(),
            // What the owner may do is looked up when the job begins.
            ..Principal::local(due.project)
        };
        let mut tx = self.0.store.begin().await?;
        let current = tx.report_schedule(&owner.scope(), &due.uuid).await?;
        // Somebody may have changed it since it was found due.
        let Some(schedule) = current.filter(|s| s.next_fire == due.next_fire) else { return Ok(()) };
        let (at, id) = (schedule.next_fire, schedule.uuid.to_string());
        let settings = settings_of(&schedule)?;
        let next = settings.recurrence.next_after(self.0.now().max(at)).unwrap_or(FOREVER);
        if tx.report_count(due.project).await? >= u64::from(MAX_REPORTS) {
            tracing::warn!(schedule = %id, "no report is made: the project has {MAX_REPORTS}");
        } else {
            let made = enqueue_fired(&mut tx, &owner, (schedule.no, due.uuid), at, &settings.report).await?;
            if made.is_none() {
                tracing::info!(schedule = %id, "the report before is not over and stands for this one too");
            }
            let fired = json!({"fired": format_rfc3339(at), "report": made});
            audit::event(&mut tx, &owner, "fire", "report schedule", &id, audit::NONE, Some(fired)).await?;
        }
        tx.set_next_report(schedule.no, next).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Refuses a report that could not be made now.
    async fn refuse_wrong(&self, who: &Principal, report: &ReportSettings) -> Result<()> {
        check(report)?;
        let view = self.0.findings().view(None, None).await?;
        run::request_of(self.0, who, &who.scope(), report, &view).await?.check(self.0)
    }
}

fn first(recurrence: &Recurrence, after: Millis) -> Result<Millis> {
    if recurrence.end < recurrence.start {
        return Err(Error::Invalid("eventEndTime lies before eventTime".to_owned()));
    }
    let next = recurrence.next_after(after);
    next.ok_or_else(|| {
        Error::Invalid("the schedule has no time left: all of its times have passed".to_owned())
    })
}

async fn find(session: &mut Session, scope: &Scope, id: Uuid) -> Result<ReportSchedule> {
    let found = session.report_schedule(scope, &id).await?;
    found.ok_or_else(|| Error::NotFound(format!("report schedule {id}")))
}
