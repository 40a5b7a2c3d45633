//! Lists of vulnerabilities: of all servers, of one, by pair, and those that are exploited.

use axum::Json;
use parapet_model::AssetKind;
use parapet_model::filter::{Field, Filter, Op};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::call::{Call, Rows};
use super::super::estate::{Estate, Wanted};
use super::super::query::Page;
use super::super::{HssError, Query, rows, words};

/// `GET vulnerability/vulnerabilities`: a row per vulnerability, by id, as the export has them.
pub(super) async fn vulnerabilities(call: Call) -> Result<Json<Box<RawValue>>, HssError> {
    call.list_written(move |estate, query, page, list| {
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        let word = query.word("type", &words::TYPES_OF_LISTS)?.unwrap_or("linux_vul");
        wanted.add(words::type_filter(word));
        wanted.usual(query)?;
        let mut written = Ok(());
        let total = estate.vulnerabilities(&wanted.finish(), page.window(), |row| {
            if written.is_ok() {
                written = list.push(&rows::vulnerability(row));
            }
        });
        written.map(|()| total)
    })
    .await
}

/// `GET vulnerability/host/{host_id}`: the vulnerabilities of a server.
pub(super) async fn of_host(call: Call) -> Result<Json<Value>, HssError> {
    let host_id = call.path("host_id").to_owned();
    call.list(move |estate, query, page| {
        let host = estate.find(AssetKind::Host, &host_id).ok_or_else(|| HssError::not_found("host"))?;
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.add(Filter::test(Field::AssetId, Op::Eq, host.uuid.to_string()));
        let word = query.word("type", &words::TYPES)?.unwrap_or("linux_vul");
        wanted.add(words::type_filter(word));
        wanted.usual(query)?;
        let mut list = Vec::new();
        let total = estate.pairs(&wanted.finish(), page.window(), |row| list.push(rows::of_host(row)));
        Ok((total, list))
    })
    .await
}

/// `GET vulnerability/host-vulnerability/vulnerabilities`: a row per server and vulnerability.
pub(super) async fn pairs(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| Ok(page_of_pairs(estate, &filter_of_pairs(estate, query)?, page)))
        .await
}

fn filter_of_pairs(estate: &Estate, query: &Query) -> Result<Filter, HssError> {
    let mut wanted = Wanted::of(estate, AssetKind::Host);
    if let Some(word) = query.word("type", &words::TYPES)? {
        wanted.add(words::type_filter(word));
    }
    wanted.usual(query)?;
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
pub(super) fn page_of_pairs(estate: &Estate, filter: &Filter, page: Page) -> Rows {
    let mut list = Vec::new();
    let total = estate.pairs(filter, page.window(), |row| list.push(rows::pair(row)));
    (total, list)
}

/// `GET vulnerability/urgent-vulnerabilities`: those known to be exploited.
pub(super) async fn urgent(call: Call) -> Result<Json<Value>, HssError> {
    call.list(move |estate, query, page| {
        let mut wanted = Wanted::of(estate, AssetKind::Host);
        wanted.add(words::type_filter("urgent_vul"));
        wanted.name(query, 0)?;
        wanted.levels(query)?;
        wanted.handling(query)?;
        wanted.addresses(query)?;
        wanted.scanned(query)?;
        let mut list = Vec::new();
        let total = estate.vulnerabilities(&wanted.finish(), page.window(), |row| {
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
        Ok((total, list))
    })
    .await
}
