//! The rows of each level, for the page and for the file.

use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Op};
use parapet_model::{AssetKind, AssetNo, Coverage, Filter, Scope, Severity};
use parapet_posture::{AssetSet, AssetSort, Bands as Numbers, List, Place, Query, Window};
use parapet_service::{View, gaps_of};

use super::view::{Asset, Bands, Repository, Tag};
use super::{Order, text};
use crate::dates::day;
use crate::link::Link;
use crate::question::{Question, asked};

/// Gaps named for each row.
const GAPS: usize = 3;
/// Characters of a digest that are shown.
const DIGITS: usize = 19;

/// What all rows need.
pub(super) struct Shelf<'a> {
    pub(super) view: &'a View,
    pub(super) scope: &'a Scope,
    pub(super) question: &'a Question,
    /// The page with its question, for links within it.
    pub(super) link: &'a Link,
}

/// The findings of some filter at an address that no exception hides, by severity.
fn bands(numbers: &Numbers, at: &Link, of: &Filter) -> Bands {
    let counted = Severity::WORST_FIRST.into_iter().map(|band| (band, u64::from(numbers[band as usize])));
    let standing = Filter::test(Field::Excepted, Op::Eq, true).negate();
    counted
        .filter(|(_, count)| *count > 0)
        .map(|(band, count)| {
            let filter = of.clone().and(Filter::test(Field::Severity, Op::Eq, band)).and(standing.clone());
            (band, count, asked(at, &filter))
        })
        .collect()
}

/// A digest or id, cut.
pub(crate) fn short(identity: &str) -> String {
    identity.get(..DIGITS).unwrap_or(identity).to_owned()
}

