//! Index, manifest and the descriptors they are made of.

use std::collections::BTreeMap;

use parapet_model::Digest;
use serde::Deserialize;

use super::{MAX_LAYERS, MAX_MANIFESTS, OciError, Platform, media, parse};

/// A reference to content: what it is, its digest and its size.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is; see [`media`].
    #[serde(default)]
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// In an index: for which platform.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Free-form notes; `org.opencontainers.image.ref.name` is the tag in a layout.
    #[serde(default, deserialize_with = "null_as_default")]
    pub annotations: BTreeMap<String, String>,
}

/// One image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The config.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
}

/// One image for several platforms, or the table of contents of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Manifests, nested indexes, attestations and other artifacts.
    pub manifests: Vec<Descriptor>,
}

/// What a registry may answer when asked for a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// An image for one platform.
    Manifest(Manifest),
    /// A choice of images.
    Index(Index),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    schema_version: u32,
    #[serde(default, deserialize_with = "null_as_default")]
    media_type: String,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
}

impl Document {
    /// Parses an index or a manifest. `declared` is the type the registry or descriptor gave
    /// (parameters such as `; charset` are ignored); the document's own `mediaType` comes first,
    /// and its shape decides where neither says anything.
    ///
    /// # Errors
    /// [`OciError`] for what is too long, malformed, of another type or of schema 1.
    pub fn parse(bytes: &[u8], declared: Option<&str>) -> Result<Self, OciError> {
        let wire: Wire = parse("manifest", bytes)?;
        if wire.schema_version == 1 {
            return Err(OciError::SchemaOne);
        }
        let declared = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let media_type = if wire.media_type.is_empty() { declared } else { wire.media_type.as_str() };
        let index = media::is_index(media_type);
        let manifest = media::is_manifest(media_type);
        match (wire.manifests, wire.config, wire.layers) {
            (Some(manifests), None, None) if !manifest => Index::new(manifests).map(Self::Index),
            (None, Some(config), layers) if !index => {
                Manifest::new(config, layers.unwrap_or_default()).map(Self::Manifest)
            }
            _ if index || manifest => Err(OciError::Malformed {
                what: "manifest",
                why: format!("its fields are not those of {media_type}"),
            }),
            _ => Err(OciError::NotAManifest(media_type.chars().take(200).collect())),
        }
    }
}

impl Manifest {
    fn new(config: Descriptor, layers: Vec<Descriptor>) -> Result<Self, OciError> {
        if layers.len() > MAX_LAYERS {
            return Err(OciError::TooManyLayers(layers.len()));
        }
        Ok(Self { config, layers })
    }
}

impl Index {
    fn new(manifests: Vec<Descriptor>) -> Result<Self, OciError> {
        if manifests.len() > MAX_MANIFESTS {
            return Err(OciError::TooManyManifests(manifests.len()));
        }
        Ok(Self { manifests })
    }
}

/// Go programs write an absent map or text as `null`.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
