//! The table `Packages` of an SQLite database, read without SQLite.
//!
//! What is needed is a walk over the tree of one table; a tenth of the format. Source: SQLite's
//! *Database File Format*, chapters 1 and 2. Every page is visited at most once, so neither circles
//! nor shared pages make it longer than the file.

use super::MAX_HEADER;
use crate::blob::{Blob, Endian};

pub(super) const MAGIC: &[u8; 16] = b"SQLite format 3\0";

const BE: Endian = Endian::Big;

/// Deepest tree: at least two children a page reach every page of the largest file.
const MAX_DEPTH: usize = 40;

/// Calls `take` with the header of each package until it says no.
pub(super) fn headers(
    blob: &dyn Blob,
    take: &mut dyn FnMut(Result<Vec<u8>, String>) -> bool,
) -> Result<(), String> {
    let mut file = File::open(blob)?;
    let mut root = None;
    file.walk(1, &mut |row| {
        if let Ok(row) = row
            && text(&row, 0) == Some(b"table")
            && text(&row, 1) == Some(b"Packages")
        {
            root = number(&row, 3);
        }
        true
    })?;
    let root = root.ok_or("it has no table of packages")?;
    file.left = file.pages;
    file.walk(root, &mut |row| {
        take(row.and_then(|row| {
            let header = column(&row, 1).filter(|(kind, _)| *kind >= 12 && kind % 2 == 0);
            header.map(|(_, header)| header.to_vec()).ok_or_else(|| "a package without a header".to_owned())
        }))
    })
}

struct File<'a> {
    blob: &'a dyn Blob,
    page_size: usize,
    /// Bytes of a page that hold data.
    usable: usize,
    pages: u64,
    /// How many pages may still be visited, and how many bytes of rows taken: rows of a sound file
    /// do not lie on each other.
    left: u64,
    bytes: u64,
}

/// What is done with each row, or with the reason why it cannot be read; false ends the walk.
type Take<'a> = dyn FnMut(Result<Vec<u8>, String>) -> bool + 'a;

impl<'a> File<'a> {
    fn open(blob: &'a dyn Blob) -> Result<Self, String> {
        let start: [u8; 100] = blob.array(0)?;
        let page_size = match BE.u16(&start, 16).unwrap_or(0) {
            1 => 65536,
            size => usize::from(size),
        };
        let reserved = usize::from(start.get(20).copied().unwrap_or(0));
        if page_size < 512 || !page_size.is_power_of_two() || page_size - reserved < 480 {
            return Err(format!("pages of {page_size} bytes"));
        }
        let pages = blob.size().div_ceil(page_size as u64);
        let bytes = blob.size();
        Ok(Self { blob, page_size, usable: page_size - reserved, pages, left: pages, bytes })
    }

    fn page(&mut self, number: u64) -> Result<Vec<u8>, String> {
        self.left = self.left.checked_sub(1).ok_or("its pages go round in a circle")?;
        let at = number.checked_sub(1).ok_or("a page of number 0")? * self.page_size as u64;
        self.blob.exact(at, self.page_size).map_err(|e| format!("page {number}: {e}"))
    }

    /// Walks over the rows of the table at `root`.
    fn walk(&mut self, root: u64, take: &mut Take<'_>) -> Result<(), String> {
        let mut stack = vec![(root, 0)];
        while let Some((number, depth)) = stack.pop() {
            if depth > MAX_DEPTH {
                return Err("its tree is too deep".to_owned());
            }
            let page = self.page(number)?;
            let head = if number == 1 { 100 } else { 0 };
            let wrong = || format!("page {number} is damaged");
            let count = usize::from(BE.u16(&page, head + 3).ok_or_else(wrong)?);
            let cells = |from: usize| (0..count).map(move |n| from + 2 * n);
            match page.get(head) {
                Some(0x0d) => {
                    for at in cells(head + 8) {
                        let at = usize::from(BE.u16(&page, at).ok_or_else(wrong)?);
                        let row = self.row(&page, at);
                        if !take(row) {
                            return Ok(());
                        }
                    }
                }
                Some(0x05) => {
                    let mut children = Vec::with_capacity(count + 1);
                    for at in cells(head + 12) {
                        let at = usize::from(BE.u16(&page, at).ok_or_else(wrong)?);
                        children.push(u64::from(BE.u32(&page, at).ok_or_else(wrong)?));
                    }
                    children.push(u64::from(BE.u32(&page, head + 8).ok_or_else(wrong)?));
                    stack.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
                }
                _ => return Err(wrong()),
            }
        }
        Ok(())
    }

    /// The row in the cell at `at`: what fits lies in the page, the rest in a chain of others.
    fn row(&mut self, page: &[u8], at: usize) -> Result<Vec<u8>, String> {
        let wrong = || "a row outside of its page".to_owned();
        let cell = page.get(at..).ok_or_else(wrong)?;
        let (length, first) = varint(cell).ok_or_else(wrong)?;
        let (_, second) = cell.get(first..).and_then(varint).ok_or_else(wrong)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_HEADER + 4096);
        let length = length.ok_or_else(|| format!("a header of more than {MAX_HEADER} bytes"))?;
        self.bytes = self.bytes.checked_sub(length as u64).ok_or("its rows lie on each other")?;
        let body = cell.get(first + second..).ok_or_else(wrong)?;
        let local = self.local(length);
        let mut row = body.get(..local).ok_or_else(wrong)?.to_vec();
        let mut next = BE.u32(body, local).filter(|_| local < length);
        while row.len() < length {
            let number = next.filter(|number| *number != 0).ok_or("a row whose end is missing")?;
            let page = self.page(u64::from(number))?;
            let rest = (length - row.len()).min(self.usable - 4);
            row.extend_from_slice(page.get(4..4 + rest).ok_or_else(wrong)?);
            next = BE.u32(&page, 0);
        }
        Ok(row)
    }

    /// How much of a row of this length lies in the page of its cell.
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = least + (length - least) % (self.usable - 4);
        if local <= most { local } else { least }
    }
}

/// A number of one to nine bytes, and how many it has.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for n in 0..8 {
        let byte = *bytes.get(n)?;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, n + 1));
        }
    }
    Some((value << 8 | u64::from(*bytes.get(8)?), 9))
}

/// Kind and bytes of a column.
fn column(row: &[u8], wanted: usize) -> Option<(u64, &[u8])> {
    let (length, mut at) = varint(row)?;
    let mut data = usize::try_from(length).ok()?;
    let end = data;
    for column in 0.. {
        if at >= end {
            return None;
        }
        let (kind, size) = varint(row.get(at..)?)?;
        at += size;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            kind => usize::try_from((kind - 12) / 2).ok()?,
        };
        let bytes = row.get(data..data.checked_add(size)?)?;
        if column == wanted {
            return Some((kind, bytes));
        }
        data += size;
    }
    None
}

fn text(row: &[u8], wanted: usize) -> Option<&[u8]> {
    column(row, wanted).filter(|(kind, _)| *kind >= 13 && kind % 2 == 1).map(|(_, bytes)| bytes)
}

fn number(row: &[u8], wanted: usize) -> Option<u64> {
    match column(row, wanted)? {
        (8, _) => Some(0),
        (9, _) => Some(1),
        (1..=6, bytes) => Some(bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))),
        _ => None,
    }
}
