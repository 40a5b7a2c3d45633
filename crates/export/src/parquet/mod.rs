//! Findings as Apache Parquet: columns with dictionaries, for data frames and databases.
//!
//! Written front to back in bounded memory: rows are gathered into row groups of [`GROUP_ROWS`], or
//! fewer where their texts grow large, and each column of a group is a dictionary page and a data page,
//! packed with gzip. Columns are named by their titles and typed: lists are lists, instants are UTC
//! timestamps in milliseconds, days are dates, what is not known is null. A title that comes twice is
//! written once and [`Column::Blank`] not at all.
//!
//! Source: Apache Parquet format 2.9 (`parquet.thrift`, *Encodings*, *Logical types*). Names of fields
//! in comments are those of the Thrift definition.

mod column;
mod hybrid;
mod thrift;

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use parapet_model::filter::Level;
use parapet_model::finding::Finding;
use parapet_model::{AssetNo, Millis};

use self::column::{Kind, Values};
use self::thrift::{BINARY, I32, STRUCT, Struct, put_text, put_zigzag};
use crate::columns::{Column, Columns};
use crate::value::value_of;

/// Rows of a group.
const GROUP_ROWS: usize = 1 << 16;
/// Bytes of dictionaries and known rows after which a group is ended.
const GROUP_BYTES: usize = 12 << 20;
/// Rows after which the size of the dictionaries is looked at.
const LOOK_EVERY: usize = 1 << 10;
const MAGIC: &[u8; 4] = b"PAR1";
/// CompressionCodec GZIP.
const GZIP: i32 = 2;
/// Encodings.
const PLAIN: i32 = 0;
const RLE: i32 = 3;
const RLE_DICTIONARY: i32 = 8;

/// Writes findings as Parquet.
#[derive(Debug)]
pub struct FindingsParquet<W> {
    writer: W,
    /// Bytes written.
    at: u64,
    names: Vec<String>,
    columns: Vec<Column>,
    values: Vec<Values>,
    references_at: Option<Millis>,
    /// Indexes of the asset columns of the asset written last.
    asset: Option<(AssetNo, Vec<u32>)>,
    /// Indexes of the match columns by (package, vulnerability), in this group.
    matches: HashMap<(u32, u32), Vec<u32>>,
    group_rows: usize,
    rows: u64,
    /// RowGroup structures of the footer.
    groups: Vec<u8>,
    group_count: usize,
}

