//! The heart of the crate's tests: on random estates and after any sequence of changes, the fast
//! path answers as plain loops over the facts do.

mod estate;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use estate::{Question, exception, life, long_life, question};
use parapet_model::exception::Exception;
use parapet_model::facts::Change;
use parapet_model::filter::{Field, Op};
use parapet_model::finding::Likeness;
use parapet_model::{
    AssetKind, AssetNo, Coverage, FOREVER, Filter, PackageNo, Principal, Scope, Severity, VulnerabilityNo,
};
use parapet_posture::oracle::{self, Facts, OraclePackages, OracleRow, OracleVulnerability};
use parapet_posture::{
    AssetFilter, AssetOrder, AssetSet, AssetSort, ChangeCause, Cursor, PackageGroup, PackageOrder, Posture,
    Query, RiskCursor, Snapshot, Standing, VulnerabilityOrder, Wants, Window, as_of, oracle::findings,
};
use proptest::prelude::*;

fn scope_of((_, project, enterprise, ..): &Question) -> Scope {
    let scope = Principal::local(*project).scope();
    enterprise.and_then(|no| scope.narrow(no)).unwrap_or(scope)
}

fn query_of<'q>(question: &'q Question, scope: &'q Scope) -> Query<'q> {
    Query { include_not_run_here: question.4, ..Query::new(scope, &question.0, question.3) }
}

fn rows(snapshot: &Snapshot, query: &Query<'_>) -> Vec<OracleRow> {
    let mut out = Vec::new();
    let _ = snapshot.findings(query, |row| {
        out.push(OracleRow::of(row));
        ControlFlow::Continue(())
    });
    out
}

/// The same as several threads would walk it, by the package, and what may be kept of one asset for the next
/// is right for it.
fn rows_by_package(
    snapshot: &Snapshot,
    query: &Query<'_>,
    wants: Wants,
) -> Result<Vec<OracleRow>, TestCaseError> {
    let mut out = Vec::new();
    let mut known: BTreeMap<PackageNo, Vec<(VulnerabilityNo, String)>> = BTreeMap::new();
    let mut agreed = Ok(());
    let walking = snapshot.walking(query, wants);
    for asset in walking.assets() {
        // Each asset by a walker of its own, and all by one, are the same.
        walking.walker().asset(asset, |rows| {
            let (likeness, base) = (rows.likeness(), OracleRow::of(rows.base()));
            let mut matches = Vec::new();
            rows.each(|row| {
                let row = OracleRow::of(row);
                matches.push((row.vulnerability, format!("{:?}", row.verdict)));
                let alike = OracleRow {
                    vulnerability: base.vulnerability,
                    verdict: base.verdict.clone(),
                    kev: base.kev,
                    ..row.clone()
                };
                if likeness == Likeness::Rows && alike != base && agreed.is_ok() {
                    agreed = Err(TestCaseError::fail(format!("{row:?} is not like {base:?}")));
                }
                out.push(row);
            });
            if likeness > Likeness::None {
                let before = known.entry(base.package).or_insert_with(|| matches.clone());
                if *before != matches && agreed.is_ok() {
                    agreed = Err(TestCaseError::fail(format!("{before:?} became {matches:?}")));
                }
            }
        });
    }
    agreed.map(|()| out)
}

/// Applies all changes; merges after those that say so.
fn live(changes: &[(Change, bool)]) -> Posture {
    let posture = Posture::new();
    for (change, merge) in changes {
        posture.apply(change.clone());
        if *merge {
            posture.merge();
        }
    }
    posture
}

fn facts(changes: &[(Change, bool)]) -> Facts {
    let mut facts = Facts::default();
    for (change, _) in changes {
        facts.apply(change.clone());
    }
    facts
}

/// Filters on packages, for the test of what assets show.
fn shown() -> impl Strategy<Value = Filter> {
    proptest::sample::select(vec![
        Filter::test(Field::Package, Op::Eq, "openssl"),
        Filter::test(Field::Package, Op::Contains, "UR"),
        Filter::test(Field::Version, Op::Prefix, "1"),
        Filter::test(Field::Ecosystem, Op::Eq, "npm").negate(),
    ])
}

