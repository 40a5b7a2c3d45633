//! HSS parameters as filters of ours (contract 2.1 and 2.2, *Named enums* of section 0).

use parapet_model::filter::{Field, Filter, Op};
use parapet_model::severity::Severity;
use serde::Deserialize;

use super::error::HssError;
use super::query::Query;

/// `Level4`.
pub(crate) const LEVELS: [&str; 4] = ["Critical", "High", "Medium", "Low"];
/// `VulType5`.
const VULNERABILITY_TYPES: [&str; 5] = ["linux_vul", "windows_vul", "web_cms", "app_vul", "urgent_vul"];
/// `ImageVulType`.
const IMAGE_VULNERABILITY_TYPES: [&str; 2] = ["linux_vul", "app_vul"];
/// `HandleStatus`.
const HANDLE_STATUS: [&str; 2] = ["unhandled", "handled"];
/// `AssetValue`.
const ASSET_VALUES: [&str; 3] = ["important", "common", "test"];
/// `NodeType`.
const NODE_TYPES: [&str; 2] = ["cce", "not_cce"];
/// `VulStatus`.
const STATUS: [&str; 8] = [
    "vul_status_unfix",
    "vul_status_ignored",
    "vul_status_verified",
    "vul_status_fixing",
    "vul_status_fixed",
    "vul_status_reboot",
    "vul_status_failed",
    "vul_status_fix_after_reboot",
];
/// `ImageScanStatus8`.
const IMAGE_SCAN_STATUS: [&str; 8] = [
    "unscan",
    "success",
    "scanning",
    "failed",
    "download_failed",
    "image_oversized",
    "waiting_for_scan",
    "image_scan_stop",
];
/// Ecosystem families whose packages are installed by the operating system; everything else is an
/// application's.
pub(crate) const OS_FAMILIES: [&str; 19] = [
    "Debian",
    "Ubuntu",
    "Alpine",
    "AlmaLinux",
    "Rocky Linux",
    "Red Hat",
    "SUSE",
    "openSUSE",
    "Amazon",
    "Oracle",
    "Photon",
    "Wolfi",
    "Chainguard",
    "dpkg",
    "apk",
    "rpm",
    "openEuler",
    "Mageia",
    "Azure Linux",
];

/// How bands that the family does not have are shown: *unknown* and *none* have no place in
/// `Level4`, so unknown is shown as the middle and none as the lowest (DESIGN, *Severity*).
pub(crate) fn level_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium | Severity::Unknown => "Medium",
        Severity::Low | Severity::None => "Low",
    }
}

/// The findings shown as one of `levels`: the inverse of [`level_of`], so that nothing is lost
/// between the four.
pub(crate) fn levels_filter(levels: &[&str]) -> Filter {
    let bands = Severity::WORST_FIRST.into_iter().filter(|s| levels.contains(&level_of(*s)));
    Filter::any_of(Field::Severity, bands)
}

/// What the distribution made.
pub(crate) fn os_packages() -> Filter {
    Filter::Or(OS_FAMILIES.iter().map(|family| Filter::test(Field::Ecosystem, Op::Prefix, *family)).collect())
}

fn type_filter(word: &str) -> Filter {
    match word {
        "linux_vul" => os_packages(),
        "app_vul" => os_packages().negate(),
        // An emergency vulnerability is one that is being exploited.
        "urgent_vul" => Filter::test(Field::Kev, Op::Eq, true),
        // Windows and web content management systems are not read: nothing can match.
        _ => Filter::Nothing,
    }
}

fn handled(word: &str) -> Filter {
    Filter::test(Field::Excepted, Op::Eq, word == "handled")
}

