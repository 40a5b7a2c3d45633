//! `/assets`: images, containers and hosts with their counts and coverage.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use parapet_model::filter::{Field, Filter, Op};
use parapet_posture::{AssetOrder, AssetSummary, Query as Question, Window};
use parapet_service::{Error, gaps_of};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::findings::CountsBody;
use super::jobs::JobTicket;
use super::params::{self, Paging, Which, shown};
use super::{ApiError, ApiResult};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// A page of assets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AssetPage {
    /// Length of the whole list.
    total: usize,
    assets: Vec<AssetBody>,
}

/// An asset.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AssetBody {
    id: String,
    kind: &'static str,
    name: String,
    /// Config digest, engine id or machine id.
    identity: String,
    distro: String,
    /// Current references.
    references: Vec<String>,
    /// `not_scanned`, `scanned` or `failed`.
    scan: &'static str,
    scan_error: Option<String>,
    first_seen: Option<String>,
    last_observed: Option<String>,
    /// The worst word of its packages and databases; "0 findings" means clean only beside `assessed`.
    coverage: &'static str,
    counts: CountsBody,
}

impl AssetBody {
    fn of(summary: &AssetSummary<'_>) -> Self {
        let asset = summary.asset;
        let current = asset.references.iter().filter(|row| row.held.is_open());
        Self {
            id: asset.uuid.to_string(),
            kind: asset.kind.as_str(),
            name: asset.name.clone(),
            identity: asset.identity.clone(),
            distro: asset.distro.clone(),
            references: current.map(|row| row.reference.to_string()).collect(),
            scan: asset.scan.as_str(),
            scan_error: Some(asset.scan_error.clone()).filter(|e| !e.is_empty()),
            first_seen: shown(asset.first_seen),
            last_observed: shown(asset.observed),
            coverage: summary.coverage.as_str(),
            counts: CountsBody::of(&summary.counts),
        }
    }
}

/// An asset with what it holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AssetDetail {
    #[serde(flatten)]
    asset: AssetBody,
    /// What judged which ecosystem, and how well.
    ecosystems: Vec<EcosystemBody>,
    /// Why it is not wholly assessed; empty when it is.
    not_assessed: Vec<GapBody>,
    /// Every package database met, read or not.
    databases: Vec<DatabaseBody>,
    packages: Vec<PackageBody>,
}

/// Coverage of one ecosystem of the asset.
#[derive(Debug, Serialize, ToSchema)]
struct EcosystemBody {
    ecosystem: String,
    coverage: &'static str,
    packages: u64,
    feeds: Vec<String>,
}

/// What could not be judged, or not well.
#[derive(Debug, Serialize, ToSchema)]
struct GapBody {
    /// What: packages of an ecosystem, a package database.
    what: String,
    coverage: &'static str,
    why: String,
}

/// One package database.
#[derive(Debug, Serialize, ToSchema)]
struct DatabaseBody {
    kind: String,
    path: String,
    packages: u32,
    /// `read`, `unreadable` or `not_read`.
    outcome: &'static str,
    why: Option<String>,
}

/// One package.
#[derive(Debug, Serialize, ToSchema)]
struct PackageBody {
    name: String,
    version: String,
    arch: String,
    ecosystem: String,
    source: String,
    source_version: String,
    since: Option<String>,
    /// How far it was judged.
    coverage: &'static str,
}

/// Assets, with counts of the findings that match. A filter on the asset alone lists clean ones too.
#[utoipa::path(get, path = "/api/v1/assets", params(Which, Paging), tag = "assets",
    responses((status = 200, body = AssetPage)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(which): Query<Which>,
    Query(paging): Query<Paging>,
) -> ApiResult<Json<AssetPage>> {
    let window = Window { offset: paging.offset, limit: paging.limit()? };
    let filter = which.filter()?;
    let view = state.app.findings().view(which.past()?, None).await?;
    let scope = caller.principal().scope();
    let include_not_run_here = which.include_not_run_here;
    let page = tokio::task::spawn_blocking(move || {
        let query = Question { include_not_run_here, ..view.query(&scope, &filter) };
        let list = view.snapshot.assets(&query, AssetOrder::Number, window);
        AssetPage { total: list.total, assets: list.rows.iter().map(AssetBody::of).collect() }
    })
    .await
    .map_err(Error::from)?;
    Ok(Json(page))
}

