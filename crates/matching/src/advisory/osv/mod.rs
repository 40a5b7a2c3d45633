//! OSV 1.7 records, read tolerantly: unknown fields and shapes are skipped, the parts that decide
//! (ids, packages, ranges) are checked.
//!
//! GIT ranges are dropped: Parapet knows packages by version, not by commit. Texts are cut,
//! because the store keeps them for people; names and versions are never cut, since a shortened
//! name would be another package.

mod identity;
mod lenient;
mod severity;
mod wire;

use parapet_model::advisory::{Advisory, Affected, Event, Range, RangeKind};
use parapet_model::package::MAX_FIELD;
use parapet_model::time::Millis;
use parapet_model::verdict::AdvisoryClass;

use super::text::{MAX_DETAILS, MAX_SUMMARY, check, field, instant, is_url, one_line, text};
use super::{AdvisoryError, check_size, is_id, source_of};
use crate::ecosystem::relates_by_covering;
use identity::Named;
pub(super) use severity::of_word;

/// CVSS vectors kept of one record.
const MAX_VECTORS: usize = 16;

/// Reads one record.
///
/// # Errors
/// [`AdvisoryError`] when the bytes are no OSV record or break a limit.
pub fn parse(bytes: &[u8]) -> Result<Advisory, AdvisoryError> {
    check_size(bytes)?;
    of_record(serde_json::from_slice(bytes)?)
}

fn of_record(record: wire::Record) -> Result<Advisory, AdvisoryError> {
    if !is_id(&record.id) {
        return Err(AdvisoryError::BadId(record.id.chars().take(64).collect()));
    }
    let class = class_of(&record);
    let url = url_of(record.references.unwrap_or_default());
    let wire_affected = record.affected.unwrap_or_default();
    let ratings = record.severity.unwrap_or_default();
    let per_package = wire_affected.iter().flat_map(|a| a.severity.iter().flatten());
    let cvss = severity::vectors(ratings.iter().chain(per_package), MAX_VECTORS);
    let word = severity::of_word(&record.database_specific.0.severity.0);
    let vendor_severity = word.or_else(|| severity::of_ratings(&ratings)).unwrap_or_default();
    let affected: Vec<Affected> = wire_affected
        .into_iter()
        .filter_map(|entry| of_affected(entry).transpose())
        .collect::<Result<_, _>>()?;

    let (aliases, upstream) = (record.aliases.unwrap_or_default(), record.upstream.unwrap_or_default());
    let related = match affected.iter().any(|a| relates_by_covering(&a.ecosystem)) {
        true => record.related.unwrap_or_default(),
        false => Vec::new(),
    };
    let covers: Vec<&String> = upstream.iter().chain(&related).collect();
    let identity = Named { id: &record.id, aliases: &aliases, covers: &covers }.identity();
    Ok(Advisory {
        source: source_of(&record.id).to_owned(),
        published: instant(&record.published.0),
        modified: instant(&record.modified.0),
        withdrawn: withdrawn(&record.withdrawn.0),
        vulnerabilities: identity.vulnerabilities,
        same_as: identity.same_as,
        summary: one_line(text(record.summary.0, "summary", MAX_SUMMARY)?),
        details: text(record.details.0, "details", MAX_DETAILS)?,
        url,
        cvss,
        vendor_severity,
        class,
        affected,
        id: record.id,
    })
}

fn class_of(record: &wire::Record) -> AdvisoryClass {
    let informational = |specific: &wire::DatabaseSpecific| !specific.informational.0.is_empty();
    let entries = record.affected.as_deref().unwrap_or_default();
    if record.id.starts_with("MAL-") {
        AdvisoryClass::Malware
    } else if informational(&record.database_specific.0)
        || entries.iter().any(|entry| informational(&entry.database_specific.0))
    {
        AdvisoryClass::Informational
    } else {
        AdvisoryClass::Vulnerability
    }
}

/// The address for people: the publisher's advisory, else a page, else whatever comes first.
fn url_of(references: Vec<wire::Reference>) -> String {
    let rank = |kind: &str| match kind {
        "ADVISORY" => 0,
        "WEB" => 1,
        _ => 2,
    };
    let good = references.into_iter().filter(|r| is_url(&r.url.0));
    good.min_by_key(|r| rank(&r.kind.0)).map(|r| r.url.0).unwrap_or_default()
}

/// `None` for an entry without package, which only speaks of commits.
fn of_affected(entry: wire::Affected) -> Result<Option<Affected>, AdvisoryError> {
    let Some(package) = entry.package else { return Ok(None) };
    let specific = entry.ecosystem_specific.0;
    let ratings = entry.severity.unwrap_or_default();
    let word = [&specific.urgency.0, &specific.ubuntu_priority.0].into_iter();
    let vendor_severity = word
        .filter_map(|word| severity::of_word(word))
        .next()
        .or_else(|| severity::of_ratings(&ratings))
        .unwrap_or_default();
    let vendor_state =
        if specific.urgency.0.is_empty() { specific.availability.0 } else { specific.urgency.0 };
    Ok(Some(Affected {
        ecosystem: field(package.ecosystem, "affected[].package.ecosystem")?,
        name: field(package.name, "affected[].package.name")?,
        ranges: ranges_of(entry.ranges.unwrap_or_default())?,
        versions: versions_of(entry.versions.unwrap_or_default())?,
        module: field(specific.module.0, "affected[].ecosystem_specific.module")?,
        vendor_state: text(vendor_state, "affected[].ecosystem_specific", MAX_FIELD)?,
        vendor_severity,
    }))
}

fn ranges_of(ranges: Vec<wire::Range>) -> Result<Vec<Range>, AdvisoryError> {
    let mut out = Vec::with_capacity(ranges.len());
    for range in ranges {
        let kind = match range.kind.as_str() {
            "ECOSYSTEM" => RangeKind::Ecosystem,
            "SEMVER" => RangeKind::Semver,
            _ => continue,
        };
        let mut events = Vec::new();
        for event in range.events.unwrap_or_default() {
            let parts = [
                event.introduced.map(Event::Introduced),
                event.fixed.map(Event::Fixed),
                event.last_affected.map(Event::LastAffected),
                event.limit.map(Event::Limit),
            ];
            for part in parts.into_iter().flatten() {
                events.push(checked(part)?);
            }
        }
        events.shrink_to_fit();
        out.push(Range { kind, events });
    }
    Ok(out)
}

fn checked(event: Event) -> Result<Event, AdvisoryError> {
    let (Event::Introduced(at) | Event::Fixed(at) | Event::LastAffected(at) | Event::Limit(at)) = &event;
    check(at, "affected[].ranges[].events[]")?;
    Ok(event)
}

fn versions_of(versions: Vec<String>) -> Result<Vec<String>, AdvisoryError> {
    versions.into_iter().map(|version| field(version, "affected[].versions[]")).collect()
}

/// A withdrawal without a readable date is still one.
fn withdrawn(text: &str) -> Millis {
    if text.is_empty() { 0 } else { instant(text).max(1) }
}
