//! A ZIP archive with one member, written front to back without seeking.
//!
//! Section numbers are those of PKWARE's APPNOTE 6.3.10. The sizes come after the data (4.3.9) and
//! are always the 64-bit ones (4.5.3), whatever the member's size turns out to be: an archive over
//! 4 GiB then has no code path of its own. Deflate runs at level 1, which is four times as fast as
//! the usual 6 for a file a fifth larger, on threads of its own ([`crate::packer`]).

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
/// 4.4.2: the same, made on Unix.
const MADE_BY: u16 = 3 << 8 | NEEDED;
/// 4.4.15: Unix mode `rw-r--r--` of a regular file.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// 4.5.3: tag of the ZIP64 extra field.
const ZIP64_TAG: u16 = 1;
/// 4.4.1.4: a field whose value is in the ZIP64 record.
const ELSEWHERE_32: u32 = u32::MAX;
const ELSEWHERE_16: u16 = u16::MAX;

/// A writer into the only member of a new ZIP archive.
#[derive(Debug)]
pub struct ZipMember<W> {
    packer: Packer<W>,
    name: String,
    modified: DosTime,
}

impl<W: Write + Send + 'static> ZipMember<W> {
    /// Begins the archive. `name` is that of the member, `modified` the time it carries, in UTC.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is empty, has a slash, a backslash or a control character, or
    /// is over 255 bytes; else what the writer below says.
    pub fn new(mut writer: W, name: &str, modified: Millis) -> io::Result<Self> {
        let bad = |c: char| matches!(c, '/' | '\\') || c.is_control();
        if name.is_empty() || name.len() > 255 || name.contains(bad) {
            let message = format!("not a plain file name for a ZIP member: {name:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let modified = DosTime::of(modified);
        // 4.3.7; sizes of 0 in the extra field stand for the ones that follow the data.
        let mut header = Vec::new();
        put32(&mut header, 0x0403_4b50);
        put16(&mut header, NEEDED);
        put_entry(&mut header, modified, 0);
        put16(&mut header, name.len() as u16);
        put16(&mut header, 20);
        header.extend_from_slice(name.as_bytes());
        put_sizes(&mut header, 0, 0);
        writer.write_all(&header)?;
        Ok(Self { packer: Packer::new(writer)?, name: name.to_owned(), modified })
    }

    /// Ends the archive and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(self) -> io::Result<W> {
        let Self { packer, name, modified } = self;
        let Packed { mut writer, crc, plain, packed } = packer.finish()?;
        let header = 30 + name.len() as u64 + 20;
        let directory_at = header + packed + 24;

        let mut end = Vec::new();
        // 4.3.9: data descriptor.
        put32(&mut end, 0x0807_4b50);
        put32(&mut end, crc);
        put64(&mut end, packed);
        put64(&mut end, plain);

        let directory_from = end.len();
        put_directory(&mut end, &name, modified, crc, [plain, packed]);
        let directory_size = (end.len() - directory_from) as u64;
        put_end(&mut end, directory_at, directory_size);

        writer.write_all(&end)?;
        Ok(writer)
    }
}

/// 4.3.12: the central directory with its one entry; `sizes` are the plain one and the packed one.
fn put_directory(out: &mut Vec<u8>, name: &str, modified: DosTime, crc: u32, sizes: [u64; 2]) {
    put32(out, 0x0201_4b50);
    put16(out, MADE_BY);
    put16(out, NEEDED);
    put_entry(out, modified, crc);
    put16(out, name.len() as u16);
    put16(out, 20);
    put16(out, 0); // comment
    put16(out, 0); // disk
    put16(out, 0); // internal attributes
    put32(out, ATTRIBUTES);
    put32(out, 0); // the member begins at the first byte
    out.extend_from_slice(name.as_bytes());
    let [plain, packed] = sizes;
    put_sizes(out, plain, packed);
}

impl<W: Write + Send + 'static> Write for ZipMember<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.packer.write(bytes)?;
        Ok(bytes.len())
    }

    /// Does nothing: a flush in the middle would only make the archive larger.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The part that local header (4.3.7) and directory entry (4.3.12) share.
fn put_entry(out: &mut Vec<u8>, modified: DosTime, crc: u32) {
    put16(out, FLAGS);
    put16(out, METHOD);
    put16(out, modified.time);
    put16(out, modified.date);
    put32(out, crc);
    put32(out, ELSEWHERE_32);
    put32(out, ELSEWHERE_32);
}

/// 4.5.3: the ZIP64 extra field.
fn put_sizes(out: &mut Vec<u8>, plain: u64, packed: u64) {
    put16(out, ZIP64_TAG);
    put16(out, 16);
    put64(out, plain);
    put64(out, packed);
}

/// 4.3.14 to 4.3.16: the three records that end an archive whose directory lies at `at`.
fn put_end(out: &mut Vec<u8>, at: u64, size: u64) {
    put32(out, 0x0606_4b50);
    put64(out, 44);
    put16(out, MADE_BY);
    put16(out, NEEDED);
    put32(out, 0);
    put32(out, 0);
    put64(out, 1);
    put64(out, 1);
    put64(out, size);
    put64(out, at);

    put32(out, 0x0706_4b50);
    put32(out, 0);
    put64(out, at + size);
    put32(out, 1);

    put32(out, 0x0605_4b50);
    put16(out, 0);
    put16(out, 0);
    put16(out, ELSEWHERE_16);
    put16(out, ELSEWHERE_16);
    put32(out, ELSEWHERE_32);
    put32(out, ELSEWHERE_32);
    put16(out, 0);
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
