//! What a document says of one vulnerability in its products, as `affected` entries.
//!
//! * *fixed*, *first fixed*, *recommended*: versions before are affected. Of several for one package
//!   the lowest is the fix, since the others contain it too; builds of modules whose stream is not
//!   said are kept apart;
//! * *known affected*: all versions, or the one that is named; why there is no fix is said by
//!   `remediations`;
//! * *under investigation*;
//! * *known not affected*: holds for that platform and nowhere else.
//!
//! A statement on the source package is one on all that is built from it (`src/…`); one that does
//! not say is taken as both.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

use parapet_model::Severity;
use parapet_model::advisory::{Affected, Event, Range, RangeKind};

use super::product::{Built, Product, Products};
use super::wire::{Text, Vulnerability};
use crate::advisory::AdvisoryError;
use crate::advisory::osv::of_word;
use crate::advisory::text::{field, text};
use crate::ecosystem::{Naming, family};
use crate::judge::NOT_AFFECTED;
use crate::key::OF_SOURCE;
use crate::order::Order;

/// Most entries of one vulnerability. The largest real documents have some thousands.
const MAX_ENTRIES: usize = 200_000;
/// Longest word of a vendor, in bytes.
const MAX_WORD: usize = 200;

/// Ecosystem, name, module.
type Place = (String, String, String);

/// The entries, sorted.
pub(super) fn entries(
    vulnerability: &Vulnerability<'_>,
    products: &Products<'_>,
) -> Result<Vec<Affected>, AdvisoryError> {
    let status = &vulnerability.product_status;
    let words = words(vulnerability);
    let severities = severities(vulnerability);
    let mut entries: BTreeMap<(Place, String), Affected> = BTreeMap::new();
    let mut put =
        |place: Place, state: &str, severity: Severity, ranges: Vec<Range>, version: Option<String>| {
            if entries.len() >= MAX_ENTRIES {
                return;
            }
            let entry = entries.entry((place.clone(), state.to_owned())).or_insert_with(|| Affected {
                ecosystem: place.0,
                name: place.1,
                module: place.2,
                vendor_state: state.to_owned(),
                ranges,
                ..Affected::default()
            });
            entry.vendor_severity = entry.vendor_severity.max(severity);
            entry.versions.extend(version);
        };
    for (place, (versions, severity)) in fixes(vulnerability, products, &severities) {
        let ranges = versions.into_iter().map(|version| range(Event::Fixed(version))).collect();
        put(place, "", severity, ranges, None);
    }
    let open = [
        (&status.known_affected, None),
        (&status.first_affected, None),
        (&status.last_affected, None),
        (&status.under_investigation, Some("under investigation")),
    ];
    for (ids, fixed_word) in open {
        for (id, product) in resolved(ids, products) {
            let word = fixed_word.or_else(|| words.get(id).copied()).unwrap_or_default();
            let severity = severities.get(id).copied().unwrap_or_default();
            let version = &product.component.version;
            for place in places(&product) {
                match version.as_str() {
                    "" => put(place, word, severity, vec![from_the_first()], None),
                    version => put(place, word, severity, Vec::new(), Some(version.to_owned())),
                }
            }
        }
    }
    for (_, product) in resolved(&status.known_not_affected, products) {
        // Of one version it says nothing that the others' ranges do not say.
        if product.component.version.is_empty() {
            let never = range(Event::Fixed("0".to_owned()));
            for place in places(&product) {
                put(place, NOT_AFFECTED, Severity::Unknown, vec![never.clone()], None);
            }
        }
    }
    entries.into_values().map(checked).collect()
}

fn checked(mut entry: Affected) -> Result<Affected, AdvisoryError> {
    entry.versions.sort_unstable();
    entry.versions.dedup();
    let versions = std::mem::take(&mut entry.versions);
    for range in &entry.ranges {
        for event in &range.events {
            if let Event::Fixed(version) = event {
                field(version.clone(), "product version")?;
            }
        }
    }
    Ok(Affected {
        ecosystem: field(entry.ecosystem, "product platform")?,
        name: field(entry.name, "product name")?,
        module: field(entry.module, "product module")?,
        vendor_state: text(entry.vendor_state, "remediations[].details", MAX_WORD)?,
        versions: versions.into_iter().map(|v| field(v, "product version")).collect::<Result<_, _>>()?,
        ..entry
    })
}

