//! A group of rows: what is gathered, and what becomes of it before it has a place in the file.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use parapet_model::filter::Level;
use parapet_model::finding::Finding;
use parapet_model::{AssetNo, Millis};

use super::column::{self, Kind, Values};
use super::thrift::{BINARY, I32, Struct, put_text, put_zigzag};
use super::{chosen, physical};
use crate::columns::{Column, Columns};
use crate::rows::Circumstances;
use crate::tails::{NumberHasher, key_of};
use crate::value::value_of;

/// Rows of a group. Where tests run, few rows make several.
const GROUP_ROWS: usize = if cfg!(debug_assertions) { 1 << 8 } else { 1 << 16 };
/// Bytes that all groups being gathered take together, about; a group that has its share is ended.
const GATHERED: usize = 24 << 20;
/// Rows after which the size is looked at.
const LOOK_EVERY: usize = 1 << 10;
/// CompressionCodec GZIP.
const GZIP: i32 = 2;
/// Encodings.
const PLAIN: i32 = 0;
const RLE: i32 = 3;
const RLE_DICTIONARY: i32 = 8;

/// Gathers findings into groups that [`FindingsParquet::group`](super::FindingsParquet::group) writes: for
/// several threads that each gather a part of a file.
#[derive(Debug)]
pub struct ParquetRows {
    columns: Vec<Column>,
    pub(super) values: Vec<Values>,
    references_at: Option<Millis>,
    /// Indexes of the asset columns of the asset gathered last.
    asset: Option<(AssetNo, Vec<u32>)>,
    /// Indexes of the columns between, of the row gathered last, where they depend on its circumstances
    /// alone.
    middle: Option<(Circumstances, Vec<u32>)>,
    middle_is_of_circumstances: bool,
    /// Indexes of the match columns by package and vulnerability, in this group.
    matches: HashMap<u64, Vec<u32>, BuildHasherDefault<NumberHasher>>,
    pub(super) group_rows: usize,
    /// Bytes of a group.
    most: usize,
    full: bool,
    /// Rows of all groups.
    rows: u64,
}

/// Some rows, packed, for any place in a file.
#[derive(Debug)]
pub struct ParquetGroup {
    pub(super) pages: Vec<u8>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) rows: u64,
}

/// The pages of a column, and where they lie in the group.
#[derive(Debug)]
pub(super) struct Chunk {
    kind: Kind,
    dictionary_at: Option<i64>,
    data_at: i64,
    /// Values, nothings included.
    count: u32,
    /// Plain and packed.
    pub(super) sizes: [i64; 2],
}

impl ParquetRows {
    /// Rows of a group, about.
    pub const GROUP: u64 = GROUP_ROWS as u64;

    /// Gathers these columns. `writers`: as many gather at once and share the memory.
    pub fn new(columns: &Columns, writers: usize) -> Self {
        let references_at = columns.references_at();
        let columns: Vec<Column> = chosen(columns).iter().map(|heading| heading.column).collect();
        Self {
            values: columns.iter().map(|&column| Values::new(Kind::of(column))).collect(),
            references_at,
            asset: None,
            middle: None,
            middle_is_of_circumstances: !columns.iter().any(|column| column.is_of_all()),
            matches: HashMap::default(),
            group_rows: 0,
            most: GATHERED / writers.max(1),
            full: false,
            rows: 0,
            columns,
        }
    }

    /// Gathers one finding. Findings of one asset are best gathered one after the other.
    pub fn row(&mut self, finding: &Finding<'_>) {
        let Self { columns, values, references_at, .. } = self;
        let mut indexes = |level: Level| -> Vec<u32> {
            let of_level =
                columns.iter().zip(values.iter_mut()).filter(|(column, _)| column.level() == level);
            of_level
                .map(|(&column, values)| values.index(&value_of(column, finding, *references_at)))
                .collect()
        };
        if self.asset.as_ref().is_none_or(|(asset, _)| *asset != finding.asset.no) {
            self.asset = Some((finding.asset.no, indexes(Level::Asset)));
        }
        let circumstances = Circumstances::of(finding);
        let known = self.middle.as_ref().is_some_and(|(before, _)| *before == circumstances);
        if !known || !self.middle_is_of_circumstances {
            self.middle = Some((circumstances, indexes(Level::Finding)));
        }
        let pair = key_of(finding.package.no, finding.vulnerability.no);
        let tail = self.matches.entry(pair).or_insert_with(|| indexes(Level::Match));

        let (mut asset, mut middle, mut tail) = (
            self.asset.iter().flat_map(|(_, indexes)| indexes),
            self.middle.iter().flat_map(|(_, indexes)| indexes),
            tail.iter(),
        );
        for (column, values) in self.columns.iter().zip(&mut self.values) {
            let index = match column.level() {
                Level::Asset => asset.next(),
                Level::Finding => middle.next(),
                Level::Match => tail.next(),
            };
            values.push(index.copied().unwrap_or(column::NULL));
        }
        self.rows += 1;
        self.group_rows += 1;
        self.full |= self.group_rows >= GROUP_ROWS
            || self.group_rows.is_multiple_of(LOOK_EVERY) && self.weight() >= self.most;
    }

