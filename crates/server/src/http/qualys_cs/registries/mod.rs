//! `/registry`: where images are read from (contract 3.1 to 3.4).

mod request;

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use parapet_service::registries::{Holdings, ImageCounts};
use parapet_service::schedules::Standing;
use parapet_store::connectors::Cloud;
use parapet_store::registries::{Registry, RegistryKind};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::body::{self, Body};
use super::listing::Listing;
use super::paging;
use super::qql::table::{Cell, TableRow};
use super::sorting::Key;
use super::{CsError, CsResult, id, millis};
use crate::http::auth::Caller;
use crate::http::query::RawQuery;
use crate::http::state::AppState;
pub(super) use request::kind_of;
use request::{RegistryRequest, kind_word};

/// Registries of one project that are looked at; far above what people keep.
const MAX_REGISTRIES: u32 = 10_000;

/// What registries are sorted by. Numbers grow with time.
const KEYS: [Key<Registry>; 4] = [
    ("created", |a, b| a.no.cmp(&b.no)),
    ("updated", |a, b| a.updated.cmp(&b.updated)),
    ("registryName", |a, b| a.settings.name.cmp(&b.settings.name)),
    ("registryUri", |a, b| a.settings.endpoint.cmp(&b.settings.endpoint)),
];

/// A row of the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RegistryRow {
    registry_uuid: Uuid,
    registry_name: String,
    registry_uri: String,
    registry_type: &'static str,
    provider_type: Option<&'static str>,
    created: Option<String>,
    updated: Option<String>,
    last_scanned: Option<String>,
    repo_count: usize,
    total_images: u64,
    total_scanned_images: u64,
    total_vulnerable_images: u64,
    schedule_status_list: Map<String, Value>,
    aws_account_id: Option<String>,
    aws_region: Option<String>,
    docker_hub_org: Option<String>,
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

impl RegistryRow {
    fn of(registry: &Registry, holdings: &Holdings, schedules: &[Standing]) -> Self {
        let (settings, source) = (&registry.settings, &registry.settings.source);
        let mut statuses = Map::new();
        for standing in schedules.iter().filter(|standing| standing.schedule.registry == registry.no) {
            let count = statuses.entry(standing.status.as_str()).or_insert(Value::from(0));
            *count = Value::from(count.as_u64().unwrap_or(0) + 1);
        }
        let aws = settings.kind == RegistryKind::Aws;
        Self {
            registry_uuid: registry.uuid,
            registry_name: settings.name.clone(),
            registry_uri: settings.endpoint.clone(),
            registry_type: kind_word(settings.kind),
            provider_type: match settings.kind {
                RegistryKind::DockerHub => Some("DockerHub"),
                RegistryKind::Aws => Some("AWS"),
                _ => None,
            },
            created: millis(registry.created),
            updated: millis(registry.updated),
            last_scanned: millis(holdings.last_scanned),
            repo_count: holdings.repositories.len(),
            total_images: holdings.all.images,
            total_scanned_images: holdings.all.scanned,
            total_vulnerable_images: holdings.all.vulnerable,
            schedule_status_list: statuses,
            aws_account_id: given(&source.account).filter(|_| aws),
            aws_region: given(&source.region).filter(|_| aws),
            docker_hub_org: given(&source.organization),
        }
    }
}

impl TableRow for Registry {
    const TOKENS: &'static [&'static str] =
        &["registryUri", "registryName", "registryType", "registryUuid", "created", "updated"];

    fn cells(&self, token: &str) -> Vec<Cell> {
        vec![match token {
            "registryUri" => self.settings.endpoint.as_str().into(),
            "registryName" => self.settings.name.as_str().into(),
            "registryType" => kind_word(self.settings.kind).into(),
            "registryUuid" => Cell::Text(self.uuid.to_string()),
            "created" => Cell::Instant(self.created),
            _ => Cell::Instant(self.updated),
        }]
    }
}

