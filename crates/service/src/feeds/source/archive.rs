//! What packs the files of a feed: zip, tar, gzip, zstd. Nothing is unpacked to disk, and no entry is
//! held beyond the limit of a record.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{MAX_RECORD, MAX_RECORDS, open, record_name};
use crate::error::{Error, Result};

/// Largest window a zstd frame may ask for, as a power of two: 128 MiB, what `--long` takes.
const ZSTD_WINDOW_LOG: u32 = 27;
/// Where the mark of a tar archive stands.
const TAR_MARK: std::ops::Range<usize> = 257..262;

/// What a file is on the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    /// A tar archive, packed or not.
    Tar,
    /// One file, packed or not.
    File,
}

/// Looks inside.
pub(super) fn kind(path: &Path) -> Result<Kind> {
    let error = |e| Error::file(path, e);
    let mut head = Vec::new();
    open(path)?.take(4).read_to_end(&mut head).map_err(error)?;
    if matches!(head.as_slice(), b"PK\x03\x04" | b"PK\x05\x06") {
        return Ok(Kind::Zip);
    }
    let mut block = Vec::new();
    unpacked(path)?.take(512).read_to_end(&mut block).map_err(error)?;
    Ok(if block.get(TAR_MARK) == Some(b"ustar") { Kind::Tar } else { Kind::File })
}

pub(super) fn is_file(path: &Path) -> Result<bool> {
    Ok(kind(path)? == Kind::File)
}

/// The content, unpacked when it is gzip or zstd.
pub(super) fn unpacked(path: &Path) -> Result<Box<dyn BufRead>> {
    let error = |e| Error::file(path, e);
    let mut buffered = BufReader::with_capacity(1 << 16, open(path)?);
    let head = buffered.fill_buf().map_err(error)?;
    Ok(if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::new(MultiGzDecoder::new(buffered)))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut decoder = zstd::Decoder::with_buffer(buffered).map_err(error)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(error)?;
        Box::new(BufReader::new(decoder))
    } else {
        Box::new(buffered)
    })
}

/// Calls `each` with name and bytes of every record of a tar archive.
pub(super) fn each_in_tar(path: &Path, each: &mut dyn FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
    let damaged = |e: std::io::Error| Error::Invalid(format!("{}: damaged archive: {e}", path.display()));
    let mut archive = tar::Archive::new(unpacked(path)?);
    let mut bytes = Vec::new();
    for (n, entry) in archive.entries().map_err(damaged)?.enumerate() {
        if n >= MAX_RECORDS {
            return Err(Error::Invalid(format!("{}: more than {MAX_RECORDS} entries", path.display())));
        }
        let mut entry = entry.map_err(damaged)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(name) = record_name(&name).filter(|_| entry.header().entry_type().is_file()) else {
            continue;
        };
        bytes.clear();
        let size = entry.size();
        entry.by_ref().take(MAX_RECORD).read_to_end(&mut bytes).map_err(damaged)?;
        if (bytes.len() as u64) < size.min(MAX_RECORD) {
            return Err(damaged(std::io::ErrorKind::UnexpectedEof.into()));
        }
        each(name, &bytes)?;
    }
    Ok(())
}
