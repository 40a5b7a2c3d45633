//! Steps 100–199: accounts, registries, jobs, artifacts, audit.

use super::Migration;

/// In order.
pub(super) const MIGRATIONS: &[Migration] = &[];
