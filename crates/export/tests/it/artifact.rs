//! Artifacts appear whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::mem;
use std::path::Path;

use parapet_export::{
    ArtifactError, ArtifactWriter, Columns, CsvOptions, FeedDate, FindingsCsv, Leftover, Provenance,
    ZipMember, provenance_name, sweep,
};
use parapet_model::{Coverage, Digest};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::estate::{Estate, MARCH};

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_finished_artifact_has_its_name_size_and_digest() {
    let directory = TempDir::new().unwrap();
    let mut writer = ArtifactWriter::create(directory.path(), "job-1").unwrap();
    writer.write_all(b"one,").unwrap();
    assert!(!directory.path().join("a.csv").exists(), "not under its name while it is written");
    writer.write_all(b"two\n").unwrap();
    let finished = writer.finish("a.csv").unwrap();
    assert_eq!(finished.path, directory.path().join("a.csv"));
    assert_eq!((finished.size, finished.sha256), (8, Digest::of(b"one,two\n")));
    assert_eq!(fs::read(&finished.path).unwrap(), b"one,two\n");
    assert_eq!(names(directory.path()), ["a.csv"]);
}

#[test]
fn finishing_again_replaces_the_file_in_one_step() {
    let directory = TempDir::new().unwrap();
    for text in ["old", "new"] {
        let mut writer = ArtifactWriter::create(directory.path(), "job").unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish("a").unwrap();
    }
    assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"new");
}

#[test]
fn the_provenance_stands_beside_the_file_and_reads_back() {
    let directory = TempDir::new().unwrap();
    let provenance = Provenance {
        parapet: "0.1.0".to_owned(),
        format: "csv".to_owned(),
        filter: "severity >= high".to_owned(),
        scope: "project 1".to_owned(),
        seq: 77,
        recorded: MARCH,
        as_of: Some(MARCH - 1),
        feeds: vec![FeedDate { name: "Debian".to_owned(), date: Some(MARCH), records: 15_998 }],
        coverage: [(Coverage::Assessed, 3), (Coverage::NoFeed, 1)].into(),
        starter_set: false,
        rows: 2,
        columns: vec!["asset".to_owned()],
        notes: vec![parapet_export::AS_OF_NOTE.to_owned()],
    };
    let mut writer = ArtifactWriter::create(directory.path(), "job").unwrap();
    writer.write_all(b"asset\na\nb\n").unwrap();
    writer.finish_with("a.csv", &provenance).unwrap();
    assert_eq!(names(directory.path()), ["a.csv", "a.csv.provenance.json"]);

    let text = fs::read(directory.path().join(provenance_name("a.csv"))).unwrap();
    assert_eq!(serde_json::from_slice::<Provenance>(&text).unwrap(), provenance);
    let value: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(value["file"], "a.csv");
    assert_eq!(value["size"], 10);
    assert_eq!(value["sha256"], Digest::of(b"asset\na\nb\n").hex());
    assert_eq!(value["recorded"], "2026-03-01T00:00:00.000Z");
    assert_eq!(value["as_of"], "2026-02-28T23:59:59.999Z");
    assert_eq!(value["coverage"], json!({"assessed": 3, "no-feed": 1}));
}

#[test]
fn a_dropped_stack_leaves_nothing_wherever_it_stood() {
    let estate = Estate::generate(2, 20);
    for rows_before in [0, 1, 150] {
        let directory = TempDir::new().unwrap();
        let artifact = ArtifactWriter::create(directory.path(), "job").unwrap();
        let member = ZipMember::new(artifact, "findings.csv", MARCH).unwrap();
        let mut writer = FindingsCsv::new(member, &Columns::default(), CsvOptions::default());
        let mut rows = 0;
        estate.each(|finding| {
            if rows < rows_before {
                writer.row(finding).unwrap();
                rows += 1;
            }
        });
        drop(writer);
        assert_eq!(names(directory.path()), [""; 0], "dropped after {rows} rows");
    }
}

