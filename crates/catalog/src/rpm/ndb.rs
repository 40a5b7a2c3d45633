//! rpm's own form, `Packages.db`, as SUSE uses it.
//!
//! Pages of slots, each with number, place and length of one header; blocks of 16 bytes. Source: the
//! description in rpm's `lib/backend/ndb`. All numbers are little endian.

use super::MAX_HEADER;
use crate::blob::{Blob, Endian};

pub(super) const MAGIC: &[u8; 4] = b"RpmP";

const LE: Endian = Endian::Little;
const SLOT: &[u8; 4] = b"Slot";
const BLOB: &[u8; 4] = b"BlbS";
const PAGE: usize = 4096;
const BLOCK: u64 = 16;
/// The first two slots are the file's own head.
const HEAD: usize = 32;

/// Calls `take` with the header of each package until it says no.
pub(super) fn headers(
    blob: &dyn Blob,
    take: &mut dyn FnMut(Result<Vec<u8>, String>) -> bool,
) -> Result<(), String> {
    let head: [u8; HEAD] = blob.array(0)?;
    let pages = u64::from(LE.u32(&head, 12).unwrap_or(0));
    if pages == 0 || pages.saturating_mul(PAGE as u64) > blob.size() {
        return Err(format!("{pages} pages of slots are not there"));
    }
    // Headers of a sound file do not lie on each other.
    let mut left = blob.size();
    for page in 0..pages {
        let slots = blob.exact(page * PAGE as u64, PAGE)?;
        let first = if page == 0 { HEAD } else { 0 };
        for slot in slots.get(first..).unwrap_or_default().chunks_exact(16) {
            let (number, block) = (LE.u32(slot, 4).unwrap_or(0), LE.u32(slot, 8).unwrap_or(0));
            if !slot.starts_with(SLOT) {
                return Err("a damaged slot".to_owned());
            }
            if number != 0 && !take(header(blob, number, u64::from(block) * BLOCK, &mut left)) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn header(blob: &dyn Blob, number: u32, at: u64, left: &mut u64) -> Result<Vec<u8>, String> {
    let head: [u8; 16] = blob.array(at)?;
    if !head.starts_with(BLOB) || LE.u32(&head, 4) != Some(number) {
        return Err(format!("package {number} is not where its slot says"));
    }
    let length = LE.u32(&head, 12).and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    if length > MAX_HEADER {
        return Err(format!("a header of more than {MAX_HEADER} bytes"));
    }
    *left = left.checked_sub(length as u64).ok_or("its headers lie on each other")?;
    blob.exact(at + 16, length)
}
