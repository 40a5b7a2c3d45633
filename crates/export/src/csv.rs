//! Findings as CSV: RFC 4180 with the formula guard of [`guard`](crate::guard).
//!
//! Texts are written as they are, several texts in one cell are joined by one space, yes and no are
//! `yes` and `no`, instants are RFC 3339 in UTC, numbers have a point, and what is not known is an
//! empty cell.

use std::io::{self, Write};

use parapet_model::finding::Finding;

use crate::columns::Columns;
use crate::instants::{Instants, day};
use crate::quote::push_cell;
use crate::rows::{RowFormat, RowWriter};
use crate::value::{Value, push_number};

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Newline {
    /// One line feed, as line tools like it.
    #[default]
    Lf,
    /// Carriage return and line feed, as RFC 4180 has it.
    CrLf,
}

impl Newline {
    pub(crate) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }
}

/// The dialect of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvOptions {
    /// Begin with a byte order mark, by which spreadsheet programs recognise UTF-8.
    pub bom: bool,
    /// Begin with a line of titles.
    pub header: bool,
    /// Leave the formula guard out: cells hold exactly the stored text. Only for machines.
    pub raw: bool,
    /// How lines end.
    pub newline: Newline,
}

impl Default for CsvOptions {
    /// For scripts: titles, guard, line feeds, no byte order mark.
    fn default() -> Self {
        Self { bom: false, header: true, raw: false, newline: Newline::Lf }
    }
}

impl CsvOptions {
    /// For spreadsheet programs, and what the HSS family sends: byte order mark and CRLF.
    pub const SPREADSHEET: Self = Self { bom: true, header: true, raw: false, newline: Newline::CrLf };

    /// Appends what comes before the first row. Titles are guarded too: HSS takes them from the
    /// request.
    pub(crate) fn preamble<'a>(self, out: &mut Vec<u8>, labels: impl Iterator<Item = &'a str>) {
        if self.bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        if self.header {
            let start = out.len();
            for (index, label) in labels.enumerate() {
                self.cell(out, index, label);
            }
            self.end_row(out, start);
        }
    }

    /// Appends a cell and the comma before it.
    pub(crate) fn cell(self, out: &mut Vec<u8>, index: usize, text: &str) {
        if index > 0 {
            out.push(b',');
        }
        push_cell(out, text, !self.raw);
    }

    /// Ends the row that begins at `start`. A row that is one empty cell is written as `""`, because
    /// readers skip empty lines.
    pub(crate) fn end_row(self, out: &mut Vec<u8>, start: usize) {
        if out.len() == start {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(self.newline.bytes());
    }
}

/// Writes findings as CSV.
#[derive(Debug)]
pub struct FindingsCsv<W>(RowWriter<W, CsvFormat>);

impl<W: Write> FindingsCsv<W> {
    /// A writer of these columns. Nothing is passed to `writer` before some rows have come together.
    pub fn new(writer: W, columns: &Columns, options: CsvOptions) -> Self {
        let mut rows = RowWriter::new(writer, columns, CsvFormat::new(options));
        let labels = columns.headings().iter().map(|heading| heading.label.as_str());
        rows.preamble(|out| options.preamble(out, labels));
        Self(rows)
    }

    /// Writes one finding. Findings of one asset are best written one after the other.
    ///
    /// # Errors
    /// What the writer below says; the whole stack is then to be dropped.
    pub fn row(&mut self, finding: &Finding<'_>) -> io::Result<()> {
        self.0.row(finding)
    }

    /// Findings written so far.
    pub fn rows(&self) -> u64 {
        self.0.rows()
    }

    /// Passes on what is left and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

#[derive(Debug)]
pub(crate) struct CsvFormat {
    options: CsvOptions,
    instants: Instants,
}

impl CsvFormat {
    pub(crate) fn new(options: CsvOptions) -> Self {
        Self { options, instants: Instants::new() }
    }
}

impl RowFormat for CsvFormat {
    fn cell(&mut self, out: &mut Vec<u8>, index: usize, value: &Value<'_>) {
        if index > 0 {
            out.push(b',');
        }
        let guarded = !self.options.raw;
        // Only texts can hold a comma, a quote or a formula.
        match value {
            Value::Null => {}
            Value::Text(text) => push_cell(out, text, guarded),
            Value::List(texts) => push_cell(out, &texts.gather().join(" "), guarded),
            Value::Word(word) => out.extend_from_slice(word.as_bytes()),
            Value::Id(id) => {
                out.extend_from_slice(id.as_hyphenated().encode_lower(&mut [0; 36]).as_bytes());
            }
            Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Number(number) => push_number(out, *number),
            Value::Flag(flag) => out.extend_from_slice(if *flag { b"yes" } else { b"no" }),
            Value::Instant(at) => out.extend_from_slice(self.instants.text(*at).as_bytes()),
            Value::Day(at) => out.extend_from_slice(day(*at).as_bytes()),
        }
    }

    #[inline]
    fn end_row(&self, out: &mut Vec<u8>, start: usize) {
        self.options.end_row(out, start);
    }
}
