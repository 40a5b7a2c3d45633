//! Vulnerability management (contract 4): what servers have, and what people do about it.

mod handle;
mod history;
mod hosts;
mod list;
mod scan;
mod statistics;
#[cfg(test)]
mod tests;
mod whitelist;

use axum::http::Method;
use parapet_model::Permission;

use crate::http::route::{Access, Table};

pub(super) use handle::{hosts_named, known};
pub(super) use history::{Shown, WantedEntries, entries, filtered, handled_filter, status_of, type_of};

/// Rows of the route table.
pub(super) fn routes(table: Table) -> Table {
    let read = Access::Right(Permission::FindingsRead);
    let decided = Access::Right(Permission::ExceptionsRead);
    let ask = Access::Right(Permission::ExceptionsRequest);
    let write = Access::Right(Permission::AssetsWrite);
    table
        .add(Method::POST, "/v5/{project_id}/vulnerability/scan-task", write, scan::create)
        .add(Method::GET, "/v5/{project_id}/vulnerability/scan-tasks", read, scan::list)
        .add(Method::GET, "/v5/{project_id}/vulnerability/scan-task/{task_id}/hosts", read, scan::hosts)
        .add(Method::GET, "/v5/{project_id}/vulnerability/scan-policy", read, scan::policy)
        .add(Method::PUT, "/v5/{project_id}/vulnerability/scan-policy", write, scan::change_policy)
        .add(Method::GET, "/v5/{project_id}/vulnerability/vulnerabilities", read, list::vulnerabilities)
        .add(Method::GET, "/v5/{project_id}/vulnerability/hosts", read, hosts::of_vulnerability)
        .add(Method::GET, "/v5/{project_id}/vulnerability/host/{host_id}", read, list::of_host)
        .add(Method::GET, "/v5/{project_id}/vulnerability/host/hosts", read, hosts::list)
        .add(
            Method::GET,
            "/v5/{project_id}/vulnerability/host-vulnerability/vulnerabilities",
            read,
            list::pairs,
        )
        .add(Method::GET, "/v5/{project_id}/vulnerability/statistics", read, statistics::show)
        .add(Method::GET, "/v5/{project_id}/vulnerability/statistics/affected", read, statistics::affected)
        .add(Method::GET, "/v5/{project_id}/vulnerability/urgent-vulnerabilities", read, list::urgent)
        .add(Method::PUT, "/v5/{project_id}/vulnerability/status", ask, handle::change)
        .add(
            Method::GET,
            "/v5/{project_id}/vulnerability/handle/vulnerabilities",
            decided,
            history::vulnerabilities,
        )
        .add(Method::GET, "/v5/{project_id}/vulnerability/handle-history", decided, history::list)
        .add(Method::GET, "/v5/{project_id}/vulnerability/white-lists", decided, whitelist::list)
        .add(Method::POST, "/v5/{project_id}/vulnerability/white-list", ask, whitelist::add)
        .add(Method::DELETE, "/v5/{project_id}/vulnerability/white-list", ask, whitelist::delete)
        .add(Method::GET, "/v5/{project_id}/vulnerability/white-list/{id}", decided, whitelist::show)
        .add(Method::PUT, "/v5/{project_id}/vulnerability/white-list/{id}", ask, whitelist::change)
}
