//! What breaks the policy, and the verdict that comes of it.

use std::fmt::Write as _;
use std::process::ExitCode;

use parapet_model::filter::{Field, Filter, Op};
use parapet_model::verdict::AdvisoryClass;
use parapet_model::{Coverage, Severity};
use serde::{Deserialize, Serialize};

use crate::cli::output::table;

/// Exit code when a target could not be scanned.
pub(super) const COULD_NOT_SCAN: u8 = 2;
/// Findings that are shown of one target.
pub(super) const SHOWN: usize = 20;

/// What is asked of every target.
#[derive(Debug)]
pub(super) struct Policy {
    /// The findings that break it.
    pub(super) breaks: Filter,
    accept: Vec<Coverage>,
}

impl Policy {
    pub(super) fn new(
        fail_on: Severity,
        pass_unknown: bool,
        filter: &str,
        accept: &[Coverage],
    ) -> anyhow::Result<Self> {
        let mut rated = vec![Filter::test(Field::Severity, Op::Ge, fail_on)];
        if !pass_unknown {
            rated.push(Filter::test(Field::Severity, Op::Eq, Severity::Unknown));
        }
        // Malware is hardly ever rated, and there is no harmless one.
        rated.push(Filter::test(Field::Class, Op::Eq, AdvisoryClass::Malware.as_str()));
        let breaks = Filter::Or(rated)
            .and(Filter::test(Field::Class, Op::Eq, AdvisoryClass::Informational.as_str()).negate())
            .and(Filter::test(Field::Excepted, Op::Eq, false))
            .and(Filter::parse(filter)?);
        Ok(Self { breaks, accept: accept.to_vec() })
    }

    /// Whether coverage of this word is enough.
    pub(super) fn is_assessed(&self, coverage: Coverage) -> bool {
        coverage == Coverage::Assessed || self.accept.contains(&coverage)
    }
}

/// What is to be said of one finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Breach {
    pub(super) vulnerability: String,
    pub(super) severity: String,
    pub(super) package: String,
    pub(super) version: String,
    pub(super) ecosystem: String,
    pub(super) state: String,
    pub(super) fixed_version: Option<String>,
    pub(super) risk_reasons: Vec<String>,
}

/// What came of one target.
#[derive(Debug, Serialize)]
pub(super) struct TargetVerdict {
    pub(super) target: String,
    /// Name of the asset.
    pub(super) asset: String,
    pub(super) coverage: Coverage,
    /// Whether the coverage is enough.
    pub(super) assessed: bool,
    /// Why it is not `assessed`.
    pub(super) gaps: Vec<String>,
    /// Vulnerabilities that break the policy.
    pub(super) vulnerabilities: u64,
    /// Findings that break the policy.
    pub(super) findings: u64,
    /// Findings that an exception hides.
    pub(super) excepted: u64,
    /// The most urgent of those that break it.
    pub(super) first: Vec<Breach>,
}

/// What came of all.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    /// `passed`, `policy_broken` or `not_fully_assessed`.
    outcome: &'static str,
    exit_code: u8,
    /// The findings that break the policy, as a filter.
    policy: String,
    targets: Vec<TargetVerdict>,
}

impl Verdict {
    pub(super) fn of(policy: &Policy, targets: Vec<TargetVerdict>) -> Self {
        let (outcome, exit_code) = if targets.iter().any(|target| target.findings > 0) {
            ("policy_broken", 1)
        } else if targets.iter().any(|target| !target.assessed) {
            ("not_fully_assessed", 3)
        } else {
            ("passed", 0)
        };
        Self { outcome, exit_code, policy: policy.breaks.to_string(), targets }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_code)
    }

    /// Everything, in words.
    pub(super) fn describe(&self) -> String {
        let mut out = String::new();
        for target in &self.targets {
            let _ = writeln!(out, "{}: {}", target.target, target.in_words());
            for gap in &target.gaps {
                let _ = writeln!(out, "  not assessed: {gap}");
            }
            if !target.first.is_empty() {
                let heading = ["VULNERABILITY", "SEVERITY", "PACKAGE", "VERSION", "FIXED IN", "WHY"];
                let mut rows = vec![heading.map(str::to_owned).to_vec()];
                rows.extend(target.first.iter().map(Breach::row));
                let _ = write!(out, "{}", table(&rows));
            }
            let more = target.findings.saturating_sub(target.first.len() as u64);
            if more > 0 {
                let _ = writeln!(out, "and {more} more findings");
            }
        }
        let outcome = self.outcome.replace('_', " ");
        let _ = writeln!(out, "{outcome}");
        out
    }
}

impl TargetVerdict {
    fn in_words(&self) -> String {
        let excepted = match self.excepted {
            0 => String::new(),
            n => format!(", {n} findings hidden by exceptions"),
        };
        format!(
            "{} vulnerabilities in {} findings break the policy{excepted}; coverage: {}",
            self.vulnerabilities, self.findings, self.coverage
        )
    }
}

impl Breach {
    fn row(&self) -> Vec<String> {
        let fixed = self.fixed_version.as_deref().unwrap_or(&self.state);
        [
            self.vulnerability.as_str(),
            self.severity.as_str(),
            self.package.as_str(),
            self.version.as_str(),
            fixed,
            &self.risk_reasons.join(", "),
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(findings: u64, assessed: bool) -> TargetVerdict {
        TargetVerdict {
            target: "x".to_owned(),
            asset: "x".to_owned(),
            coverage: Coverage::Assessed,
            assessed,
            gaps: Vec::new(),
            vulnerabilities: findings,
            findings,
            excepted: 0,
            first: Vec::new(),
        }
    }

    #[test]
    fn the_worst_of_the_targets_decides() {
        let policy = Policy::new(Severity::High, false, "", &[]).unwrap();
        for (targets, code) in [
            (vec![target(0, true)], 0),
            (vec![target(0, true), target(0, false)], 3),
            (vec![target(0, false), target(1, true)], 1),
            (vec![target(1, false)], 1),
        ] {
            assert_eq!(Verdict::of(&policy, targets).exit_code, code);
        }
    }

    #[test]
    fn coverage_that_was_accepted_is_enough() {
        let policy = Policy::new(Severity::High, false, "", &[Coverage::FixesOnly]).unwrap();
        assert!(policy.is_assessed(Coverage::Assessed) && policy.is_assessed(Coverage::FixesOnly));
        assert!(!policy.is_assessed(Coverage::NoFeed));
    }

    #[test]
    fn the_policy_is_a_filter_that_is_read_again() {
        let policy = Policy::new(Severity::High, true, "fixable or kev", &[]).unwrap();
        assert_eq!(Filter::parse(&policy.breaks.to_string()).unwrap(), policy.breaks);
        assert!(Policy::new(Severity::High, true, "no such field", &[]).is_err());
    }
}
