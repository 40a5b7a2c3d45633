//! Programs made by hand, sound and forged.

use proptest::prelude::*;

use super::*;

/// Where a program made here is loaded: the whole file, as one writable segment.
pub(crate) const BASE: u64 = 0x40_0000;

/// Where the first section begins.
pub(crate) const FIRST: usize = 128;

/// A 64-bit program with these sections.
pub(crate) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = vec![0_u8; FIRST];
    let mut names = b"\0".to_vec();
    let mut rows = vec![[0_u8; 64]];
    let mut row = |names: &mut Vec<u8>, name: &str, at: usize, size: usize| {
        let mut row = [0_u8; 64];
        row[..4].copy_from_slice(&(names.len() as u32).to_le_bytes());
        row[16..24].copy_from_slice(&(BASE + at as u64).to_le_bytes());
        row[24..32].copy_from_slice(&(at as u64).to_le_bytes());
        row[32..40].copy_from_slice(&(size as u64).to_le_bytes());
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        rows.push(row);
    };
    for (name, bytes) in sections {
        row(&mut names, name, file.len(), bytes.len());
        file.extend_from_slice(bytes);
        file.resize(file.len().next_multiple_of(16), 0);
    }
    let size = names.len() + ".shstrtab\0".len();
    row(&mut names, ".shstrtab", file.len(), size);
    file.extend_from_slice(&names);
    let table = file.len() as u64;
    rows.iter().for_each(|row| file.extend_from_slice(row));
    file.resize(file.len().max(4096), 0);
    let size = file.len() as u64;
    file[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    file[16] = 2;
    file[32..40].copy_from_slice(&64_u64.to_le_bytes());
    file[40..48].copy_from_slice(&table.to_le_bytes());
    for (at, value) in [(54, 56), (56, 1), (58, 64), (60, rows.len()), (62, rows.len() - 1)] {
        file[at..at + 2].copy_from_slice(&(value as u16).to_le_bytes());
    }
    file[64..72].copy_from_slice(&[1, 0, 0, 0, 6, 0, 0, 0]);
    file[80..88].copy_from_slice(&BASE.to_le_bytes());
    file[96..104].copy_from_slice(&size.to_le_bytes());
    file
}

/// The same program without its table of sections.
pub(crate) fn stripped(mut program: Vec<u8>) -> Vec<u8> {
    program[40..48].fill(0);
    program[58..64].fill(0);
    program
}

/// A program of Windows with one section.
pub(crate) fn pe(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0_u8; 512];
    file[..2].copy_from_slice(b"MZ");
    file[0x3c] = 64;
    file[64..68].copy_from_slice(b"PE\0\0");
    file[70] = 1;
    file[84] = 32;
    file[88..90].copy_from_slice(&[0x0b, 0x02]);
    let row = 64 + 24 + 32;
    file[row..row + name.len()].copy_from_slice(name.as_bytes());
    file[row + 16..row + 20].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    file[row + 20..row + 24].copy_from_slice(&512_u32.to_le_bytes());
    file[row + 36..row + 40].copy_from_slice(&0xc000_0040_u32.to_le_bytes());
    file.extend_from_slice(bytes);
    file
}

/// A program of macOS with one section.
pub(crate) fn macho(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0_u8; 512];
    file[..4].copy_from_slice(&macho::MAGIC);
    file[16] = 1;
    file[20] = 72 + 80;
    file[32] = 0x19;
    file[36] = 72 + 80;
    file[40..46].copy_from_slice(b"__DATA");
    let row = 32 + 72;
    file[row..row + name.len()].copy_from_slice(name.as_bytes());
    file[row + 40..row + 48].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    file[row + 48..row + 52].copy_from_slice(&512_u32.to_le_bytes());
    file.extend_from_slice(bytes);
    file
}

#[test]
fn sections_are_found_in_programs_of_all_three_systems() {
    let files =
        [elf(&[(".text", b"code"), (".mine", b"here")]), pe(".mine", b"here"), macho(".mine", b"here")];
    for file in &files {
        assert!(begins_like_one(file));
        let file = &file.as_slice();
        let program = parts(file).unwrap();
        let area = program.section(&[b".mine"]).unwrap();
        assert_eq!(program.blob.exact(area.offset, 4).unwrap(), b"here");
        assert!(program.section(&[b".other"]).is_none());
    }
    assert!(!begins_like_one(b"#!/bin/sh\n"));
}

#[test]
fn forged_tables_are_passed_over() {
    let sound = elf(&[(".mine", b"here")]);
    for (at, value) in [(40, u64::MAX), (40, 4000), (32, u64::MAX - 8), (58, 0xffff_ffff_ffff)] {
        let mut file = sound.clone();
        file[at..at + 8].copy_from_slice(&value.to_le_bytes());
        let _ = read(&file.as_slice());
    }
    assert!(parts(&stripped(sound).as_slice()).unwrap().data().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn bent_programs_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        magic in 0_usize..4,
        at in any::<prop::sample::Index>(),
        value in any::<u64>(),
    ) {
        let start = [&b"\x7fELF\x02\x01"[..], b"\x7fELF\x01\x02", b"MZ", &macho::MAGIC][magic];
        let _ = read(&[start, &bytes].concat().as_slice());
        for mut file in [elf(&[(".go.buildinfo", &bytes), (".dep-v0", &bytes)]), pe(".dep-v0", &bytes)] {
            let at = at.index(file.len() - 8);
            file[at..at + 8].copy_from_slice(&value.to_le_bytes());
            let _ = read(&file.as_slice());
        }
    }
}
