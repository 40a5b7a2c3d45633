//! Package URLs: `pkg:deb/debian/openssl@3.0.11-1?arch=amd64&distro=debian-12`.
//!
//! Source: the *Package URL specification* (ECMA-427) for the form, OSV's list of ecosystems for
//! the names. Types that OSV has no ecosystem for give no package.

use std::collections::BTreeMap;

use parapet_model::PackageKey;
use parapet_model::package::{MAX_FIELD, is_clean};

use crate::{conda, distro, homebrew, nix, python, swift};

/// A package URL, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purl {
    /// `deb`, `npm`, in lower case.
    pub kind: String,
    /// `debian`, `@angular`, `org.apache`, parts joined by `/`; or empty.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Version, or empty.
    pub version: String,
    /// `arch`, `distro`, `epoch`, `upstream`; keys in lower case.
    pub qualifiers: BTreeMap<String, String>,
}

/// Why a text is no package URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a package URL: {0:?}")]
pub struct PurlError(pub String);

impl Purl {
    /// Parses a package URL.
    ///
    /// # Errors
    /// [`PurlError`].
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        Self::parts(text).ok_or_else(|| PurlError(text.chars().take(200).collect()))
    }

    fn parts(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix("pkg:")?.trim_start_matches('/');
        let rest = rest.split('#').next()?;
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        // A version may hold a slash only when encoded, so an `@` before one is a scope.
        let (path, version) = match rest.rsplit_once('@') {
            Some((path, version)) if !version.contains('/') && !path.is_empty() => (path, version),
            _ => (rest, ""),
        };
        let (kind, path) = path.split_once('/')?;
        let mut parts = Vec::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            parts.push(decoded(part)?);
        }
        let name = parts.pop()?;
        let mut pairs = BTreeMap::new();
        for pair in qualifiers.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=')?;
            pairs.insert(key.to_lowercase(), decoded(value)?);
        }
        let purl = Self {
            kind: kind.to_lowercase(),
            namespace: parts.join("/"),
            name,
            version: decoded(version)?,
            qualifiers: pairs,
        };
        (!purl.kind.is_empty() && purl.is_clean()).then_some(purl)
    }

    fn is_clean(&self) -> bool {
        let texts = [&self.namespace, &self.name, &self.version];
        texts.into_iter().chain(self.qualifiers.values()).all(|text| is_clean(text))
            && self.namespace.len() + self.name.len() < MAX_FIELD
    }

    fn qualifier(&self, key: &str) -> &str {
        self.qualifiers.get(key).map_or("", String::as_str)
    }

    /// The distribution that `distro` names, as (id, version): `debian-12`, or `3.18.4` with the
    /// id as namespace.
    pub(crate) fn distro(&self) -> Option<(String, String)> {
        let text = self.qualifier("distro");
        let namespace = self.namespace.to_lowercase();
        match text.rsplit_once('-') {
            _ if text.is_empty() => None,
            Some((id, version)) => Some((id.to_lowercase(), version.to_owned())),
            None if text.starts_with(|c: char| c.is_ascii_digit()) => Some((namespace, text.to_owned())),
            None => None,
        }
    }

    /// The package; `None` when OSV has no ecosystem for its type, or it has no version.
    /// `fallback` is the ecosystem of a distribution's package that names no distribution itself.
    pub fn package(&self, fallback: &str) -> Option<PackageKey> {
        if self.version.is_empty() {
            return None;
        }
        match self.kind.as_str() {
            "deb" | "apk" | "rpm" => Some(self.distribution_package(fallback)),
            _ => self.language_package(),
        }
    }

    fn language_package(&self) -> Option<PackageKey> {
        let joined = |separator: &str| match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}{separator}{}", self.name),
        };
        let mut version = self.version.as_str();
        let (ecosystem, name) = match self.kind.as_str() {
            "pypi" => ("PyPI", python::normalised(&self.name)),
            "npm" => ("npm", joined("/")),
            "maven" => ("Maven", joined(":")),
            "golang" => {
                // OSV writes Go versions without the letter.
                version = version.strip_prefix('v').unwrap_or(version);
                ("Go", joined("/"))
            }
            "cargo" => ("crates.io", self.name.clone()),
            "gem" => ("RubyGems", self.name.clone()),
            "nuget" => ("NuGet", self.name.clone()),
            "composer" => ("Packagist", joined("/")),
            "hex" => ("Hex", joined("/")),
            "pub" => ("Pub", self.name.clone()),
            "hackage" => ("Hackage", self.name.clone()),
            "cran" => ("CRAN", self.name.clone()),
            "conan" => ("ConanCenter", self.name.clone()),
            "swift" => ("SwiftURL", joined("/")),
            // OSV has no ecosystem for these; they go by their type.
            "conda" => (conda::ECOSYSTEM, self.name.clone()),
            "cocoapods" => (swift::pods::ECOSYSTEM, self.name.clone()),
            "brew" => (homebrew::ECOSYSTEM, self.name.clone()),
            "nix" => (nix::ECOSYSTEM, self.name.clone()),
            "bitnami" => ("Bitnami", self.name.clone()),
            _ => return None,
        };
        Some(PackageKey::new(ecosystem, &name, version))
    }

    fn distribution_package(&self, fallback: &str) -> PackageKey {
        let (id, version) = self.distro().unwrap_or_default();
        let own = distro::ecosystem(&id, &version);
        let by_namespace = || distro::ecosystem(&self.namespace.to_lowercase(), "");
        let ecosystem = [own, fallback.to_owned(), by_namespace()].into_iter().find(|e| !e.is_empty());
        let family = match self.kind.as_str() {
            "deb" => crate::dpkg::FAMILY,
            "apk" => crate::apk::FAMILY,
            _ => "rpm",
        };
        let mut version = self.version.clone();
        let epoch = self.qualifier("epoch");
        if !epoch.is_empty() && epoch != "0" && !version.contains(':') {
            version = format!("{epoch}:{version}");
        }
        let mut key = PackageKey::new(ecosystem.as_deref().unwrap_or(family), &self.name, &version);
        self.qualifier("arch").clone_into(&mut key.arch);
        self.qualifier("modularitylabel").clone_into(&mut key.module);
        let (source, source_version) = self.upstream();
        if !source.is_empty() {
            source.clone_into(&mut key.source_name);
        }
        if !source_version.is_empty() {
            source_version.clone_into(&mut key.source_version);
        }
        key
    }

    /// The source package of `upstream`: `openssl`, `openssl@3.0.11-1`, `bash-5.1.8-6.el9.src.rpm`.
    fn upstream(&self) -> (&str, &str) {
        let text = self.qualifier("upstream");
        if let Some(file) = text.strip_suffix(".src.rpm") {
            let mut parts = file.rsplitn(3, '-');
            return match (parts.next(), parts.next(), parts.next()) {
                (Some(_), Some(_), Some(name)) => (name, ""),
                _ => ("", ""),
            };
        }
        text.split_once('@').unwrap_or((text, ""))
    }
}

/// Undoes percent-encoding; `None` when it is broken or the result is no text.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let (digits, tail) = rest.split_first_chunk::<2>()?;
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let [high, low] = *digits;
        out.push(digit(high)? * 16 + digit(low)?);
        rest = tail;
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}
