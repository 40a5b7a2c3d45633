//! The endpoints of images and containers.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use parapet_model::AssetNo;
use parapet_model::facts::AssetRow;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::link::Here;
use super::order::Order;
use super::severity::SeverityCounts;
use super::sheet::Sheet;
use super::stretch::walk;
use super::vulns::VulnRow;
use super::{Estate, container, image, software, vulns};
use crate::http::auth::Caller;
use crate::http::qualys_cs::paging::{self, Page};
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::qql::table;
use crate::http::qualys_cs::{CsError, CsResult, body};
use crate::http::query::RawQuery;
use crate::http::state::AppState;

/// Entries at most of a bulk page.
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
    state.turns.work(move || work(&estate)).await?
}

/// A row of a page list.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Row<I, C> {
    Image(I),
    Container(C),
}

/// The rows of these, with their numbers of vulnerabilities.
fn rows<'e>(estate: &'e Estate, subject: Subject, numbers: &[AssetNo]) -> Vec<impl Serialize + use<'e>> {
    let counted = numbers.iter().zip(estate.counts(numbers));
    let row = |(no, counts): (&AssetNo, SeverityCounts)| {
        let asset = estate.row(*no)?;
        Some(match subject {
            Subject::Image => Row::Image(image::row(estate, asset, counts)),
            Subject::Container => Row::Container(container::row(estate, asset, counts)),
        })
    };
    counted.filter_map(row).collect()
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
        true => walk(estate, subject, &query, &here, MAX_WALK, |estate, numbers, body| {
            numbers.iter().zip(rows(estate, subject, numbers)).try_for_each(|(no, row)| {
                body.add(*no, &row)?;
                Ok(())
            })
        }),
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
    let mut response = paging::listed(&rows(estate, subject, &shown), count);
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
        walk(estate, subject, &query, &here, MAX_BULK, |estate, numbers, body| {
            for asset in numbers.iter().filter_map(|no| estate.row(*no)) {
                let goes_on = match subject {
                    Subject::Image => body.add(asset.no, &image::bulk_row(estate, asset))?,
                    Subject::Container => body.add(asset.no, &container::bulk_row(estate, asset))?,
                };
                if !goes_on {
                    break;
                }
            }
            Ok(())
        })
    })
    .await
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
    let counts = ask(&state, &caller, move |estate| {
        let asset = estate.find(subject, &name)?;
        Ok(estate.counts(&[asset.no]).next().unwrap_or_default())
    });
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
        let of_image = of_image.into_iter().filter(|container| wanted.contains(container.no.0));
        let (drifted, like): (Vec<_>, Vec<_>) =
            of_image.partition(|container| container::has_drift(estate, container));
        let shown = |list: Vec<&AssetRow>| {
            let numbers: Vec<AssetNo> = list.into_iter().map(|container| container.no).collect();
            rows(estate, Subject::Container, &numbers)
        };
        Ok(json!({"containers": shown(like), "driftContainers": shown(drifted), "hosts": []}))
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
