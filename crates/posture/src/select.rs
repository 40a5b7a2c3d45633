//! Which assets a condition selects.
//!
//! A condition on assets is not a filter on findings: *no critical finding* is said of the asset, not
//! of one row. So [`AssetFilter`] joins tests of the asset itself with *has any finding that …* and
//! *shows any package that …*, and each leaf is a set of asset numbers; AND, OR and NOT are set
//! algebra. What advisories say of a package is asked once per package, not once per asset.

use std::fmt;
use std::ops::ControlFlow;

use parapet_model::facts::{AssetRow, PackageRow};
use parapet_model::finding::Finding;
use parapet_model::{AssetKind, AssetNo, Filter, Millis, PackageNo, Scope, Severity};
use roaring::RoaringBitmap;

use crate::blank;
use crate::block::AssetView;
use crate::data::Data;
use crate::holders::{Holders, standing};
use crate::kept::{Key, Standing};
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::verdict::OpenVerdict;

/// With fewer assets than this, asking each is as fast as any index. Where tests run
/// nothing is too small for one.
const FEW: u64 = if cfg!(debug_assertions) { 1 } else { 64 };

/// A test of an asset that the caller words itself.
pub type AssetTest = Box<dyn Fn(&Snapshot, &AssetRow) -> bool + Send + Sync>;

/// A test of a number.
pub type CountTest = Box<dyn Fn(u64) -> bool + Send + Sync>;

/// A condition on assets.
#[derive(Default)]
pub enum AssetFilter {
    /// Every asset.
    #[default]
    All,
    /// All of these.
    And(Vec<Self>),
    /// Any of these.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// The asset itself passes; the filter's fields are of [`Level::Asset`].
    Is(Filter),
    /// The asset passes a test that no field of the filter tree words.
    Passes(AssetTest),
    /// Some finding of the asset passes; of those that no exception hides, unless the filter itself
    /// speaks of exceptions.
    Has(Filter),
    /// Some package that the asset shows passes, with findings or without; the filter's fields are
    /// those of packages.
    Shows(Filter),
    /// The image of the container passes.
    OfImage(Box<Self>),
    /// Some container of the image was seen between these instants, ended ones included.
    InUse(Millis, Millis),
    /// The number of vulnerabilities of these bands, that no exception hides, passes.
    Count(Vec<Severity>, CountTest),
}

impl fmt::Debug for AssetFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, name: &str, parts: &[Self]| {
            write!(f, "{name}")?;
            f.debug_list().entries(parts).finish()
        };
        match self {
            Self::All => f.write_str("all"),
            Self::And(parts) => list(f, "and", parts),
            Self::Or(parts) => list(f, "or", parts),
            Self::Not(part) => write!(f, "not({part:?})"),
            Self::Is(filter) => write!(f, "is({filter})"),
            Self::Passes(_) => f.write_str("passes"),
            Self::Has(filter) => write!(f, "has({filter})"),
            Self::Shows(filter) => write!(f, "shows({filter})"),
            Self::OfImage(part) => write!(f, "of image({part:?})"),
            Self::InUse(from, to) => write!(f, "in use({from}..{to})"),
            Self::Count(bands, _) => write!(f, "count({bands:?})"),
        }
    }
}

impl AssetFilter {
    /// What the parts cost, so that the cheap ones go first.
    fn cost(&self) -> u8 {
        match self {
            Self::All => 0,
            Self::Is(_) => 1,
            Self::Shows(_) | Self::InUse(..) | Self::OfImage(_) => 2,
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::cost).max().unwrap_or(0),
            Self::Not(part) => part.cost(),
            Self::Has(_) | Self::Count(..) => 3,
            Self::Passes(_) => 4,
        }
    }
}

/// Asks one kind of assets of one scope.
struct Selector<'s, 'q> {
    snapshot: &'s Snapshot,
    scope: &'q Scope,
    now: Millis,
}

impl Snapshot {
    /// The current assets of a kind that a condition selects.
    pub fn select(&self, scope: &Scope, kind: AssetKind, filter: &AssetFilter, now: Millis) -> RoaringBitmap {
        let selector = Selector { snapshot: self, scope, now };
        let within = selector.current(kind, filter);
        selector.eval(kind, filter, within)
    }
}

