//! Writes an estate down, in batches small enough that other writers hardly wait.

use std::collections::{BTreeSet, HashMap};

use parapet_model::exception::{Asked, Decision, Exception, ExceptionState, Target, TargetKind};
use parapet_model::filter::{Field, Filter, Op};
use parapet_model::inventory::PackageSet;
use parapet_model::time::DAY;
use parapet_model::{
    AssetKind, AssetNo, Digest, EnterpriseProjectNo, ExceptionNo, FOREVER, Millis, PackageKey, PackageNo,
    Principal, READER_VERSION, SetNo,
};
use parapet_store::Tx;
use parapet_store::assets::{ContainerObservation, HostObservation, ImageObservation, Look};
use uuid::Uuid;

use super::catalogue::Catalogue;
use super::estate::{BUILDS, Container, Estate, Host, Image, Layer};
use super::{Generated, Wishes};
use crate::app::App;
use crate::audit;
use crate::error::Result;
use crate::scan::record::number_keys;

/// Assets recorded in one transaction.
const BATCH: usize = 250;
/// Packages numbered in one transaction.
const PACKAGES: usize = 250;

/// Writes the estate.
pub(super) async fn estate(
    app: &App,
    who: &Principal,
    wishes: &Wishes,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<Generated> {
    progress("reading the advisories");
    let catalogue = Catalogue::read(&mut app.store().read().await?).await?;
    let estate = Estate { wishes, catalogue: &catalogue };
    let mut writer = Writer { app, who, estate: &estate, numbers: HashMap::new(), sets: HashMap::new() };
    let mut done = Generated { from_advisories: catalogue.from_advisories, ..Generated::default() };
    progress("numbering packages");
    writer.shared_layers().await?;
    progress("recording images");
    let mut first_builds = Vec::new();
    for start in (0..wishes.images).step_by(BATCH) {
        let range = start..wishes.images.min(start + BATCH);
        let made = writer.images(range.clone()).await?;
        first_builds.extend(range.zip(made).filter(|(no, _)| no % BUILDS == 0 || is_last(wishes, *no)));
        done.images = wishes.images.min(start + BATCH);
        writer.reach(done.images);
    }
    done.moved_tags = writer.move_tags(&first_builds).await?;
    progress("recording containers");
    for start in (0..wishes.containers).step_by(BATCH) {
        done.containers = wishes.containers.min(start + BATCH);
        writer.containers(start..done.containers).await?;
        writer.reach(wishes.images + done.containers);
    }
    progress("recording hosts");
    for no in 0..wishes.hosts {
        writer.host(no).await?;
        done.hosts += 1;
        writer.reach(wishes.images + wishes.containers + done.hosts);
    }
    done.exceptions = writer.exceptions().await?;
    done.packages = writer.numbers.values().collect::<BTreeSet<_>>().len();
    done.sets = writer.sets.len();
    let mut tx = app.store().begin().await?;
    let after = serde_json::to_value(&done).map_err(crate::Error::internal)?;
    audit::event(&mut tx, who, "generate", "estate", &wishes.seed.to_string(), audit::NONE, Some(after))
        .await?;
    tx.commit().await?;
    Ok(done)
}

fn is_last(wishes: &Wishes, no: usize) -> bool {
    no % BUILDS == BUILDS - 1 || no + 1 == wishes.images
}

struct Writer<'a> {
    app: &'a App,
    who: &'a Principal,
    estate: &'a Estate<'a>,
    numbers: HashMap<PackageKey, PackageNo>,
    sets: HashMap<Digest, SetNo>,
}

