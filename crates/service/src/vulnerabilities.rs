//! Keeps the texts, scores and bands of vulnerabilities right. Only vulnerabilities that some
//! package matched are worked out and stored; the others are worked out when somebody asks.

use std::collections::BTreeSet;

use parapet_matching::vulnerability::summarise;
use parapet_model::VulnerabilityNo;
use parapet_model::advisory::Advisory;
use parapet_model::vulnerability::Vulnerability;
use parapet_store::{Session, Tx};

use crate::error::Result;

/// Works these vulnerabilities out again and stores those that changed.
pub(crate) async fn refresh(tx: &mut Tx, numbers: impl IntoIterator<Item = VulnerabilityNo>) -> Result<()> {
    let numbers: BTreeSet<VulnerabilityNo> = numbers.into_iter().collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let fresh = work_out(tx, &numbers.into_iter().collect::<Vec<_>>()).await?;
    tx.put_vulnerabilities(&fresh).await?;
    Ok(())
}

/// Works vulnerabilities out from the standing advisories. KEV and EPSS are joined when read.
pub(crate) async fn work_out(
    session: &mut Session,
    numbers: &[VulnerabilityNo],
) -> Result<Vec<Vulnerability>> {
    let mut out = Vec::with_capacity(numbers.len());
    for stored in session.vulnerabilities(numbers).await? {
        let naming = session.advisories_naming(stored.no).await?;
        let records = session.advisories(&naming).await?;
        let records: Vec<&Advisory> = records.iter().map(|(_, record)| record.as_ref()).collect();
        let (own, joining): (Vec<&Advisory>, Vec<&Advisory>) =
            records.iter().copied().partition(|record| record.vulnerabilities.contains(&stored.id));
        let canonical = match joined(&stored.id, &joining) {
            Some(id) => session.find_vulnerabilities(&[id]).await?.get(id).copied().unwrap_or(stored.no),
            None => stored.no,
        };
        let summary = summarise(&stored.id, &own, None, None);
        out.push(Vulnerability { no: stored.no, canonical, ..summary });
    }
    Ok(out)
}

/// The one vulnerability that all records say `id` is the same as; none when they disagree, because
/// a wrong join would hide findings.
fn joined<'a>(id: &str, records: &[&'a Advisory]) -> Option<&'a str> {
    let targets: BTreeSet<&str> = records
        .iter()
        .filter(|record| record.withdrawn == 0 && record.same_as.iter().any(|alias| alias == id))
        .filter_map(|record| record.vulnerabilities.first().map(String::as_str))
        .collect();
    match targets.len() {
        1 => targets.into_iter().next(),
        _ => None,
    }
}

/// Works out again what these records join: a record that names one CVE makes its own id and its
/// aliases mean that CVE, which moves findings that were known under those ids.
pub(crate) async fn refresh_joined(tx: &mut Tx, records: impl Iterator<Item = &Advisory>) -> Result<()> {
    let ids: BTreeSet<&str> = records.flat_map(|record| record.same_as.iter().map(String::as_str)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let known = tx.find_vulnerabilities(&ids.into_iter().collect::<Vec<_>>()).await?;
    refresh(tx, known.into_values()).await
}
