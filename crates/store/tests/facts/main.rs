//! The log and the facts, on both engines.

#[path = "../support/mod.rs"]
mod support;

mod advisories;
mod as_of;
mod estate;
mod exceptions;
mod hosts;
mod images;
mod log;
mod matches;
mod open;
mod packages;
mod rules;
mod vulnerabilities;
