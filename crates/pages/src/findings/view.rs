//! Which risks match this question?

use askama::Template;
use parapet_model::Severity;

use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Choice, Empty, Facet, Pager, QuestionError, Term};

/// The findings of a question, in groups.
#[derive(Debug, Template)]
#[template(path = "findings.html")]
pub(crate) struct Findings {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// What is wrong with what was typed; the rows below are then those of the last good question.
    pub(crate) error: Option<QuestionError>,
    /// Its terms.
    pub(crate) terms: Vec<Term>,
    /// What there is to narrow it.
    pub(crate) facets: Vec<Facet>,
    /// How much it finds.
    pub(crate) totals: Totals,
    /// Ways to group.
    pub(crate) groups: Vec<Choice>,
    /// Orders.
    pub(crate) orders: Vec<Choice>,
    /// The rows.
    pub(crate) rows: Rows,
    /// Other rows.
    pub(crate) pager: Pager,
    /// Why there are none.
    pub(crate) empty: Option<Empty>,
    /// The same rows as a file.
    pub(crate) csv: Link,
    /// Where an export of the question begins; `None` without the right.
    pub(crate) export: Option<Link>,
    /// Where an exception of the question begins; `None` without the right.
    pub(crate) except: Option<Link>,
}

/// How much a question finds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    /// Asset × vulnerability × package.
    pub(crate) findings: u64,
    /// Asset × vulnerability.
    pub(crate) vulnerabilities: u64,
    /// Assets with a finding.
    pub(crate) assets: u64,
    /// With a fix to install.
    pub(crate) fixable: u64,
    /// Of vulnerabilities known to be exploited.
    pub(crate) kev: u64,
    /// Hidden by an exception.
    pub(crate) excepted: u64,
}

/// The rows of one way to group.
#[derive(Debug)]
pub(crate) enum Rows {
    /// By vulnerability.
    Vulnerabilities(Vec<VulnerabilityLine>),
    /// By asset.
    Assets(Vec<AssetLine>),
}

/// A vulnerability with what it affects.
#[derive(Debug)]
pub(crate) struct VulnerabilityLine {
    /// Its page.
    pub(crate) link: Link,
    /// Its findings.
    pub(crate) findings_link: Link,
    /// Its id.
    pub(crate) id: String,
    /// One line.
    pub(crate) title: String,
    /// Worst among its findings.
    pub(crate) severity: Severity,
    /// Known to be exploited.
    pub(crate) kev: bool,
    /// Probability of exploitation in percent, or empty.
    pub(crate) epss: String,
    /// CVSS base score, or empty.
    pub(crate) cvss: String,
    /// Assets that have it.
    pub(crate) assets: u64,
    /// Its findings.
    pub(crate) findings: u64,
    /// Of them with a fix.
    pub(crate) fixable: u64,
    /// Of them hidden.
    pub(crate) excepted: u64,
    /// Since when, as a date.
    pub(crate) since: String,
}

/// An asset with how much it has.
#[derive(Debug)]
pub(crate) struct AssetLine {
    /// Its page.
    pub(crate) link: Link,
    /// Its findings.
    pub(crate) findings_link: Link,
    /// Its name.
    pub(crate) name: String,
    /// image, container or host.
    pub(crate) kind: &'static str,
    /// Distribution.
    pub(crate) distro: String,
    /// Coverage word.
    pub(crate) coverage: &'static str,
    /// Vulnerabilities by severity, worst first, with the counts that are not 0.
    pub(crate) bands: Vec<(Severity, u64)>,
    /// Findings with a fix.
    pub(crate) fixable: u64,
    /// Findings hidden.
    pub(crate) excepted: u64,
    /// When it was last looked at.
    pub(crate) observed: String,
}
