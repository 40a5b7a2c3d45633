//! Scans of registries, handed out to sensors and taken back.
//!
//! A sensor gets a job as a worker of the server does: with a lease, and an attempt that every later
//! word must show. What it is given to sign in with is what that one registry takes, and only while
//! its profile names the registry; a cloud's role or key never leaves the server, only the password
//! of some hours that comes of it. What it says is bounded and recorded as the server's own scans
//! are, for the one who asked for the scan.

use std::fmt;

use parapet_model::asset::Reference;
use parapet_model::sensor::ImageContent;
use parapet_model::{Digest, Millis, Principal, Scope};
use parapet_store::jobs::{Beat, ClaimedJob};
use parapet_store::registries::Selection;
use parapet_store::schedules::ScanPlan;
use parapet_store::sensors::{Profile, Sensor};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{MAX_LISTED, Sensors, bounds};
use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::payload::{Payload, ScanImageJob};
use crate::jobs::{Outcome, Run, end_badly, end_failed, end_well, prepare};
use crate::registries::Connected;
use crate::registries::listing::{self, ListResult};
use crate::registries::walk::{ListedRepository, WalkEnd};
use crate::scan::{self, Observed, Subject};

/// How long a sensor may be silent about a job before another gets it.
const LEASE: Millis = 120_000;
/// Attempts at a job that sensors were given and said no more of.
const MAX_ATTEMPTS: u32 = 10;
/// Jobs that are ended for a defect of theirs before a sensor is told that there is none.
const MAX_BROKEN: usize = 20;

/// A job for a sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The job.
    pub job: Uuid,
    /// Which attempt at it.
    pub attempt: u32,
    /// The registry to ask.
    pub registry: WorkPlace,
    /// What to do there.
    pub task: Task,
}

/// A registry, and how to sign in there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkPlace {
    /// Address.
    pub endpoint: String,
    /// May be spoken to without TLS.
    pub plain_http: bool,
    /// Certificates (PEM) of its own authority, or empty.
    pub ca_pem: String,
    /// Hosts on other sites that may issue its tokens.
    pub token_hosts: Vec<String>,
    /// Platform chosen from an index, or empty.
    pub platform: String,
    /// User name, or empty for anonymous.
    pub user: String,
    /// Password or token.
    pub secret: String,
}

impl fmt::Debug for WorkPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WorkPlace");
        shown.field("endpoint", &self.endpoint).field("user", &self.user).finish_non_exhaustive()
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Say which repositories and tags there are, and which are wanted.
    List {
        /// What is wanted; without it what `selection` takes.
        plan: Option<ScanPlan>,
        /// The registry's own selection.
        selection: Selection,
        /// The repositories, where the registry does not list them itself.
        known: Option<Vec<String>>,
        /// Regular expressions; what they find in a name is left out.
        exclusions: Vec<String>,
    },
    /// Read an image.
    Scan {
        /// Repository.
        repository: String,
        /// Tag, or a digest.
        tag: String,
        /// Read it though it is known.
        force: bool,
        /// Regular expressions; what they find in a name is left out.
        exclusions: Vec<String>,
    },
}

/// What a sensor says of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkReport {
    /// Which sensor.
    pub sensor: Uuid,
    /// The job.
    pub job: Uuid,
    /// Which attempt at it.
    pub attempt: u32,
    /// What it says.
    pub outcome: WorkOutcome,
}

/// What came of a job so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkOutcome {
    /// It is being done.
    Busy,
    /// Some repositories; more follow.
    Listed(Vec<ListedRepository>),
    /// All were said.
    ListEnded(WalkEnd),
    /// What the tag points to; the answer says whether that is known.
    Found(Digest),
    /// The image was read.
    Scanned(Box<ScannedImage>),
    /// It could not be done.
    Failed {
        /// Why, for people.
        error: String,
        /// Trying again later may help.
        transient: bool,
    },
}

/// An image as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScannedImage {
    /// What is in it.
    pub content: ImageContent,
    /// When the sensor looked, by its clock.
    pub observed: Millis,
}

/// The answer to what a sensor says of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WorkAnswer {
    /// Whether to go on with it. Not when it is done, was cancelled, or somebody else has it.
    pub go_on: bool,
}

const GO_ON: WorkAnswer = WorkAnswer { go_on: true };
const STOP: WorkAnswer = WorkAnswer { go_on: false };

