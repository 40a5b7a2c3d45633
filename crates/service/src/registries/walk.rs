//! The walk through a registry that a listing makes: repositories, tags, ages. The server makes it in
//! a job, a sensor for one; whoever keeps the facts is behind [`Keeper`].

use std::future::Future;

use parapet_catalog::oci::Platform;
use parapet_fetch::{FetchError, Registry as Remote};
use parapet_model::time::DAY;
use parapet_model::{Clock, Digest, Millis};
use serde::{Deserialize, Serialize};

use super::wanted::Wanted;
use crate::error::{Error, Result};
use crate::sensors::Exclusions;

/// Most repositories of one listing.
pub(crate) const MAX_REPOSITORIES: usize = 100_000;
/// Most tags of one repository.
const MAX_TAGS: usize = 100_000;
/// Most images wanted of one listing: a registry can name more than anybody would scan.
const MAX_IMAGES: usize = 500_000;
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

/// What came of a walk beside what its keeper heard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WalkEnd {
    /// Repositories that were looked at.
    #[serde(default)]
    pub repositories: u64,
    /// What could not be listed, the first of them.
    #[serde(default)]
    pub errors: Vec<RunError>,
    /// How many more there were.
    #[serde(default)]
    pub errors_left_out: u64,
}

impl WalkEnd {
    fn fail(&mut self, image: String, error: &impl std::fmt::Display) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(RunError { image, error: error.to_string() });
        } else {
            self.errors_left_out += 1;
        }
    }
}

/// A repository as it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedRepository {
    /// Name.
    pub name: String,
    /// All its tags; none when it is gone.
    pub tags: Vec<String>,
    /// The tags to scan.
    pub wanted: Vec<String>,
    /// When it was looked at.
    pub observed: Millis,
}

/// Who keeps what the walk finds, and knows what was found before.
pub(crate) trait Keeper {
    /// Whether to stop.
    fn is_cancelled(&self) -> bool;
    /// When the image behind a manifest was built, if that is known.
    fn built(&mut self, manifest: &Digest) -> impl Future<Output = Result<Option<Millis>>> + Send;
    /// Takes a repository.
    fn listed(&mut self, repository: ListedRepository) -> impl Future<Output = Result<()>> + Send;
}

/// A walk under way.
pub(crate) struct Walk<'a, K> {
    pub(crate) remote: &'a Remote,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) wanted: Wanted,
    pub(crate) platform: Platform,
    /// The repositories by a list that is not the registry's own.
    pub(crate) known: Option<Vec<String>>,
    /// Images left out by name.
    pub(crate) exclusions: Exclusions,
    pub(crate) keeper: K,
    pub(crate) end: WalkEnd,
}

impl<K: Keeper> Walk<'_, K> {
    /// Lists everything. When no repository could be listed, the last reason is the walk's.
    pub(crate) async fn run(&mut self) -> Result<()> {
        let repositories = self.repositories().await?;
        self.end.repositories = repositories.len() as u64;
        let (mut listed, mut last, mut room) = (0, None, MAX_IMAGES);
        for repository in repositories {
            if self.keeper.is_cancelled() {
                return Err(Error::Conflict("the job was cancelled".to_owned()));
            }
            match self.tags(&repository).await {
                Ok(mut found) => {
                    listed += 1;
                    if found.wanted.len() > room {
                        let why =
                            format!("a listing takes at most {MAX_IMAGES} images; the others were left out");
                        self.end.fail(repository, &why);
                        found.wanted.truncate(room);
                    }
                    room -= found.wanted.len();
                    self.keeper.listed(found).await?;
                }
                Err(Error::Fetch(error)) => {
                    self.end.fail(repository, &error);
                    last = Some(error);
                }
                Err(other) => return Err(other),
            }
        }
        match last {
            Some(error) if listed == 0 => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The wanted repositories. Those that are named need no list; where a registry offers none,
    /// they are all there is.
    async fn repositories(&mut self) -> Result<Vec<String>> {
        if let Some(named) = self.wanted.named() {
            return Ok(named.into_iter().filter(|name| self.wanted.takes_of(name)).collect());
        }
        let names = self.wanted.names();
        let found = match self.known.take() {
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
                self.end.fail(String::new(), &why);
                Ok(names.into_iter().collect())
            }
            Err(error) if no_catalogue(&error) => Err(Error::Conflict(format!(
                "the registry offers no list of its repositories, so they must be named: {error}"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// A repository with its wanted tags.
    async fn tags(&mut self, repository: &str) -> Result<ListedRepository> {
        let observed = self.clock.now();
        let tags = match self.remote.tags(repository)?.all(MAX_TAGS).await {
            Ok(tags) => tags,
            // A repository whose last tag was deleted may be listed and yet be gone.
            Err(error @ FetchError::NotFound { .. }) => {
                if self.wanted.names().contains(repository) {
                    self.end.fail(repository.to_owned(), &error);
                }
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        let taken: Vec<(u16, String)> = tags
            .iter()
            .filter(|tag| !self.exclusions.match_reference(self.remote.name(), repository, tag))
            .filter_map(|tag| Some((self.wanted.takes(repository, tag)?, tag.clone())))
            .collect();
        let wanted = if self.wanted.newest().is_none() && taken.iter().all(|(days, _)| *days == 0) {
            taken.into_iter().map(|(_, tag)| tag).collect()
        } else {
            self.by_age(repository, taken, observed).await?
        };
        Ok(ListedRepository { name: repository.to_owned(), tags, wanted, observed })
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
                Ok(0) if days > 0 => self.end.fail(
                    format!("{repository}:{tag}"),
                    &"it does not say when it was built, so its age is not known",
                ),
                Ok(built) if days > 0 && built < now - Millis::from(days) * DAY => {}
                Ok(built) => dated.push((built, tag)),
                Err(Error::Fetch(error)) => self.end.fail(format!("{repository}:{tag}"), &error),
                Err(other) => return Err(other),
            }
        }
        dated.sort_unstable_by(|a, b| b.cmp(a));
        dated.truncate(self.wanted.newest().unwrap_or(usize::MAX));
        Ok(dated.into_iter().map(|(_, tag)| tag).collect())
    }

    /// When the image of a tag was built; asked of the registry only for an image not seen before.
    async fn built(&mut self, repository: &str, tag: &str) -> Result<Millis> {
        let manifest = self.remote.digest(repository, tag).await?;
        if let Some(built) = self.keeper.built(&manifest).await? {
            return Ok(built);
        }
        let image = self.remote.describe(repository, &manifest.to_string(), &self.platform).await?;
        Ok(image.facts.created)
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
