//! What one layer adds and hides, as far as package readers care, and its form in the layer cache.

use parapet_model::READER_VERSION;
use serde::{Deserialize, Serialize};

use crate::foreign::Foreign;
use crate::path::{Bytes, RootedPath};
use crate::reader::{ReaderKind, Reading};

/// What one layer adds and hides. Cached by layer digest and reader version.
///
/// Every list is sorted, so equal layers have equal contents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LayerContents {
    /// Paths of lower layers that are removed with all below them (`.wh.NAME`).
    pub(crate) whiteouts: Vec<RootedPath>,
    /// Directories whose contents in lower layers are removed (`.wh..wh..opq`).
    pub(crate) opaque: Vec<RootedPath>,
    /// Directories at paths where a reader expects a file; such a file of a lower layer is gone.
    pub(crate) directories: Vec<RootedPath>,
    /// Hashes of the paths of everything that is no directory. A file or link that takes the place
    /// of a directory hides what lower layers have below it; which paths those are is known only
    /// when layers are combined, and eight bytes for each are a fraction of the list of files.
    pub(crate) covers: Covers,
    /// The files that readers care about.
    pub(crate) files: Vec<LayerFile>,
}

/// One file that readers care about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerFile {
    pub(crate) path: RootedPath,
    pub(crate) content: Content,
}

/// What such a file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    /// Text of `os-release` or one of its relatives.
    Release(String),
    /// Packages. Of the files they own, only those of language packages are kept, sorted.
    Packages { kind: ReaderKind, reading: Reading },
    /// Files of language packages that a distribution's package owns, sorted.
    Owned(Vec<RootedPath>),
    /// Software that no reader understands.
    Foreign(Foreign),
    /// Files of language packages that dpkg was told to put elsewhere, sorted.
    Diverted(Vec<Diversion>),
}

/// A diversion of dpkg, with paths of the whole file system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Diversion {
    /// Where packages have the file.
    pub(crate) from: RootedPath,
    /// Where it lies, unless it is of the package below.
    pub(crate) to: RootedPath,
    /// The package that wants the place for itself; `:` is the administrator.
    pub(crate) by: String,
}

/// A sorted set of path hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Covers(Vec<u64>);

impl Covers {
    pub(crate) fn new(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }
}

impl Serialize for Covers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Covers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_byte_buf(Bytes)?;
        let hashes = bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk));
        Ok(Self::new(hashes.collect()))
    }
}

/// Why a cached layer cannot be used. It is read again then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// Written by another version of the readers.
    #[error("written by other readers")]
    OtherVersion,
    /// Not what was written.
    #[error("damaged: {0}")]
    Damaged(String),
}

/// First bytes of a cached layer.
const MAGIC: &[u8; 12] = b"parapet-lay\n";

impl LayerContents {
    /// The form in which a layer is cached.
    ///
    /// # Errors
    /// [`CacheError::Damaged`] never happens for contents that were read; it is there so that no
    /// caller has to believe that.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CacheError> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&READER_VERSION.to_le_bytes());
        postcard::to_extend(self, out).map_err(|e| CacheError::Damaged(e.to_string()))
    }

    /// Reads the cached form.
    ///
    /// # Errors
    /// [`CacheError`]; the layer has to be read again then.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CacheError> {
        let rest =
            bytes.strip_prefix(MAGIC).ok_or_else(|| CacheError::Damaged("no cached layer".to_owned()))?;
        let (version, body) =
            rest.split_first_chunk::<4>().ok_or_else(|| CacheError::Damaged("cut short".to_owned()))?;
        if u32::from_le_bytes(*version) != READER_VERSION {
            return Err(CacheError::OtherVersion);
        }
        postcard::from_bytes(body).map_err(|e| CacheError::Damaged(e.to_string()))
    }

    /// How many packages the layer names, hidden or not.
    pub fn package_count(&self) -> usize {
        self.files
            .iter()
            .map(|file| match &file.content {
                Content::Packages { reading, .. } => reading.packages.len(),
                _ => 0,
            })
            .sum()
    }
}
