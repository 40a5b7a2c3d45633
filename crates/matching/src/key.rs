//! Under which keys records and packages meet, so that looking up in either direction is equality.

use std::borrow::Cow;

use parapet_model::PackageKey;
use parapet_model::advisory::Affected;

use crate::ecosystem::{Family, Naming, family};
use crate::order::Order;

/// Ecosystem with release, and name in canonical form.
pub type Key = (String, String);

/// The keys under which records may speak of `package`, its own first. Empty never: an ecosystem
/// without a table entry is looked up as it is.
///
/// A package of `Ubuntu:22.04:LTS` is also spoken of by `Ubuntu:Pro:22.04:LTS`; FIPS and realtime
/// variants are other products and stay apart. A record of a bare distribution (`Debian`) speaks
/// of no release and is found by no package.
pub fn keys_of(package: &PackageKey) -> Vec<Key> {
    let name = Spoken::of(package).name.into_owned();
    let mut keys = vec![(package.ecosystem.clone(), name.clone())];
    if let Some(pro) = pro_of(&package.ecosystem) {
        keys.push((pro, name));
    }
    keys
}

/// The key under which an `affected` entry is stored.
pub fn affected_key(affected: &Affected) -> Key {
    let name = canonical_name(family(&affected.ecosystem), &affected.name).into_owned();
    (affected.ecosystem.clone(), name)
}

/// A package as the records of its family speak of it, worked out once for many records.
pub(crate) struct Spoken<'a> {
    pub(crate) package: &'a PackageKey,
    pub(crate) family: Option<&'static Family>,
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
        let ecosystem = &self.package.ecosystem;
        (affected.ecosystem == *ecosystem || is_pro_of(&affected.ecosystem, ecosystem))
            && canonical_name(self.family, &affected.name) == self.name
    }
}

fn canonical_name<'a>(family: Option<&Family>, name: &'a str) -> Cow<'a, str> {
    match family.map(|f| f.naming) {
        Some(Naming::Pep503) => pep503(name),
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

const PRO: &str = "Ubuntu:Pro:";

/// `Ubuntu:22.04:LTS` → `Ubuntu:Pro:22.04:LTS`.
fn pro_of(ecosystem: &str) -> Option<String> {
    let release = ecosystem.strip_prefix("Ubuntu:")?;
    (!ecosystem.starts_with(PRO)).then(|| format!("{PRO}{release}"))
}

/// Whether `pro` is the subscription's ecosystem of `ecosystem`.
pub(crate) fn is_pro_of(pro: &str, ecosystem: &str) -> bool {
    match (pro.strip_prefix(PRO), ecosystem.strip_prefix("Ubuntu:")) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// Whether an ecosystem is one of Ubuntu Pro's.
pub(crate) fn is_pro(ecosystem: &str) -> bool {
    ecosystem.starts_with(PRO)
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
        assert_eq!(keys_of(&package), [("AlmaLinux:9".to_owned(), "libssl3".to_owned())]);
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
    fn python_names_meet_in_canonical_form() {
        assert_eq!(
            affected_key(&entry("PyPI", "Zope._-Interface")),
            ("PyPI".to_owned(), "zope-interface".to_owned())
        );
        assert!(meets(&entry("PyPI", "PyYAML"), &PackageKey::new("PyPI", "pyyaml", "1")));
        assert!(!meets(&entry("npm", "PyYAML"), &PackageKey::new("npm", "pyyaml", "1")));
    }

    #[test]
    fn meeting_is_equality_of_keys() {
        let packages = [
            PackageKey::new("Ubuntu:22.04:LTS", "bash", "1"),
            PackageKey::new("PyPI", "a-b", "1"),
            PackageKey::new("Maven", "g:a", "1"),
        ];
        let entries = [entry("Ubuntu:Pro:22.04:LTS", "bash"), entry("PyPI", "A.b"), entry("Maven", "g:a")];
        for package in &packages {
            for affected in &entries {
                let equal = keys_of(package).contains(&affected_key(affected));
                assert_eq!(meets(affected, package), equal, "{affected:?} {package:?}");
            }
        }
    }
}
