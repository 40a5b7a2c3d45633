//! How many assets show each of some packages, counted in one pass over what the assets show: a mark per
//! package and asset, no verdict and no finding.

use std::collections::HashMap;
use std::hash::Hash;

use parapet_model::facts::PackageRow;
use parapet_model::{AssetKind, AssetNo, PackageNo, SetNo, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::block::AssetView;
use crate::data::Data;
use crate::only::Only;
use crate::presence::Presence;
use crate::threads::in_parts;

/// A package that is counted.
struct Package<'s> {
    no: PackageNo,
    row: &'s PackageRow,
    /// Those of its vulnerabilities that are asked for.
    vulnerabilities: Vec<VulnerabilityNo>,
    /// Place of the row it is part of.
    group: usize,
}

/// Packages to count, in rows.
pub(crate) struct Wanted<'s> {
    /// Ascending by number.
    packages: Vec<Package<'s>>,
    /// Any package of each row, and whether its assets are wanted by number.
    groups: Vec<(PackageNo, bool)>,
    /// Places of the packages that each set holds.
    members: HashMap<SetNo, Vec<u32>>,
    kernels: Option<Only>,
}

/// What was counted of one package.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// Those of its vulnerabilities that are asked for.
    pub(crate) vulnerabilities: Vec<VulnerabilityNo>,
    /// Assets that show it, by kind.
    pub(crate) by_kind: [u64; 3],
    /// The same together; 0 where they are named.
    pub(crate) assets: u64,
    /// The assets by number, in rows where that was asked for.
    pub(crate) named: RoaringBitmap,
}

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Every package that was asked for.
    pub(crate) packages: Vec<(PackageNo, Counted)>,
    /// Any package of each row, and how many assets show any package of the row; rows whose assets
    /// are named are left out.
    pub(crate) groups: Vec<(PackageNo, u64)>,
}

/// The counts of one thread.
struct Marks {
    /// The last asset that showed each package and each row, as its place in the part, from 1.
    of_package: Vec<u32>,
    of_group: Vec<u32>,
    by_kind: Vec<[u64; 3]>,
    groups: Vec<u64>,
    named: HashMap<usize, RoaringBitmap>,
}

impl<'s> Wanted<'s> {
    /// `found`: packages with the vulnerabilities asked for, ascending. In the rows of `named`, assets are
    /// kept by number.
    pub(crate) fn new<K: Hash + Eq>(
        data: &'s Data,
        found: Vec<(PackageNo, Vec<VulnerabilityNo>)>,
        named: &[PackageNo],
        key: impl Fn(&'s PackageRow) -> K,
    ) -> Self {
        let (mut packages, mut groups) = (Vec::with_capacity(found.len()), Vec::new());
        let mut places: HashMap<K, usize> = HashMap::new();
        let mut members: HashMap<SetNo, Vec<u32>> = HashMap::new();
        let mut has_kernel = false;
        for (no, vulnerabilities) in found {
            let Some((_, row)) = data.tables.package(no) else { continue };
            let group = *places.entry(key(row)).or_insert_with(|| {
                groups.push((no, false));
                groups.len() - 1
            });
            has_kernel |= row.kernel;
            data.sets.holding(no, &mut |set| members.entry(set).or_default().push(packages.len() as u32));
            packages.push(Package { no, row, vulnerabilities, group });
        }
        for row in named.iter().filter_map(|no| data.tables.package(*no)).map(|(_, row)| row) {
            if let Some(group) = places.get(&key(row)) {
                groups[*group].1 = true;
            }
        }
        Self { packages, groups, members, kernels: has_kernel.then(|| Only::kernels(data)) }
    }

    /// Counts among these current assets; kernels where they do not run only if `kernels`.
    pub(crate) fn count(self, data: &'s Data, assets: &RoaringBitmap, kernels: bool) -> Shown {
        let numbers: Vec<PackageNo> = self.packages.iter().map(|package| package.no).collect();
        let candidates = data.assets.having(&data.sets, &numbers) & assets;
        let parts = in_parts(&candidates, |part| self.mark(data, part, kernels));
        let mut shown = Shown::default();
        let mut groups = vec![0; self.groups.len()];
        let mut counted: Vec<Counted> = self.packages.iter().map(|_| Counted::default()).collect();
        for part in parts {
            groups.iter_mut().zip(part.groups).for_each(|(sum, more)| *sum += more);
            for (counted, by_kind) in counted.iter_mut().zip(part.by_kind) {
                counted.by_kind.iter_mut().zip(by_kind).for_each(|(sum, more)| *sum += more);
            }
            for (place, assets) in part.named {
                counted[place].named |= assets;
            }
        }
        for (package, mut counted) in self.packages.into_iter().zip(counted) {
            if !self.groups[package.group].1 {
                counted.assets = counted.by_kind.iter().sum();
            }
            counted.vulnerabilities = package.vulnerabilities;
            shown.packages.push((package.no, counted));
        }
        let counted = self.groups.iter().zip(groups).filter(|((_, named), _)| !named);
        shown.groups = counted.map(|((no, _), assets)| (*no, assets)).collect();
        shown
    }

    fn mark(&self, data: &'s Data, part: &[AssetNo], kernels: bool) -> Marks {
        let mut marks = Marks {
            of_package: vec![0; self.packages.len()],
            of_group: vec![0; self.groups.len()],
            by_kind: vec![[0; 3]; self.packages.len()],
            groups: vec![0; self.groups.len()],
            named: HashMap::new(),
        };
        let mut presence = Presence::default();
        for (at, no) in (1..).zip(part) {
            let Some(asset) = data.assets.get(*no) else { continue };
            let image = data.assets.image_of(&asset);
            let runs_kernels = asset.row.kind == AssetKind::Host;
            if let Some(only) = self.kernels.as_ref().filter(|_| runs_kernels && !kernels) {
                presence.read_only(data, &asset, only);
            }
            let counts = |row: &PackageRow| {
                kernels || !row.kernel || (runs_kernels && !presence.not_run_here(&asset, row))
            };
            self.each_shown(&asset, image.as_ref(), &mut |place| {
                let package = &self.packages[place];
                if marks.of_package[place] == at || !counts(package.row) {
                    return;
                }
                marks.of_package[place] = at;
                marks.by_kind[place][asset.row.kind as usize] += 1;
                if self.groups[package.group].1 {
                    marks.named.entry(place).or_default().insert(no.0);
                } else if marks.of_group[package.group] != at {
                    marks.of_group[package.group] = at;
                    marks.groups[package.group] += 1;
                }
            });
        }
        marks
    }

    /// Calls `visit` with the place of each wanted package that the asset shows now; a place may come twice.
    fn each_shown(
        &self,
        asset: &AssetView<'_>,
        image: Option<&AssetView<'_>>,
        visit: &mut impl FnMut(usize),
    ) {
        let links = asset.links.iter().chain(image.iter().flat_map(|image| image.links));
        for link in links.filter(|link| link.held.is_open()) {
            for &place in self.members.get(&link.set).map_or(&[][..], Vec::as_slice) {
                let place = place as usize;
                if !asset.has_delta(self.packages[place].no) {
                    visit(place);
                }
            }
        }
        for delta in asset.deltas.iter().filter(|delta| delta.held.is_open()) {
            if let Ok(place) = self.packages.binary_search_by_key(&delta.package, |package| package.no) {
                visit(place);
            }
        }
    }
}
