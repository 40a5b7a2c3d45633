//! Which controls fail?

use askama::Template;
use parapet_service::control_posture::HostSum;

use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::{Choice, Pager};

/// The policies, or one of them.
#[derive(Debug, Template)]
#[template(path = "compliance.html")]
pub(crate) struct Compliance {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// All policies.
    pub(crate) policies: Vec<PolicyLine>,
    /// Table or list.
    pub(crate) views: Vec<Choice>,
    /// All results of the policy as a file.
    pub(crate) csv: Link,
    /// The policy that is shown.
    pub(crate) policy: Option<PolicyLine>,
    /// How it stands.
    pub(crate) sum: Option<Sum>,
    /// How many exceptions wait; `None` without the right to see them.
    pub(crate) waiting: Option<u64>,
    /// What is below.
    pub(crate) shown: Shown,
}

/// A policy in a list.
#[derive(Debug)]
pub(crate) struct PolicyLine {
    /// Its number.
    pub(crate) no: u32,
    /// Its page.
    pub(crate) link: Link,
    /// Its title.
    pub(crate) title: String,
    /// Version of its benchmark.
    pub(crate) version: String,
    /// When a host was looked at last for it.
    pub(crate) evaluated: String,
    /// How it stands, when that was counted.
    pub(crate) sum: Option<Sum>,
}

/// How many results stand how.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    /// Met.
    pub(crate) passed: u64,
    /// Not met, and not accepted.
    pub(crate) failed: u64,
    /// Not judged.
    pub(crate) error: u64,
    /// Not met under an exception that holds.
    pub(crate) accepted: u64,
}

impl Sum {
    /// From the sums of the store, where what is accepted counts as failed.
    pub(crate) fn of(sum: &HostSum) -> Self {
        let accepted = sum.accepted.min(sum.failed);
        Self { passed: sum.passed, failed: sum.failed - accepted, error: sum.error, accepted }
    }
}

/// What is below the choices.
#[derive(Debug)]
pub(crate) enum Shown {
    /// No policy is chosen.
    Policies {
        /// Whether they are counted.
        counted: bool,
    },
    /// Controls by hosts.
    Table {
        /// Controls.
        rows: Vec<ControlRow>,
        /// Other controls.
        row_pages: Pager,
        /// Hosts.
        hosts: Vec<HostColumn>,
        /// Other hosts.
        column_pages: Pager,
        /// Text in controls.
        text: String,
        /// Text in names of hosts.
        host: String,
        /// Whether only failing controls are shown.
        failing: bool,
        /// Words, names and whether they are chosen.
        criticalities: Vec<(&'static str, String, bool)>,
    },
    /// Results one by one.
    List {
        /// The results.
        rows: Vec<ResultLine>,
        /// Which postures.
        postures: Vec<Choice>,
        /// What narrows it beside, and the list without it.
        only: Vec<(String, Link)>,
        /// First row, last row, rows of the whole list.
        pages: (usize, usize, u64),
        /// The beginning of the list, when this is not it.
        start: Option<Link>,
        /// The rows after.
        next: Option<Link>,
    },
}

/// A control with its results.
#[derive(Debug)]
pub(crate) struct ControlRow {
    /// Its failures.
    pub(crate) link: Link,
    /// What it demands.
    pub(crate) statement: String,
    /// How much it matters.
    pub(crate) criticality: String,
    /// Its group.
    pub(crate) category: String,
    /// How it stands on all hosts.
    pub(crate) sum: Sum,
    /// By host: results, and how many more there are.
    pub(crate) cells: Vec<(Vec<Cell>, usize)>,
}

/// A host.
#[derive(Debug)]
pub(crate) struct HostColumn {
    /// Its failures.
    pub(crate) link: Link,
    /// Its name.
    pub(crate) name: String,
    /// Controls that fail on it.
    pub(crate) failed: u64,
}

/// A result in a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// Its page.
    pub(crate) link: Link,
    /// How it stands.
    pub(crate) word: &'static str,
    /// How its tag looks.
    pub(crate) class: &'static str,
    /// Which of several things it is about; empty for the whole host.
    pub(crate) instance: String,
    /// The day it changed, when that is not long ago.
    pub(crate) changed: String,
}

/// A result in a list.
#[derive(Debug)]
pub(crate) struct ResultLine {
    /// How it stands.
    pub(crate) cell: Cell,
    /// What the control demands.
    pub(crate) statement: String,
    /// How much it matters.
    pub(crate) criticality: String,
    /// The host.
    pub(crate) host: String,
    /// Page of the host.
    pub(crate) host_link: Link,
    /// Since when it stands so.
    pub(crate) since: String,
    /// When the host was looked at last.
    pub(crate) evaluated: String,
}
