//! What the page of an asset shows.

use askama::Template;
use parapet_model::Severity;

use crate::assets::Bands;
use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Choice, Pager, QuestionError, Term};

/// One asset.
#[derive(Debug, Template)]
#[template(path = "asset.html")]
pub(crate) struct AssetPage {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// Its name.
    pub(crate) name: String,
    /// image, container or host.
    pub(crate) kind: &'static str,
    /// Why it counts no longer, or empty.
    pub(crate) gone: String,
    /// Why the last scan failed, or empty.
    pub(crate) scan_error: String,
    /// Coverage word.
    pub(crate) coverage: &'static str,
    /// What could not be judged, and why.
    pub(crate) gaps: Vec<String>,
    /// See [`Bands`].
    pub(crate) bands: Bands,
    /// Findings with a fix.
    pub(crate) fixable: u64,
    /// Findings hidden.
    pub(crate) excepted: u64,
    /// Findings of kernels that do not run here, which are left out.
    pub(crate) kernels: u64,
    /// What is known of it.
    pub(crate) facts: Vec<Fact>,
    /// The parts of the page.
    pub(crate) tabs: Vec<Choice>,
    /// The one shown.
    pub(crate) part: Part,
    /// Where it is scanned again; `None` without the right or the way to.
    pub(crate) scan: Option<String>,
    /// Where it is deleted; `None` without the right.
    pub(crate) delete: Option<String>,
}

/// Something known of an asset.
#[derive(Debug)]
pub(crate) struct Fact {
    /// What.
    pub(crate) name: &'static str,
    /// Its values, some of which lead somewhere.
    pub(crate) values: Vec<(String, Option<Link>)>,
}

/// A part of the page.
#[derive(Debug)]
pub(crate) enum Part {
    /// What is wrong with it.
    Findings(Box<Findings>),
    /// Which layer brought what.
    Layers(Vec<Layer>),
    /// What to install.
    Plan(Vec<Step>),
    /// What hides findings; `None` without the right to see it.
    Exceptions(Option<Vec<Excepted>>),
    /// How it came and went.
    History(History),
    /// Containers of an image, and how many there are.
    Containers(Vec<Container>, usize),
    /// Beside another asset.
    Compare(Box<Compare>),
}

/// The findings of the asset.
#[derive(Debug)]
pub(crate) struct Findings {
    /// The question in the part's own box.
    pub(crate) question: String,
    /// Where the box goes.
    pub(crate) action: String,
    /// What is wrong with it.
    pub(crate) error: Option<QuestionError>,
    /// Its terms.
    pub(crate) terms: Vec<Term>,
    /// The layer that is asked for, cut; empty for all.
    pub(crate) layer: String,
    /// Without that.
    pub(crate) all_layers: Link,
    /// The most urgent first.
    pub(crate) lines: Vec<Finding>,
    /// Other rows.
    pub(crate) pager: Pager,
    /// The same as a file.
    pub(crate) csv: Link,
    /// Where an exception of them begins; `None` without the right.
    pub(crate) except: Option<Link>,
}

/// A finding.
#[derive(Debug)]
pub(crate) struct Finding {
    /// Severity.
    pub(crate) severity: Severity,
    /// Id of the vulnerability.
    pub(crate) vulnerability: String,
    /// Its page.
    pub(crate) link: Link,
    /// Its one line.
    pub(crate) title: String,
    /// Known to be exploited.
    pub(crate) kev: bool,
    /// Package and version.
    pub(crate) package: String,
    /// Page of the package.
    pub(crate) package_link: Link,
    /// The term that finds it.
    pub(crate) term: String,
    /// What the advisory says, and the version with the fix.
    pub(crate) state: String,
    /// First version with the fix, or empty.
    pub(crate) fixed: String,
    /// Layer that brought the package, cut, and its findings; `None` where there are no layers.
    pub(crate) layer: Option<(String, Link)>,
    /// Whether the image of the container brought it.
    pub(crate) inherited: bool,
    /// Title of the exception that hides it, and its page for those who may see it.
    pub(crate) exception: Option<(String, Option<Link>)>,
    /// Since when.
    pub(crate) since: String,
    /// Why it is there.
    pub(crate) explain: Link,
}

