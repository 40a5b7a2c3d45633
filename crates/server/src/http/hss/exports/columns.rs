//! The columns of the two exports (contract 2.4): every scalar or list field name of the objects
//! that the list calls show. Lists are joined with `,`; times are epoch milliseconds, as everywhere
//! in the family; an unknown key gives an empty cell.

use std::fmt::Write as _;

use parapet_service::exports::{RowShape, VulnerabilityRow};

use super::super::estate::{addresses, private_ip, public_ip};
use super::super::rows;
use super::super::words::{level_of, status_of};

/// The name under which the shape is registered and stored in jobs.
pub(crate) const SHAPE: &str = "hss";

/// Columns of `category=vul` when none are chosen.
pub(super) const VULNERABILITY_DEFAULTS: &[(&str, &str)] = &[
    ("vul_id", "Vulnerability ID"),
    ("vul_name", "Vulnerability name"),
    ("repair_priority", "Repair priority"),
    ("severity_level", "Severity"),
    ("type", "Type"),
    ("cve_list", "CVE"),
    ("label_list", "Labels"),
    ("host_num", "Affected servers"),
    ("unhandle_host_num", "Unhandled servers"),
    ("ignored_num", "Ignored servers"),
    ("scan_time", "Last scan"),
    ("solution_detail", "Solution"),
    ("url", "Address"),
    ("enterprise_project_name", "Enterprise project"),
];

/// Columns of `category=host` when none are chosen.
pub(super) const HOST_DEFAULTS: &[(&str, &str)] = &[
    ("host_name", "Server name"),
    ("host_id", "Server ID"),
    ("host_ip", "Server IP"),
    ("vul_id", "Vulnerability ID"),
    ("vul_name", "Vulnerability name"),
    ("repair_priority", "Repair priority"),
    ("type", "Type"),
    ("cve_id_list", "CVE"),
    ("status", "Status"),
    ("app_name", "Software"),
    ("app_version", "Version"),
    ("version", "Fixed version"),
    ("first_scan_time", "First found"),
    ("scan_time", "Last scan"),
    ("asset_value", "Asset value"),
    ("group_name", "Server group"),
    ("os_name", "Operating system"),
    ("enterprise_project_name", "Enterprise project"),
];

/// Columns of the image export, which the caller cannot choose.
pub(super) const IMAGE_DEFAULTS: &[(&str, &str)] = &[
    ("image_name", "Image name"),
    ("image_version", "Image version"),
    ("image_id", "Image ID"),
    ("image_digest", "Image digest"),
    ("vul_id", "Vulnerability ID"),
    ("vul_name", "Vulnerability name"),
    ("repair_priority", "Repair priority"),
    ("type", "Type"),
    ("cve_id_list", "CVE"),
    ("status", "Status"),
    ("app_name", "Software"),
    ("app_version", "Version"),
    ("version", "Fixed version"),
    ("first_scan_time", "First found"),
    ("scan_time", "Last scan"),
    ("enterprise_project_name", "Enterprise project"),
];

/// Writes the cells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HssShape;

impl RowShape for HssShape {
    fn cell(&self, column: &str, row: &VulnerabilityRow<'_>, out: &mut String) {
        if !vulnerability_cell(column, row, out) {
            asset_cell(column, row, out);
        }
    }
}