fn range(end: Event) -> Range {
    Range { kind: RangeKind::Ecosystem, events: vec![Event::Introduced("0".to_owned()), end] }
}

fn from_the_first() -> Range {
    Range { kind: RangeKind::Ecosystem, events: vec![Event::Introduced("0".to_owned())] }
}

fn resolved<'p>(ids: &'p [Text<'_>], products: &'p Products<'_>) -> impl Iterator<Item = (&'p str, Product)> {
    ids.iter().filter_map(|id| Some((&**id, products.resolve(id)?)))
}

/// Under which names records of the platform speak of a component.
fn places(product: &Product) -> Vec<Place> {
    let component = &product.component;
    let place = |name: String| (product.ecosystem.clone(), name, component.module.clone());
    let binary_names = family(&product.ecosystem).is_some_and(|family| family.naming == Naming::Binary);
    let of_source = || place(format!("{OF_SOURCE}{}", component.name));
    match component.built {
        _ if !binary_names => vec![place(component.name.clone())],
        Built::Source => vec![of_source()],
        Built::Binary => vec![place(component.name.clone())],
        Built::Unsaid => vec![place(component.name.clone()), of_source()],
    }
}

/// The versions with the fix. Source packages count only on platforms for which no binary is named.
fn fixes(
    vulnerability: &Vulnerability<'_>,
    products: &Products<'_>,
    severities: &HashMap<&str, Severity>,
) -> BTreeMap<Place, (Vec<String>, Severity)> {
    let status = &vulnerability.product_status;
    let ids = [&status.fixed, &status.first_fixed, &status.recommended].into_iter().flatten();
    let all: Vec<(&str, Product)> = ids
        .filter_map(|id| Some((&**id, products.resolve(id)?)))
        // Of a language package it says only that this version is good.
        .filter(|(_, p)| p.component.ecosystem.is_none() && !p.component.version.is_empty())
        .collect();
    let is_source = |product: &Product| product.component.built == Built::Source;
    let with_binaries: HashSet<&str> =
        all.iter().filter(|(_, p)| !is_source(p)).map(|(_, p)| p.ecosystem.as_str()).collect();
    let mut fixes: BTreeMap<Place, (Vec<String>, Severity)> = BTreeMap::new();
    for (id, product) in &all {
        if is_source(product) && with_binaries.contains(product.ecosystem.as_str()) {
            continue;
        }
        for place in places(product) {
            let (versions, severity) = fixes.entry(place).or_default();
            *severity = (*severity).max(severities.get(id).copied().unwrap_or_default());
            keep_lowest(versions, product);
        }
    }
    fixes
}

fn keep_lowest(versions: &mut Vec<String>, product: &Product) {
    let (new, order) = (&product.component.version, Order::of_ecosystem(&product.ecosystem));
    let compare = |a: &str, b: &str| order.and_then(|order| order.compare(a, b));
    if product.component.module.is_empty() && new.contains(".module") {
        if !versions.contains(new) {
            versions.push(new.clone());
        }
    } else if let Some(lowest) = versions.first_mut() {
        if compare(new, lowest) == Some(Ordering::Less) {
            lowest.clone_from(new);
        }
    } else {
        versions.push(new.clone());
    }
}

/// Why a product has no fix, in the vendor's word: the text of a remediation where that is one of
/// the known ones, else its category.
fn words<'v>(vulnerability: &'v Vulnerability<'_>) -> HashMap<&'v str, &'v str> {
    const KNOWN: [&str; 4] = ["Will not fix", "Out of support scope", "Fix deferred", "Affected"];
    let mut words = HashMap::new();
    for remediation in &vulnerability.remediations {
        if !matches!(&*remediation.category, "no_fix_planned" | "none_available") {
            continue;
        }
        let details = remediation.details.trim();
        let word = KNOWN.into_iter().find(|known| *known == details).unwrap_or(&remediation.category);
        words.extend(remediation.product_ids.iter().map(|id| (&**id, word)));
    }
    words
}

/// Severities by product, where threats name products.
fn severities<'v>(vulnerability: &'v Vulnerability<'_>) -> HashMap<&'v str, Severity> {
    let impacts = vulnerability.threats.iter().filter(|threat| &*threat.category == "impact");
    let rated = impacts.filter_map(|threat| Some((threat, of_word(threat.details.trim())?)));
    rated.flat_map(|(threat, severity)| threat.product_ids.iter().map(move |id| (&**id, severity))).collect()
}
