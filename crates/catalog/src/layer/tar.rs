//! A walker over tar archives that never copies what it skips.
//!
//! Reads POSIX ustar, pax (`path`, `linkpath`, `size`), GNU long names and sparse headers. Sources:
//! POSIX.1-2017 *pax*, "ustar Interchange Format" and "pax Extended Header"; GNU tar's manual,
//! "Basic Tar Format". Where archives may be read in two ways, the reading is the one of Go's
//! `archive/tar`, because that is what container engines unpack with.

use std::io::{BufRead, Read};

use super::LayerError;

const BLOCK: usize = 512;

/// Longest body of a pax header or long name, in bytes.
const MAX_META: u64 = 1 << 20;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// A regular file with holes; its bytes are not in one piece.
    Sparse,
    /// Device, pipe.
    Other,
}

/// An entry's head. Names are as written, not normalised.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) kind: Option<EntryKind>,
    pub(crate) path: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) size: u64,
}

/// The walker.
pub(crate) struct Tar<R> {
    reader: R,
    head: Head,
    /// Bytes of the present entry's body not yet read, and of the padding behind it.
    body: u64,
    padding: u64,
    entries: u64,
    max_entries: u64,
    max_path: usize,
}

/// What a pax header or GNU long name says of the entry to come.
#[derive(Default)]
struct Overrides {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl<R: BufRead> Tar<R> {
    pub(crate) fn new(reader: R, max_entries: u64, max_path: usize) -> Self {
        Self { reader, head: Head::default(), body: 0, padding: 0, entries: 0, max_entries, max_path }
    }

    /// Gives the reader back, somewhere behind the last entry.
    pub(crate) fn into_inner(self) -> R {
        self.reader
    }

    /// The reader; behind the present entry's header until its body is read.
    pub(crate) fn reader(&self) -> &R {
        &self.reader
    }

    /// Moves to the next entry; `None` at the end of the archive.
    pub(crate) fn next(&mut self) -> Result<Option<&Head>, LayerError> {
        self.skip_body()?;
        let mut overrides = Overrides::default();
        let mut block = [0; BLOCK];
        loop {
            if !self.header(&mut block)? {
                return Ok(None);
            }
            self.entries += 1;
            if self.entries > self.max_entries {
                return Err(LayerError::OverLimit(format!("more than {} entries", self.max_entries)));
            }
            let size = number(field(&block, 124, 12))?;
            match block.get(156).copied().unwrap_or(0) {
                b'x' => {
                    let text = self.meta(size)?;
                    pax(&text, &mut overrides)?;
                }
                b'L' => overrides.path = Some(until_nul(&self.meta(size)?).to_vec()),
                b'K' => overrides.link = Some(until_nul(&self.meta(size)?).to_vec()),
                // Global headers and volume labels say nothing of the files.
                b'g' | b'V' => {
                    self.set_body(size)?;
                    self.skip_body()?;
                }
                kind => {
                    self.begin(&block, kind, size, overrides)?;
                    return Ok(Some(&self.head));
                }
            }
        }
    }

    fn begin(&mut self, block: &[u8; BLOCK], kind: u8, size: u64, said: Overrides) -> Result<(), LayerError> {
        self.head.path = said.path.unwrap_or_else(|| name(block));
        self.head.link = said.link.unwrap_or_else(|| until_nul(field(block, 157, 100)).to_vec());
        if self.head.path.len() > self.max_path || self.head.link.len() > self.max_path {
            return Err(LayerError::OverLimit(format!("a path longer than {} bytes", self.max_path)));
        }
        let kind = match kind {
            b'0' | 0 | b'7' if self.head.path.ends_with(b"/") => EntryKind::Directory,
            _ if said.sparse => EntryKind::Sparse,
            b'0' | 0 | b'7' => EntryKind::File,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'5' => EntryKind::Directory,
            b'S' => EntryKind::Sparse,
            _ => EntryKind::Other,
        };
        if block.get(156) == Some(&b'S') {
            self.skip_sparse_map(block)?;
        }
        let size = said.size.unwrap_or(size);
        // Links, directories and devices have no body whatever their size field says.
        let has_body = matches!(kind, EntryKind::File | EntryKind::Sparse)
            || !matches!(block.get(156), Some(b'1'..=b'6'));
        self.head.size = if has_body { size } else { 0 };
        self.head.kind = Some(kind);
        self.set_body(self.head.size)
    }