/// Selections, counts and orders of one snapshot, against the rows of plain loops.
fn check_kept(
    snapshot: &Snapshot,
    facts: &Facts,
    scope: &Scope,
    question: &Question,
    now: i64,
    shows: &Filter,
) -> Result<(), TestCaseError> {
    let mut says = false;
    question.0.each_test(&mut |test| says |= test.field == Field::Excepted);
    let standing = || Filter::test(Field::Excepted, Op::Eq, false);
    let shown = if says { question.0.clone() } else { question.0.clone().and(standing()) };
    let expected = findings(facts, &Query::new(scope, &shown, now));
    let by_vulnerability = Query::new(scope, &shown, now);
    check_by_vulnerability(snapshot, &by_vulnerability, &expected)?;
    let hidden = question.0.clone().and(Filter::test(Field::Excepted, Op::Eq, true));
    let hidden = Query::new(scope, &hidden, now);
    check_by_vulnerability(snapshot, &hidden, &findings(facts, &hidden))?;
    for query in [by_vulnerability, hidden, Query::new(scope, &Filter::All, now)] {
        let counts = oracle::count(&findings(facts, &query));
        prop_assert_eq!(snapshot.count(&query), counts, "counted");
        prop_assert_eq!(snapshot.count(&query), counts, "kept");
    }
    check_places(snapshot, scope, now)?;
    let everything = standing();
    let open = findings(facts, &Query::new(scope, &everything, now));
    let (plain, known) = (Snapshot::build(facts.whole()), facts.whole());
    for kind in [AssetKind::Image, AssetKind::Container, AssetKind::Host] {
        let of_kind = |no: AssetNo| snapshot.asset(scope, no).is_some_and(|asset| asset.kind == kind);
        let all = snapshot.select(scope, kind, &AssetFilter::All, now);
        let current: Vec<u32> = known
            .assets
            .iter()
            .map(|asset| asset.no.0)
            .filter(|no| plain.is_current(AssetNo(*no)) && of_kind(AssetNo(*no)))
            .collect();
        prop_assert_eq!(all.iter().collect::<Vec<_>>(), current);

        let has = snapshot.select(scope, kind, &AssetFilter::Has(question.0.clone()), now);
        let wanted: BTreeSet<u32> =
            expected.iter().map(|row| row.asset).filter(|no| of_kind(*no)).map(|no| no.0).collect();
        prop_assert_eq!(has.iter().collect::<Vec<_>>(), Vec::from_iter(wanted));

        let showing = snapshot.select(scope, kind, &AssetFilter::Shows(shows.clone()), now);
        let again = plain.select(scope, kind, &AssetFilter::Shows(shows.clone()), now);
        prop_assert_eq!(&showing, &again, "as a snapshot that keeps nothing");
        for filter in [
            AssetFilter::Is(question.0.clone()),
            AssetFilter::OfImage(Box::new(AssetFilter::Is(question.0.clone()))),
            AssetFilter::InUse(now, now + 2),
        ] {
            let kept = snapshot.select(scope, kind, &filter, now);
            prop_assert_eq!(kept, plain.select(scope, kind, &filter, now), "{:?}", filter);
        }

        let bands = [Severity::Critical, Severity::Unknown];
        let count = |no: u32| {
            let own: Vec<OracleRow> = open.iter().filter(|row| row.asset.0 == no).cloned().collect();
            let counts = oracle::count(&own);
            bands.iter().map(|band| counts.severity(*band).vulnerabilities).sum::<u64>()
        };
        let with_two = AssetFilter::Count(bands.to_vec(), Box::new(|count| count >= 2));
        let with_two = snapshot.select(scope, kind, &with_two, now);
        prop_assert_eq!(
            with_two.iter().collect::<Vec<_>>(),
            all.iter().filter(|no| count(*no) >= 2).collect::<Vec<_>>()
        );
        let numbers: Vec<AssetNo> = all.iter().map(AssetNo).collect();
        for (no, bands) in numbers.iter().zip(snapshot.bands(&numbers, now)) {
            let own: Vec<OracleRow> = open.iter().filter(|row| row.asset == *no).cloned().collect();
            let wanted = oracle::count(&own).by_severity.map(|band| band.vulnerabilities);
            prop_assert_eq!(bands.map(u64::from), wanted, "of {}", no);
        }
        let window = Window { offset: 1, limit: 3 };
        let worst = |no: &u32| {
            let own: Vec<OracleRow> = open.iter().filter(|row| row.asset.0 == *no).cloned().collect();
            let counts = oracle::count(&own);
            let most =
                Severity::WORST_FIRST.map(|band| std::cmp::Reverse(counts.severity(band).vulnerabilities));
            (most, *no)
        };
        let mut worst_first: Vec<u32> = all.iter().collect();
        worst_first.sort_by_key(worst);
        for window in [window, Window::ALL] {
            let page = snapshot.worst_first(&all, window, now);
            let wanted = worst_first.iter().skip(window.offset).take(window.limit);
            prop_assert_eq!(
                page.iter().map(|no| no.0).collect::<Vec<_>>(),
                wanted.copied().collect::<Vec<_>>()
            );
        }
        for descending in [true, false] {
            let mut sorted: Vec<u32> = all.iter().collect();
            sorted.sort_by_key(|no| (if descending { u64::MAX - count(*no) } else { count(*no) }, *no));
            let page = snapshot.sorted_by_bands(&all, &bands, descending, window, now);
            prop_assert_eq!(
                page.iter().map(|no| no.0).collect::<Vec<_>>(),
                sorted.into_iter().skip(1).take(3).collect::<Vec<_>>()
            );
        }
        for (sort, descending) in [
            (AssetSort::Name, true),
            (AssetSort::Tag, false),
            (AssetSort::Tag, true),
            (AssetSort::Observed, true),
        ] {
            let page = snapshot.sorted(kind, &all, sort, descending, window);
            let key = |no: &u32| -> (String, i64) {
                let Some(row) = snapshot.asset(scope, AssetNo(*no)) else { return Default::default() };
                // What a container runs is its image's, whoever may see that image.
                let home = row
                    .image
                    .filter(|_| kind == AssetKind::Container)
                    .and_then(|image| known.assets.iter().find(|asset| asset.no == image));
                let home = home
                    .filter(|image| image.kind == AssetKind::Image && image.project == row.project)
                    .unwrap_or(row);
                let tag = home.references.iter().find(|r| r.held.is_open()).map_or("", |r| &r.reference.tag);
                match sort {
                    AssetSort::Name => (row.name.clone(), 0),
                    AssetSort::Tag => (tag.to_owned(), 0),
                    _ => (String::new(), row.observed),
                }
            };
            let mut sorted: Vec<u32> = all.iter().collect();
            sorted.sort_by(|a, b| {
                let order = key(a).cmp(&key(b));
                (if descending { order.reverse() } else { order }).then(a.cmp(b))
            });
            prop_assert_eq!(
                page.iter().map(|no| no.0).collect::<Vec<_>>(),
                sorted.into_iter().skip(1).take(3).collect::<Vec<_>>()
            );
        }
    }
    Ok(())
}

