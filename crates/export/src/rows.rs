//! From findings to rows, whatever the format.
//!
//! A selection is cut in three: the leading columns that depend on the asset alone, the trailing
//! ones that depend on (package, vulnerability) alone, and what lies between. The first part is
//! formatted when the asset changes, the last is taken from a bounded cache, and only the middle is
//! formatted for every row. A selection in another order is all middle: same bytes, more work.

use std::io::{self, Write};

use parapet_model::filter::Level;
use parapet_model::finding::Finding;
use parapet_model::{AssetNo, Millis};

use crate::buffer::Buffer;
use crate::columns::{Column, Columns};
use crate::tails::{self, Tails};
use crate::value::{Value, value_of};

/// How a format writes a row. What a cell writes depends on its index and value alone, so that
/// cells may be kept and copied.
pub(crate) trait RowFormat {
    /// Appends a cell with whatever separates it from the one before. Cells come in order.
    fn cell(&mut self, out: &mut Vec<u8>, index: usize, value: &Value<'_>);

    /// Ends the row that begins at `start`.
    fn end_row(&self, out: &mut Vec<u8>, start: usize);
}

/// Writes findings in a format.
#[derive(Debug)]
pub(crate) struct RowWriter<W, F> {
    buffer: Buffer<W>,
    format: F,
    references_at: Option<Millis>,
    asset_part: Part,
    middle_part: Part,
    match_part: Part,
    /// The asset part of the asset it names.
    prefix: Option<(AssetNo, Vec<u8>)>,
    tails: Tails,
}

/// Neighbouring columns and the index of the first.
#[derive(Debug)]
struct Part {
    first: usize,
    columns: Vec<Column>,
}

impl Part {
    fn write<F: RowFormat>(
        &self,
        format: &mut F,
        finding: &Finding<'_>,
        references_at: Option<Millis>,
        out: &mut Vec<u8>,
    ) {
        for (index, &column) in (self.first..).zip(&self.columns) {
            format.cell(out, index, &value_of(column, finding, references_at));
        }
    }
}

/// Asset part, middle part and match part of a selection.
fn parts(columns: &[Column]) -> [Part; 3] {
    let is_not = |level| move |column: &Column| column.level() != level;
    let middle_at = columns.iter().position(is_not(Level::Asset)).unwrap_or(columns.len());
    let (asset, rest) = columns.split_at(middle_at);
    let match_at = rest.iter().rposition(is_not(Level::Match)).map_or(0, |last| last + 1);
    let (middle, matches) = rest.split_at(match_at);
    let part = |first, columns: &[Column]| Part { first, columns: columns.to_vec() };
    [part(0, asset), part(middle_at, middle), part(middle_at + match_at, matches)]
}

impl<W: Write, F: RowFormat> RowWriter<W, F> {
    pub(crate) fn new(writer: W, columns: &Columns, format: F) -> Self {
        let chosen: Vec<Column> = columns.headings().iter().map(|heading| heading.column).collect();
        let [asset_part, middle_part, match_part] = parts(&chosen);
        Self {
            buffer: Buffer::new(writer),
            format,
            references_at: columns.references_at(),
            asset_part,
            middle_part,
            match_part,
            prefix: None,
            tails: Tails::new(tails::LIMIT),
        }
    }

    /// Appends bytes that are no row: a byte order mark, a header.
    pub(crate) fn preamble(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.buffer.bytes);
    }

    pub(crate) fn row(&mut self, finding: &Finding<'_>) -> io::Result<()> {
        let Self { buffer, format, references_at, .. } = self;
        let out = &mut buffer.bytes;
        let start = out.len();

        if self.prefix.as_ref().is_none_or(|(asset, _)| *asset != finding.asset.no) {
            let mut text = self.prefix.take().map_or_else(Vec::new, |(_, text)| text);
            text.clear();
            self.asset_part.write(format, finding, *references_at, &mut text);
            self.prefix = Some((finding.asset.no, text));
        }
        if let Some((_, text)) = &self.prefix {
            out.extend_from_slice(text);
        }

        self.middle_part.write(format, finding, *references_at, out);

        let (package, vulnerability) = (finding.package.no, finding.vulnerability.no);
        if !self.match_part.columns.is_empty() && !self.tails.copy(package, vulnerability, out) {
            let tail_at = out.len();
            self.match_part.write(format, finding, *references_at, out);
            if let Some(tail) = out.get(tail_at..) {
                self.tails.keep(package, vulnerability, tail);
            }
        }

        format.end_row(out, start);
        buffer.row_done()
    }

    pub(crate) fn rows(&self) -> u64 {
        self.buffer.rows()
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        self.buffer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(columns: &[Column]) -> [(usize, usize); 3] {
        parts(columns).map(|part| (part.first, part.columns.len()))
    }

    #[test]
    fn a_selection_is_cut_at_its_levels() {
        use Column::{Asset, Blank, FirstFound, Kind, Package, Version};
        assert_eq!(cut(&[]), [(0, 0), (0, 0), (0, 0)]);
        assert_eq!(cut(&[Kind, FirstFound, Package, Version]), [(0, 1), (1, 1), (2, 2)]);
        assert_eq!(cut(&[Package, Asset]), [(0, 0), (0, 2), (2, 0)]);
        assert_eq!(cut(&[Asset, Package, FirstFound, Blank]), [(0, 1), (1, 2), (3, 1)]);
        assert_eq!(cut(&[Package, Version]), [(0, 0), (0, 0), (0, 2)]);
    }
}
