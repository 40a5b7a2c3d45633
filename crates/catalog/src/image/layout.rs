//! An OCI image layout: a directory with `index.json` and `blobs/sha256/`.
//!
//! Source: OCI image specification, *Image Layout*.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use parapet_model::Digest;

use super::OpenError;
use super::resolve::{Blobs, resolve};
use crate::oci::{self, Document, ImageDescription, LayerDescriptor, Platform};

/// An opened layout.
#[derive(Debug, Clone)]
pub struct Layout {
    directory: PathBuf,
}

/// Opens the image with a tag (or the only one) for a platform.
///
/// # Errors
/// [`OpenError`].
pub fn open(
    directory: &Path,
    tag: Option<&str>,
    platform: &Platform,
) -> Result<(ImageDescription, Layout), OpenError> {
    let layout = Layout { directory: directory.to_owned() };
    let index = directory.join("index.json");
    if !index.is_file() {
        let why = format!("{} is no OCI layout: it has no index.json", directory.display());
        return Err(OpenError::NotAnImage(why));
    }
    let bytes = read_document(&index)?;
    let Document::Index(contents) = Document::parse(&bytes, Some(oci::media::OCI_INDEX))? else {
        return Err(OpenError::NotAnImage(format!("{} is no index", index.display())));
    };
    let image = resolve(&contents, tag, platform, &layout)?;
    Ok((image, layout))
}

impl Layout {
    /// The stored bytes of a layer.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open_layer(&self, layer: &LayerDescriptor) -> io::Result<File> {
        File::open(self.blob(&layer.digest))
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.directory.join("blobs/sha256").join(digest.hex())
    }
}

impl Blobs for Layout {
    fn document(&self, what: &'static str, digest: &Digest) -> Result<Vec<u8>, OpenError> {
        let path = self.blob(digest);
        if !path.is_file() {
            return Err(OpenError::Missing { what, digest: *digest });
        }
        read_document(&path)
    }
}

fn read_document(path: &Path) -> Result<Vec<u8>, OpenError> {
    let what = || OpenError::io(path.display().to_string());
    let file = File::open(path).map_err(what())?;
    let mut bytes = Vec::new();
    file.take(oci::MAX_DOCUMENT as u64 + 1).read_to_end(&mut bytes).map_err(what())?;
    Ok(bytes)
}
