//! Findings by package: which packages a question finds, what an upgrade of each would remove, and what
//! the findings are like (the counts beside the values of facets).
//!
//! As in [`crate::by_vulnerability`], the filter is answered in pairs. Then it is counted how many assets
//! show each package of a passing pair ([`crate::showing`]); a package's findings are that number times its
//! passing pairs, so no finding is looked at one by one. Those that exceptions name are walked.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use parapet_model::facts::PackageRow;
use parapet_model::filter::{Field, Op};
use parapet_model::finding::Finding;
use parapet_model::{AssetNo, Coverage, Filter, MatchState, PackageNo, Severity, VulnerabilityNo};
use roaring::RoaringBitmap;

use crate::bits::Bits;
use crate::by_vulnerability::{speaks_of_exceptions, without_exception};
use crate::kept::Key;
use crate::pairs::understands;
use crate::query::{List, Query, Window};
use crate::showing::{Shown, Wanted};
use crate::snapshot::Snapshot;
use crate::split::Split;
use crate::threads::in_parts;

/// Which packages are one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PackageGroup {
    /// Each version and architecture by itself.
    Version,
    /// Those of one name in one ecosystem with release.
    Name,
    /// Those of one source package in one ecosystem with release: what is upgraded together.
    Source,
}

/// In which order packages are listed; ties by ecosystem and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PackageOrder {
    /// Known exploited first, then the worst band, then most findings.
    #[default]
    Risk,
    /// Most findings first.
    Findings,
    /// Most assets first.
    Assets,
    /// By name.
    Name,
}

/// Packages with what a question finds of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackageSummary {
    /// The ecosystem with release.
    pub ecosystem: String,
    /// Name of the package or, for [`PackageGroup::Source`], of its source.
    pub name: String,
    /// The packages by number, each with how many assets have a finding of it.
    pub packages: Vec<(PackageNo, u64)>,
    /// Assets with a finding of any of them.
    pub assets: u64,
    /// Distinct vulnerabilities.
    pub vulnerabilities: u64,
    /// Findings.
    pub findings: u64,
    /// Findings with a fix to install.
    pub fixable: u64,
    /// Findings of vulnerabilities known to be exploited.
    pub kev: u64,
    /// Findings by [`AssetKind`](parapet_model::AssetKind) as a number.
    pub by_kind: [u64; 3],
    /// Findings by [`Severity`] as a number.
    pub by_severity: [u64; 6],
    /// Findings by [`MatchState`] as a number.
    pub by_state: [u64; 7],
    /// Versions with a fix to install, each once, in the order of text: comparing versions takes more.
    pub fixed_versions: Vec<String>,
}

impl PackageSummary {
    /// Worst band of any finding.
    pub fn severity(&self) -> Severity {
        let worst = Severity::WORST_FIRST.into_iter().find(|band| self.by_severity[*band as usize] > 0);
        worst.unwrap_or_default()
    }
}

/// How the findings of a question are spread over what can be asked further.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facets {
    /// Findings.
    pub findings: u64,
    /// Assets: with a filter on the asset alone those that pass, otherwise those with a finding.
    pub assets: u64,
    /// Distinct vulnerabilities.
    pub vulnerabilities: u64,
    /// Findings with a fix to install.
    pub fixable: u64,
    /// Findings of vulnerabilities known to be exploited.
    pub kev: u64,
    /// Findings that an exception hides.
    pub excepted: u64,
    /// Findings by [`AssetKind`](parapet_model::AssetKind) as a number.
    pub by_kind: [u64; 3],
    /// Findings by [`Severity`] as a number.
    pub by_severity: [u64; 6],
    /// Findings by [`MatchState`] as a number.
    pub by_state: [u64; 7],
    /// Findings by ecosystem with release, most first.
    pub ecosystems: Vec<(String, u64)>,
    /// Assets by coverage word.
    pub coverage: BTreeMap<Coverage, u64>,
}

impl Facets {
    /// Findings of one band.
    pub fn severity(&self, severity: Severity) -> u64 {
        self.by_severity[severity as usize]
    }

    /// Findings in one state.
    pub fn state(&self, state: MatchState) -> u64 {
        self.by_state[state as usize]
    }
}

impl Snapshot {
    /// The packages among the findings of a query. Kept as long as no asset is touched and the same
    /// exceptions hold, unless the query is within some assets.
    pub fn packages(
        &self,
        query: &Query<'_>,
        group: PackageGroup,
        order: PackageOrder,
        window: Window,
    ) -> List<PackageSummary> {
        let all = self.packages_found(query, group);
        let mut sorted: Vec<&PackageSummary> = all.iter().collect();
        match order {
            PackageOrder::Risk => {
                sorted.sort_by_key(|p| (p.kev == 0, Reverse(p.severity()), Reverse(p.findings)));
            }
            PackageOrder::Findings => sorted.sort_by_key(|p| Reverse(p.findings)),
            PackageOrder::Assets => sorted.sort_by_key(|p| Reverse(p.assets)),
            PackageOrder::Name => sorted.sort_by(|a, b| a.name.cmp(&b.name)),
        }
        let rows = sorted.iter().skip(window.offset).take(window.limit).map(|p| (*p).clone()).collect();
        List { total: sorted.len(), rows }
    }

