//! Findings by urgency: what to fix first.
//!
//! A page is the most urgent findings after a place, kept in a heap of the page's size while all
//! findings of the question pass by: memory is bounded by the page, whatever the estate holds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use parapet_model::Risk;
use parapet_model::finding::Finding;

use crate::query::{Cursor, CursorError, Query};
use crate::snapshot::Snapshot;

/// A place in the order of urgency: the more urgent first, equals in the order of [`Cursor`]. As text
/// `number@asset.package.vulnerability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RiskCursor {
    risk: Reverse<Risk>,
    place: Cursor,
}

impl RiskCursor {
    /// The place of a finding.
    pub fn of(finding: &Finding<'_>) -> Self {
        Self { risk: Reverse(Risk::of(finding)), place: Cursor::of(finding) }
    }
}

impl fmt::Display for RiskCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.risk.0.number(), self.place)
    }
}

impl FromStr for RiskCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (risk, place) = text.split_once('@').ok_or(CursorError)?;
        let risk = risk.parse().map_err(|_| CursorError)?;
        Ok(Self { risk: Reverse(Risk::from_number(risk)), place: place.parse()? })
    }
}

/// A finding in a heap, by its place.
struct Placed<'s>(RiskCursor, Finding<'s>);

impl PartialEq for Placed<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Placed<'_> {}

impl PartialOrd for Placed<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Placed<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl Snapshot {
    /// At most `limit` findings of a query after a place, the most urgent first, and where to go on.
    pub fn most_urgent<'s>(
        &'s self,
        query: &Query<'_>,
        after: Option<RiskCursor>,
        limit: usize,
    ) -> (Vec<Finding<'s>>, Option<RiskCursor>) {
        let mut page: BinaryHeap<Placed<'s>> = BinaryHeap::new();
        let mut more = false;
        let _ = self.findings(query, |finding| {
            let place = RiskCursor::of(finding);
            if after.is_some_and(|after| place <= after) {
                return ControlFlow::Continue(());
            }
            if page.len() < limit {
                page.push(Placed(place, *finding));
            } else {
                more = true;
                // The least urgent of the page gives way.
                if let Some(mut last) = page.peek_mut().filter(|last| place < last.0) {
                    *last = Placed(place, *finding);
                }
            }
            ControlFlow::Continue(())
        });
        let rows = page.into_sorted_vec();
        let next = rows.last().filter(|_| more).map(|last| last.0);
        (rows.into_iter().map(|placed| placed.1).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text() {
        let place: RiskCursor = "17@1.20.300".parse().unwrap();
        assert_eq!(place.to_string(), "17@1.20.300");
        for bad in ["", "1.2.3", "x@1.2.3", "1@1.2", "-1@1.2.3"] {
            assert_eq!(bad.parse::<RiskCursor>(), Err(CursorError), "{bad}");
        }
    }
}
