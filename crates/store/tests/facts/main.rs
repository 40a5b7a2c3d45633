//! The log and the facts, on both engines.

#[path = "../support/mod.rs"]
mod support;

mod log;
