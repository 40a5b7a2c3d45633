//! Which assets have a finding that passes a filter, for all of them at once.
//!
//! The filter is answered in pairs ([`crate::pairs`]), the pairs give packages, the packages assets;
//! exceptions come in by groups ([`crate::veil`]). What no group answers for is walked.

use std::sync::Arc;

use parapet_model::filter::{Field, Op};
use parapet_model::{AssetKind, Filter};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::data::Data;
use crate::exceptions::Layer;
use crate::kept::{Key, Standing};
use crate::pairs::{Pairs, understands};
use crate::presence::Presence;
use crate::veil::{Cause, Cover, Veil};

/// The assets with a pair that passes, where certain pairs are hidden.
#[derive(Debug)]
struct Answer {
    filter: Filter,
    kernels: bool,
    /// Why pairs are hidden.
    causes: Vec<Cause>,
    numbering: Arc<()>,
    /// How many pairs there were.
    pairs: usize,
    passing: Bits,
    assets: RoaringBitmap,
}

/// What a filter selects: those that surely pass, and those that must be asked.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    pub(crate) sure: RoaringBitmap,
    pub(crate) unsure: RoaringBitmap,
}

/// The filter that leaves out what exceptions hide, unless it speaks of them itself.
pub(crate) fn standing(filter: &Filter) -> Filter {
    let mut says = false;
    filter.each_test(&mut |test| says |= test.field == Field::Excepted);
    let shown = Filter::test(Field::Excepted, Op::Eq, false);
    if says { filter.clone() } else { filter.clone().and(shown) }
}

impl Data {
    /// All pairs as they are now.
    pub(crate) fn pairs(&self) -> Arc<Pairs> {
        self.kept.get_of_packages(&self.journal, Key::Pairs, |old: Option<(Arc<Pairs>, RoaringBitmap)>| {
            let grown = old.and_then(|(old, changed)| old.grown(&self.tables, &changed));
            grown.unwrap_or_else(|| Pairs::build(&self.tables))
        })
    }

    /// The assets among `within`, which are of one kind, with a finding that passes a filter as it
    /// stands, about match and exceptions.
    pub(crate) fn holders(
        &self,
        layer: &Layer,
        kind: AssetKind,
        filter: &Filter,
        kernels: bool,
        within: RoaringBitmap,
    ) -> Holders {
        if !understands(filter) {
            return Holders { sure: RoaringBitmap::new(), unsure: self.may_hold(filter, within) };
        }
        let pairs = self.pairs();
        let base = self.answer(&pairs, filter, kernels, &[]);
        let mut unsure = base.touched;
        if kind == AssetKind::Host && !kernels {
            // Only on a host may a kernel run: where nothing else passes, the walk decides.
            let with_kernels = self.answer(&pairs, filter, true, &[]);
            unsure |= with_kernels.touched;
            unsure |= &with_kernels.thing.assets - &base.thing.assets;
        }
        let mut speaks_of_exceptions = false;
        filter.each_test(&mut |test| speaks_of_exceptions |= test.field == Field::Excepted);
        let veil = match speaks_of_exceptions {
            true => self.veil(layer, &pairs),
            false => Veil::default(),
        };
        unsure |= &veil.odd;
        unsure &= &within;
        let rest = &within - &unsure;
        let hides = |cover: &Bits| cover.meets(&base.thing.passing) || !asks_standing(filter);
        let Some(groups) = veil.groups(rest.clone(), |cover| hides(&cover.hidden)) else {
            return Holders { sure: RoaringBitmap::new(), unsure: within };
        };
        let mut sure = RoaringBitmap::new();
        for (places, assets) in groups {
            if places.is_empty() {
                sure |= &base.thing.assets & assets;
                continue;
            }
            let covers: Vec<&Cover> = places.iter().filter_map(|place| veil.covers.get(*place)).collect();
            let answer = self.answer(&pairs, filter, kernels, &covers);
            unsure |= &answer.touched & &assets;
            sure |= &answer.thing.assets & assets;
        }
        sure -= &unsure;
        Holders { sure, unsure }
    }

