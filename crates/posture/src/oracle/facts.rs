//! Facts as plain maps, and what follows from them asset by asset.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::coverage::EcosystemCoverage;
use parapet_model::exception::Exception;
use parapet_model::facts::{AssetRow, Change, EnterpriseProjectRow, MatchRow, PackageRow, SetRow};
use parapet_model::inventory::ReadOutcome;
use parapet_model::time::union_intervals;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AssetKind, AssetNo, Coverage, ExceptionNo, Interval, PackageNo, ScanState, SetNo, VulnerabilityNo,
};

/// The present state of all facts.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub(super) packages: BTreeMap<PackageNo, PackageRow>,
    pub(super) sets: BTreeMap<SetNo, BTreeSet<PackageNo>>,
    pub(super) assets: BTreeMap<AssetNo, AssetRow>,
    pub(super) matches: BTreeMap<PackageNo, Vec<MatchRow>>,
    pub(super) vulnerabilities: BTreeMap<VulnerabilityNo, Vulnerability>,
    pub(super) exceptions: BTreeMap<ExceptionNo, Exception>,
    coverage: Vec<EcosystemCoverage>,
    pub(super) enterprise_projects: Vec<EnterpriseProjectRow>,
}

impl Facts {
    /// Replaces what was known of the change's subjects.
    pub fn apply(&mut self, change: Change) {
        self.packages.extend(change.packages.into_iter().map(|row| (row.no, row)));
        self.sets.extend(change.sets.into_iter().map(|row| (row.no, row.members.into_iter().collect())));
        self.assets.extend(change.assets.into_iter().map(|row| (row.no, row)));
        for (package, rows) in change.matches {
            let known = self.matches.entry(package).or_default();
            known.retain(|old| rows.iter().all(|row| row.vulnerability != old.vulnerability));
            known.extend(rows);
        }
        self.vulnerabilities.extend(change.vulnerabilities.into_iter().map(|row| (row.no, row)));
        self.exceptions.extend(change.exceptions.into_iter().map(|row| (row.no, row)));
        self.coverage = change.coverage.unwrap_or(std::mem::take(&mut self.coverage));
        if let Some(rows) = change.enterprise_projects {
            self.enterprise_projects = rows;
        }
    }

    /// All of it as one change.
    pub fn whole(&self) -> Change {
        let set = |(no, members): (&SetNo, &BTreeSet<PackageNo>)| SetRow {
            no: *no,
            members: members.iter().copied().collect(),
        };
        Change {
            packages: self.packages.values().cloned().collect(),
            sets: self.sets.iter().map(set).collect(),
            assets: self.assets.values().cloned().collect(),
            matches: self.matches.clone().into_iter().collect(),
            vulnerabilities: self.vulnerabilities.values().cloned().collect(),
            exceptions: self.exceptions.values().cloned().collect(),
            coverage: Some(self.coverage.clone()),
            enterprise_projects: Some(self.enterprise_projects.clone()),
            ..Change::default()
        }
    }

    /// The image a container shows.
    pub(super) fn image_of(&self, asset: &AssetRow) -> Option<&AssetRow> {
        let image = self.assets.get(&asset.image?)?;
        let fits = asset.kind == AssetKind::Container
            && image.kind == AssetKind::Image
            && image.project == asset.project;
        fits.then_some(image)
    }

    /// Whether the asset counts now.
    pub(super) fn is_current(&self, asset: &AssetRow) -> bool {
        let runs = |other: &AssetRow| {
            other.held.is_open() && self.image_of(other).is_some_and(|image| image.no == asset.no)
        };
        asset.held.is_open()
            && match asset.kind {
                AssetKind::Image => {
                    asset.pinned
                        || asset.references.iter().any(|reference| reference.held.is_open())
                        || self.assets.values().any(runs)
                }
                AssetKind::Container | AssetKind::Host => true,
            }
    }

    fn by_links(&self, asset: &AssetRow, package: PackageNo) -> Vec<Interval> {
        let holds = |set: &SetNo| self.sets.get(set).is_some_and(|members| members.contains(&package));
        asset.links.iter().filter(|link| holds(&link.set)).map(|link| link.held).collect()
    }

    /// When the asset shows the package by itself, and when because its image does.
    pub(super) fn presence(&self, asset: &AssetRow, package: PackageNo) -> (Vec<Interval>, Vec<Interval>) {
        let deltas = asset.deltas.iter().filter(|delta| delta.package == package);
        let deltas: Vec<Interval> = deltas.map(|delta| delta.held).collect();
        if asset.kind != AssetKind::Image && !deltas.is_empty() {
            return (deltas, Vec::new());
        }
        let inherited = match self.image_of(asset) {
            Some(image) => self.by_links(image, package),
            None => Vec::new(),
        };
        let inherited = inherited.into_iter().filter_map(|held| held.intersect(&asset.held)).collect();
        (self.by_links(asset, package), inherited)
    }

