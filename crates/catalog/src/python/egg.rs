//! Distributions that setuptools and `easy_install` left: `NAME.egg-info` as directory or file, and
//! eggs, unpacked or as one ZIP file. The headers are those of `dist-info`.
//!
//! Source: setuptools' documentation, *The Internal Structure of Python Eggs*.

use std::io::{Cursor, Read};

use crate::path::{file_name, split};
use crate::reader::Reading;

/// Whether the path is the metadata of a distribution.
pub(crate) fn claims(path: &[u8]) -> bool {
    if path.ends_with(b".egg-info") {
        return true;
    }
    path.strip_suffix(b"/PKG-INFO").is_some_and(|directory| {
        directory.ends_with(b".egg-info")
            || (file_name(directory) == b"EGG-INFO" && split(directory).0.ends_with(b".egg"))
    })
}

/// The directory that holds the distributions.
pub(crate) fn database(path: &[u8]) -> &[u8] {
    let (directory, name) = split(path);
    if name != b"PKG-INFO" {
        return directory;
    }
    let (above, name) = split(directory);
    if name == b"EGG-INFO" { split(above).0 } else { above }
}

/// Reads the metadata.
pub fn read(bytes: &[u8]) -> Reading {
    super::read(bytes)
}

/// Whether the path is an egg in one file.
pub(crate) fn claims_file(path: &[u8]) -> bool {
    path.ends_with(b".egg")
}

/// Most members of an egg: the directory of a ZIP file is kept whole in memory.
const MAX_MEMBERS: u16 = 20_000;

/// Most bytes of metadata.
const MAX_METADATA: u64 = 1 << 20;

/// Reads the metadata inside of a ZIP file. `EGG-INFO/PKG-INFO` is unpacked, nothing else is.
pub fn read_file(bytes: &[u8]) -> Reading {
    match metadata(bytes) {
        Ok(text) => super::read(&text),
        Err(why) => Reading::unreadable(why),
    }
}

fn metadata(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let end = memchr::memmem::rfind(bytes, b"PK\x05\x06").ok_or("it is no ZIP file")?;
    let count = bytes.get(end + 10..end + 12).and_then(|count| count.first_chunk::<2>());
    let count = u16::from_le_bytes(*count.ok_or("the ZIP file is cut short")?);
    if count > MAX_MEMBERS {
        return Err(format!("it has more than {MAX_MEMBERS} members"));
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let member = archive.by_name("EGG-INFO/PKG-INFO").map_err(|e| format!("EGG-INFO/PKG-INFO: {e}"))?;
    let mut text = Vec::new();
    member.take(MAX_METADATA).read_to_end(&mut text).map_err(|e| format!("EGG-INFO/PKG-INFO: {e}"))?;
    Ok(text)
}
