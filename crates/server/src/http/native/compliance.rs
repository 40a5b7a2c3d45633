//! `/compliance`: results of security checklists come in as they are, and policies, controls and results are
//! read by number.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use parapet_model::compliance::{
    Control, ControlPosture, ControlResult, ControlStatus, Evidence, Held, Policy, Technology, TestEvidence,
};
use parapet_model::{ControlNo, ControlResultNo, PolicyNo, TechnologyNo};
use parapet_service::compliance::{EvaluationReport, ImportOptions, ImportReport, ResultDetail};
use parapet_store::compliance::{Ranges, ResultFilter};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use utoipa::{IntoParams, ToSchema};

use super::params::{self, After, shown};
use super::{ApiError, ApiResult};
use crate::http::auth::Caller;
use crate::http::body::drain;
use crate::http::state::AppState;

/// Most parts of a result's life in one answer.
const MAX_HISTORY: u32 = 100;

/// Of which host a document is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichHost {
    /// Id or name of the host, whatever the document says.
    host: Option<String>,
}

/// Which sensor sends.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichSensor {
    /// Id from the registration.
    sensor: String,
}

/// What an import did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportBody {
    /// One for each host and profile of the document.
    evaluations: Vec<EvaluationBody>,
    /// What is worth saying beside.
    warnings: Vec<String>,
}

/// What recording one host's stand with one policy did.
#[derive(Debug, Serialize, ToSchema)]
struct EvaluationBody {
    host: String,
    host_name: String,
    host_is_new: bool,
    policy: u32,
    policy_title: String,
    technology: String,
    observed: Option<String>,
    /// `newest`, `older` (history: nothing that holds now changed) or `seen` (recorded before).
    outcome: &'static str,
    results: usize,
    passed: usize,
    failed: usize,
    errors: usize,
    not_judged: usize,
    new: usize,
    changed_status: usize,
    changed_evidence: usize,
    unchanged: usize,
    gone: usize,
    /// Results that failed, still fail, and where another thing was found.
    fail_differently: Vec<u32>,
    /// Results that pass and did not before.
    pass_again: Vec<u32>,
}

impl EvaluationBody {
    fn of(report: EvaluationReport) -> Self {
        let numbers = |list: Vec<ControlResultNo>| list.into_iter().map(|no| no.0).collect();
        Self {
            host: report.host.to_string(),
            host_name: report.host_name,
            host_is_new: report.host_is_new,
            policy: report.policy.0,
            policy_title: report.policy_title,
            technology: report.technology,
            observed: shown(report.observed),
            outcome: report.outcome,
            results: report.results,
            passed: report.passed,
            failed: report.failed,
            errors: report.errors,
            not_judged: report.not_judged,
            new: report.new,
            changed_status: report.changed_status,
            changed_evidence: report.changed_evidence,
            unchanged: report.unchanged,
            gone: report.gone,
            fail_differently: numbers(report.fail_differently),
            pass_again: numbers(report.pass_again),
        }
    }
}

impl ImportBody {
    fn of(report: ImportReport) -> Self {
        let evaluations = report.evaluations.into_iter().map(EvaluationBody::of).collect();
        Self { evaluations, warnings: report.warnings }
    }
}

/// Imports an ARF or XCCDF results document, sent as the body, gzip or not. The same document twice counts
/// once; one older than what is known becomes history.
#[utoipa::path(post, path = "/api/v1/compliance/results", params(WhichHost), tag = "compliance",
    request_body(content = String, content_type = "application/xml", description = "ARF or XCCDF 1.2 results, as \
    they are or packed with gzip"),
    responses((status = 200, body = ImportBody), (status = 400, description = "Not readable, or names no host; \
    nothing was recorded"), (status = 413)))]
pub(super) async fn import(
    State(state): State<AppState>,
    Query(which): Query<WhichHost>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ImportBody>> {
    let file = spool(&state, &headers, body).await?;
    let options = ImportOptions { host: which.host, max_unpacked: None };
    let report = state.app.compliance().import(caller.principal(), file.path(), &options).await?;
    Ok(Json(ImportBody::of(report)))
}

/// Imports what a sensor had evaluated on its own host. 409 before that host was reported.
#[utoipa::path(post, path = "/api/v1/sensors/results", params(WhichSensor), tag = "sensors",
    request_body(content = String, content_type = "application/xml", description = "as for `/compliance/results`"),
    responses((status = 200, body = ImportBody), (status = 400), (status = 404), (status = 409), (status = 413)))]
