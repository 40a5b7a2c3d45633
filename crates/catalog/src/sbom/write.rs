//! Packages as package URLs: the way back from [`super::purl`]. What is written here is read there
//! as the same package, as far as a package URL can say it.

use std::collections::BTreeMap;
use std::fmt;

use parapet_model::PackageKey;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::purl::Purl;
use crate::{conda, distro, homebrew, nix, swift};

/// ECMA-427, *percent-encoding*: letters, digits, `.-_~` and the colon stay.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':');

impl Purl {
    /// The package URL of a package; `None` for an ecosystem that has no type.
    pub fn of(key: &PackageKey) -> Option<Self> {
        let kind = match key.family() {
            "Debian" | "Ubuntu" | crate::dpkg::FAMILY => "deb",
            "Alpine" | "Wolfi" | "Chainguard" | "MinimOS" | crate::apk::FAMILY => "apk",
            "AlmaLinux" | "Rocky Linux" | "Red Hat" | "SUSE" | "openSUSE" | "Mageia" | "rpm" => "rpm",
            "CentOS" | "Fedora" | "Oracle Linux" | "Amazon Linux" | "Photon OS" | "Azure Linux"
            | "openEuler" => "rpm",
            _ => return Self::of_language(key),
        };
        Some(Self::of_distribution(kind, key))
    }

    fn of_distribution(kind: &str, key: &PackageKey) -> Self {
        let (id, release) = distro::identity(&key.ecosystem).unwrap_or_default();
        let mut qualifiers = BTreeMap::new();
        let mut set = |name: &str, value: &str| {
            if !value.is_empty() {
                qualifiers.insert(name.to_owned(), value.to_owned());
            }
        };
        let mut version = key.version.as_str();
        if kind == "rpm"
            && let Some((epoch, rest)) = version.split_once(':')
        {
            version = rest;
            set("epoch", epoch);
        }
        set("arch", &key.arch);
        set("modularitylabel", &key.module);
        if !release.is_empty() {
            set("distro", &format!("{id}-{release}"));
        }
        let own_version = key.source_version == key.version;
        if key.source_name != key.name || !own_version {
            let source = if own_version { "" } else { &key.source_version };
            let at = if own_version { "" } else { "@" };
            set("upstream", &format!("{}{at}{source}", key.source_name));
        }
        Self {
            kind: kind.to_owned(),
            namespace: id.to_owned(),
            name: key.name.clone(),
            version: version.to_owned(),
            qualifiers,
        }
    }

    fn of_language(key: &PackageKey) -> Option<Self> {
        let (kind, separator) = match key.ecosystem.as_str() {
            "PyPI" => ("pypi", None),
            "npm" => ("npm", Some('/')),
            "Maven" => ("maven", Some(':')),
            "Go" => ("golang", Some('/')),
            "crates.io" => ("cargo", None),
            "RubyGems" => ("gem", None),
            "NuGet" => ("nuget", None),
            "Packagist" => ("composer", Some('/')),
            "Hex" => ("hex", Some('/')),
            "Pub" => ("pub", None),
            "Hackage" => ("hackage", None),
            "CRAN" => ("cran", None),
            "ConanCenter" => ("conan", None),
            "SwiftURL" => ("swift", Some('/')),
            conda::ECOSYSTEM => ("conda", None),
            swift::pods::ECOSYSTEM => ("cocoapods", None),
            homebrew::ECOSYSTEM => ("brew", None),
            nix::ECOSYSTEM => ("nix", None),
            "Bitnami" => ("bitnami", None),
            _ => return None,
        };
        let (namespace, name) =
            separator.and_then(|separator| key.name.rsplit_once(separator)).unwrap_or(("", &key.name));
        // Go modules write the letter that OSV leaves out; the standard library has none.
        let version = match kind {
            "golang" if key.name != "stdlib" => format!("v{}", key.version),
            _ => key.version.clone(),
        };
        let (kind, qualifiers) = (kind.to_owned(), BTreeMap::new());
        Some(Self { kind, namespace: namespace.to_owned(), name: name.to_owned(), version, qualifiers })
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        for part in self.namespace.split('/').filter(|part| !part.is_empty()) {
            write!(f, "{}/", utf8_percent_encode(part, ENCODED))?;
        }
        write!(f, "{}", utf8_percent_encode(&self.name, ENCODED))?;
        if !self.version.is_empty() {
            write!(f, "@{}", utf8_percent_encode(&self.version, ENCODED))?;
        }
        for (at, (key, value)) in self.qualifiers.iter().enumerate() {
            let mark = if at == 0 { '?' } else { '&' };
            write!(f, "{mark}{key}={}", utf8_percent_encode(value, ENCODED))?;
        }
        Ok(())
    }
}
