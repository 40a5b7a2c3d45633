//! CISA's catalogue of Known Exploited Vulnerabilities, in its JSON form.

use std::io::Read;

use parapet_model::time::{Millis, parse_instant};
use parapet_model::vulnerability::KevEntry;
use serde::Deserialize;

use super::FeedError;
use crate::advisory::is_cve;

/// Longest catalogue read, in bytes; the whole one has 2 million.
const MAX_CATALOGUE: u64 = 64 << 20;

/// The catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kev {
    /// Its version: `2026.08.21`.
    pub version: String,
    /// When it was released, 0 when unknown.
    pub released: Millis,
    /// Its entries as published.
    pub entries: Vec<KevEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalogue {
    #[serde(default)]
    catalog_version: String,
    #[serde(default)]
    date_released: String,
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve_id: String,
    date_added: String,
    #[serde(default)]
    due_date: Option<String>,
    #[serde(default)]
    known_ransomware_campaign_use: Option<String>,
}

/// Reads the catalogue, whole or not at all.
///
/// # Errors
/// [`FeedError`] when it cannot be read, is longer than 64 MiB (it then ends early), or an entry has
/// no CVE or no date: half a catalogue would silently clear the mark from the rest.
pub fn parse(read: impl Read) -> Result<Kev, FeedError> {
    let reader = std::io::BufReader::new(read.take(MAX_CATALOGUE));
    let catalogue: Catalogue = serde_json::from_reader(reader)?;
    let entries = (1..).zip(catalogue.vulnerabilities).map(|(n, entry)| of_entry(n, entry));
    Ok(Kev {
        version: catalogue.catalog_version,
        released: parse_instant(&catalogue.date_released).unwrap_or_default(),
        entries: entries.collect::<Result<_, _>>()?,
    })
}

fn of_entry(number: u64, entry: Entry) -> Result<KevEntry, FeedError> {
    let broken = |what| FeedError::Entry { entry: number, what };
    if !is_cve(&entry.cve_id) {
        return Err(broken("cveID is no CVE"));
    }
    Ok(KevEntry {
        added: parse_instant(&entry.date_added).ok_or_else(|| broken("dateAdded is no date"))?,
        due: entry.due_date.and_then(|d| parse_instant(&d)).unwrap_or_default(),
        ransomware: entry.known_ransomware_campaign_use.is_some_and(|use_| use_ == "Known"),
        cve: entry.cve_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_is_read() {
        let json =
            br#"{"title": "x", "catalogVersion": "2026.01.02", "dateReleased": "2026-01-02T03:04:05.6Z",
            "count": 1, "vulnerabilities": [{"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10",
            "dueDate": "2021-12-24", "knownRansomwareCampaignUse": "Known", "cwes": ["CWE-20"]}]}"#;
        let kev = parse(json.as_slice()).unwrap();
        assert_eq!(kev.version, "2026.01.02");
        assert_eq!(kev.released, parse_instant("2026-01-02T03:04:05.6Z").unwrap());
        let [entry] = kev.entries.as_slice() else { panic!("one entry") };
        assert_eq!(entry.cve, "CVE-2021-44228");
        assert_eq!(entry.added, parse_instant("2021-12-10").unwrap());
        assert_eq!(entry.due, parse_instant("2021-12-24").unwrap());
        assert!(entry.ransomware);
    }

    #[test]
    fn a_broken_catalogue_is_refused_whole() {
        for (json, part) in [
            ("{}", "vulnerabilities"),
            ("[", "EOF"),
            (r#"{"vulnerabilities": [{"cveID": "x", "dateAdded": "2021-12-10"}]}"#, "entry 1: cveID"),
            (
                r#"{"vulnerabilities": [{"cveID": "CVE-2021-44228", "dateAdded": "soon"}]}"#,
                "entry 1: dateAdded",
            ),
        ] {
            let error = parse(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
