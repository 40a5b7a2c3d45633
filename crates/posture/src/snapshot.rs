//! An immutable state of posture, and every question it answers.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use parapet_model::coverage::EcosystemCoverage;
use parapet_model::exception::Exception;
use parapet_model::facts::{AssetRow, Change, EnterpriseProjectRow, PackageRow};
use parapet_model::finding::Finding;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AssetNo, EnterpriseProjectNo, ExceptionNo, Filter, Millis, PackageNo, Scope, VulnerabilityNo,
};
use uuid::Uuid;

use crate::block::AssetView;
use crate::count::{Counter, Counts};
use crate::data::Data;
use crate::exceptions::{Layer, live_filter};
use crate::query::{Cursor, Query};
use crate::walk::Walk;

/// See the module. Rows are borrowed from it.
///
/// Rows of assets come without `links` and `deltas`: those lie in shared arrays, and
/// [`Snapshot::packages_of`] and [`Snapshot::explain`] read them.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) data: Data,
    /// The exceptions that held when somebody last asked.
    layer: ArcSwapOption<Layer>,
}

/// Some findings, and where to go on.
#[derive(Debug, Clone)]
pub struct FindingPage<'s> {
    /// In the order of [`Cursor`].
    pub rows: Vec<Finding<'s>>,
    /// Ask again with this; `None` after the last finding.
    pub next: Option<Cursor>,
}

impl Snapshot {
    pub(crate) fn new(data: Data) -> Self {
        Self { data, layer: ArcSwapOption::empty() }
    }

    /// The same state with what is kept of it for itself, so that it stays as fast as it is now while posture
    /// goes on: other snapshots of a posture share what is kept, of which newer versions take the place of older
    /// ones.
    pub fn apart(&self) -> Self {
        let mut data = self.data.clone();
        data.kept = data.kept.apart(data.journal.generation());
        Self::new(data)
    }

    /// The snapshot of facts given whole. With facts cut at a date ([`crate::as_of`]) it answers as
    /// of that date, by the same code.
    pub fn build(change: Change) -> Self {
        let mut data = Data::default();
        data.fill([change]);
        Self::new(data)
    }

    /// Log position.
    pub fn seq(&self) -> u64 {
        self.data.seq
    }

    /// Recorded time of that position.
    pub fn recorded(&self) -> Millis {
        self.data.recorded
    }

    /// How large it is: about how many assets it holds, of all projects, with those that are gone.
    pub fn assets_held(&self) -> u64 {
        self.data.assets.about() as u64
    }

    /// The first instant after `now` at which an exception starts or ends, if any does.
    pub fn valid_until(&self, now: Millis) -> Millis {
        self.layer(now).until()
    }

    pub(crate) fn layer(&self, now: Millis) -> Arc<Layer> {
        if let Some(layer) = self.layer.load_full()
            && layer.is_for(now)
        {
            return layer;
        }
        let layer = Arc::new(Layer::new(&self.data.tables, self.data.exceptions.values(), now, None));
        self.layer.store(Some(Arc::clone(&layer)));
        layer
    }

    pub(crate) fn walk<'s, 'q>(&'s self, query: &'q Query<'q>, wants_since: bool) -> Walk<'s, 'q> {
        Walk::new(&self.data, query, self.layer(query.now), None, wants_since)
    }

    /// Calls `visit` with each finding until it breaks, in the order of [`Cursor`].
    pub fn findings<'s>(
        &'s self,
        query: &Query<'_>,
        mut visit: impl FnMut(&Finding<'s>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.walk(query, true).run(None, &mut |row, _| visit(row))
    }

    /// Like [`Snapshot::findings`], beginning after a place.
    pub fn findings_after<'s>(
        &'s self,
        query: &Query<'_>,
        after: Cursor,
        mut visit: impl FnMut(&Finding<'s>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.walk(query, true).run(Some(after), &mut |row, _| visit(row))
    }

