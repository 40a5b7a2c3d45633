//! `parapet quickstart`: the whole job once, on real input, without any other service.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use parapet_model::exception::{Asked, TargetKind};
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::time::DAY;
use parapet_model::{Principal, Scope};
use parapet_posture::{VulnerabilityOrder, Window};
use parapet_service::exceptions::NewException;
use parapet_service::exports::ExportRequest;
use parapet_service::feeds::{FeedSource, ImportOptions, ImportReport, Limits, PublicFeed};
use parapet_service::scan::Target;
use parapet_service::{App, View};

use super::options::StoreOptions;
use super::scan::{Access, feeds_at};
use super::serve::{DEFAULT_LISTEN, first_account, serve_until_signal, url, write_private};
use super::{feed, output, summary};
use crate::http;

/// Do the whole job once on this machine, then serve.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  parapet quickstart
  parapet quickstart --feed Debian.zip --exit
  parapet quickstart registry.example:5000/team/web:1")]
pub(super) struct Quickstart {
    /// Also scan these: rootfs:, oci:, archive:, sbom:, or image references
    targets: Vec<String>,
    /// Feeds: OSV zips or directories, KEV, EPSS; without any, the public ones are tried
    #[arg(long, value_name = "PATH")]
    feed: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreOptions,
    /// Address to serve on afterwards; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_LISTEN)]
    listen: String,
    /// Stop after the export
    #[arg(long)]
    exit: bool,
    #[command(flatten)]
    access: Access,
}

impl Quickstart {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let targets: Vec<Target> = std::iter::once("rootfs:/")
            .chain(self.targets.iter().map(String::as_str))
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let app = App::open(self.store.app_options()?).await?;
        let _lock = app.store().lock_server().await?;
        let who = app.local_principal().await?;
        let mut out = format!("store     {} (embedded)\n", self.store.data_dir.display());
        out.push_str(&self.account(&app).await?);
        output::print(&out)?;

        self.scan(&app, &who, &targets).await?;
        output::print(&self.feeds(&app, &who).await?)?;
        app.live().settle().await?;
        let view = app.findings().view(None, None).await?;
        let scope = who.scope();
        output::print(&format!("\n{}", summary::describe(&view, &scope)))?;
        output::print(&preview(&app, &who, &view, &scope).await?)?;
        let file = self.store.data_dir.join("findings.csv");
        let written = app.exports().write_file(&who, &ExportRequest::findings(Filter::All), &file).await?;
        output::print(&format!("\nexport    {} ({} findings)\n", written.path.display(), written.rows))?;
        if self.exit {
            app.store().close().await;
            return Ok(());
        }
        let (listener, address) = http::bind(&self.listen).await?;
        output::print(&format!("serving   {} until Ctrl-C\n", url(address)))?;
        serve_until_signal(app, listener, None, 2).await
    }

    /// Makes the manager account; its password goes to a file that only its owner can read.
    async fn account(&self, app: &App) -> anyhow::Result<String> {
        let file = self.store.data_dir.join("admin-password");
        match first_account(app, None).await? {
            Some(password) => {
                write_private(&file, password.expose())?;
                Ok(format!("account   admin, password in {}\n", file.display()))
            }
            None => Ok("account   admin (made before)\n".to_owned()),
        }
    }

    async fn scan(&self, app: &Arc<App>, who: &Principal, targets: &[Target]) -> anyhow::Result<()> {
        let options = self.access.options()?;
        for target in targets {
            output::progress(&format!("reading {target}"));
            let report = app.scans().scan(who, target, &options).await?;
            output::print(&format!(
                "scanned   {} {}: {} packages\n",
                report.kind, report.name, report.packages
            ))?;
        }
        Ok(())
    }

    /// The feeds given; else the public ones for what was found; else the starter set.
    async fn feeds(&self, app: &Arc<App>, who: &Principal) -> anyhow::Result<String> {
        if !self.feed.is_empty() {
            let mut out = String::new();
            for path in feeds_at(&self.feed)? {
                output::progress(&format!("importing {}", path.display()));
                let source = FeedSource::recognise(&path)?;
                out.push_str(&line(
                    &app.feeds().import(who, &source, &ImportOptions::default(), None).await?,
                ));
            }
            return Ok(out);
        }
        output::progress("loading the public feeds");
        let snapshot = app.live().snapshot();
        let wanted = PublicFeed::for_ecosystems(snapshot.ecosystems_seen());
        let reports = app.feeds().sync(who, &wanted, Limits::default(), None).await?;
        let mut out = String::new();
        for report in &reports {
            match &report.import {
                Some(import) => out.push_str(&line(import)),
                None if report.error.is_empty() => {
                    let _ = writeln!(out, "feed      {}: unchanged", report.feed);
                }
                None => {
                    let _ = writeln!(out, "feed      {}: not loaded: {}", report.feed, report.error);
                }
            }
        }
        if reports.iter().all(|report| !report.error.is_empty()) {
            let import = app.feeds().import_starter(who).await?;
            out.push_str("no public feed could be reached; a small starter set stands in, which is an example and not an assessment\n");
            out.push_str(&line(&import));
        }
        Ok(out)
    }
}

fn line(report: &ImportReport) -> String {
    format!("feed      {}", feed::describe(report))
}

/// Previews accepting the first vulnerability of the list for 30 days; nothing is stored.
async fn preview(app: &App, who: &Principal, view: &View, scope: &Scope) -> anyhow::Result<String> {
    let everything = Filter::All;
    let window = Window { offset: 0, limit: 1 };
    let query = view.query(scope, &everything);
    let list = view.snapshot.vulnerabilities(&query, VulnerabilityOrder::Risk, window);
    let Some(first) = list.rows.first() else {
        return Ok("\nno exception to preview: nothing was found\n".to_owned());
    };
    let id = first.vulnerability.id.clone();
    let counts = app
        .exceptions()
        .preview(
            who,
            &NewException {
                title: format!("accept {id}"),
                reason: "risk_accepted".to_owned(),
                comment: String::new(),
                kind: TargetKind::Dynamic,
                filter: Some(Filter::test(Field::Vulnerability, Op::Eq, id.as_str())),
                assets: Vec::new(),
                vulnerabilities: vec![id.clone()],
                asked: Asked::default(),
                start: None,
                end: Some(app.now() + 30 * DAY),
            },
        )
        .await?;
    Ok(format!(
        "\npreview   accepting {id} for 30 days would hide {} vulnerabilities ({} findings) on {} assets; nothing was stored\n",
        counts.vulnerabilities, counts.findings, counts.assets
    ))
}