    /// Reads the whole body of the present entry. The caller has looked at its size.
    pub(crate) fn read_body(&mut self) -> Result<Vec<u8>, LayerError> {
        let size = std::mem::take(&mut self.body);
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(64 << 10)).unwrap_or(0));
        let read = (&mut self.reader).take(size).read_to_end(&mut bytes).map_err(LayerError::from_io)?;
        if (read as u64) < size {
            return Err(cut());
        }
        Ok(bytes)
    }

    /// Shows the body of the present entry in pieces until `look` says it has seen enough.
    pub(crate) fn look_at_body(&mut self, mut look: impl FnMut(&[u8]) -> bool) -> Result<(), LayerError> {
        while self.body > 0 {
            let bytes = self.reader.fill_buf().map_err(LayerError::from_io)?;
            if bytes.is_empty() {
                return Err(cut());
            }
            let n = usize::try_from(self.body).unwrap_or(usize::MAX).min(bytes.len());
            let go_on = look(bytes.get(..n).unwrap_or_default());
            self.reader.consume(n);
            self.body -= n as u64;
            if !go_on {
                break;
            }
        }
        Ok(())
    }

    fn set_body(&mut self, size: u64) -> Result<(), LayerError> {
        if size > i64::MAX as u64 {
            return Err(LayerError::Archive("an entry of impossible size".to_owned()));
        }
        self.body = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        Ok(())
    }

    /// Passes over the rest of the body and its padding. Some writers (umoci's) end the archive right
    /// after the last body, without padding or end blocks; engines read such layers, and the digests
    /// tell them from one that was cut on its way.
    fn skip_body(&mut self) -> Result<(), LayerError> {
        self.look_at_body(|_| true)?;
        while self.padding > 0 {
            let available = self.reader.fill_buf().map_err(LayerError::from_io)?.len() as u64;
            if available == 0 {
                self.padding = 0;
            }
            let n = self.padding.min(available);
            self.reader.consume(usize::try_from(n).unwrap_or(0));
            self.padding -= n;
        }
        Ok(())
    }

    fn meta(&mut self, size: u64) -> Result<Vec<u8>, LayerError> {
        if size > MAX_META {
            return Err(LayerError::OverLimit(format!("an extended header of {size} bytes")));
        }
        self.set_body(size)?;
        let bytes = self.read_body()?;
        self.skip_body()?;
        Ok(bytes)
    }

    /// Reads a header block; false at the end. Two blocks of zeros end an archive, and so does the
    /// end of the stream between entries.
    fn header(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, LayerError> {
        if !self.block(block)? {
            return Ok(false);
        }
        if block.iter().all(|&b| b == 0) {
            if self.block(block)? && block.iter().any(|&b| b != 0) {
                return Err(LayerError::Archive("a lone block of zeros between entries".to_owned()));
            }
            return Ok(false);
        }
        let stored = number(field(block, 148, 8))?;
        let rest = || block.iter().enumerate().map(|(i, &b)| if (148..156).contains(&i) { b' ' } else { b });
        let unsigned: u64 = rest().map(u64::from).sum();
        let signed: i64 = rest().map(|b| i64::from(b.cast_signed())).sum();
        if stored != unsigned && i64::try_from(stored) != Ok(signed) {
            return Err(LayerError::Archive("a header with a wrong checksum".to_owned()));
        }
        Ok(true)
    }

    /// Reads one block; false at the end of the stream.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, LayerError> {
        let at_end = self.reader.fill_buf().map_err(LayerError::from_io)?.is_empty();
        if at_end {
            return Ok(false);
        }
        match self.reader.read_exact(block) {
            Ok(()) => Ok(true),
            Err(e)
                if e.kind() == std::io::ErrorKind::UnexpectedEof
                    && e.get_ref().is_none_or(|e| !e.is::<LayerError>()) =>
            {
                Err(cut())
            }
            Err(e) => Err(LayerError::from_io(e)),
        }
    }

    /// An old GNU sparse header goes on in further blocks while a flag in each says so.
    fn skip_sparse_map(&mut self, header: &[u8; BLOCK]) -> Result<(), LayerError> {
        let mut goes_on = header.get(482).is_some_and(|&flag| flag != 0);
        let mut block = [0; BLOCK];
        while goes_on {
            if !self.block(&mut block)? {
                return Err(cut());
            }
            goes_on = block.get(504).is_some_and(|&flag| flag != 0);
        }
        Ok(())
    }
}

