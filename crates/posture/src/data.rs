//! All that a snapshot holds, and how a change is taken in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use parapet_model::exception::Exception;
use parapet_model::facts::{Change, EnterpriseProjectRow};
use parapet_model::{AssetNo, EnterpriseProjectNo, ExceptionNo, Millis, PackageNo, SetNo, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::assets::Assets;
use crate::kept::{Journal, Kept, TOO_MANY, Touched};
use crate::sets::Sets;
use crate::tables::Tables;

/// The read model. A clone shares everything that is large.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data {
    pub(crate) seq: u64,
    pub(crate) recorded: Millis,
    pub(crate) tables: Tables,
    pub(crate) sets: Sets,
    pub(crate) assets: Assets,
    pub(crate) exceptions: Arc<BTreeMap<ExceptionNo, Arc<Exception>>>,
    enterprise_projects: Arc<HashMap<EnterpriseProjectNo, EnterpriseProjectRow>>,
    /// What was worked out about all assets, for the walk of time of this posture.
    pub(crate) kept: Kept,
    pub(crate) journal: Journal,
}

impl Data {
    /// Replaces what was known of the change's subjects. Applying a change twice is applying it
    /// once.
    pub(crate) fn apply(&mut self, change: Change) {
        let subjects = Subjects::of(&change, &self.assets);
        self.take(change);
        if self.sets.merge_due() {
            self.sets.merge();
        }
        let touched = subjects.and_then(|subjects| subjects.touched(self));
        self.journal.step(touched);
    }

    /// Takes in facts that come in parts, before anybody asks anything.
    pub(crate) fn fill(&mut self, parts: impl IntoIterator<Item = Change>) {
        for part in parts {
            self.take(part);
            self.sets.merge_full();
            self.assets.merge_full();
        }
        self.sets.merge();
        self.assets.merge();
        self.journal.step(None);
    }

    fn take(&mut self, change: Change) {
        self.seq = self.seq.max(change.seq);
        self.recorded = self.recorded.max(change.recorded);
        if let Some(table) = change.coverage {
            self.tables.apply_coverage(table);
        }
        if let Some(rows) = change.enterprise_projects {
            self.enterprise_projects = Arc::new(rows.into_iter().map(|row| (row.no, row)).collect());
        }
        self.tables.apply_packages(change.packages);
        self.tables.apply_matches(change.vulnerabilities, change.matches);
        self.sets.apply(change.sets);
        self.assets.apply(change.assets);
        if !change.exceptions.is_empty() {
            let exceptions = Arc::make_mut(&mut self.exceptions);
            exceptions.extend(change.exceptions.into_iter().map(|e| (e.no, Arc::new(e))));
        }
    }

    /// The name of an enterprise project, or empty.
    pub(crate) fn enterprise_project_row(&self, no: EnterpriseProjectNo) -> Option<&EnterpriseProjectRow> {
        self.enterprise_projects.get(&no)
    }

    pub(crate) fn enterprise_project(&self, no: EnterpriseProjectNo) -> &str {
        self.enterprise_project_row(no).map_or("", |row| row.name.as_str())
    }
}

/// What a change speaks of, gathered before it is taken in.
#[derive(Debug)]
struct Subjects {
    assets: RoaringBitmap,
    packages: Vec<PackageNo>,
    vulnerabilities: Vec<VulnerabilityNo>,
    sets: Vec<SetNo>,
}

impl Subjects {
    /// `None` when it is so much that every asset may be touched.
    fn of(change: &Change, assets: &Assets) -> Option<Self> {
        let parts = [change.assets.len(), change.packages.len(), change.matches.len(), change.sets.len()];
        let many = parts.iter().sum::<usize>() + change.vulnerabilities.len() > TOO_MANY;
        if many || change.enterprise_projects.is_some() {
            return None;
        }
        let mut named = RoaringBitmap::new();
        for row in &change.assets {
            named.insert(row.no.0);
            // An image is current while a container stands, so both sides of a container that moves.
            let before = assets.get(row.no).and_then(|old| old.row.image);
            named.extend(before.into_iter().chain(row.image).map(|image| image.0));
        }
        let packages = change.packages.iter().map(|row| row.no);
        Some(Self {
            assets: named,
            packages: packages.chain(change.matches.iter().map(|(no, _)| *no)).collect(),
            vulnerabilities: change.vulnerabilities.iter().map(|row| row.no).collect(),
            sets: change.sets.iter().map(|row| row.no).collect(),
        })
    }

    /// The packages that are named or of which a named vulnerability is said; and the assets of which an
    /// answer may have changed: those named, those that show a package or set of the change, and the
    /// containers of all of them.
    fn touched(self, data: &Data) -> Option<Touched> {
        let mut packages: BTreeSet<PackageNo> = self.packages.into_iter().collect();
        packages.extend(data.tables.packages_naming(&self.vulnerabilities));
        if packages.len() > TOO_MANY {
            return None;
        }
        let mut touched = self.assets;
        let named: RoaringBitmap = packages.iter().map(|no| no.0).collect();
        touched |= data.assets.having(&data.sets, &Vec::from_iter(packages));
        touched |= data.assets.showing(&self.sets);
        if touched.len() > TOO_MANY as u64 {
            return None;
        }
        let containers: Vec<u32> =
            touched.iter().flat_map(|no| data.assets.started_from(AssetNo(no))).map(|no| no.0).collect();
        touched.extend(containers);
        Some(Touched { assets: touched, packages: named })
    }
}
