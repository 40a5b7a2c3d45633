//! What a sensor saw becomes facts: its host, the containers of its engine, what is in images.
//!
//! A sensor says who it is and no more: the host it may speak of is the one it registered, and a
//! container that another sensor's engine has is not taken from there.

use std::collections::BTreeSet;

use parapet_model::asset::{AssetKind, ContainerFacts, ContainerState, ImageFacts};
use parapet_model::sensor::{
    EngineContainer, EngineImage, EngineReport, HostReport, ImageContent, ReportAnswer, SensorReport,
};
use parapet_model::{AssetNo, EnterpriseProjectNo, Millis, Principal, READER_VERSION, ScanState};
use parapet_store::Tx;
use parapet_store::assets::{ContainerObservation, Outcome};
use parapet_store::sensors::Sensor;
use uuid::Uuid;

use super::{Sensors, bounds};
use crate::error::Result;
use crate::scan::{Observed, Subject, record};

/// Images or containers recorded in one transaction.
const BATCH: usize = 50;
/// Most refusals that are worded; the rest go without.
const MAX_REFUSALS: usize = 100;

/// A report being recorded.
struct Recording<'a> {
    sensors: &'a Sensors<'a>,
    who: &'a Principal,
    sensor: Sensor,
    /// When the sensor looked.
    at: Millis,
    answer: ReportAnswer,
}

impl Sensors<'_> {
    /// Records what a sensor saw. The same report twice counts once. A list of an engine that is
    /// older than one recorded before changes nothing; an older look at a host is kept as history.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when a part is over its bounds: then nothing was recorded.
    pub async fn report(&self, who: &Principal, mut report: SensorReport) -> Result<ReportAnswer> {
        let sensor = self.own(who, report.sensor).await?;
        bounds::report(&mut report)?;
        self.check_in(who, sensor.uuid).await?;
        let at = report.observed.min(self.0.now());
        let mut recording = Recording { sensors: self, who, sensor, at, answer: ReportAnswer::default() };
        if let Some(host) = report.host {
            recording.host(host).await?;
        }
        for content in report.contents {
            recording.content(content).await?;
        }
        if let Some(engine) = report.engine {
            recording.engine(engine).await?;
        }
        self.0.live().catch_up().await?;
        Ok(recording.answer)
    }
}

