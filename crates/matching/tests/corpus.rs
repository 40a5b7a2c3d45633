//! Every record of the starter set, and of real feeds when `PARAPET_DATA` names a folder of them:
//! `advisories` with OSV zips, one record per member, and beside it KEV and EPSS files.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test stops at what it does not expect")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use parapet_matching::{Order, advisory::osv, cvss, feed};
use parapet_model::advisory::{Advisory, Event};

fn data() -> Option<PathBuf> {
    std::env::var_os("PARAPET_DATA").map(PathBuf::from)
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
    let mut failures = Vec::new();
    let mut all: BTreeMap<String, Counts> = BTreeMap::new();
    let starter = all.entry("starter".to_owned()).or_default();
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("starter"), "json") {
        starter.add(&osv::parse(&std::fs::read(&path).unwrap()).unwrap());
    }
    assert!(starter.records > 20 && starter.unparsed_events == 0, "{starter:?}");
    let zips = data().map(|data| files(&data.join("advisories"), "zip")).unwrap_or_default();
    for path in zips {
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
}

#[test]
fn enrichment_is_read() {
    let kev = r#"{"catalogVersion": "2026.08.22", "dateReleased": "2026-08-22T12:00:00Z", "vulnerabilities": [
        {"cveID": "CVE-2026-0001", "dateAdded": "2026-08-01", "dueDate": "2026-08-22"}]}"#;
    assert_eq!(feed::kev::parse(kev.as_bytes()).unwrap().entries.len(), 1);
    let epss =
        "#model_version:v1,score_date:2026-08-22T00:00:00Z\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\n";
    let mut scores = Vec::new();
    feed::epss::parse(epss.as_bytes(), |score| scores.push(score.cve)).unwrap();
    assert_eq!(scores, ["CVE-2026-0001"]);
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
