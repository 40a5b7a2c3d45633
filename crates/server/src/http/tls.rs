//! TLS of the server's own, for clients that speak nothing else and have no proxy in front: with a
//! certificate that is given, or one made at the first start and kept in the data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Where certificate and key are, both as PEM.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    /// Certificate, then those that vouch for it.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

/// Encrypts connections.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl TlsFiles {
    /// Those of a data folder; made for these names where they are not there, the key for its owner only.
    pub(crate) fn in_folder(dir: &Path, names: Vec<String>) -> anyhow::Result<Self> {
        let files = Self { certificate: dir.join("tls.pem"), key: dir.join("tls.key") };
        if !files.certificate.exists() || !files.key.exists() {
            let made = rcgen::generate_simple_self_signed(names).context("no certificate could be made")?;
            crate::cli::write_private(&files.key, made.signing_key.serialize_pem().trim_end())?;
            let certificate = made.cert.pem();
            std::fs::write(&files.certificate, certificate)
                .with_context(|| format!("cannot write {}", files.certificate.display()))?;
        }
        Ok(files)
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 with this certificate.
    pub(crate) fn load(files: &TlsFiles) -> anyhow::Result<Self> {
        let of = |path: &Path| format!("cannot use {}", path.display());
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect)
            .with_context(|| of(&files.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&files.key).with_context(|| of(&files.key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("TLS")?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .with_context(|| of(&files.certificate))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Agrees with a client; `None` for one that does not, or not in time.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match tokio::time::timeout(HANDSHAKE, self.0.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "TLS could not be agreed on");
                None
            }
            Err(_) => None,
        }
    }
}

/// Says in the request that it came encrypted, unless a proxy said how it came to the proxy.
pub(crate) async fn mark(mut request: Request, next: Next) -> Response {
    request.headers_mut().entry("x-forwarded-proto").or_insert(HeaderValue::from_static("https"));
    next.run(request).await
}
