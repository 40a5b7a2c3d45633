//! What opened and closed between two instants, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use parapet_model::filter::{Field, Op};
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{AssetNo, Filter, PackageNo, Scope, Severity, VulnerabilityNo};
use parapet_posture::{AssetSet, Cursor, Query};

use crate::findings::View;

/// Assets compared at a time, so that memory does not grow with the estate.
const ASSETS: u32 = 4096;
/// Assets that are named for each row.
const EXAMPLES: usize = 3;

/// Why a finding opened or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Advisories say otherwise of a package that was there all along.
    Feed,
    /// The asset is new, or counts again.
    NewAsset,
    /// The asset shows the package, which it did not.
    NewPackage,
    /// An exception that hid it does so no longer.
    ExceptionEnded,
    /// The asset is gone, or counts no longer.
    AssetGone,
    /// The asset shows another version of the package.
    Upgraded,
    /// The asset shows the package no longer.
    PackageGone,
    /// An exception hides it.
    Excepted,
    /// It is there at both instants, and what the question asks of it changed.
    Changed,
}

impl Cause {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::NewAsset => "new asset",
            Self::NewPackage => "new package",
            Self::ExceptionEnded => "exception ended",
            Self::AssetGone => "asset gone",
            Self::Upgraded => "another version installed",
            Self::PackageGone => "package removed",
            Self::Excepted => "excepted",
            Self::Changed => "asset or rating changed",
        }
    }
}

/// Findings of one vulnerability that changed for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Id of the vulnerability.
    pub vulnerability: String,
    /// Its one line.
    pub title: String,
    /// Worst band among them.
    pub severity: Severity,
    /// Why they changed.
    pub cause: Cause,
    /// Findings.
    pub findings: u64,
    /// Assets.
    pub assets: u64,
    /// Some of the assets, by name.
    pub examples: Vec<String>,
}

/// What changed.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Findings that are there now and were not, worst first.
    pub opened: Vec<Changed>,
    /// Findings that were there and are not, worst first.
    pub closed: Vec<Changed>,
}

impl Changes {
    /// How many findings changed in a direction for each cause.
    pub fn causes(rows: &[Changed]) -> BTreeMap<Cause, u64> {
        let mut causes = BTreeMap::new();
        rows.iter().for_each(|row| *causes.entry(row.cause).or_default() += row.findings);
        causes
    }
}

/// Compares the answers of two views to a question. What exceptions hide is left out, unless the question
/// speaks of it. Takes as long as walking both answers.
pub fn changes(scope: &Scope, filter: &Filter, from: &View, to: &View) -> Changes {
    let mut speaks = false;
    filter.each_test(&mut |test| speaks |= matches!(test.field, Field::Excepted | Field::Exception));
    let standing = Filter::test(Field::Excepted, Op::Eq, false);
    let filter = if speaks { filter.clone() } else { filter.clone().and(standing) };
    let of = |view: &View| view.snapshot.asset_numbers(&view.query(scope, &filter));
    let all = of(from) | of(to);
    let (mut opened, mut closed) = (Side::default(), Side::default());
    let Some(last) = all.max() else { return Changes::default() };
    for first in (0..=last).step_by(ASSETS as usize) {
        let part: AssetSet = all.range(first..=first.saturating_add(ASSETS - 1)).collect();
        let (before, after) = (found(scope, &filter, from, &part), found(scope, &filter, to, &part));
        opened.add(scope, (from, to), after.difference(&before), true);
        closed.add(scope, (to, from), before.difference(&after), false);
    }
    Changes { opened: opened.rows(), closed: closed.rows() }
}

fn found(scope: &Scope, filter: &Filter, view: &View, within: &AssetSet) -> BTreeSet<Cursor> {
    let mut rows = BTreeSet::new();
    let query = Query { within: Some(within), ..view.query(scope, filter) };
    let _ = view.snapshot.findings_without_coverage(&query, |row| {
        rows.insert(Cursor::of(row));
        ControlFlow::Continue(())
    });
    rows
}

#[derive(Default)]
struct Side(BTreeMap<(VulnerabilityNo, Cause), (Changed, Option<AssetNo>)>);

