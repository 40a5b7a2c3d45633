//! Writes the rows of an export, into any writer or into an artifact.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parapet_export::{
    AS_OF_NOTE, ArtifactError, ArtifactWriter, CsvOptions, FeedDate, FindingLines, FindingsCsv,
    FindingsParquet, FindingsXlsx, ParquetRows, Provenance, TableCsv, ZipMember,
};
use parapet_model::Scope;
use parapet_model::time::DAY;
use parapet_posture::{Query, Wants, Window};
use parapet_store::artifacts::NewArtifact;

use super::pieces::{Maker, Sought, write_pieces};
use super::request::{ExportRequest, Format, RowKind};
use super::rows::{Rows, VulnerabilityRow, each_asset_vulnerability, each_vulnerability};
use super::shaped::ShapedRows;
use super::{RowShape, view_of};
use crate::app::App;
use crate::error::{Error, Result};
use crate::findings::View;
use crate::jobs::payload::ExportJob;
use crate::jobs::{Outcome, Run};
use crate::reports::{ReportFile, enqueue_mail};

/// Rows between two looks at "cancelled?".
const CHECK_EVERY: u64 = 4096;

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Titles of the columns.
    pub columns: Vec<String>,
}

/// Exactly how many rows the request gives.
pub(super) fn count(view: &View, scope: &Scope, request: &ExportRequest) -> u64 {
    let query = query(view, scope, request);
    let total = match request.rows {
        RowKind::Given => request.given.len() as u64,
        RowKind::Finding => view.snapshot.count(&query).findings,
        RowKind::AssetVulnerability => {
            let counted = view.snapshot.vulnerabilities_by_asset(&query);
            counted.iter().map(|on| u64::from(on.vulnerabilities)).sum()
        }
        RowKind::Vulnerability => view.snapshot.vulnerabilities_found(&query).len() as u64,
    };
    request.taken_of(total)
}

fn query<'q>(view: &View, scope: &'q Scope, request: &'q ExportRequest) -> Query<'q> {
    let (include_not_run_here, within) = (request.include_not_run_here, request.assets.as_ref());
    Query { include_not_run_here, within, ..view.query(scope, &request.filter) }
}

/// Writes the rows. `done` rises as they are written; the writing stops with an error when `stop`
/// says so.
pub fn write<W: Write + Send + 'static>(
    view: &View,
    scope: &Scope,
    request: &ExportRequest,
    shape: Option<&dyn RowShape>,
    writer: W,
    done: &AtomicU64,
    stop: &dyn Fn() -> bool,
) -> io::Result<(W, Written)> {
    let query = query(view, scope, request);
    let options = if request.bom { CsvOptions::SPREADSHEET } else { CsvOptions::default() };
    let mut turn = Turn { request, passed: 0, written: 0, done, stop };
    if request.rows == RowKind::Given {
        let labels: Vec<String> = request.columns.iter().map(|c| c.label.clone()).collect();
        let mut table = TableCsv::new(writer, &labels, options);
        for cells in &request.given {
            if turn.take()? {
                table.row(cells)?;
            }
        }
        let rows = turn.finish();
        return Ok((table.finish()?, Written { rows, columns: labels }));
    }
    if let Some(shape) = shape.filter(|_| request.rows != RowKind::Finding) {
        let mut shaped = ShapedRows::new(writer, shape, &request.columns, options);
        let window = turn.window();
        let of = Rows { snapshot: &view.snapshot, verifying: &request.verifying };
        let mut each = |row: &VulnerabilityRow<'_>| {
            turn.next()?;
            shaped.row(row)
        };
        match request.rows {
            RowKind::Vulnerability => each_vulnerability(of, &query, window, &mut each)?,
            _ => each_asset_vulnerability(of, &query, window, &mut each)?,
        };
        let columns = request.columns.iter().map(|choice| choice.label.clone()).collect();
        return Ok((shaped.finish()?, Written { rows: turn.finish(), columns }));
    }
    let columns = request.finding_columns().map_err(io::Error::other)?;
    let labels = columns.labels();
    let sought = Sought {
        snapshot: &view.snapshot,
        query: &query,
        wants: Wants { since: columns.show_since(), coverage: columns.show_coverage() },
        offset: request.offset,
        limit: request.limit.unwrap_or(u64::MAX),
    };
    let writer = match request.format {
        Format::Csv => {
            let mut writer = FindingsCsv::new(writer, &columns, options).finish()?;
            let lines = |writers| FindingLines::csv(&columns, options, writers);
            turn.pieces(&sought, lines, |lines, _| writer.write_all(lines))?;
            writer
        }
        Format::Jsonl => {
            let mut writer = writer;
            let lines = |writers| FindingLines::jsonl(&columns, writers);
            turn.pieces(&sought, lines, |lines, _| writer.write_all(lines))?;
            writer
        }
        Format::Xlsx => {
            let mut xlsx = FindingsXlsx::new(writer, &columns, view.now)?;
            let lines = |writers| FindingLines::xlsx(&columns, writers);
            turn.pieces(&sought, lines, |lines, rows| xlsx.ready_rows(lines, rows))?;
            xlsx.finish()?
        }
        Format::Parquet => {
            let mut parquet = FindingsParquet::new(writer, &columns)?;
            let groups = |writers| ParquetRows::new(&columns, writers);
            turn.pieces(&sought, groups, |group, _| parquet.group(group))?;
            parquet.finish()?
        }
    };
    Ok((writer, Written { rows: turn.finish(), columns: labels }))
}

