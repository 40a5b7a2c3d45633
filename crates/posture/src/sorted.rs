//! Assets in the order of something they say. An order is worked out once for all assets of a kind;
//! a page of a list goes along it and takes what is on the list.

use parapet_model::facts::{AssetRow, ReferenceRow};
use parapet_model::{AssetKind, AssetNo};
use roaring::RoaringBitmap;
use uuid::Uuid;

use crate::block::AssetView;
use crate::data::Data;
use crate::kept::{Key, Standing};
use crate::query::Window;
use crate::snapshot::Snapshot;

/// By what assets are sorted; among equals by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetSort {
    /// When an image was built or a container made.
    Created,
    /// The last look.
    Observed,
    /// Bytes of an image.
    Size,
    /// Name for people.
    Name,
    /// Config digest, engine's id or machine id.
    Identity,
    /// Id.
    Uuid,
    /// Distribution.
    Distro,
    /// Registry of the first current reference, for a container of its image.
    Registry,
    /// Repository of that reference.
    Repository,
    /// Tag of that reference.
    Tag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Value<'s> {
    Number(i64),
    Text(&'s str),
    Uuid(Uuid),
}

/// With fewer assets on the list than this, sorting them is faster than going along an order of all.
/// Where tests run nothing is too small for that.
const FEW: u64 = if cfg!(debug_assertions) { 1 } else { 2048 };

impl Snapshot {
    /// The assets given, which are of one kind, in an order; a part of that list.
    pub fn sorted(
        &self,
        kind: AssetKind,
        numbers: &RoaringBitmap,
        sort: AssetSort,
        descending: bool,
        window: Window,
    ) -> Vec<AssetNo> {
        let data = &self.data;
        let end = window.offset.saturating_add(window.limit);
        if numbers.len() < FEW {
            let sorted = data.sort(numbers.iter(), sort, descending);
            return sorted
                .into_iter()
                .skip(window.offset)
                .take(window.limit)
                .map(|(_, no)| AssetNo(no))
                .collect();
        }
        let key = Key::Order(kind, (sort as u8) << 1 | u8::from(descending));
        let Standing { thing, touched } = data.kept.get(
            &data.journal,
            key,
            |_| true,
            || {
                let all = data.assets.from(AssetNo(0)).filter(|asset| asset.row.kind == kind);
                let sorted = data.sort(all.map(|asset| asset.row.no.0), sort, descending);
                sorted.into_iter().map(|(_, no)| no).collect::<Box<[u32]>>()
            },
        );
        let again = data.sort((&touched & numbers).iter(), sort, descending);
        let mut again = again.into_iter().peekable();
        let is_listed = |no: &u32| numbers.contains(*no) && (touched.is_empty() || !touched.contains(*no));
        let mut standing = thing.iter().copied().filter(is_listed).peekable();
        let before = |a: (Value<'_>, u32), b: (Value<'_>, u32)| match descending {
            true => (b.0, a.1) < (a.0, b.1),
            false => a < b,
        };
        let next = std::iter::from_fn(|| match (standing.peek(), again.peek()) {
            (Some(no), Some(fresh)) if before(*fresh, (data.value(*no, sort), *no)) => {
                again.next().map(|f| f.1)
            }
            (Some(_), _) => standing.next(),
            (None, _) => again.next().map(|fresh| fresh.1),
        });
        next.take(end).skip(window.offset).map(AssetNo).collect()
    }
}

impl Data {
    fn sort<'s>(
        &'s self,
        numbers: impl Iterator<Item = u32>,
        sort: AssetSort,
        descending: bool,
    ) -> Vec<(Value<'s>, u32)> {
        let mut keyed: Vec<(Value<'s>, u32)> = numbers.map(|no| (self.value(no, sort), no)).collect();
        match descending {
            true => keyed.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1))),
            false => keyed.sort_unstable(),
        }
        keyed
    }

    fn value(&self, no: u32, sort: AssetSort) -> Value<'_> {
        let Some(asset) = self.assets.get(AssetNo(no)) else { return Value::Number(0) };
        let row: &AssetRow = asset.row;
        match sort {
            AssetSort::Created => Value::Number(row.made()),
            AssetSort::Observed => Value::Number(row.observed),
            AssetSort::Size => Value::Number(i64::try_from(row.image_facts.size).unwrap_or(i64::MAX)),
            AssetSort::Name => Value::Text(&row.name),
            AssetSort::Identity => Value::Text(&row.identity),
            AssetSort::Uuid => Value::Uuid(row.uuid),
            AssetSort::Distro => Value::Text(&row.distro),
            AssetSort::Registry => self.referenced(&asset, |r| &r.reference.registry),
            AssetSort::Repository => self.referenced(&asset, |r| &r.reference.repository),
            AssetSort::Tag => self.referenced(&asset, |r| &r.reference.tag),
        }
    }

    fn referenced<'s>(&'s self, asset: &AssetView<'s>, part: impl Fn(&ReferenceRow) -> &String) -> Value<'s> {
        let home: &'s AssetRow = self.assets.image_of(asset).map_or(asset.row, |image| image.row);
        let mut current = home.references.iter().filter(|row| row.held.is_open());
        Value::Text(current.next().map_or("", |row| part(row).as_str()))
    }
}
