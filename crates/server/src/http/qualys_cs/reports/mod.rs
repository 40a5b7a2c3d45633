//! `/reports` (contract 6): asked for, listed, downloaded, deleted, and made by schedules.

mod request;
mod row;
mod schedules;
mod shape;
mod templates;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use parapet_model::Permission;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Body;
use super::listing::Listing;
use super::paging;
use super::{CsError, CsResult, id};
use crate::http::auth::Caller;
use crate::http::file;
use crate::http::query::RawQuery;
use crate::http::route::{Access, Family, Table};
use crate::http::state::AppState;
use request::ReportRequest;
use row::ReportRow;
pub(crate) use shape::{CsShape, SHAPE};

/// Rows of a report that its details show.
const SHOWN: usize = 1_000;

/// Rows of the route table. Whoever may export may have reports.
pub(crate) fn report_routes() -> Table {
    const ALL: &str = "/csapi/v1.3/reports";
    const ONE: &str = "/csapi/v1.3/reports/{reportUuid}";
    const SCHEDULES: &str = "/csapi/v1.3/reports/schedule";
    const SCHEDULE: &str = "/csapi/v1.3/reports/schedule/{reportingScheduleId}";
    let export = Access::Right(Permission::ExportsCreate);
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    Table::new(Family::QualysCs)
        .add(get.clone(), ALL, export, list)
        .add(post.clone(), ALL, export, create)
        .add(delete.clone(), ALL, export, delete_many)
        .add(get.clone(), ONE, export, details)
        .add(get.clone(), "/csapi/v1.3/reports/{reportUuid}/download", export, download)
        .add(get.clone(), SCHEDULES, export, schedules::list)
        .add(post, SCHEDULES, export, schedules::create)
        .add(delete.clone(), SCHEDULES, export, schedules::delete_many)
        .add(get, SCHEDULE, export, schedules::get)
        .add(put, SCHEDULE, export, schedules::update)
        .add(delete, SCHEDULE, export, schedules::delete)
}

fn query(uri: &Uri) -> CsResult<RawQuery> {
    RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)
}

/// The ids that a bulk call names, repeated or with commas between.
fn named(query: &RawQuery, parameter: &str, what: &str) -> CsResult<Vec<Uuid>> {
    let texts = query.all(parameter).flat_map(|text| text.split(',')).map(str::trim);
    let ids = texts.filter(|text| !text.is_empty()).map(|text| id(text, what));
    let ids = ids.collect::<CsResult<Vec<_>>>()?;
    if ids.is_empty() { Err(CsError::invalid(format!("{parameter} is expected"))) } else { Ok(ids) }
}

/// `POST /reports`.
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<ReportRequest>,
) -> CsResult<Json<Value>> {
    let settings = request.read(None)?;
    let report = state.app.reports().create(caller.principal(), &settings).await?;
    Ok(Json(json!({"reportUuid": report})))
}

/// `GET /reports`.
async fn list(State(state): State<AppState>, uri: Uri, caller: Caller) -> CsResult<Response> {
    let listing = Listing::of(&uri, state.app.now())?;
    let reports = state.app.reports().list(caller.principal()).await?;
    let rows: Vec<ReportRow> = reports.iter().map(Into::into).collect();
    let (rows, count) = listing.sorted(rows, "status:desc", &ReportRow::KEYS)?;
    Ok(paging::listed(&rows, count))
}

/// `GET /reports/{reportUuid}`: the row, and as `vulnerabilities` the first rows of the file; null
/// while there is none.
async fn details(
    State(state): State<AppState>,
    Path(report): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let report = id(&report, "report")?;
    let view = state.app.reports().get(caller.principal(), report).await?;
    let rows = state.app.reports().rows(caller.principal(), report, SHOWN).await?;
    let mut body = serde_json::to_value(ReportRow::from(&view)).map_err(parapet_service::Error::internal)?;
    body["vulnerabilities"] = json!(rows.map(|rows| rows.iter().map(|row| typed(row)).collect::<Vec<_>>()));
    Ok(Json(body))
}

/// A row of the file with numbers and lists as the lists of vulnerabilities have them.
fn typed(row: &[(String, String)]) -> Value {
    let cell = |(column, text): &(String, String)| {
        let value = match column.as_str() {
            "qid" | "severity" | "imageCount" => {
                text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
            }
            "cveids" => text.split(',').filter(|id| !id.is_empty()).collect(),
            _ if text.is_empty() => Value::Null,
            _ => json!(text),
        };
        (column.clone(), value)
    };
    Value::Object(row.iter().map(cell).collect())
}

/// `GET /reports/{reportUuid}/download`: the file, or a range of it.
async fn download(
    State(state): State<AppState>,
    Path(report): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> CsResult<Response> {
    let artifact = state.app.reports().file(caller.principal(), id(&report, "report")?).await?;
    Ok(file::answer(&state.app, &artifact, &headers).await?)
}

/// `DELETE /reports?reportUuids=…`: all of them, or none.
async fn delete_many(State(state): State<AppState>, uri: Uri, caller: Caller) -> CsResult<Json<Value>> {
    let ids = named(&query(&uri)?, "reportUuids", "report")?;
    state.app.reports().delete(caller.principal(), &ids).await?;
    Ok(Json(json!({"reportUuids": ids})))
}
