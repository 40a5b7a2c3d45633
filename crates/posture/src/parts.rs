//! The findings of a query for several threads: each walks assets of its own, and meets findings by the
//! package.
//!
//! Whoever writes many rows wants to know what it may keep. Most packages lie in base layers and come back
//! with every image, and what advisories say of them does not depend on the image.

use std::ops::ControlFlow;
use std::sync::Arc;

use parapet_model::finding::{Finding, Likeness};
use parapet_model::{AssetNo, Filter, PackageNo, VulnerabilityNo};

use crate::bits::Bits;
use crate::data::Data;
use crate::only::Only;
use crate::pairs::understands;
use crate::presence::Present;
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::walk::Walk;

/// A query that several threads walk.
pub struct Walking<'s, 'q> {
    snapshot: &'s Snapshot,
    query: &'q Query<'q>,
    wants: Wants,
    /// What is read of the assets, if that is not everything.
    only: Option<Arc<Only>>,
}

/// Walks the assets of a query one by one.
pub struct Walker<'s, 'q> {
    snapshot: &'s Snapshot,
    walk: Walk<'s, 'q>,
}

/// The findings of one package on one asset.
pub struct PackageRows<'r, 's, 'q> {
    walk: &'r mut Walk<'s, 'q>,
    row: &'r mut Finding<'s>,
    present: &'r Present<'s>,
    after: Option<VulnerabilityNo>,
}

/// What whoever asks for findings looks at; what nobody looks at is not worked out, and is 0 or the best word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// `first_found` and `reopened_at`.
    pub since: bool,
    /// The coverage word of the asset.
    pub coverage: bool,
}

impl Snapshot {
    /// A walk over the findings of a query, for several threads.
    pub fn walking<'s, 'q>(&'s self, query: &'q Query<'q>, wants: Wants) -> Walking<'s, 'q> {
        let walk = self.walk(query, wants.since);
        let all = walk.wants_since() || wants.coverage || walk.asks_coverage();
        let few = if all { None } else { self.data.few_packages(&walk.split.match_parts()) };
        let only = few.map(|packages| Arc::new(Only::packages(&self.data, &packages)));
        Walking { snapshot: self, query, wants, only }
    }
}

impl<'s, 'q> Walking<'s, 'q> {
    /// All assets that may have findings, in the order of findings.
    pub fn assets(&self) -> Vec<AssetNo> {
        self.snapshot.assets_to_walk(self.query)
    }

    /// A walker for one thread.
    pub fn walker(&self) -> Walker<'s, 'q> {
        let mut walk = self.snapshot.walk(self.query, self.wants.since);
        if let Some(only) = &self.only {
            walk.restrict(Arc::clone(only));
        }
        Walker { snapshot: self.snapshot, walk }
    }
}

impl Snapshot {
    /// All assets that may have findings of a query, in the order of findings.
    pub(crate) fn assets_to_walk(&self, query: &Query<'_>) -> Vec<AssetNo> {
        match self.walk(query, false).candidates() {
            Some(numbers) => numbers.iter().map(AssetNo).collect(),
            None => (0..self.data.assets.end() as u32).map(AssetNo).collect(),
        }
    }
}

impl Data {
    /// The packages with a pair that passes, if a filter leaves few of all.
    fn few_packages(&self, filter: &Filter) -> Option<Vec<PackageNo>> {
        if *filter == Filter::All || !understands(filter) {
            return None;
        }
        let pairs = self.pairs();
        let packages = pairs.packages_of(&pairs.passing(&self.tables, filter, &Bits::default()), true);
        (packages.len() <= pairs.packages() / 2).then_some(packages)
    }
}

impl<'s, 'q> Walker<'s, 'q> {
    /// Calls `visit` with each package of an asset that may have findings of the query, in order.
    pub fn asset(&mut self, no: AssetNo, mut visit: impl FnMut(&mut PackageRows<'_, 's, 'q>)) {
        let asset = self.snapshot.data.assets.get(no).filter(|asset| self.walk.sees(asset));
        let Some(asset) = asset else { return };
        let _ = self.walk.turn_to_packages(&asset, None, &mut |walk, row, present, after| {
            row.package = present.row;
            visit(&mut PackageRows { walk, row, present, after });
            ControlFlow::Continue(())
        });
    }
}

impl<'s> PackageRows<'_, 's, '_> {
    /// What the rows have in common: asset and package. Vulnerability and verdict are those of another
    /// row or of none.
    pub fn base(&self) -> &Finding<'s> {
        self.row
    }

    /// How much of them will come back with the same package on other assets.
    pub fn likeness(&self) -> Likeness {
        self.walk.likeness()
    }

    /// Calls `visit` with each finding; there may be none.
    pub fn each(&mut self, mut visit: impl FnMut(&Finding<'s>)) {
        let _ = self.walk.package(self.row, self.present, self.after, &mut |row, _| {
            visit(row);
            ControlFlow::Continue(())
        });
    }
}
