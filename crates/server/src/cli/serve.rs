//! `parapet serve`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use parapet_fetch::AddressPolicy;
use parapet_service::App;
use parapet_store::seal::Secret;
use tokio::net::TcpListener;

use super::accounts::{fresh_password, read_password};
use super::artifacts::artifact_place;
use super::clouds::CloudOptions;
use super::exceptions::ExceptionOptions;
use super::options::StoreOptions;
use super::output;
use super::sensor::BuiltInSensor;
use super::tls::TlsOptions;
use crate::http;

/// Where a server listens when nothing else is said.
pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// Run the server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  parapet serve --data-dir /var/lib/parapet --listen 0.0.0.0:8080
  parapet serve --data-dir /var/lib/parapet --sensor --engine-socket /run/podman/podman.sock
  parapet serve --database-url postgres://parapet@127.0.0.1/parapet --key-file /etc/parapet/key
  AWS_REGION=eu-central-1 parapet serve --artifacts s3://parapet/exports")]
pub(super) struct Serve {
    #[command(flatten)]
    store: StoreOptions,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_LISTEN, env = "PARAPET_LISTEN")]
    listen: String,
    /// Password of the first account, `admin`; without it one is made and printed once
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
    /// Where finished exports are kept: file:DIR, or s3://BUCKET/PREFIX with region, credentials and
    /// AWS_ENDPOINT_URL from the usual AWS variables [default: file:DATA_DIR/artifacts]
    #[arg(long, value_name = "URL", env = "PARAPET_ARTIFACTS")]
    artifacts: Option<String>,
    /// Jobs run at the same time
    #[arg(long, value_name = "N", default_value_t = 2)]
    workers: usize,
    #[command(flatten)]
    sensor: BuiltInSensor,
    /// Largest results document (ARF, XCCDF) that is taken over HTTP, in megabytes
    #[arg(long, value_name = "MB", default_value_t = 600, env = "PARAPET_MAX_RESULTS_SIZE",
        value_parser = clap::value_parser!(u32).range(1..))]
    max_results_size: u32,
    /// Connect to nothing on this machine itself: no registry at 127.0.0.0/8 or ::1
    #[arg(long)]
    no_loopback: bool,
    /// Connect to nothing in private networks: 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7
    #[arg(long)]
    no_private: bool,
    #[command(flatten)]
    clouds: CloudOptions,
    #[command(flatten)]
    exceptions: ExceptionOptions,
    #[command(flatten)]
    tls: TlsOptions,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut options = self.store.app_options()?;
        if let Some(place) = &self.artifacts {
            options.artifacts =
                artifact_place(place, &self.store.data_dir, &|name| std::env::var(name).ok())?;
        }
        options.allow = AddressPolicy { loopback: !self.no_loopback, private: !self.no_private };
        options.clouds = self.clouds.read(&|name| std::env::var(name).ok())?;
        options.rules = self.exceptions.rules();
        options.notify = self.exceptions.notify(&self.store.data_dir)?;
        let app = App::open(options).await?;
        app.takes_results_up_to(u64::from(self.max_results_size) * 1_000_000);
        let _lock = app.store().lock_server().await?;
        let given = self.admin_password_file.as_deref().map(read_password).transpose()?;
        if let Some(password) = first_account(&app, given).await? {
            output::note(&format!("account admin, password {}  (shown only now)", password.expose()));
        }
        let (listener, address) = http::bind(&self.listen).await?;
        let tls = self.tls.load(&self.store.data_dir, &self.listen)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        output::note(&format!("listening on {scheme}://{address}"));
        let sensor = self.sensor.start(&app).await?;
        let served = serve_until_signal(app, listener, tls, self.workers).await;
        if let Some(sensor) = sensor {
            sensor.abort();
        }
        served
    }
}

/// Makes the account `admin` in a new store. Gives the password back when it was made here.
pub(super) async fn first_account(app: &App, given: Option<Secret>) -> anyhow::Result<Option<Secret>> {
    let made = given.is_none();
    let password = given.unwrap_or_else(fresh_password);
    let shown = Secret::new(password.expose());
    Ok((app.accounts().bootstrap(password).await? && made).then_some(shown))
}

/// Writes a secret to a new file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(file, "{text}")?;
    Ok(())
}

/// Serves, follows the log and runs jobs until SIGINT or SIGTERM.
pub(super) async fn serve_until_signal(
    app: Arc<App>,
    listener: TcpListener,
    tls: Option<http::Tls>,
    workers: usize,
) -> anyhow::Result<()> {
    app.sweep().await?;
    app.rematch_if_needed().await?;
    let follower = tokio::spawn({
        let app = app.clone();
        async move { app.live().follow().await }
    });
    let readier = tokio::spawn({
        let app = app.clone();
        async move { app.live().keep_ready().await }
    });
    let keeper = tokio::spawn({
        let app = app.clone();
        async move { app.live().keep_checkpoint().await }
    });
    let runner = app.start_jobs(workers);
    http::serve(listener, app.clone(), tls, stop_signal()).await?;
    runner.stop().await;
    follower.abort();
    readier.abort();
    keeper.abort();
    app.live().checkpoint().await?;
    app.store().close().await;
    Ok(())
}

/// Resolves when the process is asked to end.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

/// The address as people type it.
pub(super) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
