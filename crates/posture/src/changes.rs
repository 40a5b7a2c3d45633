//! What changed since an instant: vulnerabilities on assets that opened or closed, and why.
//!
//! Asset × vulnerability is counted once however many packages show it, and an upgrade from one affected
//! version to another changes nothing. Exceptions are left out of account. Assets that were touched
//! themselves are walked; of all others only the packages matter of which advisories say something else
//! now, and these are asked as sets. An image that was current through a container alone which is gone
//! by now is taken for one that was not current.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::{AssetKind, AssetNo, Interval, Millis, PackageNo, Scope, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::block::AssetView;
use crate::data::Data;
use crate::presence::{Presence, is_running_kernel};
use crate::snapshot::Snapshot;
use crate::threads::in_parts;
use crate::verdict::Verdicts;

/// Why something opened or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeCause {
    /// Advisories say something else of packages that were there all the time.
    Feed,
    /// A package came, or was upgraded or removed.
    Package,
    /// The asset came, or is gone or no longer current.
    Asset,
}

impl ChangeCause {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Feed, Self::Package, Self::Asset];

    /// The word in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Package => "package",
            Self::Asset => "asset",
        }
    }
}

/// One vulnerability on one asset that opened or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeRow {
    /// The asset.
    pub asset: AssetNo,
    /// The canonical vulnerability.
    pub vulnerability: VulnerabilityNo,
}

/// What changed one way for one cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeList {
    /// How many rows there are.
    pub count: u64,
    /// The first of them.
    pub rows: Vec<ChangeRow>,
}

/// What changed since an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    lists: BTreeMap<(bool, ChangeCause), ChangeList>,
}

impl Changes {
    /// What opened (or else closed) for a cause.
    pub fn of(&self, opened: bool, cause: ChangeCause) -> Option<&ChangeList> {
        self.lists.get(&(opened, cause))
    }

    /// Whether no more rows are wanted.
    fn is_full(&self, opened: bool, cause: ChangeCause, most: usize) -> bool {
        self.of(opened, cause).map_or(0, |list| list.rows.len()) >= most
    }

    /// Counts without rows.
    fn count(&mut self, opened: bool, cause: ChangeCause, more: u64) {
        if more > 0 {
            self.lists.entry((opened, cause)).or_default().count += more;
        }
    }

    fn note(&mut self, opened: bool, cause: ChangeCause, row: ChangeRow, most: usize) {
        let list = self.lists.entry((opened, cause)).or_default();
        list.count += 1;
        if list.rows.len() < most {
            list.rows.push(row);
        }
    }

    fn join(&mut self, other: Self, most: usize) {
        for (key, mut list) in other.lists {
            let mine = self.lists.entry(key).or_default();
            mine.count += list.count;
            list.rows.truncate(most.saturating_sub(mine.rows.len()));
            mine.rows.append(&mut list.rows);
        }
    }
}

/// What is known of one vulnerability of an asset.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    then: bool,
    now: bool,
    /// A package that has it now was there then.
    stayed: bool,
    /// A package that had it then is there now.
    stays: bool,
}

fn moved(held: &Interval, since: Millis) -> bool {
    held.from > since || (!held.is_open() && held.to > since)
}

/// Whether the package had the vulnerability at an instant.
fn had(verdicts: &Verdicts, vulnerability: VulnerabilityNo, at: Millis) -> bool {
    verdicts.open_on(vulnerability).is_some_and(|open| open.since <= at)
        || verdicts.past_of(vulnerability).iter().any(|(_, held)| held.contains(at))
}

