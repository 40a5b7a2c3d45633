//! Projects, the one domain, and who asks: calls the SDKs make by themselves.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use parapet_model::facts::ProjectRow;
use parapet_service::Error;
use serde_json::{Value, json};

use super::{DOMAIN, KeystoneError};
use crate::http::auth::Caller;
use crate::http::query::RawQuery;
use crate::http::state::AppState;

/// The projects the caller may act in; `name` narrows to one. An SDK needs exactly one answer when
/// it names a region, so region ids that name no project stand for the caller's own.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<Value>, KeystoneError> {
    let mut projects = state.app.accounts().projects_of(caller.principal()).await?;
    let query = RawQuery::parse(uri.query().unwrap_or_default()).map_err(KeystoneError::malformed)?;
    if let Some(name) = query.text("name") {
        if projects.iter().any(|p| p.name == name) {
            projects.retain(|p| p.name == name);
        } else {
            projects.retain(|p| p.no == caller.principal().project);
        }
    }
    let list: Vec<Value> = projects.iter().map(document).collect();
    Ok(Json(json!({"projects": list, "links": {"self": "/v3/projects", "previous": null, "next": null}})))
}

/// One project that the caller may act in.
pub(super) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Value>, KeystoneError> {
    let projects = state.app.accounts().projects_of(caller.principal()).await?;
    let found = projects.iter().find(|project| project.id == id);
    let found = found.ok_or_else(|| Error::NotFound("project".to_owned()))?;
    Ok(Json(json!({"project": document(found)})))
}

fn document(project: &ProjectRow) -> Value {
    json!({
        "id": project.id, "name": project.name, "domain_id": DOMAIN, "parent_id": DOMAIN, "enabled": true,
        "description": "", "is_domain": false, "links": {"self": format!("/v3/projects/{}", project.id)},
    })
}

/// Who asks, as an SDK with global credentials wants to know when no domain is listed.
pub(super) async fn caller(caller: Caller) -> Json<Value> {
    let user = format!("{:032x}", caller.principal().user);
    Json(json!({
        "account_id": DOMAIN,
        "principal_id": user,
        "principal_urn": format!("sts::{DOMAIN}:user:{}", caller.principal().name),
    }))
}

/// The one domain.
pub(super) async fn domains() -> Json<Value> {
    Json(json!({"domains": [{"id": DOMAIN, "name": DOMAIN, "enabled": true}],
        "links": {"self": "/v3/auth/domains", "previous": null, "next": null}}))
}
