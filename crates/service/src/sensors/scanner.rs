//! A sensor's side of registry scans: takes jobs from its server, asks the registry itself, and says
//! what it found. Nothing is kept between jobs but what was read of layers lately.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use parapet_catalog::layer::LayerContents;
use parapet_catalog::{LayerCache, Limits};
use parapet_fetch::{Client, Credentials, Registry as Remote, RegistryOptions, SharedLayerCache};
use parapet_model::sensor::ImageContent;
use parapet_model::{Clock, Digest, Millis};
use uuid::Uuid;

use super::agent::Upstream;
use super::exclusions::Exclusions;
use super::work::{ScannedImage, Task, Work, WorkOutcome, WorkPlace, WorkReport};
use crate::error::{Error, Result};
use crate::registries::walk::{Keeper, ListedRepository, Walk, WalkEnd};
use crate::registries::wanted::Wanted;

/// Time between two words about a job that takes long.
const BUSY: Duration = Duration::from_secs(30);
/// Tags said at once.
const MAX_SAID: usize = 5_000;
/// Layers remembered while there is work.
const MAX_LAYERS: usize = 256;

/// What was read of layers lately: images of one registry share many.
#[derive(Debug, Default)]
struct RecentLayers(Mutex<HashMap<Digest, Arc<LayerContents>>>);

impl LayerCache for RecentLayers {
    fn get(&self, layer: &Digest) -> Option<Arc<LayerContents>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(layer).cloned()
    }

    fn put(&self, layer: &Digest, contents: &Arc<LayerContents>) {
        let mut layers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if layers.len() >= MAX_LAYERS {
            layers.clear();
        }
        layers.insert(*layer, contents.clone());
    }
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Registries that were listed.
    pub(super) listings: usize,
    /// Images that were looked at.
    pub(super) images: usize,
    /// What could not be done, and why.
    pub(super) problems: Vec<String>,
}

/// Does what there is to do, up to `parallel` jobs at a time, until the server has no more.
pub(super) async fn work<U: Upstream>(
    upstream: &U,
    client: &Client,
    clock: &dyn Clock,
    sensor: Uuid,
    parallel: usize,
) -> Done {
    let layers: SharedLayerCache = Arc::new(RecentLayers::default());
    let hand = async || {
        let mut done = Done::default();
        loop {
            let work = match upstream.claim(sensor).await {
                Ok(Some(work)) => work,
                Ok(None) => return done,
                Err(error) => {
                    done.problems.push(error.to_string());
                    return done;
                }
            };
            let job = Job { upstream, client, clock, sensor, work: &work, layers: &layers };
            match job.run().await {
                Ok(()) if matches!(work.task, Task::List { .. }) => done.listings += 1,
                Ok(()) => done.images += 1,
                Err(error) => done.problems.push(format!("{}: {error}", job.what())),
            }
        }
    };
    let mut all = Done::default();
    for done in join_all((0..parallel.max(1)).map(|_| hand())).await {
        all.listings += done.listings;
        all.images += done.images;
        all.problems.extend(done.problems);
    }
    all
}

/// One job.
struct Job<'a, U> {
    upstream: &'a U,
    client: &'a Client,
    clock: &'a dyn Clock,
    sensor: Uuid,
    work: &'a Work,
    layers: &'a SharedLayerCache,
}