impl Snapshot {
    /// What is otherwise now than it was at `since`, on assets of the scope. Of each way and cause the
    /// first `most` rows are given; counts are whole. It takes time: ask it where nobody waits.
    pub fn changes(&self, scope: &Scope, since: Millis, most: usize) -> Changes {
        let data = &self.data;
        let seen = |asset: &AssetView<'_>| scope.sees(asset.row.project, asset.row.enterprise_project);
        // All that a new asset has opened with it, so it need not be walked when its rows are not wanted.
        let tally = data.tally();
        let mut held = RoaringBitmap::new();
        held.insert_range(0..data.assets.end() as u32);
        let parts = in_parts(&held, |part| {
            let (mut changes, mut touched) = (Changes::default(), Vec::new());
            let views = part.iter().filter_map(|no| data.assets.get(*no));
            for asset in views.filter(|asset| seen(asset) && data.moved(asset, since)) {
                let no = asset.row.no.0;
                touched.push(no);
                if changes.is_full(true, ChangeCause::Asset, most)
                    && !tally.touched.contains(no)
                    && !data.was_current(&asset, since)
                {
                    if data.assets.is_current(&asset) {
                        let opened = tally.thing.get(no).iter().map(|count| u64::from(*count)).sum();
                        changes.count(true, ChangeCause::Asset, opened);
                    }
                    continue;
                }
                self.changes_of(&asset, since, most, &mut changes);
            }
            (changes, touched)
        });
        let mut touched = RoaringBitmap::new();
        let mut all = Changes::default();
        for (part, of_part) in parts {
            all.join(part, most);
            touched.extend(of_part);
        }
        self.judged_anew(scope, since, &touched, most, &mut all);
        all
    }

    /// The changes of an asset that was touched.
    fn changes_of(&self, asset: &AssetView<'_>, since: Millis, most: usize, out: &mut Changes) {
        let data = &self.data;
        let (then, now) = (data.was_current(asset, since), data.assets.is_current(asset));
        if !then && !now {
            return;
        }
        let mut shown: BTreeMap<PackageNo, (bool, bool)> = BTreeMap::new();
        self.each_showing(asset, &mut |package, showing| {
            let places = shown.entry(package).or_default();
            places.0 |= showing.held.contains(since);
            places.1 |= showing.held.is_open();
        });
        let mut presence = Presence::default();
        presence.read(data, asset);
        let mut found: BTreeMap<VulnerabilityNo, Seen> = BTreeMap::new();
        for (package, (was, is)) in shown {
            let Some((entry, row)) = data.tables.package(package) else { continue };
            let Some(verdicts) = entry.verdicts.as_deref() else { continue };
            if presence.not_run_here(asset, row) {
                continue;
            }
            let open = verdicts.open.iter().map(|open| open.vulnerability);
            let past = verdicts.past.iter().map(|(no, _)| *no);
            for vulnerability in open.chain(past).collect::<BTreeSet<_>>() {
                let has_now = is && verdicts.open_on(vulnerability).is_some();
                let had_then = was && had(verdicts, vulnerability, since);
                let seen = found.entry(vulnerability).or_default();
                seen.now |= now && has_now;
                seen.then |= then && had_then;
                seen.stayed |= has_now && was;
                seen.stays |= had_then && is;
            }
        }
        for (vulnerability, seen) in found {
            let row = ChangeRow { asset: asset.row.no, vulnerability };
            let cause = |there: bool, same: bool| match (there, same) {
                (false, _) => ChangeCause::Asset,
                (true, true) => ChangeCause::Feed,
                (true, false) => ChangeCause::Package,
            };
            match (seen.then, seen.now) {
                (false, true) => out.note(true, cause(then, seen.stayed), row, most),
                (true, false) => out.note(false, cause(now, seen.stays), row, most),
                _ => {}
            }
        }
    }