    /// How the findings of a query are spread. Costs what [`Snapshot::packages`] costs.
    pub fn facets(&self, query: &Query<'_>) -> Facets {
        let mut facets = Facets {
            vulnerabilities: self.vulnerabilities_found(query).len() as u64,
            excepted: self.excepted(query),
            ..Facets::default()
        };
        let mut ecosystems: BTreeMap<&str, u64> = BTreeMap::new();
        let packages = self.packages_found(query, PackageGroup::Name);
        for package in packages.iter() {
            facets.findings += package.findings;
            facets.fixable += package.fixable;
            facets.kev += package.kev;
            add(&mut facets.by_kind, package.by_kind);
            add(&mut facets.by_severity, package.by_severity);
            add(&mut facets.by_state, package.by_state);
            *ecosystems.entry(&package.ecosystem).or_default() += package.findings;
        }
        facets.ecosystems = ecosystems.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        facets.ecosystems.sort_by_key(|(_, count)| Reverse(*count));
        let assets = self.asset_numbers(query);
        facets.assets = assets.len();
        facets.coverage = self.coverage_among(&assets);
        facets
    }

    /// Findings of a query that an exception hides.
    fn excepted(&self, query: &Query<'_>) -> u64 {
        if self.layer(query.now).active.is_empty() {
            return 0;
        }
        let hidden = query.filter.clone().and(Filter::test(Field::Excepted, Op::Eq, true));
        let hidden = Query { filter: &hidden, ..*query };
        self.packages_found(&hidden, PackageGroup::Name).iter().map(|package| package.findings).sum()
    }

    fn packages_found(&self, query: &Query<'_>, group: PackageGroup) -> Arc<[PackageSummary]> {
        let key = |question: String| Key::ByPackage(group, question);
        self.kept_answer(query, key, || self.find_packages(query, group).into())
    }

    fn find_packages(&self, query: &Query<'_>, group: PackageGroup) -> Vec<PackageSummary> {
        let (data, layer, split) = (&self.data, self.layer(query.now), Split::new(query.filter));
        let assets = self.assets_asked(query, &split);
        let about_rows = split.row_parts();
        let plain = without_exception(&about_rows);
        if split.asks_coverage() || !understands(&plain) {
            let walked = self.walk_for_packages(query, &assets);
            return Summing { snapshot: self, group }.sum(Shown::default(), walked);
        }
        let pairs = data.pairs();
        let mut one_by_one = RoaringBitmap::new();
        let mut concerned: Vec<VulnerabilityNo> = Vec::new();
        if speaks_of_exceptions(&about_rows) {
            one_by_one |= data.under_exceptions(&layer, &mut concerned) & &assets;
        }
        let rest = assets - &one_by_one;
        let mut passing = pairs.passing(&data.tables, &plain, &Bits::default());
        let mut named = Vec::new();
        if !concerned.is_empty() {
            let of_concerned = pairs.naming(Some(&concerned));
            passing.without(&of_concerned);
            named = pairs.packages_of(&of_concerned, true);
        }
        let wanted = Wanted::new(data, pairs.by_package(&passing), &named, |row| key_of(row, group));
        let shown = wanted.count(data, &rest, query.include_not_run_here);
        let mut walked = Walked::default();
        if !concerned.is_empty() {
            let query = Query { within: Some(&rest), ..*query };
            let _ = self.findings_of(&query, &concerned, |row| walked.add(row));
        }
        walked.join(self.walk_for_packages(query, &one_by_one));
        Summing { snapshot: self, group }.sum(shown, walked)
    }

    /// The same by walking the assets, on all processors.
    fn walk_for_packages(&self, query: &Query<'_>, assets: &RoaringBitmap) -> Walked {
        let find = |part: &[AssetNo]| {
            let (mut walk, mut walked) = (self.walk(query, false), Walked::default());
            for asset in part.iter().filter_map(|no| self.data.assets.get(*no)) {
                if walk.sees(&asset) {
                    let _ = walk.turn_to(&asset, None, &mut |row, _| walked.add(row));
                }
            }
            walked
        };
        let mut all = Walked::default();
        in_parts(assets, find).into_iter().for_each(|part| all.join(part));
        all
    }
}

