//! Who has it, since when, what do I do?

use askama::Template;
use parapet_model::Severity;

use super::exposure::Exposure;
use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::Pager;

/// The page of a vulnerability.
#[derive(Debug, Template)]
#[template(path = "vulnerability.html")]
pub(super) struct VulnerabilityPage {
    pub(super) layout: Layout,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) aliases: Vec<String>,
    /// Worst among its findings, else its band.
    pub(super) severity: Severity,
    pub(super) verdict: Verdict,
    /// Its band by CVSS.
    pub(super) band: Severity,
    pub(super) cvss: String,
    pub(super) vector: String,
    pub(super) epss: String,
    /// Share of vulnerabilities that are less likely to be exploited.
    pub(super) epss_rank: String,
    pub(super) kev_added: String,
    pub(super) kev_due: String,
    pub(super) ransomware: bool,
    pub(super) published: String,
    pub(super) fixes: Vec<Fix>,
    pub(super) more_fixes: usize,
    pub(super) exposure: Option<Exposure>,
    /// Where it is, when it takes longer.
    pub(super) exposure_later: Option<Link>,
    /// Whether it is asked for by itself.
    pub(super) exposure_part: bool,
    pub(super) affected: Vec<Affected>,
    pub(super) pager: Pager,
    pub(super) sources: Vec<SourceCard>,
    /// Ids of further sources.
    pub(super) more_sources: Vec<String>,
    pub(super) findings: Link,
    pub(super) csv: Link,
    /// Where an exception begins; `None` without the right.
    pub(super) except: Option<Link>,
}

/// Who has it, in numbers of assets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    pub(super) assets: u64,
    pub(super) images: u64,
    pub(super) containers: u64,
    /// Containers that run.
    pub(super) running: u64,
    pub(super) hosts: u64,
    /// With a fix to install for some package.
    pub(super) fixable: u64,
    /// Where an exception hides it for some package.
    pub(super) excepted: u64,
    /// Assets of the scope that no feed judges wholly.
    pub(super) not_assessed: u64,
}

/// What to install in one ecosystem.
#[derive(Debug)]
pub(super) struct Fix {
    pub(super) link: Link,
    pub(super) name: String,
    pub(super) ecosystem: String,
    pub(super) versions: Vec<String>,
    pub(super) more_versions: usize,
    pub(super) states: String,
    /// First version with the fix, or empty.
    pub(super) fixed: String,
    pub(super) assets: u64,
}

/// One finding of it.
#[derive(Debug)]
pub(super) struct Affected {
    pub(super) link: Link,
    pub(super) explain: Link,
    pub(super) package_link: Link,
    /// The term of a question that means the asset.
    pub(super) term: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    /// What a container does; empty for anything else.
    pub(super) state: String,
    pub(super) package: String,
    pub(super) severity: Severity,
    pub(super) says: &'static str,
    pub(super) fixed: String,
    pub(super) since: String,
    /// Title of the exception that hides it, and its page for those who may see it.
    pub(super) exception: Option<(String, Option<Link>)>,
}

/// A source in its own words.
#[derive(Debug)]
pub(super) struct SourceCard {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) feeds: String,
    pub(super) severity: Severity,
    pub(super) cvss: Vec<String>,
    pub(super) summary: String,
    pub(super) details: String,
    pub(super) url: String,
    pub(super) published: String,
    pub(super) modified: String,
    pub(super) withdrawn: String,
    /// What it says of the packages that are there.
    pub(super) says: String,
    pub(super) entries: Vec<EntryLine>,
    pub(super) more_entries: usize,
}

/// What a source says of one package.
#[derive(Debug)]
pub(super) struct EntryLine {
    pub(super) ecosystem: String,
    pub(super) name: String,
    pub(super) range: String,
    pub(super) state: String,
}
