//! What is known of the images of a registry.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{AssetNo, Millis, Permission, Principal, ScanState};
use parapet_posture::Query;
use parapet_store::registries::Registry;

use super::Registries;
use crate::accounts::require;
use crate::error::Result;

/// Images, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImageCounts {
    /// All.
    pub images: u64,
    /// Read.
    pub scanned: u64,
    /// With at least one vulnerability that no exception hides.
    pub vulnerable: u64,
}

/// The images of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holdings {
    /// By repository.
    pub repositories: BTreeMap<String, ImageCounts>,
    /// In all; an image of two repositories counts once.
    pub all: ImageCounts,
    /// When one of them was read last, recorded time; 0 for never.
    pub last_scanned: Millis,
}

impl Registries<'_> {
    /// The images that tags of a registry point to now.
    pub fn holdings(&self, who: &Principal, registry: &Registry) -> Result<Holdings> {
        Ok(self.holdings_of(who, std::slice::from_ref(registry))?.pop().unwrap_or_default())
    }

    /// The same for several registries, with one walk for all of them.
    pub fn holdings_of(&self, who: &Principal, registries: &[Registry]) -> Result<Vec<Holdings>> {
        require(who, Permission::RegistriesRead)?;
        let mut out = vec![Holdings::default(); registries.len()];
        // Several registries may be the same place.
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, registry) in registries.iter().enumerate() {
            places.entry(self.anonymous(&registry.settings)?.name().to_owned()).or_default().push(at);
        }
        let mut of_registries = Filter::test(Field::Kind, Op::Eq, "image");
        if let (Some((name, _)), 1) = (places.first_key_value(), places.len()) {
            of_registries = of_registries.and(Filter::test(Field::Registry, Op::Eq, name.as_str()));
        }
        let open = of_registries.clone().and(Filter::test(Field::Excepted, Op::Eq, false));
        let (scope, snapshot, now) = (who.scope(), self.0.live().snapshot(), self.0.now());
        let vulnerable = snapshot.asset_numbers(&Query::new(&scope, &open, now));
        let images = snapshot.asset_numbers(&Query::new(&scope, &of_registries, now));
        for image in images.iter().filter_map(|no| snapshot.asset(&scope, AssetNo(no))) {
            let counts = ImageCounts {
                images: 1,
                scanned: u64::from(image.scan == ScanState::Scanned),
                vulnerable: u64::from(vulnerable.contains(image.no.0)),
            };
            let open = image.references.iter().filter(|found| found.held.is_open());
            let held: BTreeSet<(&str, &str)> = open
                .map(|found| (found.reference.registry.as_str(), found.reference.repository.as_str()))
                .collect();
            let mut counted = BTreeSet::new();
            for (registry, repository) in held {
                for at in places.get(registry).into_iter().flatten() {
                    let Some(holdings) = out.get_mut(*at) else { continue };
                    holdings.repositories.entry(repository.to_owned()).or_default().add(counts);
                    if counted.insert(*at) {
                        holdings.all.add(counts);
                        holdings.last_scanned = holdings.last_scanned.max(image.scanned);
                    }
                }
            }
        }
        Ok(out)
    }
}

impl ImageCounts {
    fn add(&mut self, other: Self) {
        self.images += other.images;
        self.scanned += other.scanned;
        self.vulnerable += other.vulnerable;
    }
}