/// One asset: its packages, databases and what judged them.
#[utoipa::path(get, path = "/api/v1/assets/{id}", params(("id" = String, Path)), tag = "assets",
    responses((status = 200, body = AssetDetail)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<Json<AssetDetail>> {
    let id = params::id(&id, "asset")?;
    let view = state.app.findings().view(None, None).await?;
    let scope = caller.principal().scope();
    let detail = tokio::task::spawn_blocking(move || {
        let filter = Filter::test(Field::AssetId, Op::Eq, id.to_string());
        let query = view.query(&scope, &filter);
        let list = view.snapshot.assets(&query, AssetOrder::Number, Window::ALL);
        let summary = list.rows.first()?;
        let coverage = view.snapshot.coverage_of(&scope, summary.asset.no)?;
        let packages = view.snapshot.packages_of(&scope, summary.asset.no)?;
        let judged = view.snapshot.ecosystems();
        Some(AssetDetail {
            asset: AssetBody::of(summary),
            ecosystems: coverage
                .ecosystems
                .iter()
                .map(|word| EcosystemBody {
                    ecosystem: word.ecosystem.to_owned(),
                    coverage: word.coverage.as_str(),
                    packages: word.packages,
                    feeds: judged
                        .iter()
                        .find(|row| row.ecosystem == word.ecosystem)
                        .map(|row| row.feeds.clone())
                        .unwrap_or_default(),
                })
                .collect(),
            not_assessed: gaps_of(&view, &scope, summary.asset.no)
                .into_iter()
                .map(|gap| GapBody { what: gap.what, coverage: gap.coverage.as_str(), why: gap.why })
                .collect(),
            databases: summary.asset.databases.iter().map(DatabaseBody::of).collect(),
            packages: packages
                .iter()
                .map(|shown_package| {
                    let key = &shown_package.package.key;
                    PackageBody {
                        name: key.name.clone(),
                        version: key.version.clone(),
                        arch: key.arch.clone(),
                        ecosystem: key.ecosystem.clone(),
                        source: key.source_name.clone(),
                        source_version: key.source_version.clone(),
                        since: shown(shown_package.since),
                        coverage: shown_package.coverage.as_str(),
                    }
                })
                .collect(),
        })
    })
    .await
    .map_err(Error::from)?;
    detail.map(Json).ok_or_else(|| ApiError::not_found("asset"))
}

impl DatabaseBody {
    fn of(database: &parapet_model::inventory::DatabaseRead) -> Self {
        use parapet_model::inventory::ReadOutcome;
        let (outcome, why) = match &database.outcome {
            ReadOutcome::Read => ("read", None),
            ReadOutcome::Unreadable(why) => ("unreadable", Some(why.clone())),
            ReadOutcome::NotRead(why) => ("not_read", Some(why.clone())),
        };
        Self {
            kind: database.kind.clone(),
            path: database.path.clone(),
            packages: database.packages,
            outcome,
            why,
        }
    }
}

/// What to scan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScanRequest {
    /// `repository:tag` in the registry, or `host/repository:tag` without one.
    image: String,
    /// Id of a registry of the project.
    registry: Option<Uuid>,
    /// `os/architecture[/variant]`; the server's when absent.
    #[serde(default)]
    platform: String,
    /// Read again what was read before.
    #[serde(default)]
    force: bool,
}

/// Starts a scan: 202 and the job.
#[utoipa::path(post, path = "/api/v1/assets/scan", request_body = ScanRequest, tag = "assets",
    responses((status = 202, body = JobTicket)))]
pub(super) async fn scan(
    State(state): State<AppState>,
    caller: Caller,
    Json(request): Json<ScanRequest>,
) -> ApiResult<(StatusCode, Json<JobTicket>)> {
    let scans = state.app.scans();
    let job = scans
        .scan_job(caller.principal(), request.registry, &request.image, &request.platform, request.force)
        .await?;
    Ok((StatusCode::ACCEPTED, Json(JobTicket::of(job))))
}

/// Deletes an asset. It keeps its history and is the same object when it comes back.
#[utoipa::path(delete, path = "/api/v1/assets/{id}", params(("id" = String, Path)), tag = "assets",
    responses((status = 204)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<StatusCode> {
    state.app.scans().delete(caller.principal(), params::id(&id, "asset")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
