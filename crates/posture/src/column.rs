//! The values of one field of all assets, so that a test finds its assets instead of asking each.
//!
//! Values are those of the plain evaluator's row, so a column cannot disagree with it. Texts are kept
//! once each, in ASCII lower case and in order: equality is a search, a prefix a range, and *contains*
//! one pass over a text that holds them all. The assets of a value that many have are a set, which a
//! question takes as it is.

use std::cmp::Ordering;
use std::collections::HashMap;

use memchr::memmem;
use parapet_model::filter::{Field, Op, Row as _, Test, Value, ValueRef};
use parapet_model::{AssetNo, Coverage, Filter};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::block::AssetView;
use crate::data::Data;
use crate::kept::{Key, Standing};
use crate::split::{Ready, asset_row};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Column {
    /// All values one after the other, a NUL after each: no value holds one.
    text: Vec<u8>,
    /// Where each begins in `text`; one more at the end.
    starts: Vec<usize>,
    /// Where the assets of each begin in `assets`; one more at the end.
    assets_from: Vec<usize>,
    /// Ascending for each value that few have.
    assets: Vec<u32>,
    /// The assets of each value that many have, with its place; ascending.
    sets: Vec<(usize, RoaringBitmap)>,
    /// All that have a text which is not empty.
    named: RoaringBitmap,
    /// Numbers and instants, by value.
    numbers: Vec<(f64, u32)>,
}

/// The fields that are worth a column: they are of the asset, cost little to keep, and are asked for. In this order
/// they are made.
const FIELDS: [Field; 15] = [
    Field::Kind,
    Field::Scan,
    Field::Repository,
    Field::Registry,
    Field::ContainerState,
    Field::Asset,
    Field::Tag,
    Field::EnterpriseProject,
    Field::Distro,
    Field::Group,
    Field::AssetValue,
    Field::Host,
    Field::Size,
    Field::Created,
    Field::Scanned,
];

/// A value that more assets have keeps them as a set. Where tests run there are both kinds.
const MANY: usize = if cfg!(debug_assertions) { 2 } else { 1024 };

/// The assets that have a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Having<'c> {
    /// Ascending.
    Few(&'c [u32]),
    Many(&'c RoaringBitmap),
}

impl Having<'_> {
    /// How many of some assets have it. They are given twice, for the quicker question of each kind.
    pub(crate) fn count(self, set: &RoaringBitmap, bits: &Bits) -> usize {
        match self {
            Self::Few(assets) => assets.iter().filter(|no| bits.contains(**no as usize)).count(),
            Self::Many(assets) => assets.intersection_len(set) as usize,
        }
    }

    /// Whether any of some assets has it.
    pub(crate) fn any(self, set: &RoaringBitmap, bits: &Bits) -> bool {
        match self {
            Self::Few(assets) => assets.iter().any(|no| bits.contains(*no as usize)),
            Self::Many(assets) => !assets.is_disjoint(set),
        }
    }

    /// Those of some assets that have it.
    pub(crate) fn among(self, set: &RoaringBitmap) -> RoaringBitmap {
        match self {
            Self::Few(assets) => assets.iter().filter(|no| set.contains(**no)).collect(),
            Self::Many(assets) => assets & set,
        }
    }

    /// All of them, ascending.
    pub(crate) fn to_vec(self) -> Vec<u32> {
        match self {
            Self::Few(assets) => assets.to_vec(),
            Self::Many(assets) => assets.iter().collect(),
        }
    }
}

/// Both, which ascend, as one.
fn merged<T>(
    a: impl Iterator<Item = T>,
    b: impl Iterator<Item = T>,
    before: impl Fn(&T, &T) -> bool,
) -> Vec<T> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    let next = std::iter::from_fn(|| match (a.peek(), b.peek()) {
        (Some(first), Some(second)) if before(second, first) => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    });
    next.collect()
}

/// What a test finds: numbers that come in no order, and sets.
#[derive(Debug, Default)]
struct Found {
    bits: Bits,
    sets: RoaringBitmap,
}

