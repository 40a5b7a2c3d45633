//! Huawei Cloud HSS v5 (contract `huawei-hss`). Calls that are not served are listed in
//! `docs/compat/huawei-hss.md` and answer `APIGW.0101`.
//!
//! | module | holds |
//! |---|---|
//! | `exports` | exports, their tasks and files |
//! | `vulnerabilities` | what servers have, and what people do about it |
//! | `images` | what images have, and reading them again |
//! | `hosts` | servers, their groups and what they are worth |
//! | `call` | the frame of every call: who asks, of what they see |
//! | `query`, `body`, `words` | what may be asked, and how it is refused |
//! | `estate`, `rows` | what the caller sees, and how it looks on this wire |

#[cfg(test)]
mod bad_input;
mod body;
mod call;
mod error;
mod estate;
mod exports;
mod hosts;
mod images;
mod query;
mod rows;
mod vulnerabilities;
mod words;

use axum::http::Method;
use parapet_model::{Permission, Principal, Scope};

pub(crate) use error::HssError;
pub(crate) use exports::columns::{HssShape, SHAPE, join};
use exports::{create, download, handled, task};
use query::Query;
pub(crate) use words::os_packages;

use super::auth::Caller;
use super::route::{Access, Family, Table};
use super::state::AppState;

/// Rows of the route table.
pub(crate) fn routes() -> Table {
    let export = Access::Right(Permission::ExportsCreate);
    let table = Table::new(Family::Hss)
        .add(Method::POST, "/v5/{project_id}/vul/export", export, create::hosts)
        .add(Method::POST, "/v5/{project_id}/image/local-vulnerability/export", export, create::images)
        .add(Method::POST, "/v5/{project_id}/vulnerability/history/export-task", export, handled::pairs)
        .add(
            Method::POST,
            "/v5/{project_id}/vulnerability/handle-history/export-task",
            export,
            handled::history,
        )
        .add(Method::GET, "/v5/{project_id}/export-task", export, task::latest)
        .add(Method::GET, "/v5/{project_id}/event/export-task/{task_id}", export, task::show)
        .add(Method::GET, "/v5/{project_id}/export-task/{task_id}", export, task::show)
        .add(Method::GET, "/v5/{project_id}/download/{file_id}", export, download::get);
    hosts::routes(images::routes(vulnerabilities::routes(table)))
}

/// The caller as it acts in the project of the path. A token of another project fails; a token of
/// the whole domain acts wherever its user has rights.
async fn in_project(
    state: &AppState,
    caller: &Caller,
    project_id: &str,
    right: Permission,
) -> Result<Principal, HssError> {
    let refused = || HssError::forbidden("The token gives no rights on this project".to_owned());
    if project_id.is_empty() || project_id.len() > 256 || project_id.contains(['{', '}']) {
        return Err(HssError::invalid("project_id is not a project id".to_owned()));
    }
    let principal = match &caller.0.project {
        Some(project) if project.id == project_id => caller.principal().clone(),
        Some(_) => return Err(refused()),
        None => state
            .app
            .accounts()
            .principal_in(caller.principal().user, project_id)
            .await
            .map_err(|_| refused())?,
    };
    if principal.may(right) { Ok(principal) } else { Err(refused()) }
}

/// What the call may see: `enterprise_project_id` of contract 1.2.
async fn enterprise_scope(state: &AppState, principal: &Principal, query: &Query) -> Result<Scope, HssError> {
    let scope = principal.scope();
    match query.text("enterprise_project_id", 1..=256)?.unwrap_or("0") {
        "all_granted_eps" => Ok(scope),
        id => {
            let known = state.app.accounts().enterprise_project(id).await?;
            known
                .and_then(|row| scope.narrow(row.no))
                .ok_or_else(|| HssError::not_granted(format!("No rights on the enterprise project {id:?}")))
        }
    }
}
