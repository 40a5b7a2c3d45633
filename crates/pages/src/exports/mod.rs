//! `/exports`: get it out. The list of files with how far they are, and cancelling; `new` asks for one.

mod new;
mod view;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use parapet_model::Permission;
use parapet_model::job::JobState;
use parapet_service::exports::Task;
use serde::Deserialize;
use uuid::Uuid;
use view::{Exports, File, Line};

pub(crate) use new::{create, form};

use crate::dates::minute;
use crate::link::Link;
use crate::parts::bytes;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult, csv};

/// Jobs looked at for one page of the list.
const ROWS: u32 = 50;
/// How often a list with something unfinished looks again, in milliseconds.
const POLL: u32 = 1500;

/// The state of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    /// Exports older than this number; absent for the newest.
    before: Option<u32>,
    /// `csv` for all rows as a file.
    #[serde(default)]
    format: String,
}

/// The list.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let (exports, who) = (state.app.exports(), visitor.principal());
    if csv::wanted(&headers, &params.format) {
        let (mut tasks, mut before) = (Vec::new(), Some(u32::MAX));
        while let Some(from) = before {
            let page = exports.list(who, from, ROWS).await?;
            tasks.extend(page.tasks);
            before = page.next;
        }
        return Ok(csv::answer("exports", TITLES, move |table| {
            tasks.iter().try_for_each(|task| table.row(cells(task)))
        }));
    }
    let page = exports.list(who, params.before.unwrap_or(u32::MAX), ROWS).await?;
    let total = exports.total(who).await?;
    let now = state.app.now();
    let may_cancel = visitor.may(Permission::JobsWrite);
    let lines: Vec<Line> = page.tasks.iter().map(|task| line(task, now, may_cancel)).collect();
    let here = Link::to("/exports");
    Ok(html(&Exports {
        layout: visitor.layout("Exports", "/exports"),
        poll: lines.iter().any(|line| line.unfinished).then_some(POLL),
        total,
        lines,
        newest: params.before.map(|_| here.clone()),
        older: page.next.map(|next| here.clone().with("before", next.to_string())),
        csv: here.with("format", "csv"),
    }))
}

/// Cancels an export.
pub(crate) async fn cancel(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let to = |error: PageError| error.to(&visitor);
    let known = state.app.exports().task(&visitor.principal().scope(), id).await;
    known.map_err(|e| to(e.into()))?.ok_or_else(|| to(PageError::not_found("export")))?;
    state.app.jobs().cancel(visitor.principal(), id).await.map_err(|e| to(e.into()))?;
    Ok(Redirect::to("/exports").into_response())
}

fn line(task: &Task, now: i64, may_cancel: bool) -> Line {
    let file = task.artifact.as_ref().map(|artifact| File {
        name: artifact.file_name.clone(),
        size: bytes(artifact.size),
        sha256: artifact.sha256.hex(),
        expires: minute(artifact.expires),
        link: (now < artifact.expires)
            .then(|| Link::to("/exports").part(&artifact.uuid.to_string()).to_string() + "/file"),
    });
    let unfinished = !task.state.is_final();
    Line {
        id: task.id.to_string(),
        question: question(task),
        format: task.request.format.as_str(),
        as_of: task.request.as_of.map_or_else(String::new, |past| minute(past.at)),
        owner: task.owner.clone(),
        created: minute(task.created),
        state: task.state,
        error: task.error.clone(),
        done: task.done.min(task.total),
        total: task.total,
        running: task.state == JobState::Running,
        unfinished,
        file,
        cancel: (unfinished && may_cancel)
            .then(|| Link::to("/exports").part(&task.id.to_string()).to_string() + "/cancel"),
    }
}

/// What was asked, in the words it was asked in.
fn question(task: &Task) -> String {
    match &task.request.filter {
        _ if !task.request.question.is_empty() => task.request.question.clone(),
        parapet_model::Filter::All => String::new(),
        filter => filter.to_string(),
    }
}

const TITLES: &[&str] = &[
    "export", "question", "format", "as_of", "owner", "created", "state", "error", "rows", "file", "size",
    "sha256", "expires",
];

fn cells(task: &Task) -> [String; 13] {
    let [file, size, sha256, expires] = task.artifact.as_ref().map_or_else(Default::default, |file| {
        [file.file_name.clone(), file.size.to_string(), file.sha256.hex(), minute(file.expires)]
    });
    [
        task.id.to_string(),
        question(task),
        task.request.format.as_str().to_owned(),
        task.request.as_of.map_or_else(String::new, |past| minute(past.at)),
        task.owner.clone(),
        minute(task.created),
        task.state.as_str().to_owned(),
        task.error.clone(),
        task.total.to_string(),
        file,
        size,
        sha256,
        expires,
    ]
}
