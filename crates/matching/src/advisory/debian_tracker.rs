//! Debian's security tracker: one JSON file for everything, by source package, then by CVE, then by
//! release. It has the words that OSV's copy lacks: *no-dsa*, *postponed*, *ignored*, *undetermined*.
//!
//! Each source package and CVE is a record of its own, `DEBIAN-TRACKER-openssl-CVE-2024-0001`, so
//! that the file streams: 60 MB of it never stand in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use parapet_model::advisory::{Advisory, Affected, Event, Range, RangeKind};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::osv::of_word;
use super::text::{MAX_DETAILS, field, text};
use super::{AdvisoryError, is_cve, is_id, source_of};

/// Most records of one file.
const MAX_RECORDS: usize = 5_000_000;

/// Gives each record to `each`, which says whether to go on.
///
/// # Errors
/// [`AdvisoryError`] at the first entry that is not of the tracker's shape or breaks a limit.
pub fn read(reader: impl Read, each: &mut dyn FnMut(Advisory) -> bool) -> Result<(), AdvisoryError> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut sources = Sources { each, records: 0, stopped: false, failed: None };
    let outcome = deserializer.deserialize_map(&mut sources);
    match (sources.failed, sources.stopped, outcome) {
        (Some(error), ..) => Err(error),
        (None, true, _) => Ok(()),
        (None, false, outcome) => outcome.map_err(AdvisoryError::Json),
    }
}

/// Whether a text begins as the tracker's file does: a source package, a CVE, its releases.
pub fn is_tracker(head: &str) -> bool {
    let mut parts = head.split('{').map(str::trim);
    let second = || head.split('{').nth(2).unwrap_or_default().trim_start();
    parts.next() == Some("")
        && parts.next().is_some_and(|part| part.starts_with('"') && part.ends_with(':'))
        && (second().starts_with("\"CVE-") || second().starts_with("\"TEMP-"))
        && head.contains("\"releases\"")
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    description: String,
    #[serde(default)]
    releases: BTreeMap<String, Release>,
}

#[derive(Debug, Default, Deserialize)]
struct Release {
    #[serde(default)]
    status: String,
    #[serde(default)]
    fixed_version: String,
    #[serde(default)]
    urgency: String,
    /// Present, whatever it says, where no bulletin will come.
    nodsa: Option<String>,
    /// Empty for plain no-dsa, else `postponed` or `ignored`.
    #[serde(default)]
    nodsa_reason: String,
}

struct Sources<'e> {
    each: &'e mut dyn FnMut(Advisory) -> bool,
    records: usize,
    stopped: bool,
    failed: Option<AdvisoryError>,
}

impl<'de> Visitor<'de> for &mut Sources<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(source) = map.next_key::<String>()? {
            map.next_value_seed(Vulnerabilities { source: &source, sources: self })?;
        }
        Ok(())
    }
}

struct Vulnerabilities<'s, 'e> {
    source: &'s str,
    sources: &'s mut Sources<'e>,
}

