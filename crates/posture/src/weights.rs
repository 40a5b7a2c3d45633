//! How the findings of each vulnerability weigh: all that a list in order of urgency, severity or id asks of
//! findings that it does not show.

use parapet_model::finding::FindingVerdict;
use parapet_model::{Severity, VulnerabilityNo};

/// What the findings of one vulnerability come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Worst band that any finding has.
    pub(crate) severity: Severity,
    /// Whether a fix can be installed for any.
    pub(crate) fixable: bool,
}

impl Weight {
    pub(crate) fn of(verdict: &FindingVerdict) -> Self {
        Self { severity: verdict.severity, fixable: verdict.state.is_fixable() }
    }

    fn join(self, other: Self) -> Self {
        Self { severity: self.severity.max(other.severity), fixable: self.fixable || other.fixable }
    }
}

/// Those of many vulnerabilities, by number.
#[derive(Debug, Default)]
pub(crate) struct Weights(Vec<Option<Weight>>);

impl Weights {
    /// Adds a finding, or several.
    pub(crate) fn add(&mut self, no: VulnerabilityNo, weight: Weight) {
        if self.0.len() <= no.index() {
            self.0.resize(no.index() + 1, None);
        }
        let held = &mut self.0[no.index()];
        *held = Some(held.map_or(weight, |held| held.join(weight)));
    }

    /// Adds what other assets come to.
    pub(crate) fn join(&mut self, other: &Self) {
        other.iter().for_each(|(no, weight)| self.add(no, weight));
    }

    /// Forgets a vulnerability.
    pub(crate) fn remove(&mut self, no: VulnerabilityNo) {
        if let Some(held) = self.0.get_mut(no.index()) {
            *held = None;
        }
    }

    /// Ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (VulnerabilityNo, Weight)> {
        let found = self.0.iter().enumerate();
        found.filter_map(|(at, weight)| Some((VulnerabilityNo(at as u32), (*weight)?)))
    }
}
