//! Many images read again: one job that makes a scan for each, so that they can be watched and
//! cancelled together.

use std::collections::BTreeMap;
use std::sync::Arc;

use parapet_model::facts::AssetRow;
use parapet_model::job::JobKind;
use parapet_model::{AssetKind, Permission, Principal, Scope};
use parapet_store::jobs::NewJob;
use uuid::Uuid;

use super::Scans;
use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::jobs::payload::{Payload, ScanImageJob, ScanImagesJob};
use crate::jobs::{Outcome, Run};
use crate::sensors;

/// Scans enqueued in one transaction.
const BATCH: usize = 200;
/// Most images of one request.
const MAX_IMAGES: usize = 100_000;
/// Registries that are looked at.
const MAX_REGISTRIES: u32 = 10_000;

/// What was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// The job that all scans belong to.
    pub job: Uuid,
    /// Images that are read again.
    pub images: usize,
    /// Images that no registry holds now, which cannot be.
    pub left_out: usize,
}

impl Scans<'_> {
    /// Reads images again from the registries that hold them: a configured one with its credentials,
    /// any other without.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an image that is not seen; [`Error::Conflict`] when no registry holds
    /// any of them.
    pub async fn scan_many(&self, who: &Principal, images: &[Uuid]) -> Result<Batch> {
        require(who, Permission::AssetsWrite)?;
        if images.len() > MAX_IMAGES {
            return Err(Error::Invalid(format!("more than {MAX_IMAGES} images")));
        }
        let registries = self.registries_by_name(&who.scope()).await?;
        let snapshot = self.0.live().snapshot();
        let mut scans = Vec::new();
        for id in images {
            let image = snapshot.asset_by_uuid(&who.scope(), *id).filter(|a| a.kind == AssetKind::Image);
            let image = image.ok_or_else(|| Error::NotFound(format!("image {id}")))?;
            scans.extend(scan_of(image, &registries));
        }
        let left_out = images.len() - scans.len();
        if scans.is_empty() {
            return Err(Error::Conflict("no registry holds any of these images".to_owned()));
        }
        let count = scans.len();
        let mut tx = self.0.store.begin().await?;
        let jobs = self.0.jobs();
        let payload = Payload::ScanImages(ScanImagesJob { images: scans });
        let job = jobs.enqueue(&mut tx, &who.scope(), who, JobKind::ScanImages, &payload, "").await?;
        let after = serde_json::json!({"images": count});
        audit::event(&mut tx, who, "scan", "images", &job.to_string(), audit::NONE, Some(after)).await?;
        tx.commit().await?;
        jobs.wake();
        Ok(Batch { job, images: count, left_out })
    }

    /// The configured registries by what references call them.
    async fn registries_by_name(&self, scope: &Scope) -> Result<BTreeMap<String, (Uuid, String)>> {
        let all = self.0.store.read().await?.registries(scope, 0, MAX_REGISTRIES).await?;
        let named = all.into_iter().filter_map(|registry| {
            let name = self.0.registries().name_of(&registry.settings).ok()?;
            Some((name, (registry.uuid, registry.settings.platform)))
        });
        Ok(named.collect())
    }
}

/// How an image is read again.
fn scan_of(image: &AssetRow, registries: &BTreeMap<String, (Uuid, String)>) -> Option<ScanImageJob> {
    let held = image.references.iter().filter(|row| row.held.is_open() && !row.reference.registry.is_empty());
    let mut held: Vec<_> = held.map(|row| &row.reference).collect();
    // One that is configured comes first: it may need credentials.
    held.sort_by_key(|reference| !registries.contains_key(&reference.registry));
    let reference = held.first()?;
    let tag = match reference.tag.as_str() {
        "" => format!("@{}", image.image_facts.manifest_digests.first()?),
        tag => format!(":{tag}"),
    };
    Some(match registries.get(&reference.registry) {
        Some((registry, platform)) => ScanImageJob {
            registry: Some(*registry),
            image: format!("{}{tag}", reference.repository),
            platform: platform.clone(),
            force: true,
        },
        None => ScanImageJob {
            registry: None,
            image: format!("{}/{}{tag}", reference.registry, reference.repository),
            platform: String::new(),
            force: true,
        },
    })
}

/// Runs the job.
pub(crate) async fn run(app: &Arc<App>, run: &Run, job: ScanImagesJob) -> Result<Outcome> {
    let count = job.images.len();
    for batch in job.images.chunks(BATCH) {
        let mut tx = run.begin(app).await?;
        let mut made: BTreeMap<Uuid, Vec<u32>> = BTreeMap::new();
        for scan in batch {
            let dedup_key = scan.dedup_key();
            let enqueued = tx
                .enqueue(&NewJob {
                    scope: &run.scope,
                    kind: JobKind::ScanImage,
                    owner: &run.principal.name,
                    payload: &Payload::ScanImage(scan.clone()),
                    parent: Some(run.no()),
                    dedup_key: &dedup_key,
                    fired: None,
                    not_before: 0,
                })
                .await?;
            if let Some(registry) = scan.registry {
                made.entry(registry).or_default().push(enqueued.no());
            }
        }
        for (registry, jobs) in &made {
            sensors::place(&mut tx, &run.scope, *registry, jobs).await?;
        }
        tx.commit().await?;
        app.jobs().wake();
    }
    Ok(Outcome { tx: run.begin(app).await?, result: serde_json::json!({"images": count}) })
}
