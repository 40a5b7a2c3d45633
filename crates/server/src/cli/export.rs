//! `parapet export findings`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use parapet_model::filter::{Field, Filter};
use parapet_model::time::parse_instant;
use parapet_service::PastInstant;
use parapet_service::exports::{ColumnChoice, ExportRequest, Format as RowFormat};
use serde_json::json;

use super::options::StoreOptions;
use super::output::{self, Format};

/// Write findings to a file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  parapet export findings --output findings.csv
  parapet export findings --format jsonl --output open.jsonl --where 'severity >= high and not excepted'
  parapet export findings --output findings.xlsx --where 'kev'
  parapet export findings --output march.parquet --as-of 2026-03-01")]
pub(super) struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One row per asset, vulnerability and package
    Findings(Findings),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileFormat {
    /// Comma-separated values
    Csv,
    /// A JSON object per line
    Jsonl,
    /// A workbook with typed cells
    Xlsx,
    /// Apache Parquet, for data frames and databases
    Parquet,
}

impl FileFormat {
    /// What the name of a file says.
    fn of(path: &Path) -> Option<Self> {
        Self::from_str(path.extension()?.to_str()?, true).ok()
    }
}

#[derive(Debug, Args)]
#[command(after_help = field_help())]
struct Findings {
    #[command(flatten)]
    store: StoreOptions,
    /// Format of the file; else what its name ends in, else csv
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// The file; it appears only when it is complete
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Which findings
    #[arg(long = "where", value_name = "FILTER", default_value = "")]
    filter: String,
    /// Columns, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    columns: Vec<String>,
    /// A past instant: RFC 3339 or a date
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// With --as-of: presence as it was then, judged by what is known today
    #[arg(long, requires = "as_of")]
    hindsight: bool,
    /// Also kernel packages that do not run where they lie
    #[arg(long)]
    include_not_run_here: bool,
    /// CSV for spreadsheet programs: byte order mark and CRLF
    #[arg(long)]
    spreadsheet: bool,
    /// How to print what was done
    #[arg(long, value_enum, default_value_t)]
    report: Format,
}

fn field_help() -> String {
    let mut help = String::from("Fields of a filter:\n");
    for field in Field::ALL {
        help.push_str(&format!("  {:<20}{}\n", field.as_str(), field.help()));
    }
    help.push_str("\nExample:\n  parapet export findings --output f.csv --where 'kev and fixable'");
    help
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let What::Findings(command) = self.what;
        let (app, who) = command.store.open().await?;
        let as_of = match &command.as_of {
            None => None,
            Some(text) => Some(PastInstant {
                at: parse_instant(text).with_context(|| format!("--as-of: {text:?} is not a date"))?,
                hindsight: command.hindsight,
            }),
        };
        let request = ExportRequest {
            format: match command.format.or_else(|| FileFormat::of(&command.output)) {
                None | Some(FileFormat::Csv) => RowFormat::Csv,
                Some(FileFormat::Jsonl) => RowFormat::Jsonl,
                Some(FileFormat::Xlsx) => RowFormat::Xlsx,
                Some(FileFormat::Parquet) => RowFormat::Parquet,
            },
            columns: command
                .columns
                .iter()
                .map(|column| ColumnChoice { column: column.clone(), label: column.clone() })
                .collect(),
            bom: command.spreadsheet,
            as_of,
            include_not_run_here: command.include_not_run_here,
            ..ExportRequest::findings(Filter::parse(&command.filter)?)
        };
        if command.output.is_dir() {
            bail!("{} is a folder", command.output.display());
        }
        let file = app.exports().write_file(&who, &request, &command.output).await?;
        if command.report == Format::Json {
            return output::print_json(&json!({
                "file": file.path, "rows": file.rows, "size": file.size, "sha256": file.sha256,
            }));
        }
        output::print(&format!("{} findings in {} ({} bytes)\n", file.rows, file.path.display(), file.size))
    }
}
