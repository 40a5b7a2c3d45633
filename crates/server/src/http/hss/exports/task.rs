//! Polling of export tasks (contract 2.3). Look-up is by project and task id alone: the Terraform
//! provider polls without the enterprise project.

use axum::Json;
use axum::extract::{Path, State};
use parapet_model::Permission;
use parapet_model::job::JobState;
use parapet_service::exports::Task;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{HssError, Query, in_project};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// `GET export-task/{task_id}`.
pub(in crate::http::hss) async fn show(
    State(state): State<AppState>,
    Path((project_id, task_id)): Path<(String, String)>,
    caller: Caller,
) -> Result<Json<Value>, HssError> {
    answer(&state, &caller, &project_id, &task_id).await
}

/// `GET export-task?task_id=…`: the same answer.
pub(in crate::http::hss) async fn latest(
    State(state): State<AppState>,
    Path(project_id): Path<String>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, HssError> {
    query.text("export_task_type", 1..=64)?;
    let task_id = query.required("task_id", 1..=64)?;
    answer(&state, &caller, &project_id, task_id).await
}

async fn answer(
    state: &AppState,
    caller: &Caller,
    project_id: &str,
    id: &str,
) -> Result<Json<Value>, HssError> {
    let principal = in_project(state, caller, project_id, Permission::ExportsCreate).await?;
    let uuid = Uuid::try_parse(id).map_err(|_| HssError::not_found("task"))?;
    let task = state.app.exports().task(&principal.scope(), uuid).await?;
    Ok(Json(document(&task.ok_or_else(|| HssError::not_found("task"))?)))
}

fn document(task: &Task) -> Value {
    let status = match task.state {
        JobState::Succeeded => "success",
        JobState::Failed | JobState::Cancelled => "failure",
        JobState::Queued | JobState::Running => "running",
    };
    let mut document = json!({
        "task_id": task.id.simple().to_string(),
        "task_name": task.name,
        "task_status": status,
    });
    if let Some(artifact) = &task.artifact {
        document["file_id"] = json!(artifact.uuid.simple().to_string());
        document["file_name"] = json!(artifact.file_name);
    }
    document
}