/// An asset in the view in which a finding is not.
struct Elsewhere {
    current: bool,
    packages: BTreeSet<PackageNo>,
    /// Names and ecosystems of the packages.
    names: BTreeSet<(String, String)>,
    /// Its findings, and whether an exception hides each.
    findings: BTreeMap<(PackageNo, VulnerabilityNo), bool>,
}

impl Elsewhere {
    fn read(scope: &Scope, view: &View, asset: AssetNo) -> Self {
        let snapshot = &view.snapshot;
        let current = snapshot.is_current(asset);
        let shown = snapshot.packages_of(scope, asset).filter(|_| current).unwrap_or_default();
        let name = |row: &parapet_model::facts::PackageRow| (row.key.name.clone(), row.key.ecosystem.clone());
        let mut findings = BTreeMap::new();
        let only = AssetSet::from_iter([asset.0]);
        let query = Query { within: Some(&only), ..view.query(scope, &Filter::All) };
        let _ = snapshot.findings_without_coverage(&query, |row| {
            findings.insert((row.package.no, row.vulnerability.no), row.exception.is_some());
            ControlFlow::Continue(())
        });
        Self {
            current,
            packages: shown.iter().map(|shown| shown.package.no).collect(),
            names: shown.iter().map(|shown| name(shown.package)).collect(),
            findings,
        }
    }
}

impl Side {
    /// `views`: the one in which the findings are not, and the one in which they are.
    fn add<'c>(
        &mut self,
        scope: &Scope,
        views: (&View, &View),
        found: impl Iterator<Item = &'c Cursor>,
        opened: bool,
    ) {
        let (without, with) = views;
        let mut elsewhere: Option<(AssetNo, Elsewhere)> = None;
        for cursor in found {
            let there = match &elsewhere {
                Some((no, there)) if *no == cursor.asset => there,
                _ => {
                    let there = Elsewhere::read(scope, without, cursor.asset);
                    &elsewhere.insert((cursor.asset, there)).1
                }
            };
            let snapshot = &with.snapshot;
            let Some(vulnerability) = snapshot.vulnerability(cursor.vulnerability) else { continue };
            let package = snapshot.package(cursor.package);
            let renewed = package
                .is_some_and(|row| there.names.contains(&(row.key.name.clone(), row.key.ecosystem.clone())));
            let hidden = there.findings.get(&(cursor.package, cursor.vulnerability));
            let shown = there.packages.contains(&cursor.package);
            let cause = match (opened, there.current, shown, hidden) {
                (true, false, ..) => Cause::NewAsset,
                (false, false, ..) => Cause::AssetGone,
                (true, _, false, _) => Cause::NewPackage,
                (false, _, false, _) if renewed => Cause::Upgraded,
                (false, _, false, _) => Cause::PackageGone,
                (true, .., Some(true)) => Cause::ExceptionEnded,
                (false, .., Some(true)) => Cause::Excepted,
                (.., Some(false)) => Cause::Changed,
                (.., None) => Cause::Feed,
            };
            self.count(scope, with, cursor, vulnerability, cause);
        }
    }

    fn count(
        &mut self,
        scope: &Scope,
        view: &View,
        cursor: &Cursor,
        vulnerability: &Vulnerability,
        cause: Cause,
    ) {
        let snapshot = &view.snapshot;
        let (row, last) = self.0.entry((cursor.vulnerability, cause)).or_insert_with(|| {
            let changed = Changed {
                vulnerability: vulnerability.id.clone(),
                title: vulnerability.title.clone(),
                severity: vulnerability.severity,
                cause,
                findings: 0,
                assets: 0,
                examples: Vec::new(),
            };
            (changed, None)
        });
        row.findings += 1;
        if *last != Some(cursor.asset) {
            *last = Some(cursor.asset);
            row.assets += 1;
            if row.examples.len() < EXAMPLES {
                row.examples.extend(snapshot.asset(scope, cursor.asset).map(|asset| asset.name.clone()));
            }
        }
    }

    fn rows(self) -> Vec<Changed> {
        let mut rows: Vec<Changed> = self.0.into_values().map(|(row, _)| row).collect();
        rows.sort_by(|a, b| {
            let key = |row: &Changed| (std::cmp::Reverse(row.severity), std::cmp::Reverse(row.assets));
            key(a).cmp(&key(b)).then_with(|| a.vulnerability.cmp(&b.vulnerability))
        });
        rows
    }
}
