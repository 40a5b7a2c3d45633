//! Options of `serve` about TLS.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::output;
use crate::http::{Tls, TlsFiles};

/// See the module.
#[derive(Debug, Args)]
pub(super) struct TlsOptions {
    /// Speak HTTPS only. Without a certificate of your own one is made at the first start, for this
    /// machine's name, in DIR/tls.pem
    #[arg(long, env = "PARAPET_TLS")]
    tls: bool,
    /// Certificate (PEM), then those that vouch for it
    #[arg(long, value_name = "FILE", requires = "tls", env = "PARAPET_TLS_CERTIFICATE")]
    tls_certificate: Option<PathBuf>,
    /// Key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls", env = "PARAPET_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// A name for the certificate that is made, beside localhost and this machine's; may be repeated
    #[arg(long, value_name = "NAME", requires = "tls")]
    tls_name: Vec<String>,
}

impl TlsOptions {
    /// What is configured.
    pub(super) fn load(&self, data_dir: &Path, listen: &str) -> anyhow::Result<Option<Tls>> {
        if !self.tls {
            return Ok(None);
        }
        let files = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => TlsFiles { certificate: certificate.clone(), key: key.clone() },
            (None, None) => {
                let made = !data_dir.join("tls.pem").exists();
                let files = TlsFiles::in_folder(data_dir, self.names(listen)).context("TLS")?;
                if made {
                    let file = files.certificate.display();
                    output::note(&format!("made a certificate; clients may trust {file}"));
                }
                files
            }
            _ => bail!("--tls-certificate and --tls-key go together"),
        };
        Tls::load(&files).map(Some)
    }

    fn names(&self, listen: &str) -> Vec<String> {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        let own = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let others = [own.trim(), host].into_iter().chain(self.tls_name.iter().map(String::as_str));
        for name in others.filter(|name| !name.is_empty() && *name != "0.0.0.0" && *name != "::") {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}