/// Counts rows off against offset and limit.
struct Turn<'a> {
    request: &'a ExportRequest,
    passed: u64,
    written: u64,
    done: &'a AtomicU64,
    stop: &'a dyn Fn() -> bool,
}

impl Turn<'_> {
    /// Whether the next row is written.
    fn take(&mut self) -> io::Result<bool> {
        self.passed += 1;
        if self.passed <= self.request.offset || self.is_full() {
            return Ok(false);
        }
        self.next()?;
        Ok(true)
    }

    /// The rows that are written, of those there are.
    fn window(&self) -> Window {
        let fits = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        Window { offset: fits(self.request.offset), limit: self.request.limit.map_or(usize::MAX, fits) }
    }

    /// Counts a row that is written.
    fn next(&mut self) -> io::Result<()> {
        self.written += 1;
        if self.written.is_multiple_of(CHECK_EVERY) {
            self.done.store(self.written, Ordering::Relaxed);
            self.stop_if_wanted()?;
        }
        Ok(())
    }

    fn stop_if_wanted(&self) -> io::Result<()> {
        match (self.stop)() {
            true => Err(io::Error::new(io::ErrorKind::Interrupted, "the job was cancelled")),
            false => Ok(()),
        }
    }

    fn is_full(&self) -> bool {
        self.request.limit.is_some_and(|limit| self.written >= limit)
    }

    /// Writes findings piece by piece, on all processors.
    fn pieces<M: Maker>(
        &mut self,
        sought: &Sought<'_>,
        maker: impl Fn(usize) -> M + Sync,
        mut put: impl FnMut(&M::Piece, u64) -> io::Result<()>,
    ) -> io::Result<()> {
        write_pieces(sought, maker, &mut |piece, rows| {
            put(piece, rows)?;
            self.written += rows;
            self.done.store(self.written, Ordering::Relaxed);
            self.stop_if_wanted()
        })
    }

    fn finish(&self) -> u64 {
        self.done.store(self.written, Ordering::Relaxed);
        self.written
    }
}

/// Runs an export job: the file appears, then the job is done, in this order; a kill between the
/// two leaves a file that the next start removes, and a job that runs again.
pub(crate) async fn run(app: &Arc<App>, run: &Run, export: ExportJob) -> Result<Outcome> {
    let view = view_of(app, run.id, &export).await?;
    make(app, run, export, view).await
}

