//! The job that lists a registry: every wanted tag becomes a scan, which is this job's child; tags
//! that are gone are retired. What could not be listed is named in the result and does not stop the
//! rest.

use std::sync::Arc;

use parapet_catalog::oci::Platform;
use parapet_fetch::{FetchError, Registry as Remote};
use parapet_model::job::JobKind;
use parapet_model::time::DAY;
use parapet_model::{Digest, Millis};
use parapet_store::jobs::NewJob;
use parapet_store::registries::RegistrySettings;
use serde::{Deserialize, Serialize};

use super::wanted::Wanted;
use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::payload::{ListRegistryJob, Payload, ScanImageJob};
use crate::jobs::{Outcome, Run};

/// Most repositories of one listing.
const MAX_REPOSITORIES: usize = 100_000;
/// Most tags of one repository.
const MAX_TAGS: usize = 100_000;
/// Scans enqueued in one transaction.
const BATCH: usize = 200;
/// Most errors kept of one run.
pub(crate) const MAX_ERRORS: usize = 100;

/// What could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Repository or image; empty for the registry as a whole.
    pub image: String,
    /// Why, for people.
    pub error: String,
}

/// What came of a listing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ListResult {
    /// Repositories that were looked at.
    pub(crate) repositories: u64,
    /// Images wanted.
    pub(crate) images: u64,
    /// When the listing was complete.
    #[serde(default)]
    pub(crate) listed: Millis,
    /// What could not be listed, the first of them.
    #[serde(default)]
    pub(crate) errors: Vec<RunError>,
    /// How many more there were.
    #[serde(default)]
    pub(crate) errors_left_out: u64,
}

impl ListResult {
    fn fail(&mut self, image: String, error: &impl std::fmt::Display) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(RunError { image, error: error.to_string() });
        } else {
            self.errors_left_out += 1;
        }
    }
}

/// A listing under way.
struct Listing<'a> {
    app: &'a Arc<App>,
    run: &'a Run,
    remote: Remote,
    /// What references call the registry.
    name: String,
    settings: RegistrySettings,
    wanted: Wanted,
    result: ListResult,
}

/// Runs the job.
pub(crate) async fn run(app: &Arc<App>, run: &Run, job: ListRegistryJob) -> Result<Outcome> {
    let (remote, name) = app.registries().connect(&run.scope, job.registry).await?;
    let registry = app.store.read().await?.registry(&run.scope, &job.registry).await?;
    let settings = registry.ok_or_else(|| Error::NotFound("registry".to_owned()))?.settings;
    let wanted = match &job.plan {
        Some(plan) => Wanted::of_plan(plan)?,
        None => Wanted::of_selection(&settings.selection),
    };
    let mut listing = Listing { app, run, remote, name, settings, wanted, result: ListResult::default() };
    let images = listing.images().await?;
    listing.result.images = images.len() as u64;
    // Recorded time, like all other instants of a job.
    listing.result.listed = run.begin(app).await?.recorded();
    let Listing { settings, result, .. } = listing;
    for batch in images.chunks(BATCH) {
        enqueue(app, run, &job, &settings.platform, batch).await?;
    }
    let result = serde_json::to_value(&result).map_err(Error::internal)?;
    Ok(Outcome { tx: run.begin(app).await?, result })
}

