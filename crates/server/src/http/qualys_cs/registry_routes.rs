//! The rows of the route table for `/registry` and all below it. Scanning, so schedules too, is for
//! whoever may start scans; registries and connectors are for whoever may change credentials.

use axum::http::Method;
use parapet_model::Permission as P;

use super::{connectors, registries, schedules};
use crate::http::route::{Access, Family, Table};

/// Rows of the route table.
pub(crate) fn registry_routes() -> Table {
    let (read, write) = (Access::Right(P::RegistriesRead), Access::Right(P::RegistriesWrite));
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let table = Table::new(Family::QualysCs)
        .add(get.clone(), "/csapi/v1.3/registry", read, registries::list)
        .add(post.clone(), "/csapi/v1.3/registry", write, registries::create)
        .add(delete.clone(), "/csapi/v1.3/registry", write, registries::delete_many)
        .add(post.clone(), "/csapi/v1.3/registry/validate", write, registries::validate)
        .add(get.clone(), "/csapi/v1.3/registry/{registryId}", read, registries::get)
        .add(put, "/csapi/v1.3/registry/{registryId}", write, registries::update)
        .add(delete.clone(), "/csapi/v1.3/registry/{registryId}", write, registries::delete)
        .add(get.clone(), "/csapi/v1.3/registry/{registryId}/repository", read, registries::repositories)
        .add(get.clone(), "/csapi/v1.3/registry/aws-base", read, connectors::aws_base)
        .add(get.clone(), "/csapi/v1.3/registry/aws/connectors", read, connectors::aws_list)
        .add(get.clone(), "/csapi/v1.3/registry/aws/connectors/{accountId}", read, connectors::aws_of_account)
        .add(post.clone(), "/csapi/v1.3/registry/aws/connector", write, connectors::aws_create)
        .add(delete.clone(), "/csapi/v1.3/registry/aws/connector", write, connectors::aws_delete)
        .add(get.clone(), "/csapi/v1.3/registry/acr/connectors", read, connectors::acr_list)
        .add(get.clone(), "/csapi/v1.3/registry/acr/connector/{connectorId}", read, connectors::acr_get)
        .add(post.clone(), "/csapi/v1.3/registry/acr/connector", write, connectors::acr_create)
        .add(delete, "/csapi/v1.3/registry/acr/connector", write, connectors::acr_delete)
        .add(get.clone(), "/csapi/v1.3/registry/gcp/connectors", read, connectors::gcp_list)
        .add(get, "/csapi/v1.3/registry/gcp/connector/{connectorId}", read, connectors::gcp_get)
        .add(post, "/csapi/v1.3/registry/gcp/connector", write, connectors::gcp_create);
    schedule_routes(table)
}

fn schedule_routes(table: Table) -> Table {
    const ALL: &str = "/csapi/v1.3/registry/{registryId}/schedule";
    const ONE: &str = "/csapi/v1.3/registry/{registryId}/schedule/{scheduleId}";
    let (read, scan) = (Access::Right(P::RegistriesRead), Access::Right(P::AssetsWrite));
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    table
        .add(get.clone(), ALL, read, schedules::list)
        .add(post.clone(), ALL, scan, schedules::create)
        .add(delete.clone(), ALL, scan, schedules::delete_many)
        // The older form of the same call.
        .add(delete.clone(), "/csapi/v1.3/registry/{registryId}/schedule/", scan, schedules::delete_many)
        .add(delete.clone(), "/csapi/v1.3/registry/{registryId}/schedule/bulk", scan, schedules::delete_bulk)
        .add(post.clone(), "/csapi/v1.3/registry/{registryId}/schedule/cancel", scan, schedules::cancel_many)
        .add(put, ONE, scan, schedules::update)
        .add(delete, ONE, scan, schedules::delete)
        .add(post, "/csapi/v1.3/registry/{registryId}/schedule/{scheduleId}/cancel", scan, schedules::cancel)
        .add(
            get,
            "/csapi/v1.3/registry/{registryId}/schedule/{scheduleId}/executions",
            read,
            schedules::executions,
        )
}
