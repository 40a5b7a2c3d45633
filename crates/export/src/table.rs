//! Any rows of texts as CSV, in the same dialect as the findings: what is not a finding per row,
//! such as one vulnerability per row, is written with this.

use std::io::{self, Write};

use crate::buffer::Buffer;
use crate::csv::CsvOptions;

/// Writes rows of texts as CSV.
#[derive(Debug)]
pub struct TableCsv<W> {
    buffer: Buffer<W>,
    options: CsvOptions,
    columns: usize,
}

impl<W: Write> TableCsv<W> {
    /// A writer of rows with as many cells as there are titles.
    pub fn new<L: AsRef<str>>(writer: W, labels: &[L], options: CsvOptions) -> Self {
        let mut buffer = Buffer::new(writer);
        options.preamble(&mut buffer.bytes, labels.iter().map(AsRef::as_ref));
        Self { buffer, options, columns: labels.len() }
    }

    /// Writes one row.
    ///
    /// # Errors
    /// `InvalidInput`, and nothing written, when the number of cells is not that of the titles;
    /// else what the writer below says.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) -> io::Result<()> {
        let out = &mut self.buffer.bytes;
        let start = out.len();
        let mut count = 0;
        for (index, cell) in cells.into_iter().enumerate() {
            self.options.cell(out, index, cell.as_ref());
            count = index + 1;
        }
        self.end_row(start, count)
    }

    /// Appends the cell of column `index` as it stands in the file, with the comma before it.
    pub fn encode(&self, index: usize, text: &str, out: &mut Vec<u8>) {
        self.options.cell(out, index, text);
    }

    /// Writes one row of parts whose cells were [encoded](Self::encode) before and come in order, one for
    /// each title: most rows share parts with others.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn joined_row<'p>(&mut self, parts: impl IntoIterator<Item = &'p [u8]>) -> io::Result<()> {
        let out = &mut self.buffer.bytes;
        let start = out.len();
        parts.into_iter().for_each(|part| out.extend_from_slice(part));
        self.options.end_row(out, start);
        self.buffer.row_done()
    }

    fn end_row(&mut self, start: usize, count: usize) -> io::Result<()> {
        let out = &mut self.buffer.bytes;
        if count != self.columns {
            out.truncate(start);
            let message = format!("a row of {count} cells in a table of {} columns", self.columns);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.options.end_row(out, start);
        self.buffer.row_done()
    }

    /// Rows written so far, the titles not counted.
    pub fn rows(&self) -> u64 {
        self.buffer.rows()
    }

    /// Passes on what is left and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(self) -> io::Result<W> {
        self.buffer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_titles() {
        let mut table = TableCsv::new(Vec::new(), &["id", "=title"], CsvOptions::SPREADSHEET);
        table.row(["CVE-2026-1", "a, \"b\""]).unwrap();
        table.row([String::from("-x"), String::new()]).unwrap();
        assert_eq!(table.rows(), 2);
        let bytes = table.finish().unwrap();
        let expected = "\u{feff}id,'=title\r\nCVE-2026-1,\"a, \"\"b\"\"\"\r\n'-x,\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_row_of_another_length_is_refused_and_leaves_no_trace() {
        let mut table = TableCsv::new(Vec::new(), &["a", "b"], CsvOptions::default());
        let error = table.row(["only one"]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(table.row(["1", "2", "3"]).is_err());
        table.row(["1", "2"]).unwrap();
        assert_eq!(table.finish().unwrap(), b"a,b\n1,2\n");
    }

    #[test]
    fn cells_that_were_encoded_before_make_the_same_rows() {
        let rows = [["a, \"b\"", "=1", ""], ["", "x", "y"]];
        let labels = ["one", "two", "three"];
        let mut plain = TableCsv::new(Vec::new(), &labels, CsvOptions::SPREADSHEET);
        let mut joined = TableCsv::new(Vec::new(), &labels, CsvOptions::SPREADSHEET);
        for row in rows {
            plain.row(row).unwrap();
            let (mut first, mut rest) = (Vec::new(), Vec::new());
            joined.encode(0, row[0], &mut first);
            joined.encode(1, row[1], &mut rest);
            joined.encode(2, row[2], &mut rest);
            joined.joined_row([first.as_slice(), &rest]).unwrap();
        }
        assert_eq!(joined.rows(), 2);
        assert_eq!(joined.finish().unwrap(), plain.finish().unwrap());
    }

    #[test]
    fn a_single_empty_cell_is_a_row() {
        let mut table = TableCsv::new(Vec::new(), &["a"], CsvOptions::default());
        table.row([""]).unwrap();
        assert_eq!(table.finish().unwrap(), b"a\n\"\"\n");
    }
}
