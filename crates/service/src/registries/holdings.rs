//! What is known of the images of a registry.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::filter::{Field, Filter, Op};
use parapet_model::{Millis, Permission, Principal, ScanState};
use parapet_posture::{AssetOrder, Query, Window};
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
        require(who, Permission::RegistriesRead)?;
        let name = self.anonymous(&registry.settings)?.name().to_owned();
        let filter = Filter::test(Field::Kind, Op::Eq, "image")
            .and(Filter::test(Field::Registry, Op::Eq, name.as_str()))
            .and(Filter::test(Field::Excepted, Op::Eq, false));
        let of_registry = Filter::test(Field::Kind, Op::Eq, "image").and(Filter::test(
            Field::Registry,
            Op::Eq,
            name.as_str(),
        ));
        let (scope, snapshot, now) = (who.scope(), self.0.live().snapshot(), self.0.now());
        let query = Query::new(&scope, &filter, now);
        let vulnerable = snapshot.assets(&query, AssetOrder::Number, Window::ALL);
        let vulnerable: BTreeSet<_> = vulnerable.rows.iter().map(|row| row.asset.no).collect();
        let query = Query::new(&scope, &of_registry, now);
        let mut out = Holdings::default();
        for row in snapshot.assets(&query, AssetOrder::Number, Window::ALL).rows {
            let counts = ImageCounts {
                images: 1,
                scanned: u64::from(row.asset.scan == ScanState::Scanned),
                vulnerable: u64::from(vulnerable.contains(&row.asset.no)),
            };
            out.all.add(counts);
            out.last_scanned = out.last_scanned.max(row.asset.scanned);
            let open =
                row.asset.references.iter().filter(|r| r.held.is_open() && r.reference.registry == name);
            let repositories: BTreeSet<&str> = open.map(|r| r.reference.repository.as_str()).collect();
            for repository in repositories {
                out.repositories.entry(repository.to_owned()).or_default().add(counts);
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
