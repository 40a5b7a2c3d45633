//! Image references as people type them: `[host[:port]/]repository[:tag][@digest]`.
//!
//! Docker's defaults apply: no host means `docker.io`, whose one-word repositories live under
//! `library/`, and neither tag nor digest means `latest`. A first part is a host when it contains
//! a dot or a colon or is `localhost`.

use std::fmt;
use std::str::FromStr;

use parapet_model::Digest;

/// The name under which Docker Hub is known.
pub(crate) const DOCKER_HUB: &str = "docker.io";

/// Longest repository name, host included (OCI distribution specification, *Pulling manifests*).
const MAX_NAME: usize = 255;

/// Longest tag (same place).
const MAX_TAG: usize = 128;

/// Where an image is: registry, repository, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    /// Host and port; `docker.io` for Docker Hub.
    pub registry: String,
    /// Repository, in full: `library/debian`.
    pub repository: String,
    /// Tag; empty when only a digest is given.
    pub tag: String,
    /// Digest of manifest or index. Where it is given it decides, and the tag is only a remark.
    pub digest: Option<Digest>,
}

/// A text that is no image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an image reference: {why}; write for example registry.example:5000/team/app:1.2")]
pub struct ReferenceError {
    /// The text, cut.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl ImageReference {
    /// Reads a reference.
    ///
    /// # Errors
    /// [`ReferenceError`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let error = |why| ReferenceError { text: text.chars().take(300).collect(), why };
        let (rest, digest) = match text.split_once('@') {
            None => (text, None),
            Some((rest, digest)) => {
                (rest, Some(digest.parse().map_err(|_| error("after @ comes sha256: and 64 hex digits"))?))
            }
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (rest, if digest.is_some() { "" } else { "latest" }),
        };
        if name.len() > MAX_NAME {
            return Err(error("the name is too long"));
        }
        let explicit_tag = rest.len() != name.len();
        if !(is_tag(tag) || (tag.is_empty() && !explicit_tag)) {
            return Err(error(
                "a tag has letters, digits, _, . and -, at most 128, and begins with none of . and -",
            ));
        }
        let (registry, repository) = split_registry(name).map_err(error)?;
        if !is_repository(&repository) {
            return Err(error(
                "a repository has lower-case letters, digits, and single separators between them",
            ));
        }
        Ok(Self { registry, repository, tag: tag.to_owned(), digest })
    }

    /// What to ask the registry for: the digest where there is one, else the tag.
    pub fn target(&self) -> String {
        self.digest.map_or_else(|| self.tag.clone(), |digest| digest.to_string())
    }
}

fn split_registry(name: &str) -> Result<(String, String), &'static str> {
    let (registry, repository) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => (DOCKER_HUB, name),
    };
    if !is_authority(registry) {
        return Err("the registry is not a host with an optional port");
    }
    let registry = registry.to_ascii_lowercase();
    let registry = match registry.as_str() {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB.to_owned(),
        _ => registry,
    };
    if registry == DOCKER_HUB && !repository.is_empty() && !repository.contains('/') {
        return Ok((registry, format!("library/{repository}")));
    }
    Ok((registry, repository.to_owned()))
}

fn is_authority(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    !text.is_empty()
        && text.bytes().all(allowed)
        && url::Url::parse(&format!("https://{text}/"))
            .is_ok_and(|url| url.path() == "/" && url.host().is_some() && url.username().is_empty())
}

/// A tag (OCI distribution specification, *Pulling manifests*).
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= MAX_TAG
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

/// A repository name (same place): parts between slashes, each of lower-case letters and digits
/// with separators `.`, `_`, `__` or any number of `-` between them.
pub(crate) fn is_repository(text: &str) -> bool {
    text.len() <= MAX_NAME && text.split('/').all(is_repository_part)
}

fn is_repository_part(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = |b: Option<u8>| b.is_some_and(plain);
    ends(part.bytes().next())
        && ends(part.bytes().next_back())
        && part
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|b| b == b'-'))
}

impl FromStr for ImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if !self.tag.is_empty() {
            write!(f, ":{}", self.tag)?;
        }
        if let Some(digest) = self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parts(text: &str) -> (String, String, String, bool) {
        let r = ImageReference::parse(text).unwrap();
        (r.registry, r.repository, r.tag, r.digest.is_some())
    }

    #[test]
    fn dockers_defaults_apply() {
        let own = |a: &str, b: &str, c: &str, d| (a.to_owned(), b.to_owned(), c.to_owned(), d);
        assert_eq!(parts("debian"), own("docker.io", "library/debian", "latest", false));
        assert_eq!(parts("debian:12"), own("docker.io", "library/debian", "12", false));
        assert_eq!(parts("team/app"), own("docker.io", "team/app", "latest", false));
        assert_eq!(parts("index.docker.io/debian"), own("docker.io", "library/debian", "latest", false));
        assert_eq!(parts("localhost/app"), own("localhost", "app", "latest", false));
        assert_eq!(parts("host:5000/a/b:1.0-rc_2"), own("host:5000", "a/b", "1.0-rc_2", false));
        assert_eq!(parts("Reg.Example/a__b/c-d"), own("reg.example", "a__b/c-d", "latest", false));
        assert_eq!(parts("[::1]:5000/a:b"), own("[::1]:5000", "a", "b", false));
        assert_eq!(parts(&format!("ghcr.io/a@{DIGEST}")), own("ghcr.io", "a", "", true));
        assert_eq!(parts(&format!("ghcr.io/a:1@{DIGEST}")), own("ghcr.io", "a", "1", true));
    }

    #[test]
    fn what_is_no_reference_is_refused_with_a_reason() {
        for bad in [
            "",
            ":",
            "/",
            "a:",
            "Debian",
            "a//b",
            "a/",
            "a/../b",
            "a/..",
            "-a",
            "a-",
            "a...b",
            "a___b",
            "a:-1",
            "a@",
            "a@sha256:12",
            "a b",
            "a\u{e9}",
            "host:port/a",
            "user@host/a",
            "host.example?x/a",
            "a.b/",
            "a:b:c",
        ] {
            assert!(ImageReference::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ImageReference::parse(&"a".repeat(300)).is_err());
        assert!(ImageReference::parse(&format!("a:{}", "t".repeat(129))).is_err());
    }

    proptest! {
        #[test]
        fn a_reference_survives_its_text(text in "([a-z]{1,5}(\\.[a-z]{2,3})?(:[1-9][0-9]{1,3})?/)?[a-z0-9]{1,5}([._-][a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,4})?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,8})?") {
            if let Ok(reference) = ImageReference::parse(&text) {
                prop_assert_eq!(ImageReference::parse(&reference.to_string()), Ok(reference));
            }
        }

        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,80}") {
            let _ = ImageReference::parse(&text);
        }
    }
}
