//! ZIP archives, written front to back without seeking.
//!
//! Section numbers are those of PKWARE's APPNOTE 6.3.10. The sizes come after the data (4.3.9) and
//! are, but for [`Sizes::Narrow`], always the 64-bit ones (4.5.3), whatever a member's size turns out
//! to be: an archive over 4 GiB then has no code path of its own. Members are deflated fast rather than
//! small ([`crate::deflate`]), on threads of their own ([`crate::packer`]).

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::Offset;
use parapet_model::Millis;

use crate::packer::{Packed, Packer};

/// 4.4.4: sizes in a data descriptor (bit 3), name in UTF-8 (bit 11).
const FLAGS: u16 = 1 << 3 | 1 << 11;
/// 4.4.5: deflate.
const METHOD: u16 = 8;
/// 4.4.3: version 4.5, the first with ZIP64.
const NEEDED: u16 = 45;
/// 4.4.3: version 2.0, the first with deflate.
const NEEDED_NARROW: u16 = 20;
/// 4.4.2: version 4.5, made on Unix.
const MADE_BY: u16 = 3 << 8 | NEEDED;
/// 4.4.15: Unix mode `rw-r--r--` of a regular file.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// 4.5.3: tag of the ZIP64 extra field.
const ZIP64_TAG: u16 = 1;
/// Bytes of that field in the directory: tag, length, two sizes and a place.
const WIDE_IN_DIRECTORY: u16 = 28;
/// 4.4.1.4: a field whose value is in the ZIP64 record.
const ELSEWHERE_32: u32 = u32::MAX;
const ELSEWHERE_16: u16 = u16::MAX;

/// How wide sizes and places are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// 64 bits, always.
    Wide,
    /// 32 bits, and an error where they do not fit: spreadsheet programs refuse the wide ones.
    Narrow,
}

/// An archive between two members.
#[derive(Debug)]
pub(crate) struct ZipArchive<W> {
    writer: W,
    sizes: Sizes,
    modified: DosTime,
    /// Bytes written so far.
    at: u64,
    members: Vec<Member>,
}

/// What the directory says of a member.
#[derive(Debug)]
struct Member {
    name: String,
    at: u64,
    crc: u32,
    plain: u64,
    packed: u64,
}

impl<W: Write + Send + 'static> ZipArchive<W> {
    /// Begins an archive whose members carry the time `modified`, in UTC.
    pub(crate) fn new(writer: W, sizes: Sizes, modified: Millis) -> Self {
        Self { writer, sizes, modified: DosTime::of(modified), at: 0, members: Vec::new() }
    }

    /// Begins the next member. Its name may have slashes; it is ours, not a user's.
    pub(crate) fn member(self, name: &str) -> io::Result<ZipMember<W>> {
        let Self { mut writer, sizes, modified, at, members } = self;
        // 4.3.7; sizes of 0 stand for the ones that follow the data.
        let mut header = Vec::new();
        put32(&mut header, 0x0403_4b50);
        put16(&mut header, sizes.needed());
        put_entry(&mut header, modified, 0, sizes.in_entry(0, 0));
        put16(&mut header, name.len() as u16);
        put16(&mut header, sizes.extra());
        header.extend_from_slice(name.as_bytes());
        put_sizes(&mut header, sizes, 0, 0);
        writer.write_all(&header)?;
        let data_at = at + header.len() as u64;
        let packer = Packer::new(writer)?;
        Ok(ZipMember { packer, name: name.to_owned(), plain: 0, sizes, modified, at, data_at, members })
    }

    /// Ends the archive and gives the writer below back, which is not flushed.
    pub(crate) fn finish(self) -> io::Result<W> {
        let Self { mut writer, sizes, modified, at, members } = self;
        let mut end = Vec::new();
        for member in &members {
            put_directory(&mut end, member, sizes, modified);
        }
        let size = end.len() as u64;
        put_end(&mut end, sizes, members.len() as u64, at, size)?;
        writer.write_all(&end)?;
        Ok(writer)
    }
}

