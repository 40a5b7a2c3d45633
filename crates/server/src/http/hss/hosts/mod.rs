//! Servers, their groups and what they are worth (contract 6).

mod groups;
mod list;
mod statistics;

#[cfg(test)]
mod tests;

use axum::http::Method;
use parapet_model::Permission;

use crate::http::route::{Access, Table};

/// Rows of the route table.
pub(super) fn routes(table: Table) -> Table {
    let read = Access::Right(Permission::FindingsRead);
    let write = Access::Right(Permission::AssetsWrite);
    const GROUPS: &str = "/v5/{project_id}/host-management/groups";
    table
        .add(Method::GET, "/v5/{project_id}/host-management/hosts", read, list::hosts)
        .add(Method::GET, "/v5/{project_id}/host-management/hosts-risk", read, list::risk)
        .add(Method::GET, "/v5/{project_id}/host-management/host-statistics", read, statistics::show)
        .add(Method::GET, GROUPS, read, groups::list)
        .add(Method::POST, GROUPS, write, groups::add)
        .add(Method::PUT, GROUPS, write, groups::change)
        .add(Method::DELETE, GROUPS, write, groups::delete)
        .add(Method::POST, "/v5/{project_id}/host-management/group/associate", write, groups::associate)
        .add(
            Method::PUT,
            "/v5/{project_id}/host-management/asset-value/associate",
            write,
            groups::asset_value,
        )
}
