//! How far silence may be trusted: what is loaded for an ecosystem, and what can be judged of a
//! package. Never a silent clean.
//!
//! A vendor's package in a distribution's database is `foreign-package`: its reader says whose it is
//! (`dpkg:Docker`), and unless a feed speaks of that ecosystem nobody judged it.

pub mod end_of_life;

use parapet_model::coverage::EcosystemCoverage;
use parapet_model::package::family_of;
use parapet_model::time::{Millis, format_rfc3339};
use parapet_model::{Coverage, PackageKey};

use crate::ecosystem::{family, is_vendors, lacks_release};
use crate::key::Spoken;
use crate::release::release_of;

pub use end_of_life::end_of_life;

/// What one feed holds for one ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedFacts {
    /// The ecosystem with release, as its records name it.
    pub ecosystem: String,
    /// Name of the feed for people.
    pub name: String,
    /// How many of its records speak of the ecosystem.
    pub records: u64,
    /// How many the publisher says there are; `None` when it does not say.
    pub complete: Option<u64>,
    /// Date of its data, 0 when unknown.
    pub data_date: Millis,
    /// The small set that comes with the program.
    pub starter: bool,
    /// It lists what has no fix too, whatever its publisher's bulletins do.
    pub lists_unfixed: bool,
}

impl FeedFacts {
    /// The feed's own word. A feed whose date is unknown counts as stale.
    fn word(&self, now: Millis, stale_after: Millis) -> Coverage {
        if self.starter || self.is_of_another() || self.complete.is_some_and(|all| self.records < all) {
            Coverage::PartialFeed
        } else if now.saturating_sub(self.data_date) > stale_after {
            Coverage::StaleFeed
        } else {
            Coverage::Assessed
        }
    }

    /// Whether the feed is that of another ecosystem: some of Maven's records name a package of NuGet
    /// too, which is far from all that is known of NuGet.
    fn is_of_another(&self) -> bool {
        family(&self.name).is_some() && family_of(&self.ecosystem) != self.name
    }

    /// `Debian 2026-08-22`.
    fn in_words(&self) -> String {
        match format_rfc3339(self.data_date).get(..10) {
            Some(day) if self.data_date != 0 => format!("{} {day}", self.name),
            _ => self.name.clone(),
        }
    }
}

/// The coverage word of an ecosystem, given all feeds.
///
/// Feeds add up, so the best feed's word counts. What no feed can mend comes on top, the worst
/// wins: a distribution past its end of life, one whose release is unknown, and publishers who
/// list fixes only, unless one of their feeds is a VEX.
pub fn of_ecosystem(
    ecosystem: &str,
    feeds: &[FeedFacts],
    now: Millis,
    stale_after: Millis,
) -> EcosystemCoverage {
    let of = |name: &str| {
        let feeds = feeds.iter().filter(move |f| f.ecosystem == name && f.records > 0);
        feeds.collect::<Vec<&FeedFacts>>()
    };
    let own = of(ecosystem);
    // The release speaks of a system with its subscription too, but alone it is not all that is known.
    let release = release_of(ecosystem).map(|release| of(&release)).unwrap_or_default();
    // Feeds of the family's releases are there, and none can be of one that is not known.
    let of_releases = |f: &FeedFacts| f.records > 0 && family_of(&f.ecosystem) == ecosystem;
    let nobody = match ecosystem {
        vendors if is_vendors(vendors) => Coverage::ForeignPackage,
        bare if lacks_release(bare) && feeds.iter().any(of_releases) => Coverage::ReleaseUnknown,
        _ => Coverage::NoFeed,
    };
    let words = own.iter().map(|f| f.word(now, stale_after));
    let of_release = release.iter().map(|f| f.word(now, stale_after).max(Coverage::PartialFeed));
    let by_feeds = words.min().or_else(|| of_release.min()).unwrap_or(nobody);
    let by_release = if lacks_release(ecosystem) {
        Coverage::ReleaseUnknown
    } else if end_of_life(ecosystem).is_some_and(|end| now >= end) {
        Coverage::ReleaseEol
    } else {
        Coverage::Assessed
    };
    let by_practice = match family(ecosystem) {
        Some(family)
            if family.fixes_only && !is_vendors(ecosystem) && !own.iter().any(|f| f.lists_unfixed) =>
        {
            Coverage::FixesOnly
        }
        _ => Coverage::Assessed,
    };
    let mut names: Vec<String> = own.iter().chain(&release).map(|f| f.in_words()).collect();
    names.dedup();
    EcosystemCoverage {
        ecosystem: ecosystem.to_owned(),
        coverage: by_feeds.max(by_release).max(by_practice),
        feeds: names,
        records: own.iter().chain(&release).map(|f| f.records).sum(),
    }
}

