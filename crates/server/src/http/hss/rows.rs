//! How a vulnerability and the servers or images it affects look on this wire. Lists and exports show
//! the same words, so that a script can compare them.

use parapet_model::facts::AssetRow;
use parapet_model::vulnerability::Vulnerability;
use parapet_service::exports::{RowAsset, VulnerabilityRow};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::estate::{addresses, private_ip, public_ip};
use super::words::{ASSET_VALUES, LABELS, LEVELS, STATUS, is_of_system, level_of, status_of};

/// Why a server does not repair itself.
const NO_REPAIR: &str = "Parapet installs nothing: upgrade the package with the tools of the server";
/// Longest text that a field documents, in characters.
const MAX_TEXT: usize = 65_534;

/// The title, or the id where there is none.
pub(super) fn name(vulnerability: &Vulnerability) -> &str {
    if vulnerability.title.is_empty() { &vulnerability.id } else { &vulnerability.title }
}

/// The CVE ids among id and aliases.
pub(super) fn cves(vulnerability: &Vulnerability) -> impl Iterator<Item = &str> {
    let ids = std::iter::once(&vulnerability.id).chain(&vulnerability.aliases);
    ids.map(String::as_str).filter(|id| id.starts_with("CVE-"))
}

/// The same with the score, as the lists have it.
pub(super) fn cve_list(vulnerability: &Vulnerability) -> Value {
    cves(vulnerability).map(|id| json!({"cve_id": id, "cvss": cvss(vulnerability)})).collect()
}

/// The CVSS base score, or null.
pub(super) fn cvss(vulnerability: &Vulnerability) -> Value {
    if vulnerability.cvss_score < 0.0 { Value::Null } else { json!(vulnerability.cvss_score) }
}

/// The labels that hold.
pub(super) fn labels(row: &VulnerabilityRow<'_>) -> impl Iterator<Item = &'static str> {
    let [(exploited, _), (fix, _)] = LABELS;
    let holds = [(row.vulnerability.kev_added != 0, exploited), (row.fixable, fix)];
    holds.into_iter().filter_map(|(on, word)| on.then_some(word))
}

/// `linux_vul` or `app_vul`.
pub(super) fn type_of(row: &VulnerabilityRow<'_>) -> &'static str {
    let first = row.packages.first().map(|package| package.key.ecosystem.as_str());
    if first.is_some_and(is_of_system) { "linux_vul" } else { "app_vul" }
}

/// `Upgrade PACKAGE to VERSION`, joined with `; `.
pub(super) fn solution(row: &VulnerabilityRow<'_>) -> String {
    let mut text = String::new();
    row.write_solution(&mut text);
    text
}

/// The record's page, or empty.
pub(super) fn url(id: &str) -> String {
    if id.starts_with("CVE-") {
        format!("https://www.cve.org/CVERecord?id={id}")
    } else if id.starts_with("GHSA-") {
        format!("https://github.com/advisories/{id}")
    } else {
        String::new()
    }
}

/// `VulStatus` of a vulnerability on an asset. While it is verified, nothing else is said of it.
pub(super) fn status(one: &RowAsset<'_>) -> &'static str {
    if one.verifying { "vul_status_verified" } else { status_of(one.exception) }
}

/// How many assets of the row are in a state of handling.
pub(super) fn with_status(row: &VulnerabilityRow<'_>, word: &str) -> usize {
    row.assets.iter().filter(|one| status(one) == word).count()
}

/// What somebody wrote when they handled it.
pub(super) fn remark<'a>(row: &VulnerabilityRow<'a>) -> &'a str {
    let exception = row.assets.first().and_then(|one| one.exception);
    exception.map_or("", |exception| exception.comment.as_str())
}

/// `important`, `common` or `test`; `common` where nobody said.
pub(super) fn asset_value(asset: &AssetRow) -> &str {
    match asset.host_facts.asset_value.as_str() {
        "" => "common",
        value => value,
    }
}

/// `VulInfo`: a vulnerability on all its servers, of which there may be very many.
#[derive(Serialize)]
pub(super) struct VulInfo<'r> {
    #[serde(flatten)]
    counted: Value,
    #[serde(serialize_with = "ids")]
    host_id_list: &'r [RowAsset<'r>],
}

