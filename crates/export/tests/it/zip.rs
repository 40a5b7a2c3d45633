//! Archives open in other programs' readers, small and large.

use std::env;
use std::fs::{self, File};
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
    let contents = "a,b\n1,2\n".repeat(50_000);
    for contents in ["", "one line\n", &contents] {
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
}

/// Opens `file` with the programs that `PARAPET_PYTHON` and `PARAPET_UNZIP` name, or says what was
/// left out. The Python is a peer that the gate requires, `unzip` is a second opinion.
fn opens_elsewhere(what: &str, script: &str, file: &Path) {
    match env::var("PARAPET_PYTHON") {
        Ok(python) => run(Command::new(python).args(["-c", script]).arg(file)),
        Err(_) => {
            assert!(env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_PYTHON must be set here");
            eprintln!("left out: {what} in Python, set PARAPET_PYTHON");
        }
    }
    match env::var("PARAPET_UNZIP") {
        Ok(unzip) => run(Command::new(unzip).arg("-tq").arg(file)),
        Err(_) => eprintln!("left out: {what} in unzip, set PARAPET_UNZIP"),
    }
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

#[test]
fn a_member_over_four_gib_keeps_its_size() {
    if env::var_os("PARAPET_SLOW").is_none() {
        eprintln!("left out: a ZIP member over 4 GiB, set PARAPET_SLOW");
        return;
    }
    const CHUNK: usize = 1 << 20;
    const CHUNKS: u64 = 4_300;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("large.zip");
    let mut member = ZipMember::new(File::create(&path).unwrap(), "zeros", MARCH).unwrap();
    let zeros = vec![0; CHUNK];
    for _ in 0..CHUNKS {
        member.write_all(&zeros).unwrap();
    }
    member.finish().unwrap();

    let mut archive = ZipArchive::new(File::open(&path).unwrap()).unwrap();
    let mut member = archive.by_index(0).unwrap();
    assert_eq!(member.size(), CHUNKS * CHUNK as u64);
    assert_eq!(io::copy(&mut member, &mut io::sink()).unwrap(), CHUNKS * CHUNK as u64);
    let script = "import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.infolist()[0].file_size == 4300 << 20
assert archive.testzip() is None";
    opens_elsewhere("opening an archive over 4 GiB", script, &path);
}
