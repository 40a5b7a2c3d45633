//! A filter cut into the parts that can be decided early.
//!
//! The conjuncts of the tree are sorted by what they depend on: the asset alone, the asset with its
//! coverage, the match alone, or the whole row. Asset parts are asked once per asset, match parts
//! once per (package, vulnerability) and query, the rest per row. All are asked through the tree's
//! plain evaluator, so the cut cannot change an answer; but long lists of texts are asked through a
//! set, because a list of a hundred thousand ids is asked for as many assets.

use std::collections::HashSet;

use parapet_model::filter::{Field, Level, Op, Row, Test, Value, ValueRef};
use parapet_model::finding::Finding;
use parapet_model::{Coverage, Filter, PackageNo};

use crate::blank;
use crate::block::AssetView;
use crate::data::Data;
use crate::presence::Present;

/// From how many texts on a list is asked through a set.
const LONG_LIST: usize = 16;

/// A part of a filter, made ready to be asked often.
#[derive(Debug)]
struct Part<'f> {
    filter: &'f Filter,
    ready: Ready<'f>,
}

/// A filter, its long lists of texts made sets.
#[derive(Debug)]
pub(crate) enum Ready<'f> {
    And(Vec<Ready<'f>>),
    Or(Vec<Ready<'f>>),
    Not(Box<Ready<'f>>),
    /// The field has any of these texts, in lower case.
    Among(Field, HashSet<String>),
    /// No long list inside.
    Plain(&'f Filter),
}

impl<'f> Ready<'f> {
    pub(crate) fn new(filter: &'f Filter) -> Self {
        let mut long = false;
        filter.each_test(&mut |test| long |= is_long(test));
        if !long {
            return Self::Plain(filter);
        }
        match filter {
            Filter::And(parts) => Self::And(parts.iter().map(Self::new).collect()),
            Filter::Or(parts) => Self::Or(parts.iter().map(Self::new).collect()),
            Filter::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Filter::Test(test) => {
                let text = |value: &Value| match value {
                    Value::Text(text) => Some(text.to_ascii_lowercase()),
                    _ => None,
                };
                Self::Among(test.field, test.values.iter().filter_map(text).collect())
            }
            Filter::All | Filter::Nothing => Self::Plain(filter),
        }
    }

    pub(crate) fn accepts(&self, row: &dyn Row) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.accepts(row)),
            Self::Or(parts) => parts.iter().any(|part| part.accepts(row)),
            Self::Not(inner) => !inner.accepts(row),
            Self::Among(field, texts) => row.any(*field, &mut |value| match value {
                ValueRef::Text(text) if text.bytes().any(|b| b.is_ascii_uppercase()) => {
                    texts.contains(&text.to_ascii_lowercase())
                }
                ValueRef::Text(text) => texts.contains(text),
                _ => false,
            }),
            Self::Plain(filter) => filter.accepts(row),
        }
    }
}

/// A long list of nothing but texts.
fn is_long(test: &Test) -> bool {
    test.op == Op::In
        && test.values.len() >= LONG_LIST
        && test.values.iter().all(|value| matches!(value, Value::Text(_)))
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Split<'f> {
    /// Asset without coverage.
    early: Vec<Part<'f>>,
    /// Asset with coverage.
    late: Vec<Part<'f>>,
    matched: Vec<Part<'f>>,
    rest: Vec<Part<'f>>,
}

/// A filter of all these parts.
fn all_of<'p>(parts: impl Iterator<Item = &'p Part<'p>>) -> Filter {
    parts.map(|part| part.filter.clone()).fold(Filter::All, Filter::and)
}

impl<'f> Split<'f> {
    pub(crate) fn new(filter: &'f Filter) -> Self {
        let mut split = Self::default();
        split.add(filter);
        split
    }

