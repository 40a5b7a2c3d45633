//! Programs of Windows. Source: Microsoft's *PE Format*.

use super::{Area, Program};
use crate::blob::{Blob, Endian};

pub(super) const MAGIC: &[u8; 2] = b"MZ";

const LE: Endian = Endian::Little;
const MAX_SECTIONS: u16 = 96;
const INITIALIZED: u32 = 0x40;
const WRITABLE: u32 = 0x8000_0000;

pub(super) fn parts<'a>(blob: &'a dyn Blob, start: &[u8; 64]) -> Option<Program<'a>> {
    let at = u64::from(LE.u32(start, 0x3c)?);
    let header: [u8; 24] = blob.array(at).ok()?;
    if !header.starts_with(b"PE\0\0") {
        return None;
    }
    let (count, optional) = (LE.u16(&header, 6)?, LE.u16(&header, 20)?);
    let fields: [u8; 32] = blob.array(at + 24).ok()?;
    let base = match LE.u16(&fields, 0)? {
        0x10b => u64::from(LE.u32(&fields, 28)?),
        0x20b => LE.u64(&fields, 24)?,
        _ => return None,
    };
    if count > MAX_SECTIONS {
        return None;
    }
    let table = blob.exact(at + 24 + u64::from(optional), usize::from(count) * 40).ok()?;
    let area = |row: &[u8]| {
        let name = row.get(..8)?.split(|&byte| byte == 0).next()?.to_vec();
        let kind = LE.u32(row, 36)?;
        Some(Area {
            name,
            address: base.wrapping_add(u64::from(LE.u32(row, 12)?)),
            size: u64::from(LE.u32(row, 16)?),
            offset: u64::from(LE.u32(row, 20)?),
            writable: kind & INITIALIZED != 0 && kind & WRITABLE != 0,
        })
    };
    let sections: Vec<Area> = table.chunks_exact(40).filter_map(area).collect();
    Some(Program { blob, segments: sections.clone(), sections })
}
