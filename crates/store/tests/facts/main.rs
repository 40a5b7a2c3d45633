//! The log and the facts, on both engines.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "says what was left out")]

#[path = "../support/mod.rs"]
mod support;

mod advisories;
mod as_of;
mod compliance;
mod compliance_as_of;
mod divided;
mod estate;
mod exceptions;
mod host_groups;
mod host_scans;
mod hosts;
mod images;
mod join;
mod log;
mod matches;
mod open;
mod packages;
mod rules;
mod vulnerabilities;
