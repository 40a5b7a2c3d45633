//! TLS: rustls with ring, the machine's trusted authorities, and one more per registry.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::FetchError;

/// A TLS configuration that trusts the machine's authorities and those in `extra` (PEM).
///
/// A machine without a certificate store is not an error here: connections to public hosts will
/// fail with a clear message, own authorities still work.
pub(crate) fn configuration(extra: Option<&[u8]>) -> Result<ClientConfig, FetchError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = extra {
        add(&mut roots, pem)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn add(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), FetchError> {
    let mut any = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
        any = true;
    }
    if any { Ok(()) } else { Err(bad(&"it holds no certificate in PEM form")) }
}

fn bad(why: &dyn std::fmt::Display) -> FetchError {
    FetchError::BadOption { what: "the certificate authority", why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_without_certificate_is_refused() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let error = configuration(Some(pem.as_bytes())).unwrap_err();
            assert!(matches!(error, FetchError::BadOption { .. }), "{pem}: {error}");
        }
    }
}
