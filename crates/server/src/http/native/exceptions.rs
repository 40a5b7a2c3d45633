//! `/exceptions`: ask, preview, decide.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use parapet_model::ExceptionNo;
use parapet_model::exception::{Asked, Exception, ExceptionState, TargetKind};
use parapet_service::exceptions::NewException;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::findings::CountsBody;
use super::params::{self, After, shown};
use super::{ApiError, ApiResult};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// An exception as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptionRequest {
    /// One line.
    title: String,
    /// Why: `risk_accepted`, `false_positive`, `mitigated`, or words of your own.
    #[serde(default)]
    reason: String,
    #[serde(default)]
    comment: String,
    /// `static`: the filter is evaluated once; `dynamic`: live, for later assets too.
    #[serde(default = "dynamic")]
    kind: String,
    /// Findings it is for, as a filter.
    #[serde(rename = "where")]
    where_: Option<String>,
    /// Ids of assets it is for.
    #[serde(default)]
    assets: Vec<Uuid>,
    /// Vulnerability ids; empty means all.
    #[serde(default)]
    vulnerabilities: Vec<String>,
    /// First instant: RFC 3339 or a date; now when absent.
    start: Option<String>,
    /// First instant it no longer holds; without end when absent.
    end: Option<String>,
}

fn dynamic() -> String {
    "dynamic".to_owned()
}

impl ExceptionRequest {
    fn read(self) -> ApiResult<NewException> {
        let kind = match self.kind.as_str() {
            "static" => TargetKind::Static,
            "dynamic" => TargetKind::Dynamic,
            _ => return Err(ApiError::invalid("kind must be static or dynamic")),
        };
        let instant = |name: &str, text: Option<String>| text.map(|t| params::instant(name, &t)).transpose();
        Ok(NewException {
            title: self.title,
            reason: self.reason,
            comment: self.comment,
            kind,
            filter: self.where_.map(|text| params::filter(Some(&text))).transpose()?,
            assets: self.assets,
            vulnerabilities: self.vulnerabilities,
            asked: Asked::default(),
            start: instant("start", self.start)?,
            end: instant("end", self.end)?,
        })
    }
}

/// An exception.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExceptionBody {
    id: String,
    title: String,
    reason: String,
    comment: String,
    /// `pending`, `approved`, `rejected` or `ended`.
    state: &'static str,
    /// Whether it hides findings now.
    holds: bool,
    kind: TargetKindBody,
    #[serde(rename = "where")]
    where_: Option<String>,
    /// Ids of the assets it names, or held when it was made.
    assets: Vec<String>,
    vulnerabilities: Vec<String>,
    start: Option<String>,
    end: Option<String>,
    requested_by: String,
    requested_at: Option<String>,
    decisions: Vec<DecisionBody>,
}

/// How the filter is taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum TargetKindBody {
    Static,
    Dynamic,
}

/// One decision.
#[derive(Debug, Serialize, ToSchema)]
struct DecisionBody {
    at: Option<String>,
    by: String,
    state: &'static str,
    comment: String,
}

impl ExceptionBody {
    fn of(state: &AppState, caller: &Caller, exception: &Exception) -> Self {
        let snapshot = state.app.live().snapshot();
        let scope = caller.principal().scope();
        Self {
            id: exception.uuid.to_string(),
            title: exception.title.clone(),
            reason: exception.reason.clone(),
            comment: exception.comment.clone(),
            state: exception.state.as_str(),
            holds: exception.holds(state.app.now()),
            kind: match exception.target.kind {
                TargetKind::Static => TargetKindBody::Static,
                TargetKind::Dynamic => TargetKindBody::Dynamic,
            },
            where_: exception.target.filter.as_ref().map(ToString::to_string),
            assets: exception
                .target
                .included
                .iter()
                .filter_map(|no| snapshot.asset(&scope, *no))
                .map(|asset| asset.uuid.to_string())
                .collect(),
            vulnerabilities: exception.target.vulnerabilities.clone(),
            start: shown(exception.start),
            end: shown(exception.end),
            requested_by: exception.requested_by.clone(),
            requested_at: shown(exception.requested_at),
            decisions: exception
                .decisions
                .iter()
                .map(|d| DecisionBody {
                    at: shown(d.at),
                    by: d.by.clone(),
                    state: d.state.as_str(),
                    comment: d.comment.clone(),
                })
                .collect(),
        }
    }
}

