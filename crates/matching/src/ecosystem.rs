//! What is known of each family of ecosystems, in one table.
//!
//! A family is the ecosystem without its release (`Debian` of `Debian:12`). What is not in the
//! table has no version order and no known naming: it is matched by listed versions only.

use parapet_model::package::family_of;

use crate::order::Order;

/// Which name and version of a package the records of a family speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The source package and its version (dpkg and apk distributions).
    Source,
    /// The binary package and its version (rpm distributions).
    Binary,
    /// The package itself (language ecosystems).
    Language,
    /// As [`Naming::Language`], in PEP 503 form.
    Pep503,
    /// As [`Naming::Language`], whatever the case of its letters.
    Lowercase,
}

/// A family of ecosystems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) order: Option<Order>,
    pub(crate) naming: Naming,
    /// Its ecosystems carry a release; the bare family says nothing.
    pub(crate) has_releases: bool,
    /// Its feeds list fixes only.
    pub(crate) fixes_only: bool,
}

impl Family {
    const fn distribution(name: &'static str, order: Order, naming: Naming) -> Self {
        Self { name, order: Some(order), naming, has_releases: true, fixes_only: true }
    }

    const fn language(name: &'static str, order: Option<Order>) -> Self {
        Self { name, order, naming: Naming::Language, has_releases: false, fixes_only: false }
    }

    const fn rolling(mut self) -> Self {
        self.has_releases = false;
        self
    }

    const fn lists_unfixed(mut self) -> Self {
        self.fixes_only = false;
        self
    }
}

use Naming::{Binary, Source};

/// Families by name. Whether a feed lists unfixed vulnerabilities is the publisher's practice, see
/// the security tracker of each.
static FAMILIES: [Family; 46] = [
    Family::distribution("Debian", Order::Dpkg, Source).lists_unfixed(),
    Family::distribution("Ubuntu", Order::Dpkg, Source).lists_unfixed(),
    // A dpkg, apk or rpm database of a distribution nobody recognised.
    Family::distribution("dpkg", Order::Dpkg, Source),
    Family::distribution("apk", Order::Apk, Source),
    Family::distribution("rpm", Order::Rpm, Binary),
    Family::distribution("Alpine", Order::Apk, Source),
    Family::distribution("Wolfi", Order::Apk, Source).rolling(),
    Family::distribution("Chainguard", Order::Apk, Source).rolling(),
    Family::distribution("AlmaLinux", Order::Rpm, Binary),
    Family::distribution("Rocky Linux", Order::Rpm, Binary),
    Family::distribution("Red Hat", Order::Rpm, Binary),
    Family::distribution("SUSE", Order::Rpm, Binary),
    Family::distribution("openSUSE", Order::Rpm, Binary),
    Family::distribution("Amazon Linux", Order::Rpm, Binary),
    Family::distribution("openEuler", Order::Rpm, Binary),
    Family::distribution("Mageia", Order::Rpm, Binary),
    Family::distribution("Azure Linux", Order::Rpm, Binary),
    Family::distribution("Oracle Linux", Order::Rpm, Binary),
    Family::distribution("CentOS", Order::Rpm, Binary),
    Family::distribution("Fedora", Order::Rpm, Binary),
    Family::distribution("Photon OS", Order::Rpm, Binary),
    Family::distribution("MinimOS", Order::Apk, Source).rolling(),
    Family::distribution("Alpaquita", Order::Apk, Source),
    Family::distribution("BellSoft Hardened Containers", Order::Apk, Source),
    Family::distribution("Echo", Order::Dpkg, Source).rolling(),
    Family { naming: Naming::Pep503, ..Family::language("PyPI", Some(Order::Pep440)) },
    Family::language("npm", Some(Order::Npm)),
    Family::language("Go", Some(Order::Semver)),
    Family::language("crates.io", Some(Order::Semver)),
    Family::language("Maven", Some(Order::Maven)),
    Family::language("RubyGems", Some(Order::Gem)),
    Family { naming: Naming::Lowercase, ..Family::language("NuGet", Some(Order::NuGet)) },
    Family { naming: Naming::Lowercase, ..Family::language("Packagist", Some(Order::Composer)) },
    Family { naming: Naming::Lowercase, ..Family::language("Hex", Some(Order::Semver)) },
    Family::language("Pub", Some(Order::Pub)),
    Family::language("CRAN", Some(Order::Numbers)),
    Family::language("Bioconductor", Some(Order::Numbers)),
    Family::language("Hackage", Some(Order::Numbers)),
    Family::language("GHC", Some(Order::Numbers)),
    Family::language("ConanCenter", Some(Order::Semver)),
    Family::language("SwiftURL", Some(Order::Semver)),
    Family::language("Julia", Some(Order::Semver)),
    Family::language("Bitnami", Some(Order::Semver)),
    Family::language("VSCode", Some(Order::Semver)),
    Family::language("Kubernetes", Some(Order::Semver)),
    Family::language("GitHub Actions", Some(Order::Semver)),
];

/// The family of an ecosystem with or without release.
pub(crate) fn family(ecosystem: &str) -> Option<&'static Family> {
    let name = family_of(ecosystem);
    FAMILIES.iter().find(|family| family.name == name)
}

/// Whether `ecosystem` is the bare name of a family that has releases.
pub(crate) fn lacks_release(ecosystem: &str) -> bool {
    family(ecosystem).is_some_and(|family| family.has_releases && family.name == ecosystem)
}

/// Whether the ecosystem is a vendor's share of a distribution's database: `dpkg:Docker`, `rpm:Docker`.
pub(crate) fn is_vendors(ecosystem: &str) -> bool {
    matches!(ecosystem.split_once(':'), Some(("dpkg" | "rpm", vendor)) if !vendor.is_empty())
}

/// Whether the family is a distribution whose bulletins name CVEs in `related`.
pub(crate) fn relates_by_covering(ecosystem: &str) -> bool {
    matches!(family_of(ecosystem), "AlmaLinux" | "Rocky Linux" | "Red Hat" | "SUSE" | "openSUSE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_found_with_and_without_release() {
        for (ecosystem, order) in [
            ("Debian:12", Some(Order::Dpkg)),
            ("Ubuntu:Pro:22.04:LTS", Some(Order::Dpkg)),
            ("Alpine:v3.20", Some(Order::Apk)),
            ("Wolfi", Some(Order::Apk)),
            ("AlmaLinux:9", Some(Order::Rpm)),
            ("PyPI", Some(Order::Pep440)),
            ("Go", Some(Order::Semver)),
            ("Maven", Some(Order::Maven)),
            ("RubyGems", Some(Order::Gem)),
            ("Packagist", Some(Order::Composer)),
            ("ConanCenter", Some(Order::Semver)),
            ("Conda", None),
            ("Homebrew", None),
            ("", None),
        ] {
            assert_eq!(Order::of_ecosystem(ecosystem), order, "{ecosystem}");
        }
    }

    #[test]
    fn a_bare_distribution_lacks_its_release() {
        assert!(lacks_release("Debian") && lacks_release("dpkg"));
        assert!(!lacks_release("Debian:12") && !lacks_release("Wolfi") && !lacks_release("npm"));
    }
}