/// Repositories with their images, and how many assets of each kind have which coverage word.
fn check_places(snapshot: &Snapshot, scope: &Scope, now: i64) -> Result<(), TestCaseError> {
    let all = snapshot.select(scope, AssetKind::Image, &AssetFilter::All, now);
    let mut expected: BTreeMap<String, AssetSet> = BTreeMap::new();
    let mut unnamed = all.clone();
    for no in &all {
        let references = snapshot.asset(scope, AssetNo(no)).map(|image| image.references.clone());
        for row in references.unwrap_or_default().into_iter().filter(|row| row.held.is_open()) {
            expected.entry(row.reference.repository.to_ascii_lowercase()).or_default().insert(no);
            unnamed.remove(no);
        }
    }
    let mut expected: Vec<(String, AssetSet)> = expected.into_iter().collect();
    let mut ranked = expected.clone();
    ranked.sort_by_key(|(_, assets)| std::cmp::Reverse(assets.len()));
    for (list, most_first) in [(&mut expected, false), (&mut ranked, true)] {
        if !unnamed.is_empty() {
            list.push((String::new(), unnamed.clone()));
        }
        let mut paged = Vec::new();
        for offset in 0..list.len() + 1 {
            let window = Window { offset, limit: 1 };
            let page = snapshot.places(Field::Repository, &all, most_first, window);
            prop_assert_eq!(page.total, list.len());
            paged.extend(page.rows.into_iter().map(|place| (place.value, place.assets)));
        }
        prop_assert_eq!(&paged, list);
    }
    for kind in [AssetKind::Image, AssetKind::Container, AssetKind::Host] {
        let all = snapshot.select(scope, kind, &AssetFilter::All, now);
        let own = all.iter().filter_map(|no| snapshot.coverage_of(scope, AssetNo(no)));
        let own: Vec<Coverage> = own.map(|coverage| coverage.word).collect();
        let words = snapshot.coverage_words(&all.iter().map(AssetNo).collect::<Vec<_>>());
        prop_assert_eq!(words, own.clone());
        let mut counts: BTreeMap<Coverage, u64> = BTreeMap::new();
        own.into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
        prop_assert_eq!(snapshot.coverage_among(&all), counts);
    }
    Ok(())
}

/// Pages put together are the list of all, in the orders in which a page is counted alone.
fn check_pages_of_vulnerabilities(snapshot: &Snapshot, query: &Query<'_>) -> Result<(), TestCaseError> {
    for order in [VulnerabilityOrder::Risk, VulnerabilityOrder::Severity, VulnerabilityOrder::Id] {
        let whole = snapshot.vulnerabilities(query, order, Window::ALL);
        let limit = whole.total.div_ceil(2).max(1);
        let mut paged = Vec::new();
        for offset in [0, limit] {
            let page = snapshot.vulnerabilities(query, order, Window { offset, limit });
            prop_assert_eq!(page.total, whole.total);
            paged.extend(page.rows);
        }
        prop_assert_eq!(paged, whole.rows, "{:?}", order);
    }
    Ok(())
}

