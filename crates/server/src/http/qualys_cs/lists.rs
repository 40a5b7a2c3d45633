//! `/list`: lists of vulnerabilities. The publisher has no public API for them (contract 2.8), so
//! this one is ours, in the style of the rest.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use parapet_service::lists::NewList;
use parapet_store::lists::VulnerabilityList;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Body;
use super::listing::Listing;
use super::paging;
use super::qql::table::{Cell, TableRow};
use super::{CsError, CsResult, id, millis};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Lists of one project that are looked at; far above what people keep.
const MAX_LISTS: u32 = 10_000;

/// A list as it is asked for: QIDs, CVEs or both.
#[derive(Debug, Deserialize)]
pub(super) struct ListRequest {
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    qids: Vec<Qid>,
    #[serde(default)]
    cveids: Vec<String>,
}

/// A QID as number or text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Qid {
    Number(u64),
    Text(String),
}

impl ListRequest {
    fn read(self) -> CsResult<NewList> {
        if self.kind.as_deref().is_some_and(|kind| kind != "VULNERABILITY") {
            return Err(CsError::invalid("type must be VULNERABILITY"));
        }
        let name = self.name.filter(|name| !name.trim().is_empty());
        let qids = self.qids.into_iter().map(|qid| match qid {
            Qid::Number(qid) => Ok(qid.to_string()),
            Qid::Text(text) if text.trim().parse::<u64>().is_ok() => Ok(text),
            Qid::Text(text) => Err(CsError::invalid(format!("{text:?} is no QID"))),
        });
        Ok(NewList {
            name: name.ok_or_else(|| CsError::invalid("name is mandatory"))?,
            description: self.description.unwrap_or_default(),
            entries: qids.chain(self.cveids.into_iter().map(Ok)).collect::<CsResult<_>>()?,
        })
    }
}

/// A list on its way out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListBody {
    list_id: Uuid,
    name: String,
    description: String,
    #[serde(rename = "type")]
    kind: &'static str,
    qids: Vec<u64>,
    cveids: Vec<String>,
    created_by: String,
    created: Option<String>,
    updated: Option<String>,
}

impl From<VulnerabilityList> for ListBody {
    fn from(list: VulnerabilityList) -> Self {
        let given = list.settings.entries.into_iter().map(|entry| entry.given);
        let (qids, cveids): (Vec<String>, Vec<String>) = given.partition(|text| text.parse::<u64>().is_ok());
        Self {
            list_id: list.uuid,
            name: list.settings.name,
            description: list.settings.description,
            kind: "VULNERABILITY",
            qids: qids.iter().filter_map(|text| text.parse().ok()).collect(),
            cveids,
            created_by: list.created_by,
            created: millis(list.created),
            updated: millis(list.updated),
        }
    }
}

impl TableRow for ListBody {
    const TOKENS: &'static [&'static str] = &["name", "listId", "createdBy"];

    fn cells(&self, token: &str) -> Vec<Cell> {
        vec![match token {
            "name" => self.name.as_str().into(),
            "listId" => Cell::Text(self.list_id.to_string()),
            _ => self.created_by.as_str().into(),
        }]
    }
}

/// `GET /list`.
pub(super) async fn list(State(state): State<AppState>, uri: Uri, caller: Caller) -> CsResult<Response> {
    let listing = Listing::of(&uri, state.app.now())?;
    let all = state.app.lists().list(caller.principal(), 0, MAX_LISTS).await?;
    let rows: Vec<ListBody> = all.into_iter().map(Into::into).collect();
    let (rows, count) = listing.page(rows)?;
    Ok(paging::listed(&rows, count))
}

/// `POST /list`.
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<ListRequest>,
) -> CsResult<Json<Value>> {
    let list = state.app.lists().create(caller.principal(), &request.read()?).await?;
    Ok(Json(json!({"listId": list.uuid})))
}

/// `GET /list/{listId}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(list): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let list = state.app.lists().get(caller.principal(), id(&list, "list")?).await?;
    Ok(Json(serde_json::to_value(ListBody::from(list)).map_err(parapet_service::Error::internal)?))
}

/// `PUT /list/{listId}`: exceptions that use it follow at once.
pub(super) async fn update(
    State(state): State<AppState>,
    Path(list): Path<String>,
    caller: Caller,
    Body(request): Body<ListRequest>,
) -> CsResult<Json<Value>> {
    let list = state.app.lists().update(caller.principal(), id(&list, "list")?, &request.read()?).await?;
    Ok(Json(json!({"listId": list.uuid})))
}

/// `DELETE /list/{listId}`: 412 while an exception uses it.
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(list): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let list = id(&list, "list")?;
    state.app.lists().delete(caller.principal(), list).await?;
    Ok(Json(json!({"listId": list})))
}
