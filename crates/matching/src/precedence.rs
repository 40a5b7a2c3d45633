//! Whose word is shown when several advisories speak of one package and vulnerability.
//!
//! A finding is open while any match is (REVIEW A7); precedence only chooses which record's state,
//! fixed version and severity it shows. The order, highest first:
//! 1. the source family's place in [`precedence`]: a tracker's record per CVE beats the bulletin
//!    that bundles several, the ecosystem's own database beats a general one;
//! 2. the statement hardest to get rid of: no fix, fix with subscription, fix, not affected;
//! 3. the highest fixed version needed;
//! 4. the smaller advisory id, so that the answer never depends on the order of loading.
//!
//! Posture cannot compare versions. So whoever carries match rows to posture calls [`rank`] on all
//! rows of one package and vulnerability, history included, and puts the rank into
//! `MatchRow::precedence`. Because the order above is total and looks at two rows at a time, the
//! highest rank among *any* of the rows, such as those open at some date, is the one to show.

use std::cmp::Ordering;

use parapet_model::MatchState;
use parapet_model::package::family_of;

use crate::judge::{compare_fixed, hardness};
use crate::order::Order;

/// One record's statement on a package and vulnerability.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Source family of the advisory, see [`crate::advisory::source_of`].
    pub source: &'a str,
    /// Id of the advisory.
    pub id: &'a str,
    /// What it says.
    pub state: MatchState,
    /// First version with the fix, or empty.
    pub fixed_version: &'a str,
}

/// The tracker itself, where [`OWN_TRACKER`] is what OSV makes of it.
const ORIGINAL_TRACKER: u8 = 95;
const OWN_TRACKER: u8 = 90;
const BULLETIN: u8 = 70;
const OWN_DATABASE: u8 = 90;
const GENERAL_DATABASE: u8 = 60;
const COLLECTED: u8 = 40;
const STARTER: u8 = 10;

/// The place of a source family among those that speak of an ecosystem; higher wins.
pub fn precedence(advisory_source: &str, ecosystem: &str) -> u8 {
    match (family_of(ecosystem), advisory_source) {
        (_, "PARAPET" | "PARAPET-CVE") => STARTER,
        ("Debian", "DEBIAN-TRACKER") => ORIGINAL_TRACKER,
        ("Debian", "DEBIAN-CVE") | ("Ubuntu", "UBUNTU-CVE") | ("Alpine", "ALPINE-CVE") => OWN_TRACKER,
        ("Wolfi" | "Chainguard", "CGA") => OWN_TRACKER,
        ("Red Hat", "REDHAT-CVE") | ("SUSE" | "openSUSE", "SUSE-CVE") => OWN_TRACKER,
        ("Debian", "DSA" | "DLA" | "DTSA") | ("Ubuntu", "USN" | "LSN") => BULLETIN,
        ("AlmaLinux", "ALSA" | "ALBA" | "ALEA") | ("Rocky Linux", "RLSA" | "RXSA") => BULLETIN,
        ("Red Hat", "RHSA" | "RHBA" | "RHEA") | ("SUSE", "SUSE-SU") | ("openSUSE", "openSUSE-SU") => BULLETIN,
        ("Amazon Linux", "ALAS" | "ALAS2" | "ALAS2023") | ("Oracle Linux", "ELSA") => BULLETIN,
        ("Fedora", "FEDORA") => BULLETIN,
        // The Go team and RustSec review for their ecosystem; GitHub reviews those of package registries, whose
        // own databases take most of their ranges over from NVD or are no longer kept.
        ("Go", "GO") | ("crates.io", "RUSTSEC") => OWN_DATABASE,
        ("npm" | "PyPI" | "Maven" | "RubyGems" | "NuGet" | "Packagist" | "Pub", "GHSA") => OWN_DATABASE,
        ("Hex", "EEF") | ("CRAN" | "Bioconductor", "RSEC") | ("Hackage" | "GHC", "HSEC") => OWN_DATABASE,
        (_, "GHSA") | ("PyPI", "PYSEC") => GENERAL_DATABASE,
        _ => COLLECTED,
    }
}