impl<U: Upstream> Job<'_, U> {
    fn what(&self) -> String {
        let registry = &self.work.registry.endpoint;
        match &self.work.task {
            Task::List { .. } => registry.clone(),
            Task::Scan { repository, tag, .. } => format!("{registry} {repository}:{tag}"),
        }
    }

    /// Whether to go on.
    async fn say(&self, outcome: WorkOutcome) -> Result<bool> {
        let Work { job, attempt, .. } = *self.work;
        let report = WorkReport { sensor: self.sensor, job, attempt, outcome };
        Ok(self.upstream.worked(&report).await?.go_on)
    }

    /// Does it, and says why when it cannot be done.
    async fn run(&self) -> Result<()> {
        let task = async {
            match &self.work.task {
                Task::List { .. } => self.list().await,
                Task::Scan { .. } => self.scan().await,
            }
        };
        let result = tokio::select! {
            result = task => result,
            () = self.keep() => return Ok(()),
        };
        if let Err(error) = &result {
            self.say(WorkOutcome::Failed { error: error.to_string(), transient: error.is_transient() })
                .await?;
        }
        result
    }

    /// Says now and then that the job is being done; ends when it is not to be.
    async fn keep(&self) {
        loop {
            tokio::time::sleep(BUSY).await;
            // A server that cannot be reached now may be later.
            if let Ok(false) = self.say(WorkOutcome::Busy).await {
                return;
            }
        }
    }

    fn remote(&self) -> Result<Remote> {
        let WorkPlace { endpoint, plain_http, ca_pem, token_hosts, user, secret, .. } = &self.work.registry;
        let credentials = Credentials { user: user.clone(), secret: secret.clone() };
        Ok(Remote::new(
            self.client,
            RegistryOptions {
                endpoint: endpoint.clone(),
                plain_http: *plain_http,
                authority: Some(ca_pem.clone().into_bytes()).filter(|pem| !pem.is_empty()),
                credentials: Some(credentials).filter(|_| !user.is_empty()),
                login: None,
                token_hosts: token_hosts.clone(),
            },
        )?)
    }

    async fn list(&self) -> Result<()> {
        let Task::List { plan, selection, known, exclusions } = &self.work.task else { return Ok(()) };
        let wanted = match plan {
            Some(plan) => Wanted::of_plan(plan)?,
            None => Wanted::of_selection(selection),
        };
        let remote = self.remote()?;
        let mut walk = Walk {
            remote: &remote,
            clock: self.clock,
            wanted,
            platform: crate::scan::parse_platform(&self.work.registry.platform)?,
            known: known.clone(),
            exclusions: Exclusions::new(exclusions)?,
            keeper: Teller { job: self, said: Vec::new(), tags: 0, stopped: false },
            end: WalkEnd::default(),
        };
        walk.run().await?;
        walk.keeper.tell().await?;
        let end = walk.end;
        self.say(WorkOutcome::ListEnded(end)).await.map(drop)
    }

    async fn scan(&self) -> Result<()> {
        let Task::Scan { repository, tag, force, exclusions } = &self.work.task else { return Ok(()) };
        let remote = self.remote()?;
        if Exclusions::new(exclusions)?.match_reference(remote.name(), repository, tag) {
            return Err(Error::Conflict("the sensor's profile leaves this image out".to_owned()));
        }
        let observed = self.clock.now();
        if !force && !tag.starts_with("sha256:") {
            let digest = remote.digest(repository, tag).await?;
            if !self.say(WorkOutcome::Found(digest)).await? {
                return Ok(());
            }
        }
        let platform = crate::scan::parse_platform(&self.work.registry.platform)?;
        let image = remote.describe(repository, tag, &platform).await?;
        let inventory = remote.read_layers(repository, &image, self.layers, &Limits::default()).await?;
        let inventory = remote.add_attached(repository, &image, inventory).await;
        let content = ImageContent {
            name: format!("{}/{repository}:{tag}", remote.name()),
            config: image.config_digest,
            digests: Vec::new(),
            facts: image.facts,
            inventory,
        };
        let scanned = ScannedImage { content, observed };
        self.say(WorkOutcome::Scanned(Box::new(scanned))).await.map(drop)
    }
}

/// Tells the server what is listed, some repositories at a time.
struct Teller<'a, U> {
    job: &'a Job<'a, U>,
    said: Vec<ListedRepository>,
    tags: usize,
    stopped: bool,
}

impl<U: Upstream> Teller<'_, U> {
    async fn tell(&mut self) -> Result<()> {
        self.tags = 0;
        let said = std::mem::take(&mut self.said);
        if !said.is_empty() && !self.job.say(WorkOutcome::Listed(said)).await? {
            self.stopped = true;
        }
        Ok(())
    }
}

impl<U: Upstream> Keeper for Teller<'_, U> {
    fn is_cancelled(&self) -> bool {
        self.stopped
    }

    async fn built(&mut self, _: &Digest) -> Result<Option<Millis>> {
        Ok(None)
    }

    async fn listed(&mut self, found: ListedRepository) -> Result<()> {
        self.tags += found.tags.len() + 1;
        self.said.push(found);
        if self.tags >= MAX_SAID { self.tell().await } else { Ok(()) }
    }
}
