//! `/findings`: rows, counts, and why.

use axum::Json;
use axum::extract::{Query, State};
use parapet_model::Risk;
use parapet_model::severity::Severity;
use parapet_model::verdict::MatchState;
use parapet_model::{finding::Finding, time::format_rfc3339};
use parapet_posture::{Counts, Cursor, Query as Question, RiskCursor};
use parapet_service::explain::Explained;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::params::{self, Which, shown};
use super::{ApiError, ApiResult};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CursorPaging {
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Most findings, 1 to 1000; 100 when absent.
    limit: Option<usize>,
    /// `asset` (the default), or `risk`: the most urgent first. Each page of the latter walks through
    /// all findings that match.
    #[serde(default)]
    sort: FindingSort,
}

/// In which order findings come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FindingSort {
    /// By asset, package and vulnerability, in the order they became known.
    #[default]
    Asset,
    /// By urgency.
    Risk,
}

/// A page of findings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FindingPage {
    /// Log position the page was read at.
    seq: u64,
    /// Asset × vulnerability × package.
    findings: Vec<FindingBody>,
    /// Ask again with this; absent after the last one.
    next: Option<String>,
}

/// One finding.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FindingBody {
    asset: String,
    asset_id: String,
    kind: &'static str,
    enterprise_project: String,
    coverage: &'static str,
    vulnerability: String,
    aliases: Vec<String>,
    title: String,
    severity: &'static str,
    cvss: Option<f64>,
    epss: Option<f64>,
    kev: bool,
    package: String,
    version: String,
    ecosystem: String,
    source: String,
    state: &'static str,
    fixable: bool,
    fixed_version: Option<String>,
    class: &'static str,
    not_run_here: bool,
    first_found: String,
    reopened_at: String,
    last_found: Option<String>,
    /// Id of the exception that hides it.
    exception: Option<String>,
    /// Place in the order of urgency: greater is to be fixed earlier.
    risk: u64,
    /// Why it stands there, the most important first.
    risk_reasons: Vec<String>,
}

impl FindingBody {
    fn of(finding: &Finding<'_>) -> Self {
        let (vulnerability, key) = (finding.vulnerability, &finding.package.key);
        let risk = Risk::of(finding);
        Self {
            asset: finding.asset.name.clone(),
            asset_id: finding.asset.uuid.to_string(),
            kind: finding.asset.kind.as_str(),
            enterprise_project: finding.enterprise_project.to_owned(),
            coverage: finding.asset_coverage.as_str(),
            vulnerability: vulnerability.id.clone(),
            aliases: vulnerability.aliases.clone(),
            title: vulnerability.title.clone(),
            severity: finding.verdict.severity.as_str(),
            cvss: Some(vulnerability.cvss_score).filter(|score| *score >= 0.0),
            epss: Some(vulnerability.epss).filter(|score| *score >= 0.0),
            kev: vulnerability.kev_added != 0,
            package: key.name.clone(),
            version: key.version.clone(),
            ecosystem: key.ecosystem.clone(),
            source: key.source_name.clone(),
            state: finding.verdict.state.as_str(),
            fixable: finding.verdict.state.is_fixable(),
            fixed_version: Some(finding.verdict.fixed_version.clone()).filter(|v| !v.is_empty()),
            class: finding.verdict.class.as_str(),
            not_run_here: finding.not_run_here,
            first_found: format_rfc3339(finding.first_found),
            reopened_at: format_rfc3339(finding.reopened_at),
            last_found: shown(finding.last_found),
            exception: finding.exception.map(|e| e.uuid.to_string()),
            risk: risk.number(),
            risk_reasons: risk.reasons(),
        }
    }
}

/// Where to go on, in the order that is wanted.
enum After {
    Asset(Option<Cursor>),
    Risk(Option<RiskCursor>),
}

impl After {
    fn read(paging: &CursorPaging) -> ApiResult<Self> {
        fn place<T: std::str::FromStr>(text: Option<&str>) -> ApiResult<Option<T>> {
            let bad = |_| ApiError::invalid("cursor is not one that a page in this order gave");
            text.map(|text| text.parse().map_err(bad)).transpose()
        }
        let cursor = paging.cursor.as_deref();
        Ok(match paging.sort {
            FindingSort::Asset => Self::Asset(place(cursor)?),
            FindingSort::Risk => Self::Risk(place(cursor)?),
        })
    }
}