/// The filter of `POST vul/export`: every query parameter of contract 2.1, joined by *and*.
pub(crate) fn of_host_export(query: &Query, body: &HostExportBody) -> Result<Filter, HssError> {
    let mut filter = Filter::test(Field::Kind, Op::Eq, "host");
    let mut add = |part: Filter| filter = std::mem::take(&mut filter).and(part);
    if let Some(word) = query.word("type", &VULNERABILITY_TYPES)? {
        add(type_filter(word));
    }
    for (name, field) in [("vul_id", Field::Vulnerability), ("cve_id", Field::Vulnerability)] {
        if let Some(id) = query.text_up_to(name, 256)? {
            add(Filter::test(field, Op::Eq, id));
        }
    }
    if let Some(name) = query.text_up_to("vul_name", 256)? {
        add(Filter::Or(vec![
            Filter::test(Field::Vulnerability, Op::Contains, name),
            Filter::test(Field::Title, Op::Contains, name),
        ]));
    }
    if let Some(id) = query.text_up_to("host_id", 256)? {
        add(Filter::test(Field::AssetId, Op::Eq, id));
    }
    let levels = query.words("repair_priority", &LEVELS)?;
    if !levels.is_empty() {
        add(levels_filter(&levels));
    }
    if let Some(word) = query.word("handle_status", &HANDLE_STATUS)? {
        add(handled(word));
    }
    let labels = query.list("label_list");
    if !labels.is_empty() {
        add(Filter::Or(labels.into_iter().map(label_filter).collect()));
    }
    if let Some(word) = query.word("status", &STATUS)? {
        add(match word {
            "vul_status_unfix" => handled("unhandled"),
            "vul_status_ignored" => handled("handled"),
            // Findings are derived from what is installed: there is no state "being fixed", and a
            // fixed one is no finding any more.
            _ => Filter::Nothing,
        });
    }
    if let Some(word) = query.word("asset_value", &ASSET_VALUES)? {
        add(Filter::test(Field::AssetValue, Op::Eq, word));
    }
    if let Some(name) = query.text_up_to("group_name", 256)? {
        add(Filter::test(Field::Group, Op::Eq, name));
    }
    if query.word("node_type", &NODE_TYPES)? == Some("cce") {
        // Hosts report no cluster membership.
        add(Filter::Nothing);
    }
    if !body.vul_id_list.is_empty() {
        add(Filter::any_of(Field::Vulnerability, body.vul_id_list.iter().cloned()));
    }
    if !body.host_id_list.is_empty() {
        add(Filter::any_of(Field::AssetId, body.host_id_list.iter().cloned()));
    }
    Ok(filter)
}

/// The words of `label_list` that are shown in the `label_list` column.
pub(crate) const LABELS: [(&str, Field); 2] =
    [("Known exploited", Field::Kev), ("Fix available", Field::Fixable)];

fn label_filter(label: &str) -> Filter {
    LABELS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(label))
        .map_or(Filter::Nothing, |(_, field)| Filter::test(*field, Op::Eq, true))
}

/// Body of `POST vul/export` (contract 2.1).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct HostExportBody {
    /// Pairs of field and column title.
    #[serde(default)]
    pub(crate) export_headers: Option<Vec<Vec<String>>>,
    #[serde(default)]
    pub(crate) vul_id_list: Vec<String>,
    #[serde(default)]
    pub(crate) host_id_list: Vec<String>,
}

/// Body of `POST image/local-vulnerability/export` (contract 2.2).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ImageExportBody {
    #[serde(default)]
    image_id_list: Vec<String>,
    #[serde(default)]
    operate_all: bool,
    vul_type: Option<String>,
    handle_status: Option<String>,
    scan_status: Option<String>,
    image_name: Option<String>,
    image_version: Option<String>,
    image_size: Option<i64>,
    start_latest_update_time: Option<i64>,
    end_latest_update_time: Option<i64>,
    start_latest_scan_time: Option<i64>,
    end_latest_scan_time: Option<i64>,
    has_container: Option<bool>,
    #[serde(default)]
    vul_id_list: Vec<String>,
}