impl Found {
    fn extend<'n>(&mut self, numbers: impl IntoIterator<Item = &'n u32>) {
        numbers.into_iter().for_each(|no| self.bits.insert(*no as usize));
    }
}

/// Whether a field has a column.
pub(crate) fn has_column(field: Field) -> bool {
    FIELDS.contains(&field)
}

impl Column {
    /// Reads a field of every asset.
    pub(crate) fn build(data: &Data, field: Field) -> Self {
        Self::read(data, field, data.assets.from(AssetNo(0)))
    }

    /// Reads a field of some assets.
    pub(crate) fn of(data: &Data, field: Field, assets: &RoaringBitmap) -> Self {
        Self::read(data, field, assets.iter().filter_map(|no| data.assets.get(AssetNo(no))))
    }

    fn read<'s>(data: &'s Data, field: Field, assets: impl Iterator<Item = AssetView<'s>>) -> Self {
        let mut texts: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        let mut numbers: Vec<(f64, u32)> = Vec::new();
        let mut lower = Vec::new();
        for asset in assets {
            let no = asset.row.no.0;
            asset_row(data, &asset, Coverage::Assessed).any(field, &mut |value| {
                match value {
                    ValueRef::Text(value) => {
                        lower.clear();
                        lower.extend(value.bytes().map(|b| b.to_ascii_lowercase()));
                        match texts.get_mut(lower.as_slice()) {
                            Some(list) if list.last() == Some(&no) => {}
                            Some(list) => list.push(no),
                            None => {
                                texts.insert(lower.clone(), vec![no]);
                            }
                        }
                    }
                    ValueRef::Number(value) => numbers.push((value, no)),
                    ValueRef::Bool(_) => {}
                }
                false
            });
        }
        numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut sorted: Vec<(Vec<u8>, Vec<u32>)> = texts.into_iter().collect();
        sorted.sort_unstable();
        let mut column = Self { numbers, ..Self::empty() };
        let mut named = Bits::default();
        for (text, assets) in sorted {
            if !text.is_empty() {
                assets.iter().for_each(|no| named.insert(*no as usize));
            }
            match assets.len() > MANY {
                true => column.push_set(&text, assets.into_iter().collect()),
                false => column.push(&text, assets),
            }
        }
        column.named = named.to_bitmap();
        column
    }

    fn empty() -> Self {
        Self { starts: vec![0], assets_from: vec![0], ..Self::default() }
    }

    /// The same column where some assets have other values, which `fresh` knows of all of them.
    fn with(&self, touched: &RoaringBitmap, fresh: &Self) -> Self {
        let marks = Bits::of(touched);
        let stays = |no: u32| !marks.contains(no as usize);
        let standing = self.numbers.iter().copied().filter(|(_, no)| stays(*no));
        let mut column = Self {
            numbers: merged(standing, fresh.numbers.iter().copied(), |a, b| {
                a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).is_lt()
            }),
            named: (&self.named - touched) | &fresh.named,
            ..Self::empty()
        };
        let (mut old, mut new) = (0, 0);
        while old < self.values() || new < fresh.values() {
            let order = match (old < self.values(), new < fresh.values()) {
                (true, true) => self.value(old).cmp(fresh.value(new)),
                (true, false) => Ordering::Less,
                (false, _) => Ordering::Greater,
            };
            let more = if order.is_ge() { fresh.having(new) } else { Having::Few(&[]) };
            let text = if order.is_le() { self.value(old) } else { fresh.value(new) };
            match if order.is_le() { self.having(old) } else { Having::Few(&[]) } {
                Having::Few(assets) => {
                    let standing = assets.iter().copied().filter(|no| stays(*no));
                    let assets = merged(standing, more.to_vec().into_iter(), |a, b| a < b);
                    match assets.len() > MANY {
                        true => column.push_set(text, assets.into_iter().collect()),
                        false => column.push(text, assets),
                    }
                }
                Having::Many(assets) => {
                    let assets = (assets - touched) | more.to_vec().into_iter().collect::<RoaringBitmap>();
                    match assets.len() > MANY as u64 {
                        true => column.push_set(text, assets),
                        false => column.push(text, assets),
                    }
                }
            }
            old += usize::from(order.is_le());
            new += usize::from(order.is_ge());
        }
        column
    }

    /// Adds a value behind all others; one that nothing has is left out.
    fn push(&mut self, text: &[u8], assets: impl IntoIterator<Item = u32>) {
        let before = self.assets.len();
        self.assets.extend(assets);
        if self.assets.len() > before {
            self.push_text(text);
        }
    }

    fn push_set(&mut self, text: &[u8], assets: RoaringBitmap) {
        self.sets.push((self.values(), assets));
        self.push_text(text);
    }

    fn push_text(&mut self, text: &[u8]) {
        self.text.extend(text);
        self.text.push(0);
        self.starts.push(self.text.len());
        self.assets_from.push(self.assets.len());
    }

    /// The assets of which any value passes.
    pub(crate) fn passing(&self, test: &Test) -> RoaringBitmap {
        let mut found = Found::default();
        match test.op {
            Op::In => {
                for value in &test.values {
                    self.equal(value, &mut found);
                }
            }
            op => {
                if let Some(value) = test.values.first() {
                    match (op, value) {
                        (Op::Eq, value) => self.equal(value, &mut found),
                        (Op::Prefix, Value::Text(text)) => self.prefixed(text, &mut found),
                        (Op::Contains, Value::Text(text)) => self.containing(text, &mut found),
                        (op, Value::Number(wanted)) => self.compared(op, *wanted, &mut found),
                        _ => {}
                    }
                }
            }
        }
        found.bits.to_bitmap() | found.sets
    }

    /// The assets that have a text which is not empty.
    pub(crate) fn named(&self) -> &RoaringBitmap {
        &self.named
    }

    /// Calls `visit` with each text, in lower case and ascending, and the assets that have it.
    pub(crate) fn each_value<'c>(&'c self, visit: &mut dyn FnMut(&'c [u8], Having<'c>)) {
        for at in 0..self.values() {
            visit(self.value(at), self.having(at));
        }
    }

    fn having(&self, at: usize) -> Having<'_> {
        // An empty range is that of a value that many have: one that nobody has is not there.
        match &self.assets[self.assets_from[at]..self.assets_from[at + 1]] {
            [] => {
                let set = self.sets.binary_search_by_key(&at, |(value, _)| *value);
                set.map_or(Having::Few(&[]), |set| Having::Many(&self.sets[set].1))
            }
            assets => Having::Few(assets),
        }
    }

    fn values(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    fn value(&self, at: usize) -> &[u8] {
        &self.text[self.starts[at]..self.starts[at + 1] - 1]
    }

    /// The first value that is not before `bound`.
    fn place(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.values());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.value(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The assets of the values of a range.
    fn take(&self, from: usize, to: usize, found: &mut Found) {
        found.extend(&self.assets[self.assets_from[from]..self.assets_from[to]]);
        let first = self.sets.partition_point(|(value, _)| *value < from);
        let sets = self.sets.iter().skip(first).take_while(|(value, _)| *value < to);
        sets.for_each(|(_, assets)| found.sets |= assets);
    }

    fn equal(&self, wanted: &Value, found: &mut Found) {
        match wanted {
            Value::Text(text) => {
                let wanted = text.to_ascii_lowercase().into_bytes();
                let at = self.place(|value| value < wanted.as_slice());
                if at < self.values() && self.value(at) == wanted {
                    self.take(at, at + 1, found);
                }
            }
            Value::Number(wanted) => self.compared(Op::Eq, *wanted, found),
            Value::Bool(_) => {}
        }
    }

    fn prefixed(&self, wanted: &str, found: &mut Found) {
        let wanted = wanted.to_ascii_lowercase().into_bytes();
        let from = self.place(|value| value < wanted.as_slice());
        let to = self.place(|value| value < wanted.as_slice() || value.starts_with(&wanted));
        self.take(from, to.max(from), found);
    }

    fn containing(&self, wanted: &str, found: &mut Found) {
        let wanted = wanted.to_ascii_lowercase().into_bytes();
        if wanted.is_empty() {
            return self.take(0, self.values(), found);
        }
        let finder = memmem::Finder::new(&wanted);
        let mut from = 0;
        while let Some(at) = self.text.get(from..).and_then(|rest| finder.find(rest)) {
            let value = self.starts.partition_point(|start| *start <= from + at) - 1;
            // A text with a NUL in it never matches across two values.
            if from + at + wanted.len() < self.starts[value + 1] {
                self.take(value, value + 1, found);
            }
            from = self.starts[value + 1];
        }
    }

    fn compared(&self, op: Op, wanted: f64, found: &mut Found) {
        let below = self.numbers.partition_point(|(value, _)| *value < wanted);
        let upto = self.numbers.partition_point(|(value, _)| *value <= wanted);
        let range = match op {
            Op::Eq | Op::In => below..upto,
            Op::Lt => 0..below,
            Op::Le => 0..upto,
            Op::Gt => upto..self.numbers.len(),
            Op::Ge => below..self.numbers.len(),
            Op::Contains | Op::Prefix => 0..0,
        };
        found.extend(self.numbers[range].iter().map(|(_, no)| no));
    }
}

/// With fewer assets than this, asking each is as fast as any index. Where tests run
/// nothing is too small for one.
const FEW: u64 = if cfg!(debug_assertions) { 1 } else { 128 };

impl Data {
    /// Makes the columns anew that many assets were touched since.
    pub(crate) fn refresh_columns(&self, most: u64) {
        for field in FIELDS {
            let make = |old: Option<Standing<Column>>| match old {
                Some(old) => old.thing.with(&old.touched, &Column::of(self, field, &old.touched)),
                None => Column::build(self, field),
            };
            self.kept.refresh(&self.journal, Key::Column(field), most, |_| true, make);
        }
    }

    /// The assets of `within` that pass a filter on assets, their coverage left out of account.
    pub(crate) fn accepted(&self, filter: &Filter, within: RoaringBitmap) -> RoaringBitmap {
        match filter {
            Filter::All => within,
            Filter::Nothing => RoaringBitmap::new(),
            _ if within.len() < FEW => self.asked(filter, &within),
            Filter::And(parts) => {
                // What an index knows comes first, so that few are left to be asked.
                let (known, rest): (Vec<&Filter>, Vec<&Filter>) = parts.iter().partition(|part| {
                    let mut known = true;
                    part.each_test(&mut |test| known &= has_column(test.field));
                    known || self.named_by(part).is_some()
                });
                known.into_iter().chain(rest).fold(within, |left, part| self.accepted(part, left))
            }
            Filter::Or(parts) => parts.iter().fold(RoaringBitmap::new(), |found, part| {
                let more = self.accepted(part, &within - &found);
                found | more
            }),
            Filter::Not(part) => &within - self.accepted(part, within.clone()),
            Filter::Test(test) if has_column(test.field) => {
                let key = Key::Column(test.field);
                let Standing { thing, touched } =
                    self.kept.get(&self.journal, key, |_| true, || Column::build(self, test.field));
                let unsure = &touched & &within;
                let found = (thing.passing(test) & &within) - &unsure;
                found | self.asked(filter, &unsure)
            }
            Filter::Test(_) => match self.named_by(filter) {
                Some(named) => self.asked(filter, &(within & named)),
                None => self.asked(filter, &within),
            },
        }
    }

    /// The only assets that can pass, where a filter names them by uuid or digest.
    pub(crate) fn named_by(&self, filter: &Filter) -> Option<RoaringBitmap> {
        let assets = &self.assets;
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

    /// Asks each asset by the plain evaluator.
    fn asked(&self, filter: &Filter, within: &RoaringBitmap) -> RoaringBitmap {
        let ready = Ready::new(filter);
        let passes = |no: &u32| {
            let asset = self.assets.get(AssetNo(*no));
            asset.is_some_and(|asset| ready.accepts(&asset_row(self, &asset, Coverage::Assessed)))
        };
        within.iter().filter(passes).collect()
    }
}
