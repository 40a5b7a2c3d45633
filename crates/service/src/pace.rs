//! How much of an import goes into one transaction. Every writer of the store waits for it, so it is
//! kept short by what the one before took: on a slow disk or a busy machine fewer records go in.

use parapet_model::Millis;

/// A transaction that took longer makes the next one smaller.
const LONGEST: Millis = 40;
/// A transaction that took less lets the next one grow.
const SHORT: Millis = 25;

/// Records per transaction.
#[derive(Debug)]
pub(crate) struct Pace {
    fewest: usize,
    most: usize,
    records: usize,
}

impl Pace {
    /// Between `fewest` records, below which the commits themselves take the time, and `most`, with which it
    /// begins.
    pub(crate) fn between(fewest: usize, most: usize) -> Self {
        Self { fewest, most, records: most }
    }

    /// The records for the next transaction, and those for later ones.
    pub(crate) fn split<'b, T>(&self, batch: &'b [T]) -> (&'b [T], &'b [T]) {
        batch.split_at(self.records.min(batch.len()))
    }

    /// Learns from a transaction with `records` that took so long.
    pub(crate) fn took(&mut self, records: usize, time: Millis) {
        // A small rest says nothing about larger ones.
        if time > LONGEST {
            self.records = (records / 2).max(self.fewest);
        } else if time < SHORT && records == self.records {
            self.records = (records + records / 4 + 1).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEWEST: usize = 50;
    const MOST: usize = 400;

    #[test]
    fn long_transactions_shrink_and_short_ones_grow_again() {
        let mut pace = Pace::between(FEWEST, MOST);
        let records = vec![0; 1000];
        assert_eq!(pace.split(&records).0.len(), MOST);
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
        assert_eq!(pace.split(&records).0.len(), MOST);
        assert_eq!(pace.split(&records[..3]), (&records[..3], &[][..]));
    }
}
