//! `GET /v3/projects`, `/v3/auth/projects`, `/v3/auth/domains`: calls the SDKs make by themselves.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{DOMAIN, KeystoneError};
use crate::http::auth::Caller;
use crate::http::hss::Query;
use crate::http::state::AppState;

/// The projects the caller may act in; `name` narrows to one. An SDK needs exactly one answer when
/// it names a region, so region ids that name no project stand for the caller's own.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, KeystoneError> {
    let mut projects = state.app.accounts().projects_of(caller.principal()).await?;
    if let Some(name) = query.text("name") {
        if projects.iter().any(|p| p.name == name) {
            projects.retain(|p| p.name == name);
        } else {
            projects.retain(|p| p.no == caller.principal().project);
        }
    }
    let list: Vec<Value> = projects
        .iter()
        .map(|p| {
            json!({
                "id": p.id, "name": p.name, "domain_id": DOMAIN, "parent_id": DOMAIN, "enabled": true,
                "description": "", "is_domain": false, "links": {"self": format!("/v3/projects/{}", p.id)},
            })
        })
        .collect();
    Ok(Json(json!({"projects": list, "links": {"self": "/v3/projects", "previous": null, "next": null}})))
}

/// The one domain.
pub(super) async fn domains() -> Json<Value> {
    Json(json!({"domains": [{"id": DOMAIN, "name": DOMAIN, "enabled": true}],
        "links": {"self": "/v3/auth/domains", "previous": null, "next": null}}))
}
