//! Reads a target into an inventory. Nothing is recorded here.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parapet_catalog::oci::{ImageDescription, Platform};
use parapet_catalog::{Limits, image as images, rootfs, sbom, scan_layers};
use parapet_fetch::{Client, ImageReference, Registry, RegistryOptions};
use parapet_model::asset::{HostFacts, ImageFacts, Reference};
use parapet_model::inventory::Inventory;
use parapet_model::{Clock, Digest, Millis, ProjectNo};

use super::ScanOptions;
use super::cache::ImageLayers;
use super::target::Target;
use crate::app::App;
use crate::error::{Error, Result};

/// What was read, before it is recorded.
#[derive(Debug)]
pub struct Observed {
    /// Whose inventory it is.
    pub subject: Subject,
    /// Name for people.
    pub name: String,
    /// What it holds.
    pub inventory: Inventory,
    /// When it was looked at.
    pub at: Millis,
}

/// Whose inventory was read.
#[derive(Debug)]
pub enum Subject {
    /// An image.
    Image {
        /// Config digest.
        config: Digest,
        /// Manifest and config beside the layers.
        facts: ImageFacts,
        /// Where it was found in a registry.
        reference: Option<Reference>,
    },
    /// A host.
    Host {
        /// Machine id.
        identity: String,
        /// Kernel, addresses.
        facts: HostFacts,
    },
}

/// What targets are read with.
#[derive(Debug, Clone, Copy)]
pub(super) struct With<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) client: &'a Client,
    /// The store and the project in which what layers hold is kept; without it nothing is.
    pub(super) cache: Option<(&'a App, ProjectNo)>,
}

impl<'a> With<'a> {
    /// The application's clock and client.
    pub(super) fn of(app: &'a App) -> Self {
        Self { clock: &*app.clock, client: &app.client, cache: None }
    }

    async fn layers(&self, image: &ImageDescription) -> Result<ImageLayers> {
        match self.cache {
            Some((app, project)) => ImageLayers::load(app, project, image).await,
            None => Ok(ImageLayers::unkept()),
        }
    }

    async fn keep(&self, layers: &ImageLayers) -> Result<()> {
        match self.cache {
            Some((app, project)) => layers.save(app, project).await,
            None => Ok(()),
        }
    }
}

/// Reads any target.
pub(super) async fn target(with: &With<'_>, target: &Target, options: &ScanOptions) -> Result<Observed> {
    let platform = options.platform.clone().unwrap_or_default();
    match target {
        Target::Rootfs(path) => {
            let path = path.clone();
            let at = with.clock.now();
            tokio::task::spawn_blocking(move || host(&path, at)).await?
        }
        Target::Sbom(path) => {
            let path = path.clone();
            let at = with.clock.now();
            tokio::task::spawn_blocking(move || document(&path, at)).await?
        }
        Target::Layout { dir, tag } => {
            let (dir, tag) = (dir.clone(), tag.clone());
            let opened =
                tokio::task::spawn_blocking(move || images::layout::open(&dir, tag.as_deref(), &platform));
            let (image, layout) = opened.await?.map_err(|e| unreadable(target, &e))?;
            on_disk(with, target, image, move |layer| layout.open_layer(layer)).await
        }
        Target::Archive(path) => {
            let path = path.clone();
            let opened = tokio::task::spawn_blocking(move || {
                let file = File::open(&path).map_err(|e| Error::file(&path, e))?;
                images::archive::open(file, None, &platform, &Limits::default())
                    .map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))
            });
            let (image, archive) = opened.await??;
            on_disk(with, target, image, move |layer| archive.open_layer(layer)).await
        }
        Target::Image(reference) => {
            let registry = connect(with.client, reference, options)?;
            let place = Reference {
                registry: reference.registry.clone(),
                repository: reference.repository.clone(),
                tag: reference.target(),
            };
            image(with, &registry, place, &platform).await
        }
    }
}

