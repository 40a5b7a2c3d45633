//! Severities 1 to 5 of this wire.

use parapet_model::Severity;
use parapet_posture::Bands;
use serde::Serialize;

/// 5 critical, 4 high, 3 medium, 2 low, 1 none. What nobody rated counts as 3: neither hidden below
/// what people look at, nor an alarm.
pub(in crate::http::qualys_cs) fn wire(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 5,
        Severity::High => 4,
        Severity::Medium | Severity::Unknown => 3,
        Severity::Low => 2,
        Severity::None => 1,
    }
}

/// The bands that are shown as a severity.
pub(in crate::http::qualys_cs) fn bands(severity: u8) -> Vec<Severity> {
    Severity::WORST_FIRST.into_iter().filter(|band| wire(*band) == severity).collect()
}

/// How many there are of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeverityCounts {
    severity1_count: u64,
    severity2_count: u64,
    severity3_count: u64,
    severity4_count: u64,
    severity5_count: u64,
}

impl SeverityCounts {
    /// The vulnerabilities of one asset.
    pub(super) fn of(have: &Bands) -> Self {
        let mut out = Self::default();
        for band in Severity::WORST_FIRST {
            *out.slot(wire(band)) += u64::from(have[band as usize]);
        }
        out
    }

    /// Counts one more.
    pub(super) fn add(&mut self, severity: u8) {
        *self.slot(severity) += 1;
    }

    /// How many there are of a severity.
    pub(super) fn get(mut self, severity: u8) -> u64 {
        *self.slot(severity)
    }

    fn slot(&mut self, severity: u8) -> &mut u64 {
        match severity {
            5 => &mut self.severity5_count,
            4 => &mut self.severity4_count,
            3 => &mut self.severity3_count,
            2 => &mut self.severity2_count,
            _ => &mut self.severity1_count,
        }
    }
}