    /// At most `limit` findings after a place.
    pub fn page<'s>(&'s self, query: &Query<'_>, after: Option<Cursor>, limit: usize) -> FindingPage<'s> {
        let (mut rows, mut more): (Vec<Finding<'s>>, _) = (Vec::new(), false);
        let _ = self.walk(query, true).run(after, &mut |row, _| {
            if rows.len() == limit {
                more = true;
                return ControlFlow::Break(());
            }
            rows.push(*row);
            ControlFlow::Continue(())
        });
        let next = if more { rows.last().map(Cursor::of) } else { None };
        FindingPage { rows, next }
    }

    /// What `exception` would hide, if it held at `now`, that no other exception hides then. It need
    /// not be stored; one stored under the same number is left out of account.
    pub fn preview(&self, exception: &Exception, scope: &Scope, now: Millis) -> Counts {
        let query = Query { include_not_run_here: true, ..Query::new(scope, &Filter::All, now) };
        let asked = Arc::new(exception.clone());
        let layer = Layer::new(&self.data.tables, self.data.exceptions.values(), now, Some(asked));
        let mut counter = Counter::default();
        let mut walk = Walk::new(&self.data, &query, Arc::new(layer), Some(exception), false);
        let _ = walk.run(None, &mut |row, open| match row.exception {
            Some(hiding) if hiding.no == exception.no => counter.add(row, open),
            _ => ControlFlow::Continue(()),
        });
        counter.counts
    }

    /// An asset of the scope, current or not.
    pub fn asset(&self, scope: &Scope, no: AssetNo) -> Option<&AssetRow> {
        self.asset_view(scope, no).map(|asset| asset.row.as_ref())
    }

    /// An asset of the scope by its uuid, current or not.
    pub fn asset_by_uuid(&self, scope: &Scope, uuid: Uuid) -> Option<&AssetRow> {
        let asset = self.data.assets.by_uuid(uuid)?;
        self.asset(scope, asset.row.no)
    }

    /// Whether an asset counts now: it exists, and an image also has a reference, a live container
    /// or a pin.
    pub fn is_current(&self, no: AssetNo) -> bool {
        self.data.assets.get(no).is_some_and(|asset| self.data.assets.is_current(&asset))
    }

    pub(crate) fn asset_view(&self, scope: &Scope, no: AssetNo) -> Option<AssetView<'_>> {
        let asset = self.data.assets.get(no)?;
        scope.sees(asset.row.project, asset.row.enterprise_project).then_some(asset)
    }

    /// An enterprise project.
    pub fn enterprise_project(&self, no: EnterpriseProjectNo) -> Option<&EnterpriseProjectRow> {
        self.data.enterprise_project_row(no)
    }

    /// A package.
    pub fn package(&self, no: PackageNo) -> Option<&PackageRow> {
        self.data.tables.package(no).map(|(_, row)| row)
    }

    /// The vulnerabilities that a standing advisory says the package does not have, where no other
    /// advisory prevails; by number.
    pub fn not_affected(&self, package: PackageNo) -> Vec<&Vulnerability> {
        let verdicts = self.data.tables.package(package).and_then(|(entry, _)| entry.verdicts.as_deref());
        let Some(verdicts) = verdicts else { return Vec::new() };
        let denials = verdicts.rows.iter().filter(|row| row.held.is_open() && !row.state.is_positive());
        let denied: BTreeSet<_> =
            denials.map(|row| self.data.tables.canonical_no(row.vulnerability)).collect();
        let closed = denied.into_iter().filter(|no| verdicts.open_on(*no).is_none());
        closed.filter_map(|no| self.vulnerability(no)).collect()
    }

    /// A vulnerability as named, canonical or not.
    pub fn vulnerability(&self, no: VulnerabilityNo) -> Option<&Vulnerability> {
        self.data.tables.vulnerability(no)
    }

    /// The vulnerability that `no` is the same as; itself when canonical.
    pub fn canonical(&self, no: VulnerabilityNo) -> Option<&Vulnerability> {
        self.data.tables.canonical(no)
    }

    /// Canonical vulnerabilities that bear an id or alias, without regard to ASCII case. Several
    /// only where records disagree about an alias.
    pub fn vulnerabilities_named(&self, id: &str) -> Vec<&Vulnerability> {
        let numbers = self.data.tables.vulnerabilities_named(id);
        numbers.into_iter().filter_map(|no| self.vulnerability(no)).collect()
    }

    /// An exception of the scope's project.
    pub fn exception(&self, scope: &Scope, no: ExceptionNo) -> Option<&Exception> {
        let exception = self.data.exceptions.get(&no)?;
        (exception.project == scope.project()).then_some(exception.as_ref())
    }

    /// The exceptions of the scope's project, by number.
    pub fn exceptions<'s>(&'s self, scope: &'s Scope) -> impl Iterator<Item = &'s Exception> {
        let all = self.data.exceptions.values().map(Arc::as_ref);
        all.filter(move |e| scope.sees(e.project, e.enterprise_project))
    }

    /// Whether an exception is for an asset, be it of its own or, for a container, of its image.
    /// Neither state nor window matter.
    pub fn is_for_asset(&self, exception: &Exception, scope: &Scope, no: AssetNo, now: Millis) -> bool {
        let Some(asset) = self.asset_view(scope, no) else { return false };
        let homes = [Some(no), asset.row.image];
        let target = &exception.target;
        if homes.iter().flatten().any(|home| target.excluded.contains(home)) {
            return false;
        }
        homes.iter().flatten().any(|&home| {
            target.included.contains(&home)
                || live_filter(exception).is_some_and(|filter| {
                    let query = Query { include_not_run_here: true, ..Query::new(scope, filter, now) };
                    self.asset_summary(&query, home).is_some()
                })
        })
    }

    /// What judges which ecosystem.
    pub fn ecosystems(&self) -> &[EcosystemCoverage] {
        &self.data.tables.coverage
    }
}