    /// Whether the asset shows the package now, and whether it inherits it.
    pub(super) fn shows(&self, asset: &AssetRow, package: PackageNo) -> Option<bool> {
        let open = |list: &[Interval]| list.iter().any(Interval::is_open);
        let (own, inherited) = self.presence(asset, package);
        (open(&own) || open(&inherited)).then_some(open(&inherited))
    }

    /// The canonical vulnerability; of a circle the lowest number.
    pub(super) fn canonical(&self, no: VulnerabilityNo) -> Option<VulnerabilityNo> {
        let mut path = vec![self.vulnerabilities.get(&no)?];
        loop {
            let last = path.last()?;
            match self.vulnerabilities.get(&last.canonical) {
                None => return Some(last.no),
                Some(next) => match path.iter().position(|seen| seen.no == next.no) {
                    Some(at) => return path[at..].iter().map(|row| row.no).min(),
                    None => path.push(next),
                },
            }
        }
    }

    /// All rows that speak of a package and a canonical vulnerability.
    pub(super) fn rows(&self, package: PackageNo, canonical: VulnerabilityNo) -> Vec<&MatchRow> {
        let rows = self.matches.get(&package).into_iter().flatten();
        rows.filter(|row| self.canonical(row.vulnerability) == Some(canonical)).collect()
    }

    /// When a package counts as affected: some positive row stands, and no "not affected" row that
    /// stands has a higher precedence than all positive ones.
    pub(super) fn affected(&self, package: PackageNo, canonical: VulnerabilityNo) -> Vec<Interval> {
        let rows = self.rows(package, canonical);
        let bounds: BTreeSet<_> = rows.iter().flat_map(|row| [row.held.from, row.held.to]).collect();
        let bounds: Vec<_> = bounds.into_iter().collect();
        let mut pieces = Vec::new();
        for pair in bounds.windows(2) {
            let stand: Vec<_> = rows.iter().filter(|row| row.held.contains(pair[0])).collect();
            let best = |positive| {
                let fitting = stand.iter().filter(|row| row.state.is_positive() == positive);
                fitting.map(|row| i32::from(row.precedence)).max().unwrap_or(-1)
            };
            if best(true) >= 0 && best(true) >= best(false) {
                pieces.push(Interval { from: pair[0], to: pair[1] });
            }
        }
        union_intervals(pieces)
    }

    /// The stints of (asset, vulnerability) over all packages.
    pub(super) fn stints(&self, asset: &AssetRow, canonical: VulnerabilityNo) -> Vec<Interval> {
        let mut pieces = Vec::new();
        for package in self.packages.keys() {
            let (own, inherited) = self.presence(asset, *package);
            for held in own.into_iter().chain(inherited) {
                for affected in self.affected(*package, canonical) {
                    pieces.extend(held.intersect(&affected));
                }
            }
        }
        union_intervals(pieces)
    }

    /// The asset's worst coverage word.
    pub(super) fn coverage(&self, asset: &AssetRow) -> Coverage {
        let image = self.image_of(asset);
        let scan = match image {
            Some(image) if asset.scan == ScanState::NotScanned => image.scan,
            _ => asset.scan,
        };
        let mut words: Vec<Coverage> = Vec::new();
        for package in self.packages.values().filter(|package| self.shows(asset, package.no).is_some()) {
            let ecosystem = self.coverage.iter().find(|row| row.ecosystem == package.key.ecosystem);
            words.push(ecosystem.map_or(Coverage::NoFeed, |row| row.coverage));
            words.push(package.coverage);
        }
        for home in [Some(asset), image].into_iter().flatten() {
            words.extend(home.databases.iter().map(|database| match database.outcome {
                ReadOutcome::Read => Coverage::Assessed,
                ReadOutcome::Unreadable(_) => Coverage::Unreadable,
                ReadOutcome::NotRead(_) => Coverage::NotScanned,
            }));
        }
        if scan == ScanState::NotScanned {
            return Coverage::NotScanned;
        }
        words.into_iter().max().unwrap_or(Coverage::NotScanned)
    }

    /// Whether the package's code does not run on the asset.
    pub(super) fn not_run_here(&self, asset: &AssetRow, package: &PackageRow) -> bool {
        let runs = |package: &PackageRow| crate::is_running_kernel(&asset.host_facts.kernel, package);
        if !package.kernel || asset.kind != AssetKind::Host {
            return package.kernel;
        }
        let mut kernels = self.packages.values().filter(|p| p.kernel && self.shows(asset, p.no).is_some());
        !runs(package) && kernels.any(runs)
    }
}
