//! Findings as JSON lines: one object per line, values raw and typed.
//!
//! Keys are the words of the columns, in the chosen order; a column chosen twice is written once
//! and [`Column::Blank`] not at all. Texts are never guarded. What is not known is `null`, lists are
//! arrays, yes and no are booleans, instants are RFC 3339 texts.

use std::io::{self, Write};

use parapet_model::finding::Finding;

use crate::columns::{Column, Columns};
use crate::instants::{Instants, day};
use crate::rows::{RowFormat, RowWriter};
use crate::value::{Value, push_number};

/// Writes findings as JSON lines.
#[derive(Debug)]
pub struct FindingsJsonl<W>(RowWriter<W, JsonFormat>);

impl<W: Write> FindingsJsonl<W> {
    /// A writer of these columns.
    pub fn new(writer: W, columns: &Columns) -> Self {
        Self(RowWriter::new(writer, columns, JsonFormat::new(columns)))
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
pub(crate) struct JsonFormat {
    /// By index of the column: `{"kind":` or `,"asset":`; `None` for a column that is left out.
    keys: Vec<Option<String>>,
    instants: Instants,
}

impl JsonFormat {
    pub(crate) fn new(columns: &Columns) -> Self {
        Self { keys: keys(columns), instants: Instants::new() }
    }
}

fn keys(columns: &Columns) -> Vec<Option<String>> {
    let mut seen: Vec<Column> = Vec::new();
    let key = |column: Column| {
        if column == Column::Blank || seen.contains(&column) {
            return None;
        }
        let mark = if seen.is_empty() { '{' } else { ',' };
        seen.push(column);
        Some(format!("{mark}\"{}\":", column.as_str()))
    };
    columns.headings().iter().map(|heading| heading.column).map(key).collect()
}

impl RowFormat for JsonFormat {
    fn cell(&mut self, out: &mut Vec<u8>, index: usize, value: &Value<'_>) {
        let Some(Some(key)) = self.keys.get(index) else { return };
        out.extend_from_slice(key.as_bytes());
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Text(text) => push_string(out, text),
            Value::Word(word) => push_string(out, word),
            Value::Id(id) => push_string(out, id.as_hyphenated().encode_lower(&mut [0; 36])),
            Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Number(number) => push_number(out, *number),
            Value::Flag(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Value::Instant(at) => push_instant(out, self.instants.text(*at)),
            Value::Day(at) => push_instant(out, &day(*at)),
            Value::List(texts) => {
                out.push(b'[');
                for (position, text) in texts.gather().iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    push_string(out, text);
                }
                out.push(b']');
            }
        }
    }

    fn end_row(&self, out: &mut Vec<u8>, start: usize) {
        if out.len() == start {
            out.push(b'{');
        }
        out.extend_from_slice(b"}\n");
    }
}

/// An instant outside the calendar has no text and is not known.
fn push_instant(out: &mut Vec<u8>, text: &str) {
    if text.is_empty() { out.extend_from_slice(b"null") } else { push_string(out, text) }
}

/// Appends a JSON string with its quotes.
fn push_string(out: &mut Vec<u8>, text: &str) {
    // A text is always JSON and a vector takes all bytes, so this cannot fail.
    let _ = serde_json::to_writer(out, text);
}
