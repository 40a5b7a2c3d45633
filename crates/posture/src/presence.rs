//! Which packages an asset shows now and showed before.
//!
//! - A package that any delta of the asset names follows its deltas alone; every other follows the
//!   asset's links.
//! - A container also shows what its image shows, from its own start on, save what its deltas name.
//! - A package shown twice counts once, since the earlier start.
//!
//! Packages of which no advisory speaks are passed over, save for coverage.

use parapet_model::facts::PackageRow;
use parapet_model::inventory::ReadOutcome;
use parapet_model::{AssetKind, Coverage, Interval, Millis, PackageNo, ScanState, SetNo};

use crate::block::AssetView;
use crate::data::Data;
use crate::only::Only;
use crate::verdict::Verdicts;

/// A package that the asset shows now, and of which advisories speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Present<'s> {
    pub(crate) no: PackageNo,
    pub(crate) row: &'s PackageRow,
    pub(crate) verdicts: &'s Verdicts,
    /// Start of the open presence.
    pub(crate) since: Millis,
    /// Shown (also) because the image shows it.
    pub(crate) inherited: bool,
}

/// A presence that ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past<'s> {
    pub(crate) verdicts: &'s Verdicts,
    pub(crate) held: Interval,
}

/// What an asset shows; the buffers are used again for the next asset.
#[derive(Debug, Default)]
pub(crate) struct Presence<'s> {
    /// Ascending by package, each once.
    pub(crate) present: Vec<Present<'s>>,
    pub(crate) past: Vec<Past<'s>>,
    /// Worst word of the asset.
    pub(crate) coverage: Coverage,
    /// Some kernel package of the host is the running one.
    kernel_known: bool,
    packages: usize,
}

impl<'s> Presence<'s> {
    /// Reads the asset.
    pub(crate) fn read(&mut self, data: &'s Data, asset: &AssetView<'s>) {
        self.read_through(data, asset, |set| data.sets.members(set), |_| true);
    }

    /// Reads some packages of the asset. What is said of its coverage is worth nothing then.
    pub(crate) fn read_only(&mut self, data: &'s Data, asset: &AssetView<'s>, only: &Only) {
        self.read_through(data, asset, |set| only.members(set), |package| only.has_package(package));
    }

    fn read_through<'m>(
        &mut self,
        data: &'s Data,
        asset: &AssetView<'s>,
        members: impl Fn(SetNo) -> &'m [PackageNo],
        matters: impl Fn(PackageNo) -> bool,
    ) {
        self.present.clear();
        self.past.clear();
        (self.coverage, self.kernel_known, self.packages) = (Coverage::Assessed, false, 0);
        let image = data.assets.image_of(asset);
        for link in asset.links {
            self.add_set(data, asset, link.held, members(link.set), false);
        }
        for delta in asset.deltas.iter().filter(|delta| matters(delta.package)) {
            self.add(data, asset, delta.held, delta.package, false);
        }
        if let Some(image) = &image {
            for link in image.links {
                if let Some(held) = link.held.intersect(&asset.row.held) {
                    self.add_set(data, asset, held, members(link.set), true);
                }
            }
        }
        if !self.present.is_sorted_by_key(|present| present.no) {
            self.present.sort_by_key(|present| present.no);
        }
        self.present.dedup_by(|next, kept| {
            let same = next.no == kept.no;
            if same {
                kept.since = kept.since.min(next.since);
                kept.inherited |= next.inherited;
            }
            same
        });
        self.coverage = self.judge_coverage(asset, image.as_ref());
    }

    fn add_set(
        &mut self,
        data: &'s Data,
        asset: &AssetView<'s>,
        held: Interval,
        members: &[PackageNo],
        inherited: bool,
    ) {
        for &package in members {
            if !asset.has_delta(package) {
                self.add(data, asset, held, package, inherited);
            }
        }
    }

    fn add(
        &mut self,
        data: &'s Data,
        asset: &AssetView<'s>,
        held: Interval,
        package: PackageNo,
        inherited: bool,
    ) {
        let Some((entry, row)) = data.tables.package(package) else { return };
        if held.is_open() {
            self.packages += 1;
            self.coverage = self.coverage.max(data.tables.coverage_of(entry));
            self.kernel_known |= entry.kernel && runs(asset, row);
            if let Some(verdicts) = entry.verdicts.as_deref() {
                self.present.push(Present { no: package, row, verdicts, since: held.from, inherited });
            }
        } else if let Some(verdicts) = entry.verdicts.as_deref() {
            self.past.push(Past { verdicts, held });
        }
    }

    /// The worst word of packages and databases; `not-scanned` when nothing was read or found. A
    /// container that was not read itself is as well known as its image.
    fn judge_coverage(&self, asset: &AssetView<'_>, image: Option<&AssetView<'_>>) -> Coverage {
        let state = match (asset.row.scan, image) {
            (ScanState::NotScanned, Some(image)) => image.row.scan,
            (own, _) => own,
        };
        let own = &asset.row.databases;
        let databases = || own.iter().chain(image.map_or(&[][..], |image| &image.row.databases));
        if state == ScanState::NotScanned || (self.packages == 0 && databases().next().is_none()) {
            return Coverage::NotScanned;
        }
        databases().fold(self.coverage, |worst, database| worst.max(word_of(&database.outcome)))
    }

    /// Whether the package's code does not run on the asset: a kernel inside an image or container,
    /// or a kernel of a host which is not the running one. Where no kernel package of the host
    /// bears the running release, or the release is unknown, all of them count.
    pub(crate) fn not_run_here(&self, asset: &AssetView<'_>, package: &PackageRow) -> bool {
        package.kernel && (asset.row.kind != AssetKind::Host || (self.kernel_known && !runs(asset, package)))
    }
}