fn worker(sensor: &Sensor) -> String {
    format!("sensor {}", sensor.uuid)
}

impl Sensors<'_> {
    /// The next job for a sensor: the oldest one that asks a registry of its profile. None inside a
    /// blackout window, and none while it has as many as its profile allows.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a sensor of another account.
    pub async fn claim(&self, who: &Principal, id: Uuid) -> Result<Option<Work>> {
        let sensor = self.own(who, id).await?;
        self.check_in(who, id).await?;
        let Some(profile) = self.profile_of(who, &sensor).await? else { return Ok(None) };
        if profile.settings.blackouts.iter().any(|window| window.contains(self.0.now())) {
            return Ok(None);
        }
        let scope = who.scope();
        let registries = self.registries_of(&scope, &profile).await?;
        let most = profile.settings.concurrent_scans.max(1);
        for _ in 0..MAX_BROKEN {
            let claimed = self.0.store.claim_at_sensor(&worker(&sensor), &registries, most, LEASE).await?;
            let Some(claimed) = claimed else { return Ok(None) };
            if claimed.attempt.number > MAX_ATTEMPTS {
                end_failed(self.0, &claimed, "no sensor came to an end with it", false).await?;
                continue;
            }
            match self.work_of(&claimed, &profile).await {
                Ok(work) => return Ok(Some(work)),
                Err(error) => end_badly(self.0, &claimed, &error).await?,
            }
        }
        Ok(None)
    }

    async fn profile_of(&self, who: &Principal, sensor: &Sensor) -> Result<Option<Profile>> {
        let profiles = self.0.store.read().await?.sensor_profiles(who.project, MAX_LISTED).await?;
        Ok(profiles.into_iter().find(|profile| profile.no == sensor.profile))
    }

    async fn registries_of(&self, scope: &Scope, profile: &Profile) -> Result<Vec<u32>> {
        let mut session = self.0.store.read().await?;
        let all = session.registries(scope, 0, u32::MAX).await?;
        let named = |uuid: &Uuid| profile.settings.registries.contains(uuid);
        Ok(all.iter().filter(|registry| named(&registry.uuid)).map(|registry| registry.no).collect())
    }

    async fn work_of(&self, claimed: &ClaimedJob, profile: &Profile) -> Result<Work> {
        let run = prepare(self.0, claimed).await?;
        let exclusions = profile.settings.image_exclusions.clone();
        let (connected, task) = match Payload::parse(&claimed.payload)? {
            Payload::ListRegistry(job) => {
                let connected = self.0.registries().prepare(&run.scope, job.registry).await?;
                let wanted = listing::wanted(&job, &connected)?;
                let known = listing::known(self.0, &run, &connected, &wanted).await?;
                let selection = connected.settings.selection.clone();
                (connected, Task::List { plan: job.plan, selection, known, exclusions })
            }
            Payload::ScanImage(ScanImageJob { registry: Some(registry), image, force, .. }) => {
                let connected = self.0.registries().prepare(&run.scope, registry).await?;
                let (repository, tag) = scan::split_image(&image)?;
                (connected, Task::Scan { repository, tag, force, exclusions })
            }
            _ => return Err(Error::Conflict("that is no work of sensors".to_owned())),
        };
        let registry = place_of(connected).await?;
        Ok(Work { job: claimed.uuid, attempt: claimed.attempt.number, registry, task })
    }

    /// Takes what a sensor says of a job. Said twice, it counts once.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a sensor of another account; [`Error::Invalid`] for what is over its
    /// bounds or does not fit the job.
    pub async fn worked(&self, who: &Principal, report: WorkReport) -> Result<WorkAnswer> {
        let sensor = self.own(who, report.sensor).await?;
        self.check_in(who, sensor.uuid).await?;
        let held = self.0.store.read().await?.job_in_hands(&worker(&sensor), &report.job).await?;
        let Some(claimed) = held.filter(|held| held.attempt.number == report.attempt) else {
            return Ok(STOP);
        };
        let answer = self.take(&claimed, report.outcome).await;
        match answer {
            Err(Error::Store(parapet_store::Error::Fenced(_))) => Ok(STOP),
            other => other,
        }
    }

    async fn take(&self, claimed: &ClaimedJob, outcome: WorkOutcome) -> Result<WorkAnswer> {
        let app = self.0;
        let beat = Beat { attempt: claimed.attempt, done: 0, total: 0 };
        let stopped = app.store.heartbeat(&[beat], app.now() + LEASE).await?;
        if !stopped.is_empty() {
            return Ok(STOP);
        }
        let run = match prepare(app, claimed).await {
            Ok(run) => run,
            Err(error) => {
                end_badly(app, claimed, &error).await?;
                return Ok(STOP);
            }
        };
        let ended = match (outcome, Payload::parse(&claimed.payload)?) {
            (WorkOutcome::Busy, _) => return Ok(GO_ON),
            (WorkOutcome::Failed { error, transient }, _) => {
                end_failed(app, claimed, &error, transient).await?;
                return Ok(STOP);
            }
            (WorkOutcome::Listed(found), Payload::ListRegistry(job)) => {
                bounds::listed(&found)?;
                let connected = app.registries().prepare(&run.scope, job.registry).await?;
                listing::take(app, &run, &job, &connected, &found).await?;
                return Ok(GO_ON);
            }
            (WorkOutcome::ListEnded(end), Payload::ListRegistry(_)) => list_ended(app, &run, end).await?,
            (WorkOutcome::Found(digest), Payload::ScanImage(job)) => {
                match self.found(&run, &job, &digest).await? {
                    Some(outcome) => outcome,
                    None => return Ok(GO_ON),
                }
            }
            (WorkOutcome::Scanned(image), Payload::ScanImage(job)) => {
                self.scanned(&run, &job, *image).await?
            }
            _ => return Err(Error::Invalid("the outcome is not one of that job's kind".to_owned())),
        };
        end_well(app, claimed, ended, beat).await?;
        app.jobs().wake();
        Ok(STOP)
    }

    async fn reference(&self, run: &Run, job: &ScanImageJob) -> Result<Reference> {
        let gone = || Error::NotFound("registry".to_owned());
        let connected = self.0.registries().prepare(&run.scope, job.registry.ok_or_else(gone)?).await?;
        let (repository, tag) = scan::split_image(&job.image)?;
        Ok(Reference { registry: connected.name, repository, tag })
    }

    async fn found(&self, run: &Run, job: &ScanImageJob, digest: &Digest) -> Result<Option<Outcome>> {
        let reference = self.reference(run, job).await?;
        if job.force || reference.tag.starts_with("sha256:") {
            return Ok(None);
        }
        let platform = scan::parse_platform(&job.platform)?;
        scan::unchanged(self.0, run, digest, &reference, &platform).await
    }

    async fn scanned(&self, run: &Run, job: &ScanImageJob, mut image: ScannedImage) -> Result<Outcome> {
        bounds::content(&mut image.content)?;
        let reference = self.reference(run, job).await?;
        // A digest is no tag: such a reference says where the image was found, not what points to it.
        let tag = if reference.tag.starts_with("sha256:") { String::new() } else { reference.tag };
        let reference = Reference { tag, ..reference };
        let ImageContent { config, facts, inventory, .. } = image.content;
        let observed = Observed {
            name: reference.to_string(),
            subject: Subject::Image { config, facts, reference: Some(reference) },
            inventory,
            at: image.observed.min(self.0.now()),
        };
        scan::record_scan(self.0, run, observed).await
    }
}

async fn list_ended(app: &App, run: &Run, mut end: WalkEnd) -> Result<Outcome> {
    bounds::walk_end(&mut end)?;
    let images = app.store.read().await?.job_progress(run.no()).await?.total();
    let tx = run.begin(app).await?;
    let listed = tx.recorded();
    let result = serde_json::to_value(ListResult { images, listed, end }).map_err(Error::internal)?;
    Ok(Outcome { tx, result })
}

/// What a sensor is told of a registry.
async fn place_of(connected: Connected) -> Result<WorkPlace> {
    let credentials = connected.sign_in.now().await?;
    let (user, secret) = credentials.map_or_else(Default::default, |own| (own.user, own.secret));
    let settings = connected.settings;
    Ok(WorkPlace {
        endpoint: settings.endpoint,
        plain_http: settings.plain_http,
        ca_pem: settings.ca_pem,
        token_hosts: settings.token_hosts,
        platform: settings.platform,
        user,
        secret,
    })
}
