//! The directory of a ZIP archive and its members, as far as jars need them.
//!
//! The directory at the end is walked entry by entry through a small buffer, so an archive that
//! claims millions of entries costs time in proportion to its own size and no memory. Programs may
//! stand in front of the archive. Source: PKWARE's *APPNOTE.TXT*, ZIP64 included.

use std::cell::RefCell;
use std::io::{self, BufReader, Read};

use flate2::bufread::DeflateDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::blob::{Blob, Endian};

const LE: Endian = Endian::Little;

/// The end record without its comment, and the longest comment.
const END: usize = 22;
const MAX_COMMENT: u64 = 65_535;

/// Head of an entry in the directory.
const ENTRY: usize = 46;

/// Most entries of one archive.
const MAX_ENTRIES: u32 = 2_000_000;

/// Most stored bytes of a member that is inflated in one piece.
const MAX_AT_ONCE: u64 = 64 << 10;

/// Bytes of the directory read at a time.
const WINDOW: usize = 64 << 10;

const ENCRYPTED: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Where the directory is.
pub(super) struct Archive<'a> {
    blob: &'a dyn Blob,
    /// What is added to every offset, because of what stands in front.
    base: u64,
    directory: u64,
    end: u64,
}

/// An entry of the directory, without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    flags: u16,
    method: u16,
    stored: u64,
    header: u64,
}

/// Where an entry's bytes are.
pub(super) enum Body<'a> {
    /// As they are, in place.
    Stored { at: u64, size: u64 },
    /// To be inflated.
    Deflated(Packed<'a>),
}

impl<'a> Archive<'a> {
    /// The bytes of the archive itself.
    pub(super) fn blob(&self) -> &'a dyn Blob {
        self.blob
    }

    /// How many bytes the directory has.
    pub(super) fn directory_size(&self) -> u64 {
        self.end - self.directory
    }

    pub(super) fn open(blob: &'a dyn Blob) -> Result<Self, String> {
        // Few archives have a comment behind the record.
        let (record, at) = match end_record(blob, END as u64)? {
            Some(found) => found,
            None => {
                end_record(blob, END as u64 + MAX_COMMENT)?.ok_or("it has no directory of a ZIP archive")?
            }
        };
        let number = |at| LE.u32(&record, at).map_or(0, u64::from);
        let (size, offset, end) = match zip64(blob, at)? {
            Some(zip64) => zip64,
            None => (number(12), number(16), at),
        };
        let directory = end.checked_sub(size).ok_or("its directory is larger than itself")?;
        let base = directory.checked_sub(offset).ok_or("its directory is not where it says")?;
        Ok(Self { blob, base, directory, end })
    }

    /// Calls `take` with name and entry of each member until it says no.
    pub(super) fn entries(&self, take: &mut dyn FnMut(&[u8], Entry) -> bool) -> Result<(), String> {
        let mut window =
            Window { blob: self.blob, at: self.directory, end: self.end, bytes: Vec::new(), from: 0 };
        for _ in 0..MAX_ENTRIES {
            let Some(head) = window.get(ENTRY)? else { return Ok(()) };
            if !head.starts_with(b"PK\x01\x02") {
                return Err("its directory is damaged".to_owned());
            }
            let short = |at| LE.u16(head, at).unwrap_or(0);
            let long = |at| u64::from(LE.u32(head, at).unwrap_or(0));
            let (name, extra, comment) =
                (usize::from(short(28)), usize::from(short(30)), usize::from(short(32)));
            let mut entry = Entry { flags: short(8), method: short(10), stored: long(20), header: long(42) };
            let unpacked = long(24);
            let all = window.get(ENTRY + name + extra + comment)?.ok_or("its directory is cut")?;
            let wide = all.get(ENTRY + name..ENTRY + name + extra).unwrap_or_default();
            entry.widen(wide, unpacked);
            if !take(all.get(ENTRY..ENTRY + name).unwrap_or_default(), entry) {
                return Ok(());
            }
            window.skip(ENTRY + name + extra + comment);
        }
        Err(format!("more than {MAX_ENTRIES} entries"))
    }

    /// The bytes of a member.
    pub(super) fn body(&self, entry: Entry) -> Result<Body<'a>, String> {
        if entry.flags & ENCRYPTED != 0 {
            return Err("it is encrypted".to_owned());
        }
        let at = self.base.checked_add(entry.header).ok_or("a member outside of the archive")?;
        let head: [u8; 30] = self.blob.array(at)?;
        if !head.starts_with(b"PK\x03\x04") {
            return Err("a member is not where the directory says".to_owned());
        }
        let skip = |at| u64::from(LE.u16(&head, at).unwrap_or(0));
        let at = at + 30 + skip(26) + skip(28);
        match entry.method {
            STORED => Ok(Body::Stored { at, size: entry.stored }),
            DEFLATED => Ok(Body::Deflated(Packed { blob: self.blob, at, left: entry.stored })),
            method => Err(format!("a member is compressed by method {method}")),
        }
    }

    /// A small member as a whole.
    pub(super) fn small(&self, entry: Entry, limit: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        match self.body(entry)? {
            Body::Stored { at, size } if size <= limit => {
                bytes = self.blob.exact(at, usize::try_from(size).map_err(|e| e.to_string())?)?;
            }
            Body::Stored { size, .. } => return Err(format!("a member of {size} bytes")),
            Body::Deflated(mut packed) if packed.left <= MAX_AT_ONCE => {
                let mut whole = Vec::with_capacity(usize::try_from(packed.left).map_err(|e| e.to_string())?);
                packed.read_to_end(&mut whole).map_err(|e| e.to_string())?;
                bytes = inflate(&whole, limit)?;
            }
            Body::Deflated(packed) => {
                packed.inflated().take(limit + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
            }
        }
        if bytes.len() as u64 > limit {
            return Err(format!("a member of more than {limit} bytes"));
        }
        Ok(bytes)
    }
}

