//! How many assets had a vulnerability at some instants, from the intervals of what they show and of what
//! advisories say: one look at each asset, whatever the number of instants.

use std::collections::{BTreeSet, HashMap};

use parapet_model::time::union_intervals;
use parapet_model::{AssetKind, AssetNo, Interval, Millis, PackageNo, Scope, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::block::AssetView;
use crate::only::Only;
use crate::presence::Presence;
use crate::snapshot::Snapshot;
use crate::threads::in_parts;

impl Snapshot {
    /// How many assets of the scope that counted then had a canonical vulnerability at each of these
    /// instants, which ascend, in recorded time; exceptions aside. Kernel packages that do not run where
    /// they lie count only if `kernels`; whether they do, and what is the same vulnerability, is decided as today.
    pub fn exposure(
        &self,
        scope: &Scope,
        vulnerability: VulnerabilityNo,
        instants: &[Millis],
        kernels: bool,
    ) -> Vec<u64> {
        let data = &self.data;
        let packages = data.tables.packages_naming(&[vulnerability]);
        let mut holding = Bits::none(data.sets.end());
        packages.iter().for_each(|no| data.sets.holding(*no, &mut |set| holding.insert(set.index())));
        let shows = |asset: &AssetView<'_>| {
            asset.links.iter().any(|link| holding.contains(link.set.index()))
                || asset.deltas.iter().any(|delta| packages.contains(&delta.package))
        };
        let (mut found, mut containers) = (RoaringBitmap::new(), HashMap::<AssetNo, Vec<Interval>>::new());
        for asset in data.assets.from(AssetNo(0)) {
            let image = data.assets.image_of(&asset).filter(|image| shows(image));
            if let Some(image) = &image {
                containers.entry(image.row.no).or_default().push(asset.row.held);
            }
            let sees = scope.sees(asset.row.project, asset.row.enterprise_project);
            if sees && (image.is_some() || shows(&asset)) {
                found.insert(asset.row.no.0);
            }
        }
        let only = Only::vulnerabilities(data, &[vulnerability]);
        let count = |part: &[AssetNo]| {
            let (mut steps, mut presence) = (vec![0_i64; instants.len() + 1], Presence::default());
            for asset in part.iter().filter_map(|no| data.assets.get(*no)) {
                let pieces = self.affected(&asset, vulnerability, &packages, |no| {
                    let Some((entry, row)) = data.tables.package(no) else { return false };
                    if kernels || !entry.kernel {
                        return true;
                    }
                    presence.read_only(data, &asset, &only);
                    !presence.not_run_here(&asset, row)
                });
                let lives = lives(&asset, containers.get(&asset.row.no).map_or(&[], Vec::as_slice));
                for stretch in union_intervals(pieces) {
                    for life in lives.iter().filter_map(|life| life.intersect(&stretch)) {
                        steps[instants.partition_point(|at| *at < life.from)] += 1;
                        steps[instants.partition_point(|at| *at < life.to)] -= 1;
                    }
                }
            }
            steps
        };
        let mut steps = vec![0_i64; instants.len() + 1];
        for part in in_parts(&found, count) {
            steps.iter_mut().zip(part).for_each(|(sum, more)| *sum += more);
        }
        let mut sum = 0;
        steps.pop();
        let counts = steps.into_iter().map(|step| {
            sum += step;
            u64::try_from(sum).unwrap_or_default()
        });
        counts.collect()
    }

    /// When the asset showed any of the packages while it had the vulnerability.
    fn affected(
        &self,
        asset: &AssetView<'_>,
        vulnerability: VulnerabilityNo,
        packages: &BTreeSet<PackageNo>,
        mut counts: impl FnMut(PackageNo) -> bool,
    ) -> Vec<Interval> {
        let mut pieces = Vec::new();
        let mut add = |package: PackageNo, held: Interval| {
            let verdicts = self.data.tables.package(package).and_then(|(entry, _)| entry.verdicts.as_deref());
            let Some(verdicts) = verdicts.filter(|_| counts(package)) else { return };
            let open = verdicts.open_on(vulnerability).map(|open| Interval::since(open.since));
            let past = verdicts.past_of(vulnerability).iter().map(|(_, stretch)| *stretch);
            pieces.extend(past.chain(open).filter_map(|stretch| stretch.intersect(&held)));
        };
        let image = self.data.assets.image_of(asset);
        let own = asset.links.iter().map(|link| (link.set, Some(link.held)));
        let inherited = image.iter().flat_map(|image| {
            let known = Interval::since(image.row.held.from);
            let both = asset.row.held.intersect(&known);
            image.links.iter().map(move |link| (link.set, both.and_then(|both| link.held.intersect(&both))))
        });
        for (set, held) in own.chain(inherited) {
            let Some(held) = held else { continue };
            let members = self.data.sets.members(set);
            for package in packages.iter().filter(|no| members.binary_search(no).is_ok()) {
                if !asset.has_delta(*package) {
                    add(*package, held);
                }
            }
        }
        for delta in asset.deltas.iter().filter(|delta| packages.contains(&delta.package)) {
            add(delta.package, delta.held);
        }
        pieces
    }
}

/// When the asset counted: while it existed, and an image also had a reference, a container or a pin.
fn lives(asset: &AssetView<'_>, containers: &[Interval]) -> Vec<Interval> {
    let row = asset.row;
    if row.kind != AssetKind::Image || row.pinned {
        return vec![row.held];
    }
    let references = row.references.iter().map(|reference| reference.held);
    let held = references.chain(containers.iter().copied()).filter_map(|held| held.intersect(&row.held));
    union_intervals(held.collect())
}
