//! `/registries`: where images are read from. Secrets go in and never come back.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use parapet_store::registries::{Globs, Registry, RegistryKind, RegistrySettings, RegistrySource, Selection};
use parapet_store::seal::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiResult;
use super::jobs::JobTicket;
use super::params::{self, After, shown};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// A page of registries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RegistryPage {
    registries: Vec<RegistryBody>,
    /// Ask again with this as `after`; absent after the last one.
    next: Option<u32>,
}

/// A registry.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RegistryBody {
    id: String,
    name: String,
    endpoint: String,
    username: String,
    plain_http: bool,
    own_authority: bool,
    repositories: GlobsBody,
    tags: GlobsBody,
    platform: String,
    created: Option<String>,
    updated: Option<String>,
}

/// Names wanted: those that match `include` (all, when empty) and none of `exclude`. `*` and `?`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GlobsBody {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

impl GlobsBody {
    fn of(globs: Globs) -> Self {
        Self { include: globs.include, exclude: globs.exclude }
    }

    fn read(self) -> Globs {
        Globs { include: self.include, exclude: self.exclude }
    }
}

impl RegistryBody {
    fn of(registry: Registry) -> Self {
        let settings = registry.settings;
        Self {
            id: registry.uuid.to_string(),
            name: settings.name,
            endpoint: settings.endpoint,
            username: settings.username,
            plain_http: settings.plain_http,
            own_authority: !settings.ca_pem.is_empty(),
            repositories: GlobsBody::of(settings.selection.repositories),
            tags: GlobsBody::of(settings.selection.tags),
            platform: settings.platform,
            created: shown(registry.created),
            updated: shown(registry.updated),
        }
    }
}

/// The project's registries.
#[utoipa::path(get, path = "/api/v1/registries", params(After), tag = "registries",
    responses((status = 200, body = RegistryPage)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(paging): Query<After>,
) -> ApiResult<Json<RegistryPage>> {
    let limit = paging.limit()?;
    let found = state.app.registries().list(caller.principal(), paging.after, limit).await?;
    let next = found.last().map(|r| r.no).filter(|_| found.len() == limit as usize);
    Ok(Json(RegistryPage { registries: found.into_iter().map(RegistryBody::of).collect(), next }))
}

/// A registry to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistryRequest {
    /// Unique in the project.
    name: String,
    /// `https://host[:port]`, or `host[:port]`.
    endpoint: String,
    #[serde(default)]
    username: String,
    /// Password or token; sealed, never shown again.
    #[serde(default)]
    password: String,
    /// Certificates (PEM) of its own authority.
    #[serde(default)]
    ca_pem: String,
    /// May be spoken to without TLS.
    #[serde(default)]
    plain_http: bool,
    /// Hosts on other sites that may issue its tokens.
    #[serde(default)]
    token_hosts: Vec<String>,
    #[serde(default)]
    repositories: GlobsBody,
    #[serde(default)]
    tags: GlobsBody,
    /// `os/architecture[/variant]`; the server's when empty.
    #[serde(default)]
    platform: String,
}

/// Makes a registry: 201.
#[utoipa::path(post, path = "/api/v1/registries", request_body = RegistryRequest, tag = "registries",
    responses((status = 201, body = RegistryBody)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(request): Json<RegistryRequest>,
) -> ApiResult<(StatusCode, Json<RegistryBody>)> {
    let settings = RegistrySettings {
        name: request.name,
        kind: RegistryKind::V2,
        endpoint: request.endpoint,
        username: request.username,
        ca_pem: request.ca_pem,
        plain_http: request.plain_http,
        token_hosts: request.token_hosts,
        selection: Selection { repositories: request.repositories.read(), tags: request.tags.read() },
        platform: request.platform,
        source: RegistrySource::default(),
    };
    let registries = state.app.registries();
    let made = registries.create(caller.principal(), settings, Secret::new(request.password)).await?;
    Ok((StatusCode::CREATED, Json(RegistryBody::of(made))))
}

/// Deletes a registry; assets that were read from it stay.
#[utoipa::path(delete, path = "/api/v1/registries/{id}", params(("id" = String, Path)), tag = "registries",
    responses((status = 204)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<StatusCode> {
    state.app.registries().delete(caller.principal(), params::id(&id, "registry")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to scan.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistryScanRequest {
    /// Read again what was read before.
    #[serde(default)]
    force: bool,
}

/// Lists the registry and scans what its selection takes: 202 and the job.
#[utoipa::path(post, path = "/api/v1/registries/{id}/scan", params(("id" = String, Path)),
    request_body = RegistryScanRequest, tag = "registries", responses((status = 202, body = JobTicket)))]
pub(super) async fn scan(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    Json(request): Json<RegistryScanRequest>,
) -> ApiResult<(StatusCode, Json<JobTicket>)> {
    let id = params::id(&id, "registry")?;
    let job = state.app.registries().scan_job(caller.principal(), id, request.force).await?;
    Ok((StatusCode::ACCEPTED, Json(JobTicket::of(job))))
}
