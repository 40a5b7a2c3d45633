//! When the releases of distributions ended: from then on their feeds fall silent while
//! vulnerabilities go on being found.
//!
//! A release ends with the last support that anyone gets without a contract, since feeds are kept
//! until then: Debian's LTS counts, its paid ELTS and Ubuntu Pro do not. Dates are the publishers'
//! announced ones; a day that is announced as a month is its last.

use parapet_model::time::{DAY, Millis, parse_instant};

/// The first instant after the end of a release; `None` for one that has none or is not listed.
pub fn end_of_life(ecosystem: &str) -> Option<Millis> {
    let (_, last_day) = LAST_DAYS.iter().find(|(name, _)| is_release(ecosystem, name))?;
    parse_instant(last_day).map(|midnight| midnight + DAY)
}

/// Whether an ecosystem is the listed release, with the marks some carry behind it (`:LTS`).
fn is_release(ecosystem: &str, name: &str) -> bool {
    ecosystem.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

static LAST_DAYS: [(&str, &str); 61] = [
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
    ("Red Hat:6", "2020-11-30"),
    ("Red Hat:7", "2024-06-30"),
    ("Red Hat:8", "2029-05-31"),
    ("Red Hat:9", "2032-05-31"),
    ("Red Hat:10", "2035-05-31"),
    ("Amazon Linux:1", "2023-12-31"),
    ("Amazon Linux:2", "2026-06-30"),
    ("Amazon Linux:2023", "2029-06-30"),
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
    fn releases_are_told_apart_by_whole_names() {
        assert_eq!(end_of_life("Debian:10"), parse_instant("2024-07-01"));
        assert_eq!(end_of_life("Ubuntu:22.04:LTS"), parse_instant("2027-05-01"));
        assert_ne!(end_of_life("Alpine:v3.2"), end_of_life("Alpine:v3.20"));
        assert_eq!(end_of_life("Debian:1"), None);
        assert_eq!(end_of_life("Debian"), None);
        assert_eq!(end_of_life("PyPI"), None);
    }
}
