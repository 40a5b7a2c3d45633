//! The page between two instants: what opened and closed, and why.

use askama::Template;
use axum::response::Response;
use parapet_model::time::format_rfc3339;
use parapet_model::{Millis, Severity};
use parapet_service::changes::{Changed, Changes, changes};

use super::params::{Params, Part};
use crate::csv;
use crate::filters;
use crate::layout::{DataState, Layout};
use crate::link::{self, Link};
use crate::parts::{Pager, QuestionError, Term};
use crate::pinned::Held;
use crate::question::{Question, asked};
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult};

/// Rows of each direction on a page.
const ROWS: usize = 50;

#[derive(Debug, Template)]
#[template(path = "findings_changes.html")]
struct ChangesPage {
    layout: Layout,
    error: Option<QuestionError>,
    terms: Vec<Term>,
    /// The two instants.
    from: String,
    to: String,
    /// As they were typed.
    typed: (String, String),
    question: String,
    /// Findings that opened and closed.
    opened: u64,
    closed: u64,
    directions: [Direction; 2],
    csv: Link,
    /// Whether it is asked for as a part, because a past day had to be worked out.
    past_part: bool,
    /// The findings without dates.
    present: Link,
    pager: Pager,
}

/// What changed in one direction.
#[derive(Debug)]
struct Direction {
    id: &'static str,
    heading: &'static str,
    findings: u64,
    causes: Vec<(&'static str, u64)>,
    lines: Vec<Line>,
}

/// Findings of one vulnerability that changed for one cause.
#[derive(Debug)]
struct Line {
    link: Link,
    id: String,
    title: String,
    severity: Severity,
    cause: &'static str,
    findings: u64,
    assets: u64,
    examples: String,
}

/// The page, or its rows as CSV.
pub(super) async fn page(
    state: &Pages,
    visitor: &Visitor,
    file: bool,
    params: &Params,
    question: Question,
    (from, to): (Option<Millis>, Option<Millis>),
    held: Held,
) -> PageResult {
    let now = held.view.now;
    let from = from.ok_or_else(|| PageError::invalid("to needs from: the day since which to compare"))?;
    let until = to.unwrap_or(now);
    if until < from {
        return Err(PageError::invalid("from lies after to"));
    }
    let before = state.past.view(state, from).await?;
    let after = match to {
        Some(at) => state.past.view(state, at).await?,
        None => held.view.clone(),
    };
    let scope = visitor.principal().scope();
    let filter = question.filter.clone();
    let found = state.long_work(move || changes(&scope, &filter, &before, &after)).await?;
    if file {
        return Ok(download(found));
    }
    Ok(html(&fill(visitor, params, &question, (from, until), to.is_none().then_some(&held), found)))
}

fn fill(
    visitor: &Visitor,
    params: &Params,
    question: &Question,
    (from, to): (Millis, Millis),
    held: Option<&Held>,
    found: Changes,
) -> ChangesPage {
    let link = params.link().with("group", "").with("order", "");
    let here = asked(&link, &question.filter);
    let mut layout = visitor.layout("Changes", "/findings");
    layout.question = question.typed.clone();
    layout.good = question.text.clone();
    let paged = held.map_or_else(|| here.clone(), |held| held.stay(here.clone()));
    layout.data = Some(match held {
        Some(held) => held.data(&here),
        None => DataState { of: format_rfc3339(to), ..DataState::default() },
    });
    let total = found.opened.len().max(found.closed.len());
    let shown = total.saturating_sub(params.offset).min(ROWS);
    ChangesPage {
        layout,
        error: question.error.clone(),
        terms: question.terms(&link),
        from: format_rfc3339(from),
        to: format_rfc3339(to),
        typed: (params.from.trim().to_owned(), params.to.trim().to_owned()),
        question: question.text.clone(),
        opened: found.opened.iter().map(|row| row.findings).sum(),
        closed: found.closed.iter().map(|row| row.findings).sum(),
        directions: [
            direction(("opened", "Opened"), &found.opened, params.offset),
            direction(("closed", "Closed"), &found.closed, params.offset),
        ],
        csv: paged.clone().with("format", "csv"),
        past_part: params.part == Part::Past,
        present: here.clone().with("from", "").with("to", ""),
        pager: Pager::new(&paged, params.offset, ROWS, shown, total),
    }
}

fn direction((id, heading): (&'static str, &'static str), rows: &[Changed], offset: usize) -> Direction {
    let line = |row: &Changed| Line {
        link: link::vulnerability(&row.vulnerability),
        id: row.vulnerability.clone(),
        title: row.title.clone(),
        severity: row.severity,
        cause: row.cause.as_str(),
        findings: row.findings,
        assets: row.assets,
        examples: row.examples.join(", "),
    };
    Direction {
        id,
        heading,
        findings: rows.iter().map(|row| row.findings).sum(),
        causes: Changes::causes(rows).into_iter().map(|(cause, n)| (cause.as_str(), n)).collect(),
        lines: rows.iter().skip(offset).take(ROWS).map(line).collect(),
    }
}

const TITLES: &[&str] = &["change", "vulnerability", "title", "severity", "cause", "findings", "assets"];

fn download(found: Changes) -> Response {
    csv::answer("changes", TITLES, move |table| {
        for (word, rows) in [("opened", &found.opened), ("closed", &found.closed)] {
            for row in rows {
                table.row([
                    word.to_owned(),
                    row.vulnerability.clone(),
                    row.title.clone(),
                    row.severity.as_str().to_owned(),
                    row.cause.as_str().to_owned(),
                    row.findings.to_string(),
                    row.assets.to_string(),
                ])?;
            }
        }
        Ok(())
    })
}
