//! Where assets are: how many of some assets have each value of a field.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use parapet_model::filter::Field;
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::column::{Column, Having};
use crate::kept::{Key, Standing};
use crate::query::{List, Window};
use crate::snapshot::Snapshot;

/// Some assets with one value of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The value, in lower case; empty for assets without one.
    pub value: String,
    /// The assets.
    pub assets: RoaringBitmap,
}

/// A value, and the numbers of assets that have it.
struct Entry<'c> {
    value: Cow<'c, [u8]>,
    /// How many have it, where the list is by that.
    count: usize,
    standing: Having<'c>,
    fresh: Vec<u32>,
}

impl Snapshot {
    /// A part of the list of the values that a field of assets has among `numbers`, ascending or with most
    /// assets first, each with its assets; those without a value come last. The field is one of few values
    /// to each asset, such as [`Field::Registry`] and [`Field::Repository`].
    pub fn places(
        &self,
        field: Field,
        numbers: &RoaringBitmap,
        most_first: bool,
        window: Window,
    ) -> List<Place> {
        let data = &self.data;
        let Standing { thing, touched } =
            data.kept.get(&data.journal, Key::Column(field), |_| true, || Column::build(data, field));
        // Those that changed since are few: each is asked for its values.
        let unsure = &touched & numbers;
        let asked = Column::of(data, field, &unsure);
        let mut fresh: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
        asked.each_value(&mut |value, assets| {
            fresh.insert(value, assets.to_vec());
        });
        let sure = numbers - &unsure;
        let bits = Bits::of(&sure);
        let mut entries = Vec::new();
        thing.each_value(&mut |value, standing| {
            if value.is_empty() {
                return;
            }
            let fresh = fresh.remove(value).unwrap_or_default();
            let count = match most_first {
                true => standing.count(&sure, &bits),
                false => usize::from(standing.any(&sure, &bits)),
            };
            if count + fresh.len() > 0 {
                let value = Cow::Borrowed(value);
                entries.push(Entry { value, count: count + fresh.len(), standing, fresh });
            }
        });
        fresh.remove(&[][..]);
        let sorted = fresh.is_empty();
        entries.extend(fresh.into_iter().map(|(value, fresh)| Entry {
            value: Cow::Borrowed(value),
            count: fresh.len(),
            standing: Having::Few(&[]),
            fresh,
        }));
        if !sorted {
            entries.sort_unstable_by(|a, b| a.value.cmp(&b.value));
        }
        if most_first {
            entries.sort_by_key(|entry| Reverse(entry.count));
        }
        let rest = (&sure - thing.named()) | (unsure - asked.named());
        let total = entries.len() + usize::from(!rest.is_empty());
        let shown = entries.iter().skip(window.offset).take(window.limit);
        let mut rows: Vec<Place> = shown
            .map(|entry| {
                let mut assets = entry.standing.among(&sure);
                assets.extend(&entry.fresh);
                Place { value: String::from_utf8_lossy(&entry.value).into_owned(), assets }
            })
            .collect();
        if !rest.is_empty() && rows.len() < window.limit && window.offset <= entries.len() {
            rows.push(Place { value: String::new(), assets: rest });
        }
        List { total, rows }
    }
}