pub(super) async fn import_of_sensor(
    State(state): State<AppState>,
    Query(which): Query<WhichSensor>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ImportBody>> {
    let sensor = params::id(&which.sensor, "sensor")?;
    let file = spool(&state, &headers, body).await?;
    let report = state.app.compliance().import_of_sensor(caller.principal(), sensor, file.path()).await?;
    Ok(Json(ImportBody::of(report)))
}

/// Writes a body to a file that goes away with the answer.
async fn spool(state: &AppState, headers: &HeaderMap, body: Body) -> ApiResult<NamedTempFile> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if kind.starts_with("multipart/") || kind.ends_with("json") || kind == "application/x-www-form-urlencoded"
    {
        return Err(ApiError::invalid(format!(
            "send the document itself as the body, with Content-Type application/xml or application/gzip, not {kind}"
        )));
    }
    let most = state.app.compliance().max_size();
    let io = |error: std::io::Error| ApiError::from(parapet_service::Error::internal(error));
    let file = NamedTempFile::new().map_err(io)?;
    let mut out = tokio::fs::File::from_std(file.reopen().map_err(io)?);
    let (mut chunks, mut size) = (body.into_data_stream(), 0_u64);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| ApiError::invalid(format!("the body ended early: {e}")))?;
        size = size.saturating_add(chunk.len() as u64);
        if size > most {
            drain(chunks).await;
            let why = format!("the document is larger than {most} bytes; pack it with gzip");
            return Err(ApiError::refused(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        out.write_all(&chunk).await.map_err(io)?;
    }
    out.flush().await.map_err(io)?;
    if size == 0 {
        return Err(ApiError::invalid("the body is empty; send an ARF or XCCDF results document"));
    }
    Ok(file)
}

/// A page of policies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PolicyPage {
    policies: Vec<PolicyBody>,
    /// Ask again with this as `after`; absent after the last one.
    next: Option<u32>,
}

/// A policy: a profile of a benchmark.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyBody {
    number: u32,
    title: String,
    benchmark: String,
    profile: String,
    version: String,
    created: Option<String>,
    updated: Option<String>,
    /// When a host was evaluated last.
    evaluated: Option<String>,
}

impl PolicyBody {
    fn of(policy: Policy) -> Self {
        Self {
            number: policy.no.0,
            title: policy.title,
            benchmark: policy.benchmark,
            profile: policy.profile,
            version: policy.version,
            created: shown(policy.created),
            updated: shown(policy.updated),
            evaluated: shown(policy.evaluated),
        }
    }
}

/// The `next` of a page: the last number, when the page is full.
fn next(numbers: impl DoubleEndedIterator<Item = u32> + ExactSizeIterator, limit: u32) -> Option<u32> {
    let full = u32::try_from(numbers.len()).is_ok_and(|count| count >= limit);
    let mut numbers = numbers;
    numbers.next_back().filter(|_| full)
}

/// Policies by number.
#[utoipa::path(get, path = "/api/v1/compliance/policies", params(After), tag = "compliance",
    responses((status = 200, body = PolicyPage)))]
pub(super) async fn policies(
    State(state): State<AppState>,
    Query(page): Query<After>,
    caller: Caller,
) -> ApiResult<Json<PolicyPage>> {
    let limit = page.limit()?;
    let found = state.app.compliance().policies(caller.principal(), PolicyNo(page.after), limit).await?;
    let next = next(found.iter().map(|policy| policy.no.0), limit);
    Ok(Json(PolicyPage { policies: found.into_iter().map(PolicyBody::of).collect(), next }))
}

/// Which controls.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichControls {
    /// Number of the policy that asks for them.
    policy: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    after: u32,
    /// Most entries, 1 to 1000; 100 when absent.
    limit: Option<usize>,
}

/// A page of controls.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ControlPage {
    controls: Vec<ControlBody>,
    /// Ask again with this as `after`; absent after the last one.
    next: Option<u32>,
}

/// A control: a rule of benchmarks.
#[derive(Debug, Serialize, ToSchema)]
struct ControlBody {
    number: u32,
    rule: String,
    statement: String,
    category: String,
    sub_category: String,
    rationale: String,
    /// `UNDEFINED`, `MINIMAL`, `MEDIUM`, `SERIOUS`, `CRITICAL` or `URGENT`.
    criticality: &'static str,
    references: Vec<ReferenceBody>,
    created: Option<String>,
    updated: Option<String>,
}

/// Something that a control refers to.
#[derive(Debug, Serialize, ToSchema)]
struct ReferenceBody {
    framework: String,
    section: String,
}

impl ControlBody {
    fn of(control: Control) -> Self {
        let references = control.text.references.into_iter();
        Self {
            number: control.no.0,
            rule: control.rule,
            statement: control.text.statement,
            category: control.text.category,
            sub_category: control.text.sub_category,
            rationale: control.text.rationale,
            criticality: control.text.criticality.as_str(),
            references: references
                .map(|r| ReferenceBody { framework: r.framework, section: r.section })
                .collect(),
            created: shown(control.created),
            updated: shown(control.updated),
        }
    }
}

