//! Scanning: read a target, number its packages, record the asset.

mod alone;
pub(crate) mod batch;
pub(crate) mod cache;
pub(crate) mod read;
pub(crate) mod record;
mod target;

use std::sync::Arc;

use parapet_catalog::oci::Platform;
use parapet_fetch::{ImageReference, Registry};
use parapet_model::asset::Reference;
use parapet_model::job::JobKind;
use parapet_model::{AssetKind, Digest, Permission, Principal};
use parapet_store::Tx;
use parapet_store::registries::Registry as Registered;
use uuid::Uuid;

pub use alone::Alone;
pub use batch::Batch;
pub use read::{Observed, Subject};
pub use record::ScanReport;
pub use target::Target;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::jobs::payload::{Payload, ScanImageJob};
use crate::jobs::{Outcome, Run};

/// Registries among which that of an image is looked for.
const MAX_REGISTRIES: u32 = 10_000;

/// Use cases around scanning.
#[derive(Debug, Clone, Copy)]
pub struct Scans<'a>(pub(crate) &'a App);

/// How a scan is done.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Platform chosen from an index; this machine's when absent.
    pub platform: Option<Platform>,
    /// Speak plain HTTP to the registry of an image reference that is not on this machine.
    pub plain_http: bool,
    /// Credentials for the registry of an image reference.
    pub credentials: Option<parapet_fetch::Credentials>,
    /// Certificates (PEM) of the registry's own authority.
    pub authority: Option<Vec<u8>>,
    /// No other image will be read from this store, so what the layers hold is not kept for one.
    pub last: bool,
}

impl Scans<'_> {
    /// Reads a target and records what was found.
    pub async fn scan(&self, who: &Principal, target: &Target, options: &ScanOptions) -> Result<ScanReport> {
        require(who, Permission::AssetsWrite)?;
        let cache = (!options.last).then_some((self.0, who.project));
        let observed = read::target(&read::With { cache, ..read::With::of(self.0) }, target, options).await?;
        let (tx, report) = record::record(self.0, who, observed, None).await?;
        tx.commit().await?;
        self.0.live().catch_up().await?;
        Ok(report)
    }

    /// Starts a job that scans an image of a registry of the project, or of any registry that can
    /// be read without credentials. The same image wanted twice is scanned once.
    pub async fn scan_job(
        &self,
        who: &Principal,
        registry: Option<Uuid>,
        image: &str,
        platform: &str,
        force: bool,
    ) -> Result<Uuid> {
        require(who, Permission::AssetsWrite)?;
        match registry {
            Some(id) => {
                let found = self.0.store.read().await?.registry(&who.scope(), &id).await?;
                found.ok_or_else(|| Error::NotFound("registry".to_owned()))?;
            }
            None => {
                ImageReference::parse(image).map_err(|e| Error::Invalid(e.to_string()))?;
            }
        }
        parse_platform(platform)?;
        let mut tx = self.0.store.begin().await?;
        let job = ScanImageJob { registry, image: image.to_owned(), platform: platform.to_owned(), force };
        let key = job.dedup_key();
        let jobs = self.0.jobs();
        let payload = Payload::ScanImage(job);
        let uuid = jobs.enqueue_scan(&mut tx, who, JobKind::ScanImage, &payload, &key, registry).await?;
        tx.commit().await?;
        jobs.wake();
        Ok(uuid)
    }

    /// Has an asset read again: a host by its sensor, an image and a container's image by the registry it
    /// is in now, as one that is configured where that is so.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what came from no registry.
    pub async fn rescan(&self, who: &Principal, id: Uuid) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let unknown = || Error::NotFound("asset".to_owned());
        let asset = snapshot.asset_by_uuid(&scope, id).filter(|asset| asset.held.is_open());
        let asset = asset.ok_or_else(unknown)?;
        let image = match (asset.kind, asset.image) {
            (AssetKind::Host, _) => {
                return self.0.host_scans().begin(who, Some(&[id]), &[]).await.map(drop);
            }
            (AssetKind::Container, Some(image)) => snapshot.asset(&scope, image).ok_or_else(unknown)?,
            _ => asset,
        };
        let mut current = image.references.iter().filter(|row| row.held.is_open()).map(|row| &row.reference);
        let reference = current.find(|reference| !reference.registry.is_empty()).ok_or_else(|| {
            Error::Invalid("the image came from no registry; read it where it is".to_owned())
        })?;
        let platform = &image.image_facts.platform;
        let registries = self.0.store.read().await?.registries(&scope, 0, MAX_REGISTRIES).await?;
        let names = |registry: &&Registered| {
            self.0.registries().name_of(&registry.settings).is_ok_and(|name| name == reference.registry)
        };
        let target = match (reference.tag.as_str(), image.image_facts.manifest_digests.first()) {
            ("", Some(digest)) => format!("@{digest}"),
            (tag, _) => format!(":{tag}"),
        };
        let (registry, name) = match registries.iter().find(names) {
            Some(registry) => (Some(registry.uuid), format!("{}{target}", reference.repository)),
            None => (None, format!("{}/{}{target}", reference.registry, reference.repository)),
        };
        self.scan_job(who, registry, &name, platform, true).await.map(drop)
    }

    /// Deletes an asset: it keeps its history and is the same object when it comes back.
    pub async fn delete(&self, who: &Principal, id: Uuid) -> Result<()> {
        self.delete_all(who, &[id]).await
    }

    /// Deletes several assets, all or none.
    pub async fn delete_all(&self, who: &Principal, ids: &[Uuid]) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let scope = who.scope();
        let mut tx: Tx = self.0.store.begin().await?;
        for id in ids {
            let asset = tx.asset_by_uuid(who.project, id).await?;
            let asset = asset
                .filter(|a| scope.sees(a.project, a.enterprise_project) && a.held.is_open())
                .ok_or_else(|| Error::NotFound("asset".to_owned()))?;
            tx.delete_asset(asset.no).await?;
            let before = serde_json::json!({"name": asset.name, "identity": asset.identity});
            let id = id.to_string();
            audit::event(&mut tx, who, "delete", "asset", &id, Some(before), audit::NONE).await?;
        }
        tx.commit().await?;
        self.0.live().catch_up().await
    }
}

