//! `parapet`: the server and its command line in one binary.

mod cli;
mod http;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
