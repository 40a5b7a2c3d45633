//! `parapet feed`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use parapet_model::time::format_rfc3339;
use parapet_service::feeds::{FeedSource, ImportOptions, ImportReport, Limits, PublicFeed};

use super::options::StoreOptions;
use super::output::{self, Format};

/// Load and inspect advisory feeds.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  parapet feed import Debian.zip known_exploited_vulnerabilities.json epss_scores.csv
  parapet feed import Debian.zip --preview
  parapet feed import Debian.zip --max-closed 1000
  parapet feed accept Debian
  parapet feed qids qid-to-cve.csv
  parapet feed sync Debian npm
  parapet feed rollback Debian
  parapet feed status --format json")]
pub(super) struct Feed {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    store: StoreOptions,
    /// How to print
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Import OSV or CSAF records in zips, tar archives or directories, Debian's security tracker,
    /// updateinfo.xml, the KEV catalogue, EPSS scores
    Import {
        /// Files and directories
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Say what would change, store nothing
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        limits: LimitOptions,
    },
    /// Load public feeds by ecosystem, or bring those loaded from an address up to date
    Sync {
        /// Ecosystems such as Debian or npm; without any, all feeds that have an address
        ecosystems: Vec<String>,
        #[command(flatten)]
        limits: LimitOptions,
    },
    /// Take a feed back to what it said before its last import
    Rollback {
        /// Name of the feed
        name: String,
    },
    /// Accept the import of a feed that is held
    Accept {
        /// Name of the feed
        name: String,
    },
    /// Turn the import of a feed that is held down
    Reject {
        /// Name of the feed
        name: String,
    },
    /// Load what Qualys' own QIDs stand for: CSV with a QID and its CVEs per row
    Qids {
        /// The file
        path: PathBuf,
    },
    /// Show what is loaded, and what is held for a decision
    Status,
}

#[derive(Debug, Args)]
struct LimitOptions {
    /// Hold an import that would open more findings
    #[arg(long, value_name = "N")]
    max_opened: Option<u64>,
    /// Hold an import that would close more findings
    #[arg(long, value_name = "N")]
    max_closed: Option<u64>,
}

impl LimitOptions {
    fn limits(&self) -> Limits {
        Limits { max_opened: self.max_opened, max_closed: self.max_closed }
    }
}

impl Action {
    /// Whether it tells of findings: which an import opens and closes, posture knows.
    fn tells_of_findings(&self) -> bool {
        match self {
            Self::Import { .. } | Self::Sync { .. } | Self::Rollback { .. } | Self::Accept { .. } => true,
            Self::Reject { .. } | Self::Qids { .. } | Self::Status => false,
        }
    }
}

impl Feed {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (app, who) = if self.action.tells_of_findings() {
            self.store.open().await?
        } else {
            self.store.open_without_posture().await?
        };
        let feeds = app.feeds();
        match self.action {
            Action::Import { paths, preview, limits } => {
                let mut reports = Vec::new();
                for path in paths {
                    output::progress(&format!("importing {}", path.display()));
                    let source = FeedSource::recognise(&path)?;
                    let options =
                        ImportOptions { preview, limits: limits.limits(), ..ImportOptions::default() };
                    reports.push(feeds.import(&who, &source, &options, None).await?);
                }
                print_reports(self.format, &reports)?;
                if reports.iter().any(|report| report.outcome == "held") {
                    bail!(
                        "an import was held; see it with `parapet feed status`, then `feed accept` or `feed reject` it"
                    );
                }
                Ok(())
            }
            Action::Qids { path } => {
                let file =
                    std::fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let read = app.lists().import_qids(&who, std::io::BufReader::new(file)).await?;
                match self.format {
                    Format::Json => output::print_json(&serde_json::json!({"qids": read})),
                    Format::Table => output::print(&format!("{read} QIDs read\n")),
                }
            }
            Action::Sync { ecosystems, limits } => {
                let wanted = if ecosystems.is_empty() {
                    feeds.synced(&[]).await?
                } else {
                    PublicFeed::for_ecosystems(ecosystems.iter().map(String::as_str))
                };
                if wanted.is_empty() {
                    bail!(
                        "no feed was loaded from an address; name ecosystems, for example: parapet feed sync Debian"
                    );
                }
                let reports = feeds.sync(&who, &wanted, limits.limits(), None).await?;
                if self.format == Format::Json {
                    output::print_json(&reports)?;
                } else {
                    for report in &reports {
                        match &report.import {
                            Some(import) => print_reports(self.format, std::slice::from_ref(import))?,
                            None if report.error.is_empty() => {
                                output::print(&format!("{}: unchanged\n", report.feed))?;
                            }
                            None => output::note(&format!("{}: {}", report.feed, report.error)),
                        }
                    }
                }
                match reports.iter().filter(|report| !report.error.is_empty()).count() {
                    0 => Ok(()),
                    n => bail!("{n} of {} feeds could not be loaded", reports.len()),
                }
            }
            Action::Rollback { name } => {
                let report = feeds.rollback(&who, &name).await?;
                print_reports(self.format, &[report])
            }
            Action::Accept { name } => {
                let report = feeds.accept(&who, &name, None).await?;
                print_reports(self.format, &[report])
            }
            Action::Reject { name } => {
                let report = feeds.reject(&who, &name).await?;
                print_reports(self.format, &[report])
            }
            Action::Status => {
                let status = feeds.status(&who).await?;
                if self.format == Format::Json {
                    return output::print_json(&status);
                }
                let heading = ["FEED", "FORMAT", "STATE", "RECORDS", "DATA OF", "UPDATED"];
                let mut rows = vec![heading.map(str::to_owned).to_vec()];
                let mut held = String::new();
                for entry in status {
                    let feed = entry.feed;
                    held.push_str(&entry.held.as_ref().map(describe).unwrap_or_default());
                    rows.push(vec![
                        feed.name,
                        feed.kind,
                        feed.state.as_str().to_owned(),
                        feed.records.to_string(),
                        day(feed.data_date),
                        day(feed.updated),
                    ]);
                }
                output::print(&(output::table(&rows) + &held))
            }
        }
    }
}

/// `2026-08-22`, or `-`.
pub(super) fn day(at: i64) -> String {
    match format_rfc3339(at).get(..10) {
        Some(day) if at != 0 => day.to_owned(),
        _ => "-".to_owned(),
    }
}

fn print_reports(format: Format, reports: &[ImportReport]) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::print_json(&reports);
    }
    let mut text = String::new();
    for report in reports {
        text.push_str(&describe(report));
    }
    output::print(&text)
}

/// A report in words.
pub(super) fn describe(report: &ImportReport) -> String {
    let mut text = format!(
        "{}: {}; {} records, {} new, {} changed, {} withdrawn",
        report.feed, report.outcome, report.records, report.added, report.changed, report.withdrawn
    );
    let verb = match report.outcome.as_str() {
        "preview" | "held" => "would open",
        "rejected" => "would have opened",
        _ => "opened",
    };
    text.push_str(&format!(
        "; {verb} {} findings ({} matches), closed {} ({})\n",
        report.findings_opened, report.matches_opened, report.findings_closed, report.matches_closed
    ));
    if report.failed > 0 {
        text.push_str(&format!("  {} records could not be read\n", report.failed));
    }
    for line in report.failures.iter().chain(&report.examples) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}
