//! Which assets have a finding that passes a filter, for all of them at once.
//!
//! The filter is answered in pairs ([`crate::pairs`]), the pairs give packages, the packages assets;
//! exceptions come in by groups ([`crate::veil`]). What no group answers for is walked.

use std::sync::Arc;

use parapet_model::filter::{Field, Op};
use parapet_model::{AssetKind, Filter, PackageNo};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::data::Data;
use crate::exceptions::Layer;
use crate::kept::{Key, Standing};
use crate::pairs::{Pairs, understands};
use crate::veil::Veil;

/// The assets with a pair that passes, where certain pairs are hidden.
#[derive(Debug)]
struct Answer {
    pairs: Arc<Pairs>,
    hidden: Vec<Arc<Bits>>,
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
    pub(crate) fn pairs(&self) -> Standing<Pairs> {
        self.kept.get(&self.journal, Key::Pairs, |_| true, || Pairs::build(&self.tables))
    }

    /// Reads all pairs anew, when many assets were touched since.
    pub(crate) fn refresh_pairs(&self, most: u64) {
        let make = |_: Option<Standing<Pairs>>| Pairs::build(&self.tables);
        self.kept.refresh(&self.journal, Key::Pairs, most, |_| true, make);
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
        // Only on a host may a kernel run; there the walk decides.
        let kernels = kernels || kind == AssetKind::Host;
        let pairs = self.pairs();
        let base = self.answer(&pairs.thing, filter, kernels, &[]);
        let mut unsure = pairs.touched | base.touched;
        let mut speaks_of_exceptions = false;
        filter.each_test(&mut |test| speaks_of_exceptions |= test.field == Field::Excepted);
        let veil = match speaks_of_exceptions {
            true => self.veil(layer, &pairs.thing),
            false => Veil::default(),
        };
        unsure |= &veil.odd;
        unsure &= &within;
        if kind == AssetKind::Host {
            unsure |= &base.thing.assets & &within;
        }
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
            let answer = self.answer_behind(&pairs.thing, filter, kernels, &veil, &places);
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
        let pairs = self.pairs();
        let answer = self.answer(&pairs.thing, &parts.into_iter().fold(Filter::All, Filter::and), true, &[]);
        (&answer.thing.assets | pairs.touched | answer.touched) & within
    }

    fn answer(
        &self,
        pairs: &Arc<Pairs>,
        filter: &Filter,
        kernels: bool,
        hidden: &[(String, Arc<Bits>)],
    ) -> Standing<Answer> {
        let bits: Vec<Arc<Bits>> = hidden.iter().map(|(_, bits)| Arc::clone(bits)).collect();
        let marks: String = hidden.iter().map(|(mark, _)| mark.as_str()).collect();
        let fits = |answer: &Answer| {
            Arc::ptr_eq(&answer.pairs, pairs)
                && answer.hidden.len() == bits.len()
                && answer.hidden.iter().zip(&bits).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        let key = Key::Has(format!("{filter}{marks}"), kernels);
        self.kept.get(&self.journal, key, fits, || {
            let mut excepted = bits.first().map(|first| first.as_ref().clone()).unwrap_or_default();
            bits.iter().skip(1).for_each(|more| excepted.or(more));
            let passing = pairs.passing(&self.tables, filter, &excepted);
            let packages: Vec<PackageNo> = pairs.packages_of(&passing, kernels);
            let assets = self.assets.having(&self.sets, &packages);
            Answer { pairs: Arc::clone(pairs), hidden: bits.clone(), passing, assets }
        })
    }

    fn answer_behind(
        &self,
        pairs: &Arc<Pairs>,
        filter: &Filter,
        kernels: bool,
        veil: &Veil,
        places: &[usize],
    ) -> Standing<Answer> {
        let hidden: Vec<(String, Arc<Bits>)> = places
            .iter()
            .filter_map(|place| veil.covers.get(*place))
            .map(|cover| (format!(" behind {}{}", cover.mark.0, cover.mark.1), Arc::clone(&cover.hidden)))
            .collect();
        self.answer(pairs, filter, kernels, &hidden)
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
