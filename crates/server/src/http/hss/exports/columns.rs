//! The columns of the two exports (contract 2.4): every scalar or list field name of the objects
//! that the list calls show. Lists are joined with `,`; times are epoch milliseconds, as everywhere
//! in the family; an unknown key gives an empty cell.

use std::fmt::Write as _;

use parapet_model::asset::Reference;
use parapet_model::facts::{AssetRow, EnterpriseProjectRow};
use parapet_model::filter::Level;
use parapet_service::exports::{RowShape, ShapeColumn, VulnerabilityRow};

use super::super::estate::{addresses, private_ip, public_ip};
use super::super::rows;
use super::super::words::level_of;

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
        if let Some(cell) = cell_of(column) {
            cell.write(row, out);
        }
    }

    fn column<'c>(&'c self, column: &'c str) -> ShapeColumn<'c> {
        match cell_of(column) {
            Some(cell) => {
                ShapeColumn { level: cell.level(), write: Box::new(move |row, out| cell.write(row, out)) }
            }
            None => ShapeColumn { level: Level::Asset, write: Box::new(|_, _| {}) },
        }
    }
}

/// What a cell is made from.
#[derive(Clone, Copy)]
enum Cell {
    /// The row, whatever it stands for.
    Row(fn(&VulnerabilityRow<'_>, &mut String)),
    /// The vulnerability, the packages and what is said of them.
    Matched(fn(&VulnerabilityRow<'_>, &mut String)),
    /// The latest look at its assets.
    Looked,
    /// The enterprise projects of its assets.
    Projects(fn(&EnterpriseProjectRow) -> &str),
    /// The one asset and what it has; empty in rows that stand for several.
    Pair(fn(&VulnerabilityRow<'_>, &mut String)),
    /// The one asset alone.
    Asset(fn(&AssetRow, &mut String)),
}

impl Cell {
    fn level(self) -> Level {
        match self {
            Self::Looked | Self::Projects(_) | Self::Asset(_) => Level::Asset,
            Self::Matched(_) => Level::Match,
            Self::Row(_) | Self::Pair(_) => Level::Finding,
        }
    }

    fn write(self, row: &VulnerabilityRow<'_>, out: &mut String) {
        match self {
            Self::Row(write) | Self::Matched(write) => write(row, out),
            Self::Looked => instant(out, row.last_found),
            Self::Projects(part) => join(out, row.enterprise_projects.iter().map(|project| part(project))),
            Self::Pair(write) if row.asset.is_some() => write(row, out),
            Self::Pair(_) => {}
            Self::Asset(write) => row.asset.into_iter().for_each(|asset| write(asset, out)),
        }
    }
}

fn cell_of(column: &str) -> Option<Cell> {
    cell_of_vulnerability(column).or_else(|| cell_of_asset(column))
}

/// Cells that speak of the vulnerability.
fn cell_of_vulnerability(column: &str) -> Option<Cell> {
    use Cell::{Looked, Matched, Projects, Row};
    Some(match column {
        "vul_id" => Matched(|row, out| out.push_str(&row.vulnerability.id)),
        "vul_name" | "description" => Matched(|row, out| out.push_str(rows::name(row.vulnerability))),
        "repair_priority" | "repair_necessity" | "severity_level" => {
            Matched(|row, out| out.push_str(level_of(row.severity)))
        }
        "type" => Matched(|row, out| out.push_str(rows::type_of(row))),
        "cve_list" | "cve_id" | "cve_id_list" => Matched(|row, out| join(out, rows::cves(row.vulnerability))),
        "cve_num" => Matched(|row, out| number(out, rows::cves(row.vulnerability).count() as u64)),
        "label_list" => Matched(|row, out| join(out, rows::labels(row))),
        "host_num" | "hosts_num" => Row(|row, out| number(out, row.assets.len() as u64)),
        "unhandle_host_num" => {
            Row(|row, out| number(out, (row.assets.len() as u64).saturating_sub(row.excepted_assets)))
        }
        "ignored_num" => Row(|row, out| number(out, rows::with_status(row, "vul_status_ignored") as u64)),
        "fixed_num" | "repair_success_num" => {
            Row(|row, out| number(out, rows::with_status(row, "vul_status_fixed") as u64))
        }
        "verify_num" => Row(|row, out| number(out, rows::with_status(row, "vul_status_verified") as u64)),
        "solution_detail" => Matched(solution),
        "url" => Matched(|row, out| out.push_str(&rows::url(&row.vulnerability.id))),
        "scan_time" => Looked,
        "first_scan_time" => Row(|row, out| instant(out, row.first_found)),
        "host_id_list" => Row(|row, out| {
            for (i, one) in row.assets.iter().enumerate() {
                let _ = write!(out, "{}{}", if i > 0 { "," } else { "" }, one.asset.uuid);
            }
        }),
        "enterprise_project_name" => Projects(|project| &project.name),
        "enterprise_project_id" => Projects(|project| &project.id),
        "app_name" => Matched(|row, out| join(out, row.packages.iter().map(|p| p.key.name.as_str()))),
        "app_version" | "software_version" => {
            Matched(|row, out| join(out, row.packages.iter().map(|p| p.key.version.as_str())))
        }
        "version" => Matched(|row, out| join(out, row.fixed_versions.iter().copied())),
        _ => return None,
    })
}

/// Cells that speak of the one asset of a row.
fn cell_of_asset(column: &str) -> Option<Cell> {
    use Cell::{Asset, Pair};
    Some(match column {
        "host_id" | "agent_id" | "image_id" => Asset(|asset, out| {
            let _ = write!(out, "{}", asset.uuid);
        }),
        "host_name" => Asset(|asset, out| out.push_str(&asset.name)),
        "host_ip" => Asset(|asset, out| out.push_str(addresses(asset).next().unwrap_or_default())),
        "private_ip" => Asset(|asset, out| out.push_str(private_ip(asset))),
        "public_ip" => Asset(|asset, out| out.push_str(public_ip(asset))),
        "asset_value" => Asset(|asset, out| out.push_str(rows::asset_value(asset))),
        "group_name" => Asset(|asset, out| out.push_str(&asset.host_facts.group)),
        "host_status" => Asset(|_, out| out.push_str("ACTIVE")),
        "os_type" => Asset(|_, out| out.push_str("Linux")),
        "os_name" => Asset(|asset, out| out.push_str(&asset.distro)),
        "os_version" => Asset(|asset, out| out.push_str(rows::os_version(asset))),
        "os_kernel" => Asset(|asset, out| out.push_str(&asset.host_facts.kernel)),
        "status" => Pair(|row, out| {
            out.push_str(row.assets.first().map_or("", rows::status));
        }),
        "remark" => Pair(|row, out| out.push_str(rows::remark(row))),
        "is_affect_business" | "support_restore" => Asset(|_, out| out.push_str("false")),
        "node_type" => Asset(|_, out| out.push_str("not_cce")),
        "image_digest" => Asset(|asset, out| out.push_str(&asset.identity)),
        "image_name" => Asset(|asset, out| join(out, references(asset).map(|r| r.repository.as_str()))),
        "image_version" => Asset(|asset, out| join(out, references(asset).map(|r| r.tag.as_str()))),
        _ => return None,
    })
}

fn references(asset: &AssetRow) -> impl Iterator<Item = &Reference> {
    asset.references.iter().filter(|row| row.held.is_open()).map(|row| &row.reference)
}

/// Appends texts with commas between, each once.
pub(crate) fn join<'a>(out: &mut String, parts: impl Iterator<Item = &'a str>) {
    let mut parts = parts.filter(|part| !part.is_empty());
    let Some(first) = parts.next() else { return };
    out.push_str(first);
    // Most cells have one part; only then is a list of those seen needed.
    let Some(second) = parts.find(|part| *part != first) else { return };
    let mut seen = vec![first];
    for part in std::iter::once(second).chain(parts) {
        if !seen.contains(&part) {
            out.push(',');
            out.push_str(part);
            seen.push(part);
        }
    }
}

fn solution(row: &VulnerabilityRow<'_>, out: &mut String) {
    row.write_solution(out);
}

/// Much faster than formatting, which matters in the millionth row.
fn number(out: &mut String, mut n: u64) {
    let (mut digits, mut at) = ([0_u8; 20], 20);
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    // Digits are text, so nothing is lost.
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

fn instant(out: &mut String, at: i64) {
    if at > 0 {
        number(out, at.unsigned_abs());
    }
}
