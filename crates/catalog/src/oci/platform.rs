//! Platforms, and which manifest of an index is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Descriptor, Index, OciError, media};

/// `os/architecture[/variant]` in Go's words, as indexes and configs use them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`.
    #[serde(default)]
    pub os: String,
    /// `amd64`, `arm64`, `ppc64le`.
    #[serde(default)]
    pub architecture: String,
    /// `v7`, `v8`, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

/// A text that is not `os/architecture[/variant]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a platform: {0:?}; write os/architecture, for example linux/amd64")]
pub struct PlatformError(pub String);

impl Default for Platform {
    /// Linux on this machine's architecture.
    fn default() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "x86" => "386",
            "aarch64" => "arm64",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: String::new() }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant)?;
        }
        Ok(())
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (*os, *architecture, ""),
            [os, architecture, variant] if !variant.is_empty() => (*os, *architecture, *variant),
            _ => return Err(PlatformError(text.to_owned())),
        };
        if os.is_empty() || architecture.is_empty() {
            return Err(PlatformError(text.to_owned()));
        }
        Ok(Self { os: os.to_owned(), architecture: architecture.to_owned(), variant: variant.to_owned() })
    }
}

impl Platform {
    /// Whether an image for `self` is what somebody who asks for `wanted` gets. A variant that was
    /// not asked for does not matter, and `arm64` is `arm64/v8`.
    fn serves(&self, wanted: &Self) -> bool {
        let variant = |p: &Self| match (p.architecture.as_str(), p.variant.as_str()) {
            ("arm64", "v8") => String::new(),
            (_, variant) => variant.to_owned(),
        };
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (variant(wanted).is_empty() || variant(self) == variant(wanted))
    }

    fn is_unknown(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }
}

impl Index {
    /// The manifest (or nested index) for a platform.
    ///
    /// Attestations (`unknown/unknown`, or marked by BuildKit's annotation) and artifacts of other
    /// types are passed over. An index with a single image that names no platform stands for any.
    ///
    /// # Errors
    /// [`OciError::NoPlatform`] with the list of what is there.
    pub fn choose(&self, wanted: &Platform) -> Result<&Descriptor, OciError> {
        let images: Vec<&Descriptor> = self.manifests.iter().filter(|d| is_image(d)).collect();
        let fitting = images.iter().find(|d| d.platform.as_ref().is_some_and(|p| p.serves(wanted)));
        if let Some(found) = fitting {
            return Ok(found);
        }
        if let [only] = images.as_slice()
            && only.platform.is_none()
        {
            return Ok(only);
        }
        let names: Vec<String> = images
            .iter()
            .take(50)
            .map(|d| d.platform.as_ref().map_or_else(|| "unnamed".to_owned(), ToString::to_string))
            .collect();
        let available = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(OciError::NoPlatform { wanted: wanted.to_string(), available })
    }
}

fn is_image(descriptor: &Descriptor) -> bool {
    let attestation = descriptor
        .annotations
        .get("vnd.docker.reference.type")
        .is_some_and(|kind| kind == "attestation-manifest");
    let known = descriptor.platform.as_ref().is_none_or(|p| !p.is_unknown());
    let readable = media::is_manifest(&descriptor.media_type) || media::is_index(&descriptor.media_type);
    known && readable && !attestation
}
