//! Exports of what was handled (contract 3): the pairs that are handled now, and everything that was
//! done.

use axum::Json;
use axum::body::Bytes;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::time::format_rfc3339;
use parapet_model::{AssetKind, Permission};
use parapet_service::exports::{ExportRequest, Format, RowKind};
use parapet_service::handling::Handled;
use serde_json::Value;

use super::super::body::Fields;
use super::super::call::{Allowed, Call};
use super::super::estate::{Estate, Wanted, addresses, private_ip, public_ip};
use super::super::query::missing;
use super::super::vulnerabilities::{
    Shown, WantedEntries, entries, filtered, handled_filter, status_of, type_of,
};
use super::super::{HssError, rows, words};
use super::create::{MAX_ROWS, Order, chosen, ordered, task};

fn headers(body: &Fields, name: &str) -> Result<Vec<(String, String)>, HssError> {
    let headers = body.headers(name)?;
    if headers.is_empty() { Err(missing(name)) } else { Ok(headers) }
}

/// `POST vulnerability/history/export-task`: the pairs of server and vulnerability handled now.
pub(in crate::http::hss) async fn pairs(call: Call, body: Bytes) -> Result<Json<Value>, HssError> {
    Ok(task(ordered(call, move |estate, _| order_of_pairs(estate, &Fields::read(&body)?)).await?))
}

fn order_of_pairs(estate: &Estate, body: &Fields) -> Result<Order, HssError> {
    let columns = chosen(headers(body, "export_headers")?, &[]);
    let limit = body.integer("export_size", 1..=MAX_ROWS)?.unwrap_or(MAX_ROWS);
    let mut wanted = Wanted::of(estate, AssetKind::Host);
    let cycle = body.word("handle_cycle", &["today", "all"])?;
    wanted.add(handled_filter(estate, cycle));
    if let Some(name) = body.text("vul_name", 0..=256)? {
        wanted.add(words::named(name));
    }
    if let Some(word) = body.word("repair_priority", &words::LEVELS)? {
        wanted.add(words::levels_filter(&[word]));
    }
    if let Some(name) = body.text("host_name", 0..=256)? {
        wanted.add(Filter::test(Field::Asset, Op::Contains, name));
    }
    if let Some(ip) = body.text("host_ip", 0..=128)? {
        wanted.add(estate.where_asset(AssetKind::Host, |host| addresses(host).any(|a| a.contains(ip))));
    }
    if body.boolean("is_affect_business")? == Some(true) {
        wanted.add(Filter::Nothing);
    }
    if let Some(word) = body.word("status", &words::STATUS)? {
        wanted.add(estate.status_filter(word));
    }
    if let Some(word) = body.word("asset_value", &words::ASSET_VALUES)? {
        wanted.add(Filter::test(Field::AssetValue, Op::Eq, word));
    }
    if let Some(label) = body.text("label", 0..=128)? {
        wanted.add(words::labels_filter(&[label]));
    }
    if let Some(word) = body.word("type", &words::TYPES)? {
        wanted.add(words::type_filter(word));
    }
    if let Some(name) = body.text("group_name", 0..=256)? {
        wanted.add(Filter::test(Field::Group, Op::Eq, name));
    }
    let mut named = Vec::new();
    for fields in body.objects("specific_vuls", 0..=10_000)? {
        let mut pair = Filter::All;
        for (name, field) in [("host_id", Field::AssetId), ("vul_id", Field::Vulnerability)] {
            if let Some(id) = fields.text(name, 1..=256)? {
                pair = pair.and(Filter::test(field, Op::Eq, id));
            }
        }
        named.push(pair);
    }
    if !named.is_empty() {
        wanted.add(Filter::Or(named));
    }
    let (rows, filter, name) =
        (RowKind::AssetVulnerability, wanted.finish(), "hss-vul-handled-en".to_owned());
    Ok(Order { rows, filter, columns, offset: 0, limit, name })
}

/// `POST vulnerability/handle-history/export-task`: everything that was done. This call names its
/// columns `export_header_list`.
pub(in crate::http::hss) async fn history(call: Call, body: Bytes) -> Result<Json<Value>, HssError> {
    let Allowed { state, principal, estate, .. } = call.allow(Permission::ExportsCreate).await?;
    let done = entries(&state, &principal, &estate).await?;
    let scope = estate.scope.clone();
    let order = estate.ask(move |estate| order_of_history(estate, &done, &Fields::read(&body)?)).await?;
    Ok(task(state.app.exports().request(&principal, &scope, order).await?))
}

fn order_of_history(estate: &Estate, done: &[Handled], body: &Fields) -> Result<ExportRequest, HssError> {
    let columns = chosen(headers(body, "export_header_list")?, &[]);
    let limit = body.integer("export_size", 1..=MAX_ROWS)?.unwrap_or(MAX_ROWS);
    let wanted = WantedEntries {
        status: body.word("status", &words::STATUS)?.into_iter().collect(),
        vulnerability: body.text("vul_id", 0..=256)?,
        kind: body.word("vul_type", &words::TYPES)?,
        asset_value: body.word("asset_value", &words::ASSET_VALUES)?,
        group: body.text("group_name", 0..=256)?,
        host_name: body.text("host_name", 0..=256)?,
        host_ip: body.text("host_ip", 0..=128)?,
        ..WantedEntries::default()
    };
    let shown = filtered(estate, done, &wanted);
    let row = |shown: &Shown<'_>| columns.iter().map(|choice| cell(&choice.column, shown)).collect();
    Ok(ExportRequest {
        rows: RowKind::Given,
        given: shown.iter().map(row).collect(),
        columns,
        limit: Some(limit.unsigned_abs()),
        format: Format::Csv,
        zip: true,
        bom: true,
        name: "hss-vul-history-en".to_owned(),
        ..ExportRequest::findings(Filter::All)
    })
}

/// A cell of the history: the fields that its list shows.
fn cell(column: &str, shown: &Shown<'_>) -> String {
    let (entry, host) = (shown.entry, shown.host);
    match column {
        "id" => entry.exception.simple().to_string(),
        "user_name" => entry.by.clone(),
        "type" | "handle_type" => type_of(entry.how).to_owned(),
        "status" => status_of(entry.how).to_owned(),
        "handle_time" => entry.at.to_string(),
        "handle_time_text" => format_rfc3339(entry.at),
        "description" | "remark" => entry.remark.clone(),
        "vul_id" => entry.vulnerability.clone(),
        "vul_name" => shown.name().to_owned(),
        "cve_list" => rows::joined(shown.vulnerability.into_iter().flat_map(rows::cves)),
        "host_id" => host.map(|host| host.uuid.to_string()).unwrap_or_default(),
        "host_name" => host.map(|host| host.name.clone()).unwrap_or_default(),
        "host_ip" => host.and_then(|host| addresses(host).next()).unwrap_or_default().to_owned(),
        "public_ip" => host.map_or("", public_ip).to_owned(),
        "private_ip" => host.map_or("", private_ip).to_owned(),
        "asset_value" => host.map_or("", rows::asset_value).to_owned(),
        "group_name" => host.map_or("", |host| &host.host_facts.group).to_owned(),
        _ => String::new(),
    }
}