/// Controls by number, all or those of a policy.
#[utoipa::path(get, path = "/api/v1/compliance/controls", params(WhichControls), tag = "compliance",
    responses((status = 200, body = ControlPage), (status = 404, description = "No such policy")))]
pub(super) async fn controls(
    State(state): State<AppState>,
    Query(which): Query<WhichControls>,
    caller: Caller,
) -> ApiResult<Json<ControlPage>> {
    let limit = u32::try_from(params::limit(which.limit)?).unwrap_or(u32::MAX);
    let (policy, after) = (which.policy.map(PolicyNo), ControlNo(which.after));
    let found = state.app.compliance().controls(caller.principal(), policy, after, limit).await?;
    let next = next(found.iter().map(|control| control.no.0), limit);
    Ok(Json(ControlPage { controls: found.into_iter().map(ControlBody::of).collect(), next }))
}

/// A page of technologies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TechnologyPage {
    technologies: Vec<TechnologyBody>,
    /// Ask again with this as `after`; absent after the last one.
    next: Option<u32>,
}

/// A platform of hosts.
#[derive(Debug, Serialize, ToSchema)]
struct TechnologyBody {
    number: u32,
    name: String,
    cpe: String,
}

impl TechnologyBody {
    fn of(technology: Technology) -> Self {
        Self { number: technology.no.0, name: technology.name, cpe: technology.cpe }
    }
}

/// Technologies by number.
#[utoipa::path(get, path = "/api/v1/compliance/technologies", params(After), tag = "compliance",
    responses((status = 200, body = TechnologyPage)))]
pub(super) async fn technologies(
    State(state): State<AppState>,
    Query(page): Query<After>,
    caller: Caller,
) -> ApiResult<Json<TechnologyPage>> {
    let limit = page.limit()?;
    let after = TechnologyNo(page.after);
    let found = state.app.compliance().technologies(caller.principal(), after, limit).await?;
    let next = next(found.iter().map(|technology| technology.no.0), limit);
    Ok(Json(TechnologyPage { technologies: found.into_iter().map(TechnologyBody::of).collect(), next }))
}

/// Which results; all conditions hold together.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichResults {
    /// Number of a policy.
    policy: Option<u32>,
    /// Id of a host.
    host: Option<String>,
    /// Number of a control.
    control: Option<u32>,
    /// `passed`, `failed`, `error`; several with commas. Or `all`, for those that were not judged too.
    posture: Option<String>,
    /// Whose posture is what it is since then: RFC 3339 or a date.
    changed_since: Option<String>,
    /// Whose host was looked at since then.
    evaluated_since: Option<String>,
    /// How they stood then, by what was recorded then: RFC 3339 or a date.
    as_of: Option<String>,
    /// With `as_of`: as the hosts were seen then, by what is known today.
    #[serde(default)]
    hindsight: bool,
    /// The `next` of the page before.
    #[serde(default)]
    after: u32,
    /// Most entries, 1 to 1000; 100 when absent.
    limit: Option<usize>,
}

/// A page of results.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResultPage {
    results: Vec<ResultBody>,
    /// Ask again with this as `after`; absent after the last one.
    next: Option<u32>,
}

/// How a host stands with a control.
#[derive(Debug, Serialize, ToSchema)]
struct ResultBody {
    number: u32,
    host: String,
    policy: u32,
    control: u32,
    /// `os`, or one of several things that the check looks at.
    instance: String,
    technology: u32,
    /// The scanner's word.
    status: &'static str,
    /// `Passed`, `Failed`, `Error`; absent for what was not judged.
    posture: Option<&'static str>,
    /// The status before the present posture.
    previous_status: Option<&'static str>,
    evaluated: Option<String>,
    /// Since when status and evidence are what they are.
    since: Option<String>,
    posture_since: Option<String>,
    first_passed: Option<String>,
    last_passed: Option<String>,
    first_failed: Option<String>,
    last_failed: Option<String>,
}

impl ResultBody {
    fn of(result: &ControlResult) -> Self {
        let ControlResult { identity, summary, .. } = result;
        Self {
            number: result.no.0,
            host: result.host_uuid.to_string(),
            policy: identity.policy.0,
            control: identity.control.0,
            instance: identity.instance.clone(),
            technology: result.technology.0,
            status: result.status.as_str(),
            posture: result.posture().map(ControlPosture::as_str),
            previous_status: summary.previous.map(ControlStatus::as_str),
            evaluated: shown(result.evaluated),
            since: shown(summary.since),
            posture_since: shown(summary.posture_since),
            first_passed: shown(summary.first_passed),
            last_passed: shown(summary.last_passed),
            first_failed: shown(summary.first_failed),
            last_failed: shown(summary.last_failed),
        }
    }
}

