//! The life of one result: which status and evidence were shown from when to when.
//!
//! Time here is *observed* time. A timeline is a list of stretches, half-open, adjacent, the last one open;
//! neighbours differ. A document looked at `at` says what held from `at` up to the next document of the
//! same host and policy; putting it in with [`Timeline::show`] gives the same timeline whatever the order
//! in which documents come.

use serde::{Deserialize, Serialize};

use super::status::{ControlPosture, ControlStatus};
use crate::id::EvidenceNo;
use crate::time::{FOREVER, Millis};

/// What a result is while a stretch lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Held {
    /// What the scanner said.
    pub status: ControlStatus,
    /// What it found; number 0 when the document held no evidence.
    pub evidence: EvidenceNo,
}

impl Held {
    /// What stands for a control that a document does not name.
    pub const GONE: Self = Self { status: ControlStatus::NotSelected, evidence: EvidenceNo(0) };
}

/// A stretch in which a result stayed what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The first look that showed it.
    pub from: Millis,
    /// The first later look that did not; [`FOREVER`] while none did.
    pub to: Millis,
    /// What was shown.
    pub held: Held,
}

/// See the module documentation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline(Vec<Stretch>);

/// What posture shows of a timeline, beside the present status; observed time, 0 for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Since when the present status and evidence hold.
    pub since: Millis,
    /// Since when the present posture holds, whatever the evidence.
    pub posture_since: Millis,
    /// The status before the present posture; `None` for the first.
    pub previous: Option<ControlStatus>,
    /// First look that showed it passed.
    pub first_passed: Millis,
    /// Last look that showed it passed; [`FOREVER`] stands for the newest look while it passes.
    pub last_passed: Millis,
    /// First look that showed it failed.
    pub first_failed: Millis,
    /// Last look that showed it failed; [`FOREVER`] stands for the newest look while it fails.
    pub last_failed: Millis,
}

impl Timeline {
    /// Stretches as they were stored, oldest first.
    pub fn new(stretches: Vec<Stretch>) -> Self {
        Self(stretches)
    }

    /// The stretches, oldest first.
    pub fn stretches(&self) -> &[Stretch] {
        &self.0
    }

    /// What holds now.
    pub fn now(&self) -> Option<Held> {
        self.0.last().map(|stretch| stretch.held)
    }

    /// Says what a look at `at` showed, [`Held::GONE`] when it did not name the result; `next` is the
    /// instant of the next look that is known, or [`FOREVER`].
    pub fn show(&mut self, at: Millis, next: Millis, held: Held) {
        let mut out: Vec<Stretch> = Vec::with_capacity(self.0.len() + 2);
        let mut add = |from: Millis, to: Millis, held: Held| {
            // Before its first appearance a result is not gone, it is not there.
            if from < to && !(out.is_empty() && held == Held::GONE) {
                out.push(Stretch { from, to, held });
            }
        };
        for s in &self.0 {
            add(s.from, s.to.min(at), s.held);
        }
        add(at, next, held);
        // Looks between this one and the first that showed it did not show it.
        add(next, self.0.first().map_or(FOREVER, |first| first.from), Held::GONE);
        for s in &self.0 {
            add(s.from.max(next), s.to, s.held);
        }
        out.dedup_by(|next, last| {
            let same = next.held == last.held;
            if same {
                last.to = next.to;
            }
            same
        });
        self.0 = out;
    }

    /// What a part of the looks shows, which is what was known when these were all there were: `looks` are
    /// their instants, ascending. Every look is among those that made this timeline.
    pub fn as_known(&self, looks: &[Millis]) -> Self {
        let mut known = Self::default();
        for &at in looks {
            let held = self.0.iter().find(|s| s.from <= at && at < s.to).map_or(Held::GONE, |s| s.held);
            known.show(at, FOREVER, held);
        }
        known
    }