fn query(uri: &Uri) -> CsResult<RawQuery> {
    RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)
}

async fn all(state: &AppState, caller: &Caller) -> CsResult<Vec<Registry>> {
    Ok(state.app.registries().list(caller.principal(), 0, MAX_REGISTRIES).await?)
}

/// `GET /registry`.
pub(super) async fn list(State(state): State<AppState>, uri: Uri, caller: Caller) -> CsResult<Response> {
    let listing = Listing::of(&uri, state.app.now())?;
    let (found, count) = listing.sorted(all(&state, &caller).await?, "created:desc", &KEYS)?;
    let schedules = state.app.schedules().of_project(caller.principal()).await?;
    let holdings = state.app.registries().holdings_of(caller.principal(), &found)?;
    let of = |(registry, holdings)| RegistryRow::of(registry, holdings, &schedules);
    let rows: Vec<RegistryRow> = found.iter().zip(&holdings).map(of).collect();
    Ok(paging::listed(&rows, count))
}

/// `GET /registry/{registryId}`: a row without the two short forms, and how it is signed in to.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let registry = state.app.registries().get(caller.principal(), id(&registry, "registry")?).await?;
    let holdings = state.app.registries().holdings(caller.principal(), &registry)?;
    let schedules = state.app.schedules().of_project(caller.principal()).await?;
    let row = RegistryRow::of(&registry, &holdings, &schedules);
    let mut body = serde_json::to_value(row).map_err(parapet_service::Error::internal)?;
    let source = &registry.settings.source;
    let aws = registry.settings.kind == RegistryKind::Aws;
    let (mut connectors, mut role) = (Value::Null, Value::Null);
    if aws {
        let known = state.app.connectors().list(caller.principal(), Cloud::Aws).await?;
        let own: Vec<_> = known.iter().filter(|c| Some(c.uuid) == source.connector).collect();
        let shown = own.iter().map(|c| {
            json!({"arn": c.settings.identity, "name": c.settings.name, "description": c.settings.description})
        });
        connectors = shown.collect();
        role = own.first().map_or(Value::Null, |c| {
            json!({"accountId": source.account, "arn": c.settings.identity, "region": source.region,
                "name": c.settings.name, "description": c.settings.description})
        });
    }
    if let Some(object) = body.as_object_mut() {
        object.remove("awsAccountId");
        object.remove("awsRegion");
        object.insert("aws".to_owned(), role);
        object.insert("connectors".to_owned(), connectors);
        let username = given(&registry.settings.username);
        object
            .insert("credential".to_owned(), username.map_or(Value::Null, |name| json!({"username": name})));
    }
    Ok(Json(body))
}

/// `POST /registry`.
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<RegistryRequest>,
) -> CsResult<Json<Value>> {
    let read = request.read(&state, &caller).await?;
    if all(&state, &caller).await?.iter().any(|r| r.settings.endpoint == read.settings.endpoint) {
        let uri = &read.settings.endpoint;
        return Err(CsError::invalid(format!("there is a registry with the URI {uri} already")));
    }
    let read = read.choose_secret(&state, &caller).await?;
    let made = state.app.registries().create(caller.principal(), read.settings, read.secret).await?;
    Ok(Json(json!({"registryUuid": made.uuid})))
}

/// `POST /registry/validate`: whether a registry could be made of this, and answers.
pub(super) async fn validate(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<RegistryRequest>,
) -> CsResult<Json<bool>> {
    let read = request.read(&state, &caller).await?.choose_secret(&state, &caller).await?;
    match state.app.registries().probe(caller.principal(), &read.settings, &read.secret).await {
        Ok(()) => Ok(Json(true)),
        Err(parapet_service::Error::Fetch(error)) => {
            tracing::info!(%error, "a registry is not valid");
            Ok(Json(false))
        }
        Err(error) => Err(error.into()),
    }
}

