//! Which assets are current, by kind and owner.

use std::collections::BTreeMap;

use parapet_model::{AssetKind, AssetNo, EnterpriseProjectNo, Millis, ProjectNo, Scope};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::block::AssetView;
use crate::data::Data;
use crate::kept::{Key, Standing};

/// The current assets of each kind and owner.
type Census = BTreeMap<(AssetKind, ProjectNo, EnterpriseProjectNo), RoaringBitmap>;

/// When a container was known and seen, and which image it is of.
struct Sighting {
    container: AssetNo,
    image: AssetNo,
    first: Millis,
    last: Millis,
}

impl Data {
    /// The current assets of a kind that the scope sees.
    pub(crate) fn current(&self, scope: &Scope, kind: AssetKind) -> RoaringBitmap {
        self.standing(kind, |project, enterprise| scope.sees(project, enterprise))
    }

    /// The current assets of a kind of one project.
    pub(crate) fn current_of(&self, project: ProjectNo, kind: AssetKind) -> RoaringBitmap {
        self.standing(kind, |of, _| of == project)
    }

    fn standing(
        &self,
        kind: AssetKind,
        sees: impl Fn(ProjectNo, EnterpriseProjectNo) -> bool,
    ) -> RoaringBitmap {
        let Standing { thing, touched } =
            self.kept.get(&self.journal, Key::Census, |_| true, || self.take_census());
        let mut found = RoaringBitmap::new();
        for ((of_kind, project, enterprise), assets) in thing.iter() {
            if *of_kind == kind && sees(*project, *enterprise) {
                found |= assets;
            }
        }
        let counts = |asset: &AssetView<'_>| {
            asset.row.kind == kind
                && sees(asset.row.project, asset.row.enterprise_project)
                && self.assets.is_current(asset)
        };
        self.settle(&mut found, &touched, counts);
        found
    }

    fn take_census(&self) -> Census {
        let mut census = Census::new();
        for asset in self.assets.from(AssetNo(0)).filter(|asset| self.assets.is_current(asset)) {
            let owner = (asset.row.kind, asset.row.project, asset.row.enterprise_project);
            census.entry(owner).or_default().insert(asset.row.no.0);
        }
        census
    }

    /// Asks each of `unsure` itself.
    pub(crate) fn settle<'s>(
        &'s self,
        found: &mut RoaringBitmap,
        unsure: &RoaringBitmap,
        passes: impl Fn(&AssetView<'s>) -> bool,
    ) {
        for no in unsure {
            if self.assets.get(AssetNo(no)).is_some_and(|asset| passes(&asset)) {
                found.insert(no);
            } else {
                found.remove(no);
            }
        }
    }

    /// The containers among `within` whose image is one of these.
    pub(crate) fn of_images(&self, images: &RoaringBitmap, within: &RoaringBitmap) -> RoaringBitmap {
        let mut found = Bits::none(self.assets.end());
        self.assets.each_container_of(&Bits::of(images), &mut |container| found.insert(container.no.index()));
        found.to_bitmap() & within
    }

    /// The images of which a container was seen between two instants, ended ones included.
    pub(crate) fn images_seen(&self, from: Millis, to: Millis) -> RoaringBitmap {
        let Standing { thing, touched } = self.kept.get(
            &self.journal,
            Key::Seen,
            |_| true,
            || {
                let all = self.assets.from(AssetNo(0));
                all.filter_map(|asset| sighting(&asset)).collect::<Vec<Sighting>>()
            },
        );
        let seen = |sighting: &Sighting| sighting.first <= to && sighting.last >= from;
        let old = thing.iter().filter(|s| seen(s) && !touched.contains(s.container.0));
        let fresh = touched.iter().filter_map(|no| sighting(&self.assets.get(AssetNo(no))?));
        let mut found = Bits::none(self.assets.end());
        old.for_each(|sighting| found.insert(sighting.image.index()));
        fresh.filter(seen).for_each(|sighting| found.insert(sighting.image.index()));
        found.to_bitmap()
    }
}

/// It was known by one clock and seen by another; the look itself counts in any case.
fn sighting(asset: &AssetView<'_>) -> Option<Sighting> {
    let row = asset.row;
    let image = row.image.filter(|_| row.kind == AssetKind::Container)?;
    Some(Sighting { container: row.no, image, first: row.first_seen.min(row.observed), last: row.observed })
}
