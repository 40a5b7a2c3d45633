//! Records what a scan found: packages are numbered and matched in small transactions, then the
//! asset is recorded in one, which comes back open, so that a job can end in it.

use std::collections::{BTreeMap, HashMap};

use parapet_model::inventory::{DatabaseRead, Inventory};
use parapet_model::{AssetKind, Digest, PackageKey, PackageNo, Principal};
use parapet_store::assets::{HostObservation, ImageObservation, Look, Outcome};
use parapet_store::packages::NewPackage;
use parapet_store::{StoreUrl, Tx};
use serde::Serialize;
use uuid::Uuid;

use super::read::{Observed, Subject};
use crate::app::App;
use crate::audit;
use crate::error::Result;
use crate::jobs::Fence;
use crate::matcher;

/// Packages numbered and matched in one transaction, while others wait for it.
const BATCH: usize = 50;
/// The same where there are no others.
const BATCH_ALONE: usize = 1_000;

/// What a scan found and did.
#[derive(Debug, Clone, Serialize)]
pub struct ScanReport {
    /// Id of the asset.
    pub asset: Uuid,
    /// Its name.
    pub name: String,
    /// `image` or `host`.
    pub kind: &'static str,
    /// Distribution for people, or empty.
    pub distro: String,
    /// Packages found.
    pub packages: usize,
    /// `new`, `changed`, `unchanged`, `older` (kept as history) or `seen` (this very look).
    pub outcome: &'static str,
    /// Every package database met, read or not.
    pub databases: Vec<DatabaseRead>,
}

impl ScanReport {
    /// What became of a look at an asset that showed `inventory`.
    pub(super) fn of(
        asset: Uuid,
        outcome: Outcome,
        kind: AssetKind,
        name: String,
        inventory: &Inventory,
    ) -> Self {
        Self {
            asset,
            name,
            kind: kind.as_str(),
            distro: inventory.distro.as_ref().map(|d| d.name.clone()).unwrap_or_default(),
            packages: inventory.packages().count(),
            outcome: match outcome {
                Outcome::New => "new",
                Outcome::Updated => "changed",
                Outcome::Unchanged => "unchanged",
                Outcome::OlderKept => "older",
                Outcome::Duplicate => "seen",
            },
            databases: inventory.databases.clone(),
        }
    }
}

/// Records an observation. The transaction that records the asset is open when it comes back.
pub(crate) async fn record(
    app: &App,
    who: &Principal,
    observed: Observed,
    fence: Option<&Fence>,
) -> Result<(Tx, ScanReport)> {
    let numbers = number(app, &observed.inventory, fence).await?;
    let mut tx = app.begin(fence).await?;
    let content = content_of(&observed);
    let Observed { subject, name, inventory, at } = observed;
    let look = Look {
        project: who.project,
        enterprise_project: who.home(),
        name: &name,
        distro: inventory.distro.as_ref(),
        databases: &inventory.databases,
        observed: at,
        content,
        reader_version: inventory.reader_version,
    };
    let mut sets = Vec::with_capacity(inventory.layers.len());
    for layer in &inventory.layers {
        let members: Vec<PackageNo> =
            layer.set.packages.iter().filter_map(|found| numbers.get(&found.package).copied()).collect();
        let (set, _) = tx.put_set(&layer.set, &members).await?;
        sets.push((set, layer.layer.clone()));
    }
    let (recorded, kind) = match &subject {
        Subject::Image { config, facts, reference } => {
            let image = ImageObservation {
                look,
                config: *config,
                facts,
                reference: reference.as_ref(),
                sets: &sets,
                pinned: reference.is_none(),
            };
            (tx.record_image(&image).await?, AssetKind::Image)
        }
        Subject::Host { identity, facts } => {
            let set = match sets.first() {
                Some((set, _)) => *set,
                None => tx.put_set(&Default::default(), &[]).await?.0,
            };
            (tx.record_host(&HostObservation { look, identity, facts, set }).await?, AssetKind::Host)
        }
    };
    let report = ScanReport::of(recorded.uuid, recorded.outcome, kind, name, &inventory);
    if matches!(recorded.outcome, Outcome::New | Outcome::Updated) {
        let after =
            serde_json::json!({"name": report.name, "packages": report.packages, "outcome": report.outcome});
        audit::event(&mut tx, who, "scan", "asset", &report.asset.to_string(), audit::NONE, Some(after))
            .await?;
    }
    Ok((tx, report))
}

/// Numbers all packages of an inventory; new ones are matched at once.
async fn number(
    app: &App,
    inventory: &Inventory,
    fence: Option<&Fence>,
) -> Result<HashMap<PackageKey, PackageNo>> {
    let distinct: BTreeMap<&PackageKey, ()> =
        inventory.packages().map(|found| (&found.package, ())).collect();
    let distinct: Vec<&PackageKey> = distinct.into_keys().collect();
    let alone = matches!(app.store().url(), StoreUrl::Temporary(_));
    number_keys(app, &distinct, if alone { BATCH_ALONE } else { BATCH }, fence).await
}

/// Numbers packages, which are different, `batch` in a transaction; new ones are matched at once.
pub(crate) async fn number_keys(
    app: &App,
    distinct: &[&PackageKey],
    batch: usize,
    fence: Option<&Fence>,
) -> Result<HashMap<PackageKey, PackageNo>> {
    let mut numbers = HashMap::with_capacity(distinct.len());
    for batch in distinct.chunks(batch) {
        let mut tx = app.begin(fence).await?;
        let new: Vec<NewPackage> = batch.iter().map(|key| matcher::describe(key)).collect();
        let numbered = tx.package_numbers(&new).await?;
        let fresh: Vec<(PackageNo, PackageKey)> = batch
            .iter()
            .zip(&numbered.numbers)
            .filter(|(_, no)| numbered.new.binary_search(no).is_ok())
            .map(|(key, no)| (*no, (*key).clone()))
            .collect();
        matcher::match_new_packages(&mut tx, &fresh).await?;
        tx.commit().await?;
        numbers.extend(batch.iter().map(|key| (*key).clone()).zip(numbered.numbers));
    }
    Ok(numbers)
}

/// The digest by which the same report is known again: of the inventory and the instant of the look,
/// so that a report sent twice counts once and two looks that show the same count twice.
fn content_of(observed: &Observed) -> Digest {
    let mut bytes = observed.at.to_le_bytes().to_vec();
    for layer in &observed.inventory.layers {
        bytes.extend_from_slice(layer.layer.as_bytes());
        bytes.extend_from_slice(&layer.set.digest().0);
    }
    Digest::of(&bytes)
}