/// Writes the promised rows of a view.
pub(crate) async fn make(app: &Arc<App>, run: &Run, export: ExportJob, view: View) -> Result<Outcome> {
    let scope = run.scope.clone();
    let keep_days = i64::from(export.request.keep_days);
    let provenance = provenance(app, &view, &scope, &export.request).await?;
    let provenance = Provenance { seq: export.seq, recorded: export.recorded, ..provenance };
    let format = export.request.format;
    let (extension, media_type) =
        if export.request.zip { ("zip", "application/zip") } else { (format.as_str(), format.media_type()) };
    let stored_name = format!("{}.{extension}", run.id.simple());
    let file_name = format!("{}-{}.{extension}", export.request.name, run.started);
    let shape = app.shapes.get(&export.request.shape).cloned();
    let (directory, progress) = (app.artifacts.folder().to_owned(), run.progress.clone());
    let (scope_for_rows, promised) = (scope.clone(), export.rows);
    let inner_name = format!("{}-{}.{}", export.request.name, run.started, export.request.format.as_str());
    let id = run.id.simple().to_string();
    let (finished, provenance) = tokio::task::spawn_blocking(move || {
        let artifact = ArtifactWriter::create(&directory, &id).map_err(artifact_error)?;
        let request = &export.request;
        let stop = || progress.is_cancelled();
        let (artifact, written) = if request.zip {
            let zip = ZipMember::new(artifact, &inner_name, export.now).map_err(io_error)?;
            let (zip, written) =
                write(&view, &scope_for_rows, request, shape.as_deref(), zip, progress.done(), &stop)
                    .map_err(io_error)?;
            (zip.finish().map_err(io_error)?, written)
        } else {
            write(&view, &scope_for_rows, request, shape.as_deref(), artifact, progress.done(), &stop)
                .map_err(io_error)?
        };
        if written.rows != promised {
            return Err(Error::Conflict(format!(
                "{promised} rows were promised but {} are there; nothing was kept",
                written.rows
            )));
        }
        let provenance = Provenance { rows: written.rows, columns: written.columns, ..provenance };
        let finished = artifact.finish_with(&stored_name, &provenance).map_err(artifact_error)?;
        Ok((finished, provenance))
    })
    .await??;
    let place = app.artifacts.keep(&finished).await?;
    let mut tx = run.begin(app).await?;
    let expires = tx.recorded() + keep_days * DAY;
    let artifact = tx
        .create_artifact(&NewArtifact {
            scope: &scope,
            job: run.no(),
            file_name: &file_name,
            size: finished.size,
            sha256: finished.sha256,
            media_type,
            path: &place,
            provenance: &provenance,
            expires,
        })
        .await?;
    let file = ReportFile {
        place,
        name: file_name,
        media_type: media_type.to_owned(),
        size: finished.size,
        rows: provenance.rows,
        expires,
    };
    enqueue_mail(app, &mut tx, run, file).await?;
    Ok(Outcome { tx, result: serde_json::json!({"artifact": artifact.uuid, "rows": provenance.rows}) })
}

/// What is known before the first row is written.
pub(super) async fn provenance(
    app: &App,
    view: &View,
    scope: &Scope,
    request: &ExportRequest,
) -> Result<Provenance> {
    let feeds = app.store.read().await?.feeds().await?;
    let (snapshot, of) = (Arc::clone(&view.snapshot), scope.clone());
    let coverage = tokio::task::spawn_blocking(move || snapshot.coverage(&of)).await?;
    let mut notes = Vec::new();
    if request.as_of.is_some() {
        notes.push(AS_OF_NOTE.to_owned());
    }
    if let Some(assets) = &request.assets {
        let count = assets.len();
        notes.push(match request.question.as_str() {
            "" => format!("of {count} assets"),
            question => format!("of the {count} assets that were chosen by: {question}"),
        });
    }
    Ok(Provenance {
        parapet: env!("CARGO_PKG_VERSION").to_owned(),
        format: format!("{}{}", request.format.as_str(), if request.zip { "+zip" } else { "" }),
        filter: request.filter.to_string(),
        scope: scope.describe(),
        seq: view.snapshot.seq(),
        recorded: view.snapshot.recorded(),
        as_of: request.as_of.map(|past| past.at),
        starter_set: feeds.iter().any(|feed| feed.starter),
        feeds: feeds
            .into_iter()
            .map(|feed| FeedDate {
                name: feed.name,
                date: Some(feed.data_date).filter(|at| *at > 0),
                records: feed.records,
            })
            .collect(),
        coverage,
        rows: 0,
        columns: Vec::new(),
        notes,
    })
}

pub(super) fn artifact_error(error: ArtifactError) -> Error {
    match error {
        ArtifactError::DiskFull { .. } | ArtifactError::OverQuota { .. } => {
            Error::Conflict(error.to_string())
        }
        other => Error::internal(other),
    }
}

pub(super) fn io_error(error: io::Error) -> Error {
    match ArtifactError::of(error) {
        Ok(error) => artifact_error(error),
        Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::FileTooLarge) => {
            Error::Conflict(error.to_string())
        }
        Err(error) => Error::internal(error),
    }
}
