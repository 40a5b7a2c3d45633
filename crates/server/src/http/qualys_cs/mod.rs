//! Qualys Container Security, API v1.3 (contract `qualys-cs`). What is done and each choice taken
//! where the contract is silent: `docs/compat/qualys-cs.md`.

mod body;
mod connectors;
mod error;
mod estate;
mod exceptions;
mod limits;
mod listing;
mod lists;
mod paging;
mod profiles;
mod qql;
mod registries;
mod registry_routes;
mod reports;
mod schedules;
mod sensors;
mod sign_in;
mod sorting;

use axum::http::Method;
use parapet_model::{FOREVER, Millis, Permission as P};
use serde::{Serialize, Serializer};
use uuid::Uuid;

pub(crate) use error::CsError;
pub(crate) use limits::{Allowance, Limits};
pub(crate) use registry_routes::registry_routes;
pub(crate) use reports::{CsShape, SHAPE, report_routes};

use super::route::{Access, Family, Table};

/// Result of a handler.
type CsResult<T> = Result<T, CsError>;

const PROFILES: &str = "/csapi/v1.3/sensorProfile";
const PROFILE: &str = "/csapi/v1.3/sensorProfile/{sensorProfileId}";

/// Rows of the route table.
pub(crate) fn routes() -> Table {
    let right = Access::Right;
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    estate_routes(Table::new(Family::QualysCs))
        .add(post.clone(), "/auth", Access::Open, sign_in::password)
        .add(post.clone(), "/auth/oidc", Access::Open, sign_in::client)
        .add(post.clone(), "/csapi/v1.3/auth", Access::Open, sign_in::password)
        .add(get.clone(), "/csapi/v1.3/exception", right(P::ExceptionsRead), exceptions::list)
        .add(post.clone(), "/csapi/v1.3/exception", right(P::ExceptionsRequest), exceptions::create)
        .add(delete.clone(), "/csapi/v1.3/exception", right(P::ExceptionsRequest), exceptions::delete_many)
        .add(get.clone(), "/csapi/v1.3/exception/{exceptionId}", right(P::ExceptionsRead), exceptions::get)
        .add(
            put.clone(),
            "/csapi/v1.3/exception/{exceptionId}",
            right(P::ExceptionsRequest),
            exceptions::update,
        )
        .add(
            delete.clone(),
            "/csapi/v1.3/exception/{exceptionId}",
            right(P::ExceptionsRequest),
            exceptions::delete,
        )
        .add(
            get.clone(),
            "/csapi/v1.3/images/{imageSha}/exceptions",
            right(P::ExceptionsRead),
            exceptions::of_image,
        )
        .add(
            put.clone(),
            "/csapi/v1.3/images/{imageSha}/exceptions",
            right(P::ExceptionsRequest),
            exceptions::map_image,
        )
        .add(
            get.clone(),
            "/csapi/v1.3/containers/{containerSha}/exceptions",
            right(P::ExceptionsRead),
            exceptions::of_container,
        )
        .add(
            put.clone(),
            "/csapi/v1.3/containers/{containerSha}/exceptions",
            right(P::ExceptionsRequest),
            exceptions::map_container,
        )
        .add(get.clone(), PROFILES, right(P::SensorProfilesView), profiles::list)
        .add(post.clone(), PROFILES, right(P::SensorProfilesCreate), profiles::create)
        .add(get.clone(), PROFILE, right(P::SensorProfilesView), profiles::get)
        .add(put.clone(), PROFILE, right(P::SensorProfilesUpdate), profiles::update)
        .add(delete.clone(), PROFILE, right(P::SensorProfilesDelete), profiles::delete)
        .add(get.clone(), "/csapi/v1.3/sensors", right(P::FindingsRead), sensors::list)
        .add(delete.clone(), "/csapi/v1.3/sensors", right(P::AssetsWrite), sensors::delete)
        .add(get.clone(), "/csapi/v1.3/sensors/{sensorId}", right(P::FindingsRead), sensors::get)
        .add(get.clone(), "/csapi/v1.3/list", right(P::ExceptionsRead), lists::list)
        .add(post, "/csapi/v1.3/list", right(P::ExceptionsRequest), lists::create)
        .add(get, "/csapi/v1.3/list/{listId}", right(P::ExceptionsRead), lists::get)
        .add(put, "/csapi/v1.3/list/{listId}", right(P::ExceptionsRequest), lists::update)
        .add(delete, "/csapi/v1.3/list/{listId}", right(P::ExceptionsRequest), lists::delete)
}

/// Images and containers.
fn estate_routes(table: Table) -> Table {
    let see = Access::Right(P::FindingsRead);
    let remove = Access::Right(P::AssetsWrite);
    let (get, delete) = (Method::GET, Method::DELETE);
    table
        .add(get.clone(), "/csapi/v1.3/images", see, estate::list)
        .add(delete.clone(), "/csapi/v1.3/images", remove, estate::delete)
        .add(get.clone(), "/csapi/v1.3/images/list", see, estate::bulk)
        .add(get.clone(), "/csapi/v1.3/images/snow", see, estate::bulk)
        .add(get.clone(), "/csapi/v1.3/images/{imageSha}", see, estate::get)
        .add(get.clone(), "/csapi/v1.3/images/{imageSha}/vuln", see, estate::vulnerabilities)
        .add(get.clone(), "/csapi/v1.3/images/{imageSha}/vuln/count", see, estate::vulnerability_count)
        .add(get.clone(), "/csapi/v1.3/images/{imageSha}/software", see, estate::software_list)
        .add(get.clone(), "/csapi/v1.3/images/{imageSha}/association", see, estate::association)
        .add(get.clone(), "/csapi/v1.3/images/{imageSha}/associatedRegistries", see, estate::registries)
        .add(get.clone(), "/csapi/v1.3/containers", see, estate::list)
        .add(delete, "/csapi/v1.3/containers", remove, estate::delete)
        .add(get.clone(), "/csapi/v1.3/containers/list", see, estate::bulk)
        .add(get.clone(), "/csapi/v1.3/containers/{containerSha}", see, estate::get)
        .add(get.clone(), "/csapi/v1.3/containers/{containerSha}/vuln", see, estate::vulnerabilities)
        .add(
            get.clone(),
            "/csapi/v1.3/containers/{containerSha}/vuln/count",
            see,
            estate::vulnerability_count,
        )
        .add(get, "/csapi/v1.3/containers/{containerSha}/software", see, estate::software_list)
}

/// What "without end" is on this wire: 2099-12-31 (contract 1.4).
const NEVER: Millis = 4_102_358_400_000;

/// An instant on its way out: epoch milliseconds as text; `None` for none.
fn millis(at: Millis) -> Option<String> {
    match at {
        0 => None,
        FOREVER => Some(NEVER.to_string()),
        at => Some(at.to_string()),
    }
}

/// An instant written as [`millis`] has it, into the answer itself.
#[derive(Debug, Clone, Copy)]
struct Stamp(Millis);

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => serializer.serialize_none(),
            FOREVER => serializer.collect_str(&NEVER),
            at => serializer.collect_str(&at),
        }
    }
}

/// Reads an id of the path or body.
fn id(text: &str, what: &str) -> CsResult<Uuid> {
    Uuid::try_parse(text).map_err(|_| CsError::not_found(format!("{what} {text}")))
}

#[cfg(test)]
mod tests;
