//! The HTTP side: one folder per wire family, one table of routes.

mod auth;
mod body;
mod file;
mod hss;
mod keystone;
mod native;
mod operations;
mod route;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use parapet_service::App;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub(crate) use hss::{HssShape, SHAPE as HSS_SHAPE};
use state::AppState;

/// A handler that takes longer answers 408. Downloads stream after the handler has returned.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(60);

/// The whole server as one service.
pub(crate) fn router(app: Arc<App>) -> Router {
    let state = AppState { app, metrics: Arc::default() };
    route::mount(&state)
        .layer(axum::middleware::from_fn_with_state(state, operations::count))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, HANDLER_TIMEOUT))
        .layer(CatchPanicLayer::new())
        .layer(DefaultBodyLimit::max(body::MAX_BODY))
}

/// Binds `listen`; the address really bound comes back, so that port 0 can be used.
pub(crate) async fn bind(listen: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until `stop` resolves, then finishes the requests under way.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    axum::serve(listener, router(app)).with_graceful_shutdown(stop).await?;
    Ok(())
}

/// Answers a path that is in no table, in the error shape of the family it seems to belong to.
async fn unknown_path(uri: Uri) -> Response {
    let path = uri.path();
    if path.starts_with("/v5/") {
        hss::HssError::no_api().into_response()
    } else if path.starts_with("/v3/") {
        keystone::KeystoneError::no_api().into_response()
    } else {
        native::ApiError::no_route(path).into_response()
    }
}
