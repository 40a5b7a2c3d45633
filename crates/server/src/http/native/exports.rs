//! `/exports`: findings as files.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use parapet_service::exports::{ColumnChoice, ExportRequest, Format};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::params;
use super::{ApiError, ApiResult};
use crate::http::auth::Caller;
use crate::http::file;
use crate::http::state::AppState;

/// What to export.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportBody {
    /// Filter, such as `severity >= high and not excepted`.
    #[serde(rename = "where")]
    where_: Option<String>,
    /// `csv`, `jsonl`, `xlsx` or `parquet`.
    #[serde(default = "csv")]
    format: String,
    /// Columns in order; the default ones when empty.
    #[serde(default)]
    columns: Vec<String>,
    /// A past instant: RFC 3339 or a date.
    as_of: Option<String>,
    /// With `as_of`: judged by what is known today.
    #[serde(default)]
    hindsight: bool,
    /// Wrap the file in a ZIP.
    #[serde(default)]
    zip: bool,
    /// CSV for spreadsheet programs: byte order mark and CRLF.
    #[serde(default)]
    spreadsheet: bool,
    /// Also kernel packages that do not run where they lie.
    #[serde(default)]
    include_not_run_here: bool,
}

fn csv() -> String {
    "csv".to_owned()
}

/// An accepted export.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExportTicket {
    id: String,
    /// Rows it will have, exactly.
    rows: u64,
}

/// Where an export stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExportState {
    id: String,
    state: &'static str,
    error: Option<String>,
    rows_done: u64,
    rows_total: u64,
    file: Option<ExportFile>,
}

/// The finished file.
#[derive(Debug, Serialize, ToSchema)]
struct ExportFile {
    name: String,
    size: u64,
    sha256: String,
    /// Filter, log position, feed dates, coverage, columns.
    #[schema(value_type = Object)]
    provenance: Box<serde_json::value::RawValue>,
}

/// Asks for an export: 202, the job's id and the exact number of rows.
#[utoipa::path(post, path = "/api/v1/exports", request_body = ExportBody, tag = "exports",
    responses((status = 202, body = ExportTicket)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<ExportBody>,
) -> ApiResult<(StatusCode, Json<ExportTicket>)> {
    let format = Format::parse(&body.format)
        .ok_or_else(|| ApiError::invalid("format must be csv, jsonl, xlsx or parquet"))?;
    let request = ExportRequest {
        format,
        zip: body.zip,
        bom: body.spreadsheet,
        as_of: params::past(body.as_of.as_deref(), body.hindsight)?,
        include_not_run_here: body.include_not_run_here,
        columns: body
            .columns
            .into_iter()
            .map(|column| ColumnChoice { label: column.clone(), column })
            .collect(),
        ..ExportRequest::findings(params::filter(body.where_.as_deref())?)
    };
    let principal = caller.principal();
    let ticket = state.app.exports().request(principal, &principal.scope(), request).await?;
    Ok((StatusCode::ACCEPTED, Json(ExportTicket { id: ticket.job.to_string(), rows: ticket.rows })))
}

/// Where an export stands.
#[utoipa::path(get, path = "/api/v1/exports/{id}", params(("id" = String, Path)), tag = "exports",
    responses((status = 200, body = ExportState)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<Json<ExportState>> {
    let id = params::id(&id, "export")?;
    let task = state.app.exports().task(&caller.principal().scope(), id).await?;
    let task = task.ok_or_else(|| ApiError::not_found("export"))?;
    Ok(Json(ExportState {
        id: task.id.to_string(),
        state: task.state.as_str(),
        error: Some(task.error).filter(|e| !e.is_empty()),
        rows_done: task.done,
        rows_total: task.total,
        file: task.artifact.map(|artifact| ExportFile {
            name: artifact.file_name,
            size: artifact.size,
            sha256: artifact.sha256.hex(),
            provenance: artifact.provenance,
        }),
    }))
}

/// The file itself; byte ranges are answered.
#[utoipa::path(get, path = "/api/v1/exports/{id}/file", params(("id" = String, Path)), tag = "exports",
    responses((status = 200, description = "The file"), (status = 206, description = "A part of it")))]
pub(super) async fn file(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = params::id(&id, "export")?;
    let task = state.app.exports().task(&caller.principal().scope(), id).await?;
    let artifact = task.and_then(|task| task.artifact).ok_or_else(|| ApiError::not_found("file"))?;
    Ok(file::answer(&state.app, &artifact, &headers).await?)
}
