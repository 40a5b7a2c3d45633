//! `/feeds/of/{name}`: one feed, its imports, and what is to be decided about it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use parapet_model::Permission;
use parapet_store::feeds::{FeedImport, FeedState};

use super::{FeedRow, HERE, Held, done, feed_link, held_of, row};
use crate::dates::instant;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::sources::run_link;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::{Done, ForVisitor as _, see};
use crate::{PageError, PageResult, csv, filters};

/// An import in a list.
#[derive(Debug)]
struct ImportRow {
    state: &'static str,
    started: String,
    ended: String,
    import: FeedImport,
}

#[derive(Debug, Template)]
#[template(path = "feeds/feed.html")]
struct View {
    layout: Layout,
    link: Link,
    row: FeedRow,
    location: String,
    has_address: bool,
    held: Option<Held>,
    imports: Vec<ImportRow>,
    ecosystems: Vec<(String, u64)>,
    /// The run that asked its address last.
    last_run: Option<Link>,
    may_decide: bool,
    /// The last complete import, which can be taken back.
    back: Option<(String, u64, u64)>,
}

/// The page.
pub(crate) async fn show(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(params): Query<Done>,
) -> PageResult {
    let (feeds, who) = (state.app.feeds(), visitor.principal());
    let all = feeds.status(who).await.shown_to(&visitor)?;
    let status = all.into_iter().find(|status| status.feed.name == name);
    let status = status.ok_or_else(|| PageError::not_found("feed").to(&visitor))?;
    if csv::wanted(&headers, &params.format) {
        let rows = status.imports.into_iter().map(import_row).map(file_row).collect();
        return Ok(csv::short("imports", TITLES, rows));
    }
    let checks = feeds.checks(who).await.shown_to(&visitor)?;
    let check = checks.get(&name);
    let row = row(&status, check, state.app.now(), feeds.stale_after());
    let mut layout = visitor.layout(&name, HERE);
    layout.done = done(&params.done).to_owned();
    // Lists of what is exploited, and how likely, keep no history.
    let has_history = !matches!(status.feed.kind.as_str(), "kev" | "epss");
    let may_decide = visitor.may(Permission::FeedsWrite);
    Ok(html(&View {
        layout,
        link: feed_link(&name),
        location: status.feed.location.clone(),
        has_address: status.feed.location.starts_with("http"),
        held: held_of(&status),
        last_run: check.filter(|_| visitor.may(Permission::FindingsRead)).map(|check| run_link(check.job)),
        back: row.delta.clone().filter(|_| has_history && may_decide),
        row,
        ecosystems: status.feed.ecosystems.clone(),
        imports: status.imports.into_iter().map(import_row).collect(),
        may_decide,
    }))
}

const TITLES: &[&str; 9] =
    &["state", "started", "ended", "records", "added", "changed", "withdrawn", "opened", "closed"];

fn file_row(row: ImportRow) -> [String; 9] {
    let of = &row.import;
    let numbers = [of.records, of.added, of.changed, of.withdrawn, of.opened, of.closed];
    let [records, added, changed, withdrawn, opened, closed] = numbers.map(|number| number.to_string());
    [row.state.to_owned(), row.started, row.ended, records, added, changed, withdrawn, opened, closed]
}

fn import_row(import: FeedImport) -> ImportRow {
    let state = match import.state {
        FeedState::RolledBack => "rolled back",
        state => state.as_str(),
    };
    ImportRow { state, started: instant(import.started), ended: instant(import.ended), import }
}

/// Accepts what is held.
pub(crate) async fn accept(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> PageResult {
    let job = state.app.feeds().accept_job(visitor.principal(), &name).await.shown_to(&visitor)?;
    match visitor.may(Permission::FindingsRead) {
        true => see(run_link(job)),
        false => see(feed_link(&name).with("done", "accepting")),
    }
}

/// Rejects what is held.
pub(crate) async fn reject(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> PageResult {
    state.app.feeds().reject(visitor.principal(), &name).await.shown_to(&visitor)?;
    see(feed_link(&name).with("done", "rejected"))
}

/// Takes it back to what it said before its last import.
pub(crate) async fn rollback(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> PageResult {
    state.app.feeds().rollback(visitor.principal(), &name).await.shown_to(&visitor)?;
    see(feed_link(&name).with("done", "rolled_back"))
}
