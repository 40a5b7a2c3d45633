//! Keeps the match rows right: every package in the store is matched against every standing
//! advisory, always. New packages are matched when they are numbered, changed advisories when they
//! are stored, both inside the transaction that brings them, so there is never a half-matched
//! state.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use parapet_matching::{affected_key, coverage, judge, kernel, keys_of};
use parapet_model::advisory::Advisory;
use parapet_model::facts::PackageRow;
use parapet_model::verdict::{ClosingReason, Verdict};
use parapet_model::{AdvisoryNo, PackageKey, PackageNo, VulnerabilityNo};
use parapet_store::matches::{MatchKey, OpenMatch};
use parapet_store::packages::NewPackage;
use parapet_store::{Session, Tx};

use crate::error::Result;
use crate::vulnerabilities::{self, AtHand};

/// What changed about matches.
#[derive(Debug, Clone, Default)]
pub(crate) struct MatchDelta {
    /// Opened: package and id of the vulnerability.
    pub(crate) opened: Vec<(PackageNo, String)>,
    /// Closed: package and id of the vulnerability.
    pub(crate) closed: Vec<(PackageNo, String)>,
}

impl MatchDelta {
    /// Takes the other's changes too.
    pub(crate) fn extend(&mut self, other: Self) {
        self.opened.extend(other.opened);
        self.closed.extend(other.closed);
    }
}

/// What one advisory says of one package.
#[derive(Debug)]
struct Desired {
    package: PackageNo,
    advisory: AdvisoryNo,
    verdict: Verdict,
}

/// Matches packages that were just numbered against all standing advisories.
pub(crate) async fn match_new_packages(tx: &mut Tx, packages: &[(PackageNo, PackageKey)]) -> Result<()> {
    let keys: BTreeSet<(String, String)> = packages.iter().flat_map(|(_, key)| keys_of(key)).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let advisories = tx.advisories_for(&keys).await?;
    let mut by_key: HashMap<(String, String), Vec<usize>> = HashMap::new();
    for (i, (_, advisory)) in advisories.iter().enumerate() {
        for affected in &advisory.affected {
            let list = by_key.entry(affected_key(affected)).or_default();
            if list.last() != Some(&i) {
                list.push(i);
            }
        }
    }
    let mut desired = Vec::new();
    for (no, package) in packages {
        let speaking: BTreeSet<usize> =
            keys_of(package).iter().filter_map(|key| by_key.get(key)).flatten().copied().collect();
        for (advisory_no, advisory) in speaking.into_iter().filter_map(|i| advisories.get(i)) {
            desired.extend(desire(*no, package, *advisory_no, advisory));
        }
    }
    let at_hand = advisories.iter().map(|(no, advisory)| (*no, advisory.as_ref())).collect();
    open(tx, desired, &at_hand).await
}

/// A package with what this matcher knows of it, whatever advisories say.
pub(crate) fn describe(key: &PackageKey) -> NewPackage {
    NewPackage {
        key: key.clone(),
        coverage: coverage::of_package(key),
        kernel: kernel::is_kernel_package(key),
        match_keys: keys_of(key),
    }
}

/// The same as a fact.
pub(crate) fn row(no: PackageNo, key: &PackageKey) -> PackageRow {
    PackageRow {
        no,
        key: key.clone(),
        coverage: coverage::of_package(key),
        kernel: kernel::is_kernel_package(key),
    }
}

/// Matches advisories that were just stored, withdrawn or restored against all packages, and closes
/// what they no longer say with `reason`. A withdrawn advisory comes as `None`.
pub(crate) async fn match_advisories(
    tx: &mut Tx,
    advisories: &[(AdvisoryNo, Option<&Advisory>)],
    reason: ClosingReason,
) -> Result<MatchDelta> {
    let plan = plan(tx, advisories).await?;
    let delta = plan.delta();
    let touched: Vec<VulnerabilityNo> = plan.close.iter().map(|(row, _)| row.vulnerability).collect();
    let keys: Vec<MatchKey> = plan.close.iter().map(|(row, _)| row.key()).collect();
    tx.close_matches(&keys, reason).await?;
    let at_hand = advisories.iter().filter_map(|(no, advisory)| Some((*no, (*advisory)?))).collect();
    open(tx, plan.open, &at_hand).await?;
    vulnerabilities::refresh(tx, touched, &at_hand).await?;
    Ok(delta)
}

/// What storing these advisories would change, without storing anything.
pub(crate) async fn measure(
    session: &mut Session,
    advisories: &[(AdvisoryNo, Option<&Advisory>)],
) -> Result<MatchDelta> {
    Ok(plan(session, advisories).await?.delta())
}