impl<'de> DeserializeSeed<'de> for Vulnerabilities<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Vulnerabilities<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("vulnerabilities")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        use serde::de::Error as _;
        while let Some((id, entry)) = map.next_entry::<String, Entry>()? {
            self.sources.records += 1;
            if self.sources.records > MAX_RECORDS {
                return Err(A::Error::custom(format!("more than {MAX_RECORDS} records")));
            }
            let go_on = match record(self.source, &id, entry) {
                Ok(advisory) => advisory.is_none_or(&mut *self.sources.each),
                Err(error) => {
                    self.sources.failed = Some(error);
                    return Err(A::Error::custom("failed"));
                }
            };
            if !go_on {
                self.sources.stopped = true;
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// `None` for an entry that says nothing of any release with a number.
fn record(source: &str, vulnerability: &str, entry: Entry) -> Result<Option<Advisory>, AdvisoryError> {
    let id = format!("DEBIAN-TRACKER-{source}-{vulnerability}");
    if !is_id(&id) || !is_id(vulnerability) {
        return Err(AdvisoryError::BadId(id.chars().take(64).collect()));
    }
    let affected: Vec<Affected> = entry
        .releases
        .into_iter()
        .filter_map(|(name, release)| affected(source, number_of(&name)?, release).transpose())
        .collect::<Result<_, _>>()?;
    if affected.is_empty() {
        return Ok(None);
    }
    let url = match is_cve(vulnerability) {
        true => format!("https://security-tracker.debian.org/tracker/{vulnerability}"),
        false => String::new(),
    };
    Ok(Some(Advisory {
        source: source_of(&id).to_owned(),
        id,
        vulnerabilities: vec![vulnerability.to_owned()],
        details: text(entry.description, "description", MAX_DETAILS)?,
        url,
        affected,
        ..Advisory::default()
    }))
}

fn affected(source: &str, release: &str, says: Release) -> Result<Option<Affected>, AdvisoryError> {
    let introduced = Event::Introduced("0".to_owned());
    let events = match (says.status.as_str(), says.fixed_version.as_str()) {
        ("resolved", "") => return Ok(None),
        ("resolved", version) => vec![introduced, Event::Fixed(field(version.to_owned(), "fixed_version")?)],
        ("open" | "undetermined", _) => vec![introduced],
        _ => return Ok(None),
    };
    let vendor_state =
        match (&*says.status, &says.nodsa, &*says.nodsa_reason, says.urgency.trim_end_matches('*')) {
            ("resolved", ..) => "",
            ("undetermined", ..) => "undetermined",
            (_, _, _, "end-of-life") => "end-of-life",
            (_, Some(_), "", _) => "no-dsa",
            (_, Some(_), reason, _) => reason,
            (_, None, _, urgency @ "unimportant") => urgency,
            _ => "",
        };
    Ok(Some(Affected {
        ecosystem: format!("Debian:{release}"),
        name: field(source.to_owned(), "source package")?,
        ranges: vec![Range { kind: RangeKind::Ecosystem, events }],
        vendor_state: field(vendor_state.to_owned(), "nodsa_reason")?,
        vendor_severity: of_word(&says.urgency).unwrap_or_default(),
        ..Affected::default()
    }))
}

/// The tracker names releases by their code names; sid has no number, and no package is of it.
fn number_of(code_name: &str) -> Option<&'static str> {
    Some(match code_name {
        "wheezy" => "7",
        "jessie" => "8",
        "stretch" => "9",
        "buster" => "10",
        "bullseye" => "11",
        "bookworm" => "12",
        "trixie" => "13",
        "forky" => "14",
        "duke" => "15",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge;
    use parapet_model::{MatchState, PackageKey, Severity};

    const FILE: &str = r#"{
        "bash": {
            "CVE-2026-0001": {"description": "text", "releases": {
                "bookworm": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": ""},
                "bullseye": {"status": "open", "urgency": "not yet assigned", "nodsa": "x", "nodsa_reason": "postponed"},
                "buster": {"status": "open", "urgency": "end-of-life"},
                "trixie": {"status": "resolved", "fixed_version": "5.2-2", "urgency": "low"},
                "sid": {"status": "resolved", "fixed_version": "5.2-2"}}},
            "CVE-2026-0002": {"releases": {
                "bookworm": {"status": "open", "urgency": "unimportant"},
                "bullseye": {"status": "open", "nodsa": "x", "nodsa_reason": "ignored"},
                "trixie": {"status": "resolved", "fixed_version": "0"}}},
            "CVE-2026-0003": {"releases": {"bookworm": {"status": "undetermined"}}},
            "CVE-2026-0004": {"releases": {"sid": {"status": "open"}}}
        }
    }"#;

    fn records() -> Vec<Advisory> {
        let mut all = Vec::new();
        read(FILE.as_bytes(), &mut |advisory| {
            all.push(advisory);
            true
        })
        .unwrap();
        all
    }

    #[test]
    fn the_trackers_words_are_kept() {
        use MatchState::{Affected, FixAvailable, NotAffected, Postponed, UnderInvestigation, WontFix};
        assert!(is_tracker(FILE) && !is_tracker(r#"{"id": "X-1"}"#));
        let records = records();
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, [1, 2, 3].map(|n| format!("DEBIAN-TRACKER-bash-CVE-2026-000{n}")));
        for (record, release, word, state) in [
            (0, "12", "no-dsa", Postponed),
            (0, "11", "postponed", Postponed),
            (0, "10", "end-of-life", WontFix),
            (0, "13", "", FixAvailable),
            (1, "12", "unimportant", Affected),
            (1, "11", "ignored", WontFix),
            (1, "13", "", NotAffected),
            (2, "12", "undetermined", UnderInvestigation),
        ] {
            let ecosystem = format!("Debian:{release}");
            let record = &records[record];
            let entry = record.affected.iter().find(|entry| entry.ecosystem == ecosystem).unwrap();
            assert_eq!(entry.vendor_state, word);
            let verdict = judge(&PackageKey::new(&ecosystem, "bash", "5.2-1"), record).pop().unwrap();
            assert_eq!(verdict.state, state, "{} {ecosystem}", record.id);
        }
        assert_eq!(
            records[0].affected.iter().find(|e| e.ecosystem == "Debian:12").unwrap().vendor_severity,
            Severity::Low
        );
    }

    #[test]
    fn reading_stops_when_told_to_and_at_what_is_wrong() {
        let mut seen = 0;
        read(FILE.as_bytes(), &mut |_| {
            seen += 1;
            false
        })
        .unwrap();
        assert_eq!(seen, 1);
        for bad in ["[]", r#"{"a": 1}"#, r#"{"a b": {"CVE-1": {"releases": {"sid": {}}}}}"#, "{"] {
            assert!(read(bad.as_bytes(), &mut |_| true).is_err(), "{bad}");
        }
    }
}