fn ids<S: Serializer>(assets: &&[RowAsset<'_>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(assets.iter().map(|one| one.asset.uuid))
}

pub(super) fn vulnerability<'r>(row: &'r VulnerabilityRow<'r>) -> VulInfo<'r> {
    let v = row.vulnerability;
    let counts = HostCounts::of(row.assets);
    let level = level_of(row.severity);
    let counted = json!({
        "vul_name": name(v),
        "vul_id": v.id,
        "label_list": labels(row).collect::<Vec<_>>(),
        "repair_necessity": level,
        "severity_level": level,
        "repair_priority": level,
        "host_num": row.assets.len(),
        "unhandle_host_num": (row.assets.len() as u64).saturating_sub(row.excepted_assets),
        "scan_time": row.last_found,
        "solution_detail": clipped(solution(row)),
        "url": url(&v.id),
        "description": name(v),
        "type": type_of(row),
        "cve_list": cve_list(v),
        "patch_url": "",
        "hosts_num": counts.by_value(),
        "repair_success_num": counts.with_status("vul_status_fixed"),
        "fixed_num": counts.with_status("vul_status_fixed"),
        "ignored_num": counts.with_status("vul_status_ignored"),
        "verify_num": counts.with_status("vul_status_verified"),
        "repair_priority_list": counts.by_level(),
    });
    VulInfo { counted, host_id_list: row.assets }
}

/// The servers of a row, counted with one look at each.
#[derive(Debug, Default)]
struct HostCounts {
    /// As [`ASSET_VALUES`].
    values: [u64; ASSET_VALUES.len()],
    /// As [`LEVELS`].
    levels: [u64; LEVELS.len()],
    /// As [`STATUS`].
    status: [u64; STATUS.len()],
}

impl HostCounts {
    fn of(assets: &[RowAsset<'_>]) -> Self {
        fn count(counts: &mut [u64], words: &[&str], word: &str) {
            let place = words.iter().position(|known| *known == word);
            if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
                *count += 1;
            }
        }
        let mut all = Self::default();
        for one in assets {
            count(&mut all.values, &ASSET_VALUES, asset_value(one.asset));
            count(&mut all.levels, &LEVELS, level_of(one.severity));
            count(&mut all.status, &STATUS, status(one));
        }
        all
    }

    fn with_status(&self, word: &str) -> u64 {
        STATUS.iter().zip(self.status).find(|(known, _)| **known == word).map_or(0, |(_, count)| count)
    }

    /// `VulnerabilityHostNumberInfo`.
    fn by_value(&self) -> Value {
        ASSET_VALUES.iter().zip(self.values).map(|(word, count)| ((*word).to_owned(), json!(count))).collect()
    }

    fn by_level(&self) -> Value {
        let level = |(word, count): (&&str, u64)| json!({"repair_priority": word, "host_num": count});
        LEVELS.iter().zip(self.levels).map(level).collect()
    }
}

/// `VulnerabilityHostNumberInfo`.
pub(super) fn hosts_by_value(row: &VulnerabilityRow<'_>) -> Value {
    HostCounts::of(row.assets).by_value()
}

/// `HostVulInfo`: a vulnerability of one server.
pub(super) fn of_host(row: &VulnerabilityRow<'_>) -> Value {
    let v = row.vulnerability;
    let level = level_of(row.severity);
    json!({
        "vul_name": name(v),
        "vul_id": v.id,
        "label_list": labels(row).collect::<Vec<_>>(),
        "repair_necessity": level,
        "severity_level": level,
        "repair_priority": level,
        "scan_time": row.last_found,
        "first_scan_time": row.first_found,
        "type": type_of(row),
        "app_list": apps(row),
        "app_name": joined(row.packages.iter().map(|p| p.key.name.as_str())),
        "app_path": "",
        "version": joined(row.fixed_versions.iter().copied()),
        "software_version": joined(row.packages.iter().map(|p| p.key.version.as_str())),
        "solution_detail": clipped(solution(row)),
        "url": url(&v.id),
        "description": name(v),
        "repair_cmd": "",
        "status": row.assets.first().map(status),
        "repair_success_num": with_status(row, "vul_status_fixed"),
        "cve_list": cve_list(v),
        "is_affect_business": false,
        "support_restore": false,
        "disabled_operate_types": disabled(),
        "backup_name": "",
        "failed_reason": "",
    })
}

/// `VulHostInfo`: a server that has the vulnerability.
pub(super) fn host(row: &VulnerabilityRow<'_>) -> Value {
    let Some(one) = row.assets.first() else { return Value::Null };
    let (v, asset) = (row.vulnerability, one.asset);
    let level = level_of(row.severity);
    let mut document = json!({
        "repair_necessity": level,
        "severity_level": level,
        "repair_priority": level,
        "cve_num": cves(v).count(),
        "cve_id_list": cves(v).collect::<Vec<_>>(),
        "status": status(one),
        "remark": remark(row),
        "repair_cmd": "",
        "version": joined(row.fixed_versions.iter().copied()),
        "app_path": "",
        "is_affect_business": false,
        "first_scan_time": row.first_found,
        "scan_time": row.last_found,
        "failed_reason": "",
        "support_restore": false,
        "backup_name": "",
        "disabled_operate_types": disabled(),
    });
    merge(&mut document, host_words(asset));
    document
}

/// What every row says of a server.
pub(super) fn host_words(asset: &AssetRow) -> Value {
    json!({
        "host_id": asset.uuid,
        "agent_id": asset.uuid,
        "host_name": asset.name,
        "host_ip": addresses(asset).next().unwrap_or_default(),
        "private_ip": private_ip(asset),
        "public_ip": public_ip(asset),
        "asset_value": asset_value(asset),
        "group_name": asset.host_facts.group,
        "os_type": "Linux",
        "os_name": asset.distro,
        "os_version": os_version(asset),
        "os_kernel": asset.host_facts.kernel,
        "host_status": "ACTIVE",
        "node_type": "not_cce",
    })
}

/// The release of its distribution.
pub(super) fn os_version(asset: &AssetRow) -> &str {
    asset.ecosystem.split_once(':').map_or("", |(_, release)| release)
}

/// `VulUrgentResponseInfoDataList`: a pair of server and vulnerability.
pub(super) fn pair(row: &VulnerabilityRow<'_>) -> Value {
    let Some(one) = row.assets.first() else { return Value::Null };
    let (v, asset) = (row.vulnerability, one.asset);
    json!({
        "label_list": labels(row).collect::<Vec<_>>(),
        "repair_priority": level_of(row.severity),
        "repair_success_num": with_status(row, "vul_status_fixed"),
        "vul_id": v.id,
        "vul_name": name(v),
        "cve_list": cve_list(v),
        "is_affected_business": false,
        "host_id": asset.uuid,
        "public_ip": public_ip(asset),
        "private_ip": private_ip(asset),
        "host_name": asset.name,
        "asset_value": asset_value(asset),
        "status": status(one),
        "first_scan_time": row.first_found,
        "scan_time": row.last_found,
        "disabled_operate_types": disabled(),
    })
}

fn apps(row: &VulnerabilityRow<'_>) -> Value {
    let app = |(package, fixed): (&&parapet_model::facts::PackageRow, &&str)| {
        json!({
            "app_name": package.key.name, "app_version": package.key.version, "upgrade_version": fixed,
            "app_path": "",
        })
    };
    row.packages.iter().zip(row.fixed_versions).map(app).collect()
}

/// The operations that this server does not do.
pub(super) fn disabled() -> Value {
    json!([{"operate_type": "immediate_repair", "reason": NO_REPAIR}])
}

/// Joined by commas, each once.
pub(super) fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        if !seen.contains(&part) {
            seen.push(part);
        }
    }
    seen.join(",")
}

fn clipped(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(at);
    }
    text
}

/// Adds the members of `more`.
pub(super) fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}
