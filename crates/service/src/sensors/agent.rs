//! The sensor itself: reads its host, asks its engine, reports to its server. `parapet sensor` runs
//! it over HTTP, `parapet serve --sensor` inside the server.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use parapet_catalog::oci::Platform;
use parapet_catalog::{Limits, NoCache, image::archive, rootfs, scan_layers};
use parapet_fetch::{Client, Engine};
use parapet_model::sensor::{
    EngineImage, EngineReport, HostReport, ImageContent, Registration, ReportAnswer, SensorKind,
    SensorReport, SensorSettings,
};
use parapet_model::{Clock, Millis, Principal};
use serde::Serialize;
use uuid::Uuid;

use super::exclusions::Exclusions;
use super::oscap::Checklist;
use super::scanner;
use super::work::{Work, WorkAnswer, WorkReport};
use crate::app::App;
use crate::error::{Error, Result};

/// Milliseconds of an hour.
const HOUR: Millis = 3_600_000;

/// The server of a sensor, near or far.
pub trait Upstream: Send + Sync {
    /// See [`super::Sensors::register`].
    fn register(&self, new: &Registration) -> impl Future<Output = Result<SensorSettings>> + Send;
    /// See [`super::Sensors::check_in`].
    fn check_in(&self, sensor: Uuid) -> impl Future<Output = Result<SensorSettings>> + Send;
    /// See [`super::Sensors::report`].
    fn report(&self, report: &SensorReport) -> impl Future<Output = Result<ReportAnswer>> + Send;
    /// See [`super::Sensors::claim`].
    fn claim(&self, sensor: Uuid) -> impl Future<Output = Result<Option<Work>>> + Send;
    /// See [`super::Sensors::worked`].
    fn worked(&self, report: &WorkReport) -> impl Future<Output = Result<WorkAnswer>> + Send;
    /// Sends a results document of the sensor's own host; what it turned out to be. See
    /// [`crate::compliance::Compliance::import_of_sensor`].
    fn results(&self, sensor: Uuid, file: &Path) -> impl Future<Output = Result<String>> + Send;
}

/// The sensor built into the server: its upstream is the application itself.
#[derive(Debug, Clone)]
pub struct BuiltIn {
    /// The application.
    pub app: Arc<App>,
    /// In whose project it reports.
    pub who: Principal,
}

impl Upstream for BuiltIn {
    async fn register(&self, new: &Registration) -> Result<SensorSettings> {
        self.app.sensors().register(&self.who, new.clone()).await
    }

    async fn check_in(&self, sensor: Uuid) -> Result<SensorSettings> {
        self.app.sensors().check_in(&self.who, sensor).await
    }

    async fn report(&self, report: &SensorReport) -> Result<ReportAnswer> {
        self.app.sensors().report(&self.who, report.clone()).await
    }

    async fn claim(&self, sensor: Uuid) -> Result<Option<Work>> {
        self.app.sensors().claim(&self.who, sensor).await
    }

    async fn worked(&self, report: &WorkReport) -> Result<WorkAnswer> {
        self.app.sensors().worked(&self.who, report.clone()).await
    }

    async fn results(&self, sensor: Uuid, file: &Path) -> Result<String> {
        let report = self.app.compliance().import_of_sensor(&self.who, sensor, file).await?;
        Ok(report.evaluations.first().map_or("", |evaluation| evaluation.outcome).to_owned())
    }
}

/// What a sensor looks at.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// Root file system of the host.
    pub root: PathBuf,
    /// Socket of its engine, if it has one.
    pub socket: Option<PathBuf>,
    /// Name for people; the host name when empty.
    pub name: String,
    /// What it is for. One for registries reads neither its host nor its engine.
    pub kind: SensorKind,
    /// Asks registries; without it no registry is scanned. The one built into the server has none:
    /// its registries are scanned by the server's own jobs.
    pub client: Option<Client>,
    /// What its host is evaluated against, if anything.
    pub checklist: Option<Checklist>,
}

/// What a round did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Round {
    /// A blackout window holds: nothing was read.
    pub blackout: bool,
    /// What became of the host; empty when it was not due.
    pub host: String,
    /// Containers reported.
    pub containers: usize,
    /// Containers that were gone.
    pub deleted: usize,
    /// Images whose content was reported.
    pub images: usize,
    /// Registries that were listed.
    pub registries: usize,
    /// Images of registries that were looked at.
    pub registry_images: usize,
    /// What became of the results of the checklist: `newest`, `older`, `seen`; empty when there is none or
    /// it was not due.
    pub checklist: String,
    /// What could not be done, and why; the rest was.
    pub problems: Vec<String>,
}

