//! The image config: platform, labels and the digests of the layers as they are when unpacked.

use std::collections::BTreeMap;

use parapet_model::{Digest, time};
use serde::Deserialize;

use super::document::null_as_default;
use super::{OciError, Platform, parse};

/// The parts of an image config that Parapet uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// What it runs on.
    pub platform: Platform,
    /// When it was made, epoch milliseconds, 0 when absent or not a date.
    pub created: i64,
    /// Digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<Digest>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(flatten)]
    platform: Platform,
    #[serde(default, deserialize_with = "null_as_default")]
    created: String,
    rootfs: RootFs,
    #[serde(default, deserialize_with = "null_as_default")]
    config: Process,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default, deserialize_with = "null_as_default")]
    diff_ids: Vec<Digest>,
}

#[derive(Deserialize, Default)]
struct Process {
    #[serde(default, rename = "Labels", deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
}

impl ImageConfig {
    /// Parses an image config.
    ///
    /// # Errors
    /// [`OciError::TooLong`] or [`OciError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, OciError> {
        let wire: Wire = parse("config", bytes)?;
        Ok(Self {
            platform: wire.platform,
            created: time::parse_instant(&wire.created).unwrap_or(0),
            diff_ids: wire.rootfs.diff_ids,
            labels: wire.config.labels,
        })
    }
}