fn cut() -> LayerError {
    LayerError::Truncated("the archive ends inside an entry".to_owned())
}

fn field(block: &[u8; BLOCK], from: usize, length: usize) -> &[u8] {
    block.get(from..from + length).unwrap_or_default()
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or_default()
}

/// The name of the header itself; in ustar archives its start may be in the prefix field.
fn name(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(field(block, 0, 100));
    let prefix = until_nul(field(block, 345, 155));
    if field(block, 257, 6) == b"ustar\0" && !prefix.is_empty() {
        return [prefix, b"/", name].concat();
    }
    name.to_vec()
}

/// An octal number between spaces or NULs, or a binary one where the first bit is set.
fn number(field: &[u8]) -> Result<u64, LayerError> {
    let wrong = || LayerError::Archive("a header with a number that is none".to_owned());
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        // A set second bit would make it negative.
        if first & 0x40 != 0 {
            return Err(wrong());
        }
        return rest.iter().try_fold(u64::from(first & 0x3f), |sum, &byte| {
            sum.checked_mul(256).map(|sum| sum | u64::from(byte)).ok_or_else(wrong)
        });
    }
    let is_blank = |b: &u8| *b == b' ' || *b == 0;
    let start = field.iter().position(|b| !is_blank(b)).unwrap_or(field.len());
    let digits = field.get(start..).unwrap_or_default().split(is_blank).next().unwrap_or_default();
    digits.iter().try_fold(0_u64, |sum, &digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8).map(|sum| sum + u64::from(digit - b'0')).ok_or_else(wrong),
        _ => Err(wrong()),
    })
}

/// Reads the records of a pax header: `LENGTH KEY=VALUE\n`, the length counting all of itself.
fn pax(mut text: &[u8], overrides: &mut Overrides) -> Result<(), LayerError> {
    let wrong = || LayerError::Archive("a damaged pax header".to_owned());
    while !text.is_empty() {
        let space = memchr::memchr(b' ', text).ok_or_else(wrong)?;
        let length = decimal(text.get(..space).unwrap_or_default()).ok_or_else(wrong)?;
        let length = usize::try_from(length).map_err(|_| wrong())?;
        let record = text.get(space + 1..length).ok_or_else(wrong)?;
        let record = record.strip_suffix(b"\n").ok_or_else(wrong)?;
        let equals = memchr::memchr(b'=', record).ok_or_else(wrong)?;
        let (key, value) = record.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        match key {
            b"path" | b"GNU.sparse.name" => overrides.path = Some(value.to_vec()),
            b"linkpath" => overrides.link = Some(value.to_vec()),
            b"size" => overrides.size = Some(decimal(value).ok_or_else(wrong)?),
            b"GNU.sparse.major" | b"GNU.sparse.map" | b"GNU.sparse.numblocks" => overrides.sparse = true,
            _ => {}
        }
        text = text.get(length..).unwrap_or_default();
    }
    Ok(())
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}
