//! A scripted HTTP peer on loopback that remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a peer was asked.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

/// What a peer does: an answer, or none for ever.
pub(crate) type Answer = Option<Response>;

type Script = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

/// A running peer; stops when dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: AbortHandle,
}

impl Peer {
    /// A peer that answers by `script`.
    pub(crate) async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::serve(listener, address, Arc::new(script))
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls(
        acceptor: TlsAcceptor,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::serve(Secure { listener, acceptor }, address, Arc::new(script))
    }

    fn serve<L>(listener: L, address: SocketAddr, script: Script) -> Self
    where
        L: axum::serve::Listener<Addr = SocketAddr>,
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| {
            let (script, log) = (Arc::clone(&script), Arc::clone(&log));
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let seen = Seen {
                    method: head.method.to_string(),
                    target: head.uri.to_string(),
                    headers: head.headers,
                    body: String::from_utf8(body.to_vec()).unwrap(),
                };
                log.lock().unwrap().push(seen.clone());
                match script(&seen) {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, seen, task: task.abort_handle() }
    }

    /// `http://127.0.0.1:port/path`
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The paths asked for so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen().iter().map(|s| s.path().to_owned()).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Secure {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            // A client that does not trust us hangs up in the handshake.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// An answer with headers and a body.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Some(response.body(body.into()).unwrap())
}

/// 200 with a body.
pub(crate) fn ok(body: impl Into<Body>) -> Answer {
    answer(200, &[], body)
}

/// An empty answer.
pub(crate) fn status(status: u16) -> Answer {
    answer(status, &[], Body::empty())
}

/// A redirect.
pub(crate) fn redirect(to: &str) -> Answer {
    answer(307, &[("location", to)], Body::empty())
}

/// An answer that promises `length` bytes, sends `body`, and hangs up.
pub(crate) fn broken_off(length: usize, body: Vec<u8>) -> Answer {
    let pieces = futures_util::stream::iter([Ok(body), Err(std::io::Error::other("hangs up"))]);
    answer(200, &[("content-length", &length.to_string())], Body::from_stream(pieces))
}

/// An answer that promises `length` bytes, sends `body`, and says no more.
pub(crate) fn stalled(length: usize, body: Vec<u8>) -> Answer {
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
    let pieces = futures_util::StreamExt::chain(pieces, futures_util::stream::pending());
    answer(200, &[("content-length", &length.to_string())], Body::from_stream(pieces))
}
