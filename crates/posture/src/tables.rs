//! Packages, vulnerabilities and what advisories say: the side of posture that knows no asset.
//!
//! A change of a vulnerability's redirect or band judges the packages again that name it, directly
//! or through a redirect, and nothing else: the cost does not depend on the number of assets.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parapet_model::coverage::EcosystemCoverage;
use parapet_model::facts::{MatchRow, PackageRow};
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{Coverage, PackageNo, VulnerabilityNo};

use crate::index::Index;
use crate::pages::Pages;
use crate::verdict::{Canonical, Verdicts};

/// A package with what is said of it. What every walk reads of every package lies here, so that the
/// row itself is touched only for findings.
#[derive(Debug, Clone)]
pub(crate) struct PackageEntry {
    row: Option<Arc<PackageRow>>,
    pub(crate) verdicts: Option<Arc<Verdicts>>,
    /// Place of its ecosystem in the coverage table.
    ecosystem: u32,
    /// The package's own word.
    coverage: Coverage,
    /// A package of an operating system's kernel.
    pub(crate) kernel: bool,
}

/// Who names a vulnerability.
#[derive(Debug, Clone, Default)]
struct Naming {
    /// Packages with a match row that names this number, ascending.
    packages: Arc<Vec<PackageNo>>,
    /// Numbers that redirect here directly, ascending.
    redirected: Arc<Vec<VulnerabilityNo>>,
}

/// Packages, vulnerabilities, matches and the coverage table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    packages: Pages<PackageEntry>,
    package_names: Index<Box<str>>,
    vulnerabilities: Pages<Arc<Vulnerability>>,
    naming: Pages<Naming>,
    vulnerability_ids: Index<Box<str>>,
    ecosystems: Arc<HashMap<String, u32>>,
    /// By the ecosystem's place; a new ecosystem without feed is `no-feed`.
    ecosystem_words: Arc<Vec<Coverage>>,
    pub(crate) coverage: Arc<Vec<EcosystemCoverage>>,
}

fn lower(text: &str) -> Box<str> {
    text.to_ascii_lowercase().into()
}

impl Tables {
    /// A package that is known whole.
    #[inline]
    pub(crate) fn package(&self, no: PackageNo) -> Option<(&PackageEntry, &PackageRow)> {
        let entry = self.packages.get(no.index())?;
        Some((entry, entry.row.as_deref()?))
    }

    /// The row of a vulnerability as named.
    #[inline]
    pub(crate) fn vulnerability(&self, no: VulnerabilityNo) -> Option<&Vulnerability> {
        self.vulnerabilities.get(no.index()).map(Arc::as_ref)
    }

    /// The vulnerability that `no` is the same as, if it is known. A redirect to something unknown
    /// ends where it stands; of a circle, which no sound store holds, the lowest number is taken.
    pub(crate) fn canonical(&self, no: VulnerabilityNo) -> Option<&Vulnerability> {
        let (mut slow, mut fast) = (self.vulnerability(no)?, self.vulnerability(no)?);
        loop {
            for _ in 0..2 {
                match self.redirect(fast) {
                    Some(next) => fast = next,
                    None => return Some(fast),
                }
            }
            slow = self.redirect(slow)?;
            if slow.no == fast.no {
                break;
            }
        }
        let mut lowest = slow;
        while let Some(next) = self.redirect(fast).filter(|next| next.no != slow.no) {
            fast = next;
            if fast.no < lowest.no {
                lowest = fast;
            }
        }
        Some(lowest)
    }

    /// Where a vulnerability redirects to, one step.
    fn redirect(&self, row: &Vulnerability) -> Option<&Vulnerability> {
        self.vulnerability(row.canonical).filter(|next| next.no != row.no)
    }

    /// Canonical vulnerabilities for an id or alias, without regard to ASCII case; ascending.
    pub(crate) fn vulnerabilities_named(&self, id: &str) -> Vec<VulnerabilityNo> {
        let named = self.vulnerability_ids.get(id.to_ascii_lowercase().as_str());
        let found: BTreeSet<_> =
            named.iter().filter_map(|&no| self.canonical(VulnerabilityNo(no))).map(|v| v.no).collect();
        found.into_iter().collect()
    }

