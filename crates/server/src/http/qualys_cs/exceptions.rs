//! `/exception` and the exceptions of an image or container (contract 2).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use parapet_model::asset::AssetKind;
use parapet_model::exception::{Asked, Exception, ExceptionState, TargetKind};
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{FOREVER, Millis};
use parapet_posture::AssetFilter;
use parapet_service::exceptions::NewException;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{self, Body};
use super::estate::Estate;
use super::listing::Listing;
use super::paging::{self, Page};
use super::qql::assets::Subject;
use super::qql::table::{Cell, TableRow, select};
use super::qql::{Expr, unknown_token};
use super::sorting::Key;
use super::{CsError, CsResult, NEVER, id, millis};
use crate::http::auth::Caller;
use crate::http::query::RawQuery;
use crate::http::state::AppState;

/// Tokens a dynamic filter may use (contract 2.1). The namespace of a pod is not known here.
const DYNAMIC_TOKENS: [&str; 3] = ["repo.tag", "repo.repository", "repo.registry"];
const REASONS: [&str; 3] = ["RISK_ACCEPTED", "FALSE_POSITIVE", "OTHER"];

/// An exception as it is asked for. All that the contract calls mandatory is checked by hand, to
/// name what is missing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExceptionRequest {
    name: Option<String>,
    reason: Option<String>,
    explanation: Option<String>,
    scope: Option<String>,
    list_id: Option<String>,
    exception_type: Option<String>,
    entity_assignment_request: Option<Assignment>,
    #[serde(default, deserialize_with = "body::millis")]
    start_date: Option<Millis>,
    #[serde(default, deserialize_with = "body::millis")]
    end_date: Option<Millis>,
    entity_assignment_type: Option<String>,
    dynamic_filter: Option<String>,
}

/// Which images or containers.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    ids_to_add: Option<Vec<String>>,
    addition_filter: Option<String>,
    ids_to_remove: Option<Vec<String>>,
    removal_filter: Option<String>,
}

/// A request that was understood.
struct Read {
    new: NewException,
    remove: Vec<Uuid>,
}

impl ExceptionRequest {
    fn read(self, estate: &Estate) -> CsResult<Read> {
        let needed = |name: &str, value: Option<String>| {
            value
                .filter(|text| !text.trim().is_empty())
                .ok_or_else(|| CsError::invalid(format!("{name} is mandatory")))
        };
        let title = needed("name", self.name)?;
        let reason = word("reason", &needed("reason", self.reason)?, &REASONS)?;
        let comment = needed("explanation", self.explanation)?;
        let (kind, subject) = match word("scope", &needed("scope", self.scope)?, &["IMAGE", "CONTAINER"])? {
            "IMAGE" => (AssetKind::Image, Subject::Image),
            _ => (AssetKind::Container, Subject::Container),
        };
        let list = needed("listId", self.list_id)?;
        let list =
            Uuid::try_parse(&list).map_err(|_| CsError::invalid(format!("there is no list {list}")))?;
        word("exceptionType", &needed("exceptionType", self.exception_type)?, &["VULNERABILITY"])?;
        let given = self.entity_assignment_type.as_deref().unwrap_or("STATIC");
        let dynamic = word("entityAssignmentType", given, &["STATIC", "DYNAMIC"])? == "DYNAMIC";
        let start = self.start_date.ok_or_else(|| CsError::invalid("startDate is mandatory"))?;
        let end = self.end_date.ok_or_else(|| CsError::invalid("endDate is mandatory"))?;
        let assignment = match self.entity_assignment_request {
            Some(given) => given,
            None if dynamic => Assignment::default(),
            None => return Err(CsError::invalid("entityAssignmentRequest is mandatory")),
        };
        let mut new = NewException {
            title,
            reason: reason.to_ascii_lowercase(),
            comment,
            kind: if dynamic { TargetKind::Dynamic } else { TargetKind::Static },
            filter: None,
            assets: uuids(estate, subject, assignment.ids_to_add.as_deref().unwrap_or_default())?,
            vulnerabilities: Vec::new(),
            asked: Asked { scope: Some(kind), filter: None, list: Some(list) },
            start: Some(start),
            end: Some(if end >= NEVER { FOREVER } else { end }),
        };
        let of_kind = Filter::test(Field::Kind, Op::Eq, subject.kind().as_str());
        if dynamic {
            let text = self.dynamic_filter.filter(|text| !text.trim().is_empty());
            let text = text.ok_or_else(|| CsError::invalid("dynamicFilter is mandatory with DYNAMIC"))?;
            check_dynamic(&text)?;
            new.filter = Some(of_kind.and(plain(estate.filter(subject, Some(&text))?)?));
            new.asked.filter = Some(text);
        } else if new.assets.is_empty()
            && let Some(text) = assignment.addition_filter.filter(|text| !text.trim().is_empty())
        {
            match estate.filter(subject, Some(&text))? {
                AssetFilter::Is(filter) => new.filter = Some(of_kind.and(filter)),
                _ => new.assets = estate.select_uuids(subject, Some(&text))?,
            }
        }
        let mut remove = uuids(estate, subject, assignment.ids_to_remove.as_deref().unwrap_or_default())?;
        if remove.is_empty()
            && let Some(text) = assignment.removal_filter.filter(|text| !text.trim().is_empty())
        {
            remove = estate.select_uuids(subject, Some(&text))?;
        }
        Ok(Read { new, remove })
    }
}

