//! The identity family: Keystone password tokens and projects as the cloud SDKs use them
//! (contract `huawei-hss` 7.1, 7.2 and 7.5).

mod error;
mod projects;
mod tokens;

use axum::http::Method;

pub(crate) use error::KeystoneError;

use super::route::{Access, Family, Table};

/// The one account ("domain") of this server; its id and its name.
pub(crate) const DOMAIN: &str = "default";

/// Rows of the route table.
pub(crate) fn routes() -> Table {
    use Access::{Open, SignedIn};
    Table::new(Family::Keystone)
        .add(Method::POST, "/v3/auth/tokens", Open, tokens::create)
        .add(Method::GET, "/v3/auth/tokens", SignedIn, tokens::validate)
        .add(Method::GET, "/v3/projects", SignedIn, projects::list)
        .add(Method::GET, "/v3/auth/projects", SignedIn, projects::list)
        .add(Method::GET, "/v3/auth/domains", SignedIn, projects::domains)
}
