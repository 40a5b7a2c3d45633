//! The enums of the family (contract, *Named enums*), and what they mean here.

use parapet_model::exception::Exception;
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::severity::Severity;
use parapet_service::handling::REPAIRED;

/// `Level4`.
pub(crate) const LEVELS: [&str; 4] = ["Critical", "High", "Medium", "Low"];
/// `VulType4`.
pub(crate) const TYPES_OF_LISTS: [&str; 4] = ["linux_vul", "windows_vul", "web_cms", "app_vul"];
/// `VulType5`.
pub(crate) const TYPES: [&str; 5] = ["linux_vul", "windows_vul", "web_cms", "app_vul", "urgent_vul"];
/// `ImageVulType`.
pub(crate) const IMAGE_TYPES: [&str; 2] = ["linux_vul", "app_vul"];
/// `HandleStatus`.
pub(crate) const HANDLE_STATUS: [&str; 2] = ["unhandled", "handled"];
/// `AssetValue`.
pub(crate) const ASSET_VALUES: [&str; 3] = ["important", "common", "test"];
/// `NodeType`.
pub(crate) const NODE_TYPES: [&str; 2] = ["cce", "not_cce"];
/// `Necessity3`.
pub(crate) const NECESSITIES: [&str; 3] = ["immediate_repair", "delay_repair", "not_needed_repair"];
/// `VulOperate`.
pub(crate) const OPERATIONS: [&str; 6] =
    ["ignore", "not_ignore", "immediate_repair", "manual_repair", "verify", "add_to_whitelist"];
/// `VulStatus`.
pub(crate) const STATUS: [&str; 8] = [
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
pub(crate) const IMAGE_SCAN_STATUS: [&str; 8] = [
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
pub(crate) const OS_FAMILIES: [&str; 25] = [
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
    "CentOS",
    "Fedora",
    "MinimOS",
    "Alpaquita",
    "BellSoft",
    "Echo",
];

/// The words of `label_list`, and when each stands there.
pub(crate) const LABELS: [(&str, Field); 2] =
    [("Known exploited", Field::Kev), ("Fix available", Field::Fixable)];

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

/// `Necessity3` of a band: high risk, medium, low.
pub(crate) fn necessity_of(severity: Severity) -> &'static str {
    match level_of(severity) {
        "Critical" | "High" => "immediate_repair",
        "Medium" => "delay_repair",
        _ => "not_needed_repair",
    }
}

/// The findings shown as one of `levels`: the inverse of [`level_of`], so that nothing is lost
/// between the four.
pub(crate) fn levels_filter(levels: &[&str]) -> Filter {
    let bands = Severity::WORST_FIRST.into_iter().filter(|s| levels.contains(&level_of(*s)));
    Filter::any_of(Field::Severity, bands)
}

/// The inverse of [`necessity_of`].
pub(crate) fn necessity_filter(word: &str) -> Filter {
    let bands = Severity::WORST_FIRST.into_iter().filter(|s| necessity_of(*s) == word);
    Filter::any_of(Field::Severity, bands)
}

/// What the distribution made.
pub(crate) fn os_packages() -> Filter {
    Filter::Or(OS_FAMILIES.iter().map(|family| Filter::test(Field::Ecosystem, Op::Prefix, *family)).collect())
}

/// Whether packages of an ecosystem are the operating system's.
pub(crate) fn is_of_system(ecosystem: &str) -> bool {
    OS_FAMILIES.iter().any(|family| ecosystem.starts_with(family))
}

/// The findings of a vulnerability type.
pub(crate) fn type_filter(word: &str) -> Filter {
    match word {
        "linux_vul" => os_packages(),
        "app_vul" => os_packages().negate(),
        "urgent_vul" => Filter::test(Field::Kev, Op::Eq, true),
        // Windows and web content management systems are not read: nothing can match.
        _ => Filter::Nothing,
    }
}

/// The findings that are handled or not: an exception holds now, or none does.
pub(crate) fn handled(word: &str) -> Filter {
    Filter::test(Field::Excepted, Op::Eq, word == "handled")
}

/// The findings that bear one of these labels.
pub(crate) fn labels_filter(labels: &[&str]) -> Filter {
    let label = |label: &&str| {
        let known = LABELS.iter().find(|(word, _)| word.eq_ignore_ascii_case(label));
        known.map_or(Filter::Nothing, |(_, field)| Filter::test(*field, Op::Eq, true))
    };
    Filter::Or(labels.iter().map(label).collect())
}

/// The findings of vulnerabilities with this in their id, an alias or the title.
pub(crate) fn named(name: &str) -> Filter {
    Filter::Or(vec![
        Filter::test(Field::Vulnerability, Op::Contains, name),
        Filter::test(Field::Title, Op::Contains, name),
    ])
}

/// `VulStatus` of what an exception hides, or does not.
pub(crate) fn status_of(exception: Option<&Exception>) -> &'static str {
    match exception {
        None => "vul_status_unfix",
        Some(exception) if exception.reason == REPAIRED => "vul_status_fixed",
        Some(_) => "vul_status_ignored",
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
        let of_words = NECESSITIES.map(|word| necessity_filter(word).to_string());
        assert_eq!(
            of_words,
            ["severity in (critical, high)", "severity in (medium, unknown)", "severity in (low, none)"]
        );
    }
}
