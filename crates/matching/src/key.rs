//! Under which keys records and packages meet, so that looking up in either direction is equality.

use std::borrow::Cow;

use parapet_model::PackageKey;
use parapet_model::advisory::Affected;

use crate::ecosystem::{Family, Naming, family};
use crate::order::Order;
use crate::release::{canonical, release_of, speaks_beside, subscription_of};

/// Ecosystem with release, and name in canonical form.
pub type Key = (String, String);

/// How the name of an entry begins that speaks of everything built from a *source* package, in
/// families whose records otherwise name binary ones: `src/openssl`. No package has such a name.
pub(crate) const OF_SOURCE: &str = "src/";

/// The keys under which records may speak of `package`, its own first. Empty never: an ecosystem
/// without a table entry is looked up as it is.
///
/// A package of `Ubuntu:22.04:LTS` is also spoken of by `Ubuntu:Pro:22.04:LTS`, and the other way
/// round; FIPS and realtime
/// variants are other products and stay apart. A record of a bare distribution (`Debian`) speaks
/// of no release and is found by no package. In rpm distributions a package is also spoken of by
/// its source package, where a record says that it means that.
pub fn keys_of(package: &PackageKey) -> Vec<Key> {
    let spoken = Spoken::of(package);
    let names = [Some(spoken.name.clone().into_owned()), spoken.source_key()];
    let own = spoken.ecosystem.clone().into_owned();
    let beside = subscription_of(&own).or_else(|| release_of(&own));
    let ecosystems = [Some(own), beside];
    let names = || names.iter().flatten();
    ecosystems
        .into_iter()
        .flatten()
        .flat_map(|e| names().map(move |name| (e.clone(), name.clone())))
        .collect()
}

/// The key under which an `affected` entry is stored.
pub fn affected_key(affected: &Affected) -> Key {
    let ecosystem = canonical(&affected.ecosystem);
    let name = canonical_name(family(&ecosystem), &affected.name).into_owned();
    (ecosystem.into_owned(), name)
}

/// A package as the records of its family speak of it, worked out once for many records.
pub(crate) struct Spoken<'a> {
    pub(crate) package: &'a PackageKey,
    pub(crate) family: Option<&'static Family>,
    pub(crate) ecosystem: Cow<'a, str>,
    name: Cow<'a, str>,
    /// The source version for dpkg and apk (`5.2.15-2` for the rebuild `5.2.15-2+b13`; epochs of
    /// binary and source differ), else the package's own.
    pub(crate) version: &'a str,
}

impl<'a> Spoken<'a> {
    pub(crate) fn of(package: &'a PackageKey) -> Self {
        let family = family(&package.ecosystem);
        let by_source = family.is_some_and(|f| f.naming == Naming::Source);
        let pick = |source: &'a str, own: &'a str| if by_source && !source.is_empty() { source } else { own };
        Self {
            package,
            family,
            ecosystem: canonical(&package.ecosystem),
            name: canonical_name(family, pick(&package.source_name, &package.name)),
            version: pick(&package.source_version, &package.version),
        }
    }

    /// The family's version order.
    pub(crate) fn order(&self) -> Option<Order> {
        self.family?.order
    }

    /// Whether an entry may speak of it: the same answer as comparing [`affected_key`] with
    /// [`keys_of`], without building them.
    pub(crate) fn meets(&self, affected: &Affected) -> bool {
        let ecosystem = canonical(&affected.ecosystem);
        (ecosystem == self.ecosystem || speaks_beside(&ecosystem, &self.ecosystem))
            && (canonical_name(self.family, &affected.name) == self.name || self.is_source_of(affected))
    }

    /// Whether the entry speaks of the package by its source.
    pub(crate) fn is_source_of(&self, affected: &Affected) -> bool {
        self.family.is_some_and(|f| f.naming == Naming::Binary)
            && affected.name.strip_prefix(OF_SOURCE) == Some(self.source_name())
    }

    fn source_name(&self) -> &'a str {
        match self.package.source_name.as_str() {
            "" => &self.package.name,
            source => source,
        }
    }

    fn source_key(&self) -> Option<String> {
        let by_source = self.family.is_some_and(|f| f.naming == Naming::Binary);
        by_source.then(|| format!("{OF_SOURCE}{}", self.source_name()))
    }

    /// The version that an entry's ranges are about.
    pub(crate) fn version_for(&self, affected: &Affected) -> &'a str {
        match self.package.source_version.as_str() {
            source if !source.is_empty() && self.is_source_of(affected) => source,
            _ => self.version,
        }
    }
}

fn canonical_name<'a>(family: Option<&Family>, name: &'a str) -> Cow<'a, str> {
    match family.map(|f| f.naming) {
        Some(Naming::Pep503) => pep503(name),
        Some(Naming::Lowercase) if name.bytes().any(|c| c.is_ascii_uppercase()) => {
            Cow::Owned(name.to_ascii_lowercase())
        }
        _ => Cow::Borrowed(name),
    }
}

