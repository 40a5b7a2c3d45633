//! The documents of the OCI image specification and of Docker's schema 2: index, manifest, config.
//!
//! They come from strangers, so each parse is bounded in bytes, depth and number of entries, and
//! what Parapet cannot or will not read (schema 1, artifacts that are no images, layers that are
//! kept elsewhere) is refused with a sentence that says so. [`describe`] ends in an
//! [`ImageDescription`], the one thing the rest of the program needs to read an image.

mod config;
mod describe;
mod document;
pub mod media;
mod platform;
#[cfg(test)]
mod tests;

pub use config::ImageConfig;
pub use describe::{ImageDescription, LayerDescriptor, describe};
pub use document::{Descriptor, Document, Index, Manifest};
pub use platform::{Platform, PlatformError};

use parapet_model::Digest;

/// Longest index, manifest or config read, in bytes. Registries refuse longer manifests as well
/// (OCI distribution specification, *Pushing Manifests*, asks for at least 4 MiB).
pub const MAX_DOCUMENT: usize = 4 * 1024 * 1024;

/// Most layers of one image. Overlay file systems stop at 500, Docker at 127.
pub const MAX_LAYERS: usize = 1_000;

/// Most manifests of one index.
pub const MAX_MANIFESTS: usize = 1_000;

/// Why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OciError {
    /// Longer than [`MAX_DOCUMENT`].
    #[error("{what} of {size} bytes; the limit is {MAX_DOCUMENT}")]
    TooLong {
        /// `manifest`, `config`, …
        what: &'static str,
        /// Its length in bytes.
        size: usize,
    },
    /// Not JSON, or not of the shape the specification gives.
    #[error("{what} cannot be read: {why}")]
    Malformed {
        /// `manifest`, `config`, …
        what: &'static str,
        /// What the parser says.
        why: String,
    },
    /// More layers than [`MAX_LAYERS`].
    #[error("manifest of {0} layers; the limit is {MAX_LAYERS}")]
    TooManyLayers(usize),
    /// More manifests than [`MAX_MANIFESTS`].
    #[error("index of {0} manifests; the limit is {MAX_MANIFESTS}")]
    TooManyManifests(usize),
    /// Docker's schema 1, given up by registries in 2017.
    #[error("manifest of Docker's schema 1, which is not supported; push the image again to convert it")]
    SchemaOne,
    /// A media type that is neither a manifest nor an index.
    #[error("{0:?} is neither an image manifest nor an index")]
    NotAManifest(String),
    /// A manifest whose config is not that of a container image: a chart, a signature, an SBOM.
    #[error("not a container image: the config is of type {0:?}")]
    NotAnImage(String),
    /// A layer that the publisher keeps outside of registries.
    #[error("layer {0} is not distributable (foreign) and is never fetched")]
    ForeignLayer(Digest),
    /// A layer of a type that no reader knows.
    #[error("layer {digest} is of the unknown type {media_type:?}")]
    UnknownLayer {
        /// The layer.
        digest: Digest,
        /// Its type.
        media_type: String,
    },
    /// Manifest and config disagree about the number of layers.
    #[error("the manifest names {layers} layers but the config {diff_ids}")]
    LayerCount {
        /// Layers of the manifest.
        layers: usize,
        /// Entries of `rootfs.diff_ids`.
        diff_ids: usize,
    },
    /// No manifest of the index fits.
    #[error("no manifest for platform {wanted}; available: {available}")]
    NoPlatform {
        /// The platform asked for.
        wanted: String,
        /// Those of the index, comma separated, or `none`.
        available: String,
    },
    /// The bytes are not those the digest promises.
    #[error("{what} has digest {actual}, not {expected}")]
    WrongDigest {
        /// `manifest`, `config`, …
        what: &'static str,
        /// As referenced.
        expected: Digest,
        /// Of the bytes received.
        actual: Digest,
    },
}

/// Checks a document against the digest it was asked for by.
///
/// # Errors
/// [`OciError::WrongDigest`].
pub fn verify(what: &'static str, bytes: &[u8], expected: &Digest) -> Result<(), OciError> {
    let actual = Digest::of(bytes);
    if actual == *expected {
        return Ok(());
    }
    Err(OciError::WrongDigest { what, expected: *expected, actual })
}

/// Parses JSON within the limits. The depth is bounded by the parser itself (128 levels).
fn parse<'a, T: serde::Deserialize<'a>>(what: &'static str, bytes: &'a [u8]) -> Result<T, OciError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(OciError::TooLong { what, size: bytes.len() });
    }
    serde_json::from_slice(bytes).map_err(|e| OciError::Malformed { what, why: e.to_string() })
}
