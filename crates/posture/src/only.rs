//! The few packages that decide about some vulnerabilities, or that may pass a filter, so that a walk that asks
//! for those alone passes over everything else an asset shows.
//!
//! Of vulnerabilities, all packages of which an advisory ever named one of them are in it, whatever the advisories say
//! now: since when an asset has a vulnerability depends on them too.

use std::collections::HashMap;

use parapet_model::{PackageNo, SetNo, VulnerabilityNo};

use crate::data::Data;
use crate::verdict::Verdicts;

/// See the module.
#[derive(Debug)]
pub(crate) struct Only {
    /// Canonical, ascending; `None` for all.
    vulnerabilities: Option<Vec<VulnerabilityNo>>,
    /// By package: the places of those vulnerabilities among what is open of it, if it is about some.
    packages: HashMap<PackageNo, Vec<usize>>,
    /// Ascending; by set.
    members: HashMap<SetNo, Vec<PackageNo>>,
}

impl Only {
    /// What decides about these canonical vulnerabilities.
    pub(crate) fn vulnerabilities(data: &Data, wanted: &[VulnerabilityNo]) -> Self {
        let mut vulnerabilities = wanted.to_vec();
        vulnerabilities.sort_unstable();
        vulnerabilities.dedup();
        let places = |no: PackageNo| {
            let verdicts = data.tables.package(no).and_then(|(entry, _)| entry.verdicts.as_deref());
            verdicts.map(|verdicts| places_of(verdicts, &vulnerabilities)).unwrap_or_default()
        };
        let mut packages: HashMap<PackageNo, Vec<usize>> =
            data.tables.packages_naming(&vulnerabilities).into_iter().map(|no| (no, places(no))).collect();
        add_kernels(data, &mut packages);
        Self::new(data, Some(vulnerabilities), packages)
    }

    /// These packages with all their vulnerabilities. Since when an asset has one cannot be told then.
    pub(crate) fn packages(data: &Data, wanted: &[PackageNo]) -> Self {
        let mut packages = wanted.iter().map(|no| (*no, Vec::new())).collect();
        add_kernels(data, &mut packages);
        Self::new(data, None, packages)
    }

    /// What decides which kernels run.
    pub(crate) fn kernels(data: &Data) -> Self {
        Self::new(data, Some(Vec::new()), data.tables.kernels().map(|no| (no, Vec::new())).collect())
    }

    fn new(
        data: &Data,
        vulnerabilities: Option<Vec<VulnerabilityNo>>,
        packages: HashMap<PackageNo, Vec<usize>>,
    ) -> Self {
        let mut members: HashMap<SetNo, Vec<PackageNo>> = HashMap::new();
        let mut ascending: Vec<PackageNo> = packages.keys().copied().collect();
        ascending.sort_unstable();
        for package in ascending {
            data.sets.holding(package, &mut |set| members.entry(set).or_default().push(package));
        }
        Self { vulnerabilities, packages, members }
    }

    /// Whether a package matters.
    pub(crate) fn has_package(&self, package: PackageNo) -> bool {
        self.packages.contains_key(&package)
    }

    /// Whether a vulnerability matters.
    pub(crate) fn has(&self, vulnerability: VulnerabilityNo) -> bool {
        self.vulnerabilities.as_ref().is_none_or(|some| some.binary_search(&vulnerability).is_ok())
    }

    /// Whether it is about packages with all their vulnerabilities.
    pub(crate) fn is_of_packages(&self) -> bool {
        self.vulnerabilities.is_none()
    }

    /// The members of a set that matter, ascending.
    pub(crate) fn members(&self, set: SetNo) -> &[PackageNo] {
        self.members.get(&set).map_or(&[], Vec::as_slice)
    }

    /// Where the vulnerabilities stand among what is open of a package; `None` for all of them.
    pub(crate) fn places(&self, package: PackageNo) -> Option<&[usize]> {
        self.vulnerabilities.as_ref()?;
        Some(self.packages.get(&package).map_or(&[], Vec::as_slice))
    }

    /// The packages that have any of the vulnerabilities now.
    pub(crate) fn affected(&self) -> Vec<PackageNo> {
        self.packages.iter().filter(|(_, places)| !places.is_empty()).map(|(no, _)| *no).collect()
    }
}

/// Whether one kernel runs on a host depends on all that it shows.
fn add_kernels(data: &Data, packages: &mut HashMap<PackageNo, Vec<usize>>) {
    let is_kernel = |no: &PackageNo| data.tables.package(*no).is_some_and(|(entry, _)| entry.kernel);
    if packages.keys().any(is_kernel) {
        for no in data.tables.kernels() {
            packages.entry(no).or_default();
        }
    }
}

/// Looks the shorter list up in the longer one.
fn places_of(verdicts: &Verdicts, wanted: &[VulnerabilityNo]) -> Vec<usize> {
    let open = &verdicts.open;
    if wanted.len() < open.len() {
        let found = wanted.iter().map(|no| open.binary_search_by_key(no, |open| open.vulnerability));
        return found.filter_map(Result::ok).collect();
    }
    let is_wanted = |place: &usize| wanted.binary_search(&open[*place].vulnerability).is_ok();
    (0..open.len()).filter(is_wanted).collect()
}