impl<W: Write> FindingsParquet<W> {
    /// A writer of these columns.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn new(mut writer: W, columns: &Columns) -> io::Result<Self> {
        writer.write_all(MAGIC)?;
        let mut seen = HashSet::new();
        let chosen = columns.headings().iter().filter(|heading| heading.column != Column::Blank);
        let chosen: Vec<_> = chosen.filter(|heading| seen.insert(heading.label.as_str())).collect();
        Ok(Self {
            writer,
            at: MAGIC.len() as u64,
            names: chosen.iter().map(|heading| heading.label.clone()).collect(),
            columns: chosen.iter().map(|heading| heading.column).collect(),
            values: chosen.iter().map(|heading| Values::new(Kind::of(heading.column))).collect(),
            references_at: columns.references_at(),
            asset: None,
            matches: HashMap::new(),
            group_rows: 0,
            rows: 0,
            groups: Vec::new(),
            group_count: 0,
        })
    }

    /// Writes one finding. Findings of one asset are best written one after the other.
    ///
    /// # Errors
    /// What the writer below says; the whole stack is then to be dropped.
    pub fn row(&mut self, finding: &Finding<'_>) -> io::Result<()> {
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
        let middle = indexes(Level::Finding);
        let pair = (finding.package.no.0, finding.vulnerability.no.0);
        let tail = self.matches.entry(pair).or_insert_with(|| indexes(Level::Match));

        let (mut asset, mut middle, mut tail) =
            (self.asset.iter().flat_map(|(_, indexes)| indexes), middle.iter(), tail.iter());
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
        let full = self.group_rows >= GROUP_ROWS
            || self.group_rows.is_multiple_of(LOOK_EVERY) && self.weight() >= GROUP_BYTES;
        if full { self.end_group() } else { Ok(()) }
    }

    /// Findings written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn weight(&self) -> usize {
        let known = self.matches.len() * (48 + self.columns.len() * 4);
        known + self.values.iter().map(Values::weight).sum::<usize>()
    }

    /// Writes the rows gathered so far as a group.
    fn end_group(&mut self) -> io::Result<()> {
        let mut chunks = Vec::new();
        let (mut plain, mut packed) = (0, 0);
        for index in 0..self.columns.len() {
            let (chunk, sizes) = self.end_column(index)?;
            chunks.extend_from_slice(&chunk);
            plain += sizes[0];
            packed += sizes[1];
        }
        let (count, rows) = (self.columns.len(), self.group_rows as i64);
        Struct::write(&mut self.groups, |group| {
            group.list(1, STRUCT, count, |out| out.extend_from_slice(&chunks)); // columns
            group.i64(2, plain); // total_byte_size
            group.i64(3, rows); // num_rows
            group.i64(6, packed); // total_compressed_size
        });
        self.group_count += 1;
        self.group_rows = 0;
        self.asset = None;
        self.matches.clear();
        self.values.iter_mut().for_each(Values::clear);
        Ok(())
    }

    /// Writes the pages of a column and gives its `ColumnChunk`, plain size and packed size.
    fn end_column(&mut self, index: usize) -> io::Result<(Vec<u8>, [i64; 2])> {
        let (Some(values), Some(name)) = (self.values.get(index), self.names.get(index)) else {
            return Ok((Vec::new(), [0, 0]));
        };
        let start = self.at as i64;
        let mut sizes = [0, 0];
        let mut pages = Vec::new();
        if let Some((plain, count)) = values.dictionary() {
            put_page(&mut pages, &mut sizes, plain, |header, plain, packed| {
                header.i32(1, 2); // type DICTIONARY_PAGE
                header.i32(2, plain);
                header.i32(3, packed);
                header.structure(7, |dictionary| {
                    dictionary.i32(1, count as i32); // num_values
                    dictionary.i32(2, PLAIN); // encoding
                });
            })?;
        }
        let data_at = start + pages.len() as i64;
        let encoding = if values.dictionary().is_some() { RLE_DICTIONARY } else { PLAIN };
        let (page, count) = values.page();
        put_page(&mut pages, &mut sizes, &page, |header, plain, packed| {
            header.i32(1, 0); // type DATA_PAGE
            header.i32(2, plain);
            header.i32(3, packed);
            header.structure(5, |data| {
                data.i32(1, count as i32); // num_values
                data.i32(2, encoding);
                data.i32(3, RLE); // definition_level_encoding
                data.i32(4, RLE); // repetition_level_encoding
            });
        })?;
        self.writer.write_all(&pages)?;
        self.at += pages.len() as u64;

        let kind = values.kind;
        let mut chunk = Vec::new();
        Struct::write(&mut chunk, |chunk| {
            chunk.i64(2, start); // file_offset
            chunk.structure(3, |meta| {
                meta.i32(1, physical(kind)); // type
                meta.list(2, I32, 3, |out| {
                    [PLAIN, RLE, encoding].iter().for_each(|&e| put_zigzag(out, i64::from(e)));
                });
                let path: &[&str] = if kind == Kind::Texts { &[name, "list", "element"] } else { &[name] };
                meta.list(3, BINARY, path.len(), |out| path.iter().for_each(|part| put_text(out, part)));
                meta.i32(4, GZIP); // codec
                meta.i64(5, i64::from(count)); // num_values
                meta.i64(6, sizes[0]); // total_uncompressed_size
                meta.i64(7, sizes[1]); // total_compressed_size
                meta.i64(9, data_at); // data_page_offset
                if encoding == RLE_DICTIONARY {
                    meta.i64(11, start); // dictionary_page_offset
                }
            });
        });
        Ok((chunk, sizes))
    }

    /// Ends the file and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(mut self) -> io::Result<W> {
        if self.group_rows > 0 {
            self.end_group()?;
        }
        let mut footer = Vec::new();
        Struct::write(&mut footer, |file| {
            file.i32(1, 2); // version
            let lists = self.values.iter().filter(|values| values.kind == Kind::Texts).count();
            file.list(2, STRUCT, 1 + self.columns.len() + 2 * lists, |out| self.put_schema(out));
            file.i64(3, self.rows as i64); // num_rows
            file.list(4, STRUCT, self.group_count, |out| out.extend_from_slice(&self.groups));
            file.text(6, concat!("parapet version ", env!("CARGO_PKG_VERSION"))); // created_by
        });
        self.writer.write_all(&footer)?;
        self.writer.write_all(&(footer.len() as u32).to_le_bytes())?;
        self.writer.write_all(MAGIC)?;
        Ok(self.writer)
    }

    /// The `SchemaElement`s, depth first.
    fn put_schema(&self, out: &mut Vec<u8>) {
        let children = self.columns.len() as i32;
        Struct::write(out, |root| {
            root.text(4, "findings");
            root.i32(5, children);
        });
        for (name, values) in self.names.iter().zip(&self.values) {
            if values.kind == Kind::Texts {
                put_list(out, name);
            } else {
                put_leaf(out, name, values.kind, 1);
            }
        }
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

/// The physical `Type`.
const fn physical(kind: Kind) -> i32 {
    match kind {
        Kind::Flag => 0,
        Kind::Day => 1,
        Kind::Integer | Kind::Instant => 2,
        Kind::Number => 5,
        Kind::Text | Kind::Texts => 6,
    }
}

/// A list of texts: `required group name (LIST) { repeated group list { required binary element } }`.
fn put_list(out: &mut Vec<u8>, name: &str) {
    Struct::write(out, |list| {
        list.i32(3, 0); // REQUIRED
        list.text(4, name);
        list.i32(5, 1); // num_children
        list.i32(6, 3); // converted_type LIST
        list.structure(10, |logical| logical.structure(3, |_| ()));
    });
    Struct::write(out, |repeated| {
        repeated.i32(3, 2); // REPEATED
        repeated.text(4, "list");
        repeated.i32(5, 1);
    });
    put_leaf(out, "element", Kind::Text, 0);
}

/// A column; `repetition` is 0 for required and 1 for optional.
fn put_leaf(out: &mut Vec<u8>, name: &str, kind: Kind, repetition: i32) {
    Struct::write(out, |leaf| {
        leaf.i32(1, physical(kind));
        leaf.i32(3, repetition);
        leaf.text(4, name);
        // converted_type for old readers, logicalType for new ones.
        match kind {
            Kind::Text | Kind::Texts => {
                leaf.i32(6, 0); // UTF8
                leaf.structure(10, |logical| logical.structure(1, |_| ()));
            }
            Kind::Day => {
                leaf.i32(6, 6); // DATE
                leaf.structure(10, |logical| logical.structure(6, |_| ()));
            }
            Kind::Instant => {
                leaf.i32(6, 9); // TIMESTAMP_MILLIS
                leaf.structure(10, |logical| {
                    logical.structure(8, |timestamp| {
                        timestamp.flag(1, true); // isAdjustedToUTC
                        timestamp.structure(2, |unit| unit.structure(1, |_| ()));
                    });
                });
            }
            Kind::Integer | Kind::Number | Kind::Flag => {}
        }
    });
}
