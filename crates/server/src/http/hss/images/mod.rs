//! Images (contract 5): what they have, which have something, and reading them again.
//!
//! Every image is a *local* one; it is a *registry* one too while a tag of a registry points to it.

mod apps;
mod estate;
mod handle;
mod list;
mod places;
mod registries;
mod report;
mod scan;
mod vulnerabilities;

#[cfg(test)]
mod tests;

use axum::http::Method;
use parapet_model::Permission;

use crate::http::route::{Access, Table};

/// Rows of the route table.
pub(super) fn routes(table: Table) -> Table {
    let read = Access::Right(Permission::FindingsRead);
    let decided = Access::Right(Permission::ExceptionsRead);
    let ask = Access::Right(Permission::ExceptionsRequest);
    let write = Access::Right(Permission::AssetsWrite);
    let export = Access::Right(Permission::ExportsCreate);
    let see_registries = Access::Right(Permission::RegistriesRead);
    table
        .add(Method::POST, "/v5/{project_id}/image/security-report/export-tasks", export, report::export)
        .add(Method::GET, "/v5/{project_id}/image/registries", see_registries, registries::list)
        .add(
            Method::GET,
            "/v5/{project_id}/image/registries/statistics",
            see_registries,
            registries::statistics,
        )
        .add(Method::GET, "/v5/{project_id}/image/local-repositories", read, list::local)
        .add(Method::GET, "/v5/{project_id}/image/swr-repository", read, list::of_registries)
        .add(Method::GET, "/v5/{project_id}/image/local/hosts", read, places::hosts)
        .add(Method::GET, "/v5/{project_id}/image/local/containers", read, places::containers)
        .add(Method::GET, "/v5/{project_id}/image/vulnerabilities", read, vulnerabilities::global)
        .add(Method::GET, "/v5/{project_id}/images/vulnerabilities", read, vulnerabilities::general)
        .add(Method::GET, "/v5/{project_id}/vulnerability/images", read, vulnerabilities::images)
        .add(Method::GET, "/v5/{project_id}/image/{id}/vulnerabilities", read, vulnerabilities::of_image)
        .add(Method::GET, "/v5/{project_id}/image/{id}/images", read, vulnerabilities::repositories)
        .add(Method::GET, "/v5/{project_id}/image/vulnerability/{id}/cve", read, vulnerabilities::cves)
        .add(Method::GET, "/v5/{project_id}/image/vulnerability/{id}/apps", read, apps::affected)
        .add(Method::GET, "/v5/{project_id}/image/vulnerability/{id}/containers", read, apps::containers)
        .add(Method::GET, "/v5/{project_id}/image/local/apps", read, apps::of_local)
        .add(Method::GET, "/v5/{project_id}/image/{id}/apps", read, apps::of_image)
        .add(Method::POST, "/v5/{project_id}/image/vulnerability/handle", ask, handle::handle)
        .add(Method::GET, "/v5/{project_id}/image/vulnerability/handle-history", decided, handle::history)
        .add(Method::POST, "/v5/{project_id}/image/batch-scan", write, scan::of_registries)
        .add(Method::POST, "/v5/{project_id}/image/local/batch-scan", write, scan::local)
        .add(Method::POST, "/v5/{project_id}/image/image-scan/tasks", write, scan::create)
        .add(Method::GET, "/v5/{project_id}/image/tasks", read, scan::tasks)
}
