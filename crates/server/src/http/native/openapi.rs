//! The OpenAPI document of this family, generated from the handlers and compared with the route
//! table by a test.

use axum::Json;
use utoipa::OpenApi;

use super::{
    assets, audit, compliance, enterprise, error, exceptions, exports, feeds, findings, jobs, registries,
    sensors, vulnerabilities,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parapet",
        description = "Vulnerability and compliance posture, self-hosted. \
        Sign in with HTTP Basic, or with a token in X-Auth-Token."
    ),
    paths(
        get,
        assets::list,
        assets::scan,
        assets::get,
        assets::delete,
        vulnerabilities::list,
        vulnerabilities::get,
        findings::list,
        findings::counts,
        findings::explain,
        exceptions::list,
        exceptions::create,
        exceptions::preview,
        exceptions::get,
        exceptions::decide,
        feeds::list,
        feeds::sync,
        feeds::rollback,
        feeds::accept,
        feeds::reject,
        registries::list,
        registries::create,
        registries::delete,
        registries::scan,
        sensors::register,
        sensors::check_in,
        sensors::report,
        sensors::claim,
        sensors::worked,
        compliance::import_of_sensor,
        compliance::import,
        compliance::results,
        compliance::result,
        compliance::policies,
        compliance::controls,
        compliance::technologies,
        jobs::list,
        jobs::get,
        jobs::cancel,
        exports::create,
        exports::get,
        exports::file,
        enterprise::list,
        enterprise::create,
        enterprise::rename,
        enterprise::assign,
        enterprise::grant,
        audit::list,
    ),
    components(schemas(error::ErrorBody))
)]
pub(super) struct Document;

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "meta", responses((status = 200, body = Object)))]
pub(super) async fn get() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

/// The document itself.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