/// A layer.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Its digest; empty where there are no layers.
    pub(crate) digest: String,
    /// Whether it is one of the container's image.
    pub(crate) inherited: bool,
    /// Packages in it.
    pub(crate) packages: usize,
    /// Findings of these packages that no exception hides.
    pub(crate) findings: usize,
    /// Those findings.
    pub(crate) link: Link,
    /// Vulnerabilities by severity, worst first, those that are not 0.
    pub(crate) bands: Vec<(Severity, usize)>,
}

/// An upgrade.
#[derive(Debug)]
pub(crate) struct Step {
    /// Source package.
    pub(crate) name: String,
    /// Its ecosystem.
    pub(crate) ecosystem: String,
    /// Packages of it that are installed.
    pub(crate) packages: String,
    /// Versions of them.
    pub(crate) installed: String,
    /// The version to go to.
    pub(crate) fixed: String,
    /// Vulnerabilities that it removes.
    pub(crate) removes: usize,
    /// Of them, known to be exploited.
    pub(crate) kev: usize,
    /// By severity, worst first, those that are not 0.
    pub(crate) bands: Vec<(Severity, usize)>,
    /// Its findings.
    pub(crate) link: Link,
}

/// An exception that is for the asset.
#[derive(Debug)]
pub(crate) struct Excepted {
    /// One line.
    pub(crate) title: String,
    /// Its page.
    pub(crate) link: Link,
    /// pending, holds, not yet, expired, rejected, ended.
    pub(crate) standing: &'static str,
    /// How it came to the asset.
    pub(crate) way: String,
    /// Which vulnerabilities.
    pub(crate) vulnerabilities: String,
    /// First day.
    pub(crate) from: String,
    /// First instant at which it no longer holds, or empty.
    pub(crate) until: String,
    /// Who asked.
    pub(crate) by: String,
}

/// How the asset came and went.
#[derive(Debug)]
pub(crate) struct History {
    /// When it was first known.
    pub(crate) first_seen: String,
    /// References, the newest first: name, since, until.
    pub(crate) references: Vec<(String, String, String)>,
    /// Days on which vulnerabilities opened or closed, the newest first: day, opened, closed, open after it.
    pub(crate) days: Vec<(String, usize, usize, usize)>,
    /// Days that are left out.
    pub(crate) older: usize,
}

/// A container of an image.
#[derive(Debug)]
pub(crate) struct Container {
    /// Its name.
    pub(crate) name: String,
    /// Its page.
    pub(crate) link: Link,
    /// What it does.
    pub(crate) state: &'static str,
    /// Where.
    pub(crate) host: String,
    /// Last seen.
    pub(crate) observed: String,
}

/// Beside another asset.
#[derive(Debug)]
pub(crate) struct Compare {
    /// Where the box goes.
    pub(crate) action: String,
    /// The id that was typed.
    pub(crate) typed: String,
    /// What is wrong with it, or empty.
    pub(crate) problem: String,
    /// Others that lie near: words and the page with them.
    pub(crate) near: Vec<(String, Link)>,
    /// The other one: its name and page.
    pub(crate) other: Option<(String, Link)>,
    /// Title, how many, and the first of them.
    pub(crate) lists: Vec<(&'static str, usize, Vec<Compared>)>,
}

/// A vulnerability of a package on one or both sides.
#[derive(Debug, Clone)]
pub(crate) struct Compared {
    /// Severity.
    pub(crate) severity: Severity,
    /// Id of the vulnerability.
    pub(crate) vulnerability: String,
    /// Its page.
    pub(crate) link: Link,
    /// Name of the package.
    pub(crate) package: String,
    /// Its versions here and there.
    pub(crate) versions: String,
}
