//! From findings to rows, whatever the format.
//!
//! A selection is cut in three: the leading columns that depend on the asset alone, the trailing
//! ones that depend on (package, vulnerability) alone, and what lies between. The first part is
//! formatted when the asset changes, the last is taken from a bounded cache, and the middle is
//! formatted anew only when it differs from the row before, which it seldom does: the findings of an
//! asset share the instants of its scan. A selection in another order is all middle and formatted
//! for every row: same bytes, more work.
//!
//! Where the findings of a package are the same on every asset ([`Likeness`]), the trailing parts of all its
//! rows are taken from the cache at once, and the findings need not be looked at.

use std::io::{self, Write};

use parapet_model::filter::Level;
use parapet_model::finding::{Finding, Likeness};
use parapet_model::{AssetNo, ExceptionNo, Millis};

use crate::buffer::Buffer;
use crate::columns::{Column, Columns};
use crate::tails::{self, Block, Tails, key_of};
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
    head: Head,
    match_part: Part,
    tails: Tails,
    /// A head, or tails that are gathered.
    text: Vec<u8>,
}

/// All of a row but its trailing part.
#[derive(Debug)]
struct Head {
    asset_part: Part,
    middle_part: Part,
    asset_text: Last<AssetNo>,
    middle_text: Last<Circumstances>,
}

impl Head {
    #[inline]
    fn write<F: RowFormat>(
        &mut self,
        format: &mut F,
        finding: &Finding<'_>,
        references_at: Option<Millis>,
        out: &mut Vec<u8>,
    ) {
        let asset_text = self.asset_text.get(finding.asset.no, |text| {
            self.asset_part.write(format, finding, references_at, text);
        });
        out.extend_from_slice(asset_text);
        if self.is_of_circumstances() {
            let middle_text = self.middle_text.get(Circumstances::of(finding), |text| {
                self.middle_part.write(format, finding, references_at, text);
            });
            out.extend_from_slice(middle_text);
        } else {
            self.middle_part.write(format, finding, references_at, out);
        }
    }

    /// Whether it is the same for rows that differ in vulnerability and verdict alone.
    fn is_of_circumstances(&self) -> bool {
        self.middle_part.columns.is_empty() || self.middle_part.level == Some(Level::Finding)
    }
}

/// All that the columns of level `Finding` read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Circumstances {
    first_found: Millis,
    reopened_at: Millis,
    last_found: Millis,
    not_run_here: bool,
    exception: Option<ExceptionNo>,
}

impl Circumstances {
    pub(crate) fn of(finding: &Finding<'_>) -> Self {
        Self {
            first_found: finding.first_found,
            reopened_at: finding.reopened_at,
            last_found: finding.last_found,
            not_run_here: finding.not_run_here,
            exception: finding.exception.map(|exception| exception.no),
        }
    }
}

/// The text written last and what it was made from.
#[derive(Debug)]
struct Last<K> {
    key: Option<K>,
    text: Vec<u8>,
}

impl<K: PartialEq> Last<K> {
    fn new() -> Self {
        Self { key: None, text: Vec::new() }
    }

    /// The text for `key`: the last one, or what `write` makes of an empty one.
    fn get(&mut self, key: K, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        if self.key.as_ref() != Some(&key) {
            self.text.clear();
            write(&mut self.text);
            self.key = Some(key);
        }
        &self.text
    }
}

/// Neighbouring columns and the index of the first.
#[derive(Debug)]
struct Part {
    first: usize,
    columns: Vec<Column>,
    /// The level of all of them, if they share one.
    level: Option<Level>,
}

impl Part {
    fn new(first: usize, columns: &[Column]) -> Self {
        let mut levels = columns.iter().map(|column| column.level());
        let level = levels.next().filter(|&first| levels.all(|level| level == first));
        let level = level.filter(|_| !columns.iter().any(|column| column.is_of_all()));
        Self { first, columns: columns.to_vec(), level }
    }

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
    [Part::new(0, asset), Part::new(middle_at, middle), Part::new(middle_at + match_at, matches)]
}

impl<F: RowFormat> RowWriter<io::Sink, F> {
    /// A writer that passes nothing on: its rows are [taken](Self::take). It shares the memory for tails with
    /// as many others.
    pub(crate) fn to_be_taken(columns: &Columns, format: F, writers: usize) -> Self {
        let tails = Tails::new(tails::LIMIT / writers.max(1));
        Self { buffer: Buffer::to_be_taken(), tails, ..Self::new(io::sink(), columns, format) }
    }

