//! What one asset is made of and how its vulnerabilities came and went.

use std::collections::BTreeMap;

use parapet_model::time::union_intervals;
use parapet_model::{AssetNo, Interval, PackageNo, Scope, VulnerabilityNo};

use crate::snapshot::Snapshot;

/// A layer of an image, with the packages it brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerPackages<'s> {
    /// Digest of the layer; empty where there are none, as on a host.
    pub layer: &'s str,
    /// The image, when a container shows what its image has.
    pub image: Option<AssetNo>,
    /// Its packages, as they came.
    pub packages: Vec<PackageNo>,
}

impl Snapshot {
    /// The layers that an asset of the scope shows packages from now, base first; `None` when there is no
    /// such asset. Layers without packages are not known.
    pub fn layers_of(&self, scope: &Scope, asset: AssetNo) -> Option<Vec<LayerPackages<'_>>> {
        let view = self.asset_view(scope, asset)?;
        let mut layers: Vec<LayerPackages<'_>> = Vec::new();
        self.each_showing(&view, &mut |package, showing| {
            if !showing.held.is_open() {
                return;
            }
            match layers.iter_mut().find(|l| l.layer == showing.layer && l.image == showing.image) {
                Some(layer) => layer.packages.push(package),
                None => layers.push(LayerPackages {
                    layer: showing.layer,
                    image: showing.image,
                    packages: vec![package],
                }),
            }
        });
        Some(layers)
    }

    /// When an asset of the scope had which canonical vulnerability, over all packages it shows or showed,
    /// by vulnerability; `None` when there is no such asset. Exceptions are left out of account, and so are
    /// packages of kernels that an image or container does not run.
    pub fn lives_of(&self, scope: &Scope, asset: AssetNo) -> Option<Vec<(VulnerabilityNo, Vec<Interval>)>> {
        let view = self.asset_view(scope, asset)?;
        let is_host = view.row.kind == parapet_model::AssetKind::Host;
        let mut pieces: BTreeMap<VulnerabilityNo, Vec<Interval>> = BTreeMap::new();
        self.each_showing(&view, &mut |package, showing| {
            let Some((entry, row)) = self.data.tables.package(package) else { return };
            let Some(verdicts) = entry.verdicts.as_deref().filter(|_| is_host || !row.kernel) else { return };
            let open = verdicts.open.iter().map(|open| (open.vulnerability, Interval::since(open.since)));
            for (no, stretch) in open.chain(verdicts.past.iter().copied()) {
                if let Some(piece) = stretch.intersect(&showing.held) {
                    pieces.entry(no).or_default().push(piece);
                }
            }
        });
        Some(pieces.into_iter().map(|(no, pieces)| (no, union_intervals(pieces))).collect())
    }
}
