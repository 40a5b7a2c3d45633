//! Keeps the texts, scores and bands of vulnerabilities right. Only vulnerabilities that some
//! package matched are worked out and stored; the others are worked out when somebody asks.

use std::collections::{BTreeSet, HashMap, HashSet};

use parapet_matching::vulnerability::summarise;
use parapet_model::advisory::Advisory;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AdvisoryNo, VulnerabilityNo};
use parapet_store::{Session, Tx};

use crate::error::Result;

/// Standing records that the caller has, so that they are not read and unpacked again.
pub(crate) type AtHand<'a> = HashMap<AdvisoryNo, &'a Advisory>;

/// Works these vulnerabilities out again and stores those that changed.
pub(crate) async fn refresh(
    tx: &mut Tx,
    numbers: impl IntoIterator<Item = VulnerabilityNo>,
    at_hand: &AtHand<'_>,
) -> Result<()> {
    let numbers: BTreeSet<VulnerabilityNo> = numbers.into_iter().collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let fresh = work_out(tx, &Vec::from_iter(numbers), at_hand).await?;
    tx.put_vulnerabilities(&fresh).await?;
    Ok(())
}

/// Works vulnerabilities out from the standing advisories. KEV and EPSS are joined when read.
pub(crate) async fn work_out(
    session: &mut Session,
    numbers: &[VulnerabilityNo],
    at_hand: &AtHand<'_>,
) -> Result<Vec<Vulnerability>> {
    let all = session.vulnerabilities(numbers).await?;
    let naming = session.advisories_naming(numbers).await?;
    let elsewhere: BTreeSet<AdvisoryNo> =
        naming.iter().map(|&(_, advisory)| advisory).filter(|no| !at_hand.contains_key(no)).collect();
    let read = session.advisories(&Vec::from_iter(elsewhere)).await?;
    let mut records = at_hand.clone();
    records.extend(read.iter().map(|(no, record)| (*no, record.as_ref())));
    let mut naming_of: HashMap<VulnerabilityNo, Vec<&Advisory>> = HashMap::new();
    for (vulnerability, advisory) in &naming {
        naming_of.entry(*vulnerability).or_default().extend(records.get(advisory).copied());
    }
    let empty = Vec::new();
    let of = |v: &Vulnerability| naming_of.get(&v.no).unwrap_or(&empty);
    let targets: Vec<Option<&str>> = all.iter().map(|v| joined(&v.id, of(v))).collect();
    let wanted: BTreeSet<&str> = targets.iter().flatten().copied().collect();
    let canonical = session.find_vulnerabilities(&Vec::from_iter(wanted)).await?;
    Ok(all
        .iter()
        .zip(&targets)
        .map(|(stored, target)| {
            let own: Vec<&Advisory> =
                of(stored).iter().copied().filter(|r| r.vulnerabilities.contains(&stored.id)).collect();
            let canonical = target.and_then(|id| canonical.get(id).copied()).unwrap_or(stored.no);
            Vulnerability { no: stored.no, canonical, ..summarise(&stored.id, &own, None, None) }
        })
        .collect())
}

/// The one vulnerability that all records say `id` is the same as; none when they disagree, because
/// a wrong join would hide findings.
fn joined<'a>(id: &str, records: &[&'a Advisory]) -> Option<&'a str> {
    let targets: BTreeSet<&str> = records
        .iter()
        .filter(|record| record.withdrawn == 0 && !record.vulnerabilities.iter().any(|own| own == id))
        .filter(|record| record.same_as.iter().any(|alias| alias == id))
        .filter_map(|record| record.vulnerabilities.first().map(String::as_str))
        .collect();
    match targets.len() {
        1 => targets.into_iter().next(),
        _ => None,
    }
}

/// Works out again what these records join: a record that names one CVE makes its own id and its
/// aliases mean that CVE, which moves findings that were known under those ids. Ids in `settled` were
/// joined when they were numbered.
pub(crate) async fn refresh_joined(
    tx: &mut Tx,
    records: impl Iterator<Item = &Advisory>,
    at_hand: &AtHand<'_>,
    settled: &HashSet<String>,
) -> Result<()> {
    let ids = records.flat_map(|record| record.same_as.iter().map(String::as_str));
    let ids: BTreeSet<&str> = ids.filter(|id| !settled.contains(*id)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let known = tx.find_vulnerabilities(&Vec::from_iter(ids)).await?;
    refresh(tx, known.into_values(), at_hand).await
}
