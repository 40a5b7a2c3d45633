//! Package URLs, as far as they name packages: `pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=x86_64`.

use std::collections::BTreeMap;

/// The parts of a package URL, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Purl {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) version: String,
    qualifiers: BTreeMap<String, String>,
}

impl Purl {
    /// `None` for what is no package URL.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:")?.trim_start_matches('/');
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        // A scope's `@` is not the version's: that comes behind the last slash.
        let name_at = rest.rfind('/')? + 1;
        let (path, name) = rest.split_at_checked(name_at)?;
        let (name, version) = name.split_once('@').unwrap_or((name, ""));
        let (kind, namespace) =
            path.trim_end_matches('/').split_once('/').unwrap_or((path.trim_end_matches('/'), ""));
        let pairs = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
        let purl = Self {
            kind: kind.to_ascii_lowercase(),
            namespace: decode(namespace)?,
            name: decode(name)?,
            version: decode(version)?,
            qualifiers: pairs
                .map(|(key, value)| Some((key.to_owned(), decode(value)?)))
                .collect::<Option<_>>()?,
        };
        (!purl.kind.is_empty() && !purl.name.is_empty()).then_some(purl)
    }

    pub(super) fn qualifier(&self, key: &str) -> &str {
        self.qualifiers.get(key).map_or("", String::as_str)
    }

    /// Ecosystem and name of a language package; `None` for other kinds.
    pub(super) fn language(&self) -> Option<(&'static str, String)> {
        let with = |mark: &str| match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}{mark}{}", self.name),
        };
        Some(match self.kind.as_str() {
            "npm" => ("npm", with("/")),
            "pypi" => ("PyPI", self.name.clone()),
            "maven" => ("Maven", with(":")),
            "golang" => ("Go", with("/")),
            "cargo" => ("crates.io", self.name.clone()),
            "gem" => ("RubyGems", self.name.clone()),
            "nuget" => ("NuGet", self.name.clone()),
            "composer" => ("Packagist", with("/")),
            "hex" => ("Hex", self.name.clone()),
            "pub" => ("Pub", self.name.clone()),
            "cran" => ("CRAN", self.name.clone()),
            _ => return None,
        })
    }
}

/// Percent-decoding; `None` when the outcome is no text.
fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(c) = bytes.next() {
        let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        out.push(if c == b'%' { digit()? * 16 + digit()? } else { c });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let purl =
            Purl::parse("pkg:rpm/redhat/nodejs@18.14.2-2.module%2Bel8?arch=x86_64&epoch=1&rpmmod=nodejs:18")
                .unwrap();
        assert_eq!((purl.kind.as_str(), purl.name.as_str()), ("rpm", "nodejs"));
        assert_eq!(purl.version, "18.14.2-2.module+el8");
        assert_eq!(
            (purl.qualifier("epoch"), purl.qualifier("rpmmod"), purl.qualifier("x")),
            ("1", "nodejs:18", "")
        );
        for (text, ecosystem, name) in [
            ("pkg:npm/%40angular/core@1.0.0", "npm", "@angular/core"),
            ("pkg:npm/lodash@4", "npm", "lodash"),
            ("pkg:maven/org.a/b@1?type=jar", "Maven", "org.a:b"),
            ("pkg:golang/github.com/a/b@v1#sub", "Go", "github.com/a/b"),
            ("pkg:composer/a/b", "Packagist", "a/b"),
        ] {
            assert_eq!(Purl::parse(text).unwrap().language(), Some((ecosystem, name.to_owned())), "{text}");
        }
        for bad in ["", "pkg:", "pkg:rpm", "npm/a", "pkg:npm/", "pkg:npm/%zz", "pkg:npm/%ff@1"] {
            assert_eq!(Purl::parse(bad), None, "{bad}");
        }
    }
}