/// Which vulnerabilities a query finds, how many each asset has, and the findings of some of them.
fn check_by_vulnerability(
    snapshot: &Snapshot,
    query: &Query<'_>,
    expected: &[OracleRow],
) -> Result<(), TestCaseError> {
    let id = |no: &VulnerabilityNo| snapshot.vulnerability(*no).map(|vulnerability| vulnerability.id.clone());
    let mut distinct = Vec::from_iter(BTreeSet::from_iter(expected.iter().map(|row| row.vulnerability)));
    distinct.sort_by_key(id);
    prop_assert_eq!(snapshot.vulnerabilities_found(query).to_vec(), distinct.clone());

    let pairs = BTreeSet::from_iter(expected.iter().map(|row| (row.asset, row.vulnerability)));
    let mut by_asset: BTreeMap<AssetNo, u32> = BTreeMap::new();
    pairs.iter().for_each(|(asset, _)| *by_asset.entry(*asset).or_default() += 1);
    let counted = snapshot.vulnerabilities_by_asset(query);
    let counted: BTreeMap<AssetNo, u32> = counted.iter().map(|on| (on.asset, on.vulnerabilities)).collect();
    prop_assert_eq!(counted, by_asset);

    check_by_package(snapshot, query, expected)?;
    let some: Vec<VulnerabilityNo> = distinct.into_iter().skip(1).step_by(2).collect();
    let mut found = Vec::new();
    let _ = snapshot.findings_of(query, &some, |row| {
        found.push(OracleRow::of(row));
        ControlFlow::Continue(())
    });
    let without_coverage = |row: &OracleRow| OracleRow { asset_coverage: Default::default(), ..row.clone() };
    let mut plain = Vec::new();
    let _ = snapshot.findings_without_coverage(query, |row| {
        plain.push(without_coverage(&OracleRow::of(row)));
        ControlFlow::Continue(())
    });
    prop_assert_eq!(plain, expected.iter().map(without_coverage).collect::<Vec<_>>());
    let wanted = expected.iter().filter(|row| some.contains(&row.vulnerability));
    prop_assert_eq!(
        found.iter().map(without_coverage).collect::<Vec<_>>(),
        wanted.map(without_coverage).collect::<Vec<_>>()
    );
    Ok(())
}

/// Which packages a query finds in each way to put them together, and how its findings are spread.
fn check_by_package(
    snapshot: &Snapshot,
    query: &Query<'_>,
    expected: &[OracleRow],
) -> Result<(), TestCaseError> {
    let key = |group: PackageGroup, no: PackageNo| {
        let key = snapshot.package(no).map(|row| row.key.clone()).unwrap_or_default();
        match group {
            PackageGroup::Version => (key.ecosystem, key.name, no),
            PackageGroup::Name => (key.ecosystem, key.name, PackageNo(0)),
            PackageGroup::Source => (key.ecosystem, key.source_name, PackageNo(0)),
        }
    };
    for group in [PackageGroup::Version, PackageGroup::Name, PackageGroup::Source] {
        let wanted = oracle::packages(expected, |no| key(group, no));
        let listed = snapshot.packages(query, group, PackageOrder::Risk, Window::ALL);
        prop_assert_eq!(listed.total, wanted.len());
        for row in listed.rows {
            let first = row.packages.first().map(|(no, _)| *no);
            let Some(wanted) = first.and_then(|no| wanted.get(&key(group, no))).cloned() else {
                prop_assert!(false, "a row of packages that nothing shows: {:?}", row.packages);
                continue;
            };
            let OraclePackages { assets, vulnerabilities, counts, packages, fixed_versions } = wanted;
            prop_assert_eq!(
                (row.assets, row.vulnerabilities, row.findings, row.fixable, row.kev),
                (assets, vulnerabilities, counts.findings, counts.fixable, counts.kev)
            );
            prop_assert_eq!(row.by_severity, counts.by_severity.map(|band| band.findings));
            prop_assert_eq!(row.by_state, counts.by_state);
            prop_assert_eq!((row.packages, row.fixed_versions), (packages, fixed_versions));
        }
    }
    let (facets, counts) = (snapshot.facets(query), oracle::count(expected));
    prop_assert_eq!(
        (facets.findings, facets.fixable, facets.kev, facets.excepted),
        (counts.findings, counts.fixable, counts.kev, counts.excepted)
    );
    prop_assert_eq!(facets.by_severity, counts.by_severity.map(|band| band.findings));
    prop_assert_eq!(facets.by_state, counts.by_state);
    let of_kind = |kind: AssetKind| {
        let is =
            |row: &&OracleRow| snapshot.asset(query.scope, row.asset).is_some_and(|asset| asset.kind == kind);
        expected.iter().filter(is).count() as u64
    };
    prop_assert_eq!(facets.by_kind, [AssetKind::Image, AssetKind::Container, AssetKind::Host].map(of_kind));
    let mut ecosystems: BTreeMap<String, u64> = BTreeMap::new();
    expected.iter().for_each(|row| {
        *ecosystems.entry(key(PackageGroup::Name, row.package).0).or_default() += 1;
    });
    prop_assert_eq!(BTreeMap::from_iter(facets.ecosystems), ecosystems);
    let mut words: BTreeMap<Coverage, u64> = BTreeMap::new();
    let assets = snapshot.assets(query, AssetOrder::Number, Window::ALL);
    assets.rows.iter().for_each(|row| *words.entry(row.coverage).or_default() += 1);
    prop_assert_eq!((facets.assets, facets.coverage), (assets.total as u64, words));
    Ok(())
}

