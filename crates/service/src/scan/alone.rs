//! A scan against which nothing is held: one target, no feeds. What was read are facts already, and without
//! advisories there is nothing to match, so posture is asked about them with no store in between
//! (docs/adr/0005).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parapet_fetch::Client;
use parapet_matching::coverage;
use parapet_model::asset::{AssetKind, HostFacts, ImageFacts, Reference, ScanState};
use parapet_model::facts::{AssetRow, Change, LinkRow, PackageRow, ReferenceRow, SetRow};
use parapet_model::time::Interval;
use parapet_model::{AssetNo, Clock, PackageKey, PackageNo, Principal, ProjectNo, SetNo};
use parapet_posture::Snapshot;
use parapet_store::assets::Outcome;

use super::read::{self, Observed, Subject};
use super::record::ScanReport;
use super::{ScanOptions, Target};
use crate::error::Result;
use crate::findings::View;
use crate::matcher;

/// The project `default`, the first one of every store.
const PROJECT: ProjectNo = ProjectNo(1);

/// What the only target shows.
#[derive(Debug)]
pub struct Alone(Observed);

impl Alone {
    /// Reads the target.
    pub async fn read(target: &Target, options: &ScanOptions, clock: &dyn Clock) -> Result<Self> {
        let client = Client::new(Default::default(), parapet_fetch::Environment::system())?;
        let with = read::With { clock, client: &client, cache: None };
        read::target(&with, target, options).await.map(Self)
    }

    /// Whoever may see it.
    pub fn principal(&self) -> Principal {
        Principal::local(PROJECT)
    }

    /// What a store would say of it.
    pub fn report(&self) -> ScanReport {
        let Observed { subject, inventory, name, .. } = &self.0;
        let (kind, identity) = subject.identity();
        ScanReport::of(kind.uuid(PROJECT, &identity), Outcome::New, kind, name.clone(), inventory)
    }

    /// The state of a world in which this is all there is.
    pub fn view(self) -> View {
        let now = self.0.at;
        View { snapshot: Arc::new(Snapshot::build(self.into_facts())), now }
    }

    fn into_facts(self) -> Change {
        let Observed { subject, name, inventory, at } = self.0;
        let held = Interval::since(at);
        let mut numbers: HashMap<&PackageKey, PackageNo> = HashMap::new();
        let mut facts = Change { recorded: at, ..Change::default() };
        let mut links = Vec::with_capacity(inventory.layers.len());
        for (set, layer) in (1..).map(SetNo).zip(&inventory.layers) {
            let mut members = Vec::with_capacity(layer.set.packages.len());
            for found in &layer.set.packages {
                let next = PackageNo(u32::try_from(numbers.len()).unwrap_or(u32::MAX).saturating_add(1));
                let no = *numbers.entry(&found.package).or_insert_with_key(|key| {
                    facts.packages.push(matcher::row(next, key));
                    next
                });
                members.push(no);
            }
            members.sort_unstable();
            members.dedup();
            facts.sets.push(SetRow { no: set, members });
            links.push(LinkRow { set, layer: layer.layer.clone(), held });
        }
        let ecosystems: BTreeSet<&str> = facts.packages.iter().map(ecosystem).collect();
        let words = ecosystems.into_iter().map(|name| coverage::of_ecosystem(name, &[], at, 0));
        facts.coverage = Some(words.collect());
        let (kind, identity) = subject.identity();
        let (image_facts, host_facts, reference) = subject.into_facts();
        let distro = inventory.distro.unwrap_or_default();
        facts.assets.push(AssetRow {
            no: AssetNo(1),
            uuid: kind.uuid(PROJECT, &identity),
            project: PROJECT,
            enterprise_project: Default::default(),
            kind,
            identity,
            name,
            image: None,
            distro: distro.name,
            ecosystem: distro.ecosystem,
            scan: ScanState::Scanned,
            scan_error: String::new(),
            first_seen: at,
            observed: at,
            scanned: at,
            reader_version: inventory.reader_version,
            held,
            pinned: true,
            image_facts: image_facts.into(),
            host_facts: host_facts.into(),
            container_facts: Default::default(),
            databases: inventory.databases,
            references: reference.into_iter().map(|reference| ReferenceRow { reference, held }).collect(),
            links,
            deltas: Vec::new(),
        });
        facts
    }
}

fn ecosystem(package: &PackageRow) -> &str {
    &package.key.ecosystem
}

impl Subject {
    /// What it is, and by what it is known again.
    fn identity(&self) -> (AssetKind, String) {
        match self {
            Self::Image { config, .. } => (AssetKind::Image, config.to_string()),
            Self::Host { identity, .. } => (AssetKind::Host, identity.clone()),
        }
    }

    fn into_facts(self) -> (ImageFacts, HostFacts, Option<Reference>) {
        match self {
            Self::Image { facts, reference, .. } => (facts, HostFacts::default(), reference),
            Self::Host { facts, .. } => (ImageFacts::default(), facts, None),
        }
    }
}
