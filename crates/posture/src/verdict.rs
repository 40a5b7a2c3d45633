//! What all advisories together say of one package.
//!
//! Rules (DESIGN *Disagreement*, REVIEW A7), used by the fast path only; the oracle has its own:
//!
//! - Rows are grouped by *canonical* vulnerability.
//! - A finding is open while any positive row is open, unless a "not affected" row of strictly
//!   higher precedence than every open positive row is open too. At equal precedence the positive
//!   row wins: never a silent clean.
//! - The verdict shown is the open positive row of highest precedence; among equals one with a fix
//!   to install, then the lowest advisory, then the lowest vulnerability number as named.
//! - Severity is the vendor's word of the first row in that order which has one, else the band of
//!   the canonical vulnerability.

use std::cmp::Reverse;

use parapet_model::facts::MatchRow;
use parapet_model::finding::FindingVerdict;
use parapet_model::time::union_intervals;
use parapet_model::{Interval, Millis, Severity, VulnerabilityNo};

/// A vulnerability that the package has now.
#[derive(Debug)]
pub(crate) struct OpenVerdict {
    /// The canonical vulnerability.
    pub(crate) vulnerability: VulnerabilityNo,
    /// Since when, without a gap.
    pub(crate) since: Millis,
    /// Known exploited; here so that counting does not touch the vulnerability's row.
    pub(crate) kev: bool,
    /// What precedence chose.
    pub(crate) verdict: FindingVerdict,
}

/// What verdicts take from a canonical vulnerability. When any of it changes, its packages are
/// judged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Canonical {
    pub(crate) no: VulnerabilityNo,
    pub(crate) band: Severity,
    pub(crate) kev: bool,
}

/// The match side of one package.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// Open vulnerabilities, ascending by canonical number, each once.
    pub(crate) open: Box<[OpenVerdict]>,
    /// Closed stretches of any vulnerability, ascending.
    pub(crate) past: Box<[(VulnerabilityNo, Interval)]>,
    /// The rows all this comes from, as given.
    pub(crate) rows: Box<[MatchRow]>,
}

impl Verdicts {
    /// Judges `rows`. `resolve` gives the canonical vulnerability, or nothing while it is not known:
    /// such rows wait.
    pub(crate) fn judge(
        rows: Box<[MatchRow]>,
        resolve: impl Fn(VulnerabilityNo) -> Option<Canonical>,
    ) -> Self {
        let mut resolved: Vec<(Canonical, usize)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.held.from < row.held.to)
            .filter_map(|(at, row)| resolve(row.vulnerability).map(|canonical| (canonical, at)))
            .collect();
        resolved.sort_unstable();
        let (mut open, mut past) = (Vec::new(), Vec::new());
        for group in resolved.chunk_by(|a, b| a.0 == b.0) {
            let Canonical { no: vulnerability, band, kev } = group[0].0;
            let of_group: Vec<&MatchRow> = group.iter().map(|&(_, at)| &rows[at]).collect();
            let mut since = None;
            for stretch in stretches(&of_group) {
                if stretch.is_open() {
                    since = Some(stretch.from);
                } else {
                    past.push((vulnerability, stretch));
                }
            }
            if let (Some(since), Some(verdict)) = (since, choose(&of_group, band)) {
                open.push(OpenVerdict { vulnerability, since, kev, verdict });
            }
        }
        Self { open: open.into(), past: past.into(), rows }
    }

    /// The open verdict on a canonical vulnerability.
    pub(crate) fn open_on(&self, vulnerability: VulnerabilityNo) -> Option<&OpenVerdict> {
        let at = self.open.binary_search_by_key(&vulnerability, |open| open.vulnerability).ok()?;
        self.open.get(at)
    }

    /// The closed stretches of a canonical vulnerability.
    pub(crate) fn past_of(&self, vulnerability: VulnerabilityNo) -> &[(VulnerabilityNo, Interval)] {
        let from = self.past.partition_point(|(no, _)| *no < vulnerability);
        let to = self.past.partition_point(|(no, _)| *no <= vulnerability);
        &self.past[from..to]
    }
}

/// The order of precedence among open positive rows, best first.
pub(crate) fn rank(row: &MatchRow) -> impl Ord + use<> {
    (Reverse(row.precedence), Reverse(row.state.is_fixable()), row.advisory, row.vulnerability)
}