impl ScanImageJob {
    /// The same work has the same key.
    pub(crate) fn dedup_key(&self) -> String {
        let registry = self.registry.map(|id| id.to_string()).unwrap_or_default();
        format!("{registry} {} {} {}", self.image, self.platform, self.force)
    }
}

/// Reads `os/architecture[/variant]`; empty means this machine's.
pub(crate) fn parse_platform(text: &str) -> Result<Platform> {
    if text.is_empty() {
        return Ok(Platform::default());
    }
    text.parse().map_err(|e: parapet_catalog::oci::PlatformError| Error::Invalid(e.to_string()))
}

/// Runs a scan job.
pub(crate) async fn run_scan(app: &Arc<App>, run: &Run, job: ScanImageJob) -> Result<Outcome> {
    let platform = parse_platform(&job.platform)?;
    let (registry, reference) = match job.registry {
        Some(id) => {
            let connected = app.registries().connect(&run.scope, id).await?;
            let (repository, tag) = split_image(&job.image)?;
            (connected.remote, Reference { registry: connected.name, repository, tag })
        }
        None => {
            let image = ImageReference::parse(&job.image).map_err(|e| Error::Invalid(e.to_string()))?;
            let registry: Registry = read::connect(&app.client, &image, &ScanOptions::default())?;
            let tag = image.target();
            (registry, Reference { registry: image.registry, repository: image.repository, tag })
        }
    };
    if !job.force && !reference.tag.starts_with("sha256:") {
        let digest = registry.digest(&reference.repository, &reference.tag).await?;
        if let Some(moved) = unchanged(app, run, &digest, &reference, &platform).await? {
            return Ok(moved);
        }
    }
    let with = read::With { cache: Some((app, run.project())), ..read::With::of(app) };
    let observed = read::image(&with, &registry, reference, &platform).await?;
    record_scan(app, run, observed).await
}

/// Records what a scan read, as the end of its job.
pub(crate) async fn record_scan(app: &App, run: &Run, observed: Observed) -> Result<Outcome> {
    let (tx, report) = record::record(app, &run.principal, observed, Some(&run.fence)).await?;
    Ok(Outcome { tx, result: serde_json::to_value(&report).map_err(Error::internal)? })
}

/// The end of a scan whose tag points to an image that this reader read already: nothing is
/// downloaded, only the tag may have moved. `None` when it has to be read.
pub(crate) async fn unchanged(
    app: &App,
    run: &Run,
    digest: &Digest,
    reference: &Reference,
    platform: &Platform,
) -> Result<Option<Outcome>> {
    let mut session = app.store.read().await?;
    let Some(no) = session.find_image(run.project(), digest).await? else { return Ok(None) };
    let asset = session.asset(no).await?.filter(|asset| {
        asset.held.is_open()
            && asset.scan == parapet_model::ScanState::Scanned
            && asset.reader_version == parapet_model::READER_VERSION
            // An index stands for several platforms; this one must be the one that was asked for.
            && asset.image_facts.platform == platform.to_string()
    });
    drop(session);
    let Some(asset) = asset else { return Ok(None) };
    let mut tx = run.begin(app).await?;
    let observed = tx.recorded();
    tx.mark_unchanged(run.no()).await?;
    tx.point_reference(run.project(), reference, asset.no, observed).await?;
    let result = serde_json::json!({"asset": asset.uuid, "outcome": "unchanged"});
    Ok(Some(Outcome { tx, result }))
}

/// `repository:tag` or `repository@sha256:…`.
pub(crate) fn split_image(image: &str) -> Result<(String, String)> {
    let split =
        image.split_once('@').or_else(|| image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')));
    match split {
        Some((repository, tag)) if !repository.is_empty() && !tag.is_empty() => {
            Ok((repository.to_owned(), tag.to_owned()))
        }
        None if !image.is_empty() => Ok((image.to_owned(), "latest".to_owned())),
        _ => Err(Error::Invalid(format!("{image:?} is not repository:tag"))),
    }
}
