//! What can be scanned, as people write it.

use std::path::PathBuf;
use std::str::FromStr;

use parapet_fetch::ImageReference;

use crate::error::Error;

/// A thing to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `rootfs:/`: a root file system, recorded as a host.
    Rootfs(PathBuf),
    /// `oci:DIR[:TAG]`: an OCI layout.
    Layout {
        /// The folder.
        dir: PathBuf,
        /// A tag of its index; the only image when absent.
        tag: Option<String>,
    },
    /// `archive:FILE`: what `docker save` writes.
    Archive(PathBuf),
    /// `sbom:FILE`: a CycloneDX document.
    Sbom(PathBuf),
    /// An image reference: `host:port/repository:tag`.
    Image(ImageReference),
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let path = |rest: &str| {
            if rest.is_empty() {
                Err(Error::Invalid(format!("{text:?} names no path")))
            } else {
                Ok(PathBuf::from(rest))
            }
        };
        match text.split_once(':') {
            Some(("rootfs", rest)) => Ok(Self::Rootfs(path(rest)?)),
            Some(("archive", rest)) => Ok(Self::Archive(path(rest)?)),
            Some(("sbom", rest)) => Ok(Self::Sbom(path(rest)?)),
            Some(("oci", rest)) => {
                // A folder may have a colon in its name; a tag cannot have a slash.
                match rest.rsplit_once(':') {
                    Some((dir, tag))
                        if !tag.contains('/') && !tag.is_empty() && !PathBuf::from(rest).is_dir() =>
                    {
                        Ok(Self::Layout { dir: path(dir)?, tag: Some(tag.to_owned()) })
                    }
                    _ => Ok(Self::Layout { dir: path(rest)?, tag: None }),
                }
            }
            _ => ImageReference::parse(text).map(Self::Image).map_err(|e| {
                Error::Invalid(format!(
                    "{e}; targets are rootfs:, oci:, archive:, sbom: and image references"
                ))
            }),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rootfs(path) => write!(f, "rootfs:{}", path.display()),
            Self::Layout { dir, tag: Some(tag) } => write!(f, "oci:{}:{tag}", dir.display()),
            Self::Layout { dir, tag: None } => write!(f, "oci:{}", dir.display()),
            Self::Archive(path) => write!(f, "archive:{}", path.display()),
            Self::Sbom(path) => write!(f, "sbom:{}", path.display()),
            Self::Image(reference) => write!(f, "{reference}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_survive_their_text() {
        for text in [
            "rootfs:/",
            "oci:/a/b",
            "oci:/a/b:1.2",
            "archive:x.tar",
            "sbom:x.json",
            "127.0.0.1:5000/team/web:1",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        assert!("rootfs:".parse::<Target>().is_err());
        assert!("".parse::<Target>().is_err());
    }
}
