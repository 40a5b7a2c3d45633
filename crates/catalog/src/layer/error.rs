//! Why a layer cannot be used.

use std::io;

use parapet_model::Digest;

/// See [`super::read`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The reader of the stored bytes failed; the layer itself may be fine.
    #[error("reading the layer failed: {0}")]
    Source(#[source] io::Error),
    /// The bytes end before the size the manifest gives, or the archive ends inside an entry.
    #[error("layer is cut short: {0}")]
    Truncated(String),
    /// More bytes than the manifest says.
    #[error("layer is longer than the {0} bytes its manifest says")]
    TooLong(u64),
    /// The stored bytes are not those the manifest names.
    #[error("layer has digest {actual}, not {expected}")]
    WrongDigest {
        /// As the manifest names it.
        expected: Digest,
        /// Of the bytes received.
        actual: Digest,
    },
    /// The unpacked archive is not the one the config names.
    #[error("unpacked layer has digest {actual}, not {expected} as the config says")]
    WrongDiffId {
        /// As the config names it.
        expected: Digest,
        /// Of the unpacked bytes.
        actual: Digest,
    },
    /// A limit was passed: a compression bomb, too many entries, too long names.
    #[error("layer is over a limit: {0}")]
    OverLimit(String),
    /// The compression is damaged.
    #[error("layer cannot be decompressed: {0}")]
    Compression(String),
    /// The archive is damaged.
    #[error("layer is not a sound tar archive: {0}")]
    Archive(String),
}

impl LayerError {
    /// Takes back the error that one of our own readers sent through somebody else's decoder; what
    /// is left is the decoder's.
    pub(super) fn from_io(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Truncated("the compressed stream ends early".to_owned())
            }
            Err(e) => Self::Compression(e.to_string()),
        }
    }

    /// Whether nothing that follows in the stream can say more.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Source(_) | Self::TooLong(_) | Self::OverLimit(_))
    }
}