/// `PUT /registry/{registryId}`: type and URI are needed and stay; credentials that are not given
/// stay too.
pub(super) async fn update(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    caller: Caller,
    Body(request): Body<RegistryRequest>,
) -> CsResult<Json<Value>> {
    let old = state.app.registries().get(caller.principal(), id(&registry, "registry")?).await?;
    let mut read = request.read(&state, &caller).await?;
    if read.settings.kind != old.settings.kind || read.settings.endpoint != old.settings.endpoint {
        return Err(CsError::invalid("registryType and registryUri of a registry cannot be changed"));
    }
    if !read.named {
        read.settings.name.clone_from(&old.settings.name);
    }
    if !read.signs_in {
        read.settings.username.clone_from(&old.settings.username);
        read.settings.source.clone_from(&old.settings.source);
    }
    // What only the native API sets.
    read.settings.ca_pem.clone_from(&old.settings.ca_pem);
    read.settings.token_hosts.clone_from(&old.settings.token_hosts);
    read.settings.selection.clone_from(&old.settings.selection);
    read.settings.platform.clone_from(&old.settings.platform);
    let read = read.choose_secret(&state, &caller).await?;
    let secret = read.signs_in.then_some(&read.secret);
    state.app.registries().update(caller.principal(), old.uuid, &read.settings, secret).await?;
    Ok(Json(json!({"registryUuid": old.uuid})))
}

/// `DELETE /registry/{registryId}`: 412 while a schedule of it is running.
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let registry = id(&registry, "registry")?;
    state.app.registries().delete(caller.principal(), registry).await?;
    Ok(Json(json!({"registryUuid": registry})))
}

/// `DELETE /registry`: a JSON array of ids, or `registryIds` in the query. All or none.
pub(super) async fn delete_many(
    State(state): State<AppState>,
    uri: Uri,
    caller: Caller,
    bytes: Bytes,
) -> CsResult<Json<Value>> {
    let query = query(&uri)?;
    let mut texts: Vec<String> = query
        .all("registryIds")
        .flat_map(|text| text.split(','))
        .map(|text| text.trim().to_owned())
        .collect();
    if texts.is_empty() {
        texts = body::read(&bytes)?;
    }
    let ids = texts.iter().map(|text| id(text, "registry")).collect::<CsResult<BTreeSet<_>>>()?;
    state.app.registries().delete_all(caller.principal(), &Vec::from_iter(ids)).await?;
    // It is done when this is read.
    Ok(Json(json!({"deletionJobId": state.app.fresh_id()})))
}

/// A repository.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryRow {
    repo_name: String,
    total_images: u64,
    total_scanned_images: u64,
    total_vulnerable_images: u64,
}

impl TableRow for RepositoryRow {
    const TOKENS: &'static [&'static str] = &["repoName"];

    fn cells(&self, _: &str) -> Vec<Cell> {
        vec![self.repo_name.as_str().into()]
    }
}

/// `GET /registry/{registryId}/repository`: those in which images are known, by name.
pub(super) async fn repositories(
    State(state): State<AppState>,
    Path(registry): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Response> {
    let listing = Listing::of(&uri, state.app.now())?;
    let registry = state.app.registries().get(caller.principal(), id(&registry, "registry")?).await?;
    let holdings = state.app.registries().holdings(caller.principal(), &registry)?;
    let row = |(repo_name, counts): (String, ImageCounts)| RepositoryRow {
        repo_name,
        total_images: counts.images,
        total_scanned_images: counts.scanned,
        total_vulnerable_images: counts.vulnerable,
    };
    let rows: Vec<RepositoryRow> = holdings.repositories.into_iter().map(row).collect();
    let by_name: [Key<RepositoryRow>; 1] = [("repoName", |a, b| a.repo_name.cmp(&b.repo_name))];
    let (rows, count) = listing.sorted(rows, "repoName:asc", &by_name)?;
    Ok(paging::listed(&rows, count))
}
