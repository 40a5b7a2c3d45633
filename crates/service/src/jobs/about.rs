//! What a job is about, for people who look at jobs; and asking again for what failed.

use parapet_model::job::{JobKind, JobState};
use parapet_model::{Permission, Principal};
use parapet_store::jobs::Job;
use parapet_store::registries::Registry;
use uuid::Uuid;

use super::payload::{Payload, ScanImagesJob};
use super::{JobPage, Jobs};
use crate::accounts::require;
use crate::audit;
use crate::error::{Error, Result};

/// Failed scans asked for again at once.
const MAX_RETRIED: u32 = 100_000;

/// What a job is about; empty where its kind does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// The registry that is asked.
    pub registry: Option<Uuid>,
    /// The one image that is read.
    pub image: String,
    /// How many images are read.
    pub images: usize,
    /// The feeds; empty for all that have an address.
    pub feeds: Vec<String>,
    /// It accepts what was held.
    pub accepts: bool,
}

impl About {
    /// Reads it from what the job was told.
    pub fn of(job: &Job) -> Self {
        match Payload::read(job) {
            Ok(Payload::ScanImage(scan)) => {
                Self { registry: scan.registry, image: scan.image, images: 1, ..Self::default() }
            }
            Ok(Payload::ScanImages(scans)) => Self { images: scans.images.len(), ..Self::default() },
            Ok(Payload::ListRegistry(walk)) => Self { registry: Some(walk.registry), ..Self::default() },
            Ok(Payload::SyncFeeds(sync)) => Self { feeds: sync.feeds, ..Self::default() },
            Ok(Payload::AcceptHeld(accept)) => {
                Self { feeds: vec![accept.feed], accepts: true, ..Self::default() }
            }
            _ => Self::default(),
        }
    }
}

impl Jobs<'_> {
    /// Jobs that people watch, newest first, below number `before`: all but exports, notices, and scans of images
    /// that are only a part of others; of one kind or all of them.
    pub async fn watched(
        &self,
        who: &Principal,
        kind: Option<JobKind>,
        before: u32,
        limit: u32,
    ) -> Result<JobPage> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let (jobs, next) = session.watched_jobs(&who.scope(), kind, before, limit).await?;
        Ok(JobPage { jobs, next })
    }

    /// The newest walk of each registry that has one, of those the asker sees.
    pub async fn last_walks(&self, who: &Principal, registries: &[Registry]) -> Result<Vec<Job>> {
        require(who, Permission::RegistriesRead)?;
        let numbers: Vec<u32> = registries.iter().map(|registry| registry.no).collect();
        let mut walks = self.0.store.read().await?.last_walks(&numbers).await?;
        let scope = who.scope();
        walks.retain(|job| scope.covers(job.project, job.enterprise_projects.as_ref()));
        Ok(walks)
    }

    /// Asks again for what failed of a scan that is over: the images that could not be read, or the walk
    /// itself when that failed. The new job.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is no scan, not over, or nothing of it failed.
    pub async fn retry(&self, who: &Principal, id: Uuid) -> Result<Uuid> {
        require(who, Permission::AssetsWrite)?;
        let (scope, conflict) = (who.scope(), |why: &str| Error::Conflict(why.to_owned()));
        let mut tx = self.0.store.begin().await?;
        let job = tx.job(&scope, &id).await?.ok_or_else(|| Error::NotFound("job".to_owned()))?;
        if !job.state.is_final() {
            return Err(conflict("the job is not over"));
        }
        let mut payload = Payload::read(&job)?;
        let mut kind = job.kind;
        if matches!(payload, Payload::ListRegistry(_) | Payload::ScanImages(_)) {
            let (failed, _) =
                tx.job_children(&scope, job.no, Some(JobState::Failed), u32::MAX, MAX_RETRIED).await?;
            let images: Vec<_> = failed
                .iter()
                .filter_map(|child| match Payload::read(child) {
                    Ok(Payload::ScanImage(scan)) => Some(scan),
                    _ => None,
                })
                .collect();
            if !images.is_empty() {
                (kind, payload) = (JobKind::ScanImages, Payload::ScanImages(ScanImagesJob { images }));
            } else if job.state != JobState::Failed {
                return Err(conflict("nothing of the job failed"));
            }
        } else if !matches!(payload, Payload::ScanImage(_)) {
            return Err(conflict("only scans are asked for again"));
        } else if job.state != JobState::Failed {
            return Err(conflict("the scan did not fail"));
        }
        let registry = if kind == JobKind::ScanImages { None } else { About::of(&job).registry };
        // Asked for twice, it is one job.
        let key = format!("retry {id}");
        let new = self.enqueue_scan(&mut tx, who, kind, &payload, &key, registry).await?;
        let after = serde_json::json!({"job": new.to_string()});
        audit::event(&mut tx, who, "retry", "job", &id.to_string(), audit::NONE, Some(after)).await?;
        tx.commit().await?;
        self.wake();
        Ok(new)
    }
}