/// PEP 503: lower case, and each run of `-`, `_` and `.` is one `-`.
fn pep503(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.chars().all(plain) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ecosystem: &str, name: &str) -> Affected {
        Affected { ecosystem: ecosystem.to_owned(), name: name.to_owned(), ..Affected::default() }
    }

    fn meets(affected: &Affected, package: &PackageKey) -> bool {
        Spoken::of(package).meets(affected)
    }

    #[test]
    fn distributions_are_found_by_source_and_languages_by_name() {
        let mut package = PackageKey::new("Debian:12", "libssl3", "3.0.1-1+b2");
        package.source_name = "openssl".to_owned();
        package.source_version = "3.0.1-1".to_owned();
        assert_eq!(keys_of(&package), [("Debian:12".to_owned(), "openssl".to_owned())]);
        assert_eq!(Spoken::of(&package).version, "3.0.1-1");

        package.ecosystem = "AlmaLinux:9".to_owned();
        let keys = [
            ("AlmaLinux:9".to_owned(), "libssl3".to_owned()),
            ("AlmaLinux:9".to_owned(), "src/openssl".to_owned()),
        ];
        assert_eq!(keys_of(&package), keys);
        assert!(meets(&entry("AlmaLinux:9", "src/openssl"), &package));
        assert!(
            !meets(&entry("AlmaLinux:9", "openssl"), &package),
            "a binary package of that name is another"
        );
        assert_eq!(Spoken::of(&package).version, "3.0.1-1+b2");
    }

    #[test]
    fn ubuntu_is_also_spoken_of_by_pro_but_not_by_fips() {
        let package = PackageKey::new("Ubuntu:22.04:LTS", "bash", "1");
        let keys: Vec<String> = keys_of(&package).into_iter().map(|(ecosystem, _)| ecosystem).collect();
        assert_eq!(keys, ["Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS"]);
        assert!(meets(&entry("Ubuntu:Pro:22.04:LTS", "bash"), &package));
        for other in
            ["Ubuntu:Pro:FIPS:22.04:LTS", "Ubuntu:Pro:24.04:LTS", "Ubuntu:24.04:LTS", "Ubuntu", "Debian:12"]
        {
            assert!(!meets(&entry(other, "bash"), &package), "{other}");
        }
    }

    #[test]
    fn a_system_with_the_subscription_is_spoken_of_by_its_release_too() {
        let package = PackageKey::new("Ubuntu:Pro:22.04:LTS", "bash", "1");
        let keys: Vec<String> = keys_of(&package).into_iter().map(|(ecosystem, _)| ecosystem).collect();
        assert_eq!(keys, ["Ubuntu:Pro:22.04:LTS", "Ubuntu:22.04:LTS"]);
        assert!(meets(&entry("Ubuntu:22.04:LTS", "bash"), &package));
        assert!(!meets(&entry("Ubuntu:20.04:LTS", "bash"), &package));
        assert!(!meets(&entry("Ubuntu:Pro:FIPS:22.04:LTS", "bash"), &package));
    }

    #[test]
    fn python_names_meet_in_canonical_form() {
        assert_eq!(
            affected_key(&entry("PyPI", "Zope._-Interface")),
            ("PyPI".to_owned(), "zope-interface".to_owned())
        );
        assert!(meets(&entry("PyPI", "PyYAML"), &PackageKey::new("PyPI", "pyyaml", "1")));
        assert!(!meets(&entry("npm", "PyYAML"), &PackageKey::new("npm", "pyyaml", "1")));
    }

    #[test]
    fn names_without_case_meet_whatever_their_case() {
        assert!(meets(&entry("NuGet", "newtonsoft.json"), &PackageKey::new("NuGet", "Newtonsoft.Json", "1")));
        assert!(meets(&entry("Packagist", "Drupal/core"), &PackageKey::new("Packagist", "drupal/core", "1")));
        assert!(!meets(&entry("Maven", "Org:a"), &PackageKey::new("Maven", "org:a", "1")));
    }

    #[test]
    fn meeting_is_equality_of_keys() {
        let packages = [
            PackageKey::new("Ubuntu:22.04:LTS", "bash", "1"),
            PackageKey::new("PyPI", "a-b", "1"),
            PackageKey::new("Maven", "g:a", "1"),
            PackageKey::new("NuGet", "A.b", "1"),
            PackageKey::new("Red Hat:9", "bash", "1"),
        ];
        let entries = [
            entry("Ubuntu:Pro:22.04:LTS", "bash"),
            entry("PyPI", "A.b"),
            entry("Maven", "g:a"),
            entry("NuGet", "a.B"),
            entry("Red Hat:enterprise_linux:9::baseos", "bash"),
            entry("Red Hat:rhel_eus:9.2::baseos", "bash"),
            entry("Red Hat:9", "src/bash"),
        ];
        for package in &packages {
            for affected in &entries {
                let equal = keys_of(package).contains(&affected_key(affected));
                assert_eq!(meets(affected, package), equal, "{affected:?} {package:?}");
            }
        }
    }
}
