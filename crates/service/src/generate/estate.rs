//! The plan of an estate: what each image, container and host is, by number. Nothing is stored here,
//! and nothing depends on anything but the wishes and the catalogue.

use parapet_model::asset::{ContainerFacts, ContainerState, HostFacts, ImageFacts, Reference};
use parapet_model::inventory::{DatabaseRead, Distro, FoundPackage, PackageSet, ReadOutcome};
use parapet_model::package::family_of;
use parapet_model::time::DAY;
use parapet_model::{Digest, Millis, PackageKey};

use super::Wishes;
use super::catalogue::{Catalogue, Shelf};
use super::random::Random;

/// Images that are built on one base, about.
const IMAGES_PER_BASE: usize = 330;
/// Builds of one repository.
pub(super) const BUILDS: usize = 20;
/// The share of an image's packages that come from its base, and from the layer that all builds of
/// its repository share, in hundredths. The rest is its own.
const FROM_BASE: usize = 62;
const FROM_FAMILY: usize = 33;
/// Of hundred packages of a distribution, so many are ones that advisories speak of.
const SPOKEN_SYSTEM: usize = 16;
/// The same of a language's modules.
const SPOKEN_LANGUAGE: usize = 30;
/// The calendar of generated estates begins here: 2026-01-01.
const BEGIN: Millis = 1_767_225_600_000;

const REGISTRIES: [&str; 3] = ["registry.example", "registry.example:5000", "mirror.example"];
const TEAMS: [&str; 8] = ["shop", "pay", "search", "media", "ops", "data", "mail", "web"];

/// Whether images share layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As in the world: bases, repositories, builds.
    Layered,
    /// Every image has one layer of its own, drawn for it alone.
    Adversarial,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Estate<'a> {
    pub(super) wishes: &'a Wishes,
    pub(super) catalogue: &'a Catalogue,
}

/// What an image is.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) config: Digest,
    pub(super) facts: ImageFacts,
    pub(super) reference: Reference,
    pub(super) observed: Millis,
    pub(super) distro: Distro,
    pub(super) databases: Vec<DatabaseRead>,
    pub(super) layers: Vec<Layer>,
}

/// One of its layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Layer {
    Base(usize),
    Family(usize),
    Own(usize),
}

/// What a container is.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) identity: String,
    pub(super) name: String,
    pub(super) facts: ContainerFacts,
    pub(super) observed: Millis,
}

/// What a host is.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) identity: String,
    pub(super) name: String,
    pub(super) facts: HostFacts,
    pub(super) distro: Distro,
    /// What it shows, look after look.
    pub(super) looks: Vec<(Millis, PackageSet)>,
}

