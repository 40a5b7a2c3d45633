//! Facts as rows: what the store yields and posture eats. Neither knows the other.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asset::{AssetKind, ContainerFacts, ContainerState, HostFacts, ImageFacts, Reference, ScanState};
use crate::coverage::EcosystemCoverage;
use crate::exception::Exception;
use crate::id::{AdvisoryNo, AssetNo, EnterpriseProjectNo, PackageNo, ProjectNo, SetNo, VulnerabilityNo};
use crate::inventory::DatabaseRead;
use crate::package::PackageKey;
use crate::rare::Rare;
use crate::severity::Severity;
use crate::time::{Interval, Millis};
use crate::verdict::{AdvisoryClass, ClosingReason, MatchState};
use crate::vulnerability::Vulnerability;

/// A package and its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRow {
    /// Number.
    pub no: PackageNo,
    /// Identity.
    pub key: PackageKey,
    /// The package's own reason not to be `assessed` (`version-unparsed`, `foreign-package`), or
    /// `assessed`.
    pub coverage: crate::Coverage,
    /// A package of the operating system's kernel (`matching::kernel` decides): inside an image or
    /// container its findings are *not run here*; on a host they count for the running kernel only.
    #[serde(default)]
    pub kernel: bool,
}

/// A package set: its members only; the evidence stays in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRow {
    /// Number.
    pub no: SetNo,
    /// Members, ascending, without doubles.
    pub members: Vec<PackageNo>,
}

/// A set that an asset shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRow {
    /// The set.
    pub set: SetNo,
    /// Digest of the layer, or empty.
    pub layer: String,
    /// Since when and until when, recorded time.
    pub held: Interval,
}

/// A change of one package on a host. A package that is named by any delta of an asset follows its
/// deltas alone; every other package follows the asset's links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceRow {
    /// The package.
    pub package: PackageNo,
    /// The set that carries its evidence.
    pub set: SetNo,
    /// Since when and until when, recorded time.
    pub held: Interval,
}

/// A reference with the interval in which it pointed to the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRow {
    /// Where.
    pub reference: Reference,
    /// Since when and until when, recorded time.
    pub held: Interval,
}

/// An asset with all that is known of it, history included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetRow {
    /// Number.
    pub no: AssetNo,
    /// Id for people and wires.
    pub uuid: Uuid,
    /// Owner.
    pub project: ProjectNo,
    /// Owner inside the account.
    pub enterprise_project: EnterpriseProjectNo,
    /// What it is.
    pub kind: AssetKind,
    /// Config digest, engine id or machine id.
    pub identity: String,
    /// Name for people: a reference, a container's name, a host name.
    pub name: String,
    /// The image a container was started from.
    pub image: Option<AssetNo>,
    /// Name of the distribution for people, or empty.
    pub distro: String,
    /// Its ecosystem with release, or empty.
    pub ecosystem: String,
    /// How far reading has come.
    pub scan: ScanState,
    /// Why the last scan failed, or empty.
    pub scan_error: String,
    /// When it was first known, recorded time.
    pub first_seen: Millis,
    /// When it was last read, observed time; 0 when never.
    pub observed: Millis,
    /// When it was last read, recorded time; 0 when never.
    pub scanned: Millis,
    /// Reader version of the inventory.
    pub reader_version: u32,
    /// Since when and until when it exists, recorded time. Closed = deleted.
    pub held: Interval,
    /// Kept current without a reference or container (hosts are always pinned).
    pub pinned: bool,
    /// Image only.
    pub image_facts: Rare<ImageFacts>,
    /// Host only.
    pub host_facts: Rare<HostFacts>,
    /// Container only.
    #[serde(default)]
    pub container_facts: Rare<ContainerFacts>,
    /// What became of each package database.
    pub databases: Vec<DatabaseRead>,
    /// Where it is or was referenced.
    pub references: Vec<ReferenceRow>,
    /// The sets it shows or showed.
    pub links: Vec<LinkRow>,
    /// Package changes (hosts).
    pub deltas: Vec<PresenceRow>,
}

impl AssetRow {
    /// When an image was built or a container made; where no engine said, when the container was
    /// first known.
    pub fn made(&self) -> Millis {
        match self.kind {
            AssetKind::Container if self.container_facts.created == 0 => self.first_seen,
            AssetKind::Container => self.container_facts.created,
            _ => self.image_facts.created,
        }
    }

    /// What a container does now: what its engine said last, or [`ContainerState::Deleted`].
    pub fn container_state(&self) -> ContainerState {
        if self.held.is_open() { self.container_facts.state } else { ContainerState::Deleted }
    }
}

/// One advisory's verdict on one package, with its interval. Closed rows are history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRow {
    /// Package.
    pub package: PackageNo,
    /// Vulnerability as the record names it; posture follows `canonical`.
    pub vulnerability: VulnerabilityNo,
    /// Advisory.
    pub advisory: AdvisoryNo,
    /// Precedence of the advisory's source for this package, higher wins (see `matching`).
    pub precedence: u8,
    /// What it says.
    pub state: MatchState,
    /// Kind of statement.
    pub class: AdvisoryClass,
    /// The vendor's severity for this package, or unknown.
    pub vendor_severity: Severity,
    /// First version with the fix, or empty.
    pub fixed_version: String,
    /// Since when and until when, recorded time.
    pub held: Interval,
    /// Why it was closed; `None` while open.
    pub closed: Option<ClosingReason>,
}

/// What a project is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRow {
    /// Number.
    pub no: ProjectNo,
    /// Id on wires (32 hex digits).
    pub id: String,
    /// Name.
    pub name: String,
}

/// What an enterprise project is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnterpriseProjectRow {
    /// Number; 0 is the default one.
    pub no: EnterpriseProjectNo,
    /// Id on wires; `0` is the default one.
    pub id: String,
    /// Name.
    pub name: String,
}

/// The full present state of some subjects: applying it replaces what was known of them, so it is
/// idempotent. An empty posture and one change with everything is how a server starts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// Log position this brings posture to.
    pub seq: u64,
    /// Recorded time of that position.
    pub recorded: Millis,
    /// Packages new or with another coverage.
    pub packages: Vec<PackageRow>,
    /// New sets.
    pub sets: Vec<SetRow>,
    /// Assets, whole.
    pub assets: Vec<AssetRow>,
    /// For each package listed, *all* match rows of every vulnerability that they name, history included. A row
    /// that was once told never goes: it ends. What is known of other vulnerabilities of the package stays.
    pub matches: Vec<(PackageNo, Vec<MatchRow>)>,
    /// Vulnerabilities, whole.
    pub vulnerabilities: Vec<Vulnerability>,
    /// Exceptions, whole.
    pub exceptions: Vec<Exception>,
    /// The table of what judges which ecosystem, computed by the service; `None` when unchanged.
    pub coverage: Option<Vec<EcosystemCoverage>>,
    /// Enterprise projects; `None` when unchanged.
    pub enterprise_projects: Option<Vec<EnterpriseProjectRow>>,
}
