//! Steps 1–99: the log and the facts.

use super::{Migration, migration};

/// In order.
pub(super) const MIGRATIONS: &[Migration] = &[migration!(1, "0001_log"), migration!(2, "0002_project")];
