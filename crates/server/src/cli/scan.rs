//! `parapet scan`.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use parapet_model::filter::Filter;
use parapet_model::{Permission, Principal, SystemClock};
use parapet_service::App;
use parapet_service::exports::{ExportRequest, Format as RowFormat};
use parapet_service::feeds::{FeedSource, ImportOptions};
use parapet_service::scan::{Alone, ScanOptions, ScanReport, Target};
use uuid::Uuid;

use super::options::StoreOptions;
use super::{output, summary};

/// Scan images, root file systems or SBOMs.
#[derive(Debug, Args)]
#[command(after_help = "Targets:
  rootfs:/              a root file system, as a host
  oci:DIR[:TAG]         an OCI layout
  archive:FILE          what `docker save` writes
  sbom:FILE             a CycloneDX document
  host:port/repo:tag    an image in a registry

Without --data-dir the scan stands alone: give it feeds. With it the asset is recorded there.

Examples:
  parapet scan rootfs:/ --feed Debian.zip
  parapet scan registry.example:5000/team/web:1 --feed feeds/ --format sarif >web.sarif
  parapet scan oci:./image --data-dir /var/lib/parapet")]
pub(super) struct Scan {
    /// What to scan
    #[arg(required = true)]
    targets: Vec<String>,
    /// Feeds for a stand-alone scan, as `parapet feed import` takes them
    #[arg(long, value_name = "PATH")]
    feed: Vec<PathBuf>,
    /// Record the assets in this store
    #[arg(long, value_name = "DIR", conflicts_with = "feed")]
    data_dir: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: ScanFormat,
    /// Which findings
    #[arg(long = "where", value_name = "FILTER", default_value = "")]
    filter: String,
    #[command(flatten)]
    access: Access,
}

/// How images are reached.
#[derive(Debug, Args)]
pub(super) struct Access {
    /// Platform chosen from an image index [default: linux on this machine's architecture]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Speak plain HTTP to the registry
    #[arg(long)]
    plain_http: bool,
    /// User name at the registry
    #[arg(long, value_name = "NAME", requires = "password_file")]
    username: Option<String>,
    /// File whose first line is the password at the registry
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// Certificates (PEM) of the registry's own authority
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ScanFormat {
    /// For people
    #[default]
    Table,
    /// What was read, as one JSON document
    Json,
    /// One row per finding
    Csv,
    /// One JSON object per finding
    Jsonl,
    /// SARIF 2.1.0, one run for each target
    Sarif,
    /// CycloneDX 1.6 in JSON with packages and vulnerabilities, of one target
    Cyclonedx,
}

impl Access {
    pub(super) fn options(&self) -> anyhow::Result<ScanOptions> {
        let credentials = match (&self.username, &self.password_file) {
            (Some(user), Some(file)) => Some(parapet_fetch::Credentials {
                user: user.clone(),
                secret: super::accounts::read_password(file)?.expose().to_owned(),
            }),
            _ => None,
        };
        let authority = match &self.ca_file {
            Some(file) => {
                Some(std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?)
            }
            None => None,
        };
        Ok(ScanOptions {
            platform: self.platform.as_deref().map(str::parse).transpose()?,
            plain_http: self.plain_http,
            credentials,
            authority,
            ..ScanOptions::default()
        })
    }
}

impl Scan {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let targets: Vec<Target> = self.targets.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let mut options = self.access.options()?;
        options.last = self.data_dir.is_none() && targets.len() == 1;
        let filter = Filter::parse(&self.filter)?;
        if filter != Filter::All && matches!(self.format, ScanFormat::Table | ScanFormat::Json) {
            bail!("--where selects findings; use it with --format csv, jsonl, sarif or cyclonedx");
        }
        if self.format == ScanFormat::Cyclonedx && targets.len() > 1 {
            bail!("a CycloneDX document describes one thing; scan one target at a time");
        }
        if let ([target], true) = (targets.as_slice(), self.needs_no_store()) {
            return self.alone(target, &options).await;
        }
        // Any other scan that stands alone is a store that is thrown away (docs/adr/0005).
        let temporary = match &self.data_dir {
            Some(_) => None,
            None => Some(tempfile::tempdir()?),
        };
        let store = match (&self.data_dir, &temporary) {
            (Some(dir), _) => StoreOptions::embedded(dir),
            (None, Some(dir)) => StoreOptions::thrown_away(dir.path()),
            (None, None) => bail!("no store"),
        };
        let (app, who) = store.open().await?;
        let mut reports = Vec::new();
        for target in &targets {
            output::progress(&format!("reading {target}"));
            reports.push(app.scans().scan(&who, target, &options).await?);
        }
        if temporary.is_some() {
            app.live().load().await?;
            import_for_scan(&app, &who, &self.feed).await?;
        }
        app.live().settle().await?;
        self.print(&app, &who, filter, &reports).await
    }

