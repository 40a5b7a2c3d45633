//! Version orders, one file each.
//!
//! Every order is a total preorder over the versions it can parse: `1.0` and `1.0+build` may be
//! equal without being the same text. What an order cannot parse has no place in it, so comparing
//! gives `None` and the package is `version-unparsed`: never a guess.
//!
//! All orders walk the text they are given. None copies it, turns digits into a machine integer,
//! or recurses, so a hostile version costs time linear in its length and no memory (but for a few
//! bytes per part that Maven's lists take).
//!
//! # Adding an order
//! 1. `order/<name>.rs` with `compare` and `parses`, and a table of the ecosystem's nasty cases;
//! 2. a variant of [`Order`] and its two match arms;
//! 3. the families that use it in `ecosystem.rs`;
//! 4. a line in `tests/orders.rs`, which checks the laws of an order over generated versions.

mod apk;
mod composer;
mod digits;
mod dpkg;
mod evr;
mod gem;
mod maven;
mod npm;
mod nuget;
mod numbers;
mod pep440;
mod pub_dev;
mod rpm;
mod semver;

use std::cmp::Ordering;

/// How the versions of an ecosystem are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// Debian and its relatives: deb-version(7).
    Dpkg,
    /// Alpine and its relatives: apk-tools.
    Apk,
    /// Python: PEP 440.
    Pep440,
    /// Semantic Versioning 2.0.0, with the `v` that Go writes.
    Semver,
    /// node-semver's loose reading.
    Npm,
    /// RPM: epoch, version, release.
    Rpm,
    /// RubyGems: `Gem::Version`.
    Gem,
    /// Maven: `ComparableVersion`.
    Maven,
    /// NuGet: Semantic Versioning with a fourth number.
    NuGet,
    /// Packagist: Composer's normal form, compared as PHP does.
    Composer,
    /// Dart: Semantic Versioning in which builds order.
    Pub,
    /// R and Haskell: numbers, one by one.
    Numbers,
}

impl Order {
    /// All orders.
    pub const ALL: [Self; 12] = [
        Self::Dpkg,
        Self::Apk,
        Self::Pep440,
        Self::Semver,
        Self::Npm,
        Self::Rpm,
        Self::Gem,
        Self::Maven,
        Self::NuGet,
        Self::Composer,
        Self::Pub,
        Self::Numbers,
    ];

    /// The order of an ecosystem with or without release (`Debian:12`, `PyPI`); `None` when there
    /// is none yet, and then nothing of it can be judged by ranges.
    pub fn of_ecosystem(ecosystem: &str) -> Option<Self> {
        crate::ecosystem::family(ecosystem)?.order
    }

    /// Compares two versions; `None` when either cannot be parsed.
    pub fn compare(self, a: &str, b: &str) -> Option<Ordering> {
        match self {
            Self::Dpkg => dpkg::compare(a, b),
            Self::Apk => apk::compare(a, b),
            Self::Pep440 => pep440::compare(a, b),
            Self::Semver => semver::compare(a, b),
            Self::Npm => npm::compare(a, b),
            Self::Rpm => rpm::compare(a, b),
            Self::Gem => gem::compare(a, b),
            Self::Maven => maven::compare(a, b),
            Self::NuGet => nuget::compare(a, b),
            Self::Composer => composer::compare(a, b),
            Self::Pub => pub_dev::compare(a, b),
            Self::Numbers => numbers::compare(a, b),
        }
    }

    /// Whether a version has a place in this order.
    pub fn parses(self, version: &str) -> bool {
        self.compare(version, version).is_some()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the tables of all orders share.

    use std::cmp::Ordering;

    /// Checks that `versions` is strictly ascending, comparing every pair in both directions.
    pub(crate) fn assert_ascending(compare: fn(&str, &str) -> Option<Ordering>, versions: &[&str]) {
        for (i, a) in versions.iter().enumerate() {
            for (j, b) in versions.iter().enumerate() {
                assert_eq!(compare(a, b), Some(i.cmp(&j)), "{a} against {b}");
            }
        }
    }

    /// Checks that the versions of each pair are equal.
    pub(crate) fn assert_equal(compare: fn(&str, &str) -> Option<Ordering>, pairs: &[(&str, &str)]) {
        for (a, b) in pairs {
            assert_eq!(compare(a, b), Some(Ordering::Equal), "{a} against {b}");
            assert_eq!(compare(b, a), Some(Ordering::Equal), "{b} against {a}");
        }
    }

    /// Checks that none of `versions` can be parsed.
    pub(crate) fn assert_unparsed(compare: fn(&str, &str) -> Option<Ordering>, versions: &[&str]) {
        for v in versions {
            assert_eq!(compare(v, v), None, "{v:?} should not parse");
        }
    }
}