fn add<const N: usize>(sums: &mut [u64; N], more: [u64; N]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// What makes packages one row.
fn key_of(row: &PackageRow, group: PackageGroup) -> (&str, &str, PackageNo) {
    let key = &row.key;
    match group {
        PackageGroup::Version => (&key.ecosystem, &key.name, row.no),
        PackageGroup::Name => (&key.ecosystem, &key.name, PackageNo(0)),
        PackageGroup::Source => (&key.ecosystem, &key.source_name, PackageNo(0)),
    }
}

/// Findings that were looked at one by one.
#[derive(Debug, Default)]
struct Walked(BTreeMap<PackageNo, WalkedPackage>);

#[derive(Debug, Default)]
struct WalkedPackage {
    assets: RoaringBitmap,
    /// Findings by kind of asset.
    pairs: BTreeMap<VulnerabilityNo, [u64; 3]>,
}

impl Walked {
    fn add(&mut self, row: &Finding<'_>) -> ControlFlow<()> {
        let package = self.0.entry(row.package.no).or_default();
        package.assets.insert(row.asset.no.0);
        package.pairs.entry(row.vulnerability.no).or_default()[row.asset.kind as usize] += 1;
        ControlFlow::Continue(())
    }

    fn join(&mut self, other: Self) {
        for (no, more) in other.0 {
            let package = self.0.entry(no).or_default();
            package.assets |= more.assets;
            for (vulnerability, counts) in more.pairs {
                add(package.pairs.entry(vulnerability).or_default(), counts);
            }
        }
    }
}

/// Puts together what was counted and what was walked.
struct Summing<'a> {
    snapshot: &'a Snapshot,
    group: PackageGroup,
}

/// One row while it is put together.
#[derive(Default)]
struct Row {
    summary: PackageSummary,
    walked: RoaringBitmap,
    vulnerabilities: BTreeSet<VulnerabilityNo>,
    fixed_versions: BTreeSet<String>,
}

impl Summing<'_> {
    fn sum(&self, shown: Shown, mut walked: Walked) -> Vec<PackageSummary> {
        let mut rows: HashMap<(&str, &str, PackageNo), Row> = HashMap::new();
        let row_of = |no: PackageNo| self.snapshot.package(no).map(|row| key_of(row, self.group));
        for (no, counted) in shown.packages {
            let mut of_package = walked.0.remove(&no).unwrap_or_default();
            of_package.assets |= counted.named;
            for vulnerability in counted.vulnerabilities {
                add(of_package.pairs.entry(vulnerability).or_default(), counted.by_kind);
            }
            let Some(key) = row_of(no) else { continue };
            let row = rows.entry(key).or_default();
            self.add(row, no, of_package, counted.assets);
        }
        for (no, of_package) in walked.0 {
            let Some(key) = row_of(no) else { continue };
            self.add(rows.entry(key).or_default(), no, of_package, 0);
        }
        for (no, assets) in shown.groups {
            if let Some(row) = row_of(no).and_then(|key| rows.get_mut(&key)) {
                row.summary.assets += assets;
            }
        }
        let mut rows: Vec<_> = rows.into_iter().filter(|(_, row)| row.summary.findings > 0).collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        let summary = |((ecosystem, name, _), mut row): ((&str, &str, PackageNo), Row)| {
            row.summary.packages.sort_unstable();
            PackageSummary {
                ecosystem: ecosystem.to_owned(),
                name: name.to_owned(),
                assets: row.summary.assets + row.walked.len(),
                vulnerabilities: row.vulnerabilities.len() as u64,
                fixed_versions: row.fixed_versions.into_iter().collect(),
                ..row.summary
            }
        };
        rows.into_iter().map(summary).collect()
    }

    fn add(&self, row: &mut Row, no: PackageNo, of_package: WalkedPackage, assets: u64) {
        let assets = assets + of_package.assets.len();
        if assets == 0 {
            return;
        }
        let tables = &self.snapshot.data.tables;
        let verdicts = tables.package(no).and_then(|(entry, _)| entry.verdicts.as_deref());
        let mut found = false;
        for (vulnerability, by_kind) in of_package.pairs {
            let count: u64 = by_kind.iter().sum();
            let Some(open) = verdicts.and_then(|verdicts| verdicts.open_on(vulnerability)) else { continue };
            if count == 0 {
                continue;
            }
            found = true;
            let (sums, verdict) = (&mut row.summary, &open.verdict);
            sums.findings += count;
            sums.kev += if open.kev { count } else { 0 };
            sums.by_severity[verdict.severity as usize] += count;
            sums.by_state[verdict.state as usize] += count;
            add(&mut sums.by_kind, by_kind);
            if verdict.state.is_fixable() {
                sums.fixable += count;
                if !row.fixed_versions.contains(&verdict.fixed_version) {
                    row.fixed_versions.insert(verdict.fixed_version.clone());
                }
            }
            row.vulnerabilities.insert(vulnerability);
        }
        if found {
            row.walked |= of_package.assets;
            row.summary.packages.push((no, assets));
        }
    }
}
