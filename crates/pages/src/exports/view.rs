//! What the pages of exports show.

use askama::Template;
use parapet_model::job::JobState;

use crate::filters;
use crate::layout::Layout;
use crate::link::Link;
use crate::parts::QuestionError;

/// The files that were asked for.
#[derive(Debug, Template)]
#[template(path = "exports.html")]
pub(crate) struct Exports {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// Milliseconds after which to look again, while something is unfinished.
    pub(crate) poll: Option<u32>,
    /// How many there are in all.
    pub(crate) total: u64,
    /// Newest first.
    pub(crate) lines: Vec<Line>,
    /// Back to the newest.
    pub(crate) newest: Option<Link>,
    /// On to older ones.
    pub(crate) older: Option<Link>,
    /// The same as a file.
    pub(crate) csv: Link,
}

/// One export.
#[derive(Debug)]
pub(crate) struct Line {
    /// Id of its job.
    pub(crate) id: String,
    /// What was asked; empty for everything.
    pub(crate) question: String,
    /// How it is written.
    pub(crate) format: &'static str,
    /// The past instant it is of, or empty.
    pub(crate) as_of: String,
    /// Who asked.
    pub(crate) owner: String,
    /// When.
    pub(crate) created: String,
    /// Where it stands.
    pub(crate) state: JobState,
    /// Why it failed, or empty.
    pub(crate) error: String,
    /// Rows written so far.
    pub(crate) done: u64,
    /// Rows promised.
    pub(crate) total: u64,
    /// Whether rows are being written.
    pub(crate) running: bool,
    /// Whether something will still happen.
    pub(crate) unfinished: bool,
    /// The file, when it is there.
    pub(crate) file: Option<File>,
    /// Where it is cancelled; `None` without the right and when it is over.
    pub(crate) cancel: Option<String>,
}

/// A finished file.
#[derive(Debug)]
pub(crate) struct File {
    /// Its name.
    pub(crate) name: String,
    /// Its size with unit.
    pub(crate) size: String,
    /// Its checksum in hex.
    pub(crate) sha256: String,
    /// When it goes.
    pub(crate) expires: String,
    /// Where it is downloaded; `None` once its time is over.
    pub(crate) link: Option<String>,
}

/// The form for a new export.
#[derive(Debug, Template)]
#[template(path = "export_new.html")]
pub(crate) struct New {
    /// Surroundings.
    pub(crate) layout: Layout,
    /// The question as it was typed.
    pub(crate) question: String,
    /// What is wrong with it.
    pub(crate) error: Option<QuestionError>,
    /// How many rows it has now, where that was counted.
    pub(crate) rows: Option<u64>,
    /// This page with the rows counted.
    pub(crate) count: Link,
    /// Word, what it is for, whether it is chosen.
    pub(crate) formats: Vec<(&'static str, &'static str, bool)>,
    /// Word, what it shows, whether it is chosen.
    pub(crate) columns: Vec<(&'static str, &'static str, bool)>,
    /// A past instant as it was typed.
    pub(crate) as_of: String,
    /// What is wrong with it, or empty.
    pub(crate) as_of_error: String,
    /// Judged by what is known today.
    pub(crate) hindsight: bool,
    /// Days for which the file is kept, as they were typed.
    pub(crate) keep_days: String,
    /// What is wrong with them, or empty.
    pub(crate) keep_days_error: String,
    /// In a ZIP.
    pub(crate) zip: bool,
    /// For spreadsheet programs.
    pub(crate) spreadsheet: bool,
    /// With kernels that do not run.
    pub(crate) kernels: bool,
    /// Why it was refused, or empty.
    pub(crate) problem: String,
}
