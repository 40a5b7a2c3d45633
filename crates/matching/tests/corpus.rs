//! Every record of a directory of real feeds, where `PARAPET_DATA` names one: a folder
//! `advisories` of OSV zips, one record per member, and beside it KEV and EPSS files.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test stops at what it does not expect")]

mod named;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use named::named;
use parapet_matching::{Order, advisory::osv, cvss, feed};
use parapet_model::advisory::{Advisory, Event};

fn data() -> Option<PathBuf> {
    named("PARAPET_DATA", "reading real feeds").map(PathBuf::from)
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect()
}

fn read_zip(path: &Path, mut each: impl FnMut(&[u8], &str)) {
    let mut zip = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).unwrap();
        bytes.clear();
        member.read_to_end(&mut bytes).unwrap();
        each(&bytes, member.name());
    }
}

#[derive(Debug, Default)]
struct Counts {
    records: usize,
    affected: usize,
    events: usize,
    unparsed_events: usize,
    vectors: usize,
    broken_vectors: usize,
    several: usize,
    withdrawn: usize,
}

impl Counts {
    fn add(&mut self, advisory: &Advisory) {
        self.records += 1;
        self.affected += advisory.affected.len();
        self.several += usize::from(advisory.vulnerabilities.len() > 1);
        self.withdrawn += usize::from(advisory.withdrawn != 0);
        self.vectors += advisory.cvss.len();
        self.broken_vectors += advisory.cvss.iter().filter(|v| cvss::base_score(v).is_none()).count();
        for entry in &advisory.affected {
            let Some(order) = Order::of_ecosystem(&entry.ecosystem) else { continue };
            for event in entry.ranges.iter().flat_map(|range| &range.events) {
                let (Event::Introduced(at) | Event::Fixed(at) | Event::LastAffected(at) | Event::Limit(at)) =
                    event;
                self.events += 1;
                if at != "0" && !order.parses(at) {
                    self.unparsed_events += 1;
                    eprintln!("unparsed: {} {} {at:?}", advisory.id, entry.ecosystem);
                }
            }
        }
    }
}

#[test]
fn every_record_is_read() {
    let Some(data) = data() else { return };
    let mut failures = Vec::new();
    let mut all: BTreeMap<String, Counts> = BTreeMap::new();
    for path in files(&data.join("advisories"), "zip") {
        let counts = all.entry(path.file_stem().unwrap().to_string_lossy().into_owned()).or_default();
        read_zip(&path, |bytes, name| match osv::parse(bytes) {
            Ok(advisory) => counts.add(&advisory),
            Err(error) => failures.push(format!("{name}: {error}")),
        });
    }
    for (name, counts) in &all {
        eprintln!("{name}: {counts:?}");
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(all.values().any(|counts| counts.records > 0), "no record found");
}

#[test]
fn enrichment_is_read() {
    let Some(data) = data() else { return };
    for path in files(&data, "json") {
        let kev = feed::kev::parse(File::open(path).unwrap()).unwrap();
        eprintln!("KEV {}: {} entries", kev.version, kev.entries.len());
        assert!(!kev.entries.is_empty());
    }
    for path in files(&data, "csv") {
        let mut scores = 0;
        let header = feed::epss::parse(BufReader::new(File::open(path).unwrap()), |_| scores += 1).unwrap();
        eprintln!("EPSS {header:?}: {scores} scores");
        assert!(scores > 0);
    }
}