impl Estate<'_> {
    fn random(&self, label: &str, number: usize) -> Random {
        Random::of(self.wishes.seed, label, number)
    }

    fn digest(&self, label: &str, number: usize) -> Digest {
        Digest::of(format!("{} {label} {number}", self.wishes.seed).as_bytes())
    }

    fn share(&self, hundredths: usize) -> usize {
        self.wishes.packages_per_image * hundredths / 100
    }

    pub(super) fn bases(&self) -> usize {
        self.wishes.images.div_ceil(IMAGES_PER_BASE)
    }

    pub(super) fn families(&self) -> usize {
        self.wishes.images.div_ceil(BUILDS)
    }

    /// The base of a repository.
    fn base_of(&self, family: usize) -> usize {
        self.random("base of", family).popular(self.bases())
    }

    fn system(&self, base: usize) -> Option<&Shelf> {
        let systems = &self.catalogue.systems;
        systems.get(self.random("system", base).popular(systems.len()))
    }

    fn language(&self, family: usize) -> Option<&Shelf> {
        self.random("language", family).one_of(&self.catalogue.languages)
    }

    /// Image `no`, which is build `no % BUILDS` of its repository.
    pub(super) fn image(&self, no: usize) -> Image {
        let (family, build) = (no / BUILDS, no % BUILDS);
        let base = self.base_of(family);
        let mut random = self.random("image", no);
        let created = BEGIN + (family % 100) as Millis * DAY / 4 + build as Millis * 7 * DAY;
        let config = self.digest("config", no);
        let layers = match self.wishes.shape {
            Shape::Layered => vec![Layer::Base(base), Layer::Family(family), Layer::Own(no)],
            Shape::Adversarial => vec![Layer::Own(no)],
        };
        let team = TEAMS[family % TEAMS.len()];
        let facts = ImageFacts {
            manifest_digests: vec![self.digest("manifest", no)],
            size: (20 + random.below(900)) as u64 * 1_000_000,
            created,
            platform: if random.percent(90) { "linux/amd64" } else { "linux/arm64" }.to_owned(),
            labels: [("team".to_owned(), team.to_owned())].into(),
        };
        let distro = self.system(base).map(distro_of).unwrap_or_default();
        Image {
            config,
            facts,
            reference: self.reference(family, &format!("1.{build}")),
            observed: created + DAY / 2 + random.below(86_400_000) as Millis,
            databases: databases(&distro),
            distro,
            layers,
        }
    }

    /// A tag of a repository.
    pub(super) fn reference(&self, family: usize, tag: &str) -> Reference {
        Reference {
            registry: REGISTRIES[self.random("registry", family).popular(REGISTRIES.len())].to_owned(),
            repository: format!("{}/{}", TEAMS[family % TEAMS.len()], app_name(family)),
            tag: tag.to_owned(),
        }
    }

    /// The digest of a layer.
    pub(super) fn layer_digest(&self, layer: Layer) -> Digest {
        match layer {
            Layer::Base(no) => self.digest("layer base", no),
            Layer::Family(no) => self.digest("layer family", no),
            Layer::Own(no) => self.digest("layer own", no),
        }
    }

    /// What a layer shows.
    pub(super) fn layer(&self, layer: Layer) -> PackageSet {
        let keys = match layer {
            Layer::Base(base) => self.system_packages(base, "base layer", base, self.share(FROM_BASE)),
            Layer::Family(family) => {
                let count = self.share(FROM_FAMILY);
                let system = self.system_packages(self.base_of(family), "family layer", family, count / 2);
                self.with_modules(system, "family layer", family, count - count / 2, family)
            }
            Layer::Own(no) => {
                let family = no / BUILDS;
                let (system, modules) = match self.wishes.shape {
                    Shape::Layered => {
                        let shared = self.share(FROM_BASE) + self.share(FROM_FAMILY);
                        (Vec::new(), self.wishes.packages_per_image - shared)
                    }
                    Shape::Adversarial => {
                        let count = self.wishes.packages_per_image;
                        let system = count * 80 / 100;
                        (self.system_packages(self.base_of(family), "own system", no, system), count - system)
                    }
                };
                let mut keys = self.with_modules(system, "own layer", no, modules.saturating_sub(1), family);
                keys.push(self.application(no));
                keys
            }
        };
        PackageSet::new(keys.into_iter().map(found).collect())
    }

    fn system_packages(&self, base: usize, label: &str, number: usize, count: usize) -> Vec<PackageKey> {
        let shelf = self.system(base);
        let mut random = self.random(label, number);
        shelf.map(|shelf| shelf.draw_many(&mut random, count, SPOKEN_SYSTEM)).unwrap_or_default()
    }

    fn with_modules(
        &self,
        mut keys: Vec<PackageKey>,
        label: &str,
        number: usize,
        count: usize,
        family: usize,
    ) -> Vec<PackageKey> {
        let mut random = self.random(label, number);
        let shelf = self.language(family);
        keys.extend(shelf.map(|s| s.draw_many(&mut random, count, SPOKEN_LANGUAGE)).into_iter().flatten());
        keys
    }

    /// The program that the image is for, which no other build has in this version.
    fn application(&self, no: usize) -> PackageKey {
        let (family, build) = (no / BUILDS, no % BUILDS);
        let ecosystem = self.language(family).map_or("npm", |shelf| shelf.ecosystem.as_str());
        PackageKey::new(ecosystem, &format!("{}-service", app_name(family)), &format!("1.{build}.0"))
    }

    /// Container `no`. Few repositories run most of them, and mostly their last build.
    pub(super) fn container(&self, no: usize) -> Container {
        let mut random = self.random("container", no);
        let family = random.popular(self.families());
        let builds = BUILDS.min(self.wishes.images - family * BUILDS);
        let build = if random.percent(70) { builds - 1 } else { random.below(builds) };
        let image = family * BUILDS + build;
        let state = match random.below(100) {
            0..80 => ContainerState::Running,
            80..95 => ContainerState::Stopped,
            95..98 => ContainerState::Created,
            _ => ContainerState::Paused,
        };
        let created = BEGIN + 150 * DAY + random.below(60) as Millis * DAY;
        let hosts =
            if self.wishes.hosts == 0 { self.wishes.containers.div_ceil(50) } else { self.wishes.hosts };
        let host = random.below(hosts);
        let facts = ContainerFacts {
            state,
            host: host_name(host),
            image_digests: vec![self.digest("config", image)],
            image_name: self.reference(family, &format!("1.{build}")).to_string(),
            created,
            ..ContainerFacts::default()
        };
        let identity = hex::encode(self.digest("container", no).0);
        let name = format!("{}-{no}", app_name(family));
        Container { identity, name, facts, observed: created + random.below(86_400_000) as Millis }
    }

    /// Host `no`: three times the packages of an image; every third was upgraded once.
    pub(super) fn host(&self, no: usize) -> Host {
        let shelf = self.system(no);
        let mut random = self.random("host", no);
        let count = self.wishes.packages_per_image * 3;
        let keys = shelf.map(|s| s.draw_many(&mut random, count, SPOKEN_SYSTEM)).unwrap_or_default();
        let first = BEGIN + random.below(30) as Millis * DAY;
        let mut looks = vec![(first, PackageSet::new(keys.iter().cloned().map(found).collect()))];
        if no.is_multiple_of(3) {
            let upgraded = keys.into_iter().map(|key| match random.percent(10) {
                true => PackageKey {
                    version: format!("{}+up1", key.version),
                    source_version: format!("{}+up1", key.source_version),
                    ..key
                },
                false => key,
            });
            looks.push((first + 30 * DAY, PackageSet::new(upgraded.map(found).collect())));
        }
        let facts = HostFacts {
            kernel: "6.1.0-25-amd64".to_owned(),
            addresses: vec![format!("10.{}.{}.{}", no / 65_536 % 256, no / 256 % 256, no % 256)],
            group: TEAMS[no % TEAMS.len()].to_owned(),
            asset_value: ["common", "important", "test"][random.popular(3)].to_owned(),
        };
        let identity = hex::encode(&self.digest("host", no).0[..16]);
        let distro = shelf.map(distro_of).unwrap_or_default();
        Host { identity, name: host_name(no), facts, distro, looks }
    }
}