    /// Findings gathered so far, those that were taken included.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether the group should be taken.
    pub fn is_full(&self) -> bool {
        self.full
    }

    fn weight(&self) -> usize {
        let known = self.matches.len() * (48 + self.columns.len() * 4);
        let rows = self.group_rows * self.columns.len() * size_of::<u32>();
        known + rows + self.values.iter().map(Values::weight).sum::<usize>()
    }

    /// Packs what was gathered since the last time; it may be nothing.
    ///
    /// # Errors
    /// None that is known: memory takes every byte.
    pub fn take(&mut self) -> io::Result<ParquetGroup> {
        let mut pages = Vec::new();
        let chunks = self.values.iter().map(|values| Chunk::pack(values, &mut pages));
        let chunks = chunks.collect::<io::Result<_>>()?;
        let rows = std::mem::take(&mut self.group_rows) as u64;
        (self.asset, self.middle, self.full) = (None, None, false);
        self.matches.clear();
        self.values.iter_mut().for_each(Values::clear);
        Ok(ParquetGroup { pages, chunks, rows })
    }
}

impl Chunk {
    /// Appends the pages of a column.
    fn pack(values: &Values, pages: &mut Vec<u8>) -> io::Result<Self> {
        let mut sizes = [0, 0];
        let start = pages.len() as i64;
        let dictionary = values.dictionary();
        if let Some((plain, count)) = dictionary {
            put_page(pages, &mut sizes, plain, |header, plain, packed| {
                header.i32(1, 2); // type DICTIONARY_PAGE
                header.i32(2, plain);
                header.i32(3, packed);
                header.structure(7, |dictionary| {
                    dictionary.i32(1, count as i32); // num_values
                    dictionary.i32(2, PLAIN); // encoding
                });
            })?;
        }
        let dictionary_at = dictionary.map(|_| start);
        let data_at = pages.len() as i64;
        let (page, count) = values.page();
        let chunk = Self { kind: values.kind, dictionary_at, data_at, count, sizes };
        put_page(pages, &mut sizes, &page, |header, plain, packed| {
            header.i32(1, 0); // type DATA_PAGE
            header.i32(2, plain);
            header.i32(3, packed);
            header.structure(5, |data| {
                data.i32(1, count as i32); // num_values
                data.i32(2, chunk.encoding());
                data.i32(3, RLE); // definition_level_encoding
                data.i32(4, RLE); // repetition_level_encoding
            });
        })?;
        Ok(Self { sizes, ..chunk })
    }

    const fn encoding(&self) -> i32 {
        if self.dictionary_at.is_some() { RLE_DICTIONARY } else { PLAIN }
    }

    /// Appends the `ColumnChunk` of a group that begins at a place of the file.
    pub(super) fn put(&self, out: &mut Vec<u8>, name: &str, begins: i64) {
        let start = begins + self.dictionary_at.unwrap_or(self.data_at);
        Struct::write(out, |chunk| {
            chunk.i64(2, start); // file_offset
            chunk.structure(3, |meta| {
                meta.i32(1, physical(self.kind)); // type
                meta.list(2, I32, 3, |out| {
                    [PLAIN, RLE, self.encoding()].iter().for_each(|&e| put_zigzag(out, i64::from(e)));
                });
                let path: &[&str] =
                    if self.kind == Kind::Texts { &[name, "list", "element"] } else { &[name] };
                meta.list(3, BINARY, path.len(), |out| path.iter().for_each(|part| put_text(out, part)));
                meta.i32(4, GZIP); // codec
                meta.i64(5, i64::from(self.count)); // num_values
                meta.i64(6, self.sizes[0]); // total_uncompressed_size
                meta.i64(7, self.sizes[1]); // total_compressed_size
                meta.i64(9, begins + self.data_at); // data_page_offset
                if self.dictionary_at.is_some() {
                    meta.i64(11, start); // dictionary_page_offset
                }
            });
        });
    }
}

/// Appends a page with its header, and adds to the plain and the packed size.
fn put_page(
    out: &mut Vec<u8>,
    sizes: &mut [i64; 2],
    page: &[u8],
    header: impl FnOnce(&mut Struct<'_>, i32, i32),
) -> io::Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(page)?;
    let packed = encoder.finish()?;
    let start = out.len();
    // A group is far below 2 GiB.
    Struct::write(out, |structure| header(structure, page.len() as i32, packed.len() as i32));
    let header = (out.len() - start) as i64;
    out.extend_from_slice(&packed);
    sizes[0] += header + page.len() as i64;
    sizes[1] += header + packed.len() as i64;
    Ok(())
}
