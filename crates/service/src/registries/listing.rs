//! The job that lists a registry: every wanted tag becomes a scan, which is this job's child; tags
//! that are gone are retired. What could not be listed is named in the result and does not stop the
//! rest. [`Walk`] looks; what it finds is taken here, also when a sensor looked ([`take`]).

use std::sync::Arc;

use parapet_catalog::oci::Platform;
use parapet_model::job::JobKind;
use parapet_model::{Digest, Millis};
use parapet_store::jobs::NewJob;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Connected;
use super::walk::{Keeper, ListedRepository, MAX_REPOSITORIES, Walk, WalkEnd};
use super::wanted::Wanted;
use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::payload::{ListRegistryJob, Payload, ScanImageJob};
use crate::jobs::{Outcome, Run};
use crate::sensors::{self, Exclusions};

pub(crate) use super::walk::MAX_ERRORS;
pub use super::walk::RunError;

/// Scans enqueued in one transaction.
const BATCH: usize = 200;

/// What came of a listing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ListResult {
    /// Images wanted.
    pub(crate) images: u64,
    /// When the listing was complete.
    #[serde(default)]
    pub(crate) listed: Millis,
    /// What the walk says of itself.
    #[serde(flatten)]
    pub(crate) end: WalkEnd,
}

/// The server's own keeper: what is found waits until the walk is over, so that a listing that fails
/// as a whole scans nothing.
struct Own<'a> {
    app: &'a App,
    run: &'a Run,
    /// What references call the registry.
    name: String,
    platform: Platform,
    images: Vec<String>,
}

impl Keeper for Own<'_> {
    fn is_cancelled(&self) -> bool {
        self.run.progress.is_cancelled()
    }

    async fn built(&mut self, manifest: &Digest) -> Result<Option<Millis>> {
        let mut session = self.app.store.read().await?;
        let Some(no) = session.find_image(self.run.project(), manifest).await? else { return Ok(None) };
        let facts = session.asset(no).await?.map(|asset| asset.image_facts);
        Ok(facts.filter(|facts| facts.platform == self.platform.to_string()).map(|facts| facts.created))
    }

    async fn listed(&mut self, found: ListedRepository) -> Result<()> {
        retire(self.app, self.run, &self.name, &found).await?;
        self.images.extend(images_of(&found));
        Ok(())
    }
}

/// What a job wants of its registry.
pub(crate) fn wanted(job: &ListRegistryJob, connected: &Connected) -> Result<Wanted> {
    match &job.plan {
        Some(plan) => Wanted::of_plan(plan),
        None => Ok(Wanted::of_selection(&connected.settings.selection)),
    }
}

/// The repositories by a list of the cloud's or hub's own, where there is one and it is needed.
pub(crate) async fn known(
    app: &App,
    run: &Run,
    connected: &Connected,
    wanted: &Wanted,
) -> Result<Option<Vec<String>>> {
    if wanted.named().is_some() {
        return Ok(None);
    }
    let Connected { settings, sign_in, .. } = connected;
    app.connectors().repositories(run.project(), settings, sign_in, MAX_REPOSITORIES).await
}

/// Runs the job.
pub(crate) async fn run(app: &Arc<App>, run: &Run, job: ListRegistryJob) -> Result<Outcome> {
    let connected = app.registries().connect(&run.scope, job.registry).await?;
    let wanted = wanted(&job, &connected)?;
    let known = known(app, run, &connected, &wanted).await?;
    let platform = crate::scan::parse_platform(&connected.settings.platform)?;
    let name = connected.name.clone();
    let keeper = Own { app, run, name, platform: platform.clone(), images: Vec::new() };
    let (exclusions, end) = (Exclusions::none(), WalkEnd::default());
    let clock = app.clock.as_ref();
    let mut walk =
        Walk { remote: &connected.remote, clock, wanted, platform, known, exclusions, keeper, end };
    walk.run().await?;
    let Walk { keeper, end, .. } = walk;
    // Recorded time, like all other instants of a job.
    let listed = run.begin(app).await?.recorded();
    for batch in keeper.images.chunks(BATCH) {
        enqueue(app, run, &job, &connected.settings.platform, batch).await?;
    }
    let images = keeper.images.len() as u64;
    let result = serde_json::to_value(ListResult { images, listed, end }).map_err(Error::internal)?;
    Ok(Outcome { tx: run.begin(app).await?, result })
}

/// Takes what a sensor listed for a job: retires tags and makes scans.
pub(crate) async fn take(
    app: &App,
    run: &Run,
    job: &ListRegistryJob,
    connected: &Connected,
    found: &[ListedRepository],
) -> Result<u64> {
    let mut images = Vec::new();
    for repository in found {
        retire(app, run, &connected.name, repository).await?;
        images.extend(images_of(repository));
    }
    for batch in images.chunks(BATCH) {
        enqueue(app, run, job, &connected.settings.platform, batch).await?;
    }
    Ok(images.len() as u64)
}

fn images_of(found: &ListedRepository) -> impl Iterator<Item = String> {
    found.wanted.iter().map(|tag| format!("{}:{tag}", found.name))
}

async fn retire(app: &App, run: &Run, registry: &str, found: &ListedRepository) -> Result<()> {
    let mut tx = run.begin(app).await?;
    let shown: Vec<&str> = found.tags.iter().map(String::as_str).collect();
    tx.retire_references(run.project(), registry, &found.name, &shown, found.observed).await?;
    tx.commit().await?;
    Ok(())
}

async fn enqueue(
    app: &App,
    run: &Run,
    job: &ListRegistryJob,
    platform: &str,
    images: &[String],
) -> Result<()> {
    let mut tx = run.begin(app).await?;
    let mut made = Vec::with_capacity(images.len());
    for image in images {
        let scan = scan_of(job.registry, image, platform, job.force);
        let dedup_key = scan.dedup_key();
        let enqueued = tx
            .enqueue(&NewJob {
                scope: &run.scope,
                kind: JobKind::ScanImage,
                owner: &run.principal.name,
                payload: &Payload::ScanImage(scan),
                parent: Some(run.no()),
                dedup_key: &dedup_key,
                fired: None,
                not_before: 0,
            })
            .await?;
        made.push(enqueued.no());
    }
    sensors::place(&mut tx, &run.scope, job.registry, &made).await?;
    tx.commit().await?;
    app.jobs().wake();
    Ok(())
}

fn scan_of(registry: Uuid, image: &str, platform: &str, force: bool) -> ScanImageJob {
    ScanImageJob { registry: Some(registry), image: image.to_owned(), platform: platform.to_owned(), force }
}
