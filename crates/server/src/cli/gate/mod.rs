//! `parapet gate`: a verdict for pipelines, told by the exit code.
//!
//! | code | means |
//! |---|---|
//! | 0 | nothing breaks the policy, and everything was assessed |
//! | 1 | something breaks it |
//! | 2 | the target could not be scanned, or the command was called wrongly |
//! | 3 | nothing breaks it, but not everything was assessed |
//!
//! Three ways to the same verdict: alone with feeds, in a store, or asked of a server. In the last
//! two the exceptions that hold there count. What nobody rated breaks the policy unless it is told
//! otherwise: it may be anything.

mod local;
mod policy;
mod remote;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use parapet_model::{Coverage, Severity};

use super::output;
use super::scan::Access;
use policy::{Policy, Verdict};

/// Decide whether targets may pass, by exit code.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 passed, 1 policy broken, 2 could not scan, 3 not fully assessed.

Targets are those of `parapet scan`. Alone it takes feeds; with --data-dir it records the assets in that
store; with --server it asks a server, which reads image references itself. In the last two the exceptions
that hold there count.

Examples:
  parapet gate oci:./image --feed Debian.zip --fail-on high
  parapet gate rootfs:/ --data-dir /var/lib/parapet --where fixable
  parapet gate registry.example:5000/team/web:1 --server https://parapet.example --token-file token.txt
  parapet gate archive:web.tar --feed feeds/ --accept fixes-only --format sarif >web.sarif")]
pub(super) struct Gate {
    /// What to look at
    #[arg(required = true)]
    targets: Vec<String>,
    /// Least severity that breaks the policy
    #[arg(long, value_enum, default_value_t)]
    fail_on: FailOn,
    /// Let vulnerabilities pass that nobody rated
    #[arg(long)]
    pass_unknown: bool,
    /// Only findings that this holds for can break the policy
    #[arg(long = "where", value_name = "FILTER", default_value = "")]
    filter: String,
    /// Coverage words that count as assessed
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    accept: Vec<Coverage>,
    /// Feeds for a verdict alone, as `parapet feed import` takes them
    #[arg(long, value_name = "PATH")]
    feed: Vec<PathBuf>,
    /// Record the assets in this store, and take its feeds and exceptions
    #[arg(long, value_name = "DIR", conflicts_with_all = ["feed", "server"])]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    server: remote::Server,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: GateFormat,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum FailOn {
    /// Any, even without impact
    Any,
    /// Low and worse
    Low,
    /// Medium and worse
    Medium,
    /// High and worse
    #[default]
    High,
    /// Critical
    Critical,
}

impl FailOn {
    const fn severity(self) -> Severity {
        match self {
            Self::Any => Severity::None,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum GateFormat {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// SARIF 2.1.0 with what breaks the policy, one run for each target; not with --server
    Sarif,
}

impl Gate {
    /// Exits with the verdict.
    pub(super) async fn run(self) -> ExitCode {
        match self.decide().await {
            Ok(verdict) => verdict.exit_code(),
            Err(error) => {
                output::fail(&error);
                ExitCode::from(policy::COULD_NOT_SCAN)
            }
        }
    }

    async fn decide(&self) -> anyhow::Result<Verdict> {
        let policy = Policy::new(self.fail_on.severity(), self.pass_unknown, &self.filter, &self.accept)?;
        match self.server.address() {
            Some(address) => remote::decide(self, address, &policy).await,
            None => local::decide(self, &policy).await,
        }
    }
}
