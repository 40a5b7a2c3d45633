//! `/audit`: who changed what, when, with before and after.

use axum::Json;
use axum::extract::{Query, State};
use parapet_store::audit::{AuditFilter, AuditRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ApiResult;
use super::params::{self, shown};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Events {
    /// Kind of the subject: `exception`, `registry`, `user`, …
    #[serde(default)]
    kind: String,
    /// Id or name of the subject.
    #[serde(default)]
    subject: String,
    /// Who.
    #[serde(default)]
    actor: String,
    /// The `next` of the page before.
    before: Option<u32>,
    /// Most events, 1 to 1000; 100 when absent.
    limit: Option<usize>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventPage {
    /// Newest first.
    events: Vec<EventBody>,
    /// Ask again with this as `before`; absent after the last one.
    next: Option<u32>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
struct EventBody {
    at: Option<String>,
    actor: String,
    action: String,
    kind: String,
    subject: String,
    #[schema(value_type = Option<Object>)]
    before: Option<serde_json::Value>,
    #[schema(value_type = Option<Object>)]
    after: Option<serde_json::Value>,
}

impl EventBody {
    fn of(row: AuditRow) -> Self {
        Self {
            at: shown(row.at),
            actor: row.actor,
            action: row.action,
            kind: row.kind,
            subject: row.subject,
            before: row.before.json().cloned(),
            after: row.after.json().cloned(),
        }
    }
}

/// Events of the project, newest first.
#[utoipa::path(get, path = "/api/v1/audit", params(Events), tag = "audit",
    responses((status = 200, body = EventPage)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(wanted): Query<Events>,
) -> ApiResult<Json<EventPage>> {
    let limit = params::limit(wanted.limit)?;
    let filter = AuditFilter {
        kind: &wanted.kind,
        subject: &wanted.subject,
        actor: &wanted.actor,
        ..AuditFilter::default()
    };
    let before = wanted.before.unwrap_or(u32::MAX);
    let page = u32::try_from(limit).unwrap_or(u32::MAX);
    let events = state.app.audit(caller.principal(), &filter, before, page).await?;
    let next = events.last().map(|row| row.no).filter(|_| events.len() == limit);
    Ok(Json(EventPage { events: events.into_iter().map(EventBody::of).collect(), next }))
}
