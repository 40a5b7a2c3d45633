//! The binary as a user meets it: its commands and its server, each in a folder of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests may panic, and say what was left out"
)]

mod browser;
mod compliance;
mod demo;
mod documents;
mod ecosystems;
mod ecr;
mod enterprise;
mod exports;
mod gate;
mod hostile;
mod kill;
mod peers;
mod qualys_cs;
mod quickstart;
mod s3;
mod sdk;
mod sensor;
mod support;
