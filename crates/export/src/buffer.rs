//! The small buffer between rows and the writer below.

use std::io::{self, Write};

/// Bytes gathered before they are passed on.
const FULL: usize = 64 << 10;

/// Rows are appended to `bytes`; [`Buffer::row_done`] passes them on when enough has come together.
/// After an error the state of the writer below is not known and the whole stack is to be dropped.
#[derive(Debug)]
pub(crate) struct Buffer<W> {
    writer: W,
    /// What was not passed on yet.
    pub(crate) bytes: Vec<u8>,
    full: usize,
    rows: u64,
}

impl Buffer<io::Sink> {
    /// A buffer that is never full: whoever made it takes its bytes.
    pub(crate) fn to_be_taken() -> Self {
        Self { writer: io::sink(), bytes: Vec::new(), full: usize::MAX, rows: 0 }
    }
}

impl<W: Write> Buffer<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { writer, bytes: Vec::with_capacity(FULL + (4 << 10)), full: FULL, rows: 0 }
    }

    /// Counts a row and passes a full buffer on.
    pub(crate) fn row_done(&mut self) -> io::Result<()> {
        self.rows += 1;
        if self.bytes.len() >= self.full {
            self.writer.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    /// Passes on rows behind those that were gathered.
    pub(crate) fn pass(&mut self, bytes: &[u8], rows: u64) -> io::Result<()> {
        self.writer.write_all(&self.bytes)?;
        self.bytes.clear();
        self.rows += rows;
        self.writer.write_all(bytes)
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The writer below.
    pub(crate) fn below(&self) -> &W {
        &self.writer
    }

    /// Passes the rest on and gives the writer back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.writer.write_all(&self.bytes)?;
        Ok(self.writer)
    }
}
