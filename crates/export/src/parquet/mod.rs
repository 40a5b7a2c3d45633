//! Findings as Apache Parquet: columns with dictionaries, for data frames and databases.
//!
//! Written front to back in bounded memory: rows are gathered into row groups (see `group.rs`), by one
//! thread or several, and each column of a group is a dictionary page and a data page, packed with gzip. Columns are named by their titles and typed: lists are lists, instants are UTC
//! timestamps in milliseconds, days are dates, what is not known is null. A title that comes twice is
//! written once and [`Column::Blank`] not at all.
//!
//! Source: Apache Parquet format 2.9 (`parquet.thrift`, *Encodings*, *Logical types*). Names of fields
//! in comments are those of the Thrift definition.

mod column;
mod group;
mod hybrid;
mod thrift;

use std::collections::HashSet;
use std::io::{self, Write};

use parapet_model::finding::Finding;

use self::column::Kind;
pub use self::group::{ParquetGroup, ParquetRows};
use self::thrift::{STRUCT, Struct};
use crate::columns::{Column, Columns, Heading};

const MAGIC: &[u8; 4] = b"PAR1";

/// Writes findings as Parquet.
#[derive(Debug)]
pub struct FindingsParquet<W> {
    writer: W,
    /// Bytes written.
    at: u64,
    names: Vec<String>,
    gathered: ParquetRows,
    /// Rows written.
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
        Ok(Self {
            writer,
            at: MAGIC.len() as u64,
            names: chosen(columns).iter().map(|heading| heading.label.clone()).collect(),
            gathered: ParquetRows::new(columns, 1),
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
        self.gathered.row(finding);
        if self.gathered.is_full() { self.end_group() } else { Ok(()) }
    }

    /// Findings written so far.
    pub fn rows(&self) -> u64 {
        self.rows + self.gathered.group_rows as u64
    }

    fn end_group(&mut self) -> io::Result<()> {
        let group = self.gathered.take()?;
        self.put(&group)
    }

    /// Writes a group of rows of the same columns, behind those before.
    ///
    /// # Errors
    /// What the writer below says; the whole stack is then to be dropped.
    pub fn group(&mut self, group: &ParquetGroup) -> io::Result<()> {
        if self.gathered.group_rows > 0 {
            self.end_group()?;
        }
        self.put(group)
    }

    fn put(&mut self, group: &ParquetGroup) -> io::Result<()> {
        if group.rows == 0 {
            return Ok(());
        }
        self.writer.write_all(&group.pages)?;
        let begins = self.at as i64;
        self.at += group.pages.len() as u64;
        self.rows += group.rows;
        let sum = |at: usize| group.chunks.iter().map(|chunk| chunk.sizes[at]).sum();
        Struct::write(&mut self.groups, |out| {
            out.list(1, STRUCT, group.chunks.len(), |out| {
                self.names.iter().zip(&group.chunks).for_each(|(name, chunk)| chunk.put(out, name, begins));
            }); // columns
            out.i64(2, sum(0)); // total_byte_size
            out.i64(3, group.rows as i64); // num_rows
            out.i64(6, sum(1)); // total_compressed_size
        });
        self.group_count += 1;
        Ok(())
    }

    /// Ends the file and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_group()?;
        let mut footer = Vec::new();
        Struct::write(&mut footer, |file| {
            file.i32(1, 2); // version
            let values = &self.gathered.values;
            let lists = values.iter().filter(|values| values.kind == Kind::Texts).count();
            file.list(2, STRUCT, 1 + values.len() + 2 * lists, |out| self.put_schema(out));
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
        let children = self.names.len() as i32;
        Struct::write(out, |root| {
            root.text(4, "findings");
            root.i32(5, children);
        });
        for (name, values) in self.names.iter().zip(&self.gathered.values) {
            if values.kind == Kind::Texts {
                put_list(out, name);
            } else {
                put_leaf(out, name, values.kind, 1);
            }
        }
    }
}

/// The columns that are written.
fn chosen(columns: &Columns) -> Vec<&Heading> {
    let mut seen = HashSet::new();
    let chosen = columns.headings().iter().filter(|heading| heading.column != Column::Blank);
    chosen.filter(|heading| seen.insert(heading.label.as_str())).collect()
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
