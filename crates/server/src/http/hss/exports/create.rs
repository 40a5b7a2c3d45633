//! `POST vul/export` and `POST image/local-vulnerability/export` (contract 2.1 and 2.2). Everything
//! is checked before a job is made.

use axum::Json;
use axum::body::Bytes;
use parapet_model::{Filter, Permission};
use parapet_service::exports::{ColumnChoice, ExportRequest, RowKind, Ticket};
use parapet_service::host_scans::Verifying;
use serde_json::{Value, json};

use super::super::body::Fields;
use super::super::call::{Allowed, Call};
use super::super::estate::Estate;
use super::super::query::missing;
use super::super::{HssError, Query};
use super::columns::{self, SHAPE};
use super::filters;

/// Largest `export_size` (2,147,483,647): no silent cap below what the type can say.
pub(in crate::http::hss) const MAX_ROWS: i64 = i32::MAX as i64;

/// An export that was checked.
pub(super) struct Order {
    pub(super) rows: RowKind,
    pub(super) filter: Filter,
    pub(super) columns: Vec<ColumnChoice>,
    pub(super) offset: i64,
    pub(super) limit: i64,
    /// Beginning of the file's name.
    pub(super) name: String,
}

/// Checks an order and makes its job.
pub(super) async fn ordered(
    call: Call,
    order: impl FnOnce(&Estate, &Query) -> Result<Order, HssError> + Send + 'static,
) -> Result<Ticket, HssError> {
    let Allowed { state, principal, estate, query } = call.allow(Permission::ExportsCreate).await?;
    let (scope, verifying) = (estate.scope.clone(), Verifying::clone(&estate.verifying));
    let order = estate.ask(move |estate| order(estate, &query)).await?;
    let request = ExportRequest {
        rows: order.rows,
        columns: order.columns,
        shape: SHAPE.to_owned(),
        offset: order.offset.unsigned_abs(),
        limit: Some(order.limit.unsigned_abs()),
        zip: true,
        bom: true,
        name: order.name,
        verifying,
        ..ExportRequest::findings(order.filter)
    };
    Ok(state.app.exports().request(&principal, &scope, request).await?)
}

/// What most exports answer.
pub(in crate::http::hss) fn task(ticket: Ticket) -> Json<Value> {
    Json(json!({"task_id": ticket.job.simple().to_string()}))
}

/// Vulnerabilities and the servers they affect.
pub(in crate::http::hss) async fn hosts(call: Call, body: Bytes) -> Result<Json<Value>, HssError> {
    Ok(task(ordered(call, move |estate, query| order_of_hosts(estate, query, &body)).await?))
}

fn order_of_hosts(estate: &Estate, query: &Query, body: &[u8]) -> Result<Order, HssError> {
    let category = query.required_word("category", &["vul", "host"])?;
    let export_size = export_size(query)?;
    let limit = query.integer("limit", 0..=MAX_ROWS)?.filter(|&limit| limit > 0);
    let offset = query.integer("offset", 0..=MAX_ROWS)?.unwrap_or(0);
    let body = Fields::read(body)?;
    let filter = filters::of_hosts(estate, query, &body)?;
    let (rows, defaults) = match category {
        "vul" => (RowKind::Vulnerability, columns::VULNERABILITY_DEFAULTS),
        _ => (RowKind::AssetVulnerability, columns::HOST_DEFAULTS),
    };
    let limit = limit.unwrap_or(export_size).min(export_size);
    let columns = chosen(body.headers("export_headers")?, defaults);
    Ok(Order { rows, filter, columns, offset, limit, name: format!("hss-vul-{category}-en") })
}

/// Vulnerabilities of local images.
pub(in crate::http::hss) async fn images(call: Call, body: Bytes) -> Result<Json<Value>, HssError> {
    let order = move |estate: &Estate, query: &Query| {
        let limit = export_size(query)?;
        let filter = filters::of_images(estate, &Fields::read(&body)?)?;
        let columns = chosen(Vec::new(), columns::IMAGE_DEFAULTS);
        let name = "hss-image-vul-en".to_owned();
        Ok(Order { rows: RowKind::AssetVulnerability, filter, columns, offset: 0, limit, name })
    };
    let ticket = ordered(call, order).await?;
    Ok(Json(json!({"record_total_num": ticket.rows, "task_id": ticket.job.simple().to_string()})))
}

fn export_size(query: &Query) -> Result<i64, HssError> {
    query.integer("export_size", 1..=MAX_ROWS)?.ok_or_else(|| missing("export_size"))
}

/// The chosen columns, or those that stand when none are. An unknown key keeps its column, with empty
/// cells: the layout of a script's file stays as it is.
pub(super) fn chosen(headers: Vec<(String, String)>, defaults: &[(&str, &str)]) -> Vec<ColumnChoice> {
    if !headers.is_empty() {
        return headers.into_iter().map(|(column, label)| ColumnChoice { column, label }).collect();
    }
    let column = |(c, l): &(&str, &str)| ColumnChoice { column: (*c).to_owned(), label: (*l).to_owned() };
    defaults.iter().map(column).collect()
}
