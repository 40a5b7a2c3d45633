//! `/exports/new`: what the file is to hold, with its rows known beforehand.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use parapet_export::Column;
use parapet_model::Filter;
use parapet_model::time::parse_instant;
use parapet_service::exports::{ColumnChoice, ExportRequest, Format};
use parapet_service::{Error, PastInstant};
use serde::Deserialize;

use super::view::New;
use crate::PageResult;
use crate::link::Link;
use crate::question::Question;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::refused;

/// Longest time for which a file is kept.
const MOST_DAYS: u16 = 365;

/// The state of the form.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(rename = "where", default)]
    where_: String,
    /// `1` with the rows counted, which takes a moment.
    #[serde(default)]
    rows: String,
}

/// The empty form.
pub(crate) async fn form(
    State(state): State<Pages>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> PageResult {
    let question = Question::read(&params.where_, "");
    let mut page = new(&visitor, &question, &Form::default());
    if params.rows == "1" && question.error.is_none() {
        let request = ExportRequest::findings(question.filter);
        let counted = state.app.exports().rows(visitor.principal(), request).await;
        page.rows = Some(counted?);
    }
    Ok(html(&page))
}

/// Asks for the export.
pub(crate) async fn create(State(state): State<Pages>, visitor: Visitor, form: Form) -> PageResult {
    let question = Question::read(form.text("where"), "");
    let mut page = new(&visitor, &question, &form);
    let as_of = match form.text("as_of") {
        "" => None,
        text => match parse_instant(text) {
            Some(at) => Some(PastInstant { at, hindsight: form.is_set("hindsight") }),
            None => {
                page.as_of_error =
                    "Write a day such as 2026-11-02, or an instant such as 2026-11-02T10:00:00Z.".to_owned();
                None
            }
        },
    };
    let keep_days = page.keep_days.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    if keep_days.is_none() {
        page.keep_days_error = format!("1 to {MOST_DAYS} days.");
    }
    let format = Format::parse(form.text("format"));
    if format.is_none() {
        page.problem = "Choose a format.".to_owned();
    }
    let (Some(format), Some(keep_days), None, true) =
        (format, keep_days, &question.error, page.as_of_error.is_empty())
    else {
        return Ok(refused(&page, StatusCode::BAD_REQUEST));
    };
    let request = ExportRequest {
        format,
        zip: page.zip,
        bom: page.spreadsheet,
        as_of,
        include_not_run_here: page.kernels,
        keep_days,
        columns: form
            .all("columns")
            .map(|column| ColumnChoice { column: column.to_owned(), label: column.to_owned() })
            .collect(),
        ..ExportRequest::findings(question.filter.clone())
    };
    let who = visitor.principal();
    match state.app.exports().request(who, &who.scope(), request).await {
        Ok(_) => Ok(Redirect::to("/exports").into_response()),
        Err(Error::Invalid(why)) => {
            page.problem = why;
            Ok(refused(&page, StatusCode::BAD_REQUEST))
        }
        Err(error) => Err(crate::PageError::from(error).to(&visitor)),
    }
}

/// The form with what was typed so far; columns and format as usual when nothing was.
fn new(visitor: &Visitor, question: &Question, form: &Form) -> New {
    let typed = form.is_set("where") || form.is_set("format");
    let chosen: Vec<&str> = form.all("columns").collect();
    let is_chosen = |column: &Column| match typed {
        true => chosen.contains(&column.as_str()),
        false => Column::DEFAULT.contains(column),
    };
    // Chosen ones come in the order in which they are written.
    let rest = Column::ALL.iter().filter(|column| !Column::DEFAULT.contains(column));
    let columns = Column::DEFAULT.iter().chain(rest);
    let format = |format: Format| {
        let what = match format {
            Format::Csv => "a table for any program",
            Format::Jsonl => "a JSON object per line, for scripts",
            Format::Xlsx => "a workbook",
            Format::Parquet => "columns, for analysis",
        };
        let asked = form.text("format");
        let chosen = if asked.is_empty() { format == Format::Csv } else { format.as_str() == asked };
        (format.as_str(), what, chosen)
    };
    let mut layout = visitor.layout("New export", "/exports");
    layout.question.clone_from(&question.typed);
    layout.good.clone_from(&question.text);
    New {
        layout,
        question: question.typed.clone(),
        error: question.error.clone(),
        rows: None,
        count: Link::to("/exports/new").with("where", question.text.clone()).with("rows", "1"),
        formats: Format::ALL.into_iter().map(format).collect(),
        columns: columns.map(|column| (column.as_str(), column.help(), is_chosen(column))).collect(),
        as_of: form.text("as_of").to_owned(),
        as_of_error: String::new(),
        hindsight: form.is_set("hindsight"),
        keep_days: match form.text("keep_days") {
            "" => ExportRequest::findings(Filter::All).keep_days.to_string(),
            typed => typed.to_owned(),
        },
        keep_days_error: String::new(),
        zip: form.is_set("zip"),
        spreadsheet: form.is_set("spreadsheet"),
        kernels: form.is_set("kernels"),
        problem: String::new(),
    }
}
