//! The HTTP side: one folder per wire family, one table of routes.

mod aksk;
mod auth;
mod body;
mod file;
mod hss;
mod keystone;
mod native;
mod operations;
mod origin;
mod qualys_cs;
mod query;
mod route;
mod state;
#[cfg(test)]
mod testing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use parapet_service::App;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub(crate) use hss::{HssShape, SHAPE as HSS_SHAPE};
use state::AppState;

/// A handler that takes longer answers 408. Downloads stream after the handler has returned.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a client may take to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long no connection is accepted after one could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The whole server as one service.
pub(crate) fn router(app: Arc<App>) -> Router {
    let state = AppState { app, metrics: Arc::default(), limits: Arc::default() };
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
    app.listens_on(listener.local_addr()?);
    let service = TowerToHyperService::new(router(app));
    let mut server = auto::Builder::new(TokioExecutor::new());
    // A client of the Qualys family looks for `Link`, not `link` (contract `qualys-cs` 1.5).
    server.http1().title_case_headers(true).timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection =
                    server.serve_connection_with_upgrades(TokioIo::new(stream), service.clone()).into_owned();
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "connection ended");
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely; somebody has to close one first.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
    Ok(())
}

/// Answers a path that is in no table, in the error shape of the family it seems to belong to.
async fn unknown_path(uri: Uri) -> Response {
    let path = uri.path();
    if path.starts_with("/v5/") {
        hss::HssError::no_api().into_response()
    } else if path.starts_with("/csapi/") {
        qualys_cs::CsError::no_api(path).into_response()
    } else if path.starts_with("/v3/") || path.starts_with("/v3.0/") {
        keystone::KeystoneError::no_api().into_response()
    } else {
        native::ApiError::no_route(path).into_response()
    }
}
