//! CSAF 2.0: security advisories and VEX documents.
//!
//! A document speaks of any number of vulnerabilities in any number of products. Each vulnerability
//! becomes an advisory of its own, since statements on two of them differ; its id is the document's,
//! with the vulnerability behind it where there are several (`RHSA-2024:1234/CVE-2024-0001`). Some
//! publishers number their VEX documents by CVE alone; those get the publisher's name before it
//! (`REDHAT-CVE-2024-0001`), because records of several publishers share one list.
//!
//! What is taken over, and what is not:
//! * products count where their platform is a distribution's release (`product.rs`), or where they
//!   are language packages on no platform; statements on other products are passed over, and a
//!   document that has no other stands for nothing;
//! * statements on a whole product say nothing of its packages, and are passed over;
//! * flags, product groups and remediations other than the lack of a fix are not read;
//! * of language packages listed versions count, not ranges.

mod product;
mod purl;
mod statement;
mod wire;

use parapet_model::Severity;
use parapet_model::advisory::Advisory;

use super::osv::of_word;
use super::text::{MAX_DETAILS, MAX_SUMMARY, instant, is_url, one_line, text};
use super::{AdvisoryError, check_size, is_cve, is_id, source_of};
use product::Products;
use wire::{Cvss, Document, Note, Root, Vulnerability};

/// CVSS vectors kept of one vulnerability.
const MAX_VECTORS: usize = 16;
/// Longest CVSS vector.
const MAX_VECTOR: usize = 256;
/// Most vulnerabilities of one document.
const MAX_VULNERABILITIES: usize = 10_000;

/// Reads one document; one advisory per vulnerability that it says something of.
///
/// # Errors
/// [`AdvisoryError`] when the bytes are no CSAF document or break a limit.
pub fn parse(bytes: &[u8]) -> Result<Vec<Advisory>, AdvisoryError> {
    check_size(bytes)?;
    let root: Root<'_> = serde_json::from_slice(bytes)?;
    let document_id = document_id(&root.document)?;
    let products = Products::of(&root.product_tree);
    let is_one = root.vulnerabilities.len() == 1;
    let mut advisories = Vec::new();
    for vulnerability in root.vulnerabilities.iter().take(MAX_VULNERABILITIES) {
        let affected = statement::entries(vulnerability, &products)?;
        if affected.is_empty() {
            continue;
        }
        let named = id_of(vulnerability).unwrap_or(&document_id);
        let id = if is_one { document_id.clone() } else { format!("{document_id}/{named}") };
        if !is_id(&id) {
            return Err(bad_id(&id));
        }
        advisories.push(Advisory {
            source: source_of(&id).to_owned(),
            affected,
            same_as: same_as(&root.document, named, &id),
            vulnerabilities: vec![named.to_owned()],
            cvss: vectors(vulnerability),
            id,
            ..described(&root.document, vulnerability)?
        });
    }
    Ok(advisories)
}

/// Whether a text, or its beginning, is that of a VEX document, which lists what has no fix too.
pub fn is_vex(bytes: &[u8]) -> bool {
    const CATEGORY: &[u8] = b"\"csaf_vex\"";
    bytes.windows(CATEGORY.len()).any(|window| window == CATEGORY)
}

fn bad_id(id: &str) -> AdvisoryError {
    AdvisoryError::BadId(id.chars().take(64).collect())
}

fn document_id(document: &Document<'_>) -> Result<String, AdvisoryError> {
    let id = document.tracking.id.trim();
    if !is_id(id) {
        return Err(bad_id(id));
    }
    Ok(if is_cve(id) { format!("{}-{id}", publisher(&document.publisher.name)) } else { id.to_owned() })
}

/// `Red Hat Product Security` → `REDHAT`: the letters of its first words, less what it is.
fn publisher(name: &str) -> String {
    const KINDS: [&str; 6] = ["product", "security", "team", "psirt", "cert", "incident"];
    let own = name.split_whitespace().take_while(|word| !KINDS.contains(&word.to_ascii_lowercase().as_str()));
    let letters: String = own.flat_map(str::chars).filter(char::is_ascii_alphanumeric).take(24).collect();
    if letters.is_empty() { "CSAF".to_owned() } else { letters.to_ascii_uppercase() }
}

fn id_of<'v>(vulnerability: &'v Vulnerability<'_>) -> Option<&'v str> {
    let mut ids = std::iter::once(&*vulnerability.cve).chain(vulnerability.ids.iter().map(|id| &*id.text));
    ids.find(|id| is_id(id))
}

/// A document that is numbered by the CVE is another name of it; a bulletin is not.
fn same_as(document: &Document<'_>, named: &str, id: &str) -> Vec<String> {
    if document.tracking.id.trim() == named && id != named { vec![id.to_owned()] } else { Vec::new() }
}

fn described(document: &Document<'_>, vulnerability: &Vulnerability<'_>) -> Result<Advisory, AdvisoryError> {
    let title = if vulnerability.title.trim().is_empty() { &document.title } else { &vulnerability.title };
    let notes = || vulnerability.notes.iter().chain(&document.notes);
    let details = note(notes(), "description").or_else(|| note(notes(), "summary")).unwrap_or_default();
    Ok(Advisory {
        published: instant(&document.tracking.initial_release_date),
        modified: instant(&document.tracking.current_release_date),
        summary: one_line(text(title.to_string(), "title", MAX_SUMMARY)?),
        details: text(details.to_owned(), "notes[].text", MAX_DETAILS)?,
        url: url_of(document),
        vendor_severity: severity(document, vulnerability),
        ..Advisory::default()
    })
}

fn note<'n>(mut notes: impl Iterator<Item = &'n Note<'n>>, category: &str) -> Option<&'n str> {
    notes.find(|note| &*note.category == category).map(|note| &*note.text)
}

/// The document's own address for people, which is not the one that ends in `.json`.
fn url_of(document: &Document<'_>) -> String {
    let good = || document.references.iter().filter(|r| is_url(&r.url));
    let rank = |r: &&wire::Reference<'_>| (&*r.category != "self", r.url.ends_with(".json"));
    let for_people = good().filter(|r| !r.url.ends_with(".json")).min_by_key(rank);
    for_people.or_else(|| good().min_by_key(rank)).map(|r| r.url.to_string()).unwrap_or_default()
}

/// The publisher's word for the vulnerability, else for the document.
fn severity(document: &Document<'_>, vulnerability: &Vulnerability<'_>) -> Severity {
    let impact = vulnerability
        .threats
        .iter()
        .filter(|threat| &*threat.category == "impact" && threat.product_ids.is_empty())
        .find_map(|threat| of_word(threat.details.trim()));
    let aggregate = || of_word(document.aggregate_severity.as_ref()?.text.trim());
    impact.or_else(aggregate).unwrap_or_default()
}

fn vectors(vulnerability: &Vulnerability<'_>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let all = vulnerability.scores.iter().flat_map(|score| [&score.cvss_v4, &score.cvss_v3, &score.cvss_v2]);
    for Cvss { vector } in all.flatten() {
        let is_good =
            !vector.is_empty() && vector.len() <= MAX_VECTOR && vector.bytes().all(|c| c.is_ascii_graphic());
        if is_good && out.len() < MAX_VECTORS && !out.iter().any(|known| **known == **vector) {
            out.push(vector.to_string());
        }
    }
    out
}