#[test]
fn a_stack_dropped_between_its_finishes_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let artifact = ArtifactWriter::create(directory.path(), "job").unwrap();
    let member = ZipMember::new(artifact, "findings.csv", MARCH).unwrap();
    let writer = FindingsCsv::new(member, &Columns::default(), CsvOptions::default());
    drop(writer.finish().unwrap().finish().unwrap());
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn the_sweep_removes_what_killed_processes_left() {
    let directory = TempDir::new().unwrap();
    // A process that is killed runs no destructors.
    for job in ["job-killed", "job-running"] {
        let mut writer = ArtifactWriter::create(directory.path(), job).unwrap();
        writer.write_all(b"half a ro").unwrap();
        mem::forget(writer);
    }
    for name in ["recorded.csv", "unrecorded.csv"] {
        let writer = ArtifactWriter::create(directory.path(), "job-done").unwrap();
        writer.finish_with(name, &Provenance::default()).unwrap();
    }
    fs::create_dir(directory.path().join("folder")).unwrap();
    fs::write(directory.path().join(".keepme"), b"").unwrap();

    let removed = sweep(directory.path(), |leftover| match leftover {
        Leftover::Unfinished { job } => job == "job-running",
        Leftover::Finished { name } => name == "recorded.csv",
    });
    assert_eq!(removed.unwrap().len(), 3);
    let left = names(directory.path());
    assert!(left.first().is_some_and(|name| name == ".keepme"));
    assert!(left.get(1).is_some_and(|name| name.starts_with(".parapet-job-running-")), "{left:?}");
    assert_eq!(left[2..], ["folder", "recorded.csv", "recorded.csv.provenance.json"]);
    assert_eq!(sweep(&directory.path().join("absent"), |_| false).unwrap(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn beyond_the_quota_nothing_is_kept() {
    let directory = TempDir::new().unwrap();
    let mut writer = ArtifactWriter::create(directory.path(), "job").unwrap().with_quota(10);
    writer.write_all(b"1234567890").unwrap();
    let error = writer.write_all(b"1").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
    assert!(matches!(ArtifactError::of(error), Ok(ArtifactError::OverQuota { limit: 10 })));
    assert!(
        matches!(writer.finish("a.csv"), Err(ArtifactError::Incomplete)),
        "a file with a hole gets no name"
    );
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn a_quota_reaches_through_the_whole_stack() {
    let estate = Estate::generate(20, 40);
    let directory = TempDir::new().unwrap();
    let artifact = ArtifactWriter::create(directory.path(), "job").unwrap().with_quota(10_000);
    let member = ZipMember::new(artifact, "findings.csv", MARCH).unwrap();
    let mut writer = FindingsCsv::new(member, &Columns::default(), CsvOptions::default());
    let mut failed = None;
    estate.each(|finding| {
        if failed.is_none() {
            failed = writer.row(finding).err();
        }
    });
    let failed = failed.or_else(|| writer.finish().and_then(ZipMember::finish).err());
    assert!(failed.is_some_and(|error| error.to_string().contains("10000 bytes that are left of the quota")));
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let directory = TempDir::new().unwrap();
    let long = "x".repeat(201);
    for name in ["", "../a", "a/b", "a\\b", ".hidden", "..", "a\0b", "a.csv.provenance.json", long.as_str()] {
        let writer = ArtifactWriter::create(directory.path(), "job").unwrap();
        assert!(matches!(writer.finish(name), Err(ArtifactError::BadName { .. })), "{name:?}");
    }
    for job in ["", "../job", "a b", "a.b"] {
        assert!(ArtifactWriter::create(directory.path(), job).is_err(), "{job:?}");
    }
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn a_failure_to_name_the_file_keeps_nothing_new() {
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("a.csv")).unwrap();
    let mut writer = ArtifactWriter::create(directory.path(), "job").unwrap();
    writer.write_all(b"text").unwrap();
    let error = writer.finish_with("a.csv", &Provenance::default()).unwrap_err();
    assert!(error.to_string().starts_with("cannot store a file in"), "{error}");
    assert_eq!(names(directory.path()), ["a.csv"], "the folder that was in the way, and nothing else");
}

#[test]
fn a_directory_that_is_not_there_is_a_clear_error() {
    let directory = TempDir::new().unwrap();
    let error = ArtifactWriter::create(&directory.path().join("absent"), "job").unwrap_err();
    assert!(error.to_string().starts_with("cannot write in"), "{error}");
}