impl<'s> Selector<'s, '_> {
    fn view(&self, no: u32) -> Option<AssetView<'s>> {
        self.snapshot.data.assets.get(AssetNo(no))
    }

    /// The assets of the kind that are seen at all, and that the filter does not leave out by naming
    /// others.
    fn current(&self, kind: AssetKind, filter: &AssetFilter) -> RoaringBitmap {
        let assets = &self.snapshot.data.assets;
        let seen = |asset: &AssetView<'_>| {
            asset.row.kind == kind
                && self.scope.sees(asset.row.project, asset.row.enterprise_project)
                && assets.is_current(asset)
        };
        match self.named(filter) {
            Some(named) => named.into_iter().filter(|&no| self.view(no).is_some_and(|a| seen(&a))).collect(),
            None => self.snapshot.data.current(self.scope, kind),
        }
    }

    /// The only assets that can pass, where the filter names them by uuid or digest.
    fn named(&self, filter: &AssetFilter) -> Option<RoaringBitmap> {
        match filter {
            AssetFilter::Is(filter) => self.snapshot.data.named_by(filter),
            AssetFilter::And(parts) => parts.iter().find_map(|part| self.named(part)),
            _ => None,
        }
    }

    /// The assets of `within` that pass.
    fn eval(&self, kind: AssetKind, filter: &AssetFilter, within: RoaringBitmap) -> RoaringBitmap {
        match filter {
            AssetFilter::All => within,
            AssetFilter::And(parts) => {
                let mut parts: Vec<&AssetFilter> = parts.iter().collect();
                parts.sort_by_key(|part| part.cost());
                parts.into_iter().fold(within, |left, part| match left.is_empty() {
                    true => left,
                    false => self.eval(kind, part, left),
                })
            }
            AssetFilter::Or(parts) => parts.iter().fold(RoaringBitmap::new(), |found, part| {
                let more = self.eval(kind, part, &within - &found);
                found | more
            }),
            AssetFilter::Not(part) => &within - self.eval(kind, part, within.clone()),
            AssetFilter::Is(filter) => self.snapshot.data.accepted(filter, within),
            AssetFilter::Passes(test) => self.keep(within, |asset| test(self.snapshot, asset.row)),
            AssetFilter::Has(filter) => self.having_finding(kind, filter, within),
            AssetFilter::Shows(filter) => self.having_package(filter, within),
            AssetFilter::OfImage(part) => {
                let images = self.current(AssetKind::Image, part);
                let images = self.eval(AssetKind::Image, part, images);
                self.snapshot.data.of_images(&images, within)
            }
            AssetFilter::InUse(from, to) => within & self.snapshot.data.images_seen(*from, *to),
            AssetFilter::Count(bands, test) => self.snapshot.with_count(&within, bands, test, self.now),
        }
    }

    fn keep(&self, within: RoaringBitmap, passes: impl Fn(&AssetView<'s>) -> bool) -> RoaringBitmap {
        within.into_iter().filter(|&no| self.view(no).is_some_and(|asset| passes(&asset))).collect()
    }

    fn having_package(&self, filter: &Filter, within: RoaringBitmap) -> RoaringBitmap {
        let data = &self.snapshot.data;
        let passes = |package: &PackageRow| filter.accepts(&Finding { package, ..blank::row() });
        let make = || {
            let packages: Vec<PackageNo> =
                data.tables.packages().filter(|package| passes(package)).map(|package| package.no).collect();
            data.assets.having(&data.sets, &packages)
        };
        let Standing { thing, touched } =
            data.kept.get_recent(&data.journal, Key::Shows(filter.to_string()), make);
        let mut found = thing.as_ref() & &within;
        data.settle(&mut found, &(touched & within), |asset| data.shows(asset, passes));
        found
    }

    fn having_finding(&self, kind: AssetKind, filter: &Filter, within: RoaringBitmap) -> RoaringBitmap {
        let shown = standing(filter);
        let few = within.len() < FEW;
        let Holders { sure, unsure } = match few {
            true => Holders { sure: RoaringBitmap::new(), unsure: within },
            false => {
                let layer = self.snapshot.layer(self.now);
                self.snapshot.data.holders(&layer, kind, &shown, false, within)
            }
        };
        sure | self.snapshot.walked(&Query::new(self.scope, &shown, self.now), &unsure)
    }
}

impl Snapshot {
    /// Those of `numbers` with a finding of the query, asked one by one.
    pub(crate) fn walked(&self, query: &Query<'_>, numbers: &RoaringBitmap) -> RoaringBitmap {
        if numbers.is_empty() {
            return RoaringBitmap::new();
        }
        let mut walk = self.walk(query, false);
        let mut has = |no: &u32| {
            let stop = &mut |_: &Finding<'_>, _: &OpenVerdict| ControlFlow::Break(());
            let asset = self.data.assets.get(AssetNo(*no));
            asset.is_some_and(|a| walk.sees(&a) && walk.turn_to(&a, None, stop).is_break())
        };
        numbers.iter().filter(|no| has(no)).collect()
    }
}

impl Data {
    /// Whether an asset shows a package that passes, now.
    fn shows(&self, asset: &AssetView<'_>, passes: impl Fn(&PackageRow) -> bool) -> bool {
        let wanted = |no: &PackageNo| self.tables.package(*no).is_some_and(|(_, row)| passes(row));
        let mut deltas = asset.deltas.iter().filter(|delta| delta.held.is_open());
        let image = self.assets.image_of(asset).filter(|_| asset.row.held.is_open());
        let links = asset.links.iter().chain(image.iter().flat_map(|image| image.links));
        let mut members =
            links.filter(|link| link.held.is_open()).flat_map(|link| self.sets.members(link.set));
        deltas.any(|delta| wanted(&delta.package)) || members.any(|no| !asset.has_delta(*no) && wanted(no))
    }
}
