//! Build information of all forms.

use proptest::prelude::*;

use super::*;
use crate::program::{self, tests as programs};
use crate::reader::ReaderKind;

const LIST: &str = "path\texample.com/tool\nmod\texample.com/tool\t(devel)\t\n\
    dep\tgithub.com/a/b\tv1.2.3\th1:x=\n\
    dep\tgithub.com/old/c\tv0.1.0\n=>\tgithub.com/new/c\tv0.2.0\th1:y=\n\
    dep\tgithub.com/local/d\tv3.0.0\n=>\t./vendor/d\t(devel)\t\n\
    dep\tgithub.com/e/f\tv2.0.0+incompatible\th1:z=\nbuild\t-compiler=gc\n";

const EXPECTED: [&str; 6] = [
    "example.com/tool (devel)",
    "github.com/a/b 1.2.3",
    "github.com/e/f 2.0.0+incompatible",
    "github.com/local/d (devel)",
    "github.com/new/c 0.2.0",
    "stdlib 1.21.5",
];

fn with_marks(list: &str) -> Vec<u8> {
    if list.is_empty() { Vec::new() } else { [&[b'<'; 16], list.as_bytes(), &[b'>'; 16]].concat() }
}

fn varint(mut n: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while n > 0x7f {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

/// Build information as since Go 1.18.
pub(crate) fn inline(version: &str, list: &str) -> Vec<u8> {
    let mut info = [MARK.as_slice(), &[8, 2]].concat();
    info.resize(32, 0);
    for text in [version.as_bytes().to_vec(), with_marks(list)] {
        info.extend(varint(text.len()));
        info.extend(text);
    }
    info
}

/// Build information as before, in the first section.
fn pointers(version: &str, list: &str, endian: Endian, size: usize) -> Vec<u8> {
    let word = |n: u64| match (endian, size) {
        (Endian::Little, 8) => n.to_le_bytes().to_vec(),
        (Endian::Little, _) => (n as u32).to_le_bytes().to_vec(),
        (Endian::Big, 8) => n.to_be_bytes().to_vec(),
        (Endian::Big, _) => (n as u32).to_be_bytes().to_vec(),
    };
    let at = programs::BASE + programs::FIRST as u64;
    let list = with_marks(list);
    let mut info = [MARK.as_slice(), &[size as u8, u8::from(endian == Endian::Big)]].concat();
    info.extend([word(at + 32), word(at + 64)].concat());
    info.resize(32, 0);
    info.extend([word(at + 96), word(version.len() as u64)].concat());
    info.resize(64, 0);
    info.extend([word(at + 96 + version.len() as u64), word(list.len() as u64)].concat());
    info.resize(96, 0);
    info.extend_from_slice(version.as_bytes());
    info.extend(list);
    info
}

fn read_program(file: &[u8]) -> Reading {
    let (kind, reading) = program::read(&file).unwrap();
    assert_eq!(kind, ReaderKind::GoProgram);
    reading
}

fn lines(reading: &Reading) -> Vec<String> {
    assert!(reading.packages.iter().all(|p| p.ecosystem == "Go"));
    reading.packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect()
}

#[test]
fn both_forms_say_the_same_in_programs_of_all_systems() {
    let new = inline("go1.21.5", LIST);
    let elf = programs::elf(&[(".go.buildinfo", &new)]);
    let mut files = vec![
        programs::stripped(programs::elf(&[(".data", &new)])),
        elf,
        programs::pe(".data", &new),
        programs::macho("__go_buildinfo", &new),
    ];
    for endian in [Endian::Little, Endian::Big] {
        for size in [4, 8] {
            files.push(programs::elf(&[(".go.buildinfo", &pointers("go1.21.5", LIST, endian, size))]));
        }
    }
    for (n, file) in files.iter().enumerate() {
        let reading = read_program(file);
        assert_eq!((lines(&reading), reading.problem), (EXPECTED.map(str::to_owned).to_vec(), None), "{n}");
    }
}

#[test]
fn the_toolchains_version_is_written_as_advisories_do() {
    for (toolchain, version) in [
        ("go1.22.3", Some("1.22.3")),
        ("go1.22", Some("1.22.0")),
        ("go1.21rc2", Some("1.21.0-rc.2")),
        ("go1.20beta1", Some("1.20.0-beta.1")),
        ("go1.18.3b7", Some("1.18.3")),
        ("go1.20.5 (Red Hat 1.20.5-1.el9)", Some("1.20.5")),
        ("go1.22.3 X:boringcrypto", Some("1.22.3")),
        ("go1.23.1-custom", Some("1.23.1")),
        ("devel go1.23-abcdef Mon", None),
        ("", None),
        ("go1", None),
        ("go1..2", None),
    ] {
        assert_eq!(library(toolchain).as_deref(), version, "{toolchain}");
    }
}

#[test]
fn what_cannot_be_told_is_said() {
    let read = |info: &[u8]| read_program(&programs::elf(&[(".go.buildinfo", info)]));
    let none = read(&inline("go1.21.5", ""));
    assert_eq!(lines(&none), ["stdlib 1.21.5"]);
    assert_eq!(none.unknown.as_deref(), Some("it was built without modules"));
    let devel = read(&inline("devel +abc", LIST));
    assert_eq!(lines(&devel).len(), 5);
    assert!(devel.problem.unwrap().contains("toolchain"));
    let mut forged = inline("go1.21.5", LIST);
    forged[32..37].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert!(read(&forged).problem.unwrap().contains("damaged: a text of"));
    forged[32..37].fill(0xff);
    assert!(read(&forged).problem.unwrap().contains("a length without end"));
    let mut wild = pointers("go1.1", LIST, Endian::Little, 8);
    wild[16..24].fill(0xee);
    assert!(read(&wild).problem.unwrap().contains("is not in the program"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn bent_build_information_never_panics(at in 0_usize..400, value in any::<[u8; 4]>(), old in any::<bool>()) {
        let mut info = match old {
            true => pointers("go1.17.2", LIST, Endian::Little, 8),
            false => inline("go1.21.5", LIST),
        };
        let at = at.min(info.len() - 4);
        info[at..at + 4].copy_from_slice(&value);
        let _ = program::read(&programs::elf(&[(".go.buildinfo", &info)]).as_slice());
    }
}
