//! The bytes of a layer on their way: counted, hashed, unpacked, limited.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use parapet_model::Digest;

use super::LayerError;
use super::hash::{CHUNK, Chunk, HashThread, Sha256};
use crate::Limits;

/// Largest window a zstd frame may ask for, as a power of two: 32 MiB. Level 19 needs 8 MiB; only
/// `--ultra` and `--long` ask for more.
const ZSTD_WINDOW_LOG: u32 = 25;

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

/// The unpacked archive as a buffered reader; all that passes is hashed on another thread.
pub(super) struct Unpacked<'scope, R: Read> {
    decoder: Decoder<R>,
    hash: HashThread<'scope>,
    chunk: Option<Chunk>,
    position: usize,
    total: u64,
    limit: u64,
}

impl<'scope, R: Read> Unpacked<'scope, R> {
    /// `stored` is the size of the compressed layer, from which the bomb limit follows.
    pub(super) fn new(decoder: Decoder<R>, hash: HashThread<'scope>, stored: u64, limits: &Limits) -> Self {
        let by_ratio = stored.saturating_mul(limits.ratio).max(limits.ratio_floor);
        let limit = limits.uncompressed.min(by_ratio);
        Self { decoder, hash, chunk: None, position: 0, total: 0, limit }
    }

    /// Reads to the end and gives the digest of everything that passed.
    pub(super) fn finish(mut self) -> io::Result<Digest> {
        loop {
            let n = self.fill_buf()?.len();
            if n == 0 {
                break;
            }
            self.consume(n);
        }
        self.chunk = None;
        self.hash.finish()
    }

    fn rest(&self) -> &[u8] {
        self.chunk.as_ref().and_then(|chunk| chunk.bytes().get(self.position..)).unwrap_or_default()
    }
}

impl<R: Read> BufRead for Unpacked<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest().is_empty() {
            // The buffer must be free before the next one is taken: there are only so many.
            self.chunk = None;
            let decoder = &mut self.decoder;
            let chunk = self.hash.next(|buffer| fill(decoder, buffer))?;
            self.total += chunk.bytes().len() as u64;
            if self.total > self.limit {
                let why = format!("more than {} bytes when unpacked", self.limit);
                return Err(io::Error::other(LayerError::OverLimit(why)));
            }
            self.position = 0;
            self.chunk = Some(chunk);
        }
        Ok(self.rest())
    }

    fn consume(&mut self, n: usize) {
        self.position += n;
    }
}

impl<R: Read> Read for Unpacked<'_, R> {
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
