//! `POST vul/export` and `POST image/local-vulnerability/export` (contract 2.1 and 2.2).

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use parapet_model::{Filter, Permission};
use parapet_service::exports::{ColumnChoice, ExportRequest, RowKind};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::columns::{self, SHAPE};
use super::filters::{self, HostExportBody, ImageExportBody};
use super::{HssError, Query, enterprise_scope, in_project};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Largest `export_size` (2,147,483,647): no silent cap below what the type can say.
const MAX_ROWS: i64 = i32::MAX as i64;

/// Vulnerabilities and the servers they affect.
pub(super) async fn hosts(
    State(state): State<AppState>,
    Path(project_id): Path<String>,
    caller: Caller,
    query: Query,
    body: Bytes,
) -> Result<Json<Value>, HssError> {
    let principal = in_project(&state, &caller, &project_id, Permission::ExportsCreate).await?;
    let scope = enterprise_scope(&state, &principal, &query).await?;
    let category = query
        .word("category", &["vul", "host"])?
        .ok_or_else(|| HssError::invalid("category is missing".to_owned()))?;
    let export_size = export_size(&query)?;
    let limit = query.integer("limit", 0..=MAX_ROWS)?.filter(|&limit| limit > 0);
    let offset = query.integer("offset", 0..=MAX_ROWS)?.unwrap_or(0);
    let body: HostExportBody = parse_body(&body)?;
    let filter = filters::of_host_export(&query, &body)?;
    let (rows, defaults) = match category {
        "vul" => (RowKind::Vulnerability, columns::VULNERABILITY_DEFAULTS),
        _ => (RowKind::AssetVulnerability, columns::HOST_DEFAULTS),
    };
    let columns = match body.export_headers {
        Some(headers) if !headers.is_empty() => headers.into_iter().map(column).collect::<Result<_, _>>()?,
        _ => default_columns(defaults),
    };
    let request = request(filter, rows, columns, offset, limit.unwrap_or(export_size).min(export_size));
    let request = ExportRequest { name: format!("hss-vul-{category}-en"), ..request };
    let ticket = state.app.exports().request(&principal, &scope, request).await?;
    Ok(Json(json!({"task_id": ticket.job.simple().to_string()})))
}

/// Vulnerabilities of local images.
pub(super) async fn images(
    State(state): State<AppState>,
    Path(project_id): Path<String>,
    caller: Caller,
    query: Query,
    body: Bytes,
) -> Result<Json<Value>, HssError> {
    let principal = in_project(&state, &caller, &project_id, Permission::ExportsCreate).await?;
    let scope = enterprise_scope(&state, &principal, &query).await?;
    let export_size = export_size(&query)?;
    let body: ImageExportBody = parse_body(&body)?;
    let filter = filters::of_image_export(&body)?;
    let columns = default_columns(columns::IMAGE_DEFAULTS);
    let request = request(filter, RowKind::AssetVulnerability, columns, 0, export_size);
    let request = ExportRequest { name: "hss-image-vul-en".to_owned(), ..request };
    let ticket = state.app.exports().request(&principal, &scope, request).await?;
    Ok(Json(json!({"record_total_num": ticket.rows, "task_id": ticket.job.simple().to_string()})))
}

fn export_size(query: &Query) -> Result<i64, HssError> {
    query
        .integer("export_size", 1..=MAX_ROWS)?
        .ok_or_else(|| HssError::invalid("export_size is missing".to_owned()))
}

/// A missing body counts as an empty object; the SDK sends `Content-Length: 0` then.
fn parse_body<T: DeserializeOwned + Default>(body: &Bytes) -> Result<T, HssError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    serde_json::from_slice(body)
        .map_err(|e| HssError::unparsable(format!("The body could not be parsed: {e}")))
}

/// One pair of `export_headers` (contract 2.4). An unknown key keeps its column, with empty cells.
fn column(pair: Vec<String>) -> Result<ColumnChoice, HssError> {
    let [column, label]: [String; 2] = pair
        .try_into()
        .map_err(|_| HssError::invalid("export_headers takes pairs of field and label".to_owned()))?;
    if column.len() > 256 || label.len() > 1024 {
        return Err(HssError::invalid("an export header is too long".to_owned()));
    }
    Ok(ColumnChoice { column, label })
}

fn default_columns(defaults: &[(&str, &str)]) -> Vec<ColumnChoice> {
    defaults.iter().map(|(c, l)| ColumnChoice { column: (*c).to_owned(), label: (*l).to_owned() }).collect()
}

fn request(
    filter: Filter,
    rows: RowKind,
    columns: Vec<ColumnChoice>,
    offset: i64,
    limit: i64,
) -> ExportRequest {
    ExportRequest {
        rows,
        columns,
        shape: SHAPE.to_owned(),
        offset: offset.unsigned_abs(),
        limit: Some(limit.unsigned_abs()),
        zip: true,
        bom: true,
        ..ExportRequest::findings(filter)
    }
}
