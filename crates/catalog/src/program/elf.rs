//! ELF, of 32 and 64 bits and either byte order.
//!
//! Source: *System V Application Binary Interface*, "Object Files" and "Program Header".

use super::{Area, MAX_SECTIONS, Program};
use crate::blob::{Blob, Endian};

pub(super) const MAGIC: &[u8; 4] = b"\x7fELF";

/// Longest table of section names, in bytes.
const MAX_NAMES: u64 = 1 << 20;

/// An object file that is no program yet.
const RELOCATABLE: u16 = 1;
const LOAD: u32 = 1;
const WRITABLE: u64 = 2;

pub(super) fn parts<'a>(blob: &'a dyn Blob, start: &[u8; 64]) -> Option<Program<'a>> {
    let endian = match start.get(5)? {
        1 => Endian::Little,
        2 => Endian::Big,
        _ => return None,
    };
    let form = Form { wide: *start.get(4)? == 2, endian };
    if endian.u16(start, 16)? == RELOCATABLE {
        return None;
    }
    let (tables, counts) = if form.wide { ((32, 40), 54) } else { ((28, 32), 42) };
    let number = |at| endian.u16(start, at);
    let segments =
        Table { at: form.word(start, tables.0)?, size: number(counts)?, count: number(counts + 2)? };
    let sections =
        Table { at: form.word(start, tables.1)?, size: number(counts + 4)?, count: number(counts + 6)? };
    let names = number(counts + 8)?;
    Some(Program {
        blob,
        // A stripped table is no reason to give up: the segments are what is loaded.
        sections: form.sections(blob, &sections, names).unwrap_or_default(),
        segments: form.segments(blob, &segments).unwrap_or_default(),
    })
}

struct Table {
    at: u64,
    size: u16,
    count: u16,
}

impl Table {
    fn read(&self, blob: &dyn Blob, least: usize) -> Option<Vec<u8>> {
        let sane = usize::from(self.size) >= least && self.size <= 256 && self.count <= MAX_SECTIONS;
        sane.then(|| blob.exact(self.at, usize::from(self.size) * usize::from(self.count)).ok())?
    }
}

#[derive(Clone, Copy)]
struct Form {
    wide: bool,
    endian: Endian,
}

impl Form {
    fn word(self, bytes: &[u8], at: usize) -> Option<u64> {
        if self.wide { self.endian.u64(bytes, at) } else { self.endian.u32(bytes, at).map(u64::from) }
    }

    fn sections(self, blob: &dyn Blob, table: &Table, names: u16) -> Option<Vec<Area>> {
        let (least, address, offset, size) = if self.wide { (64, 16, 24, 32) } else { (40, 12, 16, 20) };
        let bytes = table.read(blob, least)?;
        let rows: Vec<&[u8]> = bytes.chunks_exact(usize::from(table.size)).collect();
        let row = rows.get(usize::from(names))?;
        let length = self.word(row, size).filter(|length| *length <= MAX_NAMES)?;
        let names = blob.exact(self.word(row, offset)?, usize::try_from(length).ok()?).ok()?;
        let area = |row: &&[u8]| {
            let at = usize::try_from(self.endian.u32(row, 0)?).ok()?;
            let name = names.get(at..)?.split(|&byte| byte == 0).next()?;
            // Only the names that somebody asks for are worth keeping.
            name.starts_with(b".").then(|| name.get(..name.len().min(32)).unwrap_or_default().to_vec())
        };
        rows.iter()
            .map(|row| {
                Some(Area {
                    name: area(row).unwrap_or_default(),
                    address: self.word(row, address)?,
                    offset: self.word(row, offset)?,
                    size: self.word(row, size)?,
                    writable: false,
                })
            })
            .collect()
    }

    fn segments(self, blob: &dyn Blob, table: &Table) -> Option<Vec<Area>> {
        let (least, flags, offset, address, size) =
            if self.wide { (56, 4, 8, 16, 32) } else { (32, 24, 4, 8, 16) };
        let bytes = table.read(blob, least)?;
        let rows = bytes.chunks_exact(usize::from(table.size));
        rows.filter(|row| self.endian.u32(row, 0) == Some(LOAD))
            .map(|row| {
                Some(Area {
                    name: Vec::new(),
                    address: self.word(row, address)?,
                    offset: self.word(row, offset)?,
                    size: self.word(row, size)?,
                    // Writable and not executable.
                    writable: u64::from(self.endian.u32(row, flags)?) & 3 == WRITABLE,
                })
            })
            .collect()
    }
}
