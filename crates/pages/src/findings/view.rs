//! Which risks match this question?

use askama::Template;
use parapet_model::Severity;

use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Choice, Empty, Facet, Pager, QuestionError, Term, noun};

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
    pub(crate) totals: Vec<Total>,
    /// Ways to group.
    pub(crate) groups: Vec<Choice>,
    /// Orders.
    pub(crate) orders: Vec<Choice>,
    /// What a row means.
    pub(crate) group: &'static str,
    /// The rows.
    pub(crate) rows: Rows,
    /// Other rows.
    pub(crate) pager: Pager,
    /// Why there are none.
    pub(crate) empty: Option<Empty>,
    /// The past instant that is shown.
    pub(crate) as_of: Option<String>,
    /// The page without dates; its parameters stay when dates are chosen.
    pub(crate) dates: Link,
    /// The same page of the present.
    pub(crate) present: Link,
    /// Whether a past day is asked for as a part, because it had to be worked out.
    pub(crate) past_part: bool,
    /// Whether the counts are asked for by themselves.
    pub(crate) counts_part: bool,
    /// Where the counts are, when they take longer.
    pub(crate) counts_later: Option<Link>,
    /// Whether the rows are asked for by themselves.
    pub(crate) rows_part: bool,
    /// Where the rows are, when they take longer.
    pub(crate) rows_later: Option<Link>,
    /// The same rows as a file.
    pub(crate) csv: Link,
    /// Where an export of the question begins; `None` without the right.
    pub(crate) export: Option<Link>,
    /// Where an exception of the question begins; `None` without the right.
    pub(crate) except: Option<Link>,
    /// The text of the question.
    pub(crate) question: String,
}

/// A sum over what a question finds.
#[derive(Debug, Clone)]
pub(crate) struct Total {
    /// Of what.
    pub(crate) name: String,
    /// How many.
    pub(crate) count: u64,
}

impl Total {
    /// A number of things.
    pub(crate) fn of(count: u64, one: &str) -> Self {
        Self { name: noun(count, one), count }
    }
}

/// The rows of one way to group.
#[derive(Debug)]
pub(crate) enum Rows {
    /// By vulnerability.
    Vulnerabilities(Vec<VulnerabilityLine>),
    /// By asset.
    Assets(Vec<AssetLine>),
    /// By package.
    Packages(Vec<PackageLine>),
    /// By upgrade.
    Fixes(Vec<FixLine>),
    /// They come later.
    Later,
}

impl Rows {
    /// How many are shown.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Vulnerabilities(lines) => lines.len(),
            Self::Assets(lines) => lines.len(),
            Self::Packages(lines) => lines.len(),
            Self::Fixes(lines) => lines.len(),
            Self::Later => 0,
        }
    }
}

/// A vulnerability with what it affects.
#[derive(Debug)]
pub(crate) struct VulnerabilityLine {
    /// Its page.
    pub(crate) link: Link,
    /// Its findings.
    pub(crate) findings_link: Link,
    /// The term of the question that means it.
    pub(crate) term: String,
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
    /// The term of the question that means it.
    pub(crate) term: String,
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

/// A package in all its versions.
#[derive(Debug)]
pub(crate) struct PackageLine {
    /// Its page.
    pub(crate) link: Link,
    /// Its findings.
    pub(crate) findings_link: Link,
    /// The term of the question that means it.
    pub(crate) term: String,
    /// Its name.
    pub(crate) name: String,
    /// Its ecosystem with release.
    pub(crate) ecosystem: String,
    /// The versions that most assets have.
    pub(crate) versions: Vec<String>,
    /// How many more there are.
    pub(crate) more_versions: usize,
    /// Worst among its findings.
    pub(crate) severity: Severity,
    /// Whether any is known to be exploited.
    pub(crate) kev: bool,
    /// Distinct vulnerabilities.
    pub(crate) vulnerabilities: u64,
    /// Assets with a finding of it.
    pub(crate) assets: u64,
    /// Its findings.
    pub(crate) findings: u64,
    /// Of them with a fix.
    pub(crate) fixable: u64,
}

/// An upgrade with what it removes.
#[derive(Debug)]
pub(crate) struct FixLine {
    /// Page of the package.
    pub(crate) link: Link,
    /// Findings that it removes.
    pub(crate) findings_link: Link,
    /// Assets that it is for.
    pub(crate) assets_link: Link,
    /// The term of the question that means them.
    pub(crate) term: String,
    /// Name of the source package.
    pub(crate) name: String,
    /// Packages built from it that have another name.
    pub(crate) built: Vec<String>,
    /// Its ecosystem with release.
    pub(crate) ecosystem: String,
    /// The installed versions that most assets have.
    pub(crate) versions: Vec<String>,
    /// How many more there are.
    pub(crate) more_versions: usize,
    /// The version to install.
    pub(crate) target: String,
    /// Worst of what it removes.
    pub(crate) severity: Severity,
    /// Whether any is known to be exploited.
    pub(crate) kev: bool,
    /// Distinct vulnerabilities that it removes.
    pub(crate) vulnerabilities: u64,
    /// Assets that it is for.
    pub(crate) assets: u64,
    /// Findings that it removes.
    pub(crate) findings: u64,
}
