//! Which vulnerabilities a record stands for (DESIGN *Aliases*, REVIEW A6).
//!
//! * `aliases` mean the same, `upstream` is covered; `related` is covered only in the bulletins of
//!   the distributions that put their CVEs there.
//! * Naming k CVEs, it stands for k vulnerabilities; the CVE inside an id such as
//!   `DEBIAN-CVE-2024-0001` counts.
//! * Naming none, it stands for the GHSA ids it covers, else for the one GHSA id it is an alias
//!   of, else for itself.
//! * Nothing is ever closed transitively, so a record with several CVEs joins nothing.

use crate::advisory::{is_cve, is_id};

/// The ids of a record as published.
pub(super) struct Named<'a> {
    pub(super) id: &'a str,
    pub(super) aliases: &'a [String],
    /// `upstream`, and `related` where that covers.
    pub(super) covers: &'a [&'a String],
}

/// What a record stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Sorted, never empty.
    pub(super) vulnerabilities: Vec<String>,
    /// Sorted; empty when it stands for several.
    pub(super) same_as: Vec<String>,
}

impl Named<'_> {
    pub(super) fn identity(&self) -> Identity {
        let vulnerabilities = self.vulnerabilities();
        let same_as = match vulnerabilities.as_slice() {
            [one] => self.same_as(one),
            _ => Vec::new(),
        };
        Identity { vulnerabilities, same_as }
    }

    fn vulnerabilities(&self) -> Vec<String> {
        let own = cve_inside(self.id);
        let named = self.aliases.iter().chain(self.covers.iter().copied()).map(String::as_str);
        let cves = sorted(named.chain(own).filter(|id| is_cve(id)));
        if !cves.is_empty() {
            return cves;
        }
        let covered = sorted(self.covers.iter().map(|id| id.as_str()).filter(|id| is_ghsa(id)));
        if !covered.is_empty() {
            return covered;
        }
        if !is_ghsa(self.id)
            && let [one] = sorted(self.aliases.iter().map(String::as_str).filter(|id| is_ghsa(id))).as_slice()
        {
            return vec![one.clone()];
        }
        vec![self.id.to_owned()]
    }

    /// The ids that mean `one`. A bulletin that only covers its one CVE is evidence for it, not
    /// another name of it; its own aliases then do not speak of the CVE either. Redirects only go
    /// up in [`rank`], so two records that name each other never redirect in a circle.
    fn same_as(&self, one: &str) -> Vec<String> {
        let means_it =
            self.id == one || cve_inside(self.id) == Some(one) || self.aliases.iter().any(|id| id == one);
        if !means_it {
            return Vec::new();
        }
        let ids = self.aliases.iter().map(String::as_str).chain([self.id]);
        sorted(ids.filter(|id| is_id(id) && rank(id) > rank(one)))
    }
}

fn sorted<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(ToOwned::to_owned).collect()
}

/// Which of two names of one vulnerability it goes by: the CVE, else the GHSA id, else the first.
fn rank(id: &str) -> (bool, bool, &str) {
    (!is_cve(id), !is_ghsa(id), id)
}

fn is_ghsa(id: &str) -> bool {
    id.starts_with("GHSA-") && is_id(id)
}

/// The CVE in an id that is a CVE behind a publisher's prefix.
fn cve_inside(id: &str) -> Option<&str> {
    let cve = id.get(id.find("CVE-")?..)?;
    is_cve(cve).then_some(cve)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(id: &str, aliases: &[&str], covers: &[&str]) -> (Vec<String>, Vec<String>) {
        let owned = |ids: &[&str]| -> Vec<String> { ids.iter().map(|&id| id.to_owned()).collect() };
        let (aliases, covers) = (owned(aliases), owned(covers));
        let covers: Vec<&String> = covers.iter().collect();
        let found = Named { id, aliases: &aliases, covers: &covers }.identity();
        (found.vulnerabilities, found.same_as)
    }

    #[track_caller]
    fn check(found: (Vec<String>, Vec<String>), vulnerabilities: &[&str], same_as: &[&str]) {
        assert_eq!(found.0, vulnerabilities);
        assert_eq!(found.1, same_as);
    }

    #[test]
    fn one_cve_is_joined() {
        check(
            identity("GHSA-a-b-c", &["PYSEC-2024-1", "CVE-2024-0001"], &[]),
            &["CVE-2024-0001"],
            &["GHSA-a-b-c", "PYSEC-2024-1"],
        );
        check(
            identity("DEBIAN-CVE-2024-0001", &[], &["CVE-2024-0001"]),
            &["CVE-2024-0001"],
            &["DEBIAN-CVE-2024-0001"],
        );
        check(identity("ALPINE-CVE-2024-0001", &[], &[]), &["CVE-2024-0001"], &["ALPINE-CVE-2024-0001"]);
        check(identity("CVE-2024-0001", &[], &[]), &["CVE-2024-0001"], &[]);
    }

    #[test]
    fn a_bulletin_is_evidence_and_not_another_name() {
        check(identity("DSA-1-1", &[], &["CVE-2024-0001"]), &["CVE-2024-0001"], &[]);
        check(
            identity("DSA-1-1", &[], &["CVE-2024-0002", "CVE-2024-0001", "CVE-2024-0002"]),
            &["CVE-2024-0001", "CVE-2024-0002"],
            &[],
        );
    }

    #[test]
    fn several_cves_join_nothing() {
        check(
            identity("RUSTSEC-2020-0001", &["CVE-2020-0001", "CVE-2020-0002", "GHSA-a-b-c"], &[]),
            &["CVE-2020-0001", "CVE-2020-0002"],
            &[],
        );
    }

    #[test]
    fn without_a_cve_one_ghsa_stands_for_it() {
        check(identity("PYSEC-2024-1", &["GHSA-a-b-c"], &[]), &["GHSA-a-b-c"], &["PYSEC-2024-1"]);
        check(identity("PYSEC-2024-1", &["GHSA-a-b-c", "GHSA-d-e-f"], &[]), &["PYSEC-2024-1"], &[]);
        check(identity("GHSA-a-b-c", &["GO-2024-1"], &[]), &["GHSA-a-b-c"], &["GO-2024-1"]);
        check(identity("CGA-1", &[], &["GHSA-a-b-c", "GHSA-d-e-f"]), &["GHSA-a-b-c", "GHSA-d-e-f"], &[]);
        check(identity("MAL-2024-1", &[], &[]), &["MAL-2024-1"], &[]);
    }

    #[test]
    fn records_that_name_each_other_do_not_redirect_in_a_circle() {
        check(identity("PYSEC-2024-1", &["PYSEC-2024-2"], &[]), &["PYSEC-2024-1"], &["PYSEC-2024-2"]);
        check(identity("PYSEC-2024-2", &["PYSEC-2024-1"], &[]), &["PYSEC-2024-2"], &[]);
    }
}
