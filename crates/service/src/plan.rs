//! What to install: the upgrades that remove most findings.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use parapet_matching::Order;
use parapet_model::{Severity, VulnerabilityNo};
use parapet_posture::{Query, Snapshot};

/// Packages of one source and the version to which they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The source package, or the package where there is none.
    pub name: String,
    /// Its ecosystem, with release.
    pub ecosystem: String,
    /// The packages that are installed of it.
    pub packages: BTreeSet<String>,
    /// The versions that are installed.
    pub installed: BTreeSet<String>,
    /// The version that holds all the fixes.
    pub fixed: String,
    /// Vulnerabilities that it removes.
    pub vulnerabilities: BTreeSet<VulnerabilityNo>,
    /// Of them, those known to be exploited.
    pub kev: usize,
    /// How many of them are of each severity, by its number.
    pub severities: [usize; 6],
}

/// The upgrades that remove the fixable findings of a query, those first that remove most of the worst. What
/// exceptions hide asks for none. A version that cannot be compared with the others is taken as it comes.
pub fn upgrades(snapshot: &Snapshot, query: &Query<'_>) -> Vec<Upgrade> {
    let mut all: BTreeMap<(String, String), Upgrade> = BTreeMap::new();
    let _ = snapshot.findings(query, |row| {
        if row.exception.is_none() && row.verdict.state.is_fixable() {
            let key = &row.package.key;
            let name = if key.source_name.is_empty() { &key.name } else { &key.source_name };
            let upgrade = all.entry((key.ecosystem.clone(), name.clone())).or_insert_with(|| Upgrade {
                name: name.clone(),
                ecosystem: key.ecosystem.clone(),
                packages: BTreeSet::new(),
                installed: BTreeSet::new(),
                fixed: String::new(),
                vulnerabilities: BTreeSet::new(),
                kev: 0,
                severities: [0; 6],
            });
            upgrade.packages.insert(key.name.clone());
            upgrade.installed.insert(key.version.clone());
            if is_later(&key.ecosystem, &row.verdict.fixed_version, &upgrade.fixed) {
                upgrade.fixed.clone_from(&row.verdict.fixed_version);
            }
            if upgrade.vulnerabilities.insert(row.vulnerability.no) {
                upgrade.kev += usize::from(row.vulnerability.kev_added != 0);
                upgrade.severities[row.verdict.severity as usize] += 1;
            }
        }
        ControlFlow::Continue(())
    });
    let mut all: Vec<Upgrade> = all.into_values().collect();
    all.sort_by_cached_key(|upgrade| {
        let worst = Severity::WORST_FIRST.map(|band| Reverse(upgrade.severities[band as usize]));
        (Reverse(upgrade.kev), worst, upgrade.name.clone())
    });
    all
}

fn is_later(ecosystem: &str, version: &str, than: &str) -> bool {
    let compare = |order: Order| order.compare(version, than);
    than.is_empty() || Order::of_ecosystem(ecosystem).and_then(compare) == Some(Ordering::Greater)
}