/// A writer into a member of a ZIP archive; made by [`ZipMember::new`], into its only one.
#[derive(Debug)]
pub struct ZipMember<W> {
    packer: Packer<W>,
    name: String,
    plain: u64,
    sizes: Sizes,
    modified: DosTime,
    at: u64,
    data_at: u64,
    members: Vec<Member>,
}

impl<W: Write + Send + 'static> ZipMember<W> {
    /// Begins an archive of one member. `name` is that of the member, `modified` the time it carries,
    /// in UTC.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is empty, has a slash, a backslash or a control character, or
    /// is over 255 bytes; else what the writer below says.
    pub fn new(writer: W, name: &str, modified: Millis) -> io::Result<Self> {
        let bad = |c: char| matches!(c, '/' | '\\') || c.is_control();
        if name.is_empty() || name.len() > 255 || name.contains(bad) {
            let message = format!("not a plain file name for a ZIP member: {name:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        ZipArchive::new(writer, Sizes::Wide, modified).member(name)
    }

    /// Bytes taken so far.
    pub(crate) fn plain(&self) -> u64 {
        self.plain
    }

    /// Ends the member.
    pub(crate) fn end(self) -> io::Result<ZipArchive<W>> {
        let Self { packer, name, sizes, modified, at, data_at, mut members, .. } = self;
        let Packed { mut writer, crc, plain, packed } = packer.finish()?;
        // 4.3.9: data descriptor.
        let mut descriptor = Vec::new();
        put32(&mut descriptor, 0x0807_4b50);
        put32(&mut descriptor, crc);
        for size in [packed, plain] {
            match sizes {
                Sizes::Wide => put64(&mut descriptor, size),
                Sizes::Narrow => put32(&mut descriptor, narrow(size)?),
            }
        }
        writer.write_all(&descriptor)?;
        members.push(Member { name, at, crc, plain, packed });
        let at = data_at + packed + descriptor.len() as u64;
        Ok(ZipArchive { writer, sizes, modified, at, members })
    }

    /// Ends the archive and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(self) -> io::Result<W> {
        self.end()?.finish()
    }
}

impl<W: Write + Send + 'static> Write for ZipMember<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.packer.write(bytes)?;
        self.plain += bytes.len() as u64;
        Ok(bytes.len())
    }

    /// Does nothing: a flush in the middle would only make the archive larger.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sizes {
    /// The version that readers need.
    const fn needed(self) -> u16 {
        match self {
            Self::Wide => NEEDED,
            Self::Narrow => NEEDED_NARROW,
        }
    }

    /// Bytes of the extra field.
    const fn extra(self) -> u16 {
        match self {
            Self::Wide => 20,
            Self::Narrow => 0,
        }
    }

    /// What the two size fields of an entry hold, packed and plain. [`ZipMember::end`] refused
    /// narrow sizes that do not fit.
    const fn in_entry(self, packed: u64, plain: u64) -> [u32; 2] {
        match self {
            Self::Wide => [ELSEWHERE_32; 2],
            Self::Narrow => [packed as u32, plain as u32],
        }
    }
}

fn narrow(size: u64) -> io::Result<u32> {
    u32::try_from(size).ok().filter(|&size| size != ELSEWHERE_32).ok_or_else(|| {
        let message = "a file of this format cannot be larger than 4 GiB; ask for less, or for CSV";
        io::Error::new(io::ErrorKind::FileTooLarge, message)
    })
}

/// 4.3.12: an entry of the central directory.
fn put_directory(out: &mut Vec<u8>, member: &Member, sizes: Sizes, modified: DosTime) {
    put32(out, 0x0201_4b50);
    put16(out, MADE_BY);
    put16(out, sizes.needed());
    put_entry(out, modified, member.crc, sizes.in_entry(member.packed, member.plain));
    put16(out, member.name.len() as u16);
    let extra = if sizes == Sizes::Wide { WIDE_IN_DIRECTORY } else { 0 };
    put16(out, extra);
    put16(out, 0); // comment
    put16(out, 0); // disk
    put16(out, 0); // internal attributes
    put32(out, ATTRIBUTES);
    // `put_end` refuses an archive in which a narrow place does not fit.
    put32(out, if sizes == Sizes::Wide { ELSEWHERE_32 } else { member.at as u32 });
    out.extend_from_slice(member.name.as_bytes());
    if sizes == Sizes::Wide {
        put16(out, ZIP64_TAG);
        put16(out, WIDE_IN_DIRECTORY - 4);
        put64(out, member.plain);
        put64(out, member.packed);
        put64(out, member.at);
    }
}

