//! How fast records are parsed and judged: `speed DIR` with a folder of OSV zips.
//!
//! Parses every record, then judges a synthetic inventory of each ecosystem against the records
//! that its keys find, as an import does. Prints records and judgements per second.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the developer's terminal")]

use std::collections::HashMap;
use std::io::Read as _;
use std::time::Instant;

use parapet_matching::{Key, advisory::osv, affected_key, judge, keys_of};
use parapet_model::PackageKey;
use parapet_model::advisory::{Advisory, Event};

fn main() {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let records = inflate(&dir);
    let bytes: usize = records.iter().map(Vec::len).sum();

    let start = Instant::now();
    let advisories: Vec<Advisory> = records.iter().map(|bytes| osv::parse(bytes).unwrap()).collect();
    let parsing = start.elapsed().as_secs_f64();
    println!(
        "parsed {} records, {:.1} MB in {parsing:.3} s: {:.0}/s",
        records.len(),
        bytes as f64 / 1e6,
        records.len() as f64 / parsing
    );

    let mut by_key: HashMap<Key, Vec<&Advisory>> = HashMap::new();
    for advisory in &advisories {
        let mut keys: Vec<Key> = advisory.affected.iter().map(affected_key).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            by_key.entry(key).or_default().push(advisory);
        }
    }
    let packages = packages(&advisories);
    let start = Instant::now();
    let (mut judged, mut verdicts) = (0, 0);
    for package in &packages {
        for key in keys_of(package) {
            for advisory in by_key.get(&key).into_iter().flatten() {
                judged += 1;
                verdicts += judge(package, advisory).len();
            }
        }
    }
    let judging = start.elapsed().as_secs_f64();
    println!(
        "judged {} packages, {judged} pairs, {verdicts} verdicts in {judging:.3} s: {:.0} pairs/s",
        packages.len(),
        f64::from(judged) / judging
    );
}

fn inflate(dir: &str) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "zip") {
            continue;
        }
        let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
        for index in 0..zip.len() {
            let mut bytes = Vec::new();
            zip.by_index(index).unwrap().read_to_end(&mut bytes).unwrap();
            records.push(bytes);
        }
    }
    records
}

/// One package per name and ecosystem, in the first fixed version that any record names.
fn packages(advisories: &[Advisory]) -> Vec<PackageKey> {
    let mut packages = HashMap::new();
    for entry in advisories.iter().flat_map(|advisory| &advisory.affected) {
        let fixed = entry.ranges.iter().flat_map(|r| &r.events).find_map(|event| match event {
            Event::Fixed(version) => Some(version.as_str()),
            _ => None,
        });
        let package = || PackageKey::new(&entry.ecosystem, &affected_key(entry).1, fixed.unwrap_or("1.0"));
        packages.entry(affected_key(entry)).or_insert_with(package);
    }
    packages.into_values().collect()
}
