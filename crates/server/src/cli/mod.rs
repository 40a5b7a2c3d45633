//! The command line. Data goes to standard output, everything else to standard error; progress is
//! shown on a terminal and silent in a pipe.

mod accounts;
mod artifacts;
mod clouds;
mod enterprise;
mod exceptions;
mod export;
mod feed;
mod gate;
mod generate;
mod import;
mod options;
mod output;
mod quickstart;
mod scan;
mod sensor;
mod serve;
mod summary;
mod tls;

use std::process::ExitCode;
use std::time::Duration;

#[cfg(test)]
pub(crate) use options::StoreOptions;
pub(crate) use serve::write_private;

use clap::{Parser, Subcommand};

/// Vulnerability and compliance posture, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "parapet", version, about, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do the whole job once on this machine, then serve
    Quickstart(quickstart::Quickstart),
    /// Run the server
    Serve(Box<serve::Serve>),
    /// Scan images, root file systems or SBOMs
    Scan(scan::Scan),
    /// Decide whether targets may pass, by exit code
    Gate(Box<gate::Gate>),
    /// Load and inspect advisory feeds
    Feed(feed::Feed),
    /// Take in compliance results of OpenSCAP and other scanners
    Import(import::Import),
    /// Manage users
    User(accounts::User),
    /// Show roles
    Role(accounts::Role),
    /// Manage access key pairs
    Key(accounts::Key),
    /// Divide assets into enterprise projects, and say who sees which
    EnterpriseProject(enterprise::EnterpriseProject),
    /// Issue sign-in tokens
    Token(accounts::Token),
    /// Report this host and its containers to a server
    Sensor(sensor::Sensor),
    /// Write findings to a file
    Export(export::Export),
    /// Fill a store with a synthetic estate, for benchmarks
    Generate(generate::Generate),
}

impl Command {
    /// Whether it takes one step after the other, so that more threads would only cost it memory.
    fn does_one_thing_at_a_time(&self) -> bool {
        match self {
            Self::Import(_)
            | Self::User(_)
            | Self::Role(_)
            | Self::Key(_)
            | Self::EnterpriseProject(_)
            | Self::Token(_) => true,
            Self::Scan(scan) => scan.needs_no_store(),
            _ => false,
        }
    }
}

/// Parses the arguments and runs the command. Exit code 1 means the command failed, 2 that it was
/// called wrongly; `gate` has codes of its own.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    output::start_logging();
    let mut runtime = match cli.command.does_one_thing_at_a_time() {
        true => tokio::runtime::Builder::new_current_thread(),
        false => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&anyhow::Error::from(error)),
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Gate(command) => return Ok(command.run().await),
            Command::Quickstart(command) => command.run().await,
            Command::Serve(command) => command.run().await,
            Command::Scan(command) => command.run().await,
            Command::Feed(command) => command.run().await,
            Command::Import(command) => command.run().await,
            Command::User(command) => command.run().await,
            Command::Role(command) => command.run().await,
            Command::Key(command) => command.run().await,
            Command::EnterpriseProject(command) => command.run().await,
            Command::Token(command) => command.run().await,
            Command::Sensor(command) => command.run().await,
            Command::Export(command) => command.run().await,
            Command::Generate(command) => command.run().await,
        }
        .map(|()| ExitCode::SUCCESS)
    });
    // What is written is written; an index that is being made for nobody is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.unwrap_or_else(|error| output::fail(&error))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_parses_and_shows_an_example() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{} has no example", command.get_name());
        }
    }
}
