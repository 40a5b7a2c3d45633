//! The one table of routes: method, path, family, and the permission each needs. There is no other
//! way to mount a handler, so no route can be without a stated permission; a test walks the table
//! role by role.

use std::time::Duration;

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};
pub(crate) use parapet_model::Access;
use tower_http::timeout::TimeoutLayer;

use super::state::AppState;
use super::{auth, body};

/// A handler that takes longer answers 408. Downloads stream after the handler has returned.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(60);
/// The same where the body is a file.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Which wire language a route speaks; decides how it signs in and how its errors look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Parapet's own routes under `/api/v1`.
    Native,
    /// Huawei HSS under `/v5`.
    Hss,
    /// Qualys Container Security under `/csapi/v1.3`.
    QualysCs,
    /// Qualys Policy Compliance under `/api/2.0/fo` and `/msp`.
    QualysPc,
    /// Identity under `/v3`.
    Keystone,
    /// Probes and metrics.
    Operations,
    /// Pages for people.
    Pages,
}

/// One row of the table.
pub(crate) struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test that walks the table"))]
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) family: Family,
    pub(crate) access: Access,
    /// Takes a file as its body: larger and slower than others; the handler bounds it.
    upload: bool,
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
        let (family, handler) = (self.family, on(filter, handler));
        self.routes.push(Route { method, path, family, access, upload: false, handler });
        self
    }

    /// Adds the rows of pages.
    pub(crate) fn pages(mut self, pages: Vec<parapet_pages::Page<AppState>>) -> Self {
        let family = self.family;
        let row = |page: parapet_pages::Page<AppState>| Route {
            method: page.method,
            path: page.path,
            family,
            access: page.access,
            upload: false,
            handler: page.handler,
        };
        self.routes.extend(pages.into_iter().map(row));
        self
    }

    /// Makes the row added last one that takes a file.
    pub(crate) fn upload(mut self) -> Self {
        if let Some(route) = self.routes.last_mut() {
            route.upload = true;
        }
        self
    }

    /// The rows.
    pub(crate) fn into_routes(self) -> Vec<Route> {
        self.routes
    }
}

/// Every route of the server.
pub(crate) fn all() -> Vec<Route> {
    [
        super::operations::routes(),
        super::native::routes(),
        super::keystone::routes(),
        super::hss::routes(),
        super::qualys_cs::routes(),
        super::qualys_cs::registry_routes(),
        super::qualys_cs::report_routes(),
        super::qualys_pc::routes(),
        super::pages::routes(),
    ]
    .into_iter()
    .flat_map(Table::into_routes)
    .collect()
}

/// Mounts the table: each handler behind the check of its own permission.
pub(crate) fn mount(state: &AppState) -> Router {
    let mut router = Router::new();
    for route in all() {
        let gate = auth::Gate { state: state.clone(), family: route.family, access: route.access };
        let bounds = body::Bounds { family: route.family, upload: route.upload };
        let timeout = if route.upload { UPLOAD_TIMEOUT } else { HANDLER_TIMEOUT };
        let handler: MethodRouter<AppState> = route
            .handler
            .layer(middleware::from_fn_with_state(bounds, body::guard))
            .layer(middleware::from_fn_with_state(gate, auth::check));
        let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout);
        let handler: MethodRouter<AppState> = handler.layer(timeout);
        router = router.route(route.path, handler);
    }
    router
        .fallback(super::unknown_path)
        .method_not_allowed_fallback(super::unknown_path)
        .with_state(state.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::body::Body;
    use axum::http::Request;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use parapet_model::Role;
    use parapet_service::TokenScope;
    use parapet_store::seal::Secret;
    use tower::ServiceExt as _;

    use super::*;
    use crate::cli::StoreOptions;
    use crate::http::pages;

    const PASSWORD: &str = "a password for tests";

    /// Every route, asked without credentials and by every built-in role: exactly those who hold the
    /// stated right pass the gate.
    #[tokio::test]
    async fn the_table_is_what_the_server_enforces() {
        let dir = tempfile::tempdir().unwrap();
        let (app, local) = StoreOptions::embedded(dir.path()).open().await.unwrap();
        let accounts = app.accounts();
        let project = accounts.projects_of(&local).await.unwrap()[0].id.clone();
        let roles = Role::built_in();
        for role in &roles {
            let name = role.name.clone();
            accounts
                .create_user(&local, &name, Secret::new(PASSWORD), std::slice::from_ref(&name))
                .await
                .unwrap();
        }
        let router = crate::http::router(app.clone());
        for route in all() {
            let path = route.path.replace("{project_id}", &project).replace("{name}", "none");
            let path = path.replace(['{', '}'], "");
            let request = || Request::builder().method(route.method.clone()).uri(&path);
            let answer = router.clone().oneshot(request().body(Body::empty()).unwrap()).await.unwrap();
            let open = route.access == Access::Open;
            assert_eq!(
                answer.status() != StatusCode::UNAUTHORIZED,
                open || path == "/v3/auth/tokens" && route.method == Method::POST,
                "{path} without credentials"
            );
            for role in &roles {
                let signed_in = accounts.sign_in(&role.name, Secret::new(PASSWORD)).await.unwrap();
                let (token, _) = accounts.issue_token(&signed_in, &TokenScope::HomeProject).await.unwrap();
                let request = match route.family {
                    Family::QualysCs => {
                        let jwt = accounts.issue_jwt(&signed_in).await.unwrap();
                        request().header("Authorization", format!("Bearer {jwt}"))
                    }
                    Family::Pages => {
                        let session = accounts.issue_session(&signed_in).await.unwrap();
                        let session = session.expose();
                        request()
                            .header("Cookie", format!("{}={session}", pages::COOKIE))
                            .header("X-CSRF-Token", pages::csrf_of(session))
                    }
                    Family::Native | Family::QualysPc => {
                        let basic = STANDARD.encode(format!("{}:{PASSWORD}", role.name));
                        let request = request().header("Authorization", format!("Basic {basic}"));
                        request.header("X-Requested-With", "test")
                    }
                    _ => request().header("X-Auth-Token", token.expose()),
                };
                let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
                let allowed = match route.access {
                    Access::Open | Access::SignedIn => true,
                    Access::Right(permission) => role.permissions.contains(&permission),
                };
                let refused = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                assert_eq!(
                    refused,
                    !allowed && !open,
                    "{} {path} as {}: {}",
                    route.method,
                    role.name,
                    answer.status()
                );
            }
        }
    }

    #[test]
    fn the_openapi_document_describes_exactly_the_native_routes() {
        let routes: BTreeSet<(String, String)> = all()
            .iter()
            .filter(|route| route.family == Family::Native)
            .map(|route| (route.path.to_owned(), route.method.as_str().to_ascii_lowercase()))
            .collect();
        let document = serde_json::to_value(crate::http::native::openapi_document()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(described, routes);
    }
}
