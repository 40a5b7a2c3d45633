//! Reports: exports that are kept by name, in the words of a wire family, and that a schedule may
//! make. The file is written by an export job, so all that holds for exports holds here: the number
//! of rows promised is the number delivered, a file appears whole or not at all, and where a report
//! stands is read from its job.

mod mail;
mod rows;
mod run;
mod schedules;

use parapet_model::job::{JobKind, JobState};
use parapet_model::time::DAY;
use parapet_model::{AssetKind, Filter, Millis, Permission, Principal};
use parapet_store::artifacts::Artifact;
use parapet_store::jobs::NewJob;
use parapet_store::reports::{NewReport, Report};
use parapet_store::{Session, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use mail::{MailReportJob, ReportFile, enqueue as enqueue_mail, run as run_mail};
pub use rows::ReportRowCells;
pub(crate) use run::run;
pub use schedules::{ReportScheduleSettings, ReportScheduleView};

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::exports::{RowKind, promise};
use crate::jobs::payload::Payload;

/// Most reports of a project.
const MAX_REPORTS: u32 = 10_000;
/// Longest name and description in characters.
const LONGEST_NAME: usize = 150;
const LONGEST_DESCRIPTION: usize = 250;
/// Longest recipient, subject and message of a mail in characters.
const LONGEST_MAIL: usize = 4_000;
/// Days for which a file may be kept.
const KEEP_DAYS: [u16; 4] = [1, 7, 30, 90];
/// How long a report whose file is gone, or that failed, stays in the list.
const LISTED: Millis = 180 * DAY;
/// Reports forgotten in one go.
const BATCH: u32 = 1_000;

/// Who is to be told of a report, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailWish {
    /// Whether somebody is to be told.
    pub notify: bool,
    /// Whether the file is to come with it.
    pub attach: bool,
    /// Addresses, as they were given.
    pub recipient: String,
    /// Subject, or empty.
    pub subject: String,
    /// Text, or empty.
    pub message: String,
}

/// What is asked of a report, and kept with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportSettings {
    /// Name for people, not unique.
    pub name: String,
    /// Longer text, or empty.
    pub description: String,
    /// The wire family whose columns and questions these are: a registered shape.
    pub shape: String,
    /// Its word for this kind of report.
    pub template: String,
    /// Which kind of assets it is about.
    pub kind: AssetKind,
    /// What one row stands for.
    pub rows: RowKind,
    /// Which assets and findings, in the family's own language; empty for all.
    pub question: String,
    /// Which findings beside what the question says.
    pub filter: Filter,
    /// The columns in order.
    pub columns: Vec<String>,
    /// Whether nobody chose the columns, so that all were taken.
    pub all_columns: bool,
    /// Whether packages that no distribution made are in it.
    pub language_packages: bool,
    /// Days for which the file is kept.
    pub keep_days: u16,
    /// Whether the file is wrapped in a ZIP.
    pub zip: bool,
    /// Who is to be told.
    pub mail: MailWish,
}

/// Where a report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportStatus {
    /// Its job waits.
    Accepted,
    /// Its job runs.
    Processing,
    /// Its file is there.
    Completed,
    /// Its job failed or was cancelled.
    Failed,
    /// Its file was there, and is not kept any more.
    Expired,
}

impl ReportStatus {
    /// The word on wires.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Processing => "PROCESSING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
        }
    }

    /// A file that is due counts as gone, whether or not somebody has removed it.
    fn of(report: &Report, now: Millis) -> Self {
        match report.state {
            JobState::Queued => Self::Accepted,
            JobState::Running => Self::Processing,
            JobState::Failed | JobState::Cancelled => Self::Failed,
            JobState::Succeeded if report.file.is_some_and(|(_, expires)| now < expires) => Self::Completed,
            JobState::Succeeded => Self::Expired,
        }
    }
}

/// A report with where it stands.
#[derive(Debug, Clone)]
pub struct ReportView {
    /// Id.
    pub id: Uuid,
    /// What was asked.
    pub settings: ReportSettings,
    /// Where it stands.
    pub status: ReportStatus,
    /// Name of the user it is made for.
    pub owner: String,
    /// When it was asked for.
    pub created: Millis,
    /// When it was finished, or failed.
    pub ended: Option<Millis>,
    /// When its file goes, while it is there.
    pub expires: Option<Millis>,
    /// Bytes of its file, while it is there.
    pub size: Option<u64>,
    /// Rows it has, once it is finished.
    pub rows: Option<u64>,
    /// Why it failed, or empty.
    pub error: String,
    /// Whether a schedule made it.
    pub scheduled: bool,
}

