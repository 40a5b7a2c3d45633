//! Assets: images, containers and hosts.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::id::ProjectNo;
use crate::labels::Labels;

/// What kind of thing carries the packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum AssetKind {
    /// A container image, identified by project and config digest.
    Image = 0,
    /// A container, identified by its engine's id.
    Container = 1,
    /// A host, identified by its machine id.
    Host = 2,
}

impl AssetKind {
    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Container => "container",
            Self::Host => "host",
        }
    }

    /// The kind stored as `number`.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Image,
            1 => Self::Container,
            2 => Self::Host,
            _ => return None,
        })
    }

    /// The stable uuid of an asset: a deleted and rescanned image is the same object (REVIEW A5).
    /// `identity` is the config digest, the engine's container id or the machine id.
    pub fn uuid(self, project: ProjectNo, identity: &str) -> Uuid {
        let name = format!("{}\n{}\n{identity}", project.0, self.as_str());
        Uuid::new_v5(&Uuid::from_u128(0x7061_7261_7065_7420_6173_7365_7420_6964), name.as_bytes())
    }
}

/// How far reading an asset has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ScanState {
    /// Known by name only.
    #[default]
    NotScanned = 0,
    /// Read.
    Scanned = 1,
    /// The last attempt failed.
    Failed = 2,
}

impl ScanState {
    /// The state stored as `number`.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::NotScanned,
            1 => Self::Scanned,
            2 => Self::Failed,
            _ => return None,
        })
    }

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotScanned => "not_scanned",
            Self::Scanned => "scanned",
            Self::Failed => "failed",
        }
    }
}

/// Where an image is or was to be found: a tag in a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// Host and port of the registry; empty for an archive or layout on disk.
    pub registry: String,
    /// Repository.
    pub repository: String,
    /// Tag; empty when only a digest was named.
    pub tag: String,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.registry.is_empty() {
            write!(f, "{}/", self.registry)?;
        }
        f.write_str(&self.repository)?;
        if !self.tag.is_empty() {
            write!(f, ":{}", self.tag)?;
        }
        Ok(())
    }
}

/// What is known of a host beside its packages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostFacts {
    /// Kernel release as `uname -r` prints it, or empty.
    #[serde(default)]
    pub kernel: String,
    /// Addresses, the first is the one shown.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Server group, or empty.
    #[serde(default)]
    pub group: String,
    /// HSS asset value: `important`, `common` or `test`; empty means `common`.
    #[serde(default)]
    pub asset_value: String,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Running.
    Running,
    /// Ended.
    Stopped,
    /// Frozen.
    Paused,
    /// Gone from its engine.
    Deleted,
    /// The engine said something else, or nothing.
    #[default]
    Unknown,
}

impl ContainerState {
    /// The word used in every output (contract `qualys-cs` 5.5).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
            Self::Paused => "PAUSED",
            Self::Deleted => "DELETED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The state that an engine means: Docker's and Podman's words, which differ in part.
    pub fn of_engine(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "created" | "configured" | "initialized" => Self::Created,
            "running" | "restarting" => Self::Running,
            "exited" | "stopped" | "stopping" | "dead" => Self::Stopped,
            "paused" => Self::Paused,
            "removing" => Self::Deleted,
            _ => Self::Unknown,
        }
    }
}

/// What an engine says of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContainerFacts {
    /// What it did when it was last seen. A container that is gone keeps this;
    /// [`crate::facts::AssetRow::container_state`] says what it is now.
    #[serde(default)]
    pub state: ContainerState,
    /// When it was first seen in that state, observed time in epoch milliseconds.
    #[serde(default)]
    pub state_since: i64,
    /// When it was made in epoch milliseconds, 0 when not said.
    #[serde(default)]
    pub created: i64,
    /// Name of the host it is on, or empty.
    #[serde(default)]
    pub host: String,
    /// Id of the host as an asset, if a sensor said.
    #[serde(default)]
    pub host_id: Option<Uuid>,
    /// The digests by which the engine names its image: config, manifest or index.
    #[serde(default)]
    pub image_digests: Vec<Digest>,
    /// What it was started with, for people: `docker.io/library/debian:12`.
    #[serde(default)]
    pub image_name: String,
    /// Labels.
    #[serde(default)]
    pub labels: Labels,
}

/// What an image manifest and config say beside the layers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImageFacts {
    /// Manifest and index digests learnt at scan; the first is the platform's manifest.
    #[serde(default)]
    pub manifest_digests: Vec<Digest>,
    /// Sum of the compressed layers in bytes.
    #[serde(default)]
    pub size: u64,
    /// `created` of the config in epoch milliseconds, 0 when absent.
    #[serde(default)]
    pub created: i64,
    /// `os/architecture[/variant]`.
    #[serde(default)]
    pub platform: String,
    /// Labels of the config.
    #[serde(default)]
    pub labels: Labels,
}