thread_local! {
    /// What inflates is larger than most members, and made anew it takes longer than they do.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Inflates a member as far as it goes, and not much further than the limit.
fn inflate(packed: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        let mut bytes = Vec::with_capacity(packed.len() * 4);
        loop {
            let (read, had) = (inflater.total_in(), bytes.len());
            let rest = usize::try_from(read).ok().and_then(|read| packed.get(read..)).unwrap_or_default();
            let status = inflater.decompress_vec(rest, &mut bytes, FlushDecompress::None);
            let status = status.map_err(|_| "corrupt deflate stream")?;
            let is_stuck =
                bytes.len() == had && inflater.total_in() == read && bytes.len() < bytes.capacity();
            if status == Status::StreamEnd || is_stuck || bytes.len() as u64 > limit {
                return Ok(bytes);
            }
            if bytes.len() == bytes.capacity() {
                bytes.reserve(bytes.len().max(1 << 10));
            }
        }
    })
}

/// The last end record that begins within so many bytes of the end, and where.
fn end_record(blob: &dyn Blob, within: u64) -> Result<Option<([u8; END], u64)>, String> {
    let window = blob.size().min(within);
    let from = blob.size() - window;
    let bytes = blob.exact(from, usize::try_from(window).map_err(|e| e.to_string())?)?;
    let is_mark = |at: &usize| bytes.get(*at..).is_some_and(|rest| rest.starts_with(b"PK\x05\x06"));
    let Some(at) = memchr::memrchr_iter(b'P', &bytes).find(is_mark) else { return Ok(None) };
    let record = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or("its directory is cut")?;
    Ok(Some((*record, from + at as u64)))
}

/// Size, offset and end of the directory as ZIP64 says them, if it does.
fn zip64(blob: &dyn Blob, end: u64) -> Result<Option<(u64, u64, u64)>, String> {
    let Some(at) = end.checked_sub(20) else { return Ok(None) };
    let locator: [u8; 20] = blob.array(at)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    // The record stands right before its locator; the offset in it does not know what is in front.
    let Some(at) = at.checked_sub(56) else { return Ok(None) };
    let record: [u8; 56] = blob.array(at)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err("a ZIP64 directory of unknown form".to_owned());
    }
    Ok(LE.u64(&record, 40).zip(LE.u64(&record, 48)).map(|(size, offset)| (size, offset, at)))
}

impl Entry {
    /// Takes the numbers that did not fit from the ZIP64 field, where they stand in this order.
    fn widen(&mut self, extra: &[u8], unpacked: u64) {
        const FULL: u64 = 0xffff_ffff;
        let mut rest = extra;
        while let Some((id, size)) = LE.u16(rest, 0).zip(LE.u16(rest, 2)) {
            let field = rest.get(4..4 + usize::from(size)).unwrap_or_default();
            if id == 1 {
                let mut numbers = field.chunks_exact(8).filter_map(|bytes| LE.u64(bytes, 0));
                if unpacked == FULL {
                    numbers.next();
                }
                if self.stored == FULL {
                    self.stored = numbers.next().unwrap_or(FULL);
                }
                if self.header == FULL {
                    self.header = numbers.next().unwrap_or(FULL);
                }
                return;
            }
            rest = rest.get(4 + usize::from(size)..).unwrap_or_default();
        }
    }
}

/// A stretch of the directory in memory.
struct Window<'a> {
    blob: &'a dyn Blob,
    at: u64,
    end: u64,
    bytes: Vec<u8>,
    from: usize,
}

impl Window<'_> {
    /// The next `length` bytes; `None` at the end.
    fn get(&mut self, length: usize) -> Result<Option<&[u8]>, String> {
        if self.bytes.len() - self.from < length && self.at < self.end {
            self.bytes.drain(..self.from);
            self.from = 0;
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let more = left.min(WINDOW.max(length));
            self.bytes.extend_from_slice(&self.blob.exact(self.at, more)?);
            self.at += more as u64;
        }
        let rest = self.bytes.get(self.from..).unwrap_or_default();
        match rest.get(..length) {
            Some(bytes) => Ok(Some(bytes)),
            None if rest.is_empty() => Ok(None),
            None => Err("its directory is cut".to_owned()),
        }
    }

    fn skip(&mut self, length: usize) {
        self.from += length;
    }
}

/// The stored bytes of a member, from start to end.
pub(super) struct Packed<'a> {
    blob: &'a dyn Blob,
    at: u64,
    left: u64,
}

impl<'a> Packed<'a> {
    /// Inflates them.
    pub(super) fn inflated(self) -> DeflateDecoder<BufReader<Self>> {
        DeflateDecoder::new(BufReader::with_capacity(16 << 10, self))
    }
}

impl Read for Packed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let n = self.blob.read_at(self.at, buffer.get_mut(..length).unwrap_or_default())?;
        self.at += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}
