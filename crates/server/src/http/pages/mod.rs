//! The pages of `parapet-pages` on this server: who may see them, signing in and out, downloads.

mod gate;
mod sign_in;
#[cfg(test)]
mod tests;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use parapet_model::Permission as P;
use parapet_pages::{PageError, Visitor};
use uuid::Uuid;

#[cfg(test)]
pub(crate) use gate::{COOKIE, csrf_of};
pub(crate) use gate::{bound, check};

use super::file;
use super::route::{Access, Family, Table};
use super::state::AppState;

/// Rows of the route table.
pub(crate) fn routes() -> Table {
    Table::new(Family::Pages)
        .pages(parapet_pages::routes())
        .add(Method::GET, "/sign-in", Access::Open, sign_in::form)
        .add(Method::POST, "/sign-in", Access::Open, sign_in::sign_in)
        .add(Method::POST, "/sign-out", Access::SignedIn, sign_in::sign_out)
        .add(Method::GET, "/exports/{id}/file", Access::Right(P::ExportsCreate), download)
}

/// The file of a finished export.
async fn download(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let scope = visitor.principal().scope();
    let artifact = state.app.exports().artifact(&scope, id).await?;
    let artifact = artifact.ok_or_else(|| PageError::not_found("finished export").to(&visitor))?;
    Ok(file::answer(&state.app, &artifact, &headers).await?)
}
