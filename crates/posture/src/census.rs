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

/// A live container and its image.
#[derive(Debug, Clone, Copy)]
struct Home {
    container: AssetNo,
    image: AssetNo,
}

/// Of all live containers whose image is known.
#[derive(Debug)]
struct Homes(Vec<Home>);

/// When a container was known and seen, and which image it is of.
#[derive(Debug, Clone, Copy)]
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

    /// The current assets of a kind, whosever they are.
    pub(crate) fn all_current(&self, kind: AssetKind) -> RoaringBitmap {
        self.standing(kind, |_, _| true)
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
        self.count_in(&mut census, self.assets.from(AssetNo(0)));
        census
    }

    fn count_in<'s>(&'s self, census: &mut Census, assets: impl Iterator<Item = AssetView<'s>>) {
        for asset in assets.filter(|asset| self.assets.is_current(asset)) {
            let owner = (asset.row.kind, asset.row.project, asset.row.enterprise_project);
            census.entry(owner).or_default().insert(asset.row.no.0);
        }
    }

    fn views<'s>(&'s self, numbers: &RoaringBitmap) -> impl Iterator<Item = AssetView<'s>> {
        numbers.iter().filter_map(|no| self.assets.get(AssetNo(no)))
    }

    /// Asks each of `unsure` itself.
    pub(crate) fn settle<'s>(
        &'s self,
        found: &mut RoaringBitmap,
        unsure: &RoaringBitmap,
        mut passes: impl FnMut(&AssetView<'s>) -> bool,
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
    pub(crate) fn of_images(&self, images: &RoaringBitmap, within: RoaringBitmap) -> RoaringBitmap {
        let Standing { thing, touched } =
            self.kept.get(&self.journal, Key::Homes, |_| true, || self.find_homes());
        let wanted = Bits::of(images);
        let mut found = Bits::none(self.assets.end());
        for home in thing.0.iter().filter(|home| wanted.contains(home.image.index())) {
            found.insert(home.container.index());
        }
        let mut found = found.to_bitmap() & &within;
        let is_of = |asset: &AssetView<'_>| {
            let image = asset.live_container_of().and_then(|_| self.assets.image_of(asset));
            image.is_some_and(|image| images.contains(image.row.no.0))
        };
        self.settle(&mut found, &(touched & within), is_of);
        found
    }

    fn find_homes(&self) -> Homes {
        let mut homes = Vec::new();
        self.assets.each_container_of(&Bits::all(self.assets.end()), &mut |container| {
            homes.push(Home { container: container.no, image: container.image });
        });
        Homes(homes)
    }

    /// Makes what is kept here anew, when many assets were touched since.
    pub(crate) fn refresh_census(&self, most: u64) {
        let (kept, journal) = (&self.kept, &self.journal);
        kept.refresh(
            journal,
            Key::Census,
            most,
            |_| true,
            |old: Option<Standing<Census>>| match old {
                Some(Standing { thing, touched }) => {
                    let mut census = thing.as_ref().clone();
                    census.values_mut().for_each(|assets| *assets -= &touched);
                    self.count_in(&mut census, self.views(&touched));
                    census
                }
                None => self.take_census(),
            },
        );
        kept.refresh(
            journal,
            Key::Homes,
            most,
            |_| true,
            |old: Option<Standing<Homes>>| match old {
                Some(Standing { thing, touched }) => {
                    let standing = thing.0.iter().filter(|home| !touched.contains(home.container.0)).copied();
                    let fresh = self.views(&touched).filter_map(|asset| {
                        asset.live_container_of()?;
                        let image = self.assets.image_of(&asset)?.row.no;
                        Some(Home { container: asset.row.no, image })
                    });
                    Homes(standing.chain(fresh).collect())
                }
                None => self.find_homes(),
            },
        );
        kept.refresh(
            journal,
            Key::Seen,
            most,
            |_| true,
            |old: Option<Standing<Vec<Sighting>>>| match old {
                Some(Standing { thing, touched }) => {
                    let standing = thing.iter().filter(|seen| !touched.contains(seen.container.0)).copied();
                    standing.chain(self.views(&touched).filter_map(|asset| sighting(&asset))).collect()
                }
                None => self.sightings(),
            },
        );
    }

    fn sightings(&self) -> Vec<Sighting> {
        self.assets.from(AssetNo(0)).filter_map(|asset| sighting(&asset)).collect()
    }

    /// The images of which a container was seen between two instants, ended ones included.
    pub(crate) fn images_seen(&self, from: Millis, to: Millis) -> RoaringBitmap {
        let Standing { thing, touched } =
            self.kept.get(&self.journal, Key::Seen, |_| true, || self.sightings());
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