    /// What advisories changed on assets that were not touched.
    fn judged_anew(
        &self,
        scope: &Scope,
        since: Millis,
        touched: &RoaringBitmap,
        most: usize,
        out: &mut Changes,
    ) {
        let data = &self.data;
        let mut changed: BTreeSet<VulnerabilityNo> = BTreeSet::new();
        for (_, entry) in data.tables.judged() {
            let Some(verdicts) = entry.verdicts.as_deref() else { continue };
            let opened = verdicts.open.iter().filter(|open| open.since > since);
            changed.extend(opened.map(|open| open.vulnerability));
            changed.extend(verdicts.past.iter().filter(|(_, held)| moved(held, since)).map(|(no, _)| *no));
        }
        if changed.is_empty() {
            return;
        }
        let hosts = data.current(scope, AssetKind::Host);
        let mut current = &hosts | data.current(scope, AssetKind::Image);
        current |= data.current(scope, AssetKind::Container);
        current -= touched;
        if current.is_empty() {
            return;
        }
        for vulnerability in changed {
            let naming = data.tables.packages_naming(&[vulnerability]);
            let judged = |has: &dyn Fn(&Verdicts) -> bool| -> RoaringBitmap {
                let wanted = naming.iter().filter_map(|no| data.tables.package(*no));
                let wanted = wanted.filter(|(entry, _)| entry.verdicts.as_deref().is_some_and(has));
                let packages: Vec<PackageNo> = wanted.map(|(_, row)| row.no).collect();
                data.running(&packages, &hosts) & &current
            };
            let is = judged(&|verdicts| verdicts.open_on(vulnerability).is_some());
            let was = judged(&|verdicts| had(verdicts, vulnerability, since));
            for (opened, assets) in [(true, &is - &was), (false, &was - &is)] {
                for no in assets {
                    let row = ChangeRow { asset: AssetNo(no), vulnerability };
                    out.note(opened, ChangeCause::Feed, row, most);
                }
            }
        }
    }
}

impl Data {
    /// Whether anything of the asset itself, or of the image it was started from, changed since.
    fn moved(&self, asset: &AssetView<'_>, since: Millis) -> bool {
        let of = |asset: &AssetView<'_>| {
            moved(&asset.row.held, since)
                || asset.links.iter().any(|link| moved(&link.held, since))
                || asset.deltas.iter().any(|delta| moved(&delta.held, since))
                || asset.row.references.iter().any(|row| moved(&row.held, since))
        };
        of(asset)
            || self
                .assets
                .image_of(asset)
                .is_some_and(|image| image.links.iter().any(|l| moved(&l.held, since)))
            || (self.only_runs(asset) && self.assets.containers_of(asset).all(|c| c.row.held.from > since))
    }

    /// Whether nothing but containers makes an image current.
    fn only_runs(&self, asset: &AssetView<'_>) -> bool {
        asset.row.kind == AssetKind::Image
            && !asset.row.pinned
            && !asset.row.references.iter().any(|row| row.held.is_open())
    }

    /// Whether the asset counted at an instant.
    fn was_current(&self, asset: &AssetView<'_>, at: Millis) -> bool {
        asset.row.held.contains(at)
            && (asset.row.kind != AssetKind::Image
                || asset.row.pinned
                || asset.row.references.iter().any(|row| row.held.contains(at))
                || self.assets.containers_of(asset).any(|container| container.row.held.contains(at)))
    }

    /// The assets that show any of these packages where it runs: of kernels only hosts that run them.
    fn running(&self, packages: &[PackageNo], hosts: &RoaringBitmap) -> RoaringBitmap {
        let is_kernel = |no: &PackageNo| self.tables.package(*no).is_some_and(|(entry, _)| entry.kernel);
        let (kernels, plain): (Vec<PackageNo>, Vec<PackageNo>) =
            packages.iter().copied().partition(is_kernel);
        let mut found = self.assets.having(&self.sets, &plain);
        for no in kernels {
            let Some((_, row)) = self.tables.package(no) else { continue };
            let mut presence = Presence::default();
            let holders = self.assets.having(&self.sets, &[no]) & hosts;
            found.extend(holders.iter().filter(|no| {
                self.assets.get(AssetNo(*no)).is_some_and(|host| {
                    is_running_kernel(&host.row.host_facts.kernel, row) || {
                        presence.read(self, &host);
                        !presence.not_run_here(&host, row)
                    }
                })
            }));
        }
        found
    }
}