fn word<'w>(name: &str, given: &str, words: &[&'w str]) -> CsResult<&'w str> {
    let found = words.iter().find(|word| **word == given).copied();
    found.ok_or_else(|| CsError::invalid(format!("{name} must be one of {}: {given:?}", words.join(", "))))
}

fn check_dynamic(text: &str) -> CsResult<()> {
    let Some(expr) = Expr::read(Some(text))? else { return Ok(()) };
    expr.each_test(&mut |test| {
        let bare = ["image.", "container."].iter().find_map(|prefix| test.token.strip_prefix(prefix));
        let allowed = DYNAMIC_TOKENS.contains(&bare.unwrap_or(&test.token));
        if allowed { Ok(()) } else { Err(unknown_token(test, &DYNAMIC_TOKENS)) }
    })
}

/// A live filter, which is about the asset alone.
fn plain(filter: AssetFilter) -> CsResult<Filter> {
    match filter {
        AssetFilter::Is(filter) => Ok(filter),
        _ => Err(CsError::invalid("dynamicFilter must be about the image or container alone")),
    }
}

/// The assets named, which must be of the right kind.
fn uuids(estate: &Estate, subject: Subject, ids: &[String]) -> CsResult<Vec<Uuid>> {
    ids.iter()
        .map(|text| {
            let found = Uuid::try_parse(text).ok().and_then(|_| estate.find(subject, text).ok());
            let found = found.map(|asset| asset.uuid);
            found.ok_or_else(|| CsError::invalid(format!("there is no {} {text}", subject.kind().as_str())))
        })
        .collect()
}

/// `POST /exception`.
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<ExceptionRequest>,
) -> CsResult<Json<Value>> {
    let Read { new, .. } = request.read(&Estate::now(&state, &caller).await?)?;
    refuse_taken(&state, &caller, &new.title, None)?;
    let exception = state.app.exceptions().create(caller.principal(), &new).await?;
    Ok(Json(json!({"exceptionId": exception.uuid})))
}

/// `PUT /exception/{exceptionId}`: `idsToAdd` adds, `idsToRemove` and `removalFilter` take out.
pub(super) async fn update(
    State(state): State<AppState>,
    Path(exception): Path<String>,
    caller: Caller,
    Body(request): Body<ExceptionRequest>,
) -> CsResult<Json<Value>> {
    let old = standing(&state, &caller, &exception).await?;
    let Read { new, remove } = request.read(&Estate::now(&state, &caller).await?)?;
    refuse_taken(&state, &caller, &new.title, Some(old.uuid))?;
    let exception = state.app.exceptions().update(caller.principal(), old.uuid, &new, &remove).await?;
    Ok(Json(json!({"exceptionId": exception.uuid})))
}