    fn add(&mut self, filter: &'f Filter) {
        match filter {
            Filter::All => {}
            Filter::And(parts) => parts.iter().for_each(|part| self.add(part)),
            filter => self.list_for(filter).push(Part { filter, ready: Ready::new(filter) }),
        }
    }

    fn list_for(&mut self, part: &Filter) -> &mut Vec<Part<'f>> {
        let (mut asset, mut coverage, mut matched, mut finding) = (false, false, false, false);
        part.each_test(&mut |test| match test.field.level() {
            Level::Asset => {
                asset = true;
                coverage |= test.field == Field::Coverage;
            }
            Level::Match => matched = true,
            Level::Finding => finding = true,
        });
        match (asset, matched, finding) {
            (_, false, false) if coverage => &mut self.late,
            (_, false, false) => &mut self.early,
            (false, true, false) => &mut self.matched,
            _ => &mut self.rest,
        }
    }

    /// Whether the asset may have rows at all, before its packages are read.
    pub(crate) fn accepts_early(&self, data: &Data, asset: &AssetView<'_>) -> bool {
        self.early.is_empty() || {
            let row = asset_row(data, asset, Coverage::Assessed);
            self.early.iter().all(|part| part.ready.accepts(&row))
        }
    }

    /// Whether the asset may have rows, its coverage known.
    pub(crate) fn accepts_late(&self, data: &Data, asset: &AssetView<'_>, coverage: Coverage) -> bool {
        self.late.is_empty() || {
            let row = asset_row(data, asset, coverage);
            self.late.iter().all(|part| part.ready.accepts(&row))
        }
    }

    /// Whether the parts about the match hold.
    pub(crate) fn accepts_match(&self, row: &Finding<'_>) -> bool {
        self.matched.iter().all(|part| part.ready.accepts(row))
    }

    /// Whether the parts about the whole row hold.
    pub(crate) fn accepts_rest(&self, row: &Finding<'_>) -> bool {
        self.rest.iter().all(|part| part.ready.accepts(row))
    }

    /// What is asked of the asset, its coverage aside.
    pub(crate) fn asset_parts(&self) -> Filter {
        all_of(self.early.iter())
    }

    /// What is asked of the match.
    pub(crate) fn match_parts(&self) -> Filter {
        all_of(self.matched.iter())
    }

    /// What is asked of the match and of the whole row.
    pub(crate) fn row_parts(&self) -> Filter {
        all_of(self.matched.iter().chain(&self.rest))
    }

    /// Whether asset and match decide, each for itself, and coverage does not matter.
    pub(crate) fn is_plain(&self) -> bool {
        self.late.is_empty() && self.rest.is_empty()
    }

    /// Whether any part asks for coverage.
    pub(crate) fn asks_coverage(&self) -> bool {
        let mut asks = !self.late.is_empty();
        for part in &self.rest {
            part.filter.each_test(&mut |test| asks |= test.field == Field::Coverage);
        }
        asks
    }

    /// Whether there are parts about the whole row.
    pub(crate) fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Whether there are parts about the match.
    pub(crate) fn has_match_parts(&self) -> bool {
        !self.matched.is_empty()
    }

    /// Whether only the asset decides.
    pub(crate) fn is_about_assets(&self) -> bool {
        self.matched.is_empty() && self.rest.is_empty()
    }

    /// Whether any part asks since when.
    pub(crate) fn asks_since(&self) -> bool {
        let mut asks = false;
        for part in &self.rest {
            part.filter
                .each_test(&mut |test| asks |= matches!(test.field, Field::FirstFound | Field::ReopenedAt));
        }
        asks
    }

    /// The texts of which one must be the value of `field`, if a part says so.
    pub(crate) fn wanted(&self, field: Field) -> Option<impl Iterator<Item = &'f str> + use<'f>> {
        let tests = self.matched.iter().chain(&self.early);
        let mut tests = tests.filter_map(|part| match part.filter {
            Filter::Test(test) if test.field == field && matches!(test.op, Op::Eq | Op::In) => Some(test),
            _ => None,
        });
        let values: &'f [Value] = match tests.next()? {
            Test { op: Op::In, values, .. } => values,
            Test { values, .. } => values.get(..1).unwrap_or_default(),
        };
        Some(values.iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }))
    }
}