/// The part that local header (4.3.7) and directory entry (4.3.12) share.
fn put_entry(out: &mut Vec<u8>, modified: DosTime, crc: u32, sizes: [u32; 2]) {
    put16(out, FLAGS);
    put16(out, METHOD);
    put16(out, modified.time);
    put16(out, modified.date);
    put32(out, crc);
    for size in sizes {
        put32(out, size);
    }
}

/// 4.5.3: the ZIP64 extra field of a local header.
fn put_sizes(out: &mut Vec<u8>, sizes: Sizes, plain: u64, packed: u64) {
    if sizes == Sizes::Narrow {
        return;
    }
    put16(out, ZIP64_TAG);
    put16(out, 16);
    put64(out, plain);
    put64(out, packed);
}

/// 4.3.14 to 4.3.16: the records that end an archive of so many members, whose directory lies at `at`.
fn put_end(out: &mut Vec<u8>, sizes: Sizes, members: u64, at: u64, size: u64) -> io::Result<()> {
    if sizes == Sizes::Wide {
        put32(out, 0x0606_4b50);
        put64(out, 44);
        put16(out, MADE_BY);
        put16(out, NEEDED);
        put32(out, 0);
        put32(out, 0);
        put64(out, members);
        put64(out, members);
        put64(out, size);
        put64(out, at);

        put32(out, 0x0706_4b50);
        put32(out, 0);
        put64(out, at + size);
        put32(out, 1);
    }
    put32(out, 0x0605_4b50);
    put16(out, 0);
    put16(out, 0);
    match sizes {
        Sizes::Wide => {
            put16(out, ELSEWHERE_16);
            put16(out, ELSEWHERE_16);
            put32(out, ELSEWHERE_32);
            put32(out, ELSEWHERE_32);
        }
        Sizes::Narrow => {
            let count = narrow(members)? as u16;
            put16(out, count);
            put16(out, count);
            put32(out, narrow(size)?);
            put32(out, narrow(at)?);
        }
    }
    put16(out, 0);
    Ok(())
}

fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// 4.4.6: date and time in steps of two seconds, from 1980 to 2107; what lies outside is 1980-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DosTime {
    date: u16,
    time: u16,
}

impl DosTime {
    fn of(at: Millis) -> Self {
        let fallback = Self { date: 1 << 5 | 1, time: 0 };
        let Ok(instant) = Timestamp::from_millisecond(at) else { return fallback };
        let civil = Offset::UTC.to_datetime(instant);
        let bits = |number: i8| u16::from(number.unsigned_abs());
        match u16::try_from(i32::from(civil.year()) - 1980) {
            Ok(year) if year < 128 => Self {
                date: year << 9 | bits(civil.month()) << 5 | bits(civil.day()),
                time: bits(civil.hour()) << 11 | bits(civil.minute()) << 5 | (bits(civil.second()) / 2),
            },
            _ => fallback,
        }
    }
}

#[cfg(test)]
mod tests {
    use parapet_model::time::parse_instant;

    use super::*;

    #[test]
    fn dates_are_packed_and_odd_ones_replaced() {
        let of = |text| DosTime::of(parse_instant(text).unwrap());
        assert_eq!(
            of("2026-11-22T14:05:31Z"),
            DosTime { date: 46 << 9 | 11 << 5 | 22, time: 14 << 11 | 5 << 5 | 15 }
        );
        for outside in ["1970-01-01", "2108-01-01"] {
            assert_eq!(of(outside), DosTime { date: 33, time: 0 });
        }
        assert_eq!(DosTime::of(Millis::MAX), DosTime { date: 33, time: 0 });
    }

    #[test]
    fn a_name_with_a_path_is_refused() {
        for name in ["", "../evil.csv", "a\\b", "a\nb"] {
            assert!(ZipMember::new(Vec::new(), name, 0).is_err(), "{name:?}");
        }
    }
}
