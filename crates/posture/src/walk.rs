//! One asset after the other: from what it shows to its findings, in one order for every query.
//!
//! The order is asset, package, vulnerability, each by number. It is the order in which packages
//! lie in the sets, so it costs next to nothing, and a cursor names a place in it that survives
//! every change of posture.

use std::ops::ControlFlow;
use std::sync::Arc;

use parapet_model::exception::Exception;
use parapet_model::filter::Field;
use parapet_model::finding::{Finding, Likeness};
use parapet_model::{AssetNo, Filter, Millis, PackageNo, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::block::AssetView;
use crate::data::Data;
use crate::exceptions::Layer;
use crate::hiding::Hiding;
use crate::only::Only;
use crate::presence::{Presence, Present};
use crate::query::{Cursor, Query};
use crate::split::{Memo, Split, asset_row};
use crate::stints::Stints;
use crate::verdict::OpenVerdict;

/// A walk over the findings of a query.
pub(crate) struct Walk<'s, 'q> {
    data: &'s Data,
    query: &'q Query<'q>,
    pub(crate) split: Split<'q>,
    memo: Memo,
    hiding: Hiding<'s>,
    presence: Presence<'s>,
    stints: Stints,
    wants_since: bool,
    /// The vulnerabilities that matter; `None` for all.
    only: Option<Arc<Only>>,
}

impl<'s, 'q> Walk<'s, 'q> {
    /// `wants_since`: the visitor looks at `first_found` or `reopened_at`; they are 0 otherwise.
    pub(crate) fn new(
        data: &'s Data,
        query: &'q Query<'q>,
        layer: Arc<Layer>,
        asked: Option<&'s Exception>,
        wants_since: bool,
    ) -> Self {
        let split = Split::new(query.filter);
        let hiding = Hiding::new(data, layer, asked);
        let wants_since = wants_since || split.asks_since() || hiding.asks_since();
        let memo = Memo::new(&split);
        let (presence, stints) = (Presence::default(), Stints::default());
        Self { data, query, split, memo, hiding, presence, stints, wants_since, only: None }
    }

    /// Asks for some vulnerabilities alone. Coverage words are not worked out then, so none may be
    /// [asked for](Self::asks_coverage).
    pub(crate) fn restrict(&mut self, only: Arc<Only>) {
        self.only = Some(only);
    }

    /// Whether it is worked out since when.
    pub(crate) fn wants_since(&self) -> bool {
        self.wants_since
    }

    /// Whether the filter, or that of an exception, asks for a coverage word.
    pub(crate) fn asks_coverage(&self) -> bool {
        self.split.asks_coverage() || self.hiding.asks_coverage()
    }

    /// All assets that may have rows, from `start` on.
    pub(crate) fn assets(&self, start: AssetNo) -> Box<dyn Iterator<Item = AssetView<'s>> + 's> {
        let data = self.data;
        match self.candidates() {
            Some(numbers) => Box::new(
                numbers
                    .into_iter()
                    .filter(move |&no| no >= start.0)
                    .filter_map(|no| data.assets.get(AssetNo(no))),
            ),
            None => Box::new(data.assets.from(start)),
        }
    }

    /// The only assets that can have rows, when the query is within some, or the filter asks for something
    /// that an index knows.
    pub(crate) fn candidates(&self) -> Option<RoaringBitmap> {
        let chosen = self.query.within;
        match (self.named(), chosen) {
            (Some(named), Some(chosen)) => Some(named & chosen),
            (named, chosen) => named.or_else(|| chosen.cloned()),
        }
    }

    fn named(&self) -> Option<RoaringBitmap> {
        let data = self.data;
        let only = self.only.as_ref().filter(|only| !only.is_of_packages());
        let affected = only.map(|only| data.assets.having(&data.sets, &only.affected()));
        if let Some(ids) = self.split.wanted(Field::AssetId) {
            let found = ids.filter_map(|id| data.assets.by_uuid(id.parse().ok()?));
            let named: RoaringBitmap = found.map(|asset| asset.row.no.0).collect();
            return Some(affected.map_or(named.clone(), |affected| affected & named));
        }
        let (about_assets, about_rows) = (self.split.asset_parts(), self.split.row_parts());
        if affected.is_none() && about_assets == Filter::All && about_rows == Filter::All {
            return None;
        }
        if let Some(affected) = affected {
            return Some(data.accepted(&about_assets, affected));
        }
        let mut all = RoaringBitmap::new();
        all.insert_range(0..data.assets.end() as u32);
        Some(data.may_hold(&about_rows, data.accepted(&about_assets, all)))
    }

    /// Whether the asset is seen at all.
    pub(crate) fn sees(&self, asset: &AssetView<'s>) -> bool {
        self.query.scope.sees(asset.row.project, asset.row.enterprise_project)
            && self.query.within.is_none_or(|chosen| chosen.contains(asset.row.no.0))
            && self.split.accepts_early(self.data, asset)
            && self.data.assets.is_current(asset)
    }

    /// Calls `visit` with each finding and the verdict it comes from.
    pub(crate) fn run(
        &mut self,
        after: Option<Cursor>,
        visit: &mut impl FnMut(&Finding<'s>, &OpenVerdict) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let start = after.map_or(AssetNo(0), |cursor| cursor.asset);
        for asset in self.assets(start) {
            if self.sees(&asset) {
                let skip = after.filter(|cursor| cursor.asset == asset.row.no);
                self.turn_to(&asset, skip, visit)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Calls `visit` with each finding of one asset that is seen.
    pub(crate) fn turn_to(
        &mut self,
        asset: &AssetView<'s>,
        after: Option<Cursor>,
        visit: &mut impl FnMut(&Finding<'s>, &OpenVerdict) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.turn_to_packages(asset, after, &mut |walk, base, present, from| {
            walk.package(base, present, from, visit)
        })
    }

    /// Calls `visit` with each package of one asset that may have findings: with a row that knows the asset
    /// and whether the package runs, and the vulnerability to go on after.
    pub(crate) fn turn_to_packages(
        &mut self,
        asset: &AssetView<'s>,
        after: Option<Cursor>,
        visit: &mut impl FnMut(
            &mut Self,
            &mut Finding<'s>,
            &Present<'s>,
            Option<VulnerabilityNo>,
        ) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &self.only {
            Some(only) => self.presence.read_only(self.data, asset, only),
            None => self.presence.read(self.data, asset),
        }
        if !self.split.accepts_late(self.data, asset, self.presence.coverage) {
            return ControlFlow::Continue(());
        }
        if self.wants_since {
            self.stints.read(&self.presence, self.only.as_deref());
        }
        let mut base = asset_row(self.data, asset, self.presence.coverage);
        base.last_found = self.last_found(asset);
        self.hiding.turn_to(self.data, asset, &base);
        let presence = std::mem::take(&mut self.presence);
        let mut flow = ControlFlow::Continue(());
        for present in &presence.present {
            if present.verdicts.open.is_empty() || after.is_some_and(|c| present.no < c.package) {
                continue;
            }
            base.not_run_here = presence.not_run_here(asset, present.row);
            if base.not_run_here && !self.query.include_not_run_here {
                continue;
            }
            let from = after.filter(|c| c.package == present.no).map(|c| c.vulnerability);
            flow = visit(self, &mut base, present, from);
            if flow.is_break() {
                break;
            }
        }
        self.presence = presence;
        flow
    }

    /// How much the findings of a package have in common on every asset that the walk meets it on.
    pub(crate) fn likeness(&self) -> Likeness {
        if self.only.as_ref().is_some_and(|only| !only.is_of_packages()) || self.split.has_rest() {
            Likeness::None
        } else if self.wants_since || self.hiding.concerns_asset() {
            Likeness::Matches
        } else {
            Likeness::Rows
        }
    }

    /// A container that nobody looked into was last seen when its image was.
    fn last_found(&self, asset: &AssetView<'s>) -> Millis {
        match asset.row.observed {
            0 => self.data.assets.image_of(asset).map_or(0, |image| image.row.observed),
            observed => observed,
        }
    }

    /// The findings of one package of the asset; `row` is filled anew for each.
    #[inline]
    pub(crate) fn package(
        &mut self,
        row: &mut Finding<'s>,
        present: &Present<'s>,
        after: Option<VulnerabilityNo>,
        visit: &mut impl FnMut(&Finding<'s>, &OpenVerdict) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let open = &present.verdicts.open;
        row.package = present.row;
        let accepted = match self.split.has_match_parts() {
            true => Some(self.memo.accepted(&self.split, self.data, row, present)),
            false => None,
        };
        let places = self.only.as_ref().and_then(|only| only.places(present.no));
        for at in 0..places.map_or(open.len(), <[usize]>::len) {
            let place = places.map_or(at, |places| places[at]);
            let Some(verdict) = open.get(place) else { continue };
            let vulnerability = verdict.vulnerability;
            if accepted.is_some_and(|bits| bits[place / 64] >> (place % 64) & 1 == 0)
                || after.is_some_and(|last| vulnerability <= last)
            {
                continue;
            }
            let Some(found) = self.data.tables.vulnerability(vulnerability) else { continue };
            (row.vulnerability, row.verdict) = (found, &verdict.verdict);
            if self.wants_since {
                let since = self.stints.of(vulnerability).unwrap_or_default();
                (row.first_found, row.reopened_at) = (since.first, since.current);
            }
            if self.hiding.concerns_asset() {
                row.exception = None;
                row.exception = self.hiding.hides(row, present.inherited);
            }
            if self.split.accepts_rest(row) {
                visit(row, verdict)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// One finding of an asset, whether or not the query sees the asset.
    pub(crate) fn finding(
        &mut self,
        asset: &AssetView<'s>,
        package: PackageNo,
        vulnerability: VulnerabilityNo,
    ) -> Option<Finding<'s>> {
        let mut found = None;
        let _ = self.turn_to(asset, None, &mut |row, _| {
            if (row.package.no, row.vulnerability.no) == (package, vulnerability) {
                found = Some(*row);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }

    /// The coverage word of the asset last turned to.
    pub(crate) fn coverage(&self) -> parapet_model::Coverage {
        self.presence.coverage
    }
}
