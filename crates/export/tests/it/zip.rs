//! Archives open in other programs' readers, small and large.

use std::env;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Write};
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

/// Runs `script` with the Python that `PARAPET_PYTHON` names, or says that it was left out.
fn python(what: &str, script: &str, file: &std::path::Path) {
    let Ok(python) = env::var("PARAPET_PYTHON") else {
        assert!(env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_PYTHON must be set here");
        eprintln!("left out: {what}, set PARAPET_PYTHON");
        return;
    };
    let output = Command::new(python).args(["-c", script]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn python_opens_the_archive() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.zip");
    fs::write(&path, archive("findings.csv", &b"a,\"b\"\r\n".repeat(10_000))).unwrap();
    let script = "import csv, io, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.namelist() == ['findings.csv'], archive.namelist()
assert archive.testzip() is None
rows = list(csv.reader(io.TextIOWrapper(archive.open('findings.csv'), 'utf-8', newline='')))
assert rows == [['a', 'b']] * 10000, len(rows)";
    python("reading an archive with Python's zipfile", script, &path);
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
    python("reading an archive over 4 GiB with Python's zipfile", script, &path);
}