/// A row that answers for the asset only.
pub(crate) fn asset_row<'s>(data: &'s Data, asset: &AssetView<'s>, coverage: Coverage) -> Finding<'s> {
    let image = data.assets.image_of(asset);
    Finding {
        asset: asset.row,
        references: image.map_or(&asset.row.references, |image| &image.row.references),
        enterprise_project: data.enterprise_project(asset.row.enterprise_project),
        asset_coverage: coverage,
        last_found: asset.row.observed,
        ..blank::row()
    }
}

/// Which verdicts of a package pass the match parts, remembered for as many packages as there are
/// slots. A package that meets another's slot is asked again, so memory stays bounded.
#[derive(Debug)]
pub(crate) struct Memo {
    slots: Vec<(Option<PackageNo>, Vec<u64>)>,
    /// How often a package met another's slot since the table has its size.
    met: usize,
}

/// Powers of two: a page of findings needs few, a walk over everything many.
const FIRST_SLOTS: usize = 1 << 8;
const MEMO_SLOTS: usize = 1 << 14;

impl Memo {
    /// A memo for a filter; it stays empty when there is nothing to remember.
    pub(crate) fn new(split: &Split<'_>) -> Self {
        let slots = if split.has_match_parts() { FIRST_SLOTS } else { 0 };
        Self { slots: vec![(None, Vec::new()); slots], met: 0 }
    }

    /// One bit per open verdict of the package, lowest first.
    pub(crate) fn accepted<'s>(
        &mut self,
        split: &Split<'_>,
        data: &'s Data,
        base: &Finding<'s>,
        present: &Present<'s>,
    ) -> &[u64] {
        if self.met > self.slots.len() && self.slots.len() < MEMO_SLOTS {
            *self = Self { slots: vec![(None, Vec::new()); self.slots.len() * 4], met: 0 };
        }
        let at = present.no.index() & (self.slots.len() - 1);
        let (package, bits) = &mut self.slots[at];
        if *package != Some(present.no) {
            self.met += usize::from(package.is_some());
            *package = Some(present.no);
            bits.clear();
            bits.resize(present.verdicts.open.len().div_ceil(64), 0);
            for (place, open) in present.verdicts.open.iter().enumerate() {
                let Some(vulnerability) = data.tables.vulnerability(open.vulnerability) else { continue };
                let row = Finding { package: present.row, vulnerability, verdict: &open.verdict, ..*base };
                if split.accepts_match(&row) {
                    bits[place / 64] |= 1 << (place % 64);
                }
            }
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row with one name.
    struct Named(&'static str);

    impl Row for Named {
        fn any(&self, field: Field, visit: &mut dyn FnMut(ValueRef<'_>) -> bool) -> bool {
            field == Field::Asset && visit(ValueRef::Text(self.0))
        }
    }

    #[test]
    fn a_long_list_answers_as_the_plain_evaluator() {
        let long = || Filter::any_of(Field::Asset, (0..40).map(|n| format!("Host-{n}")));
        let short = Filter::test(Field::Asset, Op::Prefix, "host-1");
        let filters = [
            long(),
            long().negate(),
            Filter::Or(vec![short.clone(), long()]),
            Filter::And(vec![short, Filter::Not(Box::new(long()))]),
        ];
        for filter in &filters {
            let ready = Ready::new(filter);
            assert!(!matches!(ready, Ready::Plain(_)), "{filter}");
            for name in ["host-1", "HOST-39", "host-40", "host-100", "Host-7", "", "x"] {
                assert_eq!(ready.accepts(&Named(name)), filter.accepts(&Named(name)), "{name} in {filter}");
            }
        }
    }
}
