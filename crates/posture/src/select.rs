//! Which assets a condition selects.
//!
//! A condition on assets is not a filter on findings: *no critical finding* is said of the asset, not
//! of one row. So [`AssetFilter`] joins tests of the asset itself with *has any finding that …* and
//! *shows any package that …*, and each leaf is a set of asset numbers; AND, OR and NOT are set
//! algebra. What advisories say of a package is asked once per package, not once per asset.

use std::fmt;
use std::ops::ControlFlow;

use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Level, Op, Value};
use parapet_model::finding::Finding;
use parapet_model::{AssetKind, AssetNo, Coverage, Filter, Millis, PackageNo, Scope};
use roaring::RoaringBitmap;

use crate::block::AssetView;
use crate::exceptions::Layer;
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::split::asset_row;
use crate::verdict::OpenVerdict;

/// A test of an asset that the caller words itself.
pub type AssetTest = Box<dyn Fn(&Snapshot, &AssetRow) -> bool + Send + Sync>;

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
            Self::Has(_) => 3,
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
    /// The current assets of a kind that a condition selects, ascending by number.
    pub fn select(&self, scope: &Scope, kind: AssetKind, filter: &AssetFilter, now: Millis) -> Vec<AssetNo> {
        let selector = Selector { snapshot: self, scope, now };
        let within = selector.current(kind, filter);
        selector.eval(kind, filter, within).into_iter().map(AssetNo).collect()
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
            None => assets.from(AssetNo(0)).filter(seen).map(|asset| asset.row.no.0).collect(),
        }
    }

    /// The only assets that can pass, where the filter names them by uuid or digest.
    fn named(&self, filter: &AssetFilter) -> Option<RoaringBitmap> {
        match filter {
            AssetFilter::Is(filter) => self.named_by(filter),
            AssetFilter::And(parts) => parts.iter().find_map(|part| self.named(part)),
            _ => None,
        }
    }

    fn named_by(&self, filter: &Filter) -> Option<RoaringBitmap> {
        let assets = &self.snapshot.data.assets;
        match filter {
            Filter::And(parts) => parts.iter().find_map(|part| self.named_by(part)),
            Filter::Or(parts) => {
                let named: Option<Vec<RoaringBitmap>> = parts.iter().map(|p| self.named_by(p)).collect();
                Some(named?.into_iter().flatten().collect())
            }
            Filter::Test(test) => match (test.field, test.op) {
                (Field::AssetId, Op::Eq | Op::In) => {
                    let uuids = test.values.iter().filter_map(|value| match value {
                        Value::Text(text) => text.parse().ok(),
                        _ => None,
                    });
                    Some(uuids.filter_map(|uuid| assets.by_uuid(uuid)).map(|asset| asset.row.no.0).collect())
                }
                (Field::Digest | Field::Identity, Op::Prefix | Op::Eq) => match test.values.first() {
                    Some(Value::Text(text)) => assets.by_digits(text),
                    _ => None,
                },
                _ => None,
            },
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
            AssetFilter::Is(filter) => self.keep(within, |asset| {
                filter.accepts(&asset_row(&self.snapshot.data, asset, Coverage::Assessed))
            }),
            AssetFilter::Passes(test) => self.keep(within, |asset| test(self.snapshot, asset.row)),
            AssetFilter::Has(filter) => self.having_finding(kind, filter, within),
            AssetFilter::Shows(filter) => self.having_package(filter, within),
            AssetFilter::OfImage(part) => {
                let images = self.current(AssetKind::Image, part);
                let images = self.eval(AssetKind::Image, part, images);
                let assets = &self.snapshot.data.assets;
                self.keep(within, |asset| {
                    assets.image_of(asset).is_some_and(|image| images.contains(image.row.no.0))
                })
            }
            AssetFilter::InUse(from, to) => within & self.images_seen(*from, *to),
        }
    }

    fn keep(&self, within: RoaringBitmap, passes: impl Fn(&AssetView<'s>) -> bool) -> RoaringBitmap {
        within.into_iter().filter(|&no| self.view(no).is_some_and(|asset| passes(&asset))).collect()
    }

    fn having_package(&self, filter: &Filter, within: RoaringBitmap) -> RoaringBitmap {
        let Some(any) = within.min().and_then(|no| self.view(no)) else { return within };
        let data = &self.snapshot.data;
        let blank = asset_row(data, &any, Coverage::Assessed);
        let packages = data.tables.packages();
        let packages = packages.filter(|package| filter.accepts(&Finding { package, ..blank }));
        let packages: Vec<PackageNo> = packages.map(|package| package.no).collect();
        within & data.assets.having(&data.sets, &packages)
    }

    fn having_finding(&self, kind: AssetKind, filter: &Filter, within: RoaringBitmap) -> RoaringBitmap {
        let Some(any) = within.min().and_then(|no| self.view(no)) else { return within };
        let mut about_matches = true;
        filter.each_test(&mut |test| about_matches &= test.field.level() == Level::Match);
        let layer = self.snapshot.layer(self.now);
        if !about_matches {
            return self.walked(filter, within, |_| true);
        }
        // Only on a host may a kernel run; there the walk decides.
        let on_host = kind == AssetKind::Host;
        let packages = self.packages_with(filter, &any, on_host);
        let data = &self.snapshot.data;
        let may = within & data.assets.having(&data.sets, &packages);
        if on_host || !layer.active.is_empty() {
            return self.walked(filter, may, |asset| on_host || concerns(&layer, asset));
        }
        may
    }

    /// Packages with an open match that passes.
    fn packages_with(&self, filter: &Filter, any: &AssetView<'s>, kernels: bool) -> Vec<PackageNo> {
        let data = &self.snapshot.data;
        let blank = asset_row(data, any, Coverage::Assessed);
        let passes = |no: PackageNo| {
            let (entry, package) = data.tables.package(no)?;
            let verdicts = entry.verdicts.as_deref().filter(|_| kernels || !entry.kernel)?;
            let mut open = verdicts.open.iter();
            open.any(|open| {
                data.tables.vulnerability(open.vulnerability).is_some_and(|vulnerability| {
                    filter.accepts(&Finding { package, vulnerability, verdict: &open.verdict, ..blank })
                })
            })
            .then_some(no)
        };
        data.tables.packages().filter_map(|package| passes(package.no)).collect()
    }

    /// Those of `may` that are not `unsure`, and those with a finding that passes and is not hidden.
    fn walked(
        &self,
        filter: &Filter,
        may: RoaringBitmap,
        unsure: impl Fn(&AssetView<'s>) -> bool,
    ) -> RoaringBitmap {
        let mut says = false;
        filter.each_test(&mut |test| says |= test.field == Field::Excepted);
        let standing = Filter::test(Field::Excepted, Op::Eq, false);
        let shown = if says { filter.clone() } else { filter.clone().and(standing) };
        let query = Query::new(self.scope, &shown, self.now);
        let mut walk = self.snapshot.walk(&query, false);
        may.into_iter()
            .filter(|&no| {
                self.view(no).is_some_and(|asset| {
                    let stop = &mut |_: &Finding<'_>, _: &OpenVerdict| ControlFlow::Break(());
                    !unsure(&asset) || walk.sees(&asset) && walk.turn_to(&asset, None, stop).is_break()
                })
            })
            .collect()
    }

    fn images_seen(&self, from: Millis, to: Millis) -> RoaringBitmap {
        // It was known by one clock and seen by another; the look itself counts in any case.
        let seen = |asset: &AssetView<'_>| {
            asset.row.first_seen.min(asset.row.observed) <= to && asset.row.observed >= from
        };
        let all = self.snapshot.data.assets.from(AssetNo(0));
        let containers = all.filter(|asset| asset.row.kind == AssetKind::Container && seen(asset));
        containers.filter_map(|asset| asset.row.image).map(|image| image.0).collect()
    }
}

/// Whether any exception that holds may hide findings of the asset.
fn concerns(layer: &Layer, asset: &AssetView<'_>) -> bool {
    let mut homes = [Some(asset.row.no), asset.row.image].into_iter().flatten();
    !layer.dynamic.is_empty() || homes.any(|home| layer.including(home).next().is_some())
}
