//! What the asset is made of, layer by layer, and what to install.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::filter::{Field, Op};
use parapet_model::{Filter, PackageNo, Severity, VulnerabilityNo};
use parapet_service::plan::upgrades;

use super::Desk;
use super::view::{Layer, Step};
use crate::question::{Question, asked};

/// Which layer brought what, base first.
pub(super) fn layers(desk: &Desk<'_>) -> Vec<Layer> {
    let standing = Question::read("not excepted", "");
    let mut of_package: BTreeMap<PackageNo, BTreeMap<VulnerabilityNo, Severity>> = BTreeMap::new();
    for row in desk.findings(&standing) {
        of_package.entry(row.package.no).or_default().insert(row.vulnerability.no, row.verdict.severity);
    }
    let brought = desk.brought();
    let layers = desk.view.snapshot.layers_of(desk.scope, desk.asset.no).unwrap_or_default();
    let line = |layer: parapet_posture::LayerPackages<'_>| {
        // A package in several layers is counted where it came first, as in the list of findings.
        let is_own = |no: &PackageNo| brought.get(no).is_some_and(|(first, _)| *first == layer.layer);
        let own: BTreeSet<PackageNo> = layer.packages.iter().copied().filter(is_own).collect();
        let found = own.iter().filter_map(|no| of_package.get(no));
        let mut worst: BTreeMap<VulnerabilityNo, Severity> = BTreeMap::new();
        for (no, severity) in found.clone().flatten() {
            let band = worst.entry(*no).or_insert(*severity);
            *band = (*band).max(*severity);
        }
        let mut bands = [0; 6];
        worst.values().for_each(|band| bands[*band as usize] += 1);
        Layer {
            digest: layer.layer.to_owned(),
            inherited: layer.image.is_some(),
            packages: layer.packages.len(),
            findings: found.map(BTreeMap::len).sum(),
            link: desk.link().with("where", "not excepted").with("layer", layer.layer),
            bands: worst_first(&bands),
        }
    };
    layers.into_iter().map(line).collect()
}

fn worst_first(bands: &[usize; 6]) -> Vec<(Severity, usize)> {
    let counted = Severity::WORST_FIRST.map(|band| (band, bands[band as usize]));
    counted.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// The upgrades that remove most, first.
pub(super) fn plan(desk: &Desk<'_>) -> Vec<Step> {
    let list = |texts: &BTreeSet<String>| texts.iter().cloned().collect::<Vec<_>>().join(", ");
    let steps = upgrades(&desk.view.snapshot, &desk.query(&Filter::All));
    let step = |upgrade: parapet_service::plan::Upgrade| {
        let packages = Filter::any_of(Field::Package, upgrade.packages.iter().cloned());
        let yes = |field| Filter::test(field, Op::Eq, true);
        let removed = packages.and(yes(Field::Fixable)).and(yes(Field::Excepted).negate());
        Step {
            link: asked(&desk.link(), &removed),
            packages: list(&upgrade.packages),
            installed: list(&upgrade.installed),
            removes: upgrade.vulnerabilities.len(),
            kev: upgrade.kev,
            bands: worst_first(&upgrade.severities),
            name: upgrade.name,
            ecosystem: upgrade.ecosystem,
            fixed: upgrade.fixed,
        }
    };
    steps.into_iter().map(step).collect()
}
