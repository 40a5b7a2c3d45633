//! From an image in a registry to its inventory, layers streamed.
//!
//! A layer is never whole in memory or on disk: its body flows through a short channel from the
//! connection to the (blocking) reader of `catalog`, which waits for the network and lets the
//! network wait for it. Two layers are read at a time, so one download hides the other's unpacking.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::{StreamExt, TryStreamExt, stream};
use parapet_catalog::layer::{self, LayerContents};
use parapet_catalog::oci::{ImageDescription, LayerDescriptor, Platform};
use parapet_catalog::{LayerCache, Limits, combine};
use parapet_model::Digest;
use parapet_model::inventory::Inventory;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Registry;
use crate::body::Response;
use crate::error::FetchError;

/// Layers read at the same time.
const PARALLEL: usize = 2;

/// Pieces of a body between connection and reader. A piece is at most some hundred kilobytes.
const PIECES: usize = 4;

/// A layer cache that threads can share.
pub type SharedLayerCache = Arc<dyn LayerCache + Send + Sync>;

impl Registry {
    /// Resolves a tag or digest and reads the image's layers, except those the cache knows. What
    /// was read goes into the cache even when another layer fails.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::Layer`] when a layer is not what it should be.
    pub async fn scan(
        &self,
        repository: &str,
        tag_or_digest: &str,
        platform: &Platform,
        cache: &SharedLayerCache,
        limits: &Limits,
    ) -> Result<(ImageDescription, Inventory), FetchError> {
        let description = self.describe(repository, tag_or_digest, platform).await?;
        let inventory = self.read_layers(repository, &description, cache, limits).await?;
        Ok((description, inventory))
    }

    /// Reads the layers of an image that was described before.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub async fn read_layers(
        &self,
        repository: &str,
        image: &ImageDescription,
        cache: &SharedLayerCache,
        limits: &Limits,
    ) -> Result<Inventory, FetchError> {
        let mut distinct = image.layers.clone();
        let mut named = HashSet::new();
        distinct.retain(|layer| named.insert(layer.digest));
        let reads = distinct.into_iter().map(|layer| async move {
            let contents = self.layer(repository, &layer, cache, limits).await?;
            Ok::<_, FetchError>((layer.digest, contents))
        });
        let contents: HashMap<Digest, Arc<LayerContents>> =
            stream::iter(reads).buffer_unordered(PARALLEL).try_collect().await?;
        let layers: Vec<(String, Arc<LayerContents>)> = image
            .layers
            .iter()
            .filter_map(|layer| Some((layer.digest.to_string(), Arc::clone(contents.get(&layer.digest)?))))
            .collect();
        finished(tokio::task::spawn_blocking(move || combine(&layers))).await
    }

    async fn layer(
        &self,
        repository: &str,
        layer: &LayerDescriptor,
        cache: &SharedLayerCache,
        limits: &Limits,
    ) -> Result<Arc<LayerContents>, FetchError> {
        let (digest, shared) = (layer.digest, Arc::clone(cache));
        if let Some(known) = finished(tokio::task::spawn_blocking(move || shared.get(&digest))).await? {
            return Ok(known);
        }
        let read = self.client.with_retries(|| self.stream_layer(repository, layer, limits)).await?;
        let (contents, shared) = (Arc::new(read), Arc::clone(cache));
        let remembered = Arc::clone(&contents);
        finished(tokio::task::spawn_blocking(move || shared.put(&digest, &remembered))).await?;
        Ok(contents)
    }

    /// One attempt at reading a layer.
    async fn stream_layer(
        &self,
        repository: &str,
        layer: &LayerDescriptor,
        limits: &Limits,
    ) -> Result<LayerContents, FetchError> {
        let what = format!("layer {}/{repository}@{}", self.name(), layer.digest);
        let request = self.blob_request(repository, &layer.digest)?;
        let response = self.ask(&request, repository, &what).await?;
        let (sender, receiver) = mpsc::channel(PIECES);
        let (descriptor, limits) = (layer.clone(), *limits);
        let reading = tokio::task::spawn_blocking(move || {
            layer::read(BodyReader { receiver, piece: Bytes::new() }, &descriptor, &limits)
        });
        let sent = forward(response, sender, &what, layer.size).await;
        let read = finished(reading).await?;
        // When the transfer broke, the reader saw a short layer: the transfer's error is the cause.
        sent?;
        read.map_err(|why| FetchError::Layer {
            image: format!("{}/{repository}", self.name()),
            digest: layer.digest,
            why: Box::new(why),
        })
    }
}

/// Hands the body to the reader, exactly `size` bytes of it. Ends early, without error, when the
/// reader has given up: its own error says why.
async fn forward(
    mut response: Response,
    sender: mpsc::Sender<Bytes>,
    what: &str,
    size: u64,
) -> Result<(), FetchError> {
    let wrong = |actual| Err(FetchError::WrongSize { what: what.to_owned(), expected: size, actual });
    if let Some(promised) = response.content_length()
        && promised != size
    {
        return wrong(promised);
    }
    let mut sent = 0_u64;
    while let Some(piece) = response.chunk().await? {
        sent = sent.saturating_add(piece.len() as u64);
        if sent > size {
            return wrong(sent);
        }
        if sender.send(piece).await.is_err() {
            return Ok(());
        }
    }
    if sent == size { Ok(()) } else { wrong(sent) }
}

/// The reading end of a body, for a thread that may wait.
struct BodyReader {
    receiver: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(buffer.len());
        let (now, _) = buffer.split_at_mut(length);
        self.piece.copy_to_slice(now);
        Ok(length)
    }
}

/// The result of blocking work. A panic in it goes on here; it is not swallowed.
async fn finished<T>(work: JoinHandle<T>) -> Result<T, FetchError> {
    match work.await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(FetchError::Interrupted {
                url: "reading".to_owned(),
                why: "the program is stopping".to_owned(),
            }),
        },
    }
}
