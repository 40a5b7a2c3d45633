//! Package sets, shared by all assets that show them.
//!
//! Sets never change (they are content-addressed), so they live in immutable blocks of flat
//! arrays, members by set and sets by package, plus the few that arrived since the last merge
//! (REVIEW A3). A set that is not known is empty.

use std::collections::BTreeMap;
use std::sync::Arc;

use parapet_model::facts::SetRow;
use parapet_model::{PackageNo, SetNo};

/// Sets per block, by number.
const BLOCK: usize = 1 << 16;

/// How many fresh sets are looked at one by one before they become part of a block.
const FRESH: usize = 4096;

/// All package sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sets {
    blocks: Vec<Option<Arc<SetBlock>>>,
    fresh: BTreeMap<SetNo, Arc<[PackageNo]>>,
}

#[derive(Debug)]
struct SetBlock {
    /// `BLOCK + 1` offsets into `members`.
    offsets: Box<[usize]>,
    members: Box<[PackageNo]>,
    /// Distinct packages, ascending; `holder_offsets` leads from them into `holders`.
    packages: Box<[PackageNo]>,
    holder_offsets: Box<[usize]>,
    /// Sets, as their place in the block.
    holders: Box<[u16]>,
}

impl Sets {
    /// The members, ascending.
    pub(crate) fn members(&self, set: SetNo) -> &[PackageNo] {
        if !self.fresh.is_empty()
            && let Some(members) = self.fresh.get(&set)
        {
            return members;
        }
        let Some(Some(block)) = self.blocks.get(set.index() / BLOCK) else { return &[] };
        block.members(set.index() % BLOCK)
    }

    /// No set has this number or a higher one.
    pub(crate) fn end(&self) -> usize {
        let fresh = self.fresh.last_key_value().map_or(0, |(set, _)| set.index() + 1);
        fresh.max(self.blocks.len() * BLOCK)
    }

    /// Calls `visit` with every set that holds the package.
    pub(crate) fn holding(&self, package: PackageNo, visit: &mut dyn FnMut(SetNo)) {
        for (number, block) in self.blocks.iter().enumerate() {
            let Some(block) = block else { continue };
            for &place in block.holders(package) {
                let set = SetNo((number * BLOCK + usize::from(place)) as u32);
                if self.fresh.is_empty() || !self.fresh.contains_key(&set) {
                    visit(set);
                }
            }
        }
        for (&set, members) in &self.fresh {
            if members.binary_search(&package).is_ok() {
                visit(set);
            }
        }
    }

    /// Takes sets in; what was known under the same number is replaced.
    pub(crate) fn apply(&mut self, rows: Vec<SetRow>) {
        for row in rows {
            let mut members = row.members;
            members.sort_unstable();
            members.dedup();
            self.fresh.insert(row.no, members.into());
        }
    }

    /// Whether so many sets are fresh that a merge pays.
    pub(crate) fn merge_due(&self) -> bool {
        self.fresh.len() > FRESH
    }

    /// Merges once there is a block full of fresh sets, as when everything is taken in.
    pub(crate) fn merge_full(&mut self) {
        if self.fresh.len() >= BLOCK {
            self.merge();
        }
    }

    /// All sets that are known, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SetNo, &[PackageNo])> {
        let all = (0..self.end() as u32).map(|no| (SetNo(no), self.members(SetNo(no))));
        all.filter(|(_, members)| !members.is_empty())
    }

    /// Moves fresh sets into blocks; each block touched is built anew.
    pub(crate) fn merge(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        let mut rest = fresh.into_iter().peekable();
        while let Some((first, _)) = rest.peek() {
            let number = first.index() / BLOCK;
            let mut group: Vec<(usize, Arc<[PackageNo]>)> = Vec::new();
            while let Some((set, members)) = rest.next_if(|(set, _)| set.index() / BLOCK == number) {
                group.push((set.index() % BLOCK, members));
            }
            if self.blocks.len() <= number {
                self.blocks.resize(number + 1, None);
            }
            let old = self.blocks[number].take();
            self.blocks[number] = Some(Arc::new(SetBlock::build(old.as_deref(), &group)));
        }
    }
}

impl SetBlock {
    fn members(&self, place: usize) -> &[PackageNo] {
        &self.members[self.offsets[place]..self.offsets[place + 1]]
    }

