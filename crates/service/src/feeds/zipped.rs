//! The records of a zip. The ordinary way through an archive makes an inflater for every entry and
//! throws its buffer away at every seek; of 30,000 small records in a row that was most of the work.
//! Here one inflater and one buffer serve all of them.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// Bytes of the file at hand.
const WINDOW: usize = 64 << 10;

/// A zip whose entries are read one after the other.
pub(super) struct Zipped {
    archive: ZipArchive<Near<File>>,
    inflater: DeflateDecoder<Cursor<Vec<u8>>>,
    /// Longest entry that is read.
    most: u64,
}

impl Zipped {
    /// Reads the directory of the archive. Of longer entries only `most` bytes are read.
    pub(super) fn open(file: File, most: u64) -> Result<Self, ZipError> {
        let archive = ZipArchive::new(Near::new(file))?;
        Ok(Self { archive, inflater: DeflateDecoder::new(Cursor::default()), most })
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.archive.len()
    }

    /// Name of an entry.
    pub(super) fn name(&self, index: usize) -> Option<&str> {
        self.archive.name_for_index(index)
    }

    /// Reads an entry into `bytes`.
    pub(super) fn read(&mut self, index: usize, bytes: &mut Vec<u8>) -> Result<(), ZipError> {
        bytes.clear();
        let entry = self.archive.by_index_raw(index)?;
        let checksum = entry.crc32();
        match entry.compression() {
            CompressionMethod::Stored if !entry.encrypted() => {
                entry.take(self.most).read_to_end(bytes)?;
            }
            CompressionMethod::Deflated if !entry.encrypted() => {
                bytes.reserve(usize::try_from(entry.size().min(self.most)).unwrap_or_default());
                let mut packed = std::mem::take(self.inflater.get_mut()).into_inner();
                packed.clear();
                entry.take(self.most).read_to_end(&mut packed)?;
                self.inflater.reset(Cursor::new(packed));
                self.inflater.by_ref().take(self.most).read_to_end(bytes)?;
            }
            _ => {
                drop(entry);
                self.archive.by_index(index)?.take(self.most).read_to_end(bytes)?;
                return Ok(());
            }
        }
        let mut crc = Crc::new();
        crc.update(bytes);
        // One that was cut cannot be checked; it is refused for its length.
        if crc.sum() != checksum && (bytes.len() as u64) < self.most {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "Invalid checksum").into());
        }
        Ok(())
    }
}

/// A reader that keeps its buffer when a seek stays inside.
struct Near<R> {
    inner: R,
    buffer: Vec<u8>,
    /// Where the buffer begins; behind its `filled` bytes stands the reader below.
    start: u64,
    filled: usize,
    at: usize,
}

impl<R> Near<R> {
    fn new(inner: R) -> Self {
        Self { inner, buffer: vec![0; WINDOW], start: 0, filled: 0, at: 0 }
    }
}

impl<R: Read> Read for Near<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.filled {
            self.start += self.filled as u64;
            (self.at, self.filled) = (0, 0);
            self.filled = self.inner.read(&mut self.buffer)?;
        }
        let read = self.buffer.get(self.at..self.filled).unwrap_or_default().read(out)?;
        self.at += read;
        Ok(read)
    }
}

impl<R: Seek> Seek for Near<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let here = self.start + self.at as u64;
        let wanted = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => Some(here.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?),
            SeekFrom::End(_) => None,
        };
        let inside = wanted.and_then(|place| usize::try_from(place.checked_sub(self.start)?).ok());
        if let Some(at) = inside.filter(|at| *at <= self.filled) {
            self.at = at;
        } else {
            self.start = self.inner.seek(wanted.map_or(to, SeekFrom::Start))?;
            (self.at, self.filled) = (0, 0);
        }
        Ok(self.start + self.at as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(entries: &[(&str, &[u8], CompressionMethod)]) -> File {
        let mut zip = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, bytes, method) in entries {
            zip.start_file(*name, SimpleFileOptions::default().compression_method(*method)).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap()
    }

    #[test]
    fn stored_and_deflated_entries_are_read_in_any_order() {
        let long = b"0123456789".repeat(20_000);
        let file = archive(&[
            ("a", b"first", CompressionMethod::Deflated),
            ("b", &long, CompressionMethod::Deflated),
            ("c", b"third", CompressionMethod::Stored),
            ("d", b"", CompressionMethod::Deflated),
        ]);
        let mut zip = Zipped::open(file, 1 << 20).unwrap();
        assert_eq!((zip.len(), zip.name(2), zip.name(4)), (4, Some("c"), None));
        let mut bytes = Vec::new();
        for (index, expected) in
            [(0, &b"first"[..]), (1, &long), (2, b"third"), (3, b""), (1, &long), (0, b"first")]
        {
            zip.read(index, &mut bytes).unwrap();
            assert_eq!(bytes, expected, "entry {index}");
        }
        assert!(zip.read(4, &mut bytes).is_err());
    }

    #[test]
    fn a_long_entry_is_cut_and_a_damaged_one_is_an_error() {
        let file = archive(&[("a", &[b'x'; 5000], CompressionMethod::Deflated)]);
        let mut bytes = Vec::new();
        Zipped::open(file.try_clone().unwrap(), 1000).unwrap().read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [b'x'; 1000]);

        let mut file = archive(&[("a", b"whole record", CompressionMethod::Stored)]);
        let mut text = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut text).unwrap();
        let at = text.windows(5).position(|part| part == b"whole").unwrap();
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(b"other").unwrap();
        let error = Zipped::open(file, 1000).unwrap().read(0, &mut bytes).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
    }

    proptest! {
        #[test]
        fn seeks_and_reads_equal_those_of_the_file(
            steps in proptest::collection::vec((0_u8..4, 0_i64..200_000, 1_usize..90_000), 1..30)
        ) {
            let text: Vec<u8> = (0..150_000_u32).map(|n| (n / 7 % 251) as u8).collect();
            let (mut plain, mut near) = (Cursor::new(&text), Near::new(Cursor::new(&text)));
            for (kind, place, length) in steps {
                let to = match kind {
                    0 => SeekFrom::Start(place as u64),
                    1 => SeekFrom::Current(place - 100_000),
                    2 => SeekFrom::End(place - 200_000),
                    _ => SeekFrom::Current(0),
                };
                prop_assert_eq!(plain.seek(to).ok(), near.seek(to).ok());
                let (mut expected, mut read) = (Vec::new(), Vec::new());
                plain.by_ref().take(length as u64).read_to_end(&mut expected).unwrap();
                near.by_ref().take(length as u64).read_to_end(&mut read).unwrap();
                prop_assert_eq!(expected, read);
            }
        }
    }
}
