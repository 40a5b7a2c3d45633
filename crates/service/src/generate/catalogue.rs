//! What packages there are to choose from: those that the store's advisories speak of, in versions
//! that their records name, and beside them many of which nobody speaks. Without advisories a small
//! list of ours stands in.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::advisory::{Advisory, Event};
use parapet_model::package::{family_of, is_clean};
use parapet_model::{AdvisoryNo, PackageKey};
use parapet_store::Session;

use super::random::Random;
use crate::error::Result;

/// Records read at once.
const PAGE: u32 = 2000;
/// Versions kept of one name: the estates of the world lag behind in many versions, but not in all.
const VERSIONS: usize = 6;
/// Packages of a distribution, or modules of a language, of which no advisory speaks.
const SILENT: usize = 1500;

/// Package families whose inventories the readers know; others are not put into images.
const SYSTEMS: [&str; 3] = ["Debian", "Ubuntu", "Alpine"];
const LANGUAGES: [&str; 2] = ["PyPI", "npm"];

/// Stand in where no advisory is loaded: ecosystem, name, versions.
const OURS: [(&str, &str, &[&str]); 12] = [
    ("Debian:12", "openssl", &["3.0.9-1", "3.0.11-1~deb12u2", "3.0.15-1~deb12u1"]),
    ("Debian:12", "curl", &["7.88.1-10", "7.88.1-10+deb12u8"]),
    ("Debian:12", "zlib", &["1:1.2.13.dfsg-1"]),
    ("Debian:12", "glibc", &["2.36-9", "2.36-9+deb12u9"]),
    ("Debian:11", "openssl", &["1.1.1n-0+deb11u4", "1.1.1w-0+deb11u2"]),
    ("Debian:11", "bash", &["5.1-2+deb11u1"]),
    ("Alpine:v3.20", "busybox", &["1.36.1-r28", "1.36.1-r29"]),
    ("PyPI", "requests", &["2.25.0", "2.31.0", "2.32.3"]),
    ("PyPI", "jinja2", &["2.11.2", "3.1.4"]),
    ("npm", "lodash", &["4.17.15", "4.17.21"]),
    ("npm", "minimist", &["1.2.0", "1.2.8"]),
    ("npm", "express", &["4.17.1", "4.19.2"]),
];

/// A name with the versions it is found in, oldest first as the order of texts has them.
#[derive(Debug, Clone)]
pub(super) struct Product {
    name: String,
    versions: Vec<String>,
}

/// The names of one ecosystem: those spoken of first.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    /// With release.
    pub(super) ecosystem: String,
    spoken_of: Vec<Product>,
    silent: Vec<Product>,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Catalogue {
    /// Distributions, the richest first.
    pub(super) systems: Vec<Shelf>,
    /// Languages.
    pub(super) languages: Vec<Shelf>,
    /// Vulnerabilities that the records name, ascending.
    pub(super) vulnerabilities: Vec<String>,
    /// Whether the names come from advisories of the store.
    pub(super) from_advisories: bool,
}

type Names = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

impl Catalogue {
    /// Reads the advisories of the store.
    pub(super) async fn read(session: &mut Session) -> Result<Self> {
        let (mut names, mut vulnerabilities) = (Names::new(), BTreeSet::new());
        let mut after = AdvisoryNo(0);
        loop {
            let page = session.advisories_after(after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, advisory) in page.iter().filter(|(_, advisory)| advisory.withdrawn == 0) {
                take(advisory, &mut names, &mut vulnerabilities);
            }
        }
        names.retain(|ecosystem, _| fits(ecosystem, &SYSTEMS) || fits(ecosystem, &LANGUAGES));
        let from_advisories = !names.is_empty();
        for (ecosystem, name, versions) in OURS {
            let has_family = names.keys().any(|e| family_of(e) == family_of(ecosystem));
            if !from_advisories || !has_family {
                let versions = versions.iter().map(|version| (*version).to_owned());
                names.entry(ecosystem.to_owned()).or_default().insert(name.to_owned(), versions.collect());
            }
        }
        let shelves: Vec<Shelf> = names.into_iter().map(Shelf::of).collect();
        let of = |families: &[&str]| {
            let mut found: Vec<Shelf> =
                shelves.iter().filter(|shelf| fits(&shelf.ecosystem, families)).cloned().collect();
            found.sort_by_key(|shelf| std::cmp::Reverse(shelf.spoken_of.len()));
            found
        };
        let (mut systems, languages) = (of(&SYSTEMS), of(&LANGUAGES));
        systems.truncate(6);
        let vulnerabilities = vulnerabilities.into_iter().collect();
        Ok(Self { systems, languages, vulnerabilities, from_advisories })
    }
}

