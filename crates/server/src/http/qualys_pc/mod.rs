//! Qualys Policy Compliance, API 2.0 (contract `qualys-pc`). What is done and each choice taken where
//! the contract is silent: `docs/compat/qualys-pc.md`.

mod about;
mod addresses;
mod answer;
mod called;
mod controls;
mod dtd;
mod error;
mod exceptions;
mod frame;
mod gate;
mod hosts;
mod lists;
mod params;
mod policies;
mod posture;
mod session;
mod tags;
mod users;
mod xml;

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use parapet_model::{Millis, Permission as P};

pub(crate) use called::normalise;
pub(crate) use error::PcError;
pub(crate) use gate::{Calls, check};

use super::route::{Access, Table};
use error::Code;

const EXCEPTIONS: &str = "/api/2.0/fo/compliance/exception";

/// Rows of the route table. Every call may come by GET or POST; what an action changes is refused by
/// GET in its handler, and needs a right of its own there.
pub(crate) fn routes() -> Table {
    let signed_in = Access::SignedIn;
    let see = Access::Right(P::FindingsRead);
    let see_exceptions = Access::Right(P::ExceptionsRead);
    let mut table = dtd::routes(dtd::table());
    for method in [Method::GET, Method::POST] {
        table = table
            .add(method.clone(), "/api/2.0/fo/session", Access::Open, session::session)
            .add(method.clone(), "/msp/about.php", signed_in, about::about)
            .add(method.clone(), "/msp/user_list.php", signed_in, users::list)
            .add(method.clone(), "/api/2.0/fo/compliance/control", see, controls::list)
            .add(method.clone(), "/api/2.0/fo/compliance/policy", see, policies::list)
            .add(method.clone(), "/api/2.0/fo/compliance/posture/info", see, posture::list)
            .add(method.clone(), "/api/2.0/fo/asset/host", see, hosts::list)
            .add(method.clone(), EXCEPTIONS, see_exceptions, exceptions::exceptions);
    }
    table
}

/// Answers a path or method that is in no row.
pub(crate) fn unknown_path(request: &Request, now: Millis) -> Response {
    let error = match *request.method() {
        Method::GET | Method::POST => PcError::no_api(request.uri().path()),
        ref other => PcError::new(Code::Method, format!("method {other} is not supported")),
    };
    gate::outside(request, now, &error)
}

#[cfg(test)]
mod tests;
