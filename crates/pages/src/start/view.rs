//! What changed, what needs me?

use askama::Template;
use parapet_model::Severity;

use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Choice, Pager};

/// The first page.
#[derive(Debug, Template)]
#[template(path = "start.html")]
pub(crate) struct Start {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// Since when changes are shown, in words.
    pub(crate) since: String,
    /// Other times to begin.
    pub(crate) periods: Vec<Choice>,
    /// What opened and closed; `None` without the right.
    pub(crate) changes: Option<Later<Changed>>,
    /// Exceptions that wait for a decision; `None` without the right to decide.
    pub(crate) approvals: Option<Waiting>,
    /// Exceptions that end soon; `None` without the right to see them.
    pub(crate) expiring: Option<Vec<Expiring>>,
    /// The same of controls; `None` without the right.
    pub(crate) compliance: Option<Later<Compliance>>,
    /// What may be worse than it looks.
    pub(crate) alarms: Vec<Alarm>,
    /// Whether there is no asset yet.
    pub(crate) nothing_scanned: bool,
    /// Whether the visitor may begin.
    pub(crate) may_begin: bool,
    /// Whether alarms can be seen.
    pub(crate) sees_alarms: bool,
    /// The worst vulnerabilities; `None` without the right.
    pub(crate) worst: Option<Later<Vec<Worst>>>,
}

/// A part that comes later.
#[derive(Debug)]
pub(crate) enum Later<T> {
    /// Where it is.
    Link(Link),
    /// It is here.
    Here(T),
}

/// What opened and closed.
#[derive(Debug)]
pub(crate) struct Changed {
    /// What opened, by cause.
    pub(crate) opened: Vec<Cause>,
    /// What closed, by cause.
    pub(crate) closed: Vec<Cause>,
    /// Exceptions that ended, and how many findings show again.
    pub(crate) ended: Vec<Ended>,
    /// How many more ended.
    pub(crate) more_ended: usize,
}

/// How much changed for one cause.
#[derive(Debug)]
pub(crate) struct Cause {
    /// In words.
    pub(crate) words: &'static str,
    /// How many.
    pub(crate) count: u64,
    /// The rows.
    pub(crate) link: Link,
}

/// An exception that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// One line.
    pub(crate) title: String,
    /// Its page.
    pub(crate) link: Link,
    /// When.
    pub(crate) at: String,
    /// Findings that show again.
    pub(crate) findings: u64,
}

/// What waits for a decision.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// How many.
    pub(crate) count: usize,
    /// The queue.
    pub(crate) link: Link,
}

/// An exception that ends soon.
#[derive(Debug)]
pub(crate) struct Expiring {
    /// One line.
    pub(crate) title: String,
    /// Its page.
    pub(crate) link: Link,
    /// When.
    pub(crate) at: String,
}

/// Exceptions of controls.
#[derive(Debug)]
pub(crate) struct Compliance {
    /// Those that wait; `None` without the right to decide.
    pub(crate) waiting: Option<Waiting>,
    /// Those that end soon.
    pub(crate) expiring: Waiting,
    /// Whether there may be more than was counted.
    pub(crate) cut: bool,
}

/// Something that may be worse than it looks.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// How many.
    pub(crate) count: u64,
    /// Of what.
    pub(crate) what: String,
    /// Why it matters.
    pub(crate) why: String,
    /// The rows; `None` without the right to see them.
    pub(crate) link: Option<Link>,
}

/// A vulnerability.
#[derive(Debug)]
pub(crate) struct Worst {
    /// Worst severity among its findings.
    pub(crate) severity: Severity,
    /// Its id.
    pub(crate) id: String,
    /// Its page.
    pub(crate) link: Link,
    /// Its one line.
    pub(crate) title: String,
    /// Known to be exploited.
    pub(crate) kev: bool,
    /// Assets that have it.
    pub(crate) assets: u64,
    /// Those assets.
    pub(crate) assets_link: Link,
    /// Its findings with a fix.
    pub(crate) fixable: u64,
    /// Those findings.
    pub(crate) fixable_link: Link,
}

/// The rows behind one number of the first page.
#[derive(Debug, Template)]
#[template(path = "changes.html")]
pub(crate) struct ChangesPage {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// What they are.
    pub(crate) title: String,
    /// Since when.
    pub(crate) since: String,
    /// The rows.
    pub(crate) lines: Vec<ChangeLine>,
    /// Other rows.
    pub(crate) pager: Pager,
    /// Rows that can be paged through, where there are more.
    pub(crate) cut: Option<usize>,
    /// The same rows as a file.
    pub(crate) csv: Link,
}

/// A vulnerability on an asset.
#[derive(Debug)]
pub(crate) struct ChangeLine {
    /// Severity of the vulnerability.
    pub(crate) severity: Severity,
    /// Its id.
    pub(crate) vulnerability: String,
    /// Its page.
    pub(crate) vulnerability_link: Link,
    /// Its one line.
    pub(crate) title: String,
    /// The asset.
    pub(crate) asset: String,
    /// Its page.
    pub(crate) asset_link: Link,
    /// image, container or host.
    pub(crate) kind: &'static str,
}