    /// The assets among `within` that may have a finding that passes any filter.
    pub(crate) fn may_hold(&self, filter: &Filter, within: RoaringBitmap) -> RoaringBitmap {
        let parts: Vec<&Filter> = match filter {
            Filter::And(parts) => parts.iter().collect(),
            whole => vec![whole],
        };
        let speaks = |part: &&&Filter| {
            let mut about_matches = understands(part);
            part.each_test(&mut |test| about_matches &= test.field != Field::Excepted);
            about_matches
        };
        let parts: Vec<Filter> = parts.iter().filter(speaks).map(|part| (*part).clone()).collect();
        if parts.is_empty() {
            return within;
        }
        let answer = self.answer(&self.pairs(), &parts.into_iter().fold(Filter::All, Filter::and), true, &[]);
        (&answer.thing.assets | answer.touched) & within
    }

    fn answer(&self, pairs: &Pairs, filter: &Filter, kernels: bool, covers: &[&Cover]) -> Standing<Answer> {
        let causes = || covers.iter().map(|cover| &cover.cause);
        let marks: String = causes().map(|cause| format!(" behind {cause}")).collect();
        let fits = |answer: &Answer| {
            Arc::ptr_eq(&answer.numbering, pairs.numbering()) && answer.causes.iter().eq(causes())
        };
        let hidden = || {
            let mut hidden = Bits::default();
            covers.iter().for_each(|cover| hidden.join(&cover.hidden));
            hidden
        };
        let key = Key::Has(format!("{filter}{marks}"), kernels);
        self.kept.get_grown(&self.journal, key, fits, |old| match old {
            Some(old) => self.grown(pairs, old, &hidden()),
            None => {
                let passing = pairs.passing(&self.tables, filter, &hidden());
                let assets = self.assets.having(&self.sets, &pairs.packages_of(&passing, kernels));
                Answer {
                    filter: filter.clone(),
                    kernels,
                    causes: causes().cloned().collect(),
                    numbering: Arc::clone(pairs.numbering()),
                    pairs: pairs.len(),
                    passing,
                    assets,
                }
            }
        })
    }

    /// An answer in terms of newer pairs, the touched assets looked at one by one.
    fn grown(&self, pairs: &Pairs, old: Standing<Answer>, hidden: &Bits) -> Answer {
        let Standing { thing: old, touched } = old;
        let Answer { filter, kernels, .. } = old.as_ref();
        let passing = pairs.passing_still((&old.passing, old.pairs), &self.tables, filter, hidden);
        let (mut assets, mut presence) = (old.assets.clone(), Presence::default());
        self.settle(&mut assets, &touched, |asset| {
            presence.read(self, asset);
            presence
                .present
                .iter()
                .any(|present| (*kernels || !present.row.kernel) && pairs.any_of(&passing, present.no))
        });
        Answer {
            filter: filter.clone(),
            kernels: *kernels,
            causes: old.causes.clone(),
            numbering: Arc::clone(&old.numbering),
            pairs: pairs.len(),
            passing,
            assets,
        }
    }

    /// Makes an answer anew from the one there is, when more than `most` assets were touched since.
    pub(crate) fn refresh_answer(&self, layer: &Layer, key: &Key, most: u64) {
        self.kept.regrow(&self.journal, key, most, |old: Standing<Answer>| {
            let pairs = self.pairs();
            let mut hidden = Bits::default();
            for cause in &old.thing.causes {
                let more = self.hidden_by(layer, &pairs, cause)?;
                hidden.join(&more);
            }
            Arc::ptr_eq(&old.thing.numbering, pairs.numbering()).then(|| self.grown(&pairs, old, &hidden))
        });
    }
}

/// Whether a filter asks of exceptions only that none hides the finding: then one that hides nothing
/// that passes changes nothing.
fn asks_standing(filter: &Filter) -> bool {
    let is_standing = |part: &Filter| {
        matches!(part, Filter::Test(test) if test.field == Field::Excepted && test.op == Op::Eq
            && test.values.first() == Some(&parapet_model::filter::Value::Bool(false)))
    };
    let speaks = |part: &Filter| {
        let mut speaks = false;
        part.each_test(&mut |test| speaks |= test.field == Field::Excepted);
        speaks
    };
    match filter {
        Filter::And(parts) => parts.iter().all(|part| is_standing(part) || !speaks(part)),
        part => is_standing(part) || !speaks(part),
    }
}