    /// Whether one target is read, no advisory asked and nothing kept.
    pub(super) fn needs_no_store(&self) -> bool {
        self.targets.len() == 1
            && self.data_dir.is_none()
            && self.feed.is_empty()
            && matches!(self.format, ScanFormat::Table | ScanFormat::Json)
    }

    async fn alone(&self, target: &Target, options: &ScanOptions) -> anyhow::Result<()> {
        output::progress(&format!("reading {target}"));
        let read = Alone::read(target, options, &SystemClock).await?;
        if self.format == ScanFormat::Json {
            return output::print_json(&[read.report()]);
        }
        let scope = read.principal().scope();
        output::print(&summary::describe(&read.view(), &scope))
    }

    async fn print(
        &self,
        app: &Arc<App>,
        who: &Principal,
        filter: Filter,
        reports: &[ScanReport],
    ) -> anyhow::Result<()> {
        debug_assert!(who.may(Permission::ExportsCreate));
        let format = match self.format {
            ScanFormat::Json => return output::print_json(&reports),
            ScanFormat::Table => {
                let view = app.findings().view(None, None).await?;
                return output::print(&summary::describe(&view, &who.scope()));
            }
            ScanFormat::Sarif | ScanFormat::Cyclonedx => {
                return self.write_document(app, who, &filter, reports).await;
            }
            ScanFormat::Csv => RowFormat::Csv,
            ScanFormat::Jsonl => RowFormat::Jsonl,
        };
        let request = ExportRequest { format, ..ExportRequest::findings(filter) };
        let bytes = app.exports().to_bytes(who, &request).await?;
        output::print(&String::from_utf8(bytes)?)
    }

    /// Streams a document about the scanned assets to standard output.
    async fn write_document(
        &self,
        app: &Arc<App>,
        who: &Principal,
        filter: &Filter,
        reports: &[ScanReport],
    ) -> anyhow::Result<()> {
        let out = std::io::stdout();
        // Two targets may be the same image.
        let mut assets: Vec<Uuid> = Vec::new();
        for report in reports {
            if !assets.contains(&report.asset) {
                assets.push(report.asset);
            }
        }
        let mut out = match (self.format, assets.as_slice()) {
            (ScanFormat::Cyclonedx, [asset, ..]) => app.exports().cyclonedx(who, *asset, filter, out).await?,
            _ => app.exports().sarif(who, &assets, filter, out).await?,
        };
        Ok(out.flush()?)
    }
}

/// Loads feeds, keeping only records that speak of packages in the store; all are counted.
pub(super) async fn import_for_scan(
    app: &Arc<App>,
    who: &Principal,
    paths: &[PathBuf],
) -> anyhow::Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let only: Arc<HashSet<_>> = Arc::new(app.feeds().match_keys_in_use().await?);
    for path in feeds_at(paths)? {
        output::progress(&format!("importing {}", path.display()));
        let source = FeedSource::recognise(&path)?;
        let options = ImportOptions { only: Some(only.clone()), ..ImportOptions::default() };
        app.feeds().import(who, &source, &options, None).await?;
    }
    Ok(())
}

/// A folder that holds feeds stands for them; one that holds records is a feed itself.
pub(super) fn feeds_at(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut feeds = Vec::new();
    for path in paths {
        let mut inside = Vec::new();
        if path.is_dir() {
            for entry in std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
                let entry = entry?.path();
                if entry.extension().is_some_and(|e| e == "zip") {
                    inside.push(entry);
                }
            }
        }
        inside.sort_unstable();
        if inside.is_empty() { feeds.push(path.clone()) } else { feeds.extend(inside) }
    }
    Ok(feeds)
}
