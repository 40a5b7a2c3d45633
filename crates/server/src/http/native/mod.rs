//! Parapet's own routes under `/api/v1`: assets, vulnerabilities, findings, exceptions, feeds,
//! registries, jobs, exports, audit. Described by `/api/v1/openapi.json`.

mod assets;
mod audit;
mod compliance;
mod enterprise;
mod error;
mod exceptions;
mod exports;
mod feeds;
mod findings;
mod jobs;
mod openapi;
mod params;
mod registries;
mod sensors;
mod vulnerabilities;

use axum::http::Method;
use parapet_model::Permission as P;

pub(crate) use error::ApiError;
#[cfg(test)]
pub(crate) use openapi::document as openapi_document;

use super::route::{Access, Family, Table};

/// Result of a handler.
type ApiResult<T> = Result<T, ApiError>;

/// Rows of the route table.
pub(crate) fn routes() -> Table {
    let right = Access::Right;
    Table::new(Family::Native)
        .add(Method::GET, "/api/v1/openapi.json", Access::Open, openapi::get)
        .add(Method::GET, "/api/v1/assets", right(P::FindingsRead), assets::list)
        .add(Method::POST, "/api/v1/assets/scan", right(P::AssetsWrite), assets::scan)
        .add(Method::GET, "/api/v1/assets/{id}", right(P::FindingsRead), assets::get)
        .add(Method::DELETE, "/api/v1/assets/{id}", right(P::AssetsWrite), assets::delete)
        .add(Method::GET, "/api/v1/vulnerabilities", right(P::FindingsRead), vulnerabilities::list)
        .add(Method::GET, "/api/v1/vulnerabilities/{id}", right(P::FindingsRead), vulnerabilities::get)
        .add(Method::GET, "/api/v1/findings", right(P::FindingsRead), findings::list)
        .add(Method::GET, "/api/v1/findings/counts", right(P::FindingsRead), findings::counts)
        .add(Method::GET, "/api/v1/findings/explain", right(P::FindingsRead), findings::explain)
        .add(Method::GET, "/api/v1/exceptions", right(P::ExceptionsRead), exceptions::list)
        .add(Method::POST, "/api/v1/exceptions", right(P::ExceptionsRequest), exceptions::create)
        .add(Method::POST, "/api/v1/exceptions/preview", right(P::ExceptionsRead), exceptions::preview)
        .add(Method::GET, "/api/v1/exceptions/{id}", right(P::ExceptionsRead), exceptions::get)
        .add(
            Method::POST,
            "/api/v1/exceptions/{id}/decision",
            right(P::ExceptionsRequest),
            exceptions::decide,
        )
        .add(Method::GET, "/api/v1/feeds", right(P::FeedsRead), feeds::list)
        .add(Method::POST, "/api/v1/feeds/sync", right(P::FeedsWrite), feeds::sync)
        .add(Method::POST, "/api/v1/feeds/{name}/rollback", right(P::FeedsWrite), feeds::rollback)
        .add(Method::POST, "/api/v1/feeds/{name}/held/accept", right(P::FeedsWrite), feeds::accept)
        .add(Method::POST, "/api/v1/feeds/{name}/held/reject", right(P::FeedsWrite), feeds::reject)
        .add(Method::GET, "/api/v1/registries", right(P::RegistriesRead), registries::list)
        .add(Method::POST, "/api/v1/registries", right(P::RegistriesWrite), registries::create)
        .add(Method::DELETE, "/api/v1/registries/{id}", right(P::RegistriesWrite), registries::delete)
        .add(Method::POST, "/api/v1/registries/{id}/scan", right(P::AssetsWrite), registries::scan)
        .add(Method::POST, "/api/v1/sensors/register", right(P::SensorReport), sensors::register)
        .add(Method::POST, "/api/v1/sensors/check-in", right(P::SensorReport), sensors::check_in)
        .add(Method::POST, "/api/v1/sensors/report", right(P::SensorReport), sensors::report)
        .add(Method::POST, "/api/v1/sensors/work", right(P::SensorReport), sensors::claim)
        .add(Method::POST, "/api/v1/sensors/work-report", right(P::SensorReport), sensors::worked)
        .add(Method::POST, "/api/v1/sensors/results", right(P::SensorReport), compliance::import_of_sensor)
        .upload()
        .add(Method::POST, "/api/v1/compliance/results", right(P::AssetsWrite), compliance::import)
        .upload()
        .add(Method::GET, "/api/v1/compliance/results", right(P::FindingsRead), compliance::results)
        .add(Method::GET, "/api/v1/compliance/results/{number}", right(P::FindingsRead), compliance::result)
        .add(Method::GET, "/api/v1/compliance/policies", right(P::FindingsRead), compliance::policies)
        .add(Method::GET, "/api/v1/compliance/controls", right(P::FindingsRead), compliance::controls)
        .add(Method::GET, "/api/v1/compliance/technologies", right(P::FindingsRead), compliance::technologies)
        .add(Method::GET, "/api/v1/jobs", right(P::FindingsRead), jobs::list)
        .add(Method::GET, "/api/v1/jobs/{id}", right(P::FindingsRead), jobs::get)
        .add(Method::POST, "/api/v1/jobs/{id}/cancel", right(P::JobsWrite), jobs::cancel)
        .add(Method::POST, "/api/v1/exports", right(P::ExportsCreate), exports::create)
        .add(Method::GET, "/api/v1/exports/{id}", right(P::ExportsCreate), exports::get)
        .add(Method::GET, "/api/v1/exports/{id}/file", right(P::ExportsCreate), exports::file)
        .add(Method::GET, "/api/v1/enterprise-projects", right(P::FindingsRead), enterprise::list)
        .add(Method::POST, "/api/v1/enterprise-projects", right(P::UsersWrite), enterprise::create)
        .add(Method::PUT, "/api/v1/enterprise-projects/{id}", right(P::UsersWrite), enterprise::rename)
        .add(
            Method::POST,
            "/api/v1/enterprise-projects/{id}/assets",
            right(P::AssetsWrite),
            enterprise::assign,
        )
        .add(Method::PUT, "/api/v1/users/{name}/enterprise-projects", right(P::UsersWrite), enterprise::grant)
        .add(Method::GET, "/api/v1/audit", right(P::AuditRead), audit::list)
}
