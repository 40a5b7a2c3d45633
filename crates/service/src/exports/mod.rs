//! Exports: asked for at a log position, promised a number of rows, delivered by a job into an
//! artifact with exactly that number.

mod document;
mod file;
mod held;
mod order;
mod pieces;
mod request;
mod rows;
mod run;
mod shaped;

use parapet_model::filter::Level;
use parapet_model::job::{JobKind, JobState};
use parapet_model::{AssetKind, Filter, Millis, Permission, Principal, Scope};
use parapet_posture::AssetSet;
use parapet_store::Session;
use parapet_store::artifacts::Artifact;
use parapet_store::jobs::{Job, JobFilter};
use parapet_store::registries::Registry;
use uuid::Uuid;

pub use file::WrittenFile;
pub(crate) use held::HeldViews;
pub(crate) use request::KEPT_DAYS;
pub use request::{ColumnChoice, ExportRequest, Format, RowKind};
pub use rows::{RowAsset, Rows, VulnerabilityRow, each_asset_vulnerability, each_vulnerability};
pub use run::{Written, write};
pub(crate) use run::{make, run};

use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};
use crate::findings::View;
use crate::jobs::payload::{ExportJob, Payload};

/// Appends the cell of a column.
pub type CellWriter<'c> = Box<dyn Fn(&VulnerabilityRow<'_>, &mut String) + 'c>;

/// A column of a wire family, made ready to be asked for very many rows.
pub struct ShapeColumn<'c> {
    /// What its cell depends on in rows of one asset: the asset alone; the vulnerability, the packages and
    /// what is said of them alone; or all of the row.
    pub level: Level,
    /// Writes it.
    pub write: CellWriter<'c>,
}

/// Columns of a wire family for rows that stand for several findings, and the language its questions
/// are asked in.
pub trait RowShape: Send + Sync + std::fmt::Debug {
    /// Appends the cell of `column`; an unknown column appends nothing.
    fn cell(&self, column: &str, row: &VulnerabilityRow<'_>, out: &mut String);

    /// What the cell of `column` depends on.
    fn level(&self, _column: &str) -> Level {
        Level::Finding
    }

    /// The column, looked up once.
    fn column<'c>(&'c self, column: &'c str) -> ShapeColumn<'c> {
        let write = Box::new(move |row: &VulnerabilityRow<'_>, out: &mut String| self.cell(column, row, out));
        ShapeColumn { level: self.level(column), write }
    }

    /// What a question in the family's own language is about; an empty one is about everything.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what cannot be understood.
    fn select(&self, asked: &Asked<'_>) -> Result<Selection> {
        Err(Error::Invalid(format!("{:?} cannot be asked here", asked.question)))
    }
}

/// A question in a family's own language, and of whom it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The question.
    pub question: &'a str,
    /// Which kind of assets it is about.
    pub kind: AssetKind,
    /// The state that is asked.
    pub view: &'a View,
    /// What may be seen of it.
    pub scope: &'a Scope,
    /// The configured registries that the asker may know of.
    pub registries: &'a [Registry],
}

/// What a question chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The assets.
    pub assets: AssetSet,
    /// Which of their findings.
    pub filter: Filter,
}

/// An accepted export.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    /// The job that makes it.
    pub job: Uuid,
    /// Rows it will have.
    pub rows: u64,
}

/// Where an export stands.
#[derive(Debug, Clone)]
pub struct Task {
    /// Id of the job.
    pub id: Uuid,
    /// Who asked.
    pub owner: String,
    /// When, recorded time.
    pub created: Millis,
    /// What was asked for.
    pub request: ExportRequest,
    /// `hss-vul-vul-en_1700000000000_export_task`.
    pub name: String,
    /// State of the job.
    pub state: JobState,
    /// Why it failed.
    pub error: String,
    /// Rows written so far.
    pub done: u64,
    /// Rows promised.
    pub total: u64,
    /// The file, when it is there.
    pub artifact: Option<Artifact>,
}

/// Some exports, and where to go on.
#[derive(Debug, Clone)]
pub struct TaskPage {
    /// Newest first.
    pub tasks: Vec<Task>,
    /// Ask again with this; `None` after the last one.
    pub next: Option<u32>,
}

/// Use cases around exports.
#[derive(Debug, Clone, Copy)]
pub struct Exports<'a>(pub(crate) &'a App);

