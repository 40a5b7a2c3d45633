//! Hosts: presence by deltas, late uploads, and the same against a naive model.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::asset::HostFacts;
use parapet_model::facts::AssetRow;
use parapet_model::time::{Interval, Millis, union_intervals};
use parapet_model::verdict::ClosingReason;
use parapet_model::{AssetNo, PackageNo};
use parapet_store::Store;
use parapet_store::assets::{HostObservation, Look, Outcome};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

use crate::estate::{host, look, numbers, raw_numbers};
use crate::support::{TestStore, on_both_stores};

/// When each package was there, by the rule that posture follows: deltas alone for a package that
/// any delta names, links for all others.
async fn stints(store: &Store, asset: AssetNo) -> BTreeMap<PackageNo, Vec<Interval>> {
    let mut read = store.read().await.unwrap();
    let row: AssetRow = read.asset(asset).await.unwrap().unwrap();
    let named: BTreeSet<PackageNo> = row.deltas.iter().map(|delta| delta.package).collect();
    let mut all: BTreeMap<PackageNo, Vec<Interval>> = BTreeMap::new();
    for delta in &row.deltas {
        all.entry(delta.package).or_default().push(delta.held);
    }
    for link in &row.links {
        for set in read.sets(&[link.set]).await.unwrap() {
            for package in set.members.into_iter().filter(|package| !named.contains(package)) {
                all.entry(package).or_default().push(link.held);
            }
        }
    }
    all.into_iter().map(|(package, stints)| (package, union_intervals(stints))).collect()
}

#[test]
fn a_package_keeps_its_date_while_others_are_upgraded() {
    on_both_stores(async |t: TestStore| {
        let mut starts = Vec::new();
        for (n, names) in
            [&["bash", "ssl", "old"][..], &["bash", "ssl", "new"], &["bash", "new"], &["bash", "new", "ssl"]]
                .iter()
                .enumerate()
        {
            t.clock.advance(1_000);
            let mut tx = t.store.begin().await.unwrap();
            let done = host(&mut tx, n as i64, n as u8, names).await;
            assert_eq!(done.outcome, if n == 0 { Outcome::New } else { Outcome::Updated });
            starts.push(tx.recorded());
            tx.commit().await.unwrap();
        }
        let stints = stints(&t.store, AssetNo(1)).await;
        let mut tx = t.store.begin().await.unwrap();
        let [bash, ssl, old, new] = numbers(&mut tx, &["bash", "ssl", "old", "new"]).await[..] else {
            panic!()
        };
        let i = |from: usize, to: Option<usize>| match to {
            Some(to) => Interval { from: starts[from], to: starts[to] },
            None => Interval::since(starts[from]),
        };
        assert_eq!(stints[&bash], [i(0, None)]);
        assert_eq!(stints[&ssl], [i(0, Some(2)), i(3, None)]);
        assert_eq!(stints[&old], [i(0, Some(1))]);
        assert_eq!(stints[&new], [i(1, None)]);
    });
}

#[test]
fn a_better_reader_is_a_reason_of_its_own() {
    on_both_stores(async |t: TestStore| {
        for (reader, names) in [(1, &["bash", "guess"][..]), (2, &["bash"]), (2, &[])] {
            let mut tx = t.store.begin().await.unwrap();
            let set = crate::estate::set(&mut tx, names).await;
            let at = i64::from(reader) * 100 + 9 - names.len() as i64;
            let look = Look { reader_version: reader, ..look("host", at, at as u8) };
            let facts = HostFacts::default();
            let host = HostObservation { look, identity: "machine", facts: &facts, set };
            tx.record_host(&host).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut tx = t.store.begin().await.unwrap();
        let [bash, guess] = numbers(&mut tx, &["bash", "guess"]).await[..] else { panic!() };
        assert!(bash < guess);
        let closed = raw_numbers(&t, "SELECT closed FROM asset_delta ORDER BY package").await;
        assert_eq!(closed, [ClosingReason::Fixed as i64, ClosingReason::ReaderChanged as i64]);
    });
}

#[test]
fn late_and_repeated_uploads_change_no_current_state() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        host(&mut tx, 100, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        host(&mut tx, 200, 2, &["bash", "zlib"]).await;
        tx.commit().await.unwrap();
        let before = t.store.load_all().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(host(&mut tx, 150, 3, &["old"]).await.outcome, Outcome::OlderKept);
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(host(&mut tx, 150, 3, &["old"]).await.outcome, Outcome::Duplicate);
        assert_eq!(host(&mut tx, 200, 2, &["bash", "zlib"]).await.outcome, Outcome::Duplicate);
        assert_eq!(tx.commit().await.unwrap().rows, 0);
        assert_eq!(t.store.load_all().await.unwrap().assets, before.assets);

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(host(&mut tx, 300, 4, &["bash", "zlib"]).await.outcome, Outcome::Unchanged);
        tx.commit().await.unwrap();
        let after = t.store.load_all().await.unwrap();
        assert_eq!(after.assets[0].observed, 300);
        assert_eq!(
            (&after.assets[0].links, &after.assets[0].deltas),
            (&before.assets[0].links, &before.assets[0].deltas)
        );
    });
}

