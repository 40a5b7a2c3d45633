//! Whether a program on disk carries a dependency list, told from the names of its sections.
//!
//! Source: *ELF-64 Object File Format*, "ELF Header" and "Sections". Of a program in another form
//! (32 bit, big endian, damaged table) the whole file is searched, as in a layer.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use crate::foreign::{ELF, Foreign, ProgramScan};

/// Longest table of section names looked at, in bytes.
const MAX_NAMES: u64 = 1 << 20;

/// What the program carries, if anything; `None` also for files that are no programs.
pub(super) fn dependency_list(file: &File) -> io::Result<Option<Foreign>> {
    let mut header = [0; 64];
    if file.read_at(&mut header, 0)? < header.len() || !header.starts_with(ELF) {
        return Ok(None);
    }
    let mut scan = ProgramScan::new();
    match section_names(file, &header)? {
        Some(names) => scan.feed(&names),
        None => whole(file, &mut scan)?,
    }
    Ok(scan.finish())
}

fn section_names(file: &File, header: &[u8; 64]) -> io::Result<Option<Vec<u8>>> {
    const BITS_64: u8 = 2;
    const LITTLE_ENDIAN: u8 = 1;
    if header.get(4..6) != Some(&[BITS_64, LITTLE_ENDIAN]) {
        return Ok(None);
    }
    let (table, size, number) = (long(header, 0x28), short(header, 0x3a), short(header, 0x3e));
    if table == 0 || size < 64 {
        return Ok(None);
    }
    let mut section = [0; 64];
    let at = table.saturating_add(u64::from(size) * u64::from(number));
    if file.read_at(&mut section, at)? < section.len() {
        return Ok(None);
    }
    let (at, length) = (long(&section, 0x18), long(&section, 0x20));
    if length == 0 || length > MAX_NAMES {
        return Ok(None);
    }
    let mut names = vec![0; usize::try_from(length).unwrap_or(0)];
    Ok(file.read_exact_at(&mut names, at).is_ok().then_some(names))
}

fn whole(mut file: &File, scan: &mut ProgramScan) -> io::Result<()> {
    let mut buffer = vec![0; 128 << 10];
    file.seek(SeekFrom::Start(0))?;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        scan.feed(buffer.get(..n).unwrap_or_default());
    }
}

fn short(bytes: &[u8; 64], at: usize) -> u16 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u16::from_le_bytes(*b))
}

fn long(bytes: &[u8; 64], at: usize) -> u64 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b))
}