proptest! {
    // Each case asks for everything, so half of the usual number is plenty; PROPTEST_CASES scales it.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    #[test]
    fn rows_counts_and_lists_are_those_of_plain_loops(changes in life(), question in question()) {
        let (posture, facts) = (live(&changes), facts(&changes));
        let (snapshot, scope) = (posture.snapshot(), scope_of(&question));
        let query = query_of(&question, &scope);
        let expected = findings(&facts, &query);
        prop_assert_eq!(&rows(&snapshot, &query), &expected);
        prop_assert_eq!(&rows(&Snapshot::build(facts.whole()), &query), &expected, "built at once");
        prop_assert_eq!(snapshot.count(&query), oracle::count(&expected));
        let everything = Wants { since: true, coverage: true };
        prop_assert_eq!(&rows_by_package(&snapshot, &query, everything)?, &expected);
        let less = rows_by_package(&snapshot, &query, Wants::default())?;
        let shown = |row: &OracleRow| {
            (row.asset, row.package, row.vulnerability, row.exception, row.not_run_here, row.verdict.clone())
        };
        prop_assert_eq!(
            less.iter().map(shown).collect::<Vec<_>>(),
            expected.iter().map(shown).collect::<Vec<_>>()
        );
        check_by_vulnerability(&snapshot, &query, &expected)?;

        let listed = snapshot.vulnerabilities(&query, VulnerabilityOrder::Risk, Window::ALL);
        let listed: std::collections::BTreeMap<_, _> = listed.rows.iter().map(|row| {
            (row.vulnerability.no, OracleVulnerability {
                assets: row.assets,
                findings: row.findings,
                fixable: row.fixable,
                severity: row.severity,
                worst_state: row.worst_state,
                first_found: row.first_found,
            })
        }).collect();
        prop_assert_eq!(listed, oracle::vulnerabilities(&expected));
        check_pages_of_vulnerabilities(&snapshot, &query)?;

        let mut words: BTreeMap<Coverage, u64> = BTreeMap::new();
        let all = snapshot.assets(&Query { filter: &Filter::All, ..query }, AssetOrder::Number, Window::ALL);
        all.rows.iter().for_each(|row| *words.entry(row.coverage).or_default() += 1);
        prop_assert_eq!(snapshot.coverage(&scope), words);

        let (mut urgent, mut after): (Vec<RiskCursor>, _) = (Vec::new(), None);
        loop {
            let (page, next) = snapshot.most_urgent(&query, after, 3);
            urgent.extend(page.iter().map(RiskCursor::of));
            after = next;
            if after.is_none() {
                break;
            }
        }
        prop_assert_eq!(urgent.len(), expected.len(), "each once");
        prop_assert!(urgent.is_sorted_by(|a, b| a < b), "in one order");

        let assets = snapshot.assets(&query, AssetOrder::Number, Window::ALL);
        let numbers: BTreeSet<AssetNo> = assets.rows.iter().map(|row| row.asset.no).collect();
        prop_assert_eq!(assets.total, numbers.len());
        prop_assert!(expected.iter().all(|row| numbers.contains(&row.asset)), "no asset with a row is left out");
        for asset in assets.rows {
            let own: Vec<OracleRow> =
                expected.iter().filter(|row| row.asset == asset.asset.no).cloned().collect();
            prop_assert_eq!(asset.counts, oracle::count(&own));
            prop_assert!(own.iter().all(|row| row.asset_coverage == asset.coverage));
        }
    }

    #[test]
    fn assets_are_selected_as_plain_loops_would(changes in life(), question in question()) {
        let (posture, facts) = (live(&changes), facts(&changes));
        let (snapshot, scope, now) = (posture.snapshot(), scope_of(&question), question.3);
        let mut speaks_of_exceptions = false;
        question.0.each_test(&mut |test| speaks_of_exceptions |= test.field == Field::Excepted);
        let standing = Filter::test(Field::Excepted, Op::Eq, false);
        let shown = match speaks_of_exceptions {
            true => question.0.clone(),
            false => question.0.clone().and(standing),
        };
        let expected = findings(&facts, &Query::new(&scope, &shown, now));
        let named = || Filter::test(Field::Package, Op::Contains, "a");
        for kind in [AssetKind::Image, AssetKind::Container, AssetKind::Host] {
            let select = |filter: AssetFilter| -> Vec<AssetNo> {
                snapshot.select(&scope, kind, &filter, now).iter().map(AssetNo).collect()
            };
            let of_kind = |no: AssetNo| snapshot.asset(&scope, no).is_some_and(|asset| asset.kind == kind);
            let has: BTreeSet<AssetNo> =
                expected.iter().map(|row| row.asset).filter(|no| of_kind(*no)).collect();
            let all = select(AssetFilter::All);
            prop_assert_eq!(select(AssetFilter::Has(question.0.clone())), Vec::from_iter(has.clone()));
            let none = select(AssetFilter::Not(Box::new(AssetFilter::Has(question.0.clone()))));
            prop_assert_eq!(none, Vec::from_iter(all.iter().copied().filter(|no| !has.contains(no))));
            let shows = all.iter().copied().filter(|no| {
                let packages = snapshot.packages_of(&scope, *no).unwrap();
                packages.iter().any(|shown| shown.package.key.name.to_ascii_lowercase().contains('a'))
            });
            prop_assert_eq!(select(AssetFilter::Shows(named())), Vec::from_iter(shows));
        }
    }

    #[test]
    fn a_query_within_some_assets_sees_those_alone(
        changes in life(), question in question(), chosen in any::<u64>(),
    ) {
        let (posture, facts) = (live(&changes), facts(&changes));
        let (snapshot, scope) = (posture.snapshot(), scope_of(&question));
        let within: AssetSet = (0..64).filter(|no| chosen >> no & 1 == 1).collect();
        let query = Query { within: Some(&within), ..query_of(&question, &scope) };
        let expected = findings(&facts, &query);
        prop_assert_eq!(&rows(&snapshot, &query), &expected);
        prop_assert_eq!(snapshot.count(&query), oracle::count(&expected));
        check_by_vulnerability(&snapshot, &query, &expected)?;
        // What is kept for the query without those assets is no answer to this one.
        snapshot.vulnerabilities(&query_of(&question, &scope), VulnerabilityOrder::Id, Window::ALL);
        check_pages_of_vulnerabilities(&snapshot, &query)?;
        let named: BTreeSet<_> = expected.iter().map(|row| row.vulnerability).collect();
        prop_assert_eq!(snapshot.vulnerabilities(&query, VulnerabilityOrder::Id, Window::ALL).total, named.len());
        prop_assert!(snapshot.asset_numbers(&query).is_subset(&within));
    }

    #[test]
    fn exposure_is_what_each_instant_would_have_answered(
        changes in life(), question in question(),
    ) {
        // Which kernel of a host ran at an instant of the past is not asked again: with all of them.
        let kernels = true;
        let (posture, facts) = (live(&changes), facts(&changes));
        let (snapshot, scope) = (posture.snapshot(), scope_of(&question));
        let instants: Vec<i64> = (0..12).collect();
        let whole = facts.whole();
        let numbers = BTreeSet::from_iter(
            whole.vulnerabilities.iter().filter_map(|v| snapshot.canonical(v.no)).map(|v| v.no),
        );
        let then: Vec<Vec<OracleRow>> = instants.iter().map(|at| {
            let mut facts = Facts::default();
            facts.apply(as_of::cut(whole.clone(), *at, *at));
            let query = Query { include_not_run_here: kernels, ..Query::new(&scope, &Filter::All, *at) };
            findings(&facts, &query)
        }).collect();
        for no in numbers {
            let expected: Vec<u64> = then.iter().map(|rows| {
                let having = rows.iter().filter(|row| row.vulnerability == no).map(|row| row.asset);
                having.collect::<BTreeSet<_>>().len() as u64
            }).collect();
            prop_assert_eq!(snapshot.exposure(&scope, no, &instants, kernels), expected, "of {}", no);
        }
    }

    #[test]
    fn a_change_applied_again_changes_nothing(changes in life(), question in question()) {
        let posture = live(&changes);
        let scope = scope_of(&question);
        let query = query_of(&question, &scope);
        let before = posture.snapshot();
        posture.apply(changes.last().unwrap().0.clone());
        prop_assert_eq!(rows(&posture.snapshot(), &query), rows(&before, &query));
    }

    #[test]
    fn pages_put_together_are_the_whole(changes in life(), question in question(), limit in 1..5_usize) {
        let posture = live(&changes);
        let (snapshot, scope) = (posture.snapshot(), scope_of(&question));
        let query = query_of(&question, &scope);
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = snapshot.page(&query, after, limit);
            prop_assert!(page.rows.len() <= limit);
            paged.extend(page.rows.iter().map(OracleRow::of));
            prop_assert!(page.next.is_none() || page.next == page.rows.last().map(Cursor::of));
            match page.next {
                Some(next) => {
                    prop_assert!(Some(next) > after, "a page moves on");
                    after = Some(next);
                }
                None => break,
            }
        }
        prop_assert_eq!(paged, rows(&snapshot, &query));
    }

    #[test]
    fn changes_are_the_difference_of_then_and_now(
        changes in life(), question in question(), since in 0..10_i64,
    ) {
        let (posture, facts) = (live(&changes), facts(&changes));
        let (now, scope) = (posture.snapshot(), scope_of(&question));
        let then = Snapshot::build(as_of::cut(facts.whole(), since, since));
        let pairs = |snapshot: &Snapshot| -> BTreeSet<(AssetNo, VulnerabilityNo)> {
            let found = rows(snapshot, &Query::new(&scope, &Filter::All, question.3));
            found.iter().map(|row| (row.asset, row.vulnerability)).collect()
        };
        // Left out of the promise: which kernel a host ran, images that only a container made current, and
        // containers of an image that was not known yet.
        let is_promised = |no: AssetNo| {
            let Some(asset) = now.asset(&scope, no) else { return true };
            let kernels = |snapshot: &Snapshot| {
                let shown = snapshot.packages_of(&scope, no).unwrap_or_default();
                shown.iter().any(|shown| shown.package.kernel)
            };
            match asset.kind {
                AssetKind::Host => !kernels(&now) && !kernels(&then),
                AssetKind::Image => {
                    asset.pinned || asset.references.iter().any(|row| row.held.contains(since))
                }
                AssetKind::Container => asset
                    .image
                    .and_then(|image| facts.whole().assets.into_iter().find(|row| row.no == image))
                    .is_none_or(|image| image.held.contains(since)),
            }
        };
        let found = now.changes(&scope, since, usize::MAX);
        let (was, is) = (pairs(&then), pairs(&now));
        for (opened, expected) in [(true, &is - &was), (false, &was - &is)] {
            let lists = ChangeCause::ALL.iter().filter_map(|cause| found.of(opened, *cause));
            let mut got: Vec<(AssetNo, VulnerabilityNo)> = Vec::new();
            for list in lists {
                prop_assert_eq!(list.count, list.rows.len() as u64);
                got.extend(list.rows.iter().map(|row| (row.asset, row.vulnerability)));
            }
            got.retain(|(no, _)| is_promised(*no));
            got.sort_unstable();
            let expected: Vec<_> = expected.into_iter().filter(|(no, _)| is_promised(*no)).collect();
            prop_assert_eq!(got, expected, "opened: {}", opened);
        }
        // However few rows are wanted, the counts are the same.
        for most in [0, 1, 3] {
            let some = now.changes(&scope, since, most);
            for (opened, cause) in [true, false].into_iter().flat_map(|way| ChangeCause::ALL.map(|cause| (way, cause))) {
                let count = |of: &parapet_posture::Changes| of.of(opened, cause).map_or(0, |list| list.count);
                prop_assert_eq!(count(&some), count(&found), "{} of {}, {}", most, cause.as_str(), opened);
            }
        }
    }

    #[test]
    fn places_hold_the_assets_that_say_so(changes in life(), question in question()) {
        check_places(&live(&changes).snapshot(), &scope_of(&question), question.3)?;
    }

    #[test]
    fn a_posture_of_its_own_parts_is_the_same(changes in life(), question in question()) {
        let (posture, scope) = (live(&changes), scope_of(&question));
        let snapshot = posture.snapshot();
        let mut parts = Vec::new();
        let _ = snapshot.each_part(|part| -> Result<(), ()> { parts.push(part); Ok(()) });
        // The rest is few, and asked for anew.
        let whole = facts(&changes).whole();
        parts.push(Change {
            packages: vec![],
            sets: vec![],
            assets: vec![],
            matches: vec![],
            vulnerabilities: vec![],
            ..whole
        });
        let again = Posture::of(parts);
        let query = Query { include_not_run_here: true, ..Query::new(&scope, &question.0, question.3) };
        let rows = |snapshot: &Snapshot| {
            let mut rows = Vec::new();
            let _ = snapshot.findings(&query, |row| {
                rows.push(OracleRow::of(row));
                ControlFlow::Continue(())
            });
            rows
        };
        prop_assert_eq!(rows(&again.snapshot()), rows(&snapshot));
        prop_assert_eq!((again.snapshot().seq(), again.snapshot().recorded()), (snapshot.seq(), snapshot.recorded()));
        let mut parts_again = Vec::new();
        let _ = again.snapshot().each_part(|part| -> Result<(), ()> { parts_again.push(part); Ok(()) });
        let mut parts = Vec::new();
        let _ = snapshot.each_part(|part| -> Result<(), ()> { parts.push(part); Ok(()) });
        prop_assert_eq!(parts_again, parts);
    }

    #[test]
    fn a_preview_counts_what_would_be_hidden(
        changes in life(),
        question in question(),
        asked in exception(),
    ) {
        let (posture, facts) = (live(&changes), facts(&changes));
        let scope = scope_of(&question);
        let everything = Query { include_not_run_here: true, ..Query::new(&scope, &Filter::All, question.3) };
        let ask = |exceptions: Vec<Exception>| {
            let mut whole = facts.whole();
            whole.exceptions = exceptions;
            let mut facts = Facts::default();
            facts.apply(whole);
            findings(&facts, &everything)
        };
        let others: Vec<Exception> =
            facts.whole().exceptions.into_iter().filter(|e| e.no != asked.no).collect();
        let alone = Exception {
            state: parapet_model::exception::ExceptionState::Approved,
            start: i64::MIN,
            end: FOREVER,
            ..asked.clone()
        };
        let (alone, others) = (ask(vec![alone]), ask(others));
        let covered: Vec<OracleRow> = alone.iter().filter(|row| row.exception.is_some()).cloned().collect();
        let newly: Vec<OracleRow> = alone
            .into_iter()
            .zip(others)
            .filter(|(alone, others)| alone.exception.is_some() && others.exception.is_none())
            .map(|(alone, _)| alone)
            .collect();
        let snapshot = posture.snapshot();
        prop_assert_eq!(snapshot.preview(&asked, &scope, question.3), oracle::count(&newly));
        let effect = snapshot.effect(&asked, &scope, question.3);
        prop_assert_eq!(effect.covers, oracle::count(&covered));
        prop_assert_eq!(effect.alone, oracle::count(&newly));
        // One that is stored is found among the indexes that stand.
        for stored in snapshot.exceptions(&scope) {
            prop_assert_eq!(snapshot.effect(stored, &scope, question.3).alone, snapshot.preview(stored, &scope, question.3));
        }
    }

    #[test]
    fn who_has_a_package_and_why_agree_with_the_rows(changes in life(), question in question()) {
        let (posture, facts) = (live(&changes), facts(&changes));
        let (snapshot, scope) = (posture.snapshot(), scope_of(&question));
        let query = Query { include_not_run_here: true, ..Query::new(&scope, &Filter::All, question.3) };
        let expected = findings(&facts, &query);
        for package in (0..9).map(PackageNo).filter(|no| snapshot.package(*no).is_some()) {
            let having: Vec<AssetNo> =
                snapshot.assets_with_package(&scope, package).iter().map(|asset| asset.no).collect();
            let showing = snapshot.assets(&query, AssetOrder::Number, Window::ALL);
            let showing: Vec<AssetNo> = showing.rows.iter().map(|row| row.asset.no).filter(|no| {
                let packages = snapshot.packages_of(&scope, *no).unwrap();
                packages.iter().any(|shown| shown.package.no == package)
            }).collect();
            prop_assert_eq!(having, showing);
        }
        for row in &expected {
            let why = snapshot
                .explain(&scope, question.3, row.asset, row.vulnerability, row.package)
                .expect("everything is known");
            prop_assert_eq!(&why.finding.as_ref().map(OracleRow::of), &Some(row.clone()));
            prop_assert_eq!(why.stints.first().map(|s| s.from), Some(row.first_found));
            prop_assert_eq!(why.stints.last().map(|s| s.from), Some(row.reopened_at));
            prop_assert!(why.showings.iter().any(|showing| showing.held.is_open()));
            let chosen = why.statements.iter().find(|s| s.chosen).expect("a finding has a chosen row");
            prop_assert_eq!(chosen.row.advisory, row.verdict.advisory);
            let hiding = why.exceptions.iter().find(|c| c.standing == Standing::Hides);
            prop_assert_eq!(hiding.map(|c| c.exception.no), row.exception);
        }
    }
}