/// A sensor.
#[derive(Debug)]
pub struct Agent<U> {
    upstream: U,
    options: AgentOptions,
    clock: Arc<dyn Clock>,
    engine: Option<Engine>,
    settings: Option<SensorSettings>,
    host_read: Option<Millis>,
    /// Number of the newest wish that was fulfilled.
    looked_for: u32,
    /// Images that could not be read, and when that was tried: not again before the host is due.
    unreadable: HashMap<String, Millis>,
}

impl<U: Upstream> Agent<U> {
    /// A sensor that has not done anything yet.
    ///
    /// # Errors
    /// [`Error::Fetch`] when the socket cannot be used at all.
    pub fn new(upstream: U, options: AgentOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let engine = options.socket.as_deref().map(Engine::new).transpose()?;
        let unreadable = HashMap::new();
        Ok(Self {
            upstream,
            options,
            clock,
            engine,
            settings: None,
            host_read: None,
            looked_for: 0,
            unreadable,
        })
    }

    /// Seconds until the next round, as the server wants it.
    pub fn wait_seconds(&self) -> u32 {
        self.settings.as_ref().map_or(parapet_model::sensor::CHECK_IN_SECONDS, |s| s.check_in_seconds)
    }

    /// Checks in, and looks at whatever is due. Problems with the engine or an image do not keep the
    /// rest from being reported.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses; the next round begins anew.
    pub async fn round(&mut self) -> Result<Round> {
        let settings = self.hear().await?;
        let now = self.clock.now();
        let mut round = Round::default();
        if settings.blackouts.iter().any(|window| window.contains(now)) {
            return Ok(Round { blackout: true, ..round });
        }
        if self.options.kind != SensorKind::Registry {
            self.look(&settings, now, &mut round).await?;
        }
        if let Some(client) = self.options.client.as_ref().filter(|_| settings.registries > 0) {
            let parallel = usize::try_from(settings.concurrent_scans).unwrap_or(1);
            let clock = self.clock.as_ref();
            let done = scanner::work(&self.upstream, client, clock, settings.sensor, parallel).await;
            (round.registries, round.registry_images) = (done.listings, done.images);
            round.problems.extend(done.problems);
        }
        Ok(round)
    }

    /// Looks at host and engine as far as they are due, and reports.
    async fn look(&mut self, settings: &SensorSettings, now: Millis, round: &mut Round) -> Result<()> {
        let interval = Millis::from(settings.interval_hours) * HOUR;
        let due = self.host_read.is_none_or(|read| now >= read.saturating_add(interval))
            || settings.look_wanted > self.looked_for;
        let host = if due { self.host(round).await } else { None };
        let engine = self.engine(settings, round).await?;
        let images = engine.as_ref().map(|seen| seen.images.clone()).unwrap_or_default();
        let sensor = settings.sensor;
        let read = host.is_some();
        let report = SensorReport { sensor, observed: now, host, engine, contents: Vec::new() };
        let answer = self.upstream.report(&report).await?;
        if read {
            self.host_read = Some(now);
            self.looked_for = settings.look_wanted;
        }
        (round.host, round.containers, round.deleted) = (answer.host, answer.containers, answer.deleted);
        round.problems.extend(answer.refused);
        self.unreadable.retain(|_, tried| now < tried.saturating_add(interval));
        let wanted = images.into_iter().filter(|image| answer.wanted.contains(&image.id));
        let wanted = wanted.filter(|image| !self.unreadable.contains_key(&image.id)).collect();
        self.contents(settings, wanted, now, round).await?;
        if due {
            self.checklist(sensor, round).await;
        }
        Ok(())
    }

    /// Has the host evaluated and sends what came of it.
    async fn checklist(&self, sensor: Uuid, round: &mut Round) {
        let Some(checklist) = &self.options.checklist else { return };
        let sent = match checklist.run(&self.options.root).await {
            Ok(results) => self.upstream.results(sensor, results.path()).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(outcome) => round.checklist = outcome,
            Err(error) => round.problems.push(format!("checklist {}: {error}", checklist.profile)),
        }
    }

    /// Registers the first time, and again when the server no longer knows this sensor.
    async fn hear(&mut self) -> Result<SensorSettings> {
        if let Some(known) = &self.settings {
            match self.upstream.check_in(known.sensor).await {
                Err(Error::NotFound(_) | Error::Fetch(parapet_fetch::FetchError::NotFound { .. })) => {}
                heard => return Ok(self.settings.insert(heard?).clone()),
            }
        }
        let registration = self.registration().await?;
        let settings = self.upstream.register(&registration).await?;
        Ok(self.settings.insert(settings).clone())
    }