/// What the open rows of one vulnerability come to; `None` when none of them is positive. Whether
/// a "not affected" row outranks them is decided by [`stretches`].
pub(crate) fn choose(rows: &[&MatchRow], band: Severity) -> Option<FindingVerdict> {
    let mut positive: Vec<&MatchRow> =
        rows.iter().copied().filter(|row| row.held.is_open() && row.state.is_positive()).collect();
    positive.sort_by_key(|row| rank(row));
    let best = positive.first()?;
    let rated = positive.iter().map(|row| row.vendor_severity).find(|s| *s != Severity::Unknown);
    Some(FindingVerdict {
        state: best.state,
        class: best.class,
        severity: rated.unwrap_or(band),
        fixed_version: best.fixed_version.clone(),
        advisory: best.advisory,
    })
}

/// When the rows of one vulnerability say "affected", as sorted disjoint intervals.
fn stretches(rows: &[&MatchRow]) -> Vec<Interval> {
    if rows.iter().all(|row| row.state.is_positive()) {
        return union_intervals(rows.iter().map(|row| row.held).collect());
    }
    let mut bounds: Vec<Millis> = rows.iter().flat_map(|row| [row.held.from, row.held.to]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let affected = bounds.windows(2).map(|pair| Interval { from: pair[0], to: pair[1] }).filter(|piece| {
        let highest = |positive: bool| {
            rows.iter()
                .filter(|row| row.state.is_positive() == positive && row.held.contains(piece.from))
                .map(|row| row.precedence)
                .max()
        };
        match (highest(true), highest(false)) {
            (Some(says_yes), Some(says_no)) => says_yes >= says_no,
            (yes, _) => yes.is_some(),
        }
    });
    union_intervals(affected.collect())
}

#[cfg(test)]
mod tests {
    use parapet_model::verdict::AdvisoryClass;
    use parapet_model::{AdvisoryNo, MatchState, PackageNo};

    use super::*;

    fn row(advisory: u32, precedence: u8, state: MatchState, held: Interval) -> MatchRow {
        MatchRow {
            package: PackageNo(1),
            vulnerability: VulnerabilityNo(9),
            advisory: AdvisoryNo(advisory),
            precedence,
            state,
            class: AdvisoryClass::Vulnerability,
            vendor_severity: Severity::Unknown,
            fixed_version: String::new(),
            held,
            closed: None,
        }
    }

    fn judge(rows: Vec<MatchRow>) -> Verdicts {
        Verdicts::judge(rows.into(), |no| Some(Canonical { no, band: Severity::Medium, kev: false }))
    }

    #[test]
    fn a_withdrawn_bulletin_does_not_close_what_the_tracker_holds() {
        use MatchState::{Affected, FixAvailable};
        let judged = judge(vec![
            row(1, 10, FixAvailable, Interval { from: 5, to: 50 }),
            row(2, 20, Affected, Interval::since(8)),
        ]);
        assert_eq!(judged.open.len(), 1);
        assert_eq!((judged.open[0].since, judged.open[0].verdict.advisory), (5, AdvisoryNo(2)));
        assert!(judged.past.is_empty());
    }

    #[test]
    fn only_a_higher_word_of_not_affected_closes() {
        use MatchState::{Affected, NotAffected};
        let positive = row(1, 10, Affected, Interval::since(5));
        for (precedence, open) in [(9, 1), (10, 1), (11, 0)] {
            let judged = judge(vec![positive.clone(), row(2, precedence, NotAffected, Interval::since(30))]);
            assert_eq!(judged.open.len(), open, "precedence {precedence}");
            let past: Vec<Interval> = judged.past.iter().map(|(_, held)| *held).collect();
            assert_eq!(past, if open == 0 { vec![Interval { from: 5, to: 30 }] } else { vec![] });
        }
    }

    #[test]
    fn among_equals_a_fix_then_the_lowest_advisory_and_any_vendor_word() {
        let mut rated = row(1, 10, MatchState::Affected, Interval::since(0));
        rated.vendor_severity = Severity::High;
        let judged = judge(vec![
            rated,
            row(7, 10, MatchState::FixAvailable, Interval::since(0)),
            row(4, 10, MatchState::FixAvailable, Interval::since(0)),
        ]);
        let verdict = &judged.open[0].verdict;
        assert_eq!((verdict.advisory, verdict.severity), (AdvisoryNo(4), Severity::High));
    }
}