proptest! {
    // Asked again and again after every step, so a few cases are many questions.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    /// Everything that is kept while posture moves on: asked after every step, and at several
    /// instants, so that exceptions start and end between two questions.
    #[test]
    fn what_is_kept_stays_right_through_every_step(
        changes in life(),
        questions in proptest::collection::vec(question(), 1..3),
        shows in shown(),
        made_ready in any::<u32>(),
    ) {
        let (posture, mut facts) = (Posture::new(), Facts::default());
        for (step, (change, merge)) in changes.iter().enumerate() {
            posture.apply(change.clone());
            facts.apply(change.clone());
            if *merge {
                posture.merge();
            }
            // As a server does beside its answers: now before anybody asks, now never.
            if made_ready >> (step % 32) & 1 == 1 {
                posture.snapshot().refresh(questions.first().map_or(0, |question| question.3));
            }
            for question in &questions {
                let (snapshot, scope, query_now) = (posture.snapshot(), scope_of(question), question.3);
                for now in [query_now, query_now + 1, query_now + 5] {
                    check_kept(&snapshot, &facts, &scope, question, now, &shows)?;
                }
            }
        }
    }

    /// The same through many small writes beside readers: new packages, new matches, new assets.
    #[test]
    fn what_is_kept_grows_with_every_write(
        changes in long_life(),
        question in question(),
        shows in shown(),
        made_ready in any::<u32>(),
        asked in any::<u32>(),
    ) {
        let (posture, mut facts) = (Posture::new(), Facts::default());
        let (scope, now) = (scope_of(&question), question.3);
        for (step, (change, merge)) in changes.iter().enumerate() {
            posture.apply(change.clone());
            facts.apply(change.clone());
            if *merge {
                posture.merge();
            }
            if made_ready >> step & 1 == 1 {
                posture.snapshot().refresh(now);
            }
            // What nobody asked for meanwhile grows by several writes at once.
            if asked >> step & 1 == 1 || step + 1 == changes.len() {
                check_kept(&posture.snapshot(), &facts, &scope, &question, now, &shows)?;
            }
        }
    }
}
