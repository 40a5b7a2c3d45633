//! Programs that carry a list of what they were built from: Go and Rust, whatever they are called.
//!
//! A program is known by its first bytes, wherever it lies. Its tables (`elf.rs`, `pe.rs`, `macho.rs`)
//! say where the sections are; `go` and `rust` read theirs. A program without a list says nothing,
//! and nothing is known of it. Tables are bounded: a program that claims more is looked at by its
//! segments alone.

mod elf;
mod macho;
mod pe;
#[cfg(test)]
pub(crate) mod tests;

use crate::blob::Blob;
use crate::reader::{ReaderKind, Reading};
use crate::{gobuild, rust};

/// Most sections and segments that are looked at.
const MAX_SECTIONS: u16 = 8192;

/// A program's parts.
pub(crate) struct Program<'a> {
    pub(crate) blob: &'a dyn Blob,
    sections: Vec<Area>,
    /// What is loaded, and where.
    segments: Vec<Area>,
}

/// A stretch of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Area {
    name: Vec<u8>,
    /// Where it is when the program runs.
    address: u64,
    /// Where it is in the file.
    pub(crate) offset: u64,
    /// How many bytes the file holds.
    pub(crate) size: u64,
    writable: bool,
}

impl Program<'_> {
    /// The section of one of these names.
    pub(crate) fn section(&self, names: &[&[u8]]) -> Option<&Area> {
        self.sections.iter().find(|section| names.contains(&section.name.as_slice()))
    }

    /// The first writable segment: the program's variables.
    pub(crate) fn data(&self) -> Option<&Area> {
        self.segments.iter().find(|segment| segment.writable && segment.size > 0)
    }

    /// `length` bytes at an address of the running program.
    pub(crate) fn at_address(&self, address: u64, length: usize) -> Result<Vec<u8>, String> {
        let wanted = length as u64;
        let segment = self.segments.iter().find(|segment| {
            address
                .checked_sub(segment.address)
                .is_some_and(|at| at.checked_add(wanted).is_some_and(|end| end <= segment.size))
        });
        let segment = segment.ok_or_else(|| format!("address {address:#x} is not in the program"))?;
        let at = segment.offset.checked_add(address - segment.address).ok_or("an impossible segment")?;
        self.blob.exact(at, length)
    }
}

/// Whether a file that begins like this may be a program.
pub(crate) fn begins_like_one(start: &[u8]) -> bool {
    start.starts_with(elf::MAGIC) || start.starts_with(pe::MAGIC) || start.starts_with(&macho::MAGIC)
}

/// What the program was built from, if it says so.
pub(crate) fn read(blob: &dyn Blob) -> Option<(ReaderKind, Reading)> {
    let program = parts(blob)?;
    let found = |kind| move |reading| (kind, reading);
    gobuild::read(&program)
        .map(found(ReaderKind::GoProgram))
        .or_else(|| rust::read(&program).map(found(ReaderKind::RustProgram)))
}

fn parts(blob: &dyn Blob) -> Option<Program<'_>> {
    let start: [u8; 64] = blob.array(0).ok()?;
    if start.starts_with(elf::MAGIC) {
        elf::parts(blob, &start)
    } else if start.starts_with(pe::MAGIC) {
        pe::parts(blob, &start)
    } else if start.starts_with(&macho::MAGIC) {
        macho::parts(blob, &start)
    } else {
        None
    }
}