fn refuse_taken(state: &AppState, caller: &Caller, name: &str, except: Option<Uuid>) -> CsResult<()> {
    let (snapshot, scope) = (state.app.live().snapshot(), caller.principal().scope());
    let mut standing = snapshot.exceptions(&scope).filter(|e| e.state != ExceptionState::Ended);
    match standing.any(|e| e.title == name && Some(e.uuid) != except) {
        true => Err(CsError::invalid(format!("there is an exception named {name:?} already"))),
        false => Ok(()),
    }
}

/// An exception that was not deleted.
async fn standing(state: &AppState, caller: &Caller, text: &str) -> CsResult<Exception> {
    let unknown = || CsError::not_found(format!("exception {text}"));
    let exception = match state.app.exceptions().get(caller.principal(), id(text, "exception")?).await {
        Err(parapet_service::Error::NotFound(_)) => return Err(unknown()),
        other => other?,
    };
    if exception.state == ExceptionState::Ended { Err(unknown()) } else { Ok(exception) }
}

/// An exception with everything this wire says of one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    exception_id: Uuid,
    #[serde(flatten)]
    words: Words,
    entity_assignment_type: &'static str,
    /// The older name of `entityAssignmentType`.
    image_selection_type: &'static str,
    dynamic_filter: Option<String>,
    qids: Option<Vec<u64>>,
}

/// What details and lists share.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Words {
    name: String,
    created_by: String,
    created: Option<String>,
    updated_by: String,
    updated: Option<String>,
    reason: String,
    explanation: String,
    scope: Option<&'static str>,
    list_id: Option<Uuid>,
    start_date: Option<String>,
    end_date: Option<String>,
}

impl Words {
    fn of(exception: &Exception) -> Self {
        let last = exception.decisions.last();
        Self {
            name: exception.title.clone(),
            created_by: exception.requested_by.clone(),
            created: millis(exception.requested_at),
            updated_by: last.map_or(&exception.requested_by, |decision| &decision.by).clone(),
            updated: millis(last.map_or(exception.requested_at, |decision| decision.at)),
            reason: exception.reason.to_ascii_uppercase(),
            explanation: exception.comment.clone(),
            scope: exception.asked.scope.map(|kind| match kind {
                AssetKind::Container => "CONTAINER",
                _ => "IMAGE",
            }),
            list_id: exception.asked.list,
            start_date: millis(exception.start),
            end_date: millis(exception.end),
        }
    }
}

fn assignment_type(exception: &Exception) -> &'static str {
    match exception.target.kind {
        TargetKind::Static => "STATIC",
        TargetKind::Dynamic => "DYNAMIC",
    }
}

/// `GET /exception/{exceptionId}`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(exception): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let exception = standing(&state, &caller, &exception).await?;
    let query = RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)?;
    let qids = match query.text("includeQids").map(str::to_ascii_lowercase).as_deref() {
        None | Some("false") => None,
        Some("true") => Some(qids(&state, &exception)),
        Some(_) => return Err(CsError::invalid("includeQids must be true or false")),
    };
    let details = Details {
        exception_id: exception.uuid,
        words: Words::of(&exception),
        entity_assignment_type: assignment_type(&exception),
        image_selection_type: assignment_type(&exception),
        dynamic_filter: exception.asked.filter.clone(),
        qids,
    };
    Ok(Json(serde_json::to_value(details).map_err(parapet_service::Error::internal)?))
}

/// The QIDs that the exception is for, as far as something in this store has them.
fn qids(state: &AppState, exception: &Exception) -> Vec<u64> {
    let snapshot = state.app.live().snapshot();
    let named = exception.target.vulnerabilities.iter().flat_map(|id| snapshot.vulnerabilities_named(id));
    let mut qids: Vec<u64> = named.map(|vulnerability| vulnerability.no.qid()).collect();
    qids.sort_unstable();
    qids.dedup();
    qids
}

/// A row of a list. Its id is called `uuid` here (contract 2.6).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    uuid: Uuid,
    #[serde(flatten)]
    row: Value,
    entity_assignment_type: &'static str,
    status: &'static str,
    #[serde(skip)]
    created: Millis,
    #[serde(skip)]
    start: Millis,
    #[serde(skip)]
    end: Millis,
}

