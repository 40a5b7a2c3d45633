//! The layer cache of the store, for readers that cannot wait for it: what is known of an image's
//! layers is loaded before the scan, what is new is stored after it.
//!
//! Images share layers, and many are scanned at once. Whoever is about to read a layer takes its turn
//! ([`LayerTurns`]); others that need it wait, and find it in the cache then. So each layer is read
//! once, however many images are built on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use parapet_catalog::LayerCache;
use parapet_catalog::layer::LayerContents;
use parapet_catalog::oci::ImageDescription;
use parapet_model::{Digest, ProjectNo, READER_VERSION};
use parapet_store::layer_cache::LayerKey;
use tokio::sync::OwnedMutexGuard;

use crate::app::App;
use crate::error::Result;

/// Most bytes of cached layers in a store; the least recently used go.
pub(crate) const MAX_CACHE: u64 = 4 << 30;

/// Whoever holds it reads the layer.
type LayerTurn = Arc<tokio::sync::Mutex<()>>;

/// The layers that are being read just now, each by one scan of this process.
#[derive(Debug, Default)]
pub(crate) struct LayerTurns(Mutex<HashMap<(ProjectNo, Digest), LayerTurn>>);

impl LayerTurns {
    /// Waits until nobody reads the layer.
    async fn take(&self, layer: (ProjectNo, Digest)) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // What only this table holds, nobody reads or waits for.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(layer).or_default())
        };
        turn.lock_owned().await
    }
}

/// Layers of one image.
#[derive(Debug, Default)]
pub(super) struct ImageLayers {
    /// Whether the store's cache is used at all.
    kept: bool,
    known: HashMap<Digest, Arc<LayerContents>>,
    /// Held until what is read is in the store's cache.
    _turns: Vec<OwnedMutexGuard<()>>,
    fresh: Mutex<Vec<(Digest, Arc<LayerContents>)>>,
}

impl ImageLayers {
    /// Knows nothing and keeps nothing: of an image after which no other is read from this store.
    pub(super) fn unkept() -> Self {
        Self::default()
    }

    /// What the project's cache knows of the image. The rest is this scan's to read; where another
    /// scan is reading a layer, this waits for it.
    pub(super) async fn load(app: &App, project: ProjectNo, image: &ImageDescription) -> Result<Self> {
        let mut layers: Vec<Digest> = image.layers.iter().map(|layer| layer.digest).collect();
        // All scans take turns in this order, so no two wait for each other.
        layers.sort_unstable();
        layers.dedup();
        let mut known = cached(app, project, &layers).await?;
        let mut turns = Vec::new();
        for layer in layers {
            if known.contains_key(&layer) {
                continue;
            }
            let turn = app.layer_turns.take((project, layer)).await;
            let read_meanwhile = cached(app, project, &[layer]).await?;
            if read_meanwhile.is_empty() {
                turns.push(turn);
            }
            known.extend(read_meanwhile);
        }
        Ok(Self { kept: true, known, _turns: turns, fresh: Mutex::default() })
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
        if !self.kept {
            return;
        }
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.push((*layer, contents.clone()));
    }
}

/// Those of the layers that the store's cache has.
async fn cached(
    app: &App,
    project: ProjectNo,
    layers: &[Digest],
) -> Result<HashMap<Digest, Arc<LayerContents>>> {
    let mut known = HashMap::new();
    let mut session = app.store().read().await?;
    for layer in layers {
        let bytes = session.cached_layer(&key(project, *layer)).await?;
        // An entry of another format is as good as none.
        if let Some(Ok(contents)) = bytes.map(|bytes| LayerContents::from_bytes(&bytes)) {
            known.insert(*layer, Arc::new(contents));
        }
    }
    Ok(known)
}

fn key(project: ProjectNo, digest: Digest) -> LayerKey {
    LayerKey { project, digest, reader_version: READER_VERSION }
}