/// What the outcome of reading a package database makes of the asset's coverage.
pub(crate) fn word_of(outcome: &ReadOutcome) -> Coverage {
    match outcome {
        ReadOutcome::Read => Coverage::Assessed,
        ReadOutcome::Unreadable(_) => Coverage::Unreadable,
        ReadOutcome::NotRead(_) => Coverage::NotScanned,
    }
}

/// Whether a kernel package is the one that the host runs.
fn runs(asset: &AssetView<'_>, package: &PackageRow) -> bool {
    asset.row.kind == AssetKind::Host && is_running_kernel(&asset.row.host_facts.kernel, package)
}

/// Whether `uname -r` speaks of this package. Debian and Ubuntu put the release into the name
/// (`linux-image-6.1.0-25-amd64`); RPM distributions print `version-release.arch`; Alpine prints
/// `6.6.31-0-lts` for version `6.6.31-r0`. Anything else is not recognised.
pub fn is_running_kernel(release: &str, package: &PackageRow) -> bool {
    if release.is_empty() {
        return false;
    }
    let key = &package.key;
    let named =
        |name: &str| name.strip_suffix(release).is_some_and(|rest| rest.is_empty() || rest.ends_with('-'));
    if named(&key.name) || named(&key.source_name) {
        return true;
    }
    let version = key.version.split_once(':').map_or(key.version.as_str(), |(_, version)| version);
    if version.is_empty() {
        return false;
    }
    let starts_with = |version: &str| {
        release.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
    };
    match version.rsplit_once("-r") {
        Some((upstream, build)) => starts_with(&format!("{upstream}-{build}")),
        None => version.contains('-') && starts_with(version),
    }
}

#[cfg(test)]
mod tests {
    use parapet_model::PackageKey;

    use super::*;

    #[test]
    fn the_running_kernel_is_recognised_and_its_neighbours_are_not() {
        let running = |release: &str, name: &str, version: &str| {
            let key = PackageKey::new("x", name, version);
            let row = PackageRow { no: PackageNo(1), key, coverage: Coverage::Assessed, kernel: true };
            is_running_kernel(release, &row)
        };
        assert!(running("6.1.0-25-amd64", "linux-image-6.1.0-25-amd64", "6.1.106-3"));
        assert!(!running("6.1.0-25-amd64", "linux-image-6.1.0-5-amd64", "6.1.10-1"));
        assert!(!running("1.0-25-amd64", "linux-image-6.1.0-25-amd64", "6.1.106-3"));
        assert!(running("5.14.0-427.13.1.el9_4.x86_64", "kernel-core", "5.14.0-427.13.1.el9_4"));
        assert!(!running("5.14.0-427.13.1.el9_4.x86_64", "kernel-core", "5.14.0-427.1"));
        assert!(running("6.6.31-0-lts", "linux-lts", "6.6.31-r0"));
        assert!(!running("6.6.31-0-lts", "linux-lts", "6.6.30-r0"));
        assert!(!running("", "linux-lts", "6.6.31-r0"));
    }
}