impl Shelf<'_> {
    /// A part of the list of repositories with their images; images without one come last.
    pub(super) fn repositories(&self, images: &AssetSet, order: Order, window: Window) -> List<Place> {
        self.view.snapshot.places(Field::Repository, images, order == Order::Images, window)
    }

    /// The registries of some repositories.
    pub(super) fn registries(&self, repositories: &[Place]) -> Vec<Place> {
        let mut images = AssetSet::new();
        repositories.iter().for_each(|place| images |= &place.assets);
        self.view.snapshot.places(Field::Registry, &images, false, Window::ALL).rows
    }

    pub(super) fn repository(&self, place: &Place, registries: &[Place]) -> Repository {
        let snapshot = &self.view.snapshot;
        let of = registries.iter().filter(|registry| !registry.value.is_empty());
        let of = of.filter(|registry| !registry.assets.is_disjoint(&place.assets));
        let numbers: Vec<AssetNo> = place.assets.iter().map(AssetNo).collect();
        let mut sum = Numbers::default();
        for counted in snapshot.bands(&numbers, self.view.now) {
            sum.iter_mut().zip(counted).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        }
        let words = snapshot.coverage_among(&place.assets);
        let not_assessed =
            words.iter().filter(|(word, _)| **word != Coverage::Assessed).map(|(_, n)| n).sum();
        let term = match place.value.as_str() {
            "" => Filter::Or(vec![
                Filter::test(Field::Repository, Op::Eq, String::new()),
                Filter::test(Field::Repository, Op::Prefix, String::new()).negate(),
            ]),
            name => Filter::test(Field::Repository, Op::Eq, name.to_owned()),
        };
        let with = self.question.filter.clone().and(term);
        let down = if place.value.is_empty() { "image" } else { "tag" };
        let word = Filter::test(Field::Coverage, Op::Eq, Coverage::Assessed.as_str().to_owned()).negate();
        let images = self.link.clone().with("order", "").with("by", "image");
        Repository {
            name: place.value.clone(),
            registries: of.map(|registry| registry.value.clone()).collect(),
            link: asked(&self.link.clone().with("order", "").with("by", down), &with),
            images: place.assets.len(),
            not_assessed,
            not_assessed_link: asked(&images, &with.clone().and(word)),
            bands: bands(
                &sum,
                &Link::to("/findings"),
                &Filter::test(Field::Kind, Op::Eq, "image".to_owned()).and(with),
            ),
        }
    }

    /// The current references of some images that the question may be about, by name.
    pub(super) fn references(&self, images: &AssetSet) -> Vec<(String, AssetNo)> {
        let rows = images.iter().filter_map(|no| self.view.snapshot.asset(self.scope, AssetNo(no)));
        let mut found: Vec<(String, AssetNo)> = Vec::new();
        for image in rows {
            let current = image.references.iter().filter(|row| row.held.is_open());
            let current = current.filter(|row| self.is_asked(Field::Repository, &row.reference.repository));
            let current = current.filter(|row| self.is_asked(Field::Tag, &row.reference.tag));
            found.extend(current.map(|row| (row.reference.to_string(), image.no)));
        }
        found.sort_unstable();
        found
    }

    /// Whether the question leaves a value of a field: an image in two repositories is asked for by one.
    fn is_asked(&self, field: Field, value: &str) -> bool {
        crate::question::parts(&self.question.filter).into_iter().all(|part| match part {
            Filter::Test(test) if test.field == field => {
                test.passes(parapet_model::filter::ValueRef::Text(value))
            }
            _ => true,
        })
    }

    pub(super) fn tag(&self, reference: &str, no: AssetNo, numbers: &Numbers, word: Coverage) -> Option<Tag> {
        let image = self.view.snapshot.asset(self.scope, no)?;
        let row =
            image.references.iter().find(|row| row.held.is_open() && row.reference.to_string() == reference);
        Some(Tag {
            reference: reference.to_owned(),
            link: page_of(image),
            digest: short(&image.identity),
            platform: image.image_facts.platform.clone(),
            since: row.map_or_else(String::new, |row| day(row.held.from)),
            coverage: word.as_str(),
            bands: bands(numbers, &page_of(image), &Filter::All),
        })
    }

    /// A part of the list of some assets of one kind, in order.
    pub(super) fn sorted(
        &self,
        kind: AssetKind,
        all: &AssetSet,
        order: Order,
        window: Window,
    ) -> Vec<AssetNo> {
        let snapshot = &self.view.snapshot;
        let by = |sort, descending| snapshot.sorted(kind, all, sort, descending, window);
        match order {
            Order::Name | Order::Images => by(AssetSort::Name, false),
            Order::Seen => by(AssetSort::Observed, true),
            Order::Made => by(AssetSort::Created, true),
            Order::Risk => snapshot.worst_first(all, window, self.view.now),
        }
    }

    pub(super) fn asset(&self, no: AssetNo, numbers: &Numbers, word: Coverage) -> Option<Asset> {
        let asset = self.view.snapshot.asset(self.scope, no)?;
        let gaps = match word {
            Coverage::Assessed => Vec::new(),
            _ => gaps_of(self.view, self.scope, no),
        };
        Some(Asset {
            link: page_of(asset),
            name: text(&asset.name, &asset.identity),
            identity: short(&asset.identity),
            term: this(asset).to_string(),
            more: more(asset),
            distro: asset.distro.clone(),
            coverage: word.as_str(),
            gaps: gaps.iter().take(GAPS).map(|gap| format!("{}: {}", gap.what, gap.why)).collect(),
            scan_error: asset.scan_error.clone(),
            bands: bands(numbers, &page_of(asset), &Filter::All),
            observed: day(asset.observed),
        })
    }

    /// The assets of a kind among those that the question finds.
    pub(super) fn of_kind(&self, kind: AssetKind) -> AssetSet {
        let of_kind = Filter::test(Field::Kind, Op::Eq, kind.as_str().to_owned());
        let filter = self.question.filter.clone().and(of_kind);
        self.view.snapshot.asset_numbers(&Query::new(self.scope, &filter, self.view.now))
    }
}

/// The page of an asset.
pub(crate) fn page_of(asset: &AssetRow) -> Link {
    Link::to("/assets").part(&asset.uuid.to_string())
}

/// The filter that finds just this asset.
pub(crate) fn this(asset: &AssetRow) -> Filter {
    Filter::test(Field::AssetId, Op::Eq, asset.uuid.to_string())
}

/// Where else an image is named, what a container does and where, what addresses a host has.
fn more(asset: &AssetRow) -> String {
    let list = match asset.kind {
        AssetKind::Image => {
            let current = asset.references.iter().filter(|row| row.held.is_open());
            current.map(|row| row.reference.to_string()).filter(|name| *name != asset.name).take(3).collect()
        }
        AssetKind::Container => {
            let facts = &asset.container_facts;
            vec![asset.container_state().as_str().to_owned(), facts.host.clone(), facts.image_name.clone()]
        }
        AssetKind::Host => vec![
            asset.host_facts.addresses.first().cloned().unwrap_or_default(),
            asset.host_facts.group.clone(),
        ],
    };
    let list: Vec<String> = list.into_iter().filter(|part| !part.is_empty()).collect();
    list.join(" · ")
}