impl WhichResults {
    async fn filter(&self, state: &AppState, caller: &Caller) -> ApiResult<ResultFilter> {
        let mut filter = ResultFilter { policy: self.policy.map(PolicyNo), ..ResultFilter::default() };
        if let Some(control) = self.control {
            filter.controls = Ranges::one(control);
        }
        if let Some(host) = &self.host {
            let id = params::id(host, "host")?;
            let host = state.app.compliance().host(caller.principal(), id).await?;
            filter.hosts = Ranges::one(host.0);
        }
        for word in self.posture.as_deref().unwrap_or("").split(',').map(str::trim) {
            match (word, ControlPosture::parse(word)) {
                ("", _) => {}
                ("all", _) => filter.without_posture = true,
                (_, Some(posture)) => filter.postures.push(posture),
                _ => {
                    let why = format!("posture: {word:?} is none of passed, failed, error, all");
                    return Err(ApiError::invalid(why));
                }
            }
        }
        let instant =
            |name, text: &Option<String>| text.as_deref().map(|text| params::instant(name, text)).transpose();
        filter.changed_since = instant("changed_since", &self.changed_since)?;
        filter.evaluated_since = instant("evaluated_since", &self.evaluated_since)?;
        Ok(filter)
    }
}

/// Results by number.
#[utoipa::path(get, path = "/api/v1/compliance/results", params(WhichResults), tag = "compliance",
    responses((status = 200, body = ResultPage), (status = 400), (status = 404, description = "No such host")))]
pub(super) async fn results(
    State(state): State<AppState>,
    Query(which): Query<WhichResults>,
    caller: Caller,
) -> ApiResult<Json<ResultPage>> {
    let limit = u32::try_from(params::limit(which.limit)?).unwrap_or(u32::MAX);
    let filter = which.filter(&state, &caller).await?;
    let after = ControlResultNo(which.after);
    let past = params::past(which.as_of.as_deref(), which.hindsight)?;
    let found = state.app.compliance().results(caller.principal(), &filter, past, after, limit).await?;
    let next = next(found.iter().map(|result| result.no.0), limit);
    Ok(Json(ResultPage { results: found.iter().map(ResultBody::of).collect(), next }))
}

/// A result with what was found, now and before.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResultWithEvidence {
    #[serde(flatten)]
    result: ResultBody,
    rule: String,
    statement: String,
    /// What was found; absent when the document held no evidence.
    evidence: Option<EvidenceBody>,
    /// What was found before something else was.
    evidence_before: Option<EvidenceBody>,
    /// Newest first, at most 100.
    history: Vec<StretchBody>,
}

/// What a check found and expected.
#[derive(Debug, Serialize, ToSchema)]
struct EvidenceBody {
    /// In a line each; a test without items says `nothing found`.
    lines: Vec<String>,
    /// The tests with their items and what was expected of them.
    #[schema(value_type = Vec<Object>)]
    tests: Vec<TestEvidence>,
    /// What the scanner said beside.
    messages: Vec<String>,
}

impl EvidenceBody {
    fn of(evidence: &Evidence) -> Self {
        let (tests, messages) = (evidence.tests.clone(), evidence.messages.clone());
        Self { lines: evidence.lines(), tests, messages }
    }
}

/// A stretch in which a result stayed what it was.
#[derive(Debug, Serialize, ToSchema)]
struct StretchBody {
    from: Option<String>,
    /// Absent while it lasts.
    to: Option<String>,
    status: &'static str,
    lines: Vec<String>,
    recorded: Option<String>,
}

/// One result with what was found now and before.
#[utoipa::path(get, path = "/api/v1/compliance/results/{number}", params(("number" = u32, Path)),
    tag = "compliance", responses((status = 200, body = ResultWithEvidence), (status = 404)))]
pub(super) async fn result(
    State(state): State<AppState>,
    Path(number): Path<String>,
    caller: Caller,
) -> ApiResult<Json<ResultWithEvidence>> {
    let number: u32 = number.parse().map_err(|_| ApiError::not_found("result"))?;
    let compliance = state.app.compliance();
    let detail = compliance.result(caller.principal(), ControlResultNo(number), MAX_HISTORY).await?;
    let ResultDetail { result, control, history, evidence } = &detail;
    let lines = |held: &Held| evidence.get(&held.evidence).map(Evidence::lines).unwrap_or_default();
    let history = history.iter().map(|(stretch, recorded)| StretchBody {
        from: shown(stretch.from),
        to: shown(stretch.to),
        status: stretch.held.status.as_str(),
        lines: lines(&stretch.held),
        recorded: shown(*recorded),
    });
    Ok(Json(ResultWithEvidence {
        result: ResultBody::of(result),
        rule: control.rule.clone(),
        statement: control.text.statement.clone(),
        evidence: detail.now().map(EvidenceBody::of),
        evidence_before: detail.before().map(EvidenceBody::of),
        history: history.collect(),
    }))
}