/// What happens to the host: a look at some of six packages, or deletion.
#[derive(Debug, Clone)]
enum Step {
    Look(BTreeSet<u8>),
    Delete,
}

#[test]
fn presence_equals_a_naive_model_whatever_happens() {
    let look = proptest::collection::btree_set(0_u8..6, 0..6).prop_map(Step::Look);
    let step = prop_oneof![5 => look, 1 => Just(Step::Delete)];
    let steps = proptest::collection::vec(step, 1..12);
    on_both_stores(async |t: TestStore| {
        let mut runner = TestRunner::new(Config { cases: 1, ..Config::default() });
        for case in 0..15_u32 {
            let history = steps.new_tree(&mut runner).unwrap().current();
            // Each case is a new project, so a new host.
            let mut tx = t.store.begin().await.unwrap();
            let project = tx.ensure_project(&format!("case {case}")).await.unwrap().no;
            tx.commit().await.unwrap();
            let mut model: BTreeMap<PackageNo, Vec<Interval>> = BTreeMap::new();
            let mut asset = None;
            for (n, step) in history.iter().enumerate() {
                let mut tx = t.store.begin().await.unwrap();
                let now = tx.recorded();
                match step {
                    Step::Look(chosen) => {
                        let names: Vec<String> = chosen.iter().map(|n| format!("p{n}")).collect();
                        let names: Vec<&str> = names.iter().map(String::as_str).collect();
                        let set = crate::estate::set(&mut tx, &names).await;
                        let look = parapet_store::assets::Look {
                            project,
                            ..crate::estate::look("host", n as i64, n as u8)
                        };
                        let facts = parapet_model::asset::HostFacts::default();
                        let host = parapet_store::assets::HostObservation {
                            look,
                            identity: "machine",
                            facts: &facts,
                            set,
                        };
                        asset = Some(tx.record_host(&host).await.unwrap().asset);
                        let shown = numbers(&mut tx, &names).await.into_iter().collect();
                        model_look(&mut model, &shown, now);
                    }
                    Step::Delete => {
                        if let Some(asset) = asset {
                            tx.delete_asset(asset).await.unwrap();
                        }
                        model_look(&mut model, &BTreeSet::new(), now);
                    }
                }
                tx.commit().await.unwrap();
            }
            if let Some(asset) = asset {
                let expected: BTreeMap<PackageNo, Vec<Interval>> =
                    model.into_iter().map(|(p, stints)| (p, union_intervals(stints))).collect();
                assert_eq!(stints(&t.store, asset).await, expected, "case {case}: {history:?}");
            }
        }
    });
}

fn model_look(model: &mut BTreeMap<PackageNo, Vec<Interval>>, shown: &BTreeSet<PackageNo>, now: Millis) {
    for (package, stints) in model.iter_mut() {
        if let Some(last) = stints.last_mut().filter(|last| last.is_open() && !shown.contains(package)) {
            last.to = now;
        }
    }
    for package in shown {
        let stints = model.entry(*package).or_default();
        if stints.last().is_none_or(|last| !last.is_open()) {
            stints.push(Interval::since(now));
        }
    }
}
