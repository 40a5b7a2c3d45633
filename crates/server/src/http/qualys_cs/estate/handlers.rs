//! The endpoints of images and containers.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use parapet_model::AssetNo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::link::{Here, cursor, read_cursor};
use super::order::Order;
use super::sheet::Sheet;
use super::vulns::VulnRow;
use super::{Estate, container, image, software, vulns};
use crate::http::auth::Caller;
use crate::http::qualys_cs::paging::{self, Page};
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::qql::table;
use crate::http::qualys_cs::{CsError, CsResult, body};
use crate::http::query::RawQuery;
use crate::http::state::AppState;

/// Entries of a bulk page when nothing is said, and at most.
const BULK: usize = 50;
const MAX_BULK: usize = 250;
/// Entries at most of a page list that is walked by cursor.
const MAX_WALK: usize = 1000;

fn parameters(uri: &Uri) -> CsResult<RawQuery> {
    RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)
}

fn flag(query: &RawQuery, name: &str, default: bool) -> CsResult<bool> {
    match query.text(name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(CsError::invalid(format!("{name} must be true or false"))),
    }
}

/// Works on the estate away from the threads that serve connections.
async fn ask<T: Send + 'static>(
    state: &AppState,
    caller: &Caller,
    work: impl FnOnce(&Estate) -> CsResult<T> + Send + 'static,
) -> CsResult<T> {
    let estate = Estate::now(state, caller).await?;
    tokio::task::spawn_blocking(move || work(&estate)).await.map_err(parapet_service::Error::from)?
}

fn row(estate: &Estate, subject: Subject, no: AssetNo) -> Option<Value> {
    let asset = estate.row(no)?;
    Some(match subject {
        Subject::Image => image::row(estate, asset),
        Subject::Container => container::row(estate, asset),
    })
}

/// `GET /images` and `GET /containers`. With `limit` or a cursor, and none of this list's own
/// parameters, it is walked in the bulk lists' order: so regscale asks, which follows the links to
/// the end.
pub(in crate::http::qualys_cs) async fn list(
    State(state): State<AppState>,
    subject: Subject,
    uri: Uri,
    headers: HeaderMap,
    caller: Caller,
) -> CsResult<Response> {
    let query = parameters(&uri)?;
    let here = Here::of(&uri, &headers);
    let given = |names: &[&str]| names.iter().any(|name| query.text(name).is_some());
    let walked = given(&["paginationQuery"])
        || given(&["limit"]) && !given(&["pageNumber", "pageNo", "pageSize", "sort"]);
    ask(&state, &caller, move |estate| match walked {
        true => walk(estate, subject, &query, &here, MAX_WALK, row),
        false => page(estate, subject, &query, &here),
    })
    .await
}

fn page(estate: &Estate, subject: Subject, query: &RawQuery, here: &Here) -> CsResult<Response> {
    let page = Page::of(query)?;
    let order = Order::of(query.text("sort"), subject)?;
    let numbers = estate.select(subject, query.text("filter"))?;
    let count = numbers.len() as usize;
    let shown = order.cut(estate, &numbers, page);
    let rows: Vec<Value> = shown.into_iter().filter_map(|no| row(estate, subject, no)).collect();
    let mut response = paging::listed(&rows, count);
    if let Some(next) = page.next(count) {
        let number = next.to_string();
        let more = [
            ("pageNumber", number.as_str()),
            ("filter", query.text("filter").unwrap_or_default()),
            ("sort", query.text("sort").unwrap_or_default()),
        ];
        response.headers_mut().insert(header::LINK, here.link(("pageSize", page.size), &more)?);
    }
    Ok(response)
}

/// `GET /images/list`, `/images/snow` and `GET /containers/list`.
pub(in crate::http::qualys_cs) async fn bulk(
    State(state): State<AppState>,
    subject: Subject,
    uri: Uri,
    headers: HeaderMap,
    caller: Caller,
) -> CsResult<Response> {
    let query = parameters(&uri)?;
    let here = Here::of(&uri, &headers);
    ask(&state, &caller, move |estate| {
        walk(estate, subject, &query, &here, MAX_BULK, |estate, subject, no| {
            let asset = estate.row(no)?;
            Some(match subject {
                Subject::Image => image::bulk_row(estate, asset),
                Subject::Container => container::bulk_row(estate, asset),
            })
        })
    })
    .await
}