    /// The bytes since the last time; `spare` is filled next.
    pub(crate) fn take(&mut self, mut spare: Vec<u8>) -> Vec<u8> {
        spare.clear();
        std::mem::replace(&mut self.buffer.bytes, spare)
    }

    /// Bytes that can be taken.
    pub(crate) fn ready(&self) -> usize {
        self.buffer.bytes.len()
    }
}

impl<W: Write, F: RowFormat> RowWriter<W, F> {
    pub(crate) fn new(writer: W, columns: &Columns, format: F) -> Self {
        let chosen: Vec<Column> = columns.headings().iter().map(|heading| heading.column).collect();
        let [asset_part, middle_part, match_part] = parts(&chosen);
        Self {
            buffer: Buffer::new(writer),
            format,
            references_at: columns.references_at(),
            head: Head { asset_part, middle_part, asset_text: Last::new(), middle_text: Last::new() },
            match_part,
            tails: Tails::new(tails::LIMIT),
            text: Vec::new(),
        }
    }

    /// Appends bytes that are no row: a byte order mark, a header.
    pub(crate) fn preamble(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.buffer.bytes);
    }

    pub(crate) fn row(&mut self, finding: &Finding<'_>) -> io::Result<()> {
        let Self { buffer, format, references_at, head, match_part, tails, .. } = self;
        let out = &mut buffer.bytes;
        let start = out.len();
        head.write(format, finding, *references_at, out);
        let key = key_of(finding.package.no, finding.vulnerability.no);
        let known = if match_part.columns.is_empty() { Some(&[][..]) } else { tails.get(key) };
        if let Some(tail) = known {
            out.extend_from_slice(tail);
        } else {
            let tail_at = out.len();
            match_part.write(format, finding, *references_at, out);
            if let Some(tail) = out.get(tail_at..) {
                tails.keep(key, tail);
            }
        }
        format.end_row(out, start);
        buffer.row_done()
    }

    /// Writes all rows of a package on an asset, which are as much alike on others. `base` is asset and
    /// package; `each` visits the findings, and is not asked when everything is known.
    pub(crate) fn package(
        &mut self,
        base: &Finding<'_>,
        likeness: Likeness,
        each: impl FnOnce(&mut dyn FnMut(&Finding<'_>)),
    ) -> io::Result<()> {
        let mut written = Ok(());
        if likeness == Likeness::None {
            each(&mut |finding| first_error(&mut written, self.row(finding)));
            return written;
        }
        let Self { buffer, format, references_at, head, match_part, tails, text } = self;
        text.clear();
        match tails.block(base.package.no) {
            Some(block) if likeness == Likeness::Rows && head.is_of_circumstances() => {
                head.write(format, base, *references_at, text);
                for tail in block {
                    let start = buffer.bytes.len();
                    buffer.bytes.extend_from_slice(text);
                    buffer.bytes.extend_from_slice(tail);
                    format.end_row(&mut buffer.bytes, start);
                    buffer.row_done()?;
                }
            }
            Some(mut block) => each(&mut |finding| {
                let start = buffer.bytes.len();
                head.write(format, finding, *references_at, &mut buffer.bytes);
                buffer.bytes.extend_from_slice(block.next().unwrap_or_default());
                format.end_row(&mut buffer.bytes, start);
                first_error(&mut written, buffer.row_done());
            }),
            None => {
                each(&mut |finding| {
                    let start = buffer.bytes.len();
                    head.write(format, finding, *references_at, &mut buffer.bytes);
                    let tail_at = buffer.bytes.len();
                    match_part.write(format, finding, *references_at, &mut buffer.bytes);
                    Block::push(text, buffer.bytes.get(tail_at..).unwrap_or_default());
                    format.end_row(&mut buffer.bytes, start);
                    first_error(&mut written, buffer.row_done());
                });
                tails.keep_block(base.package.no, text);
            }
        }
        written
    }

    /// Passes on rows that are written already, whole ones.
    pub(crate) fn ready_rows(&mut self, bytes: &[u8], rows: u64) -> io::Result<()> {
        self.buffer.pass(bytes, rows)
    }

    pub(crate) fn rows(&self) -> u64 {
        self.buffer.rows()
    }

    /// The writer below, which has not seen the last rows yet.
    pub(crate) fn below(&self) -> &W {
        self.buffer.below()
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        self.buffer.finish()
    }
}

fn first_error(first: &mut io::Result<()>, next: io::Result<()>) {
    if first.is_ok() {
        *first = next;
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
