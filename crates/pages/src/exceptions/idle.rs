//! Exceptions in force that hide nothing, or nothing that would be seen without them.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parapet_model::Millis;
use parapet_model::exception::Exception;
use parapet_posture::Snapshot;

use super::line;
use super::view::Line;
use super::words::Stand;
use crate::layout::Layout;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::Done;
use crate::{PageResult, csv, filters};

/// Exceptions looked at; the oldest first, because those are forgotten.
const MOST: usize = 500;
/// Rows of each kind.
const ROWS: usize = 50;

/// See the module.
#[derive(Debug, Template)]
#[template(path = "exceptions_idle.html")]
struct Idle {
    layout: Layout,
    /// They cover nothing.
    unused: Vec<Line>,
    unused_total: usize,
    /// All they cover is hidden by others.
    shadowed: Vec<Line>,
    shadowed_total: usize,
    /// How many were looked at.
    looked_at: usize,
    /// How many are in force.
    total: usize,
}

/// The page, and the part of `/exceptions` that takes longer.
pub(crate) async fn idle(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(Done { format, .. }): Query<Done>,
) -> PageResult<Response> {
    let (snapshot, now) = (state.app.live().snapshot(), state.app.now());
    let file = csv::wanted(&headers, &format);
    let rows = if file { MOST } else { ROWS };
    let page = state.long_work(move || page(&snapshot, &visitor, now, rows)).await?;
    Ok(if file { download(page) } else { html(&page) })
}

fn download(page: Idle) -> Response {
    let row = |why: &'static str| {
        move |line: Line| [why.to_owned(), line.title, line.covers, line.asked_by, line.asked, line.last_day]
    };
    let unused = page.unused.into_iter().map(row("covers nothing"));
    let rows = unused.chain(page.shadowed.into_iter().map(row("all hidden by others"))).collect();
    let titles = &["why", "title", "covers", "requested_by", "requested_at", "last_day"];
    csv::short("exceptions-without-effect", titles, rows)
}

fn page(snapshot: &Snapshot, visitor: &Visitor, now: Millis, rows: usize) -> Idle {
    let scope = visitor.principal().scope();
    let holding: Vec<&Exception> =
        snapshot.exceptions(&scope).filter(|e| Stand::of(e, now) == Stand::Holds).collect();
    let (mut unused, mut shadowed) = (Vec::new(), Vec::new());
    for exception in holding.iter().take(MOST) {
        let effect = snapshot.effect(exception, &scope, now);
        let describe = || line(exception, snapshot, &scope, Some(effect), now);
        if effect.is_unused() {
            unused.push(describe());
        } else if effect.is_shadowed() {
            shadowed.push(describe());
        }
    }
    let (unused_total, shadowed_total) = (unused.len(), shadowed.len());
    unused.truncate(rows);
    shadowed.truncate(rows);
    Idle {
        layout: visitor.layout("Exceptions without effect", "/exceptions"),
        unused,
        unused_total,
        shadowed,
        shadowed_total,
        looked_at: holding.len().min(MOST),
        total: holding.len(),
    }
}
