//! Archives open in other programs' readers, small and large.

use std::env;
use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::process::Command;

use parapet_export::ZipMember;
use tempfile::TempDir;
use zip::ZipArchive;

use crate::estate::MARCH;

fn archive(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut member = ZipMember::new(Vec::new(), name, MARCH).unwrap();
    member.write_all(contents).unwrap();
    member.finish().unwrap()
}

#[test]
fn the_member_comes_back() {
    // Several chunks, of which the last is not whole; every line is another one.
    let large: String = (0..200_000).map(|n| format!("{n},漏洞 {}\n", n * 7919)).collect();
    for contents in ["", "one line\n", &"a,b\n1,2\n".repeat(50_000), &large] {
        let bytes = archive("漏洞 findings.csv", contents.as_bytes());
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut member = archive.by_index(0).unwrap();
        assert_eq!(member.name(), "漏洞 findings.csv");
        assert_eq!(member.size(), contents.len() as u64);
        let modified = member.last_modified().unwrap();
        assert_eq!((modified.year(), modified.month(), modified.day()), (2026, 3, 1));
        let mut read = String::new();
        member.read_to_string(&mut read).unwrap();
        assert!(read == contents);
    }
}

#[test]
fn a_damaged_archive_is_noticed() {
    let mut bytes = archive("a.csv", &b"some text that is long enough to be packed ".repeat(100));
    let middle = 30 + "a.csv".len() + 20 + 10;
    bytes[middle] ^= 0x55;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    assert!(archive.by_index(0).unwrap().read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn a_failing_disk_is_reported() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() > self.0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert!(ZipMember::new(Full(10), "a.csv", 0).is_err(), "no room for the header");
    let member = ZipMember::new(Full(60), "a.csv", 0).unwrap();
    assert!(member.finish().is_err(), "no room for the directory");

    let mut member = ZipMember::new(Full(5_000), "a.csv", 0).unwrap();
    let noise: Vec<u8> =
        (0..1_u64 << 20).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    let failed = (0..100).find_map(|_| member.write_all(&noise).err());
    assert_eq!(failed.map(|error| error.kind()), Some(io::ErrorKind::StorageFull), "and told soon");
    assert!(member.write_all(&noise).is_err() && member.finish().is_err(), "no hole is written over");
}

/// Opens `file` with the programs that `PARAPET_PYTHON` and `PARAPET_UNZIP` name, or says what was
/// left out; the gate requires both.
fn opens_elsewhere(what: &str, script: &str, file: &Path) {
    opens_in_python(what, script, file);
    if let Some(unzip) = named("PARAPET_UNZIP", what) {
        run(Command::new(unzip).arg("-tq").arg(file));
    }
}

/// Runs a script on `file` with the interpreter that `PARAPET_PYTHON` names.
pub(crate) fn opens_in_python(what: &str, script: &str, file: &Path) {
    if let Some(python) = named("PARAPET_PYTHON", what) {
        run(Command::new(python).args(["-c", script]).arg(file));
    }
}

fn named(variable: &str, what: &str) -> Option<String> {
    let value = env::var(variable).ok();
    if value.is_none() {
        assert!(env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "{variable} must be set here");
        eprintln!("left out: {what} in another program, set {variable}");
    }
    value
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&text));
}

#[test]
fn other_programs_open_the_archive() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.zip");
    fs::write(&path, archive("findings.csv", &b"a,\"b\"\r\n".repeat(10_000))).unwrap();
    let script = "import csv, io, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.namelist() == ['findings.csv'], archive.namelist()
assert archive.testzip() is None
rows = list(csv.reader(io.TextIOWrapper(archive.open('findings.csv'), 'utf-8', newline='')))
assert rows == [['a', 'b']] * 10000, len(rows)";
    opens_elsewhere("opening an archive", script, &path);
}

/// Sizes over 4 GiB need no code of their own: the 64-bit ones are always written.
#[test]
fn sizes_are_always_the_64_bit_ones() {
    let contents = b"a,b\r\n".repeat(1_000);
    let bytes = archive("a.csv", &contents);
    let entry = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    let entry = &bytes[entry..];
    assert_eq!(entry[20..28], [0xff; 8], "both 32-bit sizes point to the extra field");
    let extra = &entry[46 + "a.csv".len()..];
    assert_eq!(extra[..2], [1, 0], "the ZIP64 field");
    assert_eq!(extra[4..12], (contents.len() as u64).to_le_bytes());
}