async fn enqueue(
    app: &App,
    run: &Run,
    job: &ListRegistryJob,
    platform: &str,
    images: &[String],
) -> Result<()> {
    let mut tx = run.begin(app).await?;
    for image in images {
        let scan = ScanImageJob {
            registry: Some(job.registry),
            image: image.clone(),
            platform: platform.to_owned(),
            force: job.force,
        };
        let dedup_key = scan.dedup_key();
        tx.enqueue(&NewJob {
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
    }
    tx.commit().await?;
    app.jobs().wake();
    Ok(())
}

impl Listing<'_> {
    /// `repository:tag` of everything wanted. When no repository could be listed, the last reason is
    /// the job's.
    async fn images(&mut self) -> Result<Vec<String>> {
        let mut images = Vec::new();
        let repositories = self.repositories().await?;
        let (mut listed, mut last) = (0, None);
        for repository in &repositories {
            if self.run.progress.is_cancelled() {
                return Err(Error::Conflict("the job was cancelled".to_owned()));
            }
            match self.tags(repository).await {
                Ok(tags) => {
                    listed += 1;
                    images.extend(tags.into_iter().map(|tag| format!("{repository}:{tag}")));
                }
                Err(Error::Fetch(error)) => {
                    self.result.fail(repository.clone(), &error);
                    last = Some(error);
                }
                Err(other) => return Err(other),
            }
        }
        self.result.repositories = repositories.len() as u64;
        match last {
            Some(error) if listed == 0 => Err(error.into()),
            _ => Ok(images),
        }
    }

    /// The wanted repositories. Those that are named need no list; where a registry offers none,
    /// they are all there is.
    async fn repositories(&mut self) -> Result<Vec<String>> {
        if let Some(named) = self.wanted.named() {
            return Ok(named.into_iter().filter(|name| self.wanted.takes_of(name)).collect());
        }
        let names = self.wanted.names();
        let (project, connectors) = (self.run.project(), self.app.connectors());
        let own = connectors.ecr_repositories(project, &self.settings, MAX_REPOSITORIES).await?;
        let found = match own {
            Some(all) => Ok(all),
            None => self.remote.repositories().all(MAX_REPOSITORIES).await,
        };
        match found {
            Ok(mut all) => {
                all.retain(|repository| self.wanted.takes_of(repository));
                let mut missing: Vec<String> = names.into_iter().filter(|name| !all.contains(name)).collect();
                all.append(&mut missing);
                Ok(all)
            }
            Err(error) if no_catalogue(&error) && !names.is_empty() => {
                let why = format!("only named repositories were read, the registry lists none: {error}");
                self.result.fail(String::new(), &why);
                Ok(names.into_iter().collect())
            }
            Err(error) if no_catalogue(&error) => Err(Error::Conflict(format!(
                "the registry offers no list of its repositories, so they must be named: {error}"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// The wanted tags of a repository.
    async fn tags(&mut self, repository: &str) -> Result<Vec<String>> {
        let observed = self.app.now();
        let tags = match self.remote.tags(repository)?.all(MAX_TAGS).await {
            Ok(tags) => tags,
            // A repository whose last tag was deleted may be listed and yet be gone.
            Err(error @ FetchError::NotFound { .. }) => {
                if self.wanted.names().contains(repository) {
                    self.result.fail(repository.to_owned(), &error);
                }
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        let mut tx = self.run.begin(self.app).await?;
        let shown: Vec<&str> = tags.iter().map(String::as_str).collect();
        tx.retire_references(self.run.project(), &self.name, repository, &shown, observed).await?;
        tx.commit().await?;
        let wanted = |tag: String| Some((self.wanted.takes(repository, &tag)?, tag));
        let taken: Vec<(u16, String)> = tags.into_iter().filter_map(wanted).collect();
        if self.wanted.newest().is_none() && taken.iter().all(|(days, _)| *days == 0) {
            return Ok(taken.into_iter().map(|(_, tag)| tag).collect());
        }
        self.by_age(repository, taken, observed).await
    }

    /// Those tags whose images are young enough, the newest first and as many as are wanted.
    async fn by_age(
        &mut self,
        repository: &str,
        tags: Vec<(u16, String)>,
        now: Millis,
    ) -> Result<Vec<String>> {
        let mut dated = Vec::with_capacity(tags.len());
        for (days, tag) in tags {
            match self.built(repository, &tag).await {
                Ok(0) if days > 0 => self.result.fail(
                    format!("{repository}:{tag}"),
                    &"it does not say when it was built, so its age is not known",
                ),
                Ok(built) if days > 0 && built < now - Millis::from(days) * DAY => {}
                Ok(built) => dated.push((built, tag)),
                Err(Error::Fetch(error)) => self.result.fail(format!("{repository}:{tag}"), &error),
                Err(other) => return Err(other),
            }
        }
        dated.sort_unstable_by(|a, b| b.cmp(a));
        dated.truncate(self.wanted.newest().unwrap_or(usize::MAX));
        Ok(dated.into_iter().map(|(_, tag)| tag).collect())
    }

    /// When the image of a tag was built; asked of the registry only for an image not seen before.
    async fn built(&self, repository: &str, tag: &str) -> Result<Millis> {
        let platform = crate::scan::parse_platform(&self.settings.platform)?;
        let digest = self.remote.digest(repository, tag).await?;
        if let Some(built) = self.built_before(&digest, &platform).await? {
            return Ok(built);
        }
        let image = self.remote.describe(repository, &digest.to_string(), &platform).await?;
        Ok(image.facts.created)
    }

    async fn built_before(&self, digest: &Digest, platform: &Platform) -> Result<Option<Millis>> {
        let mut session = self.app.store.read().await?;
        let Some(no) = session.find_image(self.run.project(), digest).await? else { return Ok(None) };
        let facts = session.asset(no).await?.map(|asset| asset.image_facts);
        Ok(facts.filter(|facts| facts.platform == platform.to_string()).map(|facts| facts.created))
    }
}

/// Whether an answer to the list of repositories means that there is none for us.
fn no_catalogue(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::NotFound { .. }
            | FetchError::Forbidden { .. }
            | FetchError::CredentialsNeeded { .. }
            | FetchError::CredentialsRefused { .. }
            | FetchError::UnexpectedStatus { .. }
    )
}
