//! Findings as lines of CSV or JSON, or as rows of a sheet, that are taken piece by piece: for several threads
//! that each make a part of a file, and one that puts the pieces together in order.

use std::io;

use parapet_model::finding::{Finding, Likeness};

use crate::columns::Columns;
use crate::csv::{CsvFormat, CsvOptions};
use crate::jsonl::JsonFormat;
use crate::rows::RowWriter;
use crate::xlsx::XlsxFormat;

/// See the module. One after the other, its pieces are the rows of a
/// [`FindingsCsv`](crate::FindingsCsv), a [`FindingsJsonl`](crate::FindingsJsonl) or the sheets of a
/// [`FindingsXlsx`](crate::FindingsXlsx), byte for byte.
#[derive(Debug)]
pub struct FindingLines(Lines);

#[derive(Debug)]
enum Lines {
    Csv(RowWriter<io::Sink, CsvFormat>),
    Json(RowWriter<io::Sink, JsonFormat>),
    Xlsx(RowWriter<io::Sink, XlsxFormat>),
}

macro_rules! lines {
    ($lines:expr, $rows:ident => $then:expr) => {
        match $lines {
            Lines::Csv($rows) => $then,
            Lines::Json($rows) => $then,
            Lines::Xlsx($rows) => $then,
        }
    };
}

impl FindingLines {
    /// Rows of a CSV, without the header. `writers`: as many work at once and share the memory for what is kept.
    pub fn csv(columns: &Columns, options: CsvOptions, writers: usize) -> Self {
        Self(Lines::Csv(RowWriter::to_be_taken(columns, CsvFormat::new(options), writers)))
    }

    /// Lines of JSON.
    pub fn jsonl(columns: &Columns, writers: usize) -> Self {
        Self(Lines::Json(RowWriter::to_be_taken(columns, JsonFormat::new(columns), writers)))
    }

    /// Rows of a sheet, for [`FindingsXlsx::ready_rows`](crate::FindingsXlsx::ready_rows).
    pub fn xlsx(columns: &Columns, writers: usize) -> Self {
        Self(Lines::Xlsx(RowWriter::to_be_taken(columns, XlsxFormat, writers)))
    }

    /// Writes all findings of a package on an asset. `base` is asset and package; `each` visits the
    /// findings, and is not asked where [`Likeness`] lets them be known from another asset.
    pub fn package(
        &mut self,
        base: &Finding<'_>,
        likeness: Likeness,
        each: impl FnOnce(&mut dyn FnMut(&Finding<'_>)),
    ) {
        // Memory takes every byte, so this cannot fail.
        let _ = lines!(&mut self.0, rows => rows.package(base, likeness, each));
    }

    /// Findings written so far.
    pub fn rows(&self) -> u64 {
        lines!(&self.0, rows => rows.rows())
    }

    /// Bytes that can be taken.
    pub fn ready(&self) -> usize {
        lines!(&self.0, rows => rows.ready())
    }

    /// Takes what was written since the last time; `spare` is filled next, whatever was in it.
    pub fn take(&mut self, spare: Vec<u8>) -> Vec<u8> {
        lines!(&mut self.0, rows => rows.take(spare))
    }
}
