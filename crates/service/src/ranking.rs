//! Puts precedence into match rows on their way from the store to posture, which cannot compare
//! versions: among all rows of one package and vulnerability, history included, the highest rank is
//! the one to show (`matching::precedence`).

use std::collections::{BTreeSet, HashMap};

use parapet_matching::advisory::source_of;
use parapet_matching::precedence::{Candidate, rank as rank_candidates};
use parapet_model::facts::{Change, MatchRow};
use parapet_model::{AdvisoryNo, PackageKey, PackageNo, VulnerabilityNo};
use parapet_store::Session;

use crate::error::Result;

/// Fills `MatchRow::precedence` in a change.
pub(crate) async fn rank(change: &mut Change, session: &mut Session) -> Result<()> {
    if change.matches.is_empty() {
        return Ok(());
    }
    let advisories: BTreeSet<AdvisoryNo> =
        change.matches.iter().flat_map(|(_, rows)| rows.iter().map(|row| row.advisory)).collect();
    let ids = session.advisory_ids(&advisories.into_iter().collect::<Vec<_>>()).await?;
    let mut ecosystems: HashMap<PackageNo, String> =
        change.packages.iter().map(|row| (row.no, row.key.ecosystem.clone())).collect();
    let unknown: Vec<PackageNo> =
        change.matches.iter().map(|(no, _)| *no).filter(|no| !ecosystems.contains_key(no)).collect();
    for row in session.packages(&unknown).await? {
        let PackageKey { ecosystem, .. } = row.key;
        ecosystems.insert(row.no, ecosystem);
    }
    for (package, rows) in &mut change.matches {
        let ecosystem = ecosystems.get(package).map_or("", String::as_str);
        rank_package(ecosystem, rows, &ids);
    }
    Ok(())
}

fn rank_package(ecosystem: &str, rows: &mut [MatchRow], ids: &HashMap<AdvisoryNo, String>) {
    let mut groups: HashMap<VulnerabilityNo, Vec<usize>> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        groups.entry(row.vulnerability).or_default().push(i);
    }
    for places in groups.into_values().filter(|places| places.len() > 1) {
        let candidates: Vec<Candidate<'_>> = places
            .iter()
            .map(|&i| {
                let id = ids.get(&rows[i].advisory).map_or("", String::as_str);
                Candidate {
                    source: source_of(id),
                    id,
                    state: rows[i].state,
                    fixed_version: &rows[i].fixed_version,
                }
            })
            .collect();
        for (i, precedence) in places.iter().zip(rank_candidates(ecosystem, &candidates)) {
            rows[*i].precedence = precedence;
        }
    }
}
