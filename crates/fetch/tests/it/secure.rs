//! TLS with an authority of our own.

use std::sync::Arc;

use parapet_fetch::{FetchError, Registry, RegistryOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::peer::{Peer, answer, ok, redirect};
use crate::world::{World, scanner};

/// An authority (PEM) and a server that it vouches for under `name`.
pub(crate) fn authority(name: &str) -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (issuer.pem(), TlsAcceptor::from(Arc::new(config)))
}

fn registry(peer: &Peer, authority: Option<&str>) -> Registry {
    let mut world = World::new();
    world.options.retry.attempts = 1;
    let options = RegistryOptions {
        endpoint: peer.address.to_string(),
        authority: authority.map(|pem| pem.as_bytes().to_vec()),
        credentials: Some(scanner()),
        ..Default::default()
    };
    Registry::new(&world.client(), options).unwrap()
}

#[tokio::test]
async fn an_own_authority_is_trusted_when_given() {
    let (pem, acceptor) = authority("127.0.0.1");
    let peer = Peer::start_tls(acceptor, |_| ok("")).await;
    registry(&peer, Some(&pem)).ping().await.unwrap();
    let error = registry(&peer, None).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error:?}");
    assert!(error.to_string().contains("give the authority's certificate"), "{error}");
    assert!(error.is_permanent());
}

#[tokio::test]
async fn another_name_or_another_authority_is_not_trusted() {
    let (pem, acceptor) = authority("registry.example");
    let peer = Peer::start_tls(acceptor, |_| ok("")).await;
    let (other, _) = authority("127.0.0.1");
    for trusted in [&pem, &other] {
        let error = registry(&peer, Some(trusted)).ping().await.unwrap_err();
        assert!(matches!(error, FetchError::Tls { .. }), "{error:?}");
    }
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn a_peer_without_tls_is_explained() {
    let peer = Peer::start(|_| ok("")).await;
    let error = registry(&peer, None).ping().await.unwrap_err();
    assert!(error.to_string().contains("plain HTTP"), "{error}");
}

#[tokio::test]
async fn secure_connections_do_not_lead_to_insecure_ones() {
    let open = Peer::start(|_| ok("")).await;
    let (pem, acceptor) = authority("127.0.0.1");
    let away = open.url("/");
    let peer = Peer::start_tls(acceptor, move |_| redirect(&away)).await;
    let error = registry(&peer, Some(&pem)).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::BadRedirect { .. }), "{error}");

    let (pem, acceptor) = authority("127.0.0.1");
    let realm = format!("Bearer realm=\"{}\"", open.url("/token"));
    let peer = Peer::start_tls(acceptor, move |_| answer(401, &[("www-authenticate", &realm)], "")).await;
    let error = registry(&peer, Some(&pem)).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::InsecureTokenService { .. }), "{error}");
    assert!(open.seen().is_empty());
}