/// What the job of a report leaves behind.
#[derive(Deserialize)]
struct Done {
    rows: u64,
}

impl ReportView {
    fn of(report: &Report, now: Millis) -> Result<Self> {
        let status = ReportStatus::of(report, now);
        let file = report.file.filter(|_| status == ReportStatus::Completed);
        let done = report.result.as_ref().and_then(|raw| serde_json::from_str::<Done>(raw.get()).ok());
        Ok(Self {
            id: report.uuid,
            settings: serde_json::from_str(report.settings.get()).map_err(Error::internal)?,
            status,
            owner: report.owner.clone(),
            created: report.created,
            ended: Some(report.ended).filter(|at| *at > 0),
            expires: file.map(|(_, expires)| expires),
            size: file.map(|(size, _)| size),
            rows: done.filter(|_| report.state == JobState::Succeeded).map(|done| done.rows),
            error: if status == ReportStatus::Failed { why(report) } else { String::new() },
            scheduled: report.schedule != 0,
        })
    }
}

fn why(report: &Report) -> String {
    match report.error.as_str() {
        "" => "the report was cancelled".to_owned(),
        error => error.to_owned(),
    }
}

/// Use cases around reports.
#[derive(Debug, Clone, Copy)]
pub struct Reports<'a>(pub(crate) &'a App);

impl Reports<'_> {
    /// Asks for a report of what is known now; its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what cannot be asked; [`Error::Conflict`] when there are too many.
    pub async fn create(&self, who: &Principal, settings: &ReportSettings) -> Result<Uuid> {
        require(who, Permission::ExportsCreate)?;
        check(settings)?;
        let (app, scope) = (self.0, who.scope());
        let view = app.findings().view(None, None).await?;
        let request = run::request_of(app, who, &scope, settings, &view).await?;
        request.check(app)?;
        let payload = Payload::Export(promise(&view, &scope, request).await?);
        let mut tx = app.store.begin().await?;
        if tx.report_count(who.project).await? >= u64::from(MAX_REPORTS) {
            return Err(Error::Conflict(format!("a project has at most {MAX_REPORTS} reports")));
        }
        let job = tx
            .enqueue(&NewJob {
                scope: &scope,
                kind: JobKind::Export,
                owner: &who.name,
                payload: &payload,
                parent: None,
                dedup_key: "",
                fired: None,
                not_before: 0,
            })
            .await?
            .no();
        let new = NewReport { scope: &scope, owner: &who.name, job, schedule: 0, settings };
        let id = tx.create_report(&new).await?;
        let after = Some(summary(settings)?);
        audit::event(&mut tx, who, "create", "report", &id.to_string(), audit::NONE, after).await?;
        let job = tx.job_uuid(job).await?;
        tx.commit().await?;
        if let Some(job) = job {
            app.held_views.keep(job, view);
        }
        app.jobs().wake();
        Ok(id)
    }

    /// The reports of the asker's project, newest first.
    pub async fn list(&self, who: &Principal) -> Result<Vec<ReportView>> {
        require(who, Permission::ExportsCreate)?;
        let now = self.0.now();
        let reports = self.0.store.read().await?.reports(&who.scope(), MAX_REPORTS).await?;
        reports.iter().map(|report| ReportView::of(report, now)).collect()
    }

    /// One report.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<ReportView> {
        require(who, Permission::ExportsCreate)?;
        let report = find(&mut self.0.store.read().await?, who, id).await?;
        ReportView::of(&report, self.0.now())
    }

    /// The file of a report.
    ///
    /// # Errors
    /// [`Error::NotFound`] also while it is not there yet, and when it is not kept any more.
    pub async fn file(&self, who: &Principal, id: Uuid) -> Result<Artifact> {
        require(who, Permission::ExportsCreate)?;
        let mut session = self.0.store.read().await?;
        let report = find(&mut session, who, id).await?;
        let status = ReportStatus::of(&report, self.0.now());
        let missing = || Error::NotFound(format!("the file of report {id} ({})", status.as_str()));
        if status != ReportStatus::Completed {
            return Err(missing());
        }
        let files = session.artifacts_of_job(&who.scope(), report.job).await?;
        files.into_iter().next().ok_or_else(missing)
    }

    /// Deletes reports with their files, all of them or none; one under way ends.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not there; [`Error::Forbidden`] for somebody else's,
    /// unless the asker may cancel jobs.
    pub async fn delete(&self, who: &Principal, ids: &[Uuid]) -> Result<()> {
        require(who, Permission::ExportsCreate)?;
        let mut tx = self.0.store.begin().await?;
        let mut files = Vec::new();
        let mut seen: Vec<Uuid> = Vec::new();
        for &id in ids {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            let report = find(&mut tx, who, id).await?;
            owned(who, &report.owner)?;
            if !report.state.is_final() {
                tx.cancel_job(&who.scope(), &report.job_uuid).await?;
            }
            files.extend(tx.delete_artifacts_of_job(report.job).await?);
            tx.delete_report(report.no).await?;
            let before: serde_json::Value =
                serde_json::from_str(report.settings.get()).map_err(Error::internal)?;
            audit::event(&mut tx, who, "delete", "report", &id.to_string(), Some(before), audit::NONE)
                .await?;
        }
        tx.commit().await?;
        for place in &files {
            self.0.artifacts.remove(place).await;
        }
        self.0.store.cancel_children().await?;
        Ok(())
    }

    /// Forgets reports that were over long ago and have no file.
    pub(crate) async fn forget(&self) -> Result<()> {
        loop {
            let mut tx = self.0.store.begin().await?;
            let gone = tx.forget_reports(self.0.now() - LISTED, BATCH).await?;
            tx.commit().await?;
            if gone < u64::from(BATCH) {
                return Ok(());
            }
        }
    }
}

