//! A small hash table from vulnerability to anything, emptied at once.
//!
//! Every walk needs one entry per vulnerability of the asset at hand. Emptying is one addition, and
//! the table stays as small as the largest asset, hence in the processor's cache, however many
//! vulnerabilities the estate has.

use parapet_model::VulnerabilityNo;

#[derive(Debug, Clone, Copy)]
struct Slot<T> {
    vulnerability: VulnerabilityNo,
    /// The slot is taken when this is the table's round.
    round: u32,
    value: T,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct RoundTable<T> {
    /// A power of two, at most half of them taken.
    slots: Vec<Slot<T>>,
    round: u32,
    taken: usize,
}

impl<T: Copy + Default> Default for RoundTable<T> {
    fn default() -> Self {
        // Small, because many walks are of one asset; it grows with the first large one.
        Self { slots: empty(64), round: 1, taken: 0 }
    }
}

fn empty<T: Copy + Default>(slots: usize) -> Vec<Slot<T>> {
    vec![Slot { vulnerability: VulnerabilityNo(0), round: 0, value: T::default() }; slots]
}

impl<T: Copy + Default> RoundTable<T> {
    /// Empties the table.
    pub(crate) fn clear(&mut self) {
        self.taken = 0;
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.slots = empty(self.slots.len());
            self.round = 1;
        }
    }

    /// The value of a vulnerability.
    pub(crate) fn get(&self, vulnerability: VulnerabilityNo) -> Option<T> {
        let slot = &self.slots[self.place(vulnerability)];
        (slot.round == self.round).then_some(slot.value)
    }

    /// The value of a vulnerability, to be changed.
    pub(crate) fn get_mut(&mut self, vulnerability: VulnerabilityNo) -> Option<&mut T> {
        let at = self.place(vulnerability);
        let slot = &mut self.slots[at];
        (slot.round == self.round).then_some(&mut slot.value)
    }

    /// Adds a vulnerability that is not there.
    pub(crate) fn insert(&mut self, vulnerability: VulnerabilityNo, value: T) {
        if (self.taken + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let at = self.place(vulnerability);
        self.slots[at] = Slot { vulnerability, round: self.round, value };
        self.taken += 1;
    }

    /// Where the vulnerability is, or the free slot where it would go.
    fn place(&self, vulnerability: VulnerabilityNo) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = (vulnerability.0.wrapping_mul(0x9E37_79B9) >> 7) as usize & mask;
        while self.slots[at].round == self.round && self.slots[at].vulnerability != vulnerability {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let bigger = empty(self.slots.len() * 2);
        let old = std::mem::replace(&mut self.slots, bigger);
        for slot in old.into_iter().filter(|slot| slot.round == self.round) {
            let at = self.place(slot.vulnerability);
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_grows_and_empties() {
        let mut table = RoundTable::default();
        for round in 0..3_u32 {
            table.clear();
            for n in 0..5000 {
                table.insert(VulnerabilityNo(n * 1024), n + round);
            }
            assert_eq!(table.get(VulnerabilityNo(4999 * 1024)), Some(4999 + round));
            assert_eq!(table.get(VulnerabilityNo(1)), None);
        }
    }
}
