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
mod pages;
mod qualys_cs;
mod qualys_pc;
mod query;
mod route;
mod state;
#[cfg(test)]
mod testing;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use parapet_pages::Pages;
use parapet_service::exports::RowShape;
use parapet_service::{App, Turns};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use tls::{Tls, TlsFiles};

use state::AppState;

/// How long a client may take to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long no connection is accepted after one could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The columns of all families, under the names that are kept with jobs.
pub(crate) fn shapes() -> Vec<(String, Arc<dyn RowShape>)> {
    vec![
        (hss::SHAPE.to_owned(), Arc::new(hss::HssShape)),
        (qualys_cs::SHAPE.to_owned(), Arc::new(qualys_cs::CsShape)),
    ]
}

/// What all handlers of a server can reach.
fn state(app: Arc<App>) -> AppState {
    let turns = Turns::default();
    AppState {
        pages: Pages::new(app.clone(), turns.clone()),
        app,
        metrics: Arc::default(),
        limits: Arc::default(),
        pc_calls: Default::default(),
        turns,
    }
}

/// The whole server as one service, for tests.
#[cfg(test)]
pub(crate) fn router(app: Arc<App>) -> Router {
    service(state(app))
}

/// The whole server as one service.
fn service(state: AppState) -> Router {
    let routes = route::mount(&state)
        .layer(axum::middleware::from_fn_with_state(state, operations::count))
        .layer(CatchPanicLayer::new())
        .layer(DefaultBodyLimit::max(body::MAX_BODY));
    // Outside the table, so that a path is spelled as the table has it before it is looked up.
    Router::new().fallback_service(routes).layer(axum::middleware::from_fn(qualys_pc::normalise))
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
    tls: Option<Tls>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    app.listens_on(listener.local_addr()?);
    let state = state(app);
    let readier = tokio::spawn({
        let pages = state.pages.clone();
        async move { pages.keep_ready().await }
    });
    let mut routes = service(state);
    if tls.is_some() {
        routes = routes.layer(axum::middleware::from_fn(tls::mark));
    }
    let service = TowerToHyperService::new(routes);
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
                let (server, service) = (server.clone(), service.clone());
                let (watcher, tls) = (connections.watcher(), tls.clone());
                tokio::spawn(async move {
                    let ended = match tls {
                        None => {
                            let io = TokioIo::new(stream);
                            watcher
                                .watch(server.serve_connection_with_upgrades(io, service).into_owned())
                                .await
                        }
                        Some(tls) => {
                            let Some(stream) = tls.accept(stream).await else { return };
                            let io = TokioIo::new(stream);
                            watcher
                                .watch(server.serve_connection_with_upgrades(io, service).into_owned())
                                .await
                        }
                    };
                    if let Err(error) = ended {
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
    readier.abort();
    Ok(())
}

/// Answers a path that is in no table, in the error shape of the family it seems to belong to.
async fn unknown_path(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/2.0/") || path.starts_with("/msp/") {
        qualys_pc::unknown_path(&request, state.app.now())
    } else if path.starts_with("/v5/") {
        hss::HssError::no_api().into_response()
    } else if path.starts_with("/csapi/") {
        qualys_cs::CsError::no_api(path).into_response()
    } else if path.starts_with("/v3/") || path.starts_with("/v3.0/") {
        keystone::KeystoneError::no_api().into_response()
    } else if parapet_pages::wants_page(request.headers()) && !path.starts_with("/api/") {
        pages::bound(parapet_pages::unknown_path())
    } else {
        native::ApiError::no_route(path).into_response()
    }
}
