//! Assets in the order of something they say. An order is worked out once for all assets of a kind;
//! a page of a list goes along it and takes what is on the list.

use parapet_model::facts::{AssetRow, ReferenceRow};
use parapet_model::{AssetKind, AssetNo};
use roaring::RoaringBitmap;
use uuid::Uuid;

use crate::bits::Bits;
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

impl AssetSort {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Created,
        Self::Observed,
        Self::Size,
        Self::Name,
        Self::Identity,
        Self::Uuid,
        Self::Distro,
        Self::Registry,
        Self::Repository,
        Self::Tag,
    ];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Value<'s> {
    Number(i64),
    Text(&'s str),
    Uuid(Uuid),
}

/// With fewer assets on the list than this, sorting them is faster than going along an order of all.
/// Where tests run nothing is too small for that.
pub(crate) const FEW: u64 = if cfg!(debug_assertions) { 1 } else { 2048 };

/// Assets in runs of equals, the lowest value first; in a run by number. So it can be gone along from
/// either end.
#[derive(Debug, Default)]
pub(crate) struct Order {
    numbers: Box<[u32]>,
    /// Where each run begins; one more at the end.
    starts: Box<[u32]>,
}

impl Order {
    /// The order of values that ascend.
    pub(crate) fn of<V: PartialEq>(sorted: &[(V, u32)]) -> Self {
        let mut starts = vec![0];
        for run in sorted.chunk_by(|a, b| a.0 == b.0) {
            starts.extend(starts.last().map(|from| from + run.len() as u32));
        }
        Self { numbers: sorted.iter().map(|(_, no)| *no).collect(), starts: starts.into() }
    }

    /// An order that somebody else worked out.
    pub(crate) fn of_runs(numbers: Vec<u32>, starts: Vec<u32>) -> Self {
        Self { numbers: numbers.into(), starts: starts.into() }
    }

    /// An order of all in one run, which can be gone along from the front alone.
    pub(crate) fn plain(numbers: impl Iterator<Item = u32>) -> Self {
        let numbers: Vec<u32> = numbers.collect();
        let starts = vec![0, numbers.len() as u32];
        Self::of_runs(numbers, starts)
    }

    /// The same plain order, where some numbers, each named once, stand elsewhere or are new.
    pub(crate) fn with<V: Ord>(&self, moved: Vec<u32>, value: impl Fn(u32) -> V) -> Self {
        let mut marks = Bits::default();
        moved.iter().for_each(|no| marks.insert(*no as usize));
        let mut moved: Vec<(V, u32)> = moved.into_iter().map(|no| (value(no), no)).collect();
        moved.sort_unstable();
        let mut moved = moved.into_iter().peekable();
        let mut numbers = Vec::with_capacity(self.numbers.len() + moved.len());
        for no in self.numbers.iter().copied().filter(|no| !marks.contains(*no as usize)) {
            if moved.peek().is_some() {
                let here = (value(no), no);
                while let Some((_, before)) = moved.next_if(|next| *next < here) {
                    numbers.push(before);
                }
            }
            numbers.push(no);
        }
        numbers.extend(moved.map(|(_, no)| no));
        Self::plain(numbers.into_iter())
    }

    /// The same order where some numbers have another value or none; `moved` are those with a value, ascending.
    fn grown<V: Ord + Copy>(
        &self,
        touched: &RoaringBitmap,
        moved: &[(V, u32)],
        value: impl Fn(u32) -> V,
    ) -> Self {
        let marks = Bits::of(touched);
        let (mut numbers, mut starts) = (Vec::with_capacity(self.numbers.len() + moved.len()), vec![0]);
        for run in self.runs() {
            numbers.extend(run.iter().filter(|no| !marks.contains(**no as usize)));
            if starts.last() != Some(&(numbers.len() as u32)) {
                starts.push(numbers.len() as u32);
            }
        }
        let standing = Self::of_runs(numbers, starts);
        let count = standing.starts.len() - 1;
        let first = |run: usize| value(standing.numbers[standing.starts[run] as usize]);
        let (mut numbers, mut starts) = (Vec::with_capacity(self.numbers.len() + moved.len()), vec![0]);
        let mut done = 0;
        let copy = |numbers: &mut Vec<u32>, starts: &mut Vec<u32>, runs: std::ops::Range<usize>| {
            let (from, to) = (standing.starts[runs.start], standing.starts[runs.end]);
            let ahead = numbers.len() as u32;
            numbers.extend(&standing.numbers[from as usize..to as usize]);
            starts.extend(standing.starts[runs.start + 1..=runs.end].iter().map(|at| at - from + ahead));
        };
        for group in moved.chunk_by(|a, b| a.0 == b.0) {
            let wanted = group[0].0;
            let (mut low, mut high) = (done, count);
            while low < high {
                let middle = low + (high - low) / 2;
                if first(middle) < wanted { low = middle + 1 } else { high = middle }
            }
            copy(&mut numbers, &mut starts, done..low);
            done = low;
            let from = numbers.len();
            if low < count && first(low) == wanted {
                numbers.extend(standing.run(low));
                done += 1;
            }
            numbers.extend(group.iter().map(|(_, no)| *no));
            numbers[from..].sort_unstable();
            starts.push(numbers.len() as u32);
        }
        copy(&mut numbers, &mut starts, done..count);
        Self::of_runs(numbers, starts)
    }

