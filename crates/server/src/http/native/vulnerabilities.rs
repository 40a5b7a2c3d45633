//! `/vulnerabilities`: what is open, in the order "fix this first".

use axum::Json;
use axum::extract::{Path, Query, State};
use parapet_model::filter::{Field, Filter, Op};
use parapet_posture::{Query as Question, VulnerabilityOrder, VulnerabilitySummary, Window};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::params::{Paging, Which, shown};
use super::{ApiError, ApiResult};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// In which order.
#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Known exploited first, then EPSS, then severity.
    #[default]
    Risk,
    Severity,
    Assets,
    FirstFound,
    Id,
}

/// How the list is sorted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Sorting {
    /// `risk` (known exploited, then EPSS, then severity), `severity`, `assets`, `first_found`, `id`.
    #[serde(default)]
    #[param(inline)]
    order: Order,
}

impl Order {
    fn of_posture(self) -> VulnerabilityOrder {
        match self {
            Self::Risk => VulnerabilityOrder::Risk,
            Self::Severity => VulnerabilityOrder::Severity,
            Self::Assets => VulnerabilityOrder::Assets,
            Self::FirstFound => VulnerabilityOrder::FirstFound,
            Self::Id => VulnerabilityOrder::Id,
        }
    }
}

/// A page of vulnerabilities.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VulnerabilityPage {
    /// Length of the whole list.
    total: usize,
    vulnerabilities: Vec<VulnerabilityBody>,
}

/// A vulnerability with what it affects.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VulnerabilityBody {
    id: String,
    qid: u64,
    aliases: Vec<String>,
    title: String,
    severity: &'static str,
    cvss: Option<f64>,
    cvss_vector: Option<String>,
    epss: Option<f64>,
    /// When it was listed as known exploited.
    kev_added: Option<String>,
    published: Option<String>,
    assets: u64,
    findings: u64,
    fixable_findings: u64,
    excepted_findings: u64,
    /// The state farthest from a fix among its findings.
    worst_state: &'static str,
    first_found: Option<String>,
    last_found: Option<String>,
}

impl VulnerabilityBody {
    fn of(summary: &VulnerabilitySummary<'_>) -> Self {
        let v = summary.vulnerability;
        Self {
            id: v.id.clone(),
            qid: v.no.qid(),
            aliases: v.aliases.clone(),
            title: v.title.clone(),
            severity: summary.severity.as_str(),
            cvss: Some(v.cvss_score).filter(|score| *score >= 0.0),
            cvss_vector: Some(v.cvss_vector.clone()).filter(|text| !text.is_empty()),
            epss: Some(v.epss).filter(|score| *score >= 0.0),
            kev_added: shown(v.kev_added),
            published: shown(v.published),
            assets: summary.assets,
            findings: summary.findings,
            fixable_findings: summary.fixable,
            excepted_findings: summary.excepted,
            worst_state: summary.worst_state.as_str(),
            first_found: shown(summary.first_found),
            last_found: shown(summary.last_found),
        }
    }
}

/// Vulnerabilities that some asset of the scope has.
#[utoipa::path(get, path = "/api/v1/vulnerabilities", params(Which, Paging, Sorting), tag = "vulnerabilities",
    responses((status = 200, body = VulnerabilityPage)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(which): Query<Which>,
    Query(paging): Query<Paging>,
    Query(sorting): Query<Sorting>,
) -> ApiResult<Json<VulnerabilityPage>> {
    page(&state, &caller, &which, which.filter()?, &paging, sorting.order).await.map(Json)
}

/// One vulnerability, by id or alias.
#[utoipa::path(get, path = "/api/v1/vulnerabilities/{id}", params(("id" = String, Path), Which),
    tag = "vulnerabilities", responses((status = 200, body = VulnerabilityBody)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    Query(which): Query<Which>,
) -> ApiResult<Json<VulnerabilityBody>> {
    let filter = which.filter()?.and(Filter::test(Field::Vulnerability, Op::Eq, id));
    let found = page(&state, &caller, &which, filter, &Paging::default(), Order::Id).await?;
    found.vulnerabilities.into_iter().next().map(Json).ok_or_else(|| ApiError::not_found("vulnerability"))
}

async fn page(
    state: &AppState,
    caller: &Caller,
    which: &Which,
    filter: Filter,
    paging: &Paging,
    order: Order,
) -> ApiResult<VulnerabilityPage> {
    let window = Window { offset: paging.offset, limit: paging.limit()? };
    let view = state.app.findings().view(which.past()?, None).await?;
    let scope = caller.principal().scope();
    let include_not_run_here = which.include_not_run_here;
    let page = tokio::task::spawn_blocking(move || {
        let query = Question { include_not_run_here, ..view.query(&scope, &filter) };
        let list = view.snapshot.vulnerabilities(&query, order.of_posture(), window);
        VulnerabilityPage {
            total: list.total,
            vulnerabilities: list.rows.iter().map(VulnerabilityBody::of).collect(),
        }
    })
    .await
    .map_err(parapet_service::Error::from)?;
    Ok(page)
}