/// A page of exceptions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExceptionPage {
    exceptions: Vec<ExceptionBody>,
    /// Ask again with this as `after`; absent after the last one.
    next: Option<u32>,
}

/// Exceptions of the project, oldest first.
#[utoipa::path(get, path = "/api/v1/exceptions", params(After), tag = "exceptions",
    responses((status = 200, body = ExceptionPage)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(paging): Query<After>,
) -> ApiResult<Json<ExceptionPage>> {
    let limit = paging.limit()?;
    let found = state.app.exceptions().list(caller.principal(), ExceptionNo(paging.after), limit).await?;
    let next = found.last().map(|e| e.no.0).filter(|_| found.len() == limit as usize);
    let exceptions = found.iter().map(|e| ExceptionBody::of(&state, &caller, e)).collect();
    Ok(Json(ExceptionPage { exceptions, next }))
}

/// Asks for an exception: 201, approved when the asker may approve, else pending.
#[utoipa::path(post, path = "/api/v1/exceptions", request_body = ExceptionRequest, tag = "exceptions",
    responses((status = 201, body = ExceptionBody)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(request): Json<ExceptionRequest>,
) -> ApiResult<(StatusCode, Json<ExceptionBody>)> {
    let exception = state.app.exceptions().create(caller.principal(), &request.read()?).await?;
    Ok((StatusCode::CREATED, Json(ExceptionBody::of(&state, &caller, &exception))))
}

/// What an exception would hide, without storing it.
#[utoipa::path(post, path = "/api/v1/exceptions/preview", request_body = ExceptionRequest, tag = "exceptions",
    responses((status = 200, body = CountsBody)))]
pub(super) async fn preview(
    State(state): State<AppState>,
    caller: Caller,
    Json(request): Json<ExceptionRequest>,
) -> ApiResult<Json<CountsBody>> {
    let counts = state.app.exceptions().preview(caller.principal(), &request.read()?).await?;
    Ok(Json(CountsBody::of(&counts)))
}

/// One exception.
#[utoipa::path(get, path = "/api/v1/exceptions/{id}", params(("id" = String, Path)), tag = "exceptions",
    responses((status = 200, body = ExceptionBody)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<Json<ExceptionBody>> {
    let exception = state.app.exceptions().get(caller.principal(), params::id(&id, "exception")?).await?;
    Ok(Json(ExceptionBody::of(&state, &caller, &exception)))
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionRequest {
    /// `approve`, `reject` or `end`.
    decision: String,
    #[serde(default)]
    comment: String,
}

/// Decides: approve and reject need `exceptions.approve`; the asker may end what is still pending.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/decision", params(("id" = String, Path)),
    request_body = DecisionRequest, tag = "exceptions", responses((status = 200, body = ExceptionBody)))]
pub(super) async fn decide(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    Json(request): Json<DecisionRequest>,
) -> ApiResult<Json<ExceptionBody>> {
    let next = match request.decision.as_str() {
        "approve" => ExceptionState::Approved,
        "reject" => ExceptionState::Rejected,
        "end" => ExceptionState::Ended,
        _ => return Err(ApiError::invalid("decision must be approve, reject or end")),
    };
    let id = params::id(&id, "exception")?;
    let exception = state.app.exceptions().decide(caller.principal(), id, next, &request.comment).await?;
    Ok(Json(ExceptionBody::of(&state, &caller, &exception)))
}
