//! The one table of routes: method, path, family, and the permission each needs. There is no other
//! way to mount a handler, so no route can be without a stated permission; a test walks the table
//! role by role.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};
use parapet_model::Permission;

use super::auth;
use super::state::AppState;

/// Which wire language a route speaks; decides how it signs in and how its errors look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Parapet's own routes under `/api/v1`.
    Native,
    /// Huawei HSS under `/v5`.
    Hss,
    /// Identity under `/v3`.
    Keystone,
    /// Probes and metrics.
    Operations,
}

/// What a caller must be or hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Open,
    /// Anybody who signed in.
    SignedIn,
    /// Whoever holds the right.
    Right(Permission),
}

/// One row of the table.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) family: Family,
    pub(crate) access: Access,
    handler: MethodRouter<AppState>,
}

/// Builds the rows of one family.
pub(crate) struct Table {
    family: Family,
    routes: Vec<Route>,
}

impl Table {
    /// An empty table for a family.
    pub(crate) fn new(family: Family) -> Self {
        Self { family, routes: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn add<H, T>(mut self, method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        self.routes.push(Route { method, path, family: self.family, access, handler: on(filter, handler) });
        self
    }

    /// The rows.
    pub(crate) fn into_routes(self) -> Vec<Route> {
        self.routes
    }
}

/// Every route of the server.
pub(crate) fn all() -> Vec<Route> {
    [super::operations::routes(), super::native::routes(), super::keystone::routes(), super::hss::routes()]
        .into_iter()
        .flat_map(Table::into_routes)
        .collect()
}

/// Mounts the table: each handler behind the check of its own permission.
pub(crate) fn mount(state: &AppState) -> Router {
    let mut router = Router::new();
    for route in all() {
        let gate = auth::Gate { state: state.clone(), family: route.family, access: route.access };
        let handler = route.handler.layer(middleware::from_fn_with_state(gate, auth::check));
        router = router.route(route.path, handler);
    }
    router
        .fallback(super::unknown_path)
        .method_not_allowed_fallback(super::unknown_path)
        .with_state(state.clone())
}