    fn run(&self, at: usize) -> &[u32] {
        &self.numbers[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// The runs, ascending.
    pub(crate) fn runs(&self) -> impl DoubleEndedIterator<Item = &[u32]> {
        self.starts.windows(2).map(|bounds| &self.numbers[bounds[0] as usize..bounds[1] as usize])
    }

    fn along(&self, descending: bool) -> Box<dyn Iterator<Item = u32> + '_> {
        match descending {
            true => Box::new(self.runs().rev().flatten().copied()),
            false => Box::new(self.numbers.iter().copied()),
        }
    }

    /// A part of the list of `numbers`: as the order says, but for `touched`; those of them that are on
    /// the list come with their values in `again`, sorted.
    pub(crate) fn page<V: PartialOrd + Copy>(
        &self,
        numbers: &RoaringBitmap,
        touched: &RoaringBitmap,
        again: Vec<(V, u32)>,
        value: impl Fn(u32) -> V,
        descending: bool,
        window: Window,
    ) -> Vec<AssetNo> {
        let mut again = again.into_iter().peekable();
        // Those on a short list may all lie at the far end.
        let is_short = numbers.len() * 4 < self.numbers.len() as u64;
        let marks = if is_short { Bits::of(numbers) } else { Bits::default() };
        let on_list = |no: u32| if is_short { marks.contains(no as usize) } else { numbers.contains(no) };
        let is_listed = |no: &u32| on_list(*no) && (touched.is_empty() || !touched.contains(*no));
        let mut standing = self.along(descending).filter(is_listed).peekable();
        let before = |a: (V, u32), b: (V, u32)| match descending {
            true => a.0 > b.0 || (a.0 == b.0 && a.1 < b.1),
            false => a < b,
        };
        let next = std::iter::from_fn(|| match (standing.peek(), again.peek()) {
            (Some(no), Some(fresh)) if before(*fresh, (value(*no), *no)) => again.next().map(|f| f.1),
            (Some(_), _) => standing.next(),
            (None, _) => again.next().map(|fresh| fresh.1),
        });
        next.skip(window.offset).take(window.limit).map(AssetNo).collect()
    }
}

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
        if numbers.len() < FEW {
            let sorted = data.sort(numbers.iter(), sort, descending);
            let numbers = sorted.into_iter().map(|(_, no)| AssetNo(no));
            return numbers.skip(window.offset).take(window.limit).collect();
        }
        let key = Key::Order(kind, sort as u8);
        let Standing { thing, touched } =
            data.kept.get(&data.journal, key, |_| true, || data.order(kind, sort));
        let again = data.sort((&touched & numbers).iter(), sort, descending);
        thing.page(numbers, &touched, again, |no| data.value(no, sort), descending, window)
    }
}

impl Data {
    fn order(&self, kind: AssetKind, sort: AssetSort) -> Order {
        let all = self.assets.from(AssetNo(0)).filter(|asset| asset.row.kind == kind);
        Order::of(&self.sort(all.map(|asset| asset.row.no.0), sort, false))
    }

    /// Makes the orders of a kind anew that many assets were touched since.
    pub(crate) fn refresh_orders(&self, kind: AssetKind, most: u64) {
        for sort in AssetSort::ALL {
            let key = Key::Order(kind, sort as u8);
            self.kept.refresh(
                &self.journal,
                key,
                most,
                |_| true,
                |old: Option<Standing<Order>>| match old {
                    Some(Standing { thing, touched }) => {
                        let of_kind = touched.iter().filter(|no| {
                            self.assets.get(AssetNo(*no)).is_some_and(|asset| asset.row.kind == kind)
                        });
                        let moved = self.sort(of_kind, sort, false);
                        thing.grown(&touched, &moved, |no| self.value(no, sort))
                    }
                    None => self.order(kind, sort),
                },
            );
        }
    }

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
