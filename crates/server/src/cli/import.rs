//! `parapet import`.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use parapet_model::time::format_rfc3339;
use parapet_service::compliance::{EvaluationReport, ImportOptions};

use super::options::StoreOptions;
use super::output::{self, Format};

/// Take in compliance results of OpenSCAP and other scanners.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  oscap xccdf eval --profile standard --results-arf results.xml ssg-debian12-ds.xml
  parapet import arf results.xml --data-dir /var/lib/parapet
  parapet import arf results/*.xml.gz --format json")]
pub(super) struct Import {
    #[command(flatten)]
    store: StoreOptions,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// ARF or plain XCCDF 1.2 results, packed with gzip or not
    #[command(
        after_help = "Each file is read whole before any of it is recorded. The same file twice counts once; one
older than what is known becomes history. Plain XCCDF results say what failed, but not what was found.

Example:
  parapet import arf results.xml other-host.xml.gz"
    )]
    Arf(Arf),
}

#[derive(Debug, Args)]
struct Arf {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Id or name of the host, whatever the file says
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Action::Arf(arf) = self.action;
        if arf.host.is_some() && arf.files.len() > 1 {
            bail!("--host is for one file");
        }
        let (app, who) = self.store.open_without_posture().await?;
        let options = ImportOptions { host: arf.host, max_unpacked: None };
        let (mut reports, mut failed) = (Vec::new(), 0);
        for (number, file) in arf.files.iter().enumerate() {
            let shown = file.display();
            output::progress(&format!("[{}/{}] {shown}", number + 1, arf.files.len()));
            match app.compliance().import(&who, file, &options).await {
                Ok(report) => reports.push((file.clone(), report)),
                // The other files may be good.
                Err(error) => {
                    failed += 1;
                    output::note(&format!("{shown}: {error}"));
                }
            }
        }
        match arf.format {
            Format::Json => output::print_json(
                &reports
                    .iter()
                    .map(|(file, report)| serde_json::json!({"file": file.display().to_string(), "report": report}))
                    .collect::<Vec<_>>(),
            )?,
            Format::Table => {
                let mut rows = vec![heading()];
                for (_, report) in &reports {
                    report.warnings.iter().for_each(|warning| output::note(warning));
                    rows.extend(report.evaluations.iter().map(row));
                }
                if !reports.is_empty() {
                    output::print(&output::table(&rows))?;
                }
            }
        }
        app.store().close().await;
        match failed {
            0 => Ok(()),
            failed => {
                bail!("{failed} of {} files were not imported; nothing of them was recorded", arf.files.len())
            }
        }
    }
}

fn heading() -> Vec<String> {
    let names = [
        "HOST",
        "POLICY",
        "OBSERVED",
        "OUTCOME",
        "PASSED",
        "FAILED",
        "ERROR",
        "NEW",
        "STATUS CHANGED",
        "EVIDENCE CHANGED",
        "UNCHANGED",
    ];
    names.map(str::to_owned).to_vec()
}

fn row(report: &EvaluationReport) -> Vec<String> {
    let mut row = vec![
        report.host_name.clone(),
        format!("{} {}", report.policy, report.policy_title),
        format_rfc3339(report.observed),
        report.outcome.to_owned(),
    ];
    let numbers = [
        report.passed,
        report.failed,
        report.errors,
        report.new,
        report.changed_status,
        report.changed_evidence,
        report.unchanged,
    ];
    row.extend(numbers.map(|number| number.to_string()));
    row
}