async fn find(session: &mut Session, who: &Principal, id: Uuid) -> Result<Report> {
    let found = session.report(&who.scope(), &id).await?;
    found.ok_or_else(|| Error::NotFound(format!("report {id}")))
}

/// Everybody changes their own; what others asked for, only who may end their jobs.
fn owned(who: &Principal, owner: &str) -> Result<()> {
    if who.name == owner { Ok(()) } else { require(who, Permission::JobsWrite) }
}

/// Puts the report of a schedule that fired into the queue; `None` when the one before it is not
/// over, which then stands for both.
async fn enqueue_fired(
    tx: &mut Tx,
    owner: &Principal,
    schedule: (u32, Uuid),
    at: Millis,
    settings: &ReportSettings,
) -> Result<Option<Uuid>> {
    let (no, id) = schedule;
    let scope = owner.scope();
    let enqueued = tx
        .enqueue(&NewJob {
            scope: &scope,
            kind: JobKind::Export,
            owner: &owner.name,
            payload: &Payload::ScheduledReport(settings.clone()),
            parent: None,
            dedup_key: &format!("report schedule {id}"),
            fired: Some((no, at)),
            not_before: 0,
        })
        .await?;
    let parapet_store::jobs::Enqueued::New(job) = enqueued else { return Ok(None) };
    let new = NewReport { scope: &scope, owner: &owner.name, job, schedule: no, settings };
    Ok(Some(tx.create_report(&new).await?))
}

fn summary<T: Serialize>(settings: &T) -> Result<serde_json::Value> {
    serde_json::to_value(settings).map_err(Error::internal)
}

/// What the contract asks of a report (`qualys-cs` 6).
fn check(settings: &ReportSettings) -> Result<()> {
    let invalid = |why: String| Err(Error::Invalid(why));
    let within = |name: &str, text: &str, most: usize| match text.chars().count() {
        count if count > most => Err(Error::Invalid(format!("{name} has at most {most} characters"))),
        _ if text.contains('\0') => Err(Error::Invalid(format!("{name} contains a NUL"))),
        _ => Ok(()),
    };
    if settings.name.trim().is_empty() {
        return invalid("name is mandatory".to_owned());
    }
    within("name", &settings.name, LONGEST_NAME)?;
    within("description", &settings.description, LONGEST_DESCRIPTION)?;
    if !KEEP_DAYS.contains(&settings.keep_days) {
        return invalid(format!("expireAfter must be 1, 7, 30 or 90 days, not {}", settings.keep_days));
    }
    let wish = &settings.mail;
    for (name, text) in
        [("recipient", &wish.recipient), ("emailSubject", &wish.subject), ("customMessage", &wish.message)]
    {
        within(name, text, LONGEST_MAIL)?;
    }
    if wish.notify && wish.recipient.trim().is_empty() {
        return invalid("recipient is mandatory with emailNotification".to_owned());
    }
    mail::check(wish)
}