/// Findings, page by page: by asset, or by what to fix first.
#[utoipa::path(get, path = "/api/v1/findings", params(Which, CursorPaging), tag = "findings",
    responses((status = 200, body = FindingPage)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(which): Query<Which>,
    Query(paging): Query<CursorPaging>,
) -> ApiResult<Json<FindingPage>> {
    let limit = params::limit(paging.limit)?;
    let after = After::read(&paging)?;
    let filter = which.filter()?;
    let view = state.app.findings().view(which.past()?, None).await?;
    let scope = caller.principal().scope();
    let include_not_run_here = which.include_not_run_here;
    let page = tokio::task::spawn_blocking(move || {
        let query = Question { include_not_run_here, ..view.query(&scope, &filter) };
        let (rows, next) = match after {
            After::Asset(after) => {
                let page = view.snapshot.page(&query, after, limit);
                (page.rows, page.next.map(|cursor| cursor.to_string()))
            }
            After::Risk(after) => {
                let (rows, next) = view.snapshot.most_urgent(&query, after, limit);
                (rows, next.map(|cursor| cursor.to_string()))
            }
        };
        FindingPage { seq: view.snapshot.seq(), findings: rows.iter().map(FindingBody::of).collect(), next }
    })
    .await
    .map_err(parapet_service::Error::from)?;
    Ok(Json(page))
}

/// How many: people count vulnerabilities (once per asset) and findings (once per package).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CountsBody {
    vulnerabilities: u64,
    findings: u64,
    assets: u64,
    fixable: u64,
    kev: u64,
    excepted: u64,
    by_severity: Vec<BandBody>,
    by_state: Vec<StateBody>,
}

/// Counts of one severity.
#[derive(Debug, Serialize, ToSchema)]
struct BandBody {
    severity: &'static str,
    vulnerabilities: u64,
    findings: u64,
}

/// Counts of one state.
#[derive(Debug, Serialize, ToSchema)]
struct StateBody {
    state: &'static str,
    findings: u64,
}

impl CountsBody {
    /// The wire form.
    pub(super) fn of(counts: &Counts) -> Self {
        Self {
            vulnerabilities: counts.vulnerabilities,
            findings: counts.findings,
            assets: counts.assets,
            fixable: counts.fixable,
            kev: counts.kev,
            excepted: counts.excepted,
            by_severity: Severity::WORST_FIRST
                .into_iter()
                .map(|severity| {
                    let band = counts.severity(severity);
                    BandBody {
                        severity: severity.as_str(),
                        vulnerabilities: band.vulnerabilities,
                        findings: band.findings,
                    }
                })
                .collect(),
            by_state: MatchState::ALL
                .into_iter()
                .filter(|s| s.is_positive())
                .map(|s| StateBody { state: s.as_str(), findings: counts.state(s) })
                .collect(),
        }
    }
}

/// Counts without rows.
#[utoipa::path(get, path = "/api/v1/findings/counts", params(Which), tag = "findings",
    responses((status = 200, body = CountsBody)))]
pub(super) async fn counts(
    State(state): State<AppState>,
    caller: Caller,
    Query(which): Query<Which>,
) -> ApiResult<Json<CountsBody>> {
    let filter = which.filter()?;
    let view = state.app.findings().view(which.past()?, None).await?;
    let scope = caller.principal().scope();
    let include_not_run_here = which.include_not_run_here;
    let counts = tokio::task::spawn_blocking(move || {
        let query = Question { include_not_run_here, ..view.query(&scope, &filter) };
        view.snapshot.count(&query)
    })
    .await
    .map_err(parapet_service::Error::from)?;
    Ok(Json(CountsBody::of(&counts)))
}

/// Which finding to explain.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainParams {
    /// Id of the asset.
    asset: String,
    /// Id of the vulnerability, or any alias.
    vulnerability: String,
    /// `name` or `name version`; may be left out when only one package has the vulnerability.
    package: Option<String>,
    /// A past instant.
    as_of: Option<String>,
    /// With `as_of`: judged by what is known today.
    #[serde(default)]
    hindsight: bool,
}

/// Why a finding is there: the file in the layer, the range of the advisory, what others said, the
/// exception that hides it.
#[utoipa::path(get, path = "/api/v1/findings/explain", params(ExplainParams), tag = "findings",
    responses((status = 200, description = "The explanation", body = Object)))]
pub(super) async fn explain(
    State(state): State<AppState>,
    caller: Caller,
    Query(params): Query<ExplainParams>,
) -> ApiResult<Json<Explained>> {
    let asset = params::id(&params.asset, "asset")?;
    let past = params::past(params.as_of.as_deref(), params.hindsight)?;
    let package = params.package.as_deref();
    let findings = state.app.findings();
    Ok(Json(findings.explain(caller.principal(), asset, &params.vulnerability, package, past).await?))
}