/// The package's own reason not to be assessed: `version-unparsed` when no order has a place for
/// its version, or when its ecosystem has no order yet.
pub fn of_package(package: &PackageKey) -> Coverage {
    let spoken = Spoken::of(package);
    match spoken.order() {
        Some(order) if order.parses(spoken.version) => Coverage::Assessed,
        _ => Coverage::VersionUnparsed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parapet_model::time::{DAY, parse_instant};

    fn feed(ecosystem: &str, name: &str) -> FeedFacts {
        FeedFacts {
            ecosystem: ecosystem.to_owned(),
            name: name.to_owned(),
            records: 100,
            complete: None,
            data_date: day("2026-08-22"),
            starter: false,
            lists_unfixed: false,
        }
    }

    fn day(text: &str) -> Millis {
        parse_instant(text).unwrap()
    }

    #[track_caller]
    fn word(ecosystem: &str, feeds: &[FeedFacts]) -> Coverage {
        of_ecosystem(ecosystem, feeds, day("2026-08-25"), 7 * DAY).coverage
    }

    #[test]
    fn records_by_the_way_do_not_judge_an_ecosystem() {
        let word = |feeds: &[FeedFacts]| of_ecosystem("NuGet", feeds, day("2026-08-25"), 7 * DAY).coverage;
        assert_eq!(word(&[feed("NuGet", "Maven")]), Coverage::PartialFeed);
        assert_eq!(word(&[feed("NuGet", "Maven"), feed("NuGet", "NuGet")]), Coverage::Assessed);
        assert_eq!(word(&[feed("NuGet", "everything")]), Coverage::Assessed);
    }

    #[test]
    fn a_whole_and_fresh_feed_assesses() {
        let found = of_ecosystem("Debian:13", &[feed("Debian:13", "Debian")], day("2026-08-25"), 7 * DAY);
        assert_eq!(found.coverage, Coverage::Assessed);
        assert_eq!(found.feeds, ["Debian 2026-08-22"]);
        assert_eq!(found.records, 100);
    }

    #[test]
    fn each_gap_has_its_word() {
        let whole = feed("Debian:13", "Debian");
        let starter = FeedFacts { starter: true, ..whole.clone() };
        let part = FeedFacts { complete: Some(101), ..whole.clone() };
        let old = FeedFacts { data_date: day("2026-08-01"), ..whole.clone() };
        let empty = FeedFacts { records: 0, ..whole.clone() };
        assert_eq!(word("Debian:13", &[]), Coverage::NoFeed);
        assert_eq!(word("Debian:13", &[empty]), Coverage::NoFeed);
        assert_eq!(word("Debian:14", std::slice::from_ref(&whole)), Coverage::NoFeed);
        assert_eq!(word("Debian:13", std::slice::from_ref(&starter)), Coverage::PartialFeed);
        assert_eq!(word("Debian:13", &[part]), Coverage::PartialFeed);
        assert_eq!(word("Debian:13", std::slice::from_ref(&old)), Coverage::StaleFeed);
        assert_eq!(word("Debian:13", &[starter, whole]), Coverage::Assessed, "feeds add up");
        assert_eq!(word("Debian", &[feed("Debian", "Debian")]), Coverage::ReleaseUnknown);
        assert_eq!(word("Debian:10", &[feed("Debian:10", "Debian")]), Coverage::ReleaseEol);
        assert_eq!(word("Alpine:v3.23", &[feed("Alpine:v3.23", "Alpine")]), Coverage::FixesOnly);
        assert_eq!(word("Alpine:v3.11", &[feed("Alpine:v3.11", "Alpine")]), Coverage::ReleaseEol);
        assert_eq!(word("Red Hat:9", &[feed("Red Hat:9", "RHSA")]), Coverage::FixesOnly);
        let vex = FeedFacts { lists_unfixed: true, ..feed("Red Hat:9", "VEX") };
        assert_eq!(word("Red Hat:9", &[vex, feed("Red Hat:9", "RHSA")]), Coverage::Assessed);
        let (pro, release) = ("Ubuntu:Pro:22.04:LTS", feed("Ubuntu:22.04:LTS", "Ubuntu"));
        assert_eq!(word(pro, std::slice::from_ref(&release)), Coverage::PartialFeed);
        assert_eq!(word(pro, &[release, feed(pro, "Ubuntu")]), Coverage::Assessed);
        assert_eq!(word("PyPI", &[feed("PyPI", "PyPI")]), Coverage::Assessed);
        assert_eq!(word("dpkg", &[]), Coverage::NoFeed);
        assert_eq!(word("dpkg:Docker", std::slice::from_ref(&old)), Coverage::ForeignPackage);
        assert_eq!(word("dpkg:Docker", &[feed("dpkg:Docker", "Docker")]), Coverage::Assessed);
    }

    #[test]
    fn a_version_without_a_place_is_named() {
        let coverage = |ecosystem, version| of_package(&PackageKey::new(ecosystem, "x", version));
        assert_eq!(coverage("Debian:12", "1:2.0-1"), Coverage::Assessed);
        assert_eq!(coverage("Debian:12", "not a version"), Coverage::VersionUnparsed);
        assert_eq!(coverage("PyPI", "2.0.0-foo"), Coverage::VersionUnparsed);
        assert_eq!(coverage("Maven", "2.14.1"), Coverage::Assessed);
        assert_eq!(coverage("Conda", "2.14.1"), Coverage::VersionUnparsed);
    }
}
