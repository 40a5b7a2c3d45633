//! Reading an image layer by layer, each at most once.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use parapet_model::Digest;
use parapet_model::inventory::Inventory;

use crate::layer::{self, LayerContents, LayerError};
use crate::oci::{ImageDescription, LayerDescriptor};
use crate::{Limits, combine};

/// Remembers what layers hold. Implementations keep entries apart by project and by
/// [`parapet_model::READER_VERSION`]; a failing cache is an empty one.
pub trait LayerCache {
    /// What is remembered of a layer.
    fn get(&self, layer: &Digest) -> Option<Arc<LayerContents>>;
    /// Remembers a layer that was read and verified.
    fn put(&self, layer: &Digest, contents: &Arc<LayerContents>);
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCache;

impl LayerCache for NoCache {
    fn get(&self, _: &Digest) -> Option<Arc<LayerContents>> {
        None
    }

    fn put(&self, _: &Digest, _: &Arc<LayerContents>) {}
}

/// Which layer could not be read, and why.
#[derive(Debug, thiserror::Error)]
#[error("layer {layer}: {error}")]
pub struct ScanError {
    /// Digest of the layer.
    pub layer: Digest,
    /// What happened.
    #[source]
    pub error: LayerError,
}

/// Reads the layers of an image, lowest first, and combines them. `open` yields the stored bytes of
/// a layer that the cache does not know.
///
/// # Errors
/// [`ScanError`] with the first layer that could not be read. Layers before it are in the cache.
pub fn scan_layers<R: Read>(
    image: &ImageDescription,
    mut open: impl FnMut(&LayerDescriptor) -> io::Result<R>,
    cache: &dyn LayerCache,
    limits: &Limits,
) -> Result<Inventory, ScanError> {
    let mut layers: Vec<(String, Arc<LayerContents>)> = Vec::with_capacity(image.layers.len());
    let mut known: HashMap<Digest, Arc<LayerContents>> = HashMap::new();
    for descriptor in &image.layers {
        let digest = descriptor.digest;
        let contents = match known.get(&digest).cloned().or_else(|| cache.get(&digest)) {
            Some(contents) => contents,
            None => {
                let read = open(descriptor)
                    .map_err(LayerError::Source)
                    .and_then(|reader| layer::read(reader, descriptor, limits));
                let contents = Arc::new(read.map_err(|error| ScanError { layer: digest, error })?);
                cache.put(&digest, &contents);
                contents
            }
        };
        known.insert(digest, Arc::clone(&contents));
        layers.push((digest.to_string(), contents));
    }
    Ok(combine(&layers))
}