/// The body of a stretch; written as it is, without a copy of so many rows.
#[derive(Serialize)]
struct Walked<R> {
    data: Vec<R>,
    count: u64,
}

/// One stretch of a list in the order of numbers, which no change of the data disturbs. An empty
/// answer has a body here: qualysdk fails on 204.
fn walk<'e, R: Serialize>(
    estate: &'e Estate,
    subject: Subject,
    query: &RawQuery,
    here: &Here,
    most: usize,
    row: impl Fn(&'e Estate, Subject, AssetNo) -> Option<R>,
) -> CsResult<Response> {
    let limit = match query.text("limit") {
        None => BULK,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| CsError::invalid(format!("limit must be 1 to {most}")))?,
    };
    let after = query.text("paginationQuery").map(read_cursor).transpose()?;
    let numbers = estate.select(subject, query.text("filter"))?;
    let behind = numbers.iter().filter(|no| after.is_none_or(|after| *no > after.0));
    let mut shown: Vec<AssetNo> = behind.take(limit + 1).map(AssetNo).collect();
    let more_follow = shown.len() > limit;
    shown.truncate(limit);
    let data: Vec<R> = shown.iter().filter_map(|&no| row(estate, subject, no)).collect();
    let mut response = Json(Walked { data, count: numbers.len() }).into_response();
    if let Some(last) = shown.last().filter(|_| more_follow) {
        let cursor = cursor(*last);
        let more =
            [("filter", query.text("filter").unwrap_or_default()), ("paginationQuery", cursor.as_str())];
        response.headers_mut().insert(header::LINK, here.link(("limit", limit), &more)?);
    }
    Ok(response)
}

/// `GET /images/{imageSha}` and `GET /containers/{containerSha}`.
pub(in crate::http::qualys_cs) async fn get(
    State(state): State<AppState>,
    subject: Subject,
    Path(name): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let details = ask(&state, &caller, move |estate| {
        let asset = estate.find(subject, &name)?;
        Ok(match subject {
            Subject::Image => image::details(estate, asset),
            Subject::Container => container::details(estate, asset),
        })
    });
    Ok(Json(details.await?))
}

/// `GET …/vuln`. A part that `type` does not ask for is left out: qualysdk fails on null.
pub(in crate::http::qualys_cs) async fn vulnerabilities(
    State(state): State<AppState>,
    subject: Subject,
    Path(name): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let query = parameters(&uri)?;
    let kind = query.text("type").unwrap_or("ALL").to_ascii_uppercase();
    let (details, summary) = match kind.as_str() {
        "ALL" => (true, true),
        "DETAILS" => (true, false),
        "SUMMARY" => (false, true),
        _ => return Err(CsError::invalid("type must be SUMMARY, DETAILS or ALL")),
    };
    let applied = flag(&query, "applyException", true)?;
    let drift_only = flag(&query, "isDrift", false)?;
    let answer = ask(&state, &caller, move |estate| {
        let asset = estate.find(subject, &name)?;
        let rows = vulns::rows(&Sheet::of(estate, subject, asset, !applied));
        let mut rows = table::select(rows, query.text("filter"), estate.now)?;
        rows.retain(|row| !drift_only || row.drift);
        vulns::sort(&mut rows, query.text("sort"))?;
        let mut answer = json!({});
        if summary {
            answer["vulnSummary"] = vulns::summary(&rows);
        }
        if details {
            let drift: Vec<&VulnRow<'_>> = rows.iter().filter(|row| row.drift).collect();
            answer["details"] = match subject {
                Subject::Image => json!(rows),
                Subject::Container => json!({"vulns": rows, "driftVulns": drift}),
            };
        }
        Ok(answer)
    });
    Ok(Json(answer.await?))
}

/// `GET …/vuln/count`: flat; for containers also under `data`, where qualysdk looks.
pub(in crate::http::qualys_cs) async fn vulnerability_count(
    State(state): State<AppState>,
    subject: Subject,
    Path(name): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let counts = ask(&state, &caller, move |estate| Ok(estate.counts(estate.find(subject, &name)?)));
    let counts = json!(counts.await?);
    let mut answer = counts.clone();
    if subject == Subject::Container {
        answer["data"] = counts;
    }
    Ok(Json(answer))
}