impl Listed {
    fn of(exception: &Exception, now: Millis) -> CsResult<Self> {
        Ok(Self {
            uuid: exception.uuid,
            row: serde_json::to_value(Words::of(exception)).map_err(parapet_service::Error::internal)?,
            entity_assignment_type: assignment_type(exception),
            status: status(exception, now),
            created: exception.requested_at,
            start: exception.start,
            end: exception.end,
        })
    }
}

/// Where an exception stands. Pending and rejected are ours: there nobody has to ask.
fn status(exception: &Exception, now: Millis) -> &'static str {
    match exception.state {
        ExceptionState::Pending => "PENDING",
        ExceptionState::Rejected => "REJECTED",
        ExceptionState::Ended => "ENDED",
        ExceptionState::Approved if now < exception.start => "SCHEDULED",
        ExceptionState::Approved if now < exception.end => "ACTIVE",
        ExceptionState::Approved => "EXPIRED",
    }
}

impl Listed {
    /// A text of the row; empty for none.
    fn word(&self, key: &str) -> &str {
        self.row.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

impl TableRow for Listed {
    const TOKENS: &'static [&'static str] = &[
        "uuid",
        "name",
        "reason",
        "scope",
        "status",
        "createdBy",
        "created",
        "startDate",
        "endDate",
        "listId",
        "entityAssignmentType",
    ];

    fn cells(&self, token: &str) -> Vec<Cell> {
        vec![match token {
            "uuid" => Cell::Text(self.uuid.to_string()),
            "status" => self.status.into(),
            "entityAssignmentType" => self.entity_assignment_type.into(),
            "created" => Cell::Instant(self.created),
            "startDate" => Cell::Instant(self.start),
            "endDate" => Cell::Instant(self.end),
            other => self.word(other).into(),
        }]
    }
}

/// `GET /exception`.
pub(super) async fn list(State(state): State<AppState>, uri: Uri, caller: Caller) -> CsResult<Response> {
    let listing = Listing::of(&uri, state.app.now())?;
    let (rows, count) = listing.sorted(standing_rows(&state, &caller)?, "created:desc", &KEYS)?;
    Ok(paging::listed_with(&rows, count, &[("groups", Value::Null)]))
}

fn standing_rows(state: &AppState, caller: &Caller) -> CsResult<Vec<Listed>> {
    let (snapshot, scope) = (state.app.live().snapshot(), caller.principal().scope());
    let standing = snapshot.exceptions(&scope).filter(|e| e.state != ExceptionState::Ended);
    standing.map(|exception| Listed::of(exception, state.app.now())).collect()
}

/// What exceptions are sorted by.
const KEYS: [Key<Listed>; 8] = [
    ("created", |a, b| a.created.cmp(&b.created)),
    ("startDate", |a, b| a.start.cmp(&b.start)),
    ("endDate", |a, b| a.end.cmp(&b.end)),
    ("status", |a, b| a.status.cmp(b.status)),
    ("name", |a, b| a.word("name").cmp(b.word("name"))),
    ("reason", |a, b| a.word("reason").cmp(b.word("reason"))),
    ("scope", |a, b| a.word("scope").cmp(b.word("scope"))),
    ("createdBy", |a, b| a.word("createdBy").cmp(b.word("createdBy"))),
];

/// `DELETE /exception/{exceptionId}`.
pub(super) async fn delete(
    State(state): State<AppState>,
    Path(exception): Path<String>,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let exception = standing(&state, &caller, &exception).await?;
    end(&state, &caller, exception.uuid).await?;
    Ok(Json(json!({"exceptionId": exception.uuid})))
}

/// `DELETE /exception?exceptionIds=…` or `?filter=…`; the ids count when both are given.
pub(super) async fn delete_many(
    State(state): State<AppState>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Json<Value>> {
    let query = RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)?;
    let mut ids = Vec::new();
    for text in query.all("exceptionIds").flat_map(|text| text.split(',')) {
        ids.push(standing(&state, &caller, text.trim()).await?.uuid);
    }
    if ids.is_empty() {
        let filter = query.text("filter");
        let filter = filter.ok_or_else(|| CsError::invalid("exceptionIds or filter is expected"))?;
        let rows = select(standing_rows(&state, &caller)?, Some(filter), state.app.now())?;
        ids = rows.iter().map(|row| row.uuid).collect();
    }
    for exception in ids {
        end(&state, &caller, exception).await?;
    }
    // The deletion is done when this is read; the id names it in the audit trail's terms only.
    Ok(Json(json!({"deletionJobId": state.app.fresh_id()})))
}

async fn end(state: &AppState, caller: &Caller, exception: Uuid) -> CsResult<()> {
    let exceptions = state.app.exceptions();
    let done = exceptions.decide(caller.principal(), exception, ExceptionState::Ended, "deleted").await;
    match done {
        // What was rejected is over already.
        Ok(_) | Err(parapet_service::Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// `GET /images/{imageSha}/exceptions`.
pub(super) async fn of_image(
    State(state): State<AppState>,
    Path(image): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Response> {
    let asset = Estate::now(&state, &caller).await?.find(Subject::Image, &image)?.uuid;
    of_asset(&state, &caller, asset, &uri, &[("groups", Value::Null)]).await
}

/// `GET /containers/{containerSha}/exceptions`.
pub(super) async fn of_container(
    State(state): State<AppState>,
    Path(container): Path<String>,
    uri: Uri,
    caller: Caller,
) -> CsResult<Response> {
    let asset = Estate::now(&state, &caller).await?.find(Subject::Container, &container)?.uuid;
    of_asset(&state, &caller, asset, &uri, &[]).await
}

async fn of_asset(
    state: &AppState,
    caller: &Caller,
    asset: Uuid,
    uri: &Uri,
    more: &[(&str, Value)],
) -> CsResult<Response> {
    let query = RawQuery::parse(uri.query().unwrap_or_default()).map_err(CsError::invalid)?;
    let page = Page::of(&query)?;
    let now = state.app.now();
    let found = state.app.exceptions().of_asset(caller.principal(), asset).await?;
    let standing = found.iter().filter(|e| e.state != ExceptionState::Ended);
    let rows: Vec<Listed> = standing.map(|e| Listed::of(e, now)).collect::<CsResult<_>>()?;
    let (rows, count) = page.cut(rows);
    Ok(paging::listed_with(&rows, count, more))
}

/// What to map.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mapping {
    exception_event: Option<String>,
    #[serde(default)]
    exception_ids: Vec<String>,
}

/// `PUT /images/{imageId}/exceptions`.
pub(super) async fn map_image(
    State(state): State<AppState>,
    Path(image): Path<String>,
    caller: Caller,
    Body(mapping): Body<Mapping>,
) -> CsResult<Json<Value>> {
    let asset = Estate::now(&state, &caller).await?.find(Subject::Image, &image)?.uuid;
    map(&state, &caller, asset, mapping).await?;
    Ok(Json(json!({"imageUuid": asset})))
}

/// `PUT /containers/{containerId}/exceptions`. The key has a capital, as documented.
pub(super) async fn map_container(
    State(state): State<AppState>,
    Path(container): Path<String>,
    caller: Caller,
    Body(mapping): Body<Mapping>,
) -> CsResult<Json<Value>> {
    let asset = Estate::now(&state, &caller).await?.find(Subject::Container, &container)?.uuid;
    map(&state, &caller, asset, mapping).await?;
    Ok(Json(json!({"ContainerUuid": asset})))
}

async fn map(state: &AppState, caller: &Caller, asset: Uuid, mapping: Mapping) -> CsResult<()> {
    let event = mapping.exception_event.unwrap_or_default();
    let holds = word("exceptionEvent", &event, &["ASSIGN", "DEASSIGN"])? == "ASSIGN";
    if mapping.exception_ids.is_empty() {
        return Err(CsError::invalid("exceptionIds is mandatory"));
    }
    let mut exceptions = Vec::new();
    for text in &mapping.exception_ids {
        exceptions.push(standing(state, caller, text).await?.uuid);
    }
    for exception in exceptions {
        state.app.exceptions().assign(caller.principal(), exception, asset, holds).await?;
    }
    Ok(())
}