/// The candidate that is shown; `None` of none.
pub fn choose<'a, 'b>(ecosystem: &str, candidates: &'a [Candidate<'b>]) -> Option<&'a Candidate<'b>> {
    candidates.iter().max_by(|a, b| compare(ecosystem, a, b))
}

/// A number for each candidate, such that the highest among any of them is the one to show.
/// With more than 256 candidates the least of them share 0.
pub fn rank(ecosystem: &str, candidates: &[Candidate<'_>]) -> Vec<u8> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| match (candidates.get(a), candidates.get(b)) {
        (Some(a), Some(b)) => compare(ecosystem, a, b),
        _ => Ordering::Equal,
    });
    let mut ranks = vec![0; candidates.len()];
    for (place, index) in (0..=u8::MAX).rev().zip(order.into_iter().rev()) {
        if let Some(rank) = ranks.get_mut(index) {
            *rank = place;
        }
    }
    ranks
}

/// The order described at the top of this module; greater is shown.
fn compare(ecosystem: &str, a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    let place = |c: &Candidate<'_>| precedence(c.source, ecosystem);
    place(a)
        .cmp(&place(b))
        .then_with(|| hardness(a.state).cmp(&hardness(b.state)))
        .then_with(|| compare_fixed(Order::of_ecosystem(ecosystem), a.fixed_version, b.fixed_version))
        .then_with(|| b.id.cmp(a.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate<'a>(id: &'a str, state: MatchState, fixed_version: &'a str) -> Candidate<'a> {
        Candidate { source: crate::advisory::source_of(id), id, state, fixed_version }
    }

    #[test]
    fn the_tracker_beats_the_bulletin() {
        use MatchState::{FixAvailable, Postponed};
        let all = [
            candidate("DSA-5168-1", FixAvailable, "103.0-1"),
            candidate("DEBIAN-CVE-2022-0001", Postponed, ""),
            candidate("DSA-5187-1", FixAvailable, "104.0-1"),
        ];
        assert_eq!(choose("Debian:11", &all).map(|c| c.id), Some("DEBIAN-CVE-2022-0001"));
        let bulletins = [all[0], all[2]];
        assert_eq!(choose("Debian:11", &bulletins).map(|c| c.id), Some("DSA-5187-1"), "highest fix needed");
    }

    #[test]
    fn the_ecosystems_own_database_is_believed_first() {
        assert!(precedence("GO", "Go") > precedence("GHSA", "Go"));
        assert!(precedence("RUSTSEC", "crates.io") > precedence("GHSA", "crates.io"));
        assert!(precedence("GHSA", "PyPI") > precedence("PYSEC", "PyPI"));
        assert!(precedence("GHSA", "npm") > precedence("NSWG-ECO", "npm"));
        assert!(precedence("ANYTHING", "Hex") > precedence("PARAPET-CVE", "Debian:12"));
    }

    #[test]
    fn versions_are_compared_by_the_ecosystem_and_not_as_text() {
        let all = [
            candidate("DSA-1-1", MatchState::FixAvailable, "9.0-1"),
            candidate("DSA-2-1", MatchState::FixAvailable, "10.0-1"),
        ];
        assert_eq!(choose("Debian:12", &all).map(|c| c.id), Some("DSA-2-1"));
    }

    #[test]
    fn ranks_choose_rightly_in_every_subset() {
        let all = [
            candidate("DSA-1-1", MatchState::FixAvailable, "9.0-1"),
            candidate("DSA-2-1", MatchState::FixAvailable, "10.0-1"),
            candidate("DSA-3-1", MatchState::Affected, ""),
            candidate("DEBIAN-CVE-2022-0001", MatchState::NotAffected, ""),
            candidate("USN-1-1", MatchState::FixAvailable, "banana"),
        ];
        let ranks = rank("Debian:12", &all);
        for subset in 1..1u32 << all.len() {
            let chosen: Vec<usize> = (0..all.len()).filter(|i| subset & (1 << i) != 0).collect();
            let candidates: Vec<Candidate<'_>> = chosen.iter().map(|&i| all[i]).collect();
            let best = chosen.iter().max_by_key(|&&i| ranks[i]).map(|&i| all[i].id);
            assert_eq!(best, choose("Debian:12", &candidates).map(|c| c.id));
        }
    }
}
