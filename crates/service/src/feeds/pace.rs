//! How much of an import goes into one transaction. Every writer of the store waits for it, so it is
//! kept short by what the one before took: on a slow disk or a busy machine fewer records go in.

use parapet_model::Millis;
use parapet_store::advisories::BATCH;

/// A transaction that took longer makes the next one smaller.
const LONGEST: Millis = 40;
/// A transaction that took less lets the next one grow.
const SHORT: Millis = 25;
/// Fewest records: below it the commits themselves take the time.
const FEWEST: usize = 50;

/// Records per transaction.
#[derive(Debug)]
pub(super) struct Pace {
    records: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { records: BATCH }
    }
}

impl Pace {
    /// The records for the next transaction, and those for later ones.
    pub(super) fn split<'b, T>(&self, batch: &'b [T]) -> (&'b [T], &'b [T]) {
        batch.split_at(self.records.min(batch.len()))
    }

    /// Learns from a transaction with `records` that took so long.
    pub(super) fn took(&mut self, records: usize, time: Millis) {
        // A small rest says nothing about larger ones.
        if time > LONGEST {
            self.records = (records / 2).max(FEWEST);
        } else if time < SHORT && records == self.records {
            self.records = (records + records / 4 + 1).min(BATCH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_transactions_shrink_and_short_ones_grow_again() {
        let mut pace = Pace::default();
        let records = vec![0; 1000];
        assert_eq!(pace.split(&records).0.len(), BATCH);
        for _ in 0..10 {
            pace.took(pace.split(&records).0.len(), LONGEST + 1);
        }
        assert_eq!(pace.split(&records).0.len(), FEWEST);
        pace.took(7, 0);
        assert_eq!(pace.split(&records).0.len(), FEWEST, "a rest does not count");
        pace.took(FEWEST, LONGEST);
        assert_eq!(pace.split(&records).0.len(), FEWEST, "neither long nor short");
        for _ in 0..20 {
            pace.took(pace.split(&records).0.len(), 0);
        }
        assert_eq!(pace.split(&records).0.len(), BATCH);
        assert_eq!(pace.split(&records[..3]), (&records[..3], &[][..]));
    }
}
