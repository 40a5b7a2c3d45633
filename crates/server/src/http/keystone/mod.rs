//! The identity family: Keystone password tokens and projects as the cloud SDKs use them
//! (contract `huawei-hss` 7.1, 7.2 and 7.5). Two calls of neighbours are served too: temporary keys, and the caller's
//! identity.

mod catalog;
mod error;
mod keys;
mod projects;
#[cfg(test)]
mod tests;
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
        .add(Method::DELETE, "/v3/auth/tokens", SignedIn, tokens::revoke)
        .add(Method::GET, "/v3/auth/projects", SignedIn, projects::list)
        .add(Method::GET, "/v3/auth/domains", SignedIn, projects::domains)
        .add(Method::GET, "/v3/auth/catalog", SignedIn, catalog::show)
        .add(Method::GET, "/v3/projects", SignedIn, projects::list)
        .add(Method::GET, "/v3/projects/{named_project}", SignedIn, projects::show)
        .add(Method::GET, "/v3/domains", SignedIn, projects::domains)
        .add(Method::GET, "/v3/regions", SignedIn, catalog::regions)
        .add(Method::GET, "/v3/regions/{region}", SignedIn, catalog::region)
        .add(Method::GET, "/v3/services", SignedIn, catalog::services)
        .add(Method::GET, "/v3/endpoints", SignedIn, catalog::endpoints)
        .add(Method::POST, "/v3.0/OS-CREDENTIAL/securitytokens", SignedIn, keys::temporary)
        .add(Method::GET, "/v5/caller-identity", SignedIn, projects::caller)
}
