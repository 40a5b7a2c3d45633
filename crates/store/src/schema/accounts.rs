//! Steps 100–199: accounts, registries, jobs, artifacts, audit, lists, schedules,
//! connectors, sensors, reports, compliance, signed writes, host groups, host scans, visits, looking at jobs.

use super::{Migration, migration};

/// In order.
pub(super) const MIGRATIONS: &[Migration] = &[
    migration!(100, "0100_accounts"),
    migration!(101, "0101_audit"),
    migration!(102, "0102_registries"),
    migration!(103, "0103_jobs"),
    migration!(104, "0104_artifacts"),
    migration!(105, "0105_layer_cache"),
    migration!(106, "0106_lists"),
    migration!(107, "0107_schedules"),
    migration!(108, "0108_connectors"),
    migration!(109, "0109_sensors"),
    migration!(110, "0110_reports"),
    migration!(111, "0111_job_turns"),
    migration!(115, "0115_connector_tenant"),
    migration!(116, "0116_job_place"),
    migration!(117, "0117_sensor_silent"),
    migration!(120, "0120_compliance"),
    migration!(121, "0121_assessment"),
    migration!(122, "0122_control_result"),
    migration!(123, "0123_host_name"),
    migration!(130, "0130_control_exceptions"),
    migration!(131, "0131_notices"),
    migration!(140, "0140_signed_writes"),
    migration!(141, "0141_host_groups"),
    migration!(142, "0142_host_scans"),
    migration!(150, "0150_verification"),
    migration!(165, "0165_visits"),
    migration!(168, "0168_job_overview"),
    migration!(172, "0172_watched_scans"),
];