/// The filter of `POST image/local-vulnerability/export`: every body field of contract 2.2. With
/// `operate_all` the image list is ignored; without it an image or vulnerability list is needed.
pub(crate) fn of_image_export(body: &ImageExportBody) -> Result<Filter, HssError> {
    if !body.operate_all && body.image_id_list.is_empty() && body.vul_id_list.is_empty() {
        return Err(HssError::invalid("image_id_list, vul_id_list or operate_all is needed".to_owned()));
    }
    let mut filter = Filter::test(Field::Kind, Op::Eq, "image");
    let mut add = |part: Filter| filter = std::mem::take(&mut filter).and(part);
    if !body.operate_all && !body.image_id_list.is_empty() {
        add(Filter::Or(vec![
            Filter::any_of(Field::AssetId, body.image_id_list.iter().cloned()),
            Filter::any_of(Field::Digest, body.image_id_list.iter().cloned()),
        ]));
    }
    if let Some(word) = checked("vul_type", body.vul_type.as_deref(), &IMAGE_VULNERABILITY_TYPES)? {
        add(type_filter(word));
    }
    if let Some(word) = checked("handle_status", body.handle_status.as_deref(), &HANDLE_STATUS)? {
        add(handled(word));
    }
    if let Some(word) = checked("scan_status", body.scan_status.as_deref(), &IMAGE_SCAN_STATUS)? {
        add(match word {
            "success" => Filter::test(Field::Scan, Op::Eq, "scanned"),
            "failed" => Filter::test(Field::Scan, Op::Eq, "failed"),
            "unscan" => Filter::test(Field::Scan, Op::Eq, "not_scanned"),
            _ => Filter::Nothing,
        });
    }
    if let Some(name) = &body.image_name {
        add(Filter::test(Field::Repository, Op::Contains, name.as_str()));
    }
    if let Some(tag) = &body.image_version {
        add(Filter::test(Field::Tag, Op::Eq, tag.as_str()));
    }
    for (value, field, op) in [
        (body.image_size, Field::Size, Op::Eq),
        (body.start_latest_update_time, Field::Created, Op::Ge),
        (body.end_latest_update_time, Field::Created, Op::Le),
        (body.start_latest_scan_time, Field::Scanned, Op::Ge),
        (body.end_latest_scan_time, Field::Scanned, Op::Le),
    ] {
        match value {
            Some(value) if value < 0 => {
                return Err(HssError::invalid(format!("{field} must not be negative")));
            }
            Some(value) => add(Filter::test(field, op, value)),
            None => {}
        }
    }
    if body.has_container == Some(true) {
        // Containers are not reported to this server yet, so no image has one.
        add(Filter::Nothing);
    }
    if !body.vul_id_list.is_empty() {
        add(Filter::any_of(Field::Vulnerability, body.vul_id_list.iter().cloned()));
    }
    Ok(filter)
}

fn checked<'a>(name: &str, value: Option<&'a str>, words: &[&str]) -> Result<Option<&'a str>, HssError> {
    match value.filter(|v| !v.is_empty()) {
        Some(word) if !words.contains(&word) => {
            Err(HssError::invalid(format!("{name} is not one of {}", words.join(", "))))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_levels_cover_every_band() {
        assert_eq!(levels_filter(&["Medium"]).to_string(), "severity in (medium, unknown)");
        assert_eq!(
            levels_filter(&LEVELS).to_string(),
            "severity in (critical, high, medium, low, none, unknown)"
        );
    }

    #[test]
    fn the_reference_example_becomes_one_filter() {
        let query = Query::parse(
            "handle_status=unhandled&repair_priority=Critical,High,Medium,Low&offset=0&category=vul&type=linux_vul\
             &export_size=200000&enterprise_project_id=xxx",
        )
        .unwrap();
        let text = of_host_export(&query, &HostExportBody::default()).unwrap().to_string();
        assert!(text.starts_with("kind = \"host\" and (ecosystem ^= \"Debian\" or "), "{text}");
        assert!(
            text.ends_with(
                "and severity in (critical, high, medium, low, none, unknown) and excepted = false"
            ),
            "{text}"
        );
    }

    #[test]
    fn an_image_export_of_nothing_in_particular_is_refused() {
        assert!(of_image_export(&ImageExportBody::default()).is_err());
        let all = ImageExportBody { operate_all: true, ..Default::default() };
        assert_eq!(of_image_export(&all).unwrap().to_string(), "kind = \"image\"");
    }
}
