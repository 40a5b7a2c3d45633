//! From manifest and config to what is needed to read an image.

use parapet_model::Digest;
use parapet_model::asset::ImageFacts;
use serde::{Deserialize, Serialize};

use super::{ImageConfig, Manifest, OciError, media};

/// A layer as the manifest and the config describe it together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerDescriptor {
    /// Digest of the bytes as stored, usually compressed.
    pub digest: Digest,
    /// Type the manifest gives.
    pub media_type: String,
    /// Size in bytes as stored.
    pub size: u64,
    /// Digest of the uncompressed archive.
    pub diff_id: Digest,
}

/// An image, resolved to one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDescription {
    /// The identity of the image (DESIGN: project + config digest).
    pub config_digest: Digest,
    /// What is known beside the layers. Its `manifest_digests` are the aliases of the image: the
    /// platform's manifest first, then the indexes that led to it, inner before outer.
    pub facts: ImageFacts,
    /// The layers, lowest first.
    pub layers: Vec<LayerDescriptor>,
}

/// Joins manifest and config. `manifest_digests` are listed as in [`ImageFacts`].
///
/// # Errors
/// [`OciError`] when the manifest is that of no container image, names layers that cannot be read,
/// or disagrees with the config.
pub fn describe(
    manifest_digests: Vec<Digest>,
    manifest: &Manifest,
    config: ImageConfig,
) -> Result<ImageDescription, OciError> {
    let (layers, diff_ids) = (manifest.layers.len(), config.diff_ids.len());
    if layers != diff_ids {
        return Err(OciError::LayerCount { layers, diff_ids });
    }
    let layers = manifest
        .layers
        .iter()
        .zip(&config.diff_ids)
        .map(|(layer, diff_id)| {
            if media::is_foreign_layer(&layer.media_type) {
                return Err(OciError::ForeignLayer(layer.digest));
            }
            if !media::is_layer(&layer.media_type) {
                let media_type = layer.media_type.chars().take(200).collect();
                return Err(OciError::UnknownLayer { digest: layer.digest, media_type });
            }
            Ok(LayerDescriptor {
                digest: layer.digest,
                media_type: layer.media_type.clone(),
                size: layer.size,
                diff_id: *diff_id,
            })
        })
        .collect::<Result<Vec<_>, OciError>>()?;
    let facts = ImageFacts {
        manifest_digests,
        size: layers.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.size)),
        created: config.created,
        platform: config.platform.to_string(),
        labels: config.labels.into_iter().collect(),
    };
    Ok(ImageDescription { config_digest: manifest.config.digest, facts, layers })
}

impl Manifest {
    /// Refuses manifests whose config is not that of a container image, before it is fetched.
    ///
    /// # Errors
    /// [`OciError::NotAnImage`].
    pub fn require_image(&self) -> Result<(), OciError> {
        if media::is_config(&self.config.media_type) {
            return Ok(());
        }
        Err(OciError::NotAnImage(self.config.media_type.chars().take(200).collect()))
    }
}
