//! The bytes of a layer on their way: counted, hashed, unpacked, limited.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use flate2::bufread::MultiGzDecoder;
use parapet_model::Digest;

use super::LayerError;
use super::hash::Sha256;
use crate::Limits;

/// Largest window a zstd frame may ask for, as a power of two: 32 MiB. Level 19 needs 8 MiB; only
/// `--ultra` and `--long` ask for more.
const ZSTD_WINDOW_LOG: u32 = 25;

/// Bytes of one buffer.
const CHUNK: usize = 128 * 1024;

/// Buffers in flight; with [`CHUNK`] this bounds the memory of a stream.
const BUFFERS: usize = 6;

/// The stored bytes: counts and hashes what passes.
pub(super) struct Source<R> {
    reader: R,
    size: u64,
    seen: u64,
    hash: Sha256,
}

impl<R: Read> Source<R> {
    pub(super) fn new(reader: R, size: u64) -> Self {
        Self { reader, size, seen: 0, hash: Sha256::new() }
    }

    /// Reads what is left and compares size and digest with what the manifest says.
    pub(super) fn finish(mut self, expected: &Digest) -> Result<(), LayerError> {
        let mut buffer = vec![0; CHUNK];
        while self.read(&mut buffer).map_err(LayerError::from_io)? > 0 {}
        let actual = self.hash.finish();
        if actual != *expected {
            return Err(LayerError::WrongDigest { expected: *expected, actual });
        }
        Ok(())
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = loop {
            match self.reader.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(io::Error::other(LayerError::Source(e))),
                Ok(n) => break n,
            }
        };
        if n == 0 && self.seen < self.size {
            let why = format!("{} of {} bytes", self.seen, self.size);
            return Err(io::Error::other(LayerError::Truncated(why)));
        }
        self.seen += n as u64;
        if self.seen > self.size {
            return Err(io::Error::other(LayerError::TooLong(self.size)));
        }
        self.hash.update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

/// A decoder chosen by the first bytes.
pub(super) enum Decoder<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<R>>>),
}

impl<R: Read> Decoder<R> {
    pub(super) fn new(source: R) -> io::Result<Self> {
        let mut source = BufReader::with_capacity(CHUNK, source);
        let start = source.fill_buf()?;
        Ok(if start.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip(Box::new(MultiGzDecoder::new(source)))
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Self::Zstd(Box::new(decoder))
        } else {
            Self::Plain(source)
        })
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
            Self::Zstd(reader) => reader.read(buffer),
        }
    }
}

/// A filled buffer; an empty one is the end.
struct Piece {
    bytes: Vec<u8>,
    filled: usize,
}

/// Unpacks ahead of whoever reads the [`Unpacked`] archive, as far as there are buffers.
pub(super) struct Unpacker<R: Read> {
    decoder: Decoder<R>,
    pieces: SyncSender<io::Result<Piece>>,
    free: Receiver<Vec<u8>>,
    buffers: usize,
}

impl<R: Read> Unpacker<R> {
    /// `stored` is the size of the compressed layer, from which the bomb limit follows.
    pub(super) fn new(decoder: Decoder<R>, stored: u64, limits: &Limits) -> (Self, Unpacked) {
        let by_ratio = stored.saturating_mul(limits.ratio).max(limits.ratio_floor);
        let limit = limits.uncompressed.min(by_ratio);
        let (pieces, unpacked) = sync_channel(BUFFERS);
        let (give_back, free) = sync_channel(BUFFERS);
        let piece = Piece { bytes: Vec::new(), filled: 0 };
        let unpacked = Unpacked {
            pieces: unpacked,
            give_back,
            piece,
            ended: false,
            position: 0,
            total: 0,
            limit,
            hash: Sha256::new(),
        };
        (Self { decoder, pieces, free, buffers: 0 }, unpacked)
    }

    /// Unpacks as much as the buffers hold, without waiting for any to be read. True when that was all.
    pub(super) fn begin(&mut self) -> bool {
        while self.buffers < BUFFERS {
            self.buffers += 1;
            if !self.next(vec![0; CHUNK]) {
                return true;
            }
        }
        false
    }

    /// Unpacks the rest, while another thread reads what was unpacked.
    pub(super) fn go_on(mut self) {
        while let Ok(buffer) = self.free.recv() {
            if !self.next(buffer) {
                return;
            }
        }
    }

    /// Fills one buffer; false when no more are of use.
    fn next(&mut self, mut bytes: Vec<u8>) -> bool {
        let filled = fill(&mut self.decoder, &mut bytes);
        let is_last = !matches!(filled, Ok(1..));
        self.pieces.send(filled.map(|filled| Piece { bytes, filled })).is_ok() && !is_last
    }
}

/// The unpacked archive as a buffered reader; all that passes is hashed.
pub(super) struct Unpacked {
    pieces: Receiver<io::Result<Piece>>,
    give_back: SyncSender<Vec<u8>>,
    piece: Piece,
    ended: bool,
    position: usize,
    total: u64,
    limit: u64,
    hash: Sha256,
}

impl Unpacked {
    /// Reads to the end and gives the digest of everything that passed.
    pub(super) fn finish(mut self) -> io::Result<Digest> {
        loop {
            let n = self.fill_buf()?.len();
            if n == 0 {
                return Ok(self.hash.finish());
            }
            self.consume(n);
        }
    }

    fn rest(&self) -> &[u8] {
        self.piece.bytes.get(self.position..self.piece.filled).unwrap_or_default()
    }
}

impl BufRead for Unpacked {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest().is_empty() && !self.ended {
            let next = self.pieces.recv().map_err(|_| io::Error::other("unpacking stopped"))??;
            self.ended = next.filled == 0;
            let read = std::mem::replace(&mut self.piece, next);
            self.position = 0;
            if !read.bytes.is_empty() {
                // Nobody fills it any more when all is unpacked.
                let _ = self.give_back.send(read.bytes);
            }
            self.total += self.piece.filled as u64;
            if self.total > self.limit {
                let why = format!("more than {} bytes when unpacked", self.limit);
                return Err(io::Error::other(LayerError::OverLimit(why)));
            }
            self.hash.update(self.piece.bytes.get(..self.piece.filled).unwrap_or_default());
        }
        Ok(self.rest())
    }

    fn consume(&mut self, n: usize) {
        self.position += n;
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

/// Fills the buffer as far as the reader goes.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
