//! What to fix first: one order over findings, with its reasons (`docs/risk.md`).
//!
//! The order looks at one thing after the other, and at the next only where the ones before are
//! equal. So a place in it can be said in words, which a weighted sum cannot. A [`Risk`] is a number
//! that has these things as digits, the most important first: comparing numbers compares findings,
//! and the reasons are read back from the number itself, so that they are always those that decided.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::asset::{AssetKind, ContainerState};
use crate::finding::Finding;
use crate::severity::Severity;
use crate::verdict::AdvisoryClass;
use crate::vulnerability::Vulnerability;

/// From which EPSS probability on exploitation within 30 days counts as likely.
pub const LIKELY: f64 = 0.1;

/// EPSS is kept to five places.
const EPSS_STEPS: f64 = 100_000.0;

/// How urgent a finding is; greater is more urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Risk(u64);

/// The digits, least important first: name, width in bits.
macro_rules! digits {
    ($($(#[doc = $doc:literal])* $name:ident: $shift:literal, $bits:literal;)+) => {
        $($(#[doc = $doc])* const $name: Digit = Digit { shift: $shift, mask: (1 << $bits) - 1 };)+
    };
}

#[derive(Clone, Copy)]
struct Digit {
    shift: u32,
    mask: u64,
}

digits! {
    /// Ten times the CVSS base score.
    CVSS: 0, 7;
    /// EPSS in steps of a hundred-thousandth.
    EPSS: 7, 17;
    /// Asset value: test, common, important.
    EXPOSURE: 24, 2;
    /// A fix can be installed.
    FIXABLE: 26, 1;
    /// A host, or a container that runs.
    IN_USE: 27, 1;
    /// Severity, see [`place`].
    SEVERITY: 28, 3;
    /// EPSS of at least [`LIKELY`].
    EXPECTED: 31, 1;
    /// 1: known to be exploited; 2: the package itself is malicious.
    EXPLOITED: 32, 2;
    /// It is a vulnerability or malware, in something that can run here.
    MATTERS: 34, 1;
}

/// Severities in the order of urgency. What nobody rated may be anything, so it stands before what
/// is known to be low.
const fn place(severity: Severity) -> u64 {
    match severity {
        Severity::None => 0,
        Severity::Low => 1,
        Severity::Unknown => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

impl Risk {
    /// The place of a finding.
    pub fn of(finding: &Finding<'_>) -> Self {
        let (asset, verdict) = (finding.asset, finding.verdict);
        let in_use = match asset.kind {
            AssetKind::Image => false,
            AssetKind::Container => asset.container_state() == ContainerState::Running,
            AssetKind::Host => true,
        };
        let exposure = match asset.host_facts.asset_value.as_str() {
            "important" => 2,
            "test" => 0,
            _ => 1,
        };
        let matters = verdict.class != AdvisoryClass::Informational && !finding.not_run_here;
        Self::of_vulnerability(finding.vulnerability, verdict.severity, verdict.state.is_fixable())
            .with(MATTERS, u64::from(matters))
            .raised(EXPLOITED, if verdict.class == AdvisoryClass::Malware { 2 } else { 0 })
            .with(IN_USE, u64::from(in_use && !finding.not_run_here))
            .with(EXPOSURE, exposure)
    }

    /// The place of a vulnerability wherever it is, by its worst severity.
    pub fn of_vulnerability(vulnerability: &Vulnerability, severity: Severity, fixable: bool) -> Self {
        let known = |number: f64| if number.is_finite() { number.max(0.0) } else { 0.0 };
        let (epss, cvss) = (known(vulnerability.epss).min(1.0), known(vulnerability.cvss_score).min(10.0));
        Self::default()
            .with(MATTERS, 1)
            .with(EXPLOITED, u64::from(vulnerability.kev_added != 0))
            .with(EXPECTED, u64::from(epss >= LIKELY))
            .with(SEVERITY, place(severity))
            .with(FIXABLE, u64::from(fixable))
            .with(EPSS, (epss * EPSS_STEPS).round() as u64)
            .with(CVSS, (cvss * 10.0).round() as u64)
    }

    /// As a number: greater is more urgent. It orders and has no other meaning.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The place with this number.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Why it stands where it stands, the most important first, as words without spaces:
    /// `known-exploited`, `epss-0.970`, `severity-high`, `in-use`, `fix-available`.
    pub fn reasons(self) -> Vec<String> {
        let severity = Severity::WORST_FIRST.into_iter().find(|s| place(*s) == self.get(SEVERITY));
        let epss = self.get(EPSS) as f64 / EPSS_STEPS;
        let all = [
            (self.get(MATTERS) == 0, "notice-or-not-run-here".to_owned()),
            (self.get(EXPLOITED) > 1, "malicious-package".to_owned()),
            (self.get(EXPLOITED) == 1, "known-exploited".to_owned()),
            (self.get(EXPECTED) == 1, format!("epss-{epss:.3}")),
            (true, format!("severity-{}", severity.unwrap_or_default())),
            (self.get(IN_USE) == 1, "in-use".to_owned()),
            (self.get(FIXABLE) == 1, "fix-available".to_owned()),
            (self.get(EXPOSURE) == 2, "important-asset".to_owned()),
        ];
        all.into_iter().filter_map(|(holds, word)| holds.then_some(word)).collect()
    }

    const fn get(self, digit: Digit) -> u64 {
        self.0 >> digit.shift & digit.mask
    }

    const fn with(self, digit: Digit, value: u64) -> Self {
        let value = if value > digit.mask { digit.mask } else { value };
        Self(self.0 & !(digit.mask << digit.shift) | value << digit.shift)
    }

    /// With a digit that is at least `value`.
    fn raised(self, digit: Digit, value: u64) -> Self {
        self.with(digit, self.get(digit).max(value))
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons().join(", "))
    }
}

impl Serialize for Risk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that counts, as the documentation has it, the most important first.
    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Facts {
        kev: bool,
        severity: Severity,
        fixable: bool,
        epss: f64,
        cvss: f64,
    }

    fn facts() -> impl Strategy<Value = Facts> {
        let severity = prop::sample::select(Severity::WORST_FIRST.to_vec());
        let epss = prop_oneof![Just(-1.0), Just(0.1), Just(0.09999), 0.0..=1.0];
        let cvss = prop_oneof![Just(-1.0), Just(10.0), (0u32..=100).prop_map(|n| f64::from(n) / 10.0)];
        (any::<bool>(), severity, any::<bool>(), epss, cvss)
            .prop_map(|(kev, severity, fixable, epss, cvss)| Facts { kev, severity, fixable, epss, cvss })
    }

    fn risk(facts: &Facts) -> Risk {
        let vulnerability = Vulnerability {
            kev_added: i64::from(facts.kev),
            epss: facts.epss,
            cvss_score: facts.cvss,
            ..Vulnerability::default()
        };
        Risk::of_vulnerability(&vulnerability, facts.severity, facts.fixable)
    }

    proptest! {
        #[test]
        fn one_thing_is_looked_at_after_the_other(a in facts(), b in facts()) {
            let steps = |epss: f64| (epss.max(0.0) * EPSS_STEPS).round() as i64;
            let expected = a.kev.cmp(&b.kev)
                .then((a.epss >= LIKELY).cmp(&(b.epss >= LIKELY)))
                .then(place(a.severity).cmp(&place(b.severity)))
                .then(a.fixable.cmp(&b.fixable))
                .then(steps(a.epss).cmp(&steps(b.epss)))
                .then(a.cvss.max(0.0).total_cmp(&b.cvss.max(0.0)));
            prop_assert_eq!(risk(&a).cmp(&risk(&b)), expected);
        }

        #[test]
        fn every_reason_is_true_and_none_is_left_out(facts in facts()) {
            let reasons = risk(&facts).reasons();
            let says = |text: &str| reasons.iter().any(|reason| reason.starts_with(text));
            prop_assert_eq!(says("known-exploited"), facts.kev);
            prop_assert_eq!(says("epss-"), facts.epss >= LIKELY);
            prop_assert_eq!(says("fix-available"), facts.fixable);
            let severity = format!("severity-{}", facts.severity);
            prop_assert!(says(&severity));
            prop_assert!(!says("in-use") && !says("important") && !says("notice") && !says("malicious"));
        }
    }

    #[test]
    fn what_is_unknown_stands_before_what_is_known_to_be_low() {
        assert!(place(Severity::Low) < place(Severity::Unknown));
        assert!(place(Severity::Unknown) < place(Severity::Medium));
    }
}