    fn holders(&self, package: PackageNo) -> &[u16] {
        match self.packages.binary_search(&package) {
            Ok(at) => &self.holders[self.holder_offsets[at]..self.holder_offsets[at + 1]],
            Err(_) => &[],
        }
    }

    /// The old block with `changed` (ascending places) put over it.
    fn build(old: Option<&Self>, changed: &[(usize, Arc<[PackageNo]>)]) -> Self {
        let mut offsets = Vec::with_capacity(BLOCK + 1);
        let mut members = Vec::new();
        let mut pairs: Vec<(PackageNo, u16)> = Vec::new();
        let mut changed = changed.iter().peekable();
        for place in 0..BLOCK {
            offsets.push(members.len());
            let of_set = match changed.next_if(|(at, _)| *at == place) {
                Some((_, fresh)) => fresh,
                None => old.map_or(&[][..], |block| block.members(place)),
            };
            members.extend_from_slice(of_set);
            pairs.extend(of_set.iter().map(|package| (*package, place as u16)));
        }
        offsets.push(members.len());
        let pairs = by_package(pairs);
        let (mut packages, mut holder_offsets) = (Vec::new(), Vec::new());
        for (at, (package, _)) in pairs.iter().enumerate() {
            if packages.last() != Some(package) {
                packages.push(*package);
                holder_offsets.push(at);
            }
        }
        holder_offsets.push(pairs.len());
        Self {
            offsets: offsets.into(),
            members: members.into(),
            packages: packages.into(),
            holder_offsets: holder_offsets.into(),
            holders: pairs.into_iter().map(|(_, place)| place).collect(),
        }
    }
}

/// Sorts by package and keeps the order within each: digit by digit, the lowest first, as a start sorts
/// millions of them.
fn by_package(mut pairs: Vec<(PackageNo, u16)>) -> Vec<(PackageNo, u16)> {
    const BITS: u32 = 11;
    let largest = pairs.iter().map(|(package, _)| package.0).max().unwrap_or(0);
    let mut sorted = pairs.clone();
    for shift in (0..u32::BITS - largest.leading_zeros()).step_by(BITS as usize) {
        let digit = |package: PackageNo| (package.0 >> shift) as usize & ((1 << BITS) - 1);
        let mut places = [0; 1 << BITS];
        pairs.iter().for_each(|(package, _)| places[digit(*package)] += 1);
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for pair in &pairs {
            let place = &mut places[digit(pair.0)];
            sorted[*place] = *pair;
            *place += 1;
        }
        std::mem::swap(&mut pairs, &mut sorted);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(no: u32, members: &[u32]) -> SetRow {
        SetRow { no: SetNo(no), members: members.iter().copied().map(PackageNo).collect() }
    }

    fn holding(sets: &Sets, package: u32) -> Vec<u32> {
        let mut out = Vec::new();
        sets.holding(PackageNo(package), &mut |set| out.push(set.0));
        out.sort_unstable();
        out
    }

    #[test]
    fn packages_of_any_number_are_sorted_and_their_sets_stay_in_order() {
        let numbers = [70_000, 3, u32::MAX, 3, 2_047, 0, 1 << 22, 2_048, 3, u32::MAX];
        let pairs: Vec<_> = numbers.iter().zip(0..).map(|(no, place)| (PackageNo(*no), place)).collect();
        let mut expected = pairs.clone();
        expected.sort_unstable();
        assert_eq!(by_package(pairs), expected);
        assert_eq!(by_package(vec![(PackageNo(0), 1)]), [(PackageNo(0), 1)]);
    }

    #[test]
    fn merging_changes_no_answer() {
        let mut sets = Sets::default();
        sets.apply(vec![row(1, &[5, 3]), row(2, &[3]), row(70_000, &[3, 9])]);
        for _ in 0..2 {
            assert_eq!(sets.members(SetNo(1)), [PackageNo(3), PackageNo(5)]);
            assert_eq!(sets.members(SetNo(4)), []);
            assert_eq!(holding(&sets, 3), [1, 2, 70_000]);
            assert_eq!(holding(&sets, 8), []);
            sets.merge();
        }
        sets.apply(vec![row(2, &[3]), row(3, &[3])]);
        assert_eq!(holding(&sets, 3), [1, 2, 3, 70_000]);
        sets.merge();
        assert_eq!(holding(&sets, 3), [1, 2, 3, 70_000]);
    }
}
