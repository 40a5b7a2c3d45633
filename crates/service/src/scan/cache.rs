//! The layer cache of the store, for readers that cannot wait for it: what is known of an image's
//! layers is loaded before the scan, what is new is stored after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use parapet_catalog::LayerCache;
use parapet_catalog::layer::LayerContents;
use parapet_catalog::oci::ImageDescription;
use parapet_model::{Digest, ProjectNo, READER_VERSION};
use parapet_store::layer_cache::LayerKey;

use crate::app::App;
use crate::error::Result;

/// Most bytes of cached layers in a store; the least recently used go.
const MAX_CACHE: u64 = 4 << 30;

/// Layers of one image.
#[derive(Debug, Default)]
pub(super) struct ImageLayers {
    known: HashMap<Digest, Arc<LayerContents>>,
    fresh: Mutex<Vec<(Digest, Arc<LayerContents>)>>,
}

impl ImageLayers {
    /// What the project's cache knows of the image.
    pub(super) async fn load(app: &App, project: ProjectNo, image: &ImageDescription) -> Result<Self> {
        let mut known = HashMap::new();
        let mut session = app.store().read().await?;
        for layer in &image.layers {
            if known.contains_key(&layer.digest) {
                continue;
            }
            let bytes = session.cached_layer(&key(project, layer.digest)).await?;
            // An entry of another format is as good as none.
            if let Some(Ok(contents)) = bytes.map(|bytes| LayerContents::from_bytes(&bytes)) {
                known.insert(layer.digest, Arc::new(contents));
            }
        }
        Ok(Self { known, fresh: Mutex::default() })
    }

    /// Stores what the scan read.
    pub(super) async fn save(&self, app: &App, project: ProjectNo) -> Result<()> {
        let fresh = std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner));
        if fresh.is_empty() {
            return Ok(());
        }
        let mut side = app.store().side().await?;
        for (digest, contents) in &fresh {
            match contents.to_bytes() {
                Ok(bytes) => {
                    side.cache_layer(&key(project, *digest), &bytes, app.now()).await?;
                }
                Err(error) => tracing::warn!(layer = %digest, %error, "layer is not cached"),
            }
        }
        side.trim_layers(READER_VERSION, MAX_CACHE).await?;
        side.commit().await?;
        Ok(())
    }
}

impl LayerCache for ImageLayers {
    fn get(&self, layer: &Digest) -> Option<Arc<LayerContents>> {
        self.known.get(layer).cloned()
    }

    fn put(&self, layer: &Digest, contents: &Arc<LayerContents>) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.push((*layer, contents.clone()));
    }
}

fn key(project: ProjectNo, digest: Digest) -> LayerKey {
    LayerKey { project, digest, reader_version: READER_VERSION }
}
