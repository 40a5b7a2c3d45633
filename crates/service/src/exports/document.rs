//! What was found on some assets as a document for other tools: SARIF or CycloneDX.
//!
//! Findings are read a page at a time and their evidence from the store, so neither the findings nor
//! the paths of an image are ever in memory together.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use parapet_export::{CycloneDx, Gap, Place, Sarif, Subject};
use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Op};
use parapet_model::finding::Finding;
use parapet_model::{AssetNo, Coverage, Filter, PackageNo, Permission, Principal, Scope, SetNo};
use parapet_posture::{AssetOrder, Query, ShownPackage, Window};
use uuid::Uuid;

use super::Exports;
use super::run::io_error;
use crate::accounts::require;
use crate::error::{Error, Result};
use crate::findings::View;
use crate::gaps::{gaps_of, kernels_left_out};

/// Findings or packages whose places are looked up together.
const PAGE: usize = 1000;

/// The packages of an asset by number, with where each comes from.
type Shown<'v> = BTreeMap<PackageNo, ShownPackage<'v>>;

impl Exports<'_> {
    /// Writes the findings of some assets that pass a filter as SARIF, one run for each asset.
    pub async fn sarif<W: Write>(
        &self,
        who: &Principal,
        assets: &[Uuid],
        filter: &Filter,
        writer: W,
    ) -> Result<W> {
        require(who, Permission::ExportsCreate)?;
        let (view, scope) = (self.0.findings().view(None, None).await?, who.scope());
        let mut sarif = Sarif::new(writer, env!("CARGO_PKG_VERSION"));
        for &asset in assets {
            let about = About::new(&view, &scope, asset, filter)?;
            sarif.run(&about.subject()).map_err(io_error)?;
            let mut after = None;
            loop {
                let page = view.snapshot.page(&about.query(&view, &scope), after, PAGE);
                let places = self.places(&about.shown, of_findings(&page.rows)).await?;
                for finding in &page.rows {
                    sarif.row(finding, of_package(&places, finding.package.no)).map_err(io_error)?;
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        sarif.finish().map_err(io_error)
    }

    /// Writes an asset's packages and those of its findings that pass a filter as CycloneDX.
    pub async fn cyclonedx<W: Write>(
        &self,
        who: &Principal,
        asset: Uuid,
        filter: &Filter,
        writer: W,
    ) -> Result<W> {
        require(who, Permission::ExportsCreate)?;
        let (view, scope) = (self.0.findings().view(None, None).await?, who.scope());
        let about = About::new(&view, &scope, asset, filter)?;
        let (serial, version) = (self.0.ids.uuid(), env!("CARGO_PKG_VERSION"));
        let mut document = CycloneDx::new(writer, &about.subject(), version, serial, view.now);
        if let Some((id, release)) = parapet_catalog::distro::identity(&about.asset.ecosystem) {
            document.distribution(id, release).map_err(io_error)?;
        }
        let numbers: Vec<PackageNo> = about.shown.keys().copied().collect();
        for page in numbers.chunks(PAGE) {
            let places = self.places(&about.shown, page.iter().copied().collect()).await?;
            for shown in page.iter().filter_map(|no| about.shown.get(no)) {
                let package = shown.package;
                let purl = parapet_catalog::sbom::purl::Purl::of(&package.key).map(|purl| purl.to_string());
                let places = of_package(&places, package.no);
                document.component(package, purl.as_deref(), shown.coverage, places).map_err(io_error)?;
            }
        }
        let query = about.query(&view, &scope);
        let mut result = Ok(());
        let _ = view.snapshot.findings(&query, |finding| {
            result = document.finding(finding);
            if result.is_ok() {
                std::ops::ControlFlow::Continue(())
            } else {
                std::ops::ControlFlow::Break(())
            }
        });
        result.map_err(io_error)?;
        for shown in about.shown.values() {
            for vulnerability in view.snapshot.not_affected(shown.package.no) {
                document.not_affected(shown.package, vulnerability).map_err(io_error)?;
            }
        }
        document.finish().map_err(io_error)
    }

    /// Where the asset shows these packages.
    async fn places(
        &self,
        shown: &Shown<'_>,
        packages: BTreeSet<PackageNo>,
    ) -> Result<BTreeMap<PackageNo, Vec<Place>>> {
        let showings = packages.iter().filter_map(|no| shown.get(no)).flat_map(|shown| &shown.showings);
        let sets: BTreeMap<SetNo, &str> = showings.map(|showing| (showing.set, showing.layer)).collect();
        let mut places: BTreeMap<PackageNo, Vec<Place>> = BTreeMap::new();
        let mut session = self.0.store.read().await?;
        for (set, layer) in sets {
            for (package, evidence) in session.set_evidence(set, |no| packages.contains(&no)).await? {
                // A host's set may hold what the host no longer shows from there.
                let shows = |shown: &ShownPackage<'_>| shown.showings.iter().any(|s| s.set == set);
                if shown.get(&package).is_some_and(shows) {
                    let place = |path| Place { layer: layer.to_owned(), path };
                    places.entry(package).or_default().extend(evidence.paths.into_iter().map(place));
                }
            }
        }
        for places in places.values_mut() {
            places.sort_unstable();
            places.dedup();
        }
        Ok(places)
    }
}

fn of_findings(rows: &[Finding<'_>]) -> BTreeSet<PackageNo> {
    rows.iter().map(|finding| finding.package.no).collect()
}

fn of_package(places: &BTreeMap<PackageNo, Vec<Place>>, package: PackageNo) -> &[Place] {
    places.get(&package).map_or(&[], Vec::as_slice)
}

/// An asset and what a document says of it beside its findings.
struct About<'v> {
    asset: &'v AssetRow,
    coverage: Coverage,
    gaps: Vec<Gap>,
    shown: Shown<'v>,
    /// The findings: those of the asset that the asker's filter lets pass.
    filter: Filter,
    filter_text: String,
}

impl<'v> About<'v> {
    fn new(view: &'v View, scope: &Scope, asset: Uuid, filter: &Filter) -> Result<Self> {
        let missing = || Error::NotFound("asset".to_owned());
        let only = Filter::test(Field::AssetId, Op::Eq, asset.to_string());
        let assets = view.snapshot.assets(&view.query(scope, &only), AssetOrder::Number, Window::ALL);
        let summary = assets.rows.first().ok_or_else(missing)?;
        let no: AssetNo = summary.asset.no;
        let shown = view.snapshot.packages_of(scope, no).ok_or_else(missing)?;
        let filter_text = if *filter == Filter::All { String::new() } else { filter.to_string() };
        let filter = Filter::And(vec![only, filter.clone()]);
        let mut gaps = gaps_of(view, scope, no);
        let kernels = kernels_left_out(view, scope, &filter);
        if kernels > 0 {
            gaps.push(Gap {
                what: format!("{kernels} findings"),
                coverage: summary.coverage,
                why: "left out: of kernel packages that do not run here".to_owned(),
            });
        }
        let shown = shown.into_iter().map(|shown| (shown.package.no, shown)).collect();
        Ok(Self { asset: summary.asset, coverage: summary.coverage, gaps, shown, filter, filter_text })
    }

    fn subject(&self) -> Subject<'_> {
        Subject { asset: self.asset, coverage: self.coverage, gaps: &self.gaps, filter: &self.filter_text }
    }

    fn query<'q>(&'q self, view: &View, scope: &'q Scope) -> Query<'q> {
        view.query(scope, &self.filter)
    }
}