    /// Sums it up; `looks` are the instants of all looks at the host for the policy, ascending.
    pub fn summary(&self, looks: &[Millis]) -> Summary {
        let Some(last) = self.0.last() else { return Summary::default() };
        let posture = |s: &Stretch| s.held.status.posture();
        let other = self.0.iter().rposition(|s| posture(s) != posture(last));
        let first_of_posture = other.map_or(self.0.first(), |at| self.0.get(at + 1)).unwrap_or(last);
        let first = |wanted| self.0.iter().find(|s| posture(s) == Some(wanted)).map_or(0, |s| s.from);
        let newest = |wanted| match self.0.iter().rfind(|s| posture(s) == Some(wanted)) {
            None => 0,
            Some(s) if s.to == FOREVER => FOREVER,
            Some(s) => last_before(looks, s.to).unwrap_or(s.from),
        };
        Summary {
            since: last.from,
            posture_since: first_of_posture.from,
            previous: other.and_then(|at| self.0.get(at)).map(|s| s.held.status),
            first_passed: first(ControlPosture::Passed),
            last_passed: newest(ControlPosture::Passed),
            first_failed: first(ControlPosture::Failed),
            last_failed: newest(ControlPosture::Failed),
        }
    }
}

fn last_before(looks: &[Millis], at: Millis) -> Option<Millis> {
    let count = looks.partition_point(|&look| look < at);
    looks.get(count.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn held(status: ControlStatus, evidence: u32) -> Held {
        match status {
            ControlStatus::NotSelected => Held::GONE,
            status => Held { status, evidence: EvidenceNo(evidence) },
        }
    }

    /// Puts looks in, one after the other, each with its next one of those that are in.
    fn fill(looks: &[(Millis, Held)]) -> (Timeline, Vec<Millis>) {
        let (mut timeline, mut known) = (Timeline::default(), Vec::new());
        for &(at, held) in looks {
            let next = known.iter().copied().filter(|&k| k > at).min().unwrap_or(FOREVER);
            timeline.show(at, next, held);
            known.push(at);
        }
        known.sort_unstable();
        (timeline, known)
    }

    #[test]
    fn a_life_is_summed_up() {
        use ControlStatus::*;
        let looks = [
            (10, held(Fail, 1)),
            (20, held(Fail, 1)),
            (30, held(Fail, 2)),
            (40, held(Pass, 3)),
            (50, held(Pass, 3)),
            (60, held(Fail, 2)),
        ];
        let (timeline, known) = fill(&looks);
        assert_eq!(timeline.stretches().len(), 4);
        let summary = timeline.summary(&known);
        assert_eq!((summary.since, summary.posture_since, summary.previous), (60, 60, Some(Pass)));
        assert_eq!((summary.first_failed, summary.last_failed), (10, FOREVER));
        assert_eq!((summary.first_passed, summary.last_passed), (40, 50));
    }

    fn status() -> impl Strategy<Value = ControlStatus> {
        proptest::sample::select(ControlStatus::ALL.to_vec())
    }

    /// Looks at instants that are all different, in any order.
    fn looks() -> impl Strategy<Value = Vec<(Millis, Held)>> {
        let look = (1..60_i64, status(), 0..4_u32);
        proptest::collection::vec(look, 1..24).prop_map(|looks| {
            let mut seen = std::collections::BTreeSet::new();
            let fresh = looks.into_iter().filter(|(at, ..)| seen.insert(*at));
            fresh.map(|(at, status, evidence)| (at * 10, held(status, evidence))).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// What is known in the end does not depend on the order in which looks come.
        #[test]
        fn order_does_not_matter(looks in looks()) {
            let mut sorted = looks.clone();
            sorted.sort_by_key(|(at, _)| *at);
            let (ascending, all) = fill(&sorted);
            let (mixed, _) = fill(&looks);
            prop_assert_eq!(&mixed, &ascending);
            prop_assert_eq!(mixed.summary(&all), ascending.summary(&all));
            prop_assert_eq!(ascending.now().unwrap_or(Held::GONE), sorted[sorted.len() - 1].1);
            for pair in ascending.stretches().windows(2) {
                prop_assert!(pair[0].to == pair[1].from && pair[0].held != pair[1].held);
            }
            // Every look finds in it what it showed, whatever came later.
            for (at, held) in &looks {
                let there = ascending.stretches().iter().find(|s| s.from <= *at && *at < s.to);
                prop_assert_eq!(there.map_or(Held::GONE, |s| s.held), *held);
            }
        }

        /// What was known when some of the looks had come is found again in what all of them say.
        #[test]
        fn what_was_known_is_found_again(looks in looks(), count in any::<proptest::sample::Index>()) {
            let (all, _) = fill(&looks);
            let (then, known) = fill(&looks[..count.index(looks.len() + 1)]);
            let again = all.as_known(&known);
            prop_assert_eq!(&again, &then);
            prop_assert_eq!(again.summary(&known), then.summary(&known));
        }
    }
}
