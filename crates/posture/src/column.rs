//! The values of one field of all assets, so that a test finds its assets instead of asking each.
//!
//! Values are those of the plain evaluator's row, so a column cannot disagree with it. Texts are kept
//! once each, in ASCII lower case and in order: equality is a search, a prefix a range, and *contains*
//! one pass over a text that holds them all.

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
    /// Ascending for each value.
    assets: Vec<u32>,
    /// Numbers and instants, by value.
    numbers: Vec<(f64, u32)>,
}

/// The fields that are worth a column: they are of the asset, cost little to keep, and are asked for.
const FIELDS: [Field; 15] = [
    Field::Asset,
    Field::Registry,
    Field::Repository,
    Field::Tag,
    Field::EnterpriseProject,
    Field::Distro,
    Field::Group,
    Field::AssetValue,
    Field::ContainerState,
    Field::Host,
    Field::Scan,
    Field::Kind,
    Field::Size,
    Field::Created,
    Field::Scanned,
];

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
        let mut column = Self { numbers, starts: vec![0], assets_from: vec![0], ..Self::default() };
        for (text, assets) in sorted {
            column.text.extend(&text);
            column.text.push(0);
            column.starts.push(column.text.len());
            column.assets.extend(assets);
            column.assets_from.push(column.assets.len());
        }
        column
    }

    /// The assets of which any value passes.
    pub(crate) fn passing(&self, test: &Test) -> RoaringBitmap {
        let mut found: Vec<u32> = Vec::new();
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
        let mut bits = Bits::default();
        found.into_iter().for_each(|no| bits.insert(no as usize));
        bits.to_bitmap()
    }

    /// Calls `visit` with each text, in lower case, and the assets that have it; both ascend.
    pub(crate) fn each_value<'c>(&'c self, visit: &mut dyn FnMut(&'c [u8], &'c [u32])) {
        for at in 0..self.values() {
            visit(self.value(at), &self.assets[self.assets_from[at]..self.assets_from[at + 1]]);
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

    fn take(&self, from: usize, to: usize, found: &mut Vec<u32>) {
        found.extend(&self.assets[self.assets_from[from]..self.assets_from[to]]);
    }

    fn equal(&self, wanted: &Value, found: &mut Vec<u32>) {
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

    fn prefixed(&self, wanted: &str, found: &mut Vec<u32>) {
        let wanted = wanted.to_ascii_lowercase().into_bytes();
        let from = self.place(|value| value < wanted.as_slice());
        let to = self.place(|value| value < wanted.as_slice() || value.starts_with(&wanted));
        self.take(from, to.max(from), found);
    }

    fn containing(&self, wanted: &str, found: &mut Vec<u32>) {
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

    fn compared(&self, op: Op, wanted: f64, found: &mut Vec<u32>) {
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
        found.extend(self.numbers[range].iter().map(|(_, no)| *no));
    }
}

/// With fewer assets than this, asking each is as fast as any index. Where tests run
/// nothing is too small for one.
const FEW: u64 = if cfg!(debug_assertions) { 1 } else { 128 };

impl Data {
    /// Makes the columns anew that many assets were touched since.
    pub(crate) fn refresh_columns(&self, most: u64) {
        for field in FIELDS {
            let make = |_: Option<Standing<Column>>| Column::build(self, field);
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