/// `GET …/software`: 200 also when there is none, since qualysdk fails on 204.
pub(in crate::http::qualys_cs) async fn software_list(
    State(state): State<AppState>,
    subject: Subject,
    Path(name): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let query = parameters(&uri)?;
    let drift_only = flag(&query, "isDrift", false)?;
    let answer = ask(&state, &caller, move |estate| {
        let asset = estate.find(subject, &name)?;
        let rows = software::rows(&Sheet::of(estate, subject, asset, false));
        let mut rows = table::select(rows, query.text("filter"), estate.now)?;
        rows.retain(|row| !drift_only || row.drift);
        software::sort(&mut rows, query.text("sort"))?;
        let mut answer = json!({
            "data": rows,
            "count": rows.len(),
            "softwareCountBySeverity": software::by_severity(rows.iter()),
        });
        if subject == Subject::Container {
            let drift = software::by_severity(rows.iter().filter(|row| row.drift));
            answer["driftSoftwareCountBySeverity"] = json!(drift);
            answer["driftSoftwareCountByDriftReason"] = json!({});
        }
        Ok(answer)
    });
    Ok(Json(answer.await?))
}

/// `GET /images/{imageSha}/association`: its containers. Hosts are known by their containers' word
/// only, which says nothing of counts.
pub(in crate::http::qualys_cs) async fn association(
    State(state): State<AppState>,
    Path(name): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let query = parameters(&uri)?;
    let answer = ask(&state, &caller, move |estate| {
        let image = estate.find(Subject::Image, &name)?;
        let wanted = estate.select(Subject::Container, query.text("filter"))?;
        let of_image = estate.snapshot.containers_of(&estate.scope, image.no);
        let rows = of_image.into_iter().filter(|container| wanted.contains(container.no.0));
        let (drifted, like): (Vec<_>, Vec<_>) = rows
            .map(|container| (container::has_drift(estate, container), container::row(estate, container)))
            .partition(|(drift, _)| *drift);
        let plain = |rows: Vec<(bool, Value)>| rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
        Ok(json!({"containers": plain(like), "driftContainers": plain(drifted), "hosts": []}))
    });
    Ok(Json(answer.await?))
}

/// `GET /images/{imageSha}/associatedRegistries`: where it is now, configured or not.
pub(in crate::http::qualys_cs) async fn registries(
    State(state): State<AppState>,
    Path(name): Path<String>,
    caller: Caller,
) -> CsResult<Response> {
    let rows = ask(&state, &caller, move |estate| {
        Ok(image::registries(estate, estate.find(Subject::Image, &name)?))
    });
    let rows = rows.await?;
    Ok(paging::listed(&rows, rows.len()))
}

/// What to delete, where it is not said in the query.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Deletion {
    #[serde(alias = "containerIds")]
    image_ids: Vec<String>,
    filter: Option<String>,
}

/// `DELETE /images` and `DELETE /containers`: ids or a filter, in the query or the body; the ids
/// count when both are given. All of them go, or none.
pub(in crate::http::qualys_cs) async fn delete(
    State(state): State<AppState>,
    subject: Subject,
    uri: Uri,
    caller: Caller,
    body: Bytes,
) -> CsResult<Response> {
    let query = parameters(&uri)?;
    let name = match subject {
        Subject::Image => "imageIds",
        Subject::Container => "containerIds",
    };
    let said: Deletion = if body.trim_ascii().is_empty() { Deletion::default() } else { body::read(&body)? };
    let mut ids: Vec<String> = query.all(name).flat_map(|text| text.split(',')).map(str::to_owned).collect();
    ids.extend(said.image_ids);
    let filter = query.text("filter").map(str::to_owned).or(said.filter);
    let filter = filter.filter(|text| !text.trim().is_empty());
    if ids.is_empty() && filter.is_none() {
        return Err(CsError::invalid(format!("{name} or filter is expected")));
    }
    let uuids = ask(&state, &caller, move |estate| match ids.is_empty() {
        true => estate.select_uuids(subject, filter.as_deref()),
        false => ids.iter().map(|id| Ok(estate.find(subject, id.trim())?.uuid)).collect(),
    });
    state.app.scans().delete_all(caller.principal(), &uuids.await?).await?;
    // The deletion is done when this is read.
    let answer = Json(json!({"deletionJobId": state.app.fresh_id()}));
    Ok((StatusCode::OK, answer).into_response())
}