impl Exports<'_> {
    /// Accepts an export of what `scope` sees; the count is exact and kept.
    pub async fn request(&self, who: &Principal, scope: &Scope, request: ExportRequest) -> Result<Ticket> {
        require(who, Permission::ExportsCreate)?;
        let app = self.0;
        request.check(app)?;
        let view = app.findings().view(request.as_of, None).await?;
        let job = promise(&view, scope, request).await?;
        let rows = job.rows;
        let payload = Payload::Export(job);
        let mut tx = app.store.begin().await?;
        let uuid = app.jobs().enqueue(&mut tx, scope, who, JobKind::Export, &payload, "").await?;
        tx.commit().await?;
        app.held_views.keep(uuid, view);
        app.jobs().wake();
        Ok(Ticket { job: uuid, rows })
    }

    /// Where an export of the scope's project stands.
    pub async fn task(&self, scope: &Scope, id: Uuid) -> Result<Option<Task>> {
        let mut session = self.0.store.read().await?;
        let Some(job) = session.job(scope, &id).await?.filter(|job| job.kind == JobKind::Export) else {
            return Ok(None);
        };
        task_of(&mut session, scope, job).await
    }

    /// Exports the asker sees, newest first: those among the `limit` jobs below number `before` (`u32::MAX`
    /// for the first page), and where to go on. Files of reports are not among them.
    pub async fn list(&self, who: &Principal, before: u32, limit: u32) -> Result<TaskPage> {
        require(who, Permission::ExportsCreate)?;
        let scope = who.scope();
        let mut session = self.0.store.read().await?;
        let filter = JobFilter { kind: Some(JobKind::Export), ..JobFilter::default() };
        let (jobs, next) = session.jobs(&scope, &filter, before, limit).await?;
        let mut tasks = Vec::with_capacity(jobs.len());
        for job in jobs {
            tasks.extend(task_of(&mut session, &scope, job).await?);
        }
        Ok(TaskPage { tasks, next })
    }

    /// How many exports the asker sees.
    pub async fn total(&self, who: &Principal) -> Result<u64> {
        require(who, Permission::ExportsCreate)?;
        Ok(self.0.store.read().await?.count_exports(&who.scope()).await?)
    }

    /// How many rows an export would have if it were asked for now.
    pub async fn rows(&self, who: &Principal, request: ExportRequest) -> Result<u64> {
        require(who, Permission::ExportsCreate)?;
        request.check(self.0)?;
        let view = self.0.findings().view(request.as_of, None).await?;
        Ok(promise(&view, &who.scope(), request).await?.rows)
    }

    /// A finished file, until its time is over.
    pub async fn artifact(&self, scope: &Scope, id: Uuid) -> Result<Option<Artifact>> {
        let found = self.0.store.read().await?.artifact(scope, &id).await?;
        Ok(found.filter(|artifact| self.0.now() < artifact.expires))
    }
}

/// The export of a job; `None` when the job is another's, such as a report's.
async fn task_of(session: &mut Session, scope: &Scope, job: Job) -> Result<Option<Task>> {
    let Payload::Export(export) = Payload::read(&job)? else { return Ok(None) };
    let artifact = session.artifacts_of_job(scope, job.no).await?.into_iter().next();
    Ok(Some(Task {
        id: job.uuid,
        owner: job.owner,
        created: job.created,
        name: format!("{}_{}_export_task", export.request.name, job.created),
        request: export.request,
        state: job.state,
        error: job.error,
        done: job.done,
        total: export.rows,
        artifact,
    }))
}

/// What is promised of an export of this view.
pub(crate) async fn promise(view: &View, scope: &Scope, request: ExportRequest) -> Result<ExportJob> {
    let (of, scope, asked) = (view.clone(), scope.clone(), request.clone());
    let rows = tokio::task::spawn_blocking(move || run::count(&of, &scope, &asked)).await?;
    let (seq, recorded) = (view.snapshot.seq(), view.snapshot.recorded());
    Ok(ExportJob { seq, recorded, now: view.now, rows, request })
}

/// The view an export was promised on: still held, or made again as of its log position.
pub(crate) async fn view_of(app: &App, id: Uuid, export: &ExportJob) -> Result<View> {
    if let Some(view) = app.held_views.take(id) {
        return Ok(view);
    }
    let at = export
        .request
        .as_of
        .unwrap_or(crate::findings::PastInstant { at: export.recorded, hindsight: false });
    let view = app.findings().view(Some(at), None).await?;
    Ok(View { snapshot: view.snapshot, now: export.now })
}