    async fn registration(&self) -> Result<Registration> {
        let root = self.options.root.clone();
        let host = tokio::task::spawn_blocking(move || rootfs::host_facts(&root)).await?;
        let engine = match &self.engine {
            // An engine that does not answer now may do so later.
            Some(engine) => engine.version().await.unwrap_or_default(),
            None => String::new(),
        };
        if host.identity.is_empty() {
            let root = self.options.root.display();
            return Err(Error::Invalid(format!("{root} has neither a machine id nor a host name")));
        }
        Ok(Registration {
            identity: host.identity,
            name: self.options.name.clone(),
            hostname: host.hostname,
            os: std::env::consts::OS.to_owned(),
            platform: Platform::default().to_string(),
            addresses: host.facts.addresses,
            engine,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kind: self.options.kind,
            ..Registration::default()
        })
    }

    async fn host(&self, round: &mut Round) -> Option<HostReport> {
        let root = self.options.root.clone();
        match tokio::task::spawn_blocking(move || read_host(&root)).await {
            Ok(Ok(host)) => Some(host),
            Ok(Err(error)) => {
                round.problems.push(error.to_string());
                None
            }
            Err(error) => {
                round.problems.push(error.to_string());
                None
            }
        }
    }

    /// What the engine has, less what the profile leaves out. `None` when it does not answer: then
    /// nothing is known to be gone.
    async fn engine(&self, settings: &SensorSettings, round: &mut Round) -> Result<Option<EngineReport>> {
        let Some(engine) = &self.engine else { return Ok(None) };
        let exclusions = Exclusions::new(&settings.image_exclusions)?;
        match engine.list().await {
            Ok((mut images, mut containers)) => {
                exclusions.apply(&mut images, &mut containers);
                Ok(Some(EngineReport { images, containers }))
            }
            Err(error) => {
                round.problems.push(error.to_string());
                Ok(None)
            }
        }
    }

    /// Reads images, several at a time, and reports each as soon as it is read.
    async fn contents(
        &mut self,
        settings: &SensorSettings,
        wanted: Vec<EngineImage>,
        now: Millis,
        round: &mut Round,
    ) -> Result<()> {
        let Some(engine) = self.engine.clone() else { return Ok(()) };
        let reads = stream::iter(wanted).map(|image| {
            let engine = engine.clone();
            async move {
                let read = read_image(&engine, &image).await;
                (image.id, read)
            }
        });
        let parallel = usize::try_from(settings.concurrent_scans).unwrap_or(1).max(1);
        let mut reads = std::pin::pin!(reads.buffer_unordered(parallel));
        while let Some((id, read)) = reads.next().await {
            let reported = match read {
                Ok(content) => {
                    let (sensor, contents) = (settings.sensor, vec![content]);
                    let report = SensorReport { sensor, observed: now, host: None, engine: None, contents };
                    self.upstream.report(&report).await
                }
                Err(error) => Err(error),
            };
            match reported {
                Ok(answer) => round.images += answer.contents,
                Err(error) => {
                    round.problems.push(format!("image {id}: {error}"));
                    self.unreadable.insert(id, now);
                }
            }
        }
        Ok(())
    }
}

fn read_host(root: &Path) -> Result<HostReport> {
    let inventory = rootfs::read(root, &Limits::default())
        .map_err(|e| Error::Invalid(format!("rootfs:{}: {e}", root.display())))?;
    let host = rootfs::host_facts(root);
    Ok(HostReport { name: host.hostname, facts: host.facts, inventory })
}

async fn read_image(engine: &Engine, image: &EngineImage) -> Result<ImageContent> {
    let file = engine.export(&image.id).await?;
    let name = image.names.first().unwrap_or(&image.id).clone();
    let digests = image.digests.clone();
    tokio::task::spawn_blocking(move || read_archive(file, name, digests)).await?
}

fn read_archive(file: File, name: String, digests: Vec<parapet_model::Digest>) -> Result<ImageContent> {
    let limits = Limits::default();
    let unreadable = |error: &dyn std::fmt::Display| Error::Invalid(format!("{name}: {error}"));
    let (image, archive) =
        archive::open(file, None, &Platform::default(), &limits).map_err(|e| unreadable(&e))?;
    let inventory = scan_layers(&image, |layer| archive.open_layer(layer), &NoCache, &limits)
        .map_err(|e| unreadable(&e))?;
    Ok(ImageContent { config: image.config_digest, facts: image.facts, digests, inventory, name })
}
