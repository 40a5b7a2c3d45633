//! `/enterprise-projects`: how assets are divided, and who sees which part.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use parapet_model::facts::EnterpriseProjectRow;
use parapet_service::{ChosenAssets, Error};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiResult, params};
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// Most assets named in one call.
const MAX_NAMED: usize = 10_000;

/// The enterprise projects that the caller sees.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnterpriseProjects {
    enterprise_projects: Vec<EnterpriseProjectBody>,
}

/// An enterprise project.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnterpriseProjectBody {
    /// As HSS calls name it; `0` is the default one.
    id: String,
    name: String,
}

impl EnterpriseProjectBody {
    fn of(row: EnterpriseProjectRow) -> Self {
        Self { id: row.id, name: row.name }
    }
}

/// The enterprise projects that the caller sees, oldest first.
#[utoipa::path(get, path = "/api/v1/enterprise-projects", tag = "enterprise projects",
    responses((status = 200, body = EnterpriseProjects)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> ApiResult<Json<EnterpriseProjects>> {
    let rows = state.app.accounts().enterprise_projects(caller.principal()).await?;
    let enterprise_projects = rows.into_iter().map(EnterpriseProjectBody::of).collect();
    Ok(Json(EnterpriseProjects { enterprise_projects }))
}

/// One to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEnterpriseProject {
    /// Unique.
    name: String,
    /// 1 to 64 letters, digits, `-` and `_`; without it one is made.
    id: Option<String>,
}

/// Makes an enterprise project.
#[utoipa::path(post, path = "/api/v1/enterprise-projects", tag = "enterprise projects",
    request_body = NewEnterpriseProject, responses((status = 201, body = EnterpriseProjectBody)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(wanted): Json<NewEnterpriseProject>,
) -> ApiResult<(StatusCode, Json<EnterpriseProjectBody>)> {
    let accounts = state.app.accounts();
    let row =
        accounts.create_enterprise_project(caller.principal(), &wanted.name, wanted.id.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(EnterpriseProjectBody::of(row))))
}

/// Another name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewName {
    name: String,
}

/// Gives an enterprise project another name.
#[utoipa::path(put, path = "/api/v1/enterprise-projects/{id}", params(("id" = String, Path)),
    tag = "enterprise projects", request_body = NewName,
    responses((status = 200, body = EnterpriseProjectBody)))]
pub(super) async fn rename(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    Json(wanted): Json<NewName>,
) -> ApiResult<Json<EnterpriseProjectBody>> {
    let row = state.app.accounts().rename_enterprise_project(caller.principal(), &id, &wanted.name).await?;
    Ok(Json(EnterpriseProjectBody::of(row)))
}

/// Assets to be moved: named, or chosen by a filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Assignment {
    /// Ids.
    #[serde(default)]
    assets: Vec<String>,
    /// See the filter language.
    #[serde(rename = "where")]
    filter: Option<String>,
}

/// How many assets were moved.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Moved {
    /// Those that were elsewhere before.
    moved: u64,
}

/// Puts assets into an enterprise project; each leaves the one it was in.
#[utoipa::path(post, path = "/api/v1/enterprise-projects/{id}/assets", params(("id" = String, Path)),
    tag = "enterprise projects", request_body = Assignment, responses((status = 200, body = Moved)))]
pub(super) async fn assign(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    Json(wanted): Json<Assignment>,
) -> ApiResult<Json<Moved>> {
    let invalid = |why: &str| Error::Invalid(why.to_owned());
    let assets = match (wanted.filter, wanted.assets) {
        (Some(filter), named) if named.is_empty() => ChosenAssets::Where(params::filter(Some(&filter))?),
        (None, named) if (1..=MAX_NAMED).contains(&named.len()) => {
            let ids = named.iter().map(|id| params::id(id, "asset"));
            ChosenAssets::Named(ids.collect::<Result<_, _>>()?)
        }
        (None, _) => return Err(invalid("assets: 1 to 10000 ids, or where: a filter").into()),
        (Some(_), _) => return Err(invalid("assets and where cannot be given together").into()),
    };
    let moved = state.app.accounts().move_assets(caller.principal(), &id, assets).await?;
    Ok(Json(Moved { moved }))
}

/// On which enterprise projects a user's rights are good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    /// Ids of the only ones the user sees; null for all, also those made later.
    enterprise_projects: Option<Vec<String>>,
}

/// Says on which enterprise projects a user's rights in this project are good.
#[utoipa::path(put, path = "/api/v1/users/{name}/enterprise-projects", params(("name" = String, Path)),
    tag = "enterprise projects", request_body = Grant, responses((status = 204)))]
pub(super) async fn grant(
    State(state): State<AppState>,
    Path(name): Path<String>,
    caller: Caller,
    Json(wanted): Json<Grant>,
) -> ApiResult<StatusCode> {
    let ids = wanted.enterprise_projects;
    state.app.accounts().grant(caller.principal(), &name, ids.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
