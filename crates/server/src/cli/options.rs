//! Options that several commands share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use parapet_model::{Principal, RandomIds, SystemClock};
use parapet_service::{App, ArtifactPlace};
use parapet_store::StoreUrl;
use parapet_store::seal::MasterKey;

/// Where the store is.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreOptions {
    /// Folder of the embedded store, keys and artifacts
    #[arg(long, global = true, value_name = "DIR", default_value = "parapet-data", env = "PARAPET_DATA_DIR")]
    pub(crate) data_dir: PathBuf,
    /// PostgreSQL instead of the embedded store: postgres://user:password@host/database
    #[arg(long, global = true, value_name = "URL", env = "PARAPET_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// File with the key that seals secrets; made on first use [default: DIR/key]
    #[arg(long, global = true, value_name = "FILE", env = "PARAPET_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Feeds older than this count as stale
    #[arg(long, global = true, value_name = "DAYS", default_value_t = 30)]
    pub(crate) stale_after_days: u32,
    /// The store is this command's alone and goes away with it
    #[arg(skip)]
    thrown_away: bool,
}

impl StoreOptions {
    /// The embedded store in `dir`, everything else by default.
    pub(crate) fn embedded(dir: &Path) -> Self {
        Self {
            data_dir: dir.to_owned(),
            database_url: None,
            key_file: None,
            stale_after_days: 30,
            thrown_away: false,
        }
    }

    /// A store in `dir`, a temporary folder, for this command alone (docs/adr/0005). Its posture is loaded by
    /// `app.live().load()`.
    pub(crate) fn thrown_away(dir: &Path) -> Self {
        Self { thrown_away: true, ..Self::embedded(dir) }
    }

    /// What [`App::open`] needs. The folder is made when it is not there, readable by its owner only.
    pub(crate) fn app_options(&self) -> anyhow::Result<parapet_service::Options> {
        create_private_dir(&self.data_dir)?;
        let database = self.data_dir.join("parapet.db");
        let url = match &self.database_url {
            Some(url) => url.parse()?,
            None if self.thrown_away => StoreUrl::Temporary(database),
            None => StoreUrl::Sqlite(database),
        };
        let key_file = self.key_file.clone().unwrap_or_else(|| self.data_dir.join("key"));
        let key = if self.thrown_away {
            // It holds no secret.
            MasterKey::from_bytes([0; 32])
        } else {
            MasterKey::load_or_create(&key_file)
                .with_context(|| format!("cannot use the key file {}", key_file.display()))?
        };
        Ok(parapet_service::Options {
            url,
            key,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            artifacts: ArtifactPlace::Folder(self.data_dir.join("artifacts")),
            stale_after: i64::from(self.stale_after_days) * parapet_model::time::DAY,
            allow: parapet_fetch::AddressPolicy::default(),
            clouds: parapet_service::connectors::Clouds::default(),
            // There is nothing in it yet; who scans loads it when everything was read.
            posture: !self.thrown_away,
            checkpoint: (!self.thrown_away).then(|| self.data_dir.join("posture")),
            rules: Default::default(),
            notify: Default::default(),
            shapes: crate::http::shapes(),
        })
    }

    /// Opens the store as a short command-line writer, acting in the project `default`.
    pub(crate) async fn open(&self) -> anyhow::Result<(Arc<App>, Principal)> {
        Self::open_with(self.app_options()?).await
    }

    /// The same for a command that asks nothing of posture, which takes time and memory to load.
    pub(crate) async fn open_without_posture(&self) -> anyhow::Result<(Arc<App>, Principal)> {
        Self::open_with(parapet_service::Options { posture: false, ..self.app_options()? }).await
    }

    /// The same with other options than those said.
    pub(super) async fn open_with(
        options: parapet_service::Options,
    ) -> anyhow::Result<(Arc<App>, Principal)> {
        let app = App::open(options).await?;
        let principal = app.local_principal().await?;
        Ok((app, principal))
    }
}

fn create_private_dir(dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make the folder {}", dir.display()))
}