/// A client for the registry of a reference. Registries on this machine may be spoken to plainly.
pub(super) fn connect(
    client: &Client,
    reference: &ImageReference,
    options: &ScanOptions,
) -> Result<Registry> {
    let host = reference.registry.rsplit_once(':').map_or(reference.registry.as_str(), |(host, _)| host);
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let has_authority = options.authority.is_some();
    Ok(Registry::new(
        client,
        RegistryOptions {
            endpoint: reference.registry.clone(),
            plain_http: options.plain_http || (local && !has_authority),
            authority: options.authority.clone(),
            credentials: options.credentials.clone(),
            ..RegistryOptions::default()
        },
    )?)
}

/// Reads an image of a registry.
pub(super) async fn image(
    with: &With<'_>,
    registry: &Registry,
    reference: Reference,
    platform: &Platform,
) -> Result<Observed> {
    let at = with.clock.now();
    let image = registry.describe(&reference.repository, &reference.tag, platform).await?;
    let layers = Arc::new(with.layers(&image).await?);
    let cache: parapet_fetch::SharedLayerCache = layers.clone();
    let read = registry.read_layers(&reference.repository, &image, &cache, &Limits::default()).await;
    // What was read is kept even when another layer failed.
    with.keep(&layers).await?;
    // A digest is no tag: such a reference says where the image was found, not what points to it.
    let tag = if reference.tag.starts_with("sha256:") { String::new() } else { reference.tag };
    let reference = Reference { tag, ..reference };
    let inventory = registry.add_attached(&reference.repository, &image, read?).await;
    Ok(Observed {
        name: reference.to_string(),
        subject: Subject::Image {
            config: image.config_digest,
            facts: image.facts,
            reference: Some(reference),
        },
        inventory,
        at,
    })
}

async fn on_disk<R: std::io::Read + 'static>(
    with: &With<'_>,
    target: &Target,
    image: ImageDescription,
    open: impl Fn(&parapet_catalog::oci::LayerDescriptor) -> std::io::Result<R> + Send + 'static,
) -> Result<Observed> {
    let at = with.clock.now();
    let layers = Arc::new(with.layers(&image).await?);
    let (cache, description) = (layers.clone(), image.clone());
    let read = tokio::task::spawn_blocking(move || {
        scan_layers(&description, open, cache.as_ref(), &Limits::default())
    })
    .await?;
    with.keep(&layers).await?;
    Ok(Observed {
        name: target.to_string(),
        inventory: read.map_err(|e| unreadable(target, &e))?,
        subject: Subject::Image { config: image.config_digest, facts: image.facts, reference: None },
        at,
    })
}

fn host(path: &Path, at: Millis) -> Result<Observed> {
    let inventory = rootfs::read(path, &Limits::default())
        .map_err(|e| Error::Invalid(format!("rootfs:{}: {e}", path.display())))?;
    let host = rootfs::host_facts(path);
    Ok(Observed {
        subject: Subject::Host { identity: host.identity, facts: host.facts },
        name: host.hostname,
        inventory,
        at,
    })
}

/// An SBOM is recorded as an image whose digest is that of the document.
fn document(path: &Path, at: Millis) -> Result<Observed> {
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let (inventory, subject) = sbom::cyclonedx::read(bytes.as_slice(), &Limits::default())
        .map_err(|e| Error::Invalid(format!("sbom:{}: {e}", path.display())))?;
    let name = match (subject.name.as_str(), subject.version.as_str()) {
        ("", _) => format!("sbom:{}", path.display()),
        (name, "") => name.to_owned(),
        (name, version) => format!("{name}:{version}"),
    };
    let config = Digest::of(&bytes);
    let facts = ImageFacts { size: bytes.len() as u64, ..ImageFacts::default() };
    Ok(Observed { subject: Subject::Image { config, facts, reference: None }, name, inventory, at })
}

fn unreadable(target: &Target, error: &impl std::fmt::Display) -> Error {
    Error::Invalid(format!("{target}: {error}"))
}
