//! Exports (contract 2 and 3): asked for, watched, fetched.

pub(super) mod columns;
pub(super) mod create;
#[cfg(test)]
mod divided;
pub(super) mod download;
pub(super) mod filters;
pub(super) mod handled;
pub(super) mod task;
#[cfg(test)]
pub(super) mod tests;
