//! Counts: findings and vulnerabilities are different numbers, so both are named always.

use std::ops::ControlFlow;

use parapet_model::finding::Finding;
use parapet_model::{AssetNo, MatchState, Severity};

use crate::round_table::RoundTable;
use crate::verdict::OpenVerdict;

/// How much a query holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Asset × vulnerability × package.
    pub findings: u64,
    /// Asset × vulnerability, each once however many packages show it.
    pub vulnerabilities: u64,
    /// Assets with at least one finding.
    pub assets: u64,
    /// By [`Severity`] as a number.
    pub by_severity: [BandCounts; 6],
    /// Findings by [`MatchState`] as a number.
    pub by_state: [u64; 7],
    /// Findings with a fix to install.
    pub fixable: u64,
    /// Findings of vulnerabilities known to be exploited.
    pub kev: u64,
    /// Findings that an exception hides.
    pub excepted: u64,
}

/// Counts of one severity band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BandCounts {
    /// Findings.
    pub findings: u64,
    /// Asset × vulnerability; where packages of one asset are rated differently, in the worst band.
    pub vulnerabilities: u64,
}

impl Counts {
    /// The counts of one band.
    pub fn severity(&self, severity: Severity) -> BandCounts {
        self.by_severity[severity as usize]
    }

    /// Findings in one state.
    pub fn state(&self, state: MatchState) -> u64 {
        self.by_state[state as usize]
    }
}

/// Counts findings that come asset by asset.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) counts: Counts,
    asset: Option<AssetNo>,
    /// Worst band so far of each vulnerability of the asset at hand.
    bands: RoundTable<Severity>,
}

impl Counter {
    #[inline]
    pub(crate) fn add(&mut self, row: &Finding<'_>, open: &OpenVerdict) -> ControlFlow<()> {
        if self.asset != Some(row.asset.no) {
            self.asset = Some(row.asset.no);
            self.bands.clear();
            self.counts.assets += 1;
        }
        let counts = &mut self.counts;
        let band = row.verdict.severity;
        counts.findings += 1;
        counts.by_severity[band as usize].findings += 1;
        counts.by_state[row.verdict.state as usize] += 1;
        counts.fixable += u64::from(row.verdict.state.is_fixable());
        counts.kev += u64::from(open.kev);
        counts.excepted += u64::from(row.exception.is_some());
        match self.bands.get_mut(open.vulnerability) {
            None => {
                self.bands.insert(open.vulnerability, band);
                counts.vulnerabilities += 1;
                counts.by_severity[band as usize].vulnerabilities += 1;
            }
            Some(worst) if *worst < band => {
                counts.by_severity[*worst as usize].vulnerabilities -= 1;
                counts.by_severity[band as usize].vulnerabilities += 1;
                *worst = band;
            }
            Some(_) => {}
        }
        ControlFlow::Continue(())
    }
}
