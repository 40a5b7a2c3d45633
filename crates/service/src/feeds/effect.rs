//! What an import means for people: matches times the assets that show their packages.

use std::collections::{BTreeMap, HashMap};

use parapet_model::PackageNo;
use parapet_posture::Snapshot;

use super::import::{ImportReport, findings};
use crate::matcher::MatchDelta;

/// Most opened and closed vulnerabilities named in a report.
const MAX_EXAMPLES: usize = 10;

/// Counts findings from matches: each match is a finding on every current asset of
/// all projects that has the package.
#[derive(Debug, Default)]
pub(super) struct Effect {
    matches_opened: u64,
    matches_closed: u64,
    opened: BTreeMap<String, u64>,
    closed: BTreeMap<String, u64>,
    /// Current assets that show a package, looked up once.
    showing: HashMap<PackageNo, u64>,
}

impl Effect {
    /// Adds what a batch changed.
    pub(super) fn add(&mut self, snapshot: &Snapshot, delta: MatchDelta) {
        self.matches_opened += delta.opened.len() as u64;
        self.matches_closed += delta.closed.len() as u64;
        for (changes, counts) in [(delta.opened, &mut self.opened), (delta.closed, &mut self.closed)] {
            for (package, vulnerability) in changes {
                let assets =
                    self.showing.entry(package).or_insert_with(|| snapshot.count_with_package(package));
                *counts.entry(vulnerability).or_default() += *assets;
            }
        }
    }

    /// Writes the sums and some of the largest into a report.
    pub(super) fn report(self, report: &mut ImportReport) {
        report.matches_opened = self.matches_opened;
        report.matches_closed = self.matches_closed;
        report.findings_opened = self.opened.values().sum();
        report.findings_closed = self.closed.values().sum();
        for (what, counts) in [("opens", self.opened), ("closes", self.closed)] {
            let mut most: Vec<_> = counts.into_iter().filter(|(_, n)| *n > 0).collect();
            most.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            most.truncate(MAX_EXAMPLES);
            report.examples.extend(most.into_iter().map(|(id, n)| format!("{what} {id} on {}", findings(n))));
        }
    }
}
