//! A hash of Berkeley DB, `Packages`, as rpm wrote it before 4.16.
//!
//! Keys are package numbers, values the headers; a value too large for its page lies in a chain of
//! overflow pages. The pages are read one after the other, the hash itself is of no interest. Source:
//! Berkeley DB's *Reference Guide* and the names in its `db_page.h`. Numbers have the byte order of
//! the machine that wrote them.

use super::MAX_HEADER;
use crate::blob::{Blob, Endian};

const MAGIC: u32 = 0x0006_1561;

/// Bytes before the index of a page, or the data of an overflow page.
const PAGE_HEAD: usize = 26;

const HASH_UNSORTED: u8 = 2;
const HASH: u8 = 13;
const OVERFLOW: u8 = 7;

const KEY_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;

fn endian(start: &[u8]) -> Option<Endian> {
    [Endian::Little, Endian::Big].into_iter().find(|endian| endian.u32(start, 12) == Some(MAGIC))
}

/// Whether a file that begins like this is one.
pub(super) fn is_one(start: &[u8; 16]) -> bool {
    endian(start).is_some()
}

/// Calls `take` with the header of each package until it says no.
pub(super) fn headers(
    blob: &dyn Blob,
    take: &mut dyn FnMut(Result<Vec<u8>, String>) -> bool,
) -> Result<(), String> {
    let start: [u8; 36] = blob.array(0)?;
    let endian = endian(&start).ok_or("no hash of Berkeley DB")?;
    let page_size = endian.u32(&start, 20).and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    if !(512..=65536).contains(&page_size) || !page_size.is_power_of_two() {
        return Err(format!("pages of {page_size} bytes"));
    }
    if start.get(24).is_some_and(|&algorithm| algorithm != 0) {
        return Err("it is encrypted".to_owned());
    }
    let pages = blob.size() / page_size as u64;
    let last = u64::from(endian.u32(&start, 32).unwrap_or(0));
    let mut file = File { blob, page_size, endian, left: pages, bytes: blob.size() };
    for number in 1..=last.min(pages.saturating_sub(1)) {
        let page = file.blob.exact(number * page_size as u64, page_size)?;
        if matches!(page.get(25), Some(&(HASH | HASH_UNSORTED))) && !file.hash_page(&page, take) {
            return Ok(());
        }
    }
    if last >= pages {
        Err(format!("{} of its {} pages are missing", last + 1 - pages, last + 1))
    } else {
        Ok(())
    }
}

struct File<'a> {
    blob: &'a dyn Blob,
    page_size: usize,
    endian: Endian,
    /// How many overflow pages may still be read, and bytes taken from pages: each belongs to one value.
    left: u64,
    bytes: u64,
}

impl File<'_> {
    /// Reads the pairs of one page; false when no more are wanted.
    fn hash_page(&mut self, page: &[u8], take: &mut dyn FnMut(Result<Vec<u8>, String>) -> bool) -> bool {
        let count = usize::from(self.endian.u16(page, 20).unwrap_or(0));
        let place = |n: usize| self.endian.u16(page, PAGE_HEAD + 2 * n).map(usize::from);
        // Items lie from the end of the page downwards, so one ends where the one before began.
        let item = |n: usize| {
            let end = if n == 0 { page.len() } else { place(n - 1)? };
            page.get(place(n)?..end)
        };
        let pairs: Vec<_> = (0..count / 2).map(|n| (item(2 * n), item(2 * n + 1))).collect();
        for pair in pairs {
            let header = match pair {
                (Some([KEY_DATA, 0, 0, 0, 0]), _) => continue,
                (Some(_), Some([KEY_DATA, header @ ..])) => self.copied(header),
                (Some(_), Some(value @ [OFF_PAGE, ..])) => self.overflow(value),
                (Some(_), Some(_)) => Err("a value of a kind that rpm does not use".to_owned()),
                _ => Err("an item outside of its page".to_owned()),
            };
            if !take(header) {
                return false;
            }
        }
        true
    }

    fn copied(&mut self, header: &[u8]) -> Result<Vec<u8>, String> {
        self.bytes = self.bytes.checked_sub(header.len() as u64).ok_or("its items lie on each other")?;
        Ok(header.to_vec())
    }

    fn overflow(&mut self, value: &[u8]) -> Result<Vec<u8>, String> {
        let (first, length) = self.endian.u32(value, 4).zip(self.endian.u32(value, 8)).ok_or("a cut item")?;
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_HEADER);
        let length = length.ok_or_else(|| format!("a header of more than {MAX_HEADER} bytes"))?;
        let mut header = Vec::new();
        let mut number = first;
        while header.len() < length {
            self.left = self.left.checked_sub(1).ok_or("its pages go round in a circle")?;
            if number == 0 {
                return Err("a header whose end is missing".to_owned());
            }
            let page = self.blob.exact(u64::from(number) * self.page_size as u64, self.page_size)?;
            let size = usize::from(self.endian.u16(&page, 22).unwrap_or(0));
            let data = page.get(PAGE_HEAD..).and_then(|data| data.get(..size));
            let data = data.filter(|data| page.get(25) == Some(&OVERFLOW) && !data.is_empty());
            header.extend_from_slice(data.ok_or_else(|| format!("page {number} is damaged"))?);
            number = self.endian.u32(&page, 16).unwrap_or(0);
        }
        header.truncate(length);
        Ok(header)
    }
}
