//! When the releases of distributions ended: from then on their feeds fall silent while
//! vulnerabilities go on being found.
//!
//! A release ends with the last support that anyone gets without a contract, since feeds are kept
//! until then: Debian's LTS counts, its paid ELTS and Ubuntu Pro do not. A subscription that a system
//! has (`Ubuntu:Pro:…`) ends for itself. Dates are the publishers'
//! announced ones; a day that is announced as a month is its last. [`SOURCES`] says where each family
//! announces. A release whose end is not announced, or not known here, has no row: it is not called
//! ended.

use parapet_model::time::{DAY, Millis, parse_instant};

/// When the table was last gone through.
pub const REVISED: &str = "2026-11-26";

/// Where publishers announce how long their releases live, by family.
pub const SOURCES: [(&str, &str); 16] = [
    ("Debian", "https://wiki.debian.org/LTS"),
    ("Ubuntu", "https://ubuntu.com/about/release-cycle"),
    ("Alpine", "https://alpinelinux.org/releases/"),
    ("Red Hat", "https://access.redhat.com/support/policy/updates/errata"),
    ("CentOS", "https://www.centos.org/cl-vs-cs/"),
    ("AlmaLinux", "https://wiki.almalinux.org/release-notes/"),
    ("Rocky Linux", "https://wiki.rockylinux.org/rocky/version/"),
    ("Oracle Linux", "https://www.oracle.com/a/ocom/docs/elsp-lifetime-069338.pdf"),
    ("Amazon Linux", "https://docs.aws.amazon.com/linux/"),
    ("Fedora", "https://docs.fedoraproject.org/en-US/releases/eol/"),
    ("SUSE", "https://www.suse.com/lifecycle"),
    ("openSUSE", "https://en.opensuse.org/Lifetime"),
    ("Photon OS", "https://github.com/vmware/photon/wiki"),
    ("Azure Linux", "https://learn.microsoft.com/azure/azure-linux/"),
    ("Mageia", "https://www.mageia.org/support/"),
    ("Wolfi", "https://edu.chainguard.dev/open-source/wolfi/"),
];

/// The first instant after the end of a release; `None` for one that has none or is not listed.
pub fn end_of_life(ecosystem: &str) -> Option<Millis> {
    let (_, last_day) = LAST_DAYS.iter().find(|(name, _)| is_release(ecosystem, name))?;
    parse_instant(last_day).map(|midnight| midnight + DAY)
}

