//! Whether an exception hides the findings of the asset at hand: the layer of [`crate::exceptions`]
//! applied to one asset after the other.

use std::sync::Arc;

use parapet_model::AssetNo;
use parapet_model::exception::Exception;
use parapet_model::finding::Finding;

use crate::block::AssetView;
use crate::data::Data;
use crate::exceptions::{Layer, live_filter};
use crate::presence::Presence;
use crate::split::{Split, asset_row};
use crate::stints::Stints;

/// How much of a home an exception is for, its vulnerabilities aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Nothing,
    Everything,
    /// What its filter says row by row.
    Rows,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    place: usize,
    own: Reach,
    image: Reach,
    /// The image is excluded, and with it what the container shows because of it.
    image_excluded: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Hiding<'s> {
    layer: Arc<Layer>,
    /// As in the layer.
    shown: Vec<&'s Exception>,
    filters: Vec<Option<Split<'s>>>,
    candidates: Vec<Candidate>,
    image: Option<Home<'s>>,
    image_presence: Presence<'s>,
    image_stints: Stints,
}

/// The image of the container at hand.
#[derive(Debug)]
struct Home<'s> {
    asset: AssetView<'s>,
    row: Finding<'s>,
}

impl<'s> Hiding<'s> {
    /// `asked` is the exception of a preview, which the snapshot does not hold.
    pub(crate) fn new(data: &'s Data, layer: Arc<Layer>, asked: Option<&'s Exception>) -> Self {
        let shown: Vec<&'s Exception> = layer
            .active
            .iter()
            .filter_map(|active| match asked {
                Some(asked) if asked.no == active.exception.no => Some(asked),
                _ => data.exceptions.get(&active.exception.no).map(Arc::as_ref),
            })
            .collect();
        let filters = shown.iter().map(|exception| live_filter(exception).map(Split::new)).collect();
        Self {
            layer,
            shown,
            filters,
            candidates: Vec::new(),
            image: None,
            image_presence: Presence::default(),
            image_stints: Stints::default(),
        }
    }

    /// Whether nothing can be hidden at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Whether a live filter asks since when, so that the asset's stints are needed.
    pub(crate) fn asks_since(&self) -> bool {
        self.filters.iter().flatten().any(Split::asks_since)
    }

    /// Whether a live filter asks for a coverage word.
    pub(crate) fn asks_coverage(&self) -> bool {
        self.filters.iter().flatten().any(Split::asks_coverage)
    }

    /// Whether any exception may hide findings of the asset at hand.
    pub(crate) fn concerns_asset(&self) -> bool {
        !self.candidates.is_empty()
    }

    /// Turns to an asset; `row` answers for it.
    pub(crate) fn turn_to(&mut self, data: &'s Data, asset: &AssetView<'s>, row: &Finding<'s>) {
        self.candidates.clear();
        self.image = None;
        if self.is_empty() {
            return;
        }
        let image = data.assets.image_of(asset);
        let mut places: Vec<usize> = self.layer.including(asset.row.no).collect();
        if let Some(image) = &image {
            places.extend(self.layer.including(image.row.no));
        }
        places.extend(&self.layer.dynamic);
        places.retain(|&p| self.shown.get(p).is_some_and(|e| e.project == asset.row.project));
        places.sort_unstable();
        places.dedup();
        if places.is_empty() {
            return;
        }
        if let Some(image) = image {
            self.image_presence.read(data, &image);
            if self.asks_since() {
                self.image_stints.read(&self.image_presence, None);
            }
            let row = asset_row(data, &image, self.image_presence.coverage);
            self.image = Some(Home { asset: image, row });
        }
        for place in places {
            let candidate = self.candidate(data, asset, row, place);
            self.candidates.extend(candidate);
        }
    }

    fn candidate(
        &self,
        data: &Data,
        asset: &AssetView<'s>,
        row: &Finding<'s>,
        place: usize,
    ) -> Option<Candidate> {
        if self.layer.active.get(place)?.excludes(asset.row.no) {
            return None;
        }
        let own = self.reach(data, place, asset, row);
        let (image, image_excluded) = match &self.image {
            Some(home) => (
                self.reach(data, place, &home.asset, &home.row),
                self.layer.active[place].excludes(home.asset.row.no),
            ),
            None => (Reach::Nothing, false),
        };
        let any = own != Reach::Nothing || image != Reach::Nothing;
        any.then_some(Candidate { place, own, image, image_excluded })
    }

    fn reach(&self, data: &Data, place: usize, home: &AssetView<'s>, row: &Finding<'s>) -> Reach {
        if self.names(place, home.row.no) {
            return Reach::Everything;
        }
        match self.filters.get(place) {
            Some(Some(split))
                if split.accepts_early(data, home) && split.accepts_late(data, home, row.asset_coverage) =>
            {
                if split.is_about_assets() {
                    Reach::Everything
                } else {
                    Reach::Rows
                }
            }
            _ => Reach::Nothing,
        }
    }

    fn names(&self, place: usize, asset: AssetNo) -> bool {
        self.layer.including(asset).any(|named| named == place)
    }

    /// The exception that hides the row of the asset at hand. `inherited`: the package is shown
    /// because the image shows it.
    pub(crate) fn hides(&self, row: &Finding<'s>, inherited: bool) -> Option<&'s Exception> {
        let covering = self.candidates.iter().find(|c| self.covers(c, row, inherited))?;
        self.shown.get(covering.place).copied()
    }

    fn covers(&self, candidate: &Candidate, row: &Finding<'s>, inherited: bool) -> bool {
        let Some(active) = self.layer.active.get(candidate.place) else { return false };
        if !active.is_for(row.vulnerability.no) || (inherited && candidate.image_excluded) {
            return false;
        }
        let accepts = |reach: Reach, row: &dyn Fn() -> Option<Finding<'s>>| match reach {
            Reach::Nothing => false,
            Reach::Everything => true,
            Reach::Rows => match (self.filters.get(candidate.place), row()) {
                (Some(Some(split)), Some(row)) => split.accepts_match(&row) && split.accepts_rest(&row),
                _ => false,
            },
        };
        accepts(candidate.own, &|| Some(*row))
            || (inherited && accepts(candidate.image, &|| self.image_row(row)))
    }

    /// The same package and match as a finding of the image.
    fn image_row(&self, row: &Finding<'s>) -> Option<Finding<'s>> {
        let home = self.image.as_ref()?;
        let since = self.image_stints.of(row.vulnerability.no).unwrap_or_default();
        Some(Finding {
            package: row.package,
            vulnerability: row.vulnerability,
            verdict: row.verdict,
            not_run_here: self.image_presence.not_run_here(&home.asset, row.package),
            first_found: since.first,
            reopened_at: since.current,
            ..home.row
        })
    }
}
