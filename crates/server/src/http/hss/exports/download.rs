//! `GET download/{file_id}`: the raw bytes of a finished export (contract 2.3). `HEAD` is answered
//! too, and byte ranges.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parapet_model::Permission;
use uuid::Uuid;

use super::super::{HssError, in_project};
use crate::http::auth::Caller;
use crate::http::file;
use crate::http::state::AppState;

/// Streams the file.
pub(in crate::http::hss) async fn get(
    State(state): State<AppState>,
    Path((project_id, file_id)): Path<(String, String)>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, HssError> {
    let principal = in_project(&state, &caller, &project_id, Permission::ExportsCreate).await?;
    let uuid = Uuid::try_parse(&file_id).map_err(|_| HssError::not_found("file"))?;
    let artifact = state.app.exports().artifact(&principal.scope(), uuid).await?;
    let artifact = artifact.ok_or_else(|| HssError::not_found("file"))?;
    Ok(file::answer(&state.app, &artifact, &headers).await?)
}
