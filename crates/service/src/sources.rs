//! What every source says of a vulnerability, in its own words.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::advisory::{Affected, Event};
use parapet_model::vulnerability::{EpssScore, KevEntry, Vulnerability};
use parapet_model::{AdvisoryNo, Millis, Permission, Principal, Severity, VulnerabilityNo};

use crate::accounts::require;
use crate::error::Result;
use crate::findings::Findings;
use crate::vulnerabilities::{AtHand, work_out};

/// Redirects from one id to another that are followed.
const REDIRECTS: usize = 4;
/// Most entries of one record that are told.
const ENTRIES: usize = 200;
/// Most versions and events of one entry that are told.
const EVENTS: usize = 12;

/// One record of one source.
#[derive(Debug, Clone)]
pub struct Source {
    /// The advisory.
    pub no: AdvisoryNo,
    /// Its id.
    pub id: String,
    /// Who published it, as the prefix family of the id.
    pub source: String,
    /// The feeds that hold it.
    pub feeds: Vec<String>,
    /// The publisher's own word.
    pub severity: Severity,
    /// CVSS vectors of the record.
    pub cvss: Vec<String>,
    /// One line, or empty.
    pub summary: String,
    /// Text, or empty.
    pub details: String,
    /// Where to read it, or empty.
    pub url: String,
    /// Publication, 0 when unknown.
    pub published: Millis,
    /// Last change, 0 when unknown.
    pub modified: Millis,
    /// When its publisher withdrew it, 0 when it stands.
    pub withdrawn: Millis,
    /// What it says of which package.
    pub entries: Vec<Entry>,
    /// Entries that are left out.
    pub more: usize,
}

/// What a record says of one package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Ecosystem with release.
    pub ecosystem: String,
    /// Name of the package or its source.
    pub name: String,
    /// Affected versions in words.
    pub range: String,
    /// The vendor's word, or empty.
    pub state: String,
}

/// A vulnerability in the words of all who speak of it.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Records that name it, by source and id.
    pub records: Vec<Source>,
    /// Its entry in the catalogue of known exploited vulnerabilities.
    pub kev: Option<KevEntry>,
    /// How likely it is to be exploited.
    pub epss: Option<EpssScore>,
}

impl Findings<'_> {
    /// The canonical vulnerability of an id or alias, whether or not anybody has it; `None` when no record
    /// ever named it.
    pub async fn vulnerability(&self, who: &Principal, id: &str) -> Result<Option<Vulnerability>> {
        require(who, Permission::FindingsRead)?;
        let snapshot = self.0.live().snapshot();
        let named = snapshot.vulnerabilities_named(id);
        let exact = named.iter().find(|v| v.id.eq_ignore_ascii_case(id));
        if let Some(found) = exact.or_else(|| named.first()) {
            return Ok(Some((*found).clone()));
        }
        // What nothing here has is not kept at hand.
        let mut session = self.0.store.read().await?;
        let ids = [id.to_owned(), id.to_ascii_uppercase()];
        let known = session.find_vulnerabilities(&[&ids[0], &ids[1]]).await?;
        let Some(mut no) = ids.iter().find_map(|id| known.get(id).copied()) else { return Ok(None) };
        let mut found = None;
        for _ in 0..REDIRECTS {
            let stored = session.vulnerabilities(&[no]).await?.pop();
            let worked_out = work_out(&mut session, &[no], &AtHand::new()).await?.pop();
            let (Some(stored), Some(next)) = (stored, worked_out) else { break };
            let canonical = next.canonical;
            let Vulnerability { kev_added, epss, .. } = stored;
            found = Some(Vulnerability { kev_added, epss, ..next });
            if canonical == no {
                break;
            }
            no = canonical;
        }
        Ok(found)
    }

    /// What every source says of a canonical vulnerability.
    pub async fn sources(&self, who: &Principal, vulnerability: VulnerabilityNo) -> Result<Sources> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let mut numbers = session.same_vulnerabilities(vulnerability).await?;
        numbers.push(vulnerability);
        let named: BTreeSet<AdvisoryNo> =
            session.advisories_naming(&numbers).await?.into_iter().map(|(_, no)| no).collect();
        let feeds: BTreeMap<_, _> =
            session.feeds().await?.into_iter().map(|feed| (feed.no, feed.name)).collect();
        let mut sources = Sources::default();
        for (no, record) in session.advisories(&Vec::from_iter(named)).await? {
            let holding = session.feeds_of_advisory(no).await?;
            let entries: BTreeSet<Entry> = record.affected.iter().map(Entry::of).collect();
            sources.records.push(Source {
                no,
                id: record.id.clone(),
                source: record.source.clone(),
                feeds: holding.iter().filter_map(|feed| feeds.get(feed).cloned()).collect(),
                severity: record.vendor_severity,
                cvss: record.cvss.clone(),
                summary: record.summary.clone(),
                details: record.details.clone(),
                url: record.url.clone(),
                published: record.published,
                modified: record.modified,
                withdrawn: record.withdrawn,
                more: entries.len().saturating_sub(ENTRIES),
                entries: entries.into_iter().take(ENTRIES).collect(),
            });
        }
        sources.records.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        let known = session.vulnerabilities(&numbers).await?;
        let ids: BTreeSet<&str> =
            known.iter().flat_map(|v| v.aliases.iter().chain([&v.id])).map(String::as_str).collect();
        sources.epss = session.epss(&Vec::from_iter(ids.iter().copied())).await?.into_iter().next();
        if known.iter().any(|v| v.kev_added != 0) {
            sources.kev = session.kev().await?.into_iter().find(|entry| ids.contains(entry.cve.as_str()));
        }
        Ok(sources)
    }
}

impl Entry {
    fn of(affected: &Affected) -> Self {
        Self {
            ecosystem: affected.ecosystem.clone(),
            name: affected.name.clone(),
            range: in_words(affected),
            state: affected.vendor_state.clone(),
        }
    }
}

/// The versions that an entry names: `>= 0, < 3.0.1-1`, `= 1.2.3, 1.2.4`.
pub(crate) fn in_words(affected: &Affected) -> String {
    let event = |event: &Event| match event {
        Event::Introduced(at) => format!(">= {at}"),
        Event::Fixed(at) => format!("< {at}"),
        Event::LastAffected(at) => format!("<= {at}"),
        Event::Limit(at) => format!("up to {at}"),
    };
    let some = |words: Vec<String>| {
        let more = if words.len() > EVENTS { ", …" } else { "" };
        format!("{}{more}", words.into_iter().take(EVENTS).collect::<Vec<_>>().join(", "))
    };
    let ranges = affected.ranges.iter().map(|range| some(range.events.iter().map(event).collect()));
    let listed = (!affected.versions.is_empty()).then(|| format!("= {}", some(affected.versions.clone())));
    let words: Vec<String> = ranges.chain(listed).filter(|words| !words.is_empty()).collect();
    if words.is_empty() { "no versions named".to_owned() } else { words.join(" or ") }
}