fn host_name(no: usize) -> String {
    format!("node-{no:05}.example")
}

fn app_name(family: usize) -> String {
    const WORDS: [&str; 12] = [
        "cart", "login", "ledger", "index", "stream", "queue", "mail", "report", "image", "price", "stock",
        "route",
    ];
    format!("{}-{}", WORDS[family % WORDS.len()], family / WORDS.len())
}

fn distro_of(shelf: &Shelf) -> Distro {
    let (family, release) = shelf.ecosystem.split_once(':').unwrap_or((&shelf.ecosystem, ""));
    Distro {
        id: family.to_ascii_lowercase(),
        version: release.to_owned(),
        name: format!("{family} {release}"),
        ecosystem: shelf.ecosystem.clone(),
    }
}

fn databases(distro: &Distro) -> Vec<DatabaseRead> {
    let (kind, path) = match family_of(&distro.ecosystem) {
        "Alpine" => ("apk", "lib/apk/db/installed"),
        _ => ("dpkg", "var/lib/dpkg/status"),
    };
    vec![DatabaseRead {
        kind: kind.to_owned(),
        path: path.to_owned(),
        packages: 1,
        outcome: ReadOutcome::Read,
    }]
}

fn found(package: PackageKey) -> FoundPackage {
    let (database, path) = match package.family() {
        "npm" => ("npm", format!("app/node_modules/{}/package.json", package.name)),
        "PyPI" => ("python", format!("usr/lib/python3/dist-packages/{}.dist-info/METADATA", package.name)),
        "Alpine" => ("apk", "lib/apk/db/installed".to_owned()),
        _ => ("dpkg", "var/lib/dpkg/status".to_owned()),
    };
    FoundPackage { package, paths: vec![path.into_bytes()], database: database.to_owned() }
}
