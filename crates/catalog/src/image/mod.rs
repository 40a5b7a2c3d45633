//! Images on disk: OCI layouts, and archives as `docker save` writes them.

pub mod archive;
pub mod layout;
mod resolve;
#[cfg(test)]
mod tests;

use std::io;

use parapet_model::Digest;

use crate::oci::OciError;

/// Why an image on disk cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file cannot be read.
    #[error("{what} cannot be read: {error}")]
    Io {
        /// Which file.
        what: String,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// What is there is no image.
    #[error("{0}")]
    NotAnImage(String),
    /// A document of the image is not usable.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// A blob that a document names is missing.
    #[error("{what} {digest} is missing")]
    Missing {
        /// `manifest`, `config`, `layer`.
        what: &'static str,
        /// Its digest.
        digest: Digest,
    },
    /// No image has the tag, or several images are there and none was chosen.
    #[error("{why}; available: {available}")]
    Tag {
        /// What is wrong.
        why: String,
        /// The tags that are there, comma separated, or `none`.
        available: String,
    },
}

impl OpenError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |error| Self::Io { what, error }
    }
}
