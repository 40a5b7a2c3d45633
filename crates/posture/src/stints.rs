//! Since when an asset has a vulnerability: the union, over all its packages, of presence × match.
//!
//! `first_found` is the start of the first stint, `reopened_at` of the current one; an upgrade from
//! one affected version to another resets neither (REVIEW A1). An image whose packages and matches
//! never closed takes the fast path: one minimum per (package, vulnerability), no allocation.

use parapet_model::{Interval, Millis, VulnerabilityNo};

use crate::only::Only;
use crate::presence::Presence;
use crate::round_table::RoundTable;
use crate::verdict::OpenVerdict;

/// Start of the first and of the current stint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) first: Millis,
    pub(crate) current: Millis,
}

/// The stints of the asset at hand.
#[derive(Debug, Default)]
pub(crate) struct Stints {
    table: RoundTable<Since>,
    /// Stretches that ended, gathered before they are merged.
    closed: Vec<(VulnerabilityNo, Interval)>,
}

impl Stints {
    /// Works the stints of every vulnerability out that the asset has now; of some alone, where only
    /// those matter.
    pub(crate) fn read(&mut self, presence: &Presence<'_>, only: Option<&Only>) {
        self.clear();
        for present in &presence.present {
            let mut note = |open: &OpenVerdict| {
                self.note_open(open.vulnerability, present.since.max(open.since));
            };
            match only.and_then(|only| only.places(present.no)) {
                Some(places) => {
                    places.iter().filter_map(|place| present.verdicts.open.get(*place)).for_each(note);
                }
                None => present.verdicts.open.iter().for_each(&mut note),
            }
            if !present.verdicts.past.is_empty() {
                let held = Interval::since(present.since);
                let past = present.verdicts.past.iter();
                self.closed.extend(past.filter_map(|(no, stretch)| Some((*no, stretch.intersect(&held)?))));
            }
        }
        for past in &presence.past {
            let verdicts = past.verdicts;
            let open = verdicts.open.iter().map(|open| (open.vulnerability, Interval::since(open.since)));
            let stretches = open.chain(verdicts.past.iter().copied());
            self.closed.extend(stretches.filter_map(|(no, s)| Some((no, s.intersect(&past.held)?))));
        }
        if let Some(only) = only {
            self.closed.retain(|(no, _)| only.has(*no));
        }
        if !self.closed.is_empty() {
            self.merge_closed();
        }
    }

    /// The stints of a vulnerability that the asset has now.
    pub(crate) fn of(&self, vulnerability: VulnerabilityNo) -> Option<Since> {
        self.table.get(vulnerability)
    }

    fn clear(&mut self) {
        self.closed.clear();
        self.table.clear();
    }

    fn note_open(&mut self, vulnerability: VulnerabilityNo, from: Millis) {
        match self.table.get_mut(vulnerability) {
            Some(since) => {
                since.current = since.current.min(from);
                since.first = since.current;
            }
            None => self.table.insert(vulnerability, Since { first: from, current: from }),
        }
    }

    /// Joins what ended with what is open. Latest end first, the current stint grows backwards as
    /// long as stretches touch it.
    fn merge_closed(&mut self) {
        let mut closed = std::mem::take(&mut self.closed);
        closed.sort_unstable_by_key(|(_, stretch)| std::cmp::Reverse(stretch.to));
        for &(vulnerability, stretch) in &closed {
            let Some(since) = self.table.get_mut(vulnerability) else { continue };
            since.first = since.first.min(stretch.from);
            if stretch.to >= since.current {
                since.current = since.current.min(stretch.from);
            }
        }
        self.closed = closed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_starts_a_new_stint_and_a_touch_does_not() {
        let v = VulnerabilityNo(77);
        let mut stints = Stints::default();
        stints.clear();
        stints.note_open(v, 100);
        stints.note_open(v, 90);
        stints.closed = vec![
            (v, Interval { from: 10, to: 20 }),
            (v, Interval { from: 40, to: 60 }),
            (v, Interval { from: 60, to: 90 }),
            (VulnerabilityNo(78), Interval { from: 0, to: 5 }),
        ];
        stints.merge_closed();
        assert_eq!(stints.of(v), Some(Since { first: 10, current: 40 }));
        assert_eq!(stints.of(VulnerabilityNo(78)), None);
    }
}
