//! Steps 1–99: the log and the facts.

use super::{Migration, migration};

/// In order. Tables that take rows by the ten thousand have no foreign keys: what they name is
/// never deleted, and on PostgreSQL the checks would cost more than the rows.
pub(super) const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_log"),
    migration!(2, "0002_project"),
    migration!(3, "0003_package"),
    migration!(4, "0004_package_set"),
    migration!(5, "0005_asset"),
    migration!(6, "0006_feed"),
    migration!(7, "0007_advisory"),
    migration!(8, "0008_vulnerability"),
    migration!(9, "0009_match"),
    migration!(10, "0010_exception"),
    migration!(11, "0011_coverage"),
    migration!(12, "0012_waiting_import"),
    migration!(13, "0013_no_coverage_table"),
    migration!(14, "0014_container"),
];
