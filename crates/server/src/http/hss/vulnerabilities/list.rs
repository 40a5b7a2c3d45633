//! Lists of vulnerabilities: of all servers, of one, by pair, and those that are exploited.

use axum::Json;
use axum::extract::{Path, State};
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{AssetKind, Permission};
use serde_json::{Value, json};

use super::super::estate::{Estate, Wanted};
use super::super::{HssError, Query, enterprise_scope, in_project, rows, words};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// What the caller sees in a project of a call that reads findings.
pub(in crate::http::hss) async fn readable(
    state: &AppState,
    caller: &Caller,
    project_id: &str,
    query: &Query,
) -> Result<Estate, HssError> {
    let principal = in_project(state, caller, project_id, Permission::FindingsRead).await?;
    Ok(Estate::now(state, enterprise_scope(state, &principal, query).await?))
}

/// `GET vulnerability/vulnerabilities`: a row per vulnerability, by id, as the export has them.
pub(super) async fn vulnerabilities(
    State(state): State<AppState>,
    Path(project_id): Path<String>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, HssError> {
    let estate = readable(&state, &caller, &project_id, &query).await?;
    let answer = estate.ask(move |estate| {
        let page = query.page()?;
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        let word = query.word("type", &words::TYPES_OF_LISTS)?.unwrap_or("linux_vul");
        wanted.add(words::type_filter(word));
        wanted.ids(&query, 0)?;
        wanted.name(&query, 0)?;
        wanted.levels(&query)?;
        wanted.labels(&query, 0)?;
        wanted.handling(&query)?;
        wanted.hosts(&query, 0)?;
        let (mut total, mut list) = (0, Vec::new());
        estate.vulnerabilities(&wanted.finish(), |row| {
            if total >= page.offset && list.len() < page.limit {
                list.push(rows::vulnerability(row));
            }
            total += 1;
        });
        Ok(json!({"total_num": total, "data_list": list}))
    });
    Ok(Json(answer.await?))
}

/// `GET vulnerability/host/{host_id}`: the vulnerabilities of a server.
pub(super) async fn of_host(
    State(state): State<AppState>,
    Path((project_id, host_id)): Path<(String, String)>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, HssError> {
    let estate = readable(&state, &caller, &project_id, &query).await?;
    let answer = estate.ask(move |estate| {
        let page = query.page()?;
        let host = estate.find(AssetKind::Host, &host_id).ok_or_else(|| HssError::not_found("host"))?;
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.add(Filter::test(Field::AssetId, Op::Eq, host.uuid.to_string()));
        let word = query.word("type", &words::TYPES)?.unwrap_or("linux_vul");
        wanted.add(words::type_filter(word));
        wanted.ids(&query, 0)?;
        wanted.name(&query, 0)?;
        wanted.levels(&query)?;
        wanted.labels(&query, 0)?;
        wanted.handling(&query)?;
        wanted.hosts(&query, 0)?;
        let mut list = Vec::new();
        estate.pairs(&wanted.finish(), |row| list.push(rows::of_host(row)));
        let (total, list) = page.cut(list);
        Ok(json!({"total_num": total, "data_list": list}))
    });
    Ok(Json(answer.await?))
}

/// `GET vulnerability/host-vulnerability/vulnerabilities`: a row per server and vulnerability.
pub(super) async fn pairs(
    State(state): State<AppState>,
    Path(project_id): Path<String>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, HssError> {
    let estate = readable(&state, &caller, &project_id, &query).await?;
    let answer = estate.ask(move |estate| {
        let filter = filter_of_pairs(estate, &query)?;
        page_of_pairs(estate, &query, &filter)
    });
    Ok(Json(answer.await?))
}

fn filter_of_pairs(estate: &Estate, query: &Query) -> Result<Filter, HssError> {
    let mut wanted = Wanted::of(estate, AssetKind::Host);
    if let Some(word) = query.word("type", &words::TYPES)? {
        wanted.add(words::type_filter(word));
    }
    wanted.ids(query, 0)?;
    wanted.name(query, 0)?;
    wanted.levels(query)?;
    wanted.labels(query, 0)?;
    wanted.handling(query)?;
    wanted.hosts(query, 0)?;
    wanted.addresses(query)?;
    match query.word("repair_type", &["need_urgent_repair", "unrepair"])? {
        Some("need_urgent_repair") => {
            wanted.add(urgent_repair());
            wanted.add(words::handled("unhandled"));
        }
        Some(_) => wanted.add(words::handled("unhandled")),
        None => {}
    }
    Ok(wanted.finish())
}

/// What needs repair at once: known to be exploited, or critical.
pub(super) fn urgent_repair() -> Filter {
    Filter::Or(vec![Filter::test(Field::Kev, Op::Eq, true), words::levels_filter(&["Critical"])])
}

/// A page of pairs of server and vulnerability.
pub(super) fn page_of_pairs(estate: &Estate, query: &Query, filter: &Filter) -> Result<Value, HssError> {
    let page = query.page()?;
    let (mut total, mut list) = (0, Vec::new());
    estate.pairs(filter, |row| {
        if total >= page.offset && list.len() < page.limit {
            list.push(rows::pair(row));
        }
        total += 1;
    });
    Ok(json!({"total_num": total, "data_list": list}))
}

/// `GET vulnerability/urgent-vulnerabilities`: those known to be exploited.
pub(super) async fn urgent(
    State(state): State<AppState>,
    Path(project_id): Path<String>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, HssError> {
    let estate = readable(&state, &caller, &project_id, &query).await?;
    let answer = estate.ask(move |estate| {
        let page = query.page()?;
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.add(words::type_filter("urgent_vul"));
        wanted.name(&query, 0)?;
        wanted.levels(&query)?;
        wanted.handling(&query)?;
        wanted.addresses(&query)?;
        wanted.scanned(&query)?;
        let mut list = Vec::new();
        estate.vulnerabilities(&wanted.finish(), |row| {
            let v = row.vulnerability;
            list.push(json!({
                "vul_name": rows::name(v),
                "vul_id": v.id,
                "label_list": rows::labels(row).collect::<Vec<_>>(),
                "hosts_num": rows::hosts_by_value(row),
                "scan_time": row.last_found,
                "publish_time": v.published,
                "solution_detail": rows::solution(row),
                "description": rows::name(v),
                // Every server is judged anew whenever advisories or packages change.
                "scan_status": "finished",
                "severity_level": words::level_of(row.severity),
                "scanning_host_num": 0,
                "success_host_num": row.assets.len(),
                "failed_host_num": 0,
            }));
        });
        let (total, list) = page.cut(list);
        Ok(json!({"total_num": total, "data_list": list}))
    });
    Ok(Json(answer.await?))
}