/// What has to be done; closed rows come with the id of their vulnerability.
struct Plan {
    open: Vec<Desired>,
    close: Vec<(OpenMatch, String)>,
}

impl Plan {
    fn delta(&self) -> MatchDelta {
        MatchDelta {
            opened: self.open.iter().map(|d| (d.package, d.verdict.vulnerability.clone())).collect(),
            closed: self.close.iter().map(|(row, id)| (row.package, id.clone())).collect(),
        }
    }
}

/// Compares what the advisories say with the rows that are open.
async fn plan(session: &mut Session, advisories: &[(AdvisoryNo, Option<&Advisory>)]) -> Result<Plan> {
    let keys: BTreeSet<(String, String)> = advisories
        .iter()
        .filter_map(|(_, advisory)| *advisory)
        .flat_map(|advisory| advisory.affected.iter().map(affected_key))
        .collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let rows = session.packages_by_keys(&keys).await?;
    let mut packages: HashMap<(String, String), Vec<&PackageRow>> = HashMap::new();
    for row in &rows {
        for key in keys_of(&row.key) {
            packages.entry(key).or_default().push(row);
        }
    }
    let mut desired: BTreeMap<(PackageNo, AdvisoryNo), Vec<Verdict>> = BTreeMap::new();
    for (advisory_no, advisory) in advisories {
        let Some(advisory) = advisory else { continue };
        for affected in &advisory.affected {
            for package in packages.get(&affected_key(affected)).into_iter().flatten() {
                desired.entry((package.no, *advisory_no)).or_insert_with(|| judge(&package.key, advisory));
            }
        }
    }
    let numbers: Vec<AdvisoryNo> = advisories.iter().map(|(no, _)| *no).collect();
    let standing = session.matches_of_advisories(&numbers).await?;
    let named: BTreeSet<VulnerabilityNo> = standing.iter().map(|row| row.vulnerability).collect();
    let named = session.vulnerabilities(&named.into_iter().collect::<Vec<_>>()).await?;
    let ids: HashMap<VulnerabilityNo, String> = named.into_iter().map(|v| (v.no, v.id)).collect();
    let mut close = Vec::new();
    for row in standing {
        let same = ids.get(&row.vulnerability).and_then(|id| {
            let verdicts = desired.get_mut(&(row.package, row.advisory))?;
            let at = verdicts.iter().position(|v| v.vulnerability == *id && says_the_same(v, &row))?;
            Some(verdicts.swap_remove(at))
        });
        if same.is_none() {
            let id = ids.get(&row.vulnerability).cloned().unwrap_or_default();
            close.push((row, id));
        }
    }
    let open = desired
        .into_iter()
        .flat_map(|((package, advisory), verdicts)| {
            verdicts.into_iter().map(move |verdict| Desired { package, advisory, verdict })
        })
        .collect();
    Ok(Plan { open, close })
}

fn says_the_same(verdict: &Verdict, row: &OpenMatch) -> bool {
    verdict.state == row.state
        && verdict.class == row.class
        && verdict.vendor_severity == row.vendor_severity
        && verdict.fixed_version == row.fixed_version
}

fn desire(
    package: PackageNo,
    key: &PackageKey,
    advisory: AdvisoryNo,
    says: &Advisory,
) -> impl Iterator<Item = Desired> + use<> {
    judge(key, says).into_iter().map(move |verdict| Desired { package, advisory, verdict })
}

/// Opens rows, numbers the vulnerabilities they name, and brings those up to date.
async fn open(tx: &mut Tx, desired: Vec<Desired>, at_hand: &AtHand<'_>) -> Result<()> {
    if desired.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<&str> = desired.iter().map(|d| d.verdict.vulnerability.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let numbers: HashMap<&str, VulnerabilityNo> =
        ids.iter().copied().zip(tx.vulnerability_numbers(&ids).await?).collect();
    let mut rows = Vec::with_capacity(desired.len());
    for d in &desired {
        if let Some(&vulnerability) = numbers.get(d.verdict.vulnerability.as_str()) {
            rows.push(OpenMatch {
                package: d.package,
                vulnerability,
                advisory: d.advisory,
                // Given when rows are carried to posture, see `ranking`.
                precedence: 0,
                state: d.verdict.state,
                class: d.verdict.class,
                vendor_severity: d.verdict.vendor_severity,
                fixed_version: d.verdict.fixed_version.clone(),
                range: d.verdict.range.clone(),
            });
        }
    }
    tx.open_matches(&rows).await?;
    vulnerabilities::refresh(tx, rows.iter().map(|row| row.vulnerability), at_hand).await
}