impl Recording<'_> {
    async fn host(&mut self, host: HostReport) -> Result<()> {
        let identity = self.sensor.registration.identity.clone();
        let observed = Observed {
            subject: Subject::Host { identity, facts: host.facts },
            name: host.name,
            inventory: host.inventory,
            at: self.at,
        };
        let (tx, report) = record::record(self.sensors.0, self.who, observed, None).await?;
        tx.commit().await?;
        self.answer.host = report.outcome.to_owned();
        Ok(())
    }

    /// Records what is in an image. What the server knew of it beside its packages stays, and every
    /// digest by which the engine names it is learnt.
    async fn content(&mut self, content: ImageContent) -> Result<()> {
        let (app, project) = (self.sensors.0, self.who.project);
        let id = AssetKind::Image.uuid(project, &content.config.to_string());
        let known = app.store.read().await?.asset_by_uuid(project, &id).await?;
        let pinned = known.as_ref().is_some_and(|image| image.pinned);
        let read = known.filter(|image| image.scan == ScanState::Scanned).map(|image| image.image_facts);
        let mut facts = read.map(|facts| ImageFacts::clone(&facts)).unwrap_or_default();
        if facts.platform.is_empty() {
            let learnt = facts.manifest_digests;
            facts = content.facts.clone();
            facts.manifest_digests.extend(learnt);
        }
        for digest in content.facts.manifest_digests.iter().chain(&content.digests) {
            if *digest != content.config && !facts.manifest_digests.contains(digest) {
                facts.manifest_digests.push(*digest);
            }
        }
        let observed = Observed {
            subject: Subject::Image { config: content.config, facts, reference: None },
            name: content.name,
            inventory: content.inventory,
            at: self.at,
        };
        let (mut tx, _) = record::record(app, self.who, observed, None).await?;
        if self.at >= self.sensor.looked
            && let Some(image) = tx.asset_by_uuid(project, &id).await?
        {
            // Recording pins it, so what counts is what was before.
            tx.hold_image(self.sensor.no, image.no, pinned).await?;
        }
        tx.commit().await?;
        self.answer.contents += 1;
        Ok(())
    }

    async fn engine(&mut self, engine: EngineReport) -> Result<()> {
        if self.at < self.sensor.looked {
            self.refuse("the engine was looked at since; its older list changes nothing".to_owned());
            return Ok(());
        }
        let mut present = BTreeSet::new();
        for batch in engine.images.chunks(BATCH) {
            let mut tx = self.sensors.0.store.begin().await?;
            for image in batch {
                self.image(&mut tx, image, &mut present).await?;
            }
            tx.commit().await?;
        }
        let (project, identity) = (self.who.project, &self.sensor.registration.identity);
        let known = self.sensors.0.store.read().await?.host_of_machine(project, identity).await?;
        let home = known.as_ref().map_or(self.who.home(), |host| host.enterprise_project);
        let host = known.map_or_else(|| AssetKind::Host.uuid(project, identity), |host| host.uuid);
        for batch in engine.containers.chunks(BATCH) {
            let mut tx = self.sensors.0.store.begin().await?;
            for container in batch {
                self.container(&mut tx, (host, home), container, &mut present).await?;
            }
            tx.commit().await?;
        }
        self.end_what_is_gone(&present).await
    }

    /// Keeps an image current that the engine has, or wants its content.
    async fn image(
        &mut self,
        tx: &mut Tx,
        image: &EngineImage,
        present: &mut BTreeSet<AssetNo>,
    ) -> Result<()> {
        let known = tx.find_image_of(self.who.project, &image.digests).await?;
        let read = known.filter(|known| known.scan == ScanState::Scanned && known.held.is_open());
        if read.as_ref().is_none_or(|known| known.reader_version < READER_VERSION) {
            self.answer.wanted.push(image.id.clone());
        }
        if let Some(known) = read {
            tx.learn_image_digests(self.who.project, known.no, &image.digests).await?;
            tx.hold_image(self.sensor.no, known.no, known.pinned).await?;
            present.insert(known.no);
        }
        Ok(())
    }

    async fn container(
        &mut self,
        tx: &mut Tx,
        (host, home): (Uuid, EnterpriseProjectNo),
        container: &EngineContainer,
        present: &mut BTreeSet<AssetNo>,
    ) -> Result<()> {
        let project = self.who.project;
        let state = ContainerState::of_engine(&container.state);
        if state == ContainerState::Deleted {
            return Ok(());
        }
        let id = AssetKind::Container.uuid(project, &container.id);
        if let Some(known) = tx.asset_by_uuid(project, &id).await?
            && tx.held_elsewhere(self.sensor.no, known.no).await?
        {
            self.refuse(format!("container {}: another sensor's engine has it", container.id));
            return Ok(());
        }
        let facts = ContainerFacts {
            state,
            state_since: self.at,
            created: container.created,
            host: self.sensor.registration.hostname.clone(),
            host_id: Some(host),
            image_digests: container.image_digests.clone(),
            image_name: container.image_name.clone(),
            labels: container.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        };
        let name = if container.name.is_empty() { &container.id } else { &container.name };
        let observation = ContainerObservation {
            project,
            enterprise_project: home,
            identity: &container.id,
            name,
            facts: &facts,
            observed: self.at,
        };
        let recorded = tx.record_container(&observation).await?;
        tx.hold_container(self.sensor.no, recorded.asset).await?;
        present.insert(recorded.asset);
        if recorded.outcome != Outcome::OlderKept {
            self.answer.containers += 1;
        }
        Ok(())
    }

    async fn end_what_is_gone(&mut self, present: &BTreeSet<AssetNo>) -> Result<()> {
        let app = self.sensors.0;
        let holdings = app.store.read().await?.holdings(self.sensor.no).await?;
        let gone: Vec<_> = holdings.into_iter().filter(|held| !present.contains(&held.asset)).collect();
        for batch in gone.chunks(BATCH) {
            let mut tx = app.store.begin().await?;
            for &held in batch {
                tx.release_holding(self.sensor.no, held).await?;
                self.answer.deleted += usize::from(held.kind == AssetKind::Container);
            }
            tx.commit().await?;
        }
        let mut tx = app.store.begin().await?;
        tx.sensor_looked(self.sensor.no, self.at).await?;
        tx.commit().await?;
        Ok(())
    }

    fn refuse(&mut self, why: String) {
        if self.answer.refused.len() < MAX_REFUSALS {
            self.answer.refused.push(why);
        }
    }
}
