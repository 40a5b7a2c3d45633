//! Row sinks: findings become files.
//!
//! A sink takes borrowed [`Finding`](parapet_model::finding::Finding) rows one by one and writes
//! bytes to any [`Write`](std::io::Write); none of them holds more than one row, a bounded cache and
//! a small buffer, so memory does not grow with the export. Sinks are stacked by hand:
//!
//! ```text
//! FindingsCsv ─▶ ZipMember ─▶ ArtifactWriter ─▶ file under its name, provenance beside it
//! ```
//!
//! Each layer's `finish` hands back the layer below. A stack that is dropped instead of finished
//! leaves nothing behind, because only [`ArtifactWriter::finish`] gives the file its name.
//!
//! Documents for other tools ([`Sarif`], [`CycloneDx`]) are written the same way, but need more than
//! a finding: where the package was seen, and what was not assessed (see `document.rs`).
//!
//! How to add a format: one file with a `RowFormat` (see `rows.rs`) and a test in `tests`; a format of
//! columns stands on its own (see `parquet/mod.rs`).

mod artifact;
mod buffer;
mod columns;
mod csv;
mod cyclonedx;
mod deflate;
mod document;
mod instants;
mod jsonl;
mod lines;
mod packer;
mod parquet;
mod provenance;
mod quote;
mod rows;
mod sarif;
mod sweep;
mod table;
mod tails;
mod value;
mod writeback;
mod xlsx;
mod zip;

pub use artifact::{ArtifactError, ArtifactWriter, Finished};
pub use columns::{Column, Columns, Heading, SelectionError};
pub use csv::{CsvOptions, FindingsCsv, Newline};
pub use cyclonedx::CycloneDx;
pub use document::{Gap, Place, Subject};
pub use jsonl::FindingsJsonl;
pub use lines::FindingLines;
pub use parquet::{FindingsParquet, ParquetGroup, ParquetRows};
pub use provenance::{AS_OF_NOTE, FeedDate, Provenance, provenance_name};
pub use quote::{guard, unguard};
pub use sarif::Sarif;
pub use sweep::{Leftover, sweep};
pub use table::TableCsv;
pub use tails::Tails;
pub use xlsx::FindingsXlsx;
pub use zip::ZipMember;