fn fits(ecosystem: &str, families: &[&str]) -> bool {
    let family = family_of(ecosystem);
    // A distribution without release judges nothing.
    families.contains(&family) && (family != ecosystem || LANGUAGES.contains(&family))
}

fn take(advisory: &Advisory, names: &mut Names, vulnerabilities: &mut BTreeSet<String>) {
    let mut used = false;
    for affected in &advisory.affected {
        let is_wanted = fits(&affected.ecosystem, &SYSTEMS) || fits(&affected.ecosystem, &LANGUAGES);
        if !is_wanted || affected.name.is_empty() || !is_clean(&affected.name) {
            continue;
        }
        used = true;
        let name = names.entry(affected.ecosystem.clone()).or_default().entry(affected.name.clone());
        let versions = name.or_default();
        let events = affected.ranges.iter().flat_map(|range| &range.events).filter_map(|event| match event {
            Event::Fixed(version) | Event::LastAffected(version) => Some(version),
            Event::Introduced(version) if version != "0" => Some(version),
            _ => None,
        });
        let listed = affected.versions.first().into_iter().chain(affected.versions.last());
        versions.extend(events.chain(listed).filter(|version| is_clean(version)).cloned());
    }
    if used {
        vulnerabilities.extend(advisory.vulnerabilities.iter().cloned());
    }
}

impl Shelf {
    fn of((ecosystem, names): (String, BTreeMap<String, BTreeSet<String>>)) -> Self {
        let spoken_of = names.into_iter().map(|(name, versions)| {
            let all: Vec<String> = versions.into_iter().collect();
            let step = all.len().div_ceil(VERSIONS).max(1);
            let mut versions: Vec<String> = all.into_iter().rev().step_by(step).collect();
            versions.reverse();
            if versions.is_empty() {
                versions.push("1.0".to_owned());
            }
            Product { name, versions }
        });
        let silent = (0..SILENT).map(|number| Product {
            name: silent_name(&ecosystem, number),
            versions: (0..=number % 4).map(|minor| format!("{}.{minor}", 1 + number % 7)).collect(),
        });
        Self { spoken_of: spoken_of.collect(), silent: silent.collect(), ecosystem: ecosystem.clone() }
    }

    /// A package: one that advisories speak of in `spoken` of hundred cases.
    pub(super) fn draw(&self, random: &mut Random, spoken: usize) -> PackageKey {
        let list = if random.percent(spoken) { &self.spoken_of } else { &self.silent };
        let place = random.popular(list.len());
        let Some(product) = list.get(place) else { return PackageKey::new(&self.ecosystem, "base", "1.0") };
        // Most are up to date, as far as the records know.
        let versions = &product.versions;
        let at = if random.percent(60) { versions.len() - 1 } else { random.below(versions.len()) };
        let mut key = PackageKey::new(&self.ecosystem, &product.name, &versions[at.min(versions.len() - 1)]);
        if SYSTEMS.contains(&family_of(&self.ecosystem)) {
            key.arch = "amd64".to_owned();
        }
        key
    }

    /// Exactly `count` packages with different names, as long as there are so many.
    pub(super) fn draw_many(&self, random: &mut Random, count: usize, spoken: usize) -> Vec<PackageKey> {
        let mut drawn: BTreeMap<String, PackageKey> = BTreeMap::new();
        // Popular names are drawn again and again, so the tail comes in sooner or later.
        for _ in 0..count * 20 {
            if drawn.len() == count {
                break;
            }
            let key = self.draw(random, spoken);
            drawn.entry(key.name.clone()).or_insert(key);
        }
        drawn.into_values().collect()
    }
}

/// A name that no advisory knows: two syllables and a number.
fn silent_name(ecosystem: &str, number: usize) -> String {
    const FIRST: [&str; 8] = ["am", "bro", "cel", "dun", "fir", "gal", "hol", "jun"];
    const SECOND: [&str; 8] = ["ber", "dle", "far", "gin", "lor", "mik", "nop", "quil"];
    let stem = format!("{}{}{}", FIRST[number % 8], SECOND[number / 8 % 8], number / 64);
    match family_of(ecosystem) {
        "PyPI" => format!("py-{stem}"),
        "npm" => format!("@gen/{stem}"),
        _ => format!("lib{stem}"),
    }
}