    /// Packages of that name, without regard to ASCII case.
    pub(crate) fn packages_named(&self, name: &str) -> impl Iterator<Item = PackageNo> + '_ {
        self.package_names.get(name.to_ascii_lowercase().as_str()).iter().map(|&no| PackageNo(no))
    }

    /// All packages with a row.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &PackageRow> {
        self.packages.iter().filter_map(|(_, entry)| entry.row.as_deref())
    }

    /// All vulnerabilities, as named.
    pub(crate) fn vulnerabilities(&self) -> impl Iterator<Item = &Vulnerability> {
        self.vulnerabilities.iter().map(|(_, row)| row.as_ref())
    }

    /// All packages of which any advisory speaks or spoke, with what it says, ascending.
    pub(crate) fn matches(&self) -> impl Iterator<Item = (PackageNo, &[MatchRow])> {
        self.packages.iter().filter_map(|(no, entry)| {
            entry.verdicts.as_ref().map(|verdicts| (PackageNo(no as u32), &*verdicts.rows))
        })
    }

    /// All packages that are known whole and of which any advisory speaks, ascending.
    pub(crate) fn judged(&self) -> impl Iterator<Item = (PackageNo, &PackageEntry)> {
        let whole = self.packages.iter().filter(|(_, e)| e.row.is_some() && e.verdicts.is_some());
        whole.map(|(no, entry)| (PackageNo(no as u32), entry))
    }

    /// All packages of an operating system's kernel, ascending.
    pub(crate) fn kernels(&self) -> impl Iterator<Item = PackageNo> + '_ {
        let kernels = self.packages.iter().filter(|(_, entry)| entry.kernel && entry.row.is_some());
        kernels.map(|(no, _)| PackageNo(no as u32))
    }

    /// The ecosystems, with release, of all packages ever seen.
    pub(crate) fn ecosystems(&self) -> impl Iterator<Item = &str> {
        self.ecosystems.keys().map(String::as_str)
    }

    /// Packages of which any advisory ever named one of these vulnerabilities, directly or through a
    /// redirect.
    pub(crate) fn packages_naming(&self, vulnerabilities: &[VulnerabilityNo]) -> BTreeSet<PackageNo> {
        let group = self.group_of(vulnerabilities.iter().copied());
        let naming = group.into_iter().filter_map(|no| self.naming.get(no.index()));
        naming.flat_map(|entry| entry.packages.iter().copied()).collect()
    }

    /// The package's word: its own or its ecosystem's, whichever is worse.
    #[inline]
    pub(crate) fn coverage_of(&self, entry: &PackageEntry) -> Coverage {
        let ecosystem = self.ecosystem_words.get(entry.ecosystem as usize).copied();
        entry.coverage.max(ecosystem.unwrap_or(Coverage::NoFeed))
    }

    /// Takes packages in.
    pub(crate) fn apply_packages(&mut self, rows: Vec<PackageRow>) {
        for row in rows {
            let ecosystem = self.ecosystem_place(&row.key.ecosystem);
            let slot = self.packages.slot(row.no.index());
            let (old, verdicts) = match slot.take() {
                Some(entry) => (entry.row, entry.verdicts),
                None => (None, None),
            };
            let (no, name) = (row.no.0, lower(&row.key.name));
            let (coverage, kernel) = (row.coverage, row.kernel);
            *slot = Some(PackageEntry { row: Some(Arc::new(row)), verdicts, ecosystem, coverage, kernel });
            if let Some(old) = old {
                self.package_names.remove(&lower(&old.key.name), no);
            }
            self.package_names.insert(name, no);
        }
    }

    fn ecosystem_place(&mut self, ecosystem: &str) -> u32 {
        if let Some(&place) = self.ecosystems.get(ecosystem) {
            return place;
        }
        let place = self.ecosystem_words.len() as u32;
        Arc::make_mut(&mut self.ecosystems).insert(ecosystem.to_owned(), place);
        Arc::make_mut(&mut self.ecosystem_words).push(word_of(&self.coverage, ecosystem));
        place
    }

    /// Replaces the table of what judges which ecosystem.
    pub(crate) fn apply_coverage(&mut self, table: Vec<EcosystemCoverage>) {
        let mut words = vec![Coverage::NoFeed; self.ecosystem_words.len()];
        for (ecosystem, &place) in self.ecosystems.iter() {
            words[place as usize] = word_of(&table, ecosystem);
        }
        self.ecosystem_words = Arc::new(words);
        self.coverage = Arc::new(table);
    }

    /// Takes vulnerabilities and match rows in, and judges again what they touch.
    pub(crate) fn apply_matches(
        &mut self,
        vulnerabilities: Vec<Vulnerability>,
        matches: Vec<(PackageNo, Vec<MatchRow>)>,
    ) {
        let moved: Vec<VulnerabilityNo> =
            vulnerabilities.into_iter().filter_map(|row| self.replace_vulnerability(row)).collect();
        let mut dirty = BTreeSet::new();
        for no in self.group_of(moved) {
            if let Some(entry) = self.naming.get(no.index()) {
                dirty.extend(entry.packages.iter().copied());
            }
        }
        for (package, rows) in matches {
            dirty.remove(&package);
            self.merge_matches(package, rows);
        }
        for package in dirty {
            let entry = self.packages.get(package.index()).and_then(|entry| entry.verdicts.clone());
            if let Some(verdicts) = entry {
                self.judge(package, verdicts.rows.clone());
            }
        }
    }

    /// The numbers given and all that redirect to them, over any number of steps.
    fn group_of(&self, start: impl IntoIterator<Item = VulnerabilityNo>) -> BTreeSet<VulnerabilityNo> {
        let mut group = BTreeSet::new();
        let mut rest: Vec<VulnerabilityNo> = start.into_iter().collect();
        while let Some(no) = rest.pop() {
            if group.insert(no)
                && let Some(entry) = self.naming.get(no.index())
            {
                rest.extend(entry.redirected.iter().copied());
            }
        }
        group
    }

    fn naming_slot(&mut self, no: VulnerabilityNo) -> &mut Naming {
        self.naming.slot(no.index()).get_or_insert_default()
    }

    /// Returns the number when verdicts depend on what changed: existence, redirect, or what
    /// [`Canonical`] holds.
    fn replace_vulnerability(&mut self, row: Vulnerability) -> Option<VulnerabilityNo> {
        let (no, canonical) = (row.no, row.canonical);
        let row = Arc::new(row);
        let old = self.vulnerabilities.slot(no.index()).replace(Arc::clone(&row));
        if old.as_ref().is_none_or(|old| (&old.id, &old.aliases) != (&row.id, &row.aliases)) {
            for id in old.iter().flat_map(|old| ids_of(old)) {
                self.vulnerability_ids.remove(&lower(id), no.0);
            }
            for id in ids_of(&row) {
                self.vulnerability_ids.insert(lower(id), no.0);
            }
        }
        let now = (canonical, canonical_of(&row));
        if old.as_ref().is_some_and(|old| (old.canonical, canonical_of(old)) == now) {
            return None;
        }
        if let Some(old) = old {
            remove_sorted(&mut self.naming_slot(old.canonical).redirected, no);
        }
        if canonical != no {
            insert_sorted(&mut self.naming_slot(canonical).redirected, no);
        }
        Some(no)
    }

    /// Takes in all rows of the vulnerabilities that they name, and keeps those of others.
    fn merge_matches(&mut self, package: PackageNo, mut rows: Vec<MatchRow>) {
        let named: BTreeSet<VulnerabilityNo> = rows.iter().map(|row| row.vulnerability).collect();
        let old = self.packages.get(package.index()).and_then(|entry| entry.verdicts.clone());
        if let Some(old) = old {
            rows.extend(old.rows.iter().filter(|row| !named.contains(&row.vulnerability)).cloned());
            rows.sort_by_key(|row| (row.vulnerability, row.advisory, row.held.from));
        }
        for vulnerability in named {
            insert_sorted(&mut self.naming_slot(vulnerability).packages, package);
        }
        self.judge(package, rows.into());
    }

    fn judge(&mut self, package: PackageNo, rows: Box<[MatchRow]>) {
        let verdicts = (!rows.is_empty()).then(|| {
            let resolve = |no| self.canonical(no).map(canonical_of);
            Arc::new(Verdicts::judge(rows, resolve))
        });
        let slot = self.packages.slot(package.index());
        match slot {
            Some(entry) => entry.verdicts = verdicts,
            None => {
                let (ecosystem, coverage, kernel) = (u32::MAX, Coverage::NoFeed, false);
                *slot = Some(PackageEntry { row: None, verdicts, ecosystem, coverage, kernel });
            }
        }
    }

    /// The vulnerability's canonical number, or itself while unknown.
    pub(crate) fn canonical_no(&self, no: VulnerabilityNo) -> VulnerabilityNo {
        self.canonical(no).map_or(no, |canonical| canonical.no)
    }
}

/// The word of an ecosystem; what no feed judges is `no-feed`.
fn word_of(table: &[EcosystemCoverage], ecosystem: &str) -> Coverage {
    table.iter().find(|row| row.ecosystem == ecosystem).map_or(Coverage::NoFeed, |row| row.coverage)
}

fn canonical_of(row: &Vulnerability) -> Canonical {
    Canonical { no: row.no, band: row.severity, kev: row.kev_added != 0 }
}

fn ids_of(row: &Vulnerability) -> impl Iterator<Item = &String> {
    std::iter::once(&row.id).chain(&row.aliases)
}

fn insert_sorted<T: Ord + Clone>(list: &mut Arc<Vec<T>>, item: T) {
    if let Err(at) = list.binary_search(&item) {
        Arc::make_mut(list).insert(at, item);
    }
}

fn remove_sorted<T: Ord + Clone>(list: &mut Arc<Vec<T>>, item: T) {
    if let Ok(at) = list.binary_search(&item) {
        Arc::make_mut(list).remove(at);
    }
}