impl Writer<'_> {
    /// Moves time to where so many assets are recorded.
    fn reach(&self, done: usize) {
        let wishes = self.estate.wishes;
        if let Some(history) = &wishes.history {
            history.reach(done, wishes.images + wishes.containers + wishes.hosts);
        }
    }

    /// Numbers what is not numbered yet; new packages are matched at once.
    async fn number(&mut self, sets: &[PackageSet]) -> Result<()> {
        let keys: BTreeSet<&PackageKey> =
            sets.iter().flat_map(|set| &set.packages).map(|f| &f.package).collect();
        let keys: Vec<&PackageKey> =
            keys.into_iter().filter(|key| !self.numbers.contains_key(*key)).collect();
        let found = number_keys(self.app, &keys, PACKAGES, None).await?;
        self.numbers.extend(found);
        Ok(())
    }

    /// Stores sets and says their numbers.
    async fn put(&mut self, tx: &mut Tx, sets: &[PackageSet]) -> Result<Vec<SetNo>> {
        let members: Vec<Vec<PackageNo>> = sets
            .iter()
            .map(|set| set.packages.iter().filter_map(|f| self.numbers.get(&f.package).copied()).collect())
            .collect();
        let wanted: Vec<(&PackageSet, &[PackageNo])> =
            sets.iter().zip(&members).map(|(set, members)| (set, members.as_slice())).collect();
        let put: Vec<SetNo> = tx.put_sets(&wanted).await?.into_iter().map(|(no, _)| no).collect();
        self.sets.extend(sets.iter().map(PackageSet::digest).zip(put.iter().copied()));
        Ok(put)
    }

    /// Numbers the packages of bases and repositories, and stores their sets.
    async fn shared_layers(&mut self) -> Result<()> {
        if self.estate.wishes.shape == super::Shape::Adversarial {
            return Ok(());
        }
        let bases = (0..self.estate.bases()).map(Layer::Base);
        let all: Vec<Layer> = bases.chain((0..self.estate.families()).map(Layer::Family)).collect();
        for layers in all.chunks(BATCH) {
            let sets: Vec<PackageSet> = layers.iter().map(|&layer| self.estate.layer(layer)).collect();
            self.number(&sets).await?;
            let mut tx = self.app.store().begin().await?;
            self.put(&mut tx, &sets).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn images(&mut self, range: std::ops::Range<usize>) -> Result<Vec<AssetNo>> {
        let images: Vec<Image> = range.map(|no| self.estate.image(no)).collect();
        let mut distinct: Vec<Layer> = images.iter().flat_map(|image| image.layers.iter().copied()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let sets: Vec<PackageSet> = distinct.iter().map(|&layer| self.estate.layer(layer)).collect();
        self.number(&sets).await?;
        let mut tx = self.app.store().begin().await?;
        let numbers: HashMap<Layer, SetNo> =
            distinct.iter().copied().zip(self.put(&mut tx, &sets).await?).collect();
        let shown: Vec<Vec<(SetNo, String)>> = images
            .iter()
            .map(|image| {
                let layers = image.layers.iter();
                layers
                    .filter_map(|layer| {
                        Some((*numbers.get(layer)?, self.estate.layer_digest(*layer).to_string()))
                    })
                    .collect()
            })
            .collect();
        let names: Vec<String> = images.iter().map(|image| image.reference.to_string()).collect();
        let observations: Vec<ImageObservation<'_>> = images
            .iter()
            .zip(names.iter().zip(&shown))
            .map(|(image, (name, sets))| ImageObservation {
                look: Look {
                    project: self.who.project,
                    enterprise_project: EnterpriseProjectNo(0),
                    name,
                    distro: Some(&image.distro),
                    databases: &image.databases,
                    observed: image.observed,
                    content: Digest::of(format!("look {}", image.config).as_bytes()),
                    reader_version: READER_VERSION,
                },
                config: image.config,
                facts: &image.facts,
                reference: Some(&image.reference),
                sets,
                pinned: false,
            })
            .collect();
        let recorded = tx.record_images(&observations).await?;
        tx.commit().await?;
        Ok(recorded.into_iter().map(|recorded| recorded.asset).collect())
    }

    /// `latest` of each repository points at its first build, then at its last.
    async fn move_tags(&mut self, builds: &[(usize, AssetNo)]) -> Result<usize> {
        let mut moved = 0;
        for last in [false, true] {
            let turn: Vec<&(usize, AssetNo)> = builds
                .iter()
                .filter(|(no, _)| if last { is_last(self.estate.wishes, *no) } else { no % BUILDS == 0 })
                .collect();
            for batch in turn.chunks(BATCH) {
                let mut tx = self.app.store().begin().await?;
                for (no, asset) in batch {
                    let reference = self.estate.reference(no / BUILDS, "latest");
                    let observed = self.estate.image(*no).observed;
                    let points = tx.point_reference(self.who.project, &reference, *asset, observed).await?;
                    moved += usize::from(points && last && no % BUILDS != 0);
                }
                tx.commit().await?;
            }
        }
        Ok(moved)
    }

    async fn containers(&mut self, range: std::ops::Range<usize>) -> Result<()> {
        let containers: Vec<Container> = range.map(|no| self.estate.container(no)).collect();
        let seen: Vec<ContainerObservation<'_>> = containers
            .iter()
            .map(|container| ContainerObservation {
                project: self.who.project,
                enterprise_project: EnterpriseProjectNo(0),
                identity: &container.identity,
                name: &container.name,
                facts: &container.facts,
                observed: container.observed,
            })
            .collect();
        let mut tx = self.app.store().begin().await?;
        tx.record_containers(&seen).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn host(&mut self, no: usize) -> Result<()> {
        let Host { identity, name, facts, distro, looks } = self.estate.host(no);
        for (observed, set) in looks {
            self.number(std::slice::from_ref(&set)).await?;
            let mut tx = self.app.store().begin().await?;
            let Some(&shown) = self.put(&mut tx, std::slice::from_ref(&set)).await?.first() else { continue };
            let look = Look {
                project: self.who.project,
                enterprise_project: EnterpriseProjectNo(0),
                name: &name,
                distro: Some(&distro),
                databases: &[],
                observed,
                content: Digest::of(format!("look {identity} {observed}").as_bytes()),
                reader_version: READER_VERSION,
            };
            let host = HostObservation { look, identity: &identity, facts: &facts, set: shown };
            tx.record_host(&host).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// One exception of each kind: live by repository, by assets, for all vulnerabilities of a
    /// container, one that begins later, one that has ended, one that waits for a decision.
    async fn exceptions(&mut self) -> Result<usize> {
        let (project, wishes) = (self.who.project, self.estate.wishes);
        if wishes.images == 0 {
            return Ok(0);
        }
        let mut tx = self.app.store().begin().await?;
        let known = tx.exceptions(project, ExceptionNo(0), u32::MAX).await?;
        let now = tx.recorded();
        let mut images = Vec::new();
        for no in (0..wishes.images).step_by(wishes.images.div_ceil(10)) {
            let digest = self.estate.image(no).config;
            images.extend(tx.find_image(project, &digest).await?);
        }
        let mut containers = Vec::new();
        if wishes.containers > 0 {
            let identity = self.estate.container(0).identity;
            let found = tx.asset_by_uuid(project, &AssetKind::Container.uuid(project, &identity)).await?;
            containers.extend(found.map(|asset| asset.no));
        }
        let repository = Filter::test(Field::Repository, Op::Eq, self.estate.reference(0, "").repository);
        let of_images = Filter::test(Field::Kind, Op::Eq, "image").and(repository);
        let some: Vec<String> =
            self.estate.catalogue.vulnerabilities.iter().step_by(97).take(20).cloned().collect();
        let kev = Filter::test(Field::Kev, Op::Eq, false).and(Filter::test(Field::Tag, Op::Eq, "1.0"));
        let approved = ExceptionState::Approved;
        let wanted = [
            ("live, by repository", Some(of_images.clone()), vec![], some.clone(), (now, FOREVER), approved),
            ("by name, images", None, images.clone(), some.clone(), (now, now + 90 * DAY), approved),
            ("by name, everything of a container", None, containers, vec![], (now, FOREVER), approved),
            ("live, by finding", Some(kev), vec![], some.clone(), (now, now + 30 * DAY), approved),
            (
                "begins in a month",
                Some(of_images.clone()),
                vec![],
                vec![],
                (now + 30 * DAY, FOREVER),
                approved,
            ),
            ("has ended", None, images.clone(), vec![], (now - 60 * DAY, now - 30 * DAY), approved),
            ("waits for a decision", Some(of_images), vec![], some, (now, FOREVER), ExceptionState::Pending),
        ];
        let mut stored = 0;
        for (title, filter, included, vulnerabilities, window, state) in wanted {
            let title = format!("generated: {title}");
            let nothing = filter.is_none() && included.is_empty();
            if nothing || known.iter().any(|exception| exception.title == title) {
                continue;
            }
            let kind = if filter.is_some() { TargetKind::Dynamic } else { TargetKind::Static };
            let target = Target { kind, filter, included, excluded: Vec::new(), vulnerabilities };
            tx.put_exception(&self.exception(title, target, window, state, now)).await?;
            stored += 1;
        }
        tx.commit().await?;
        Ok(stored)
    }

    fn exception(
        &self,
        title: String,
        target: Target,
        (start, end): (Millis, Millis),
        state: ExceptionState,
        now: Millis,
    ) -> Exception {
        let by = self.who.name.clone();
        let decision = Decision { at: now, by: by.clone(), state, comment: String::new() };
        Exception {
            no: ExceptionNo(0),
            uuid: Uuid::nil(),
            project: self.who.project,
            enterprise_project: EnterpriseProjectNo(0),
            title,
            reason: "risk_accepted".to_owned(),
            comment: String::new(),
            target,
            asked: Asked::default(),
            start,
            end,
            state,
            requested_by: by,
            requested_at: now,
            decisions: if state == ExceptionState::Approved { vec![decision] } else { Vec::new() },
        }
    }
}
