//! Programs of macOS, of 64 bits. Source: Apple's `mach-o/loader.h`.

use super::{Area, Program};
use crate::blob::{Blob, Endian};

pub(super) const MAGIC: [u8; 4] = [0xcf, 0xfa, 0xed, 0xfe];

const LE: Endian = Endian::Little;
const SEGMENT: u32 = 0x19;

/// Longest list of load commands, in bytes, and most commands in it.
const MAX_COMMANDS: u32 = 1 << 20;
const MAX_COUNT: u32 = 4096;

pub(super) fn parts<'a>(blob: &'a dyn Blob, start: &[u8; 64]) -> Option<Program<'a>> {
    let (count, length) = (LE.u32(start, 16)?, LE.u32(start, 20)?);
    if length > MAX_COMMANDS {
        return None;
    }
    let commands = blob.exact(32, usize::try_from(length).ok()?).ok()?;
    let mut program = Program { blob, sections: Vec::new(), segments: Vec::new() };
    let mut rest = commands.as_slice();
    for _ in 0..count.min(MAX_COUNT) {
        let size = usize::try_from(LE.u32(rest, 4)?).ok()?;
        let command = rest.get(..size).filter(|_| size >= 8)?;
        if LE.u32(command, 0) == Some(SEGMENT) {
            segment(command, &mut program);
        }
        rest = rest.get(size..)?;
    }
    Some(program)
}

fn segment(command: &[u8], program: &mut Program<'_>) -> Option<()> {
    let text = |bytes: &[u8], at: usize| -> Option<Vec<u8>> {
        Some(bytes.get(at..at + 16)?.split(|&byte| byte == 0).next()?.to_vec())
    };
    program.segments.push(Area {
        name: Vec::new(),
        address: LE.u64(command, 24)?,
        offset: LE.u64(command, 40)?,
        size: LE.u64(command, 48)?,
        writable: text(command, 8)?.starts_with(b"__DATA"),
    });
    for section in command.get(72..)?.chunks_exact(80) {
        program.sections.push(Area {
            name: text(section, 0)?,
            address: LE.u64(section, 32)?,
            size: LE.u64(section, 40)?,
            offset: u64::from(LE.u32(section, 48)?),
            writable: false,
        });
    }
    Some(())
}
