//! Scanning again and deleting.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use uuid::Uuid;

use crate::link::Link;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult};

/// Has the asset read again.
pub(crate) async fn scan(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let scanned = state.app.scans().rescan(visitor.principal(), id).await;
    scanned.map_err(|error| PageError::from(error).to(&visitor))?;
    let page = Link::to("/assets").part(&id.to_string()).with("done", "scan");
    Ok(Redirect::to(&page.to_string()).into_response())
}

/// Deletes the asset; its page says so.
pub(crate) async fn delete(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    let deleted = state.app.scans().delete(visitor.principal(), id).await;
    deleted.map_err(|error| PageError::from(error).to(&visitor))?;
    Ok(Redirect::to(&Link::to("/assets").part(&id.to_string()).to_string()).into_response())
}