/// Cells that speak of the vulnerability; false when the column is not one of them.
fn vulnerability_cell(column: &str, row: &VulnerabilityRow<'_>, out: &mut String) -> bool {
    let vulnerability = row.vulnerability;
    let assets = row.assets.len() as u64;
    match column {
        "vul_id" => out.push_str(&vulnerability.id),
        "vul_name" | "description" => out.push_str(rows::name(vulnerability)),
        "repair_priority" | "repair_necessity" | "severity_level" => out.push_str(level_of(row.severity)),
        "type" => out.push_str(rows::type_of(row)),
        "cve_list" | "cve_id" | "cve_id_list" => join(out, rows::cves(vulnerability)),
        "cve_num" => number(out, rows::cves(vulnerability).count() as i64),
        "label_list" => join(out, rows::labels(row)),
        "host_num" | "hosts_num" => number(out, assets as i64),
        "unhandle_host_num" => number(out, assets.saturating_sub(row.excepted_assets) as i64),
        "ignored_num" => number(out, rows::with_status(row, "vul_status_ignored") as i64),
        "fixed_num" | "repair_success_num" => number(out, rows::with_status(row, "vul_status_fixed") as i64),
        "verify_num" => number(out, 0),
        "solution_detail" => row.write_solution(out),
        "repair_cmd" | "patch_url" => {}
        "url" => out.push_str(&rows::url(&vulnerability.id)),
        "scan_time" => instant(out, row.last_found),
        "first_scan_time" => instant(out, row.first_found),
        "host_id_list" => {
            for (i, one) in row.assets.iter().enumerate() {
                let _ = write!(out, "{}{}", if i > 0 { "," } else { "" }, one.asset.uuid);
            }
        }
        "enterprise_project_name" => join(out, row.enterprise_projects.iter().map(|p| p.name.as_str())),
        "enterprise_project_id" => join(out, row.enterprise_projects.iter().map(|p| p.id.as_str())),
        "app_name" => join(out, row.packages.iter().map(|p| p.key.name.as_str())),
        "app_version" | "software_version" => join(out, row.packages.iter().map(|p| p.key.version.as_str())),
        "version" => join(out, row.fixed_versions.iter().copied()),
        _ => return false,
    }
    true
}

/// Cells that speak of the one asset of a row; empty in rows that stand for several.
fn asset_cell(column: &str, row: &VulnerabilityRow<'_>, out: &mut String) {
    let Some(asset) = row.asset else { return };
    let host = &asset.host_facts;
    match column {
        "host_id" | "agent_id" | "image_id" => {
            let _ = write!(out, "{}", asset.uuid);
        }
        "host_name" => out.push_str(&asset.name),
        "host_ip" => out.push_str(addresses(asset).next().unwrap_or_default()),
        "private_ip" => out.push_str(private_ip(asset)),
        "public_ip" => out.push_str(public_ip(asset)),
        "asset_value" if host.asset_value.is_empty() => out.push_str("common"),
        "asset_value" => out.push_str(&host.asset_value),
        "group_name" => out.push_str(&host.group),
        "host_status" => out.push_str("ACTIVE"),
        "os_type" => out.push_str("Linux"),
        "os_name" => out.push_str(&asset.distro),
        "os_version" => out.push_str(asset.ecosystem.split_once(':').map_or("", |(_, release)| release)),
        "os_kernel" => out.push_str(&host.kernel),
        "status" => out.push_str(status_of(row.assets.first().and_then(|one| one.exception))),
        "remark" => out.push_str(rows::remark(row)),
        "is_affect_business" | "support_restore" => out.push_str("false"),
        "node_type" => out.push_str("not_cce"),
        "image_digest" => out.push_str(&asset.identity),
        "image_name" => join(out, references(row).map(|r| r.repository.as_str())),
        "image_version" => join(out, references(row).map(|r| r.tag.as_str())),
        _ => {}
    }
}

fn references<'a>(row: &VulnerabilityRow<'a>) -> impl Iterator<Item = &'a parapet_model::asset::Reference> {
    row.asset.into_iter().flat_map(|a| &a.references).filter(|r| r.held.is_open()).map(|r| &r.reference)
}

/// Appends texts with commas between, each once.
pub(crate) fn join<'a>(out: &mut String, parts: impl Iterator<Item = &'a str>) {
    let mut seen: Vec<&str> = Vec::new();
    for part in parts {
        if !part.is_empty() && !seen.contains(&part) {
            if !seen.is_empty() {
                out.push(',');
            }
            out.push_str(part);
            seen.push(part);
        }
    }
}

fn number(out: &mut String, n: i64) {
    let _ = write!(out, "{n}");
}

fn instant(out: &mut String, at: i64) {
    if at > 0 {
        number(out, at);
    }
}