/// Whether an ecosystem is the listed release, with the marks some carry behind it (`:LTS`).
fn is_release(ecosystem: &str, name: &str) -> bool {
    ecosystem.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

static LAST_DAYS: [(&str, &str); 106] = [
    ("Debian:7", "2018-05-31"),
    ("Debian:8", "2020-06-30"),
    ("Debian:9", "2022-06-30"),
    ("Debian:10", "2024-06-30"),
    ("Debian:11", "2026-08-31"),
    ("Debian:12", "2028-06-30"),
    ("Debian:13", "2030-06-30"),
    ("Ubuntu:14.04", "2019-04-30"),
    ("Ubuntu:16.04", "2021-04-30"),
    ("Ubuntu:18.04", "2023-05-31"),
    ("Ubuntu:20.04", "2025-05-31"),
    ("Ubuntu:20.10", "2021-07-22"),
    ("Ubuntu:21.04", "2022-01-20"),
    ("Ubuntu:21.10", "2022-07-14"),
    ("Ubuntu:22.04", "2027-04-30"),
    ("Ubuntu:22.10", "2023-07-20"),
    ("Ubuntu:23.04", "2024-01-25"),
    ("Ubuntu:23.10", "2024-07-11"),
    ("Ubuntu:24.04", "2029-04-30"),
    ("Ubuntu:24.10", "2025-07-10"),
    ("Ubuntu:25.04", "2026-01-15"),
    ("Ubuntu:25.10", "2026-07-31"),
    ("Ubuntu:Pro:14.04", "2024-04-30"),
    ("Ubuntu:Pro:16.04", "2026-04-30"),
    ("Ubuntu:Pro:18.04", "2028-04-30"),
    ("Ubuntu:Pro:20.04", "2030-04-30"),
    ("Alpine:v3.3", "2017-11-01"),
    ("Alpine:v3.4", "2018-05-01"),
    ("Alpine:v3.5", "2018-11-01"),
    ("Alpine:v3.6", "2019-05-01"),
    ("Alpine:v3.7", "2019-11-01"),
    ("Alpine:v3.8", "2020-05-01"),
    ("Alpine:v3.9", "2020-11-01"),
    ("Alpine:v3.10", "2021-05-01"),
    ("Alpine:v3.11", "2021-11-01"),
    ("Alpine:v3.12", "2022-05-01"),
    ("Alpine:v3.13", "2022-11-01"),
    ("Alpine:v3.14", "2023-05-01"),
    ("Alpine:v3.15", "2023-11-01"),
    ("Alpine:v3.16", "2024-05-23"),
    ("Alpine:v3.17", "2024-11-22"),
    ("Alpine:v3.18", "2025-05-09"),
    ("Alpine:v3.19", "2025-11-01"),
    ("Alpine:v3.20", "2026-04-01"),
    ("Alpine:v3.21", "2026-11-01"),
    ("Alpine:v3.22", "2027-05-01"),
    ("Alpine:v3.23", "2027-11-01"),
    ("AlmaLinux:8", "2029-03-01"),
    ("AlmaLinux:9", "2032-05-31"),
    ("AlmaLinux:10", "2035-05-31"),
    ("Rocky Linux:8", "2029-05-31"),
    ("Rocky Linux:9", "2032-05-31"),
    ("Rocky Linux:10", "2035-05-31"),
    ("Red Hat:5", "2017-03-31"),
    ("Red Hat:6", "2020-11-30"),
    ("Red Hat:7", "2024-06-30"),
    ("Red Hat:ELS:7", "2028-06-30"),
    ("Red Hat:8", "2029-05-31"),
    ("Red Hat:9", "2032-05-31"),
    ("Red Hat:10", "2035-05-31"),
    ("Amazon Linux:1", "2023-12-31"),
    ("Amazon Linux:2", "2026-06-30"),
    ("Amazon Linux:2023", "2029-06-30"),
    ("CentOS:6", "2020-11-30"),
    ("CentOS:7", "2024-06-30"),
    ("CentOS:8", "2024-05-31"),
    ("CentOS:9", "2027-05-31"),
    ("Oracle Linux:6", "2021-03-31"),
    ("Oracle Linux:7", "2024-12-31"),
    ("Oracle Linux:8", "2029-07-31"),
    ("Oracle Linux:9", "2032-06-30"),
    ("Oracle Linux:10", "2035-06-30"),
    ("Fedora:37", "2023-12-05"),
    ("Fedora:38", "2024-05-21"),
    ("Fedora:39", "2024-11-26"),
    ("Fedora:40", "2025-05-13"),
    ("Fedora:41", "2025-12-15"),
    ("Photon OS:1.0", "2022-02-28"),
    ("Photon OS:2.0", "2022-12-31"),
    ("Photon OS:3.0", "2024-03-01"),
    ("Azure Linux:1", "2023-07-31"),
    ("Azure Linux:2", "2025-07-31"),
    ("Mageia:7", "2021-06-30"),
    ("Mageia:8", "2023-11-30"),
    ("SUSE:Linux Enterprise 12", "2016-06-30"),
    ("SUSE:Linux Enterprise 12 SP1", "2017-05-31"),
    ("SUSE:Linux Enterprise 12 SP2", "2018-03-31"),
    ("SUSE:Linux Enterprise 12 SP3", "2019-06-30"),
    ("SUSE:Linux Enterprise 12 SP4", "2020-06-30"),
    ("SUSE:Linux Enterprise 12 SP5", "2024-10-31"),
    ("SUSE:Linux Enterprise 15", "2019-12-31"),
    ("SUSE:Linux Enterprise 15 SP1", "2021-01-31"),
    ("SUSE:Linux Enterprise 15 SP2", "2021-12-31"),
    ("SUSE:Linux Enterprise 15 SP3", "2022-12-31"),
    ("SUSE:Linux Enterprise 15 SP4", "2023-12-31"),
    ("SUSE:Linux Enterprise 15 SP5", "2024-12-31"),
    ("SUSE:Linux Enterprise 15 SP6", "2025-12-31"),
    ("SUSE:Linux Enterprise 15 SP7", "2031-07-31"),
    ("openSUSE:Leap 42.3", "2019-06-30"),
    ("openSUSE:Leap 15.0", "2019-12-03"),
    ("openSUSE:Leap 15.1", "2021-02-02"),
    ("openSUSE:Leap 15.2", "2022-01-04"),
    ("openSUSE:Leap 15.3", "2022-12-31"),
    ("openSUSE:Leap 15.4", "2023-12-07"),
    ("openSUSE:Leap 15.5", "2024-12-31"),
    ("openSUSE:Leap 15.6", "2026-04-30"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_is_one() {
        for (name, day) in LAST_DAYS {
            assert!(end_of_life(name).is_some(), "{name} {day}");
        }
    }

    #[test]
    fn every_row_has_a_source_and_stands_once() {
        for (name, _) in LAST_DAYS {
            let family = parapet_model::package::family_of(name);
            assert!(SOURCES.iter().any(|(named, _)| *named == family), "{name}");
            assert_eq!(LAST_DAYS.iter().filter(|(other, _)| *other == name).count(), 1, "{name}");
        }
        assert!(parse_instant(REVISED).is_some());
    }

    #[test]
    fn releases_are_told_apart_by_whole_names() {
        assert_eq!(end_of_life("SUSE:Linux Enterprise 15 SP6"), parse_instant("2026-01-01"));
        assert_eq!(end_of_life("SUSE:Linux Enterprise 15"), parse_instant("2020-01-01"));
        assert_eq!(end_of_life("SUSE:Linux Enterprise 15 SP60"), None);
        assert_eq!(end_of_life("Debian:10"), parse_instant("2024-07-01"));
        assert_eq!(end_of_life("Ubuntu:18.04:LTS"), parse_instant("2023-06-01"));
        assert_eq!(end_of_life("Ubuntu:Pro:18.04:LTS"), parse_instant("2028-05-01"));
        assert_eq!(end_of_life("Ubuntu:22.04:LTS"), parse_instant("2027-05-01"));
        assert_ne!(end_of_life("Alpine:v3.2"), end_of_life("Alpine:v3.20"));
        assert_eq!(end_of_life("Debian:1"), None);
        assert_eq!(end_of_life("Debian"), None);
        assert_eq!(end_of_life("PyPI"), None);
    }
}
