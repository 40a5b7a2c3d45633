//! `parapet`: the server and its command line in one binary.

mod cli;
mod http;
mod memory;

use std::process::ExitCode;

fn main() -> ExitCode {
    memory::keep_little();
    cli::run()
}
