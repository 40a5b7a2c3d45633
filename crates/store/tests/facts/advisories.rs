//! Advisories, feeds, imports and taking a feed back.

use parapet_model::AdvisoryNo;
use parapet_model::advisory::Advisory;
use parapet_model::vulnerability::Vulnerability;
use parapet_store::advisories::{Packer, PutOutcome};
use parapet_store::feeds::{Feed, FeedState};
use parapet_store::{Error, Store, Tx};

use crate::estate::{advisory, put};
use crate::support::{TestStore, on_both_stores};

async fn feed(tx: &mut Tx, name: &str) -> Feed {
    tx.ensure_feed(name, "osv").await.unwrap()
}

/// Ids of the current records that speak of a Debian package.
async fn speaking_of(store: &Store, name: &str) -> Vec<String> {
    let keys = [("Debian:12".to_owned(), name.to_owned())];
    let found = store.read().await.unwrap().advisories_for(&keys).await.unwrap();
    found.into_iter().map(|(_, advisory)| advisory.id.clone()).collect()
}

#[test]
fn importing_the_same_again_writes_nothing() {
    on_both_stores(async |t: TestStore| {
        let batch = [
            advisory("D-1", &["CVE-1", "CVE-2"], &["ssl"], 1),
            advisory("D-2", &["CVE-2"], &["ssl", "zlib"], 2),
        ];
        let mut tx = t.store.begin().await.unwrap();
        let osv = feed(&mut tx, "osv").await.no;
        let done = put(&mut tx, osv, &batch).await;
        assert_eq!(done.iter().map(|p| p.outcome).collect::<Vec<_>>(), [PutOutcome::Added; 2]);
        tx.commit().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        let again = put(&mut tx, osv, &batch).await;
        assert_eq!(again.iter().map(|p| p.outcome).collect::<Vec<_>>(), [PutOutcome::Same; 2]);
        assert_eq!(tx.commit().await.unwrap().rows, 0);

        let mut read = t.store.read().await.unwrap();
        let hashes = read.advisory_hashes(osv).await.unwrap();
        assert_eq!(hashes["D-1"], (done[0].no, [1; 16]));
        assert_eq!(hashes.len(), 2);
        assert_eq!(speaking_of(&t.store, "ssl").await, ["D-1", "D-2"]);
        let cve2 = read.vulnerability_by_id("CVE-2").await.unwrap().unwrap();
        let naming = read.advisories_naming(&[cve2.no]).await.unwrap();
        assert_eq!(naming, [(cve2.no, done[0].no), (cve2.no, done[1].no)]);
        assert_eq!(read.advisory(done[1].no).await.unwrap().unwrap(), batch[1].advisory);
        assert_eq!(read.advisories_by_id("D-2").await.unwrap(), [done[1].no]);
        assert_eq!(read.advisory(AdvisoryNo(99)).await.unwrap(), None);
    });
}

#[test]
fn a_changed_record_moves_its_index_and_keeps_its_history() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let osv = feed(&mut tx, "osv").await.no;
        let no = put(&mut tx, osv, &[advisory("D-1", &["CVE-1"], &["ssl", "zlib"], 1)]).await[0].no;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        let done = put(&mut tx, osv, &[advisory("D-1", &["CVE-9"], &["ssl", "bash"], 2)]).await;
        let at = tx.recorded();
        tx.commit().await.unwrap();
        assert_eq!((done[0].no, done[0].outcome), (no, PutOutcome::Changed));
        assert_eq!(speaking_of(&t.store, "zlib").await, [""; 0]);
        assert_eq!(speaking_of(&t.store, "bash").await, ["D-1"]);
        let mut read = t.store.read().await.unwrap();
        let old = read.vulnerability_by_id("CVE-1").await.unwrap().unwrap();
        assert_eq!(read.advisories_naming(&[old.no]).await.unwrap(), []);
        let history = read.advisory_history(no).await.unwrap();
        assert_eq!(
            history.iter().map(|v| v.advisory.vulnerabilities[0].as_str()).collect::<Vec<_>>(),
            ["CVE-1", "CVE-9"]
        );
        assert_eq!((history[0].held.to, history[1].held.from), (at, at));
    });
}

#[test]
fn a_record_is_gone_only_when_no_feed_holds_it() {
    on_both_stores(async |t: TestStore| {
        let record = advisory("GHSA-1", &["CVE-1"], &["ssl"], 1);
        let mut tx = t.store.begin().await.unwrap();
        let (npm, pypi) = (feed(&mut tx, "npm").await.no, feed(&mut tx, "pypi").await.no);
        let no = put(&mut tx, npm, std::slice::from_ref(&record)).await[0].no;
        let shared = put(&mut tx, pypi, std::slice::from_ref(&record)).await[0];
        assert_eq!((shared.no, shared.outcome), (no, PutOutcome::Same));
        assert_eq!(tx.feeds_of_advisory(no).await.unwrap(), [npm, pypi]);
        tx.commit().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.withdraw_advisories(npm, &[no]).await.unwrap(), []);
        assert_eq!(
            tx.advisory_hashes(pypi).await.unwrap()["GHSA-1"],
            (no, [1; 16]),
            "it holds the current one"
        );
        tx.commit().await.unwrap();
        assert_eq!(speaking_of(&t.store, "ssl").await, ["GHSA-1"]);
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.withdraw_advisories(pypi, &[no]).await.unwrap(), [no]);
        tx.commit().await.unwrap();
        assert_eq!(speaking_of(&t.store, "ssl").await, [""; 0]);
        let mut read = t.store.read().await.unwrap();
        assert!(read.advisories(&[no]).await.unwrap().is_empty());
        assert_eq!(read.advisory(no).await.unwrap().unwrap().id, "GHSA-1", "explain still knows it");

        let mut tx = t.store.begin().await.unwrap();
        let back = put(&mut tx, npm, &[record]).await[0];
        tx.commit().await.unwrap();
        assert_eq!((back.no, back.outcome), (no, PutOutcome::Changed));
        assert_eq!(speaking_of(&t.store, "ssl").await, ["GHSA-1"]);
    });
}

#[test]
fn of_two_feeds_the_later_record_holds_and_the_other_comes_back_when_it_goes() {
    on_both_stores(async |t: TestStore| {
        // `advisory` takes its modification date from the last argument.
        let (older, newer) =
            (advisory("G-1", &["CVE-1"], &["old"], 1), advisory("G-1", &["CVE-1"], &["new"], 2));
        let mut tx = t.store.begin().await.unwrap();
        let (a, b) = (feed(&mut tx, "a").await.no, feed(&mut tx, "b").await.no);
        let no = put(&mut tx, a, std::slice::from_ref(&newer)).await[0].no;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(put(&mut tx, b, std::slice::from_ref(&older)).await[0].outcome, PutOutcome::Older);
        tx.commit().await.unwrap();
        assert_eq!(speaking_of(&t.store, "new").await, ["G-1"]);
        let kept = t.store.read().await.unwrap().records(&[(no, [1; 16])]).await.unwrap();
        assert_eq!(kept.len(), 1, "what b said is kept for a rollback of b");

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.withdraw_advisories(a, &[no]).await.unwrap(), []);
        let forgotten = tx.advisory_hashes(b).await.unwrap()["G-1"];
        assert_eq!(forgotten.1, [0; 16], "the next import of b puts its own record");
        assert_eq!(put(&mut tx, b, std::slice::from_ref(&older)).await[0].outcome, PutOutcome::Changed);
        tx.commit().await.unwrap();
        assert_eq!(speaking_of(&t.store, "old").await, ["G-1"]);
    });
}

#[test]
fn a_record_that_cannot_be_stored_is_refused_before_its_batch() {
    let keys = || [("Debian:12".to_owned(), "ssl".to_owned())].into();
    let record = |id: &str, cve: &str| Advisory {
        source: "TEST".into(),
        id: id.into(),
        vulnerabilities: vec![cve.into()],
        ..Advisory::default()
    };
    let mut packer = Packer::new().unwrap();
    let refused = packer.pack(record("D-2", "CVE\0"), [1; 16], keys()).unwrap_err();
    assert!(matches!(&refused, Error::Invalid(why) if why.contains("D-2")), "{refused}");
    assert!(packer.pack(record("", "CVE-1"), [1; 16], keys()).is_err());
    assert!(packer.pack(record("D-2", "CVE-1"), [1; 16], [(String::new(), String::new())].into()).is_err());
    assert!(packer.pack(record("D-2", "CVE-1"), [1; 16], keys()).is_ok());
}

#[test]
fn a_batch_may_hold_a_record_twice() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let osv = feed(&mut tx, "osv").await.no;
        let twice = [advisory("D-1", &["CVE-1"], &["first"], 1), advisory("D-1", &["CVE-1"], &["last"], 2)];
        let done = put(&mut tx, osv, &twice).await;
        assert_eq!(done.iter().map(|p| p.outcome).collect::<Vec<_>>(), [PutOutcome::Same, PutOutcome::Added]);
        assert_eq!(done[0].no, done[1].no);
        tx.commit().await.unwrap();
        assert_eq!(speaking_of(&t.store, "last").await, ["D-1"]);
    });
}

#[test]
fn a_feed_is_taken_back_to_what_it_held_before_an_import() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let osv = feed(&mut tx, "osv").await.no;
        let first = put(
            &mut tx,
            osv,
            &[
                advisory("stays", &["CVE-1"], &["a"], 1),
                advisory("changes", &["CVE-2"], &["b"], 1),
                advisory("goes", &["CVE-3"], &["c"], 1),
            ],
        )
        .await;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        let import = tx.begin_import(osv).await.unwrap();
        let second = put(
            &mut tx,
            osv,
            &[advisory("changes", &["CVE-2"], &["x"], 2), advisory("comes", &["CVE-4"], &["d"], 1)],
        )
        .await;
        tx.withdraw_advisories(osv, &[first[2].no]).await.unwrap();
        tx.commit().await.unwrap();

        let mut read = t.store.read().await.unwrap();
        let mut changes = Vec::new();
        let mut after = Some(AdvisoryNo(0));
        while let Some(number) = after {
            let (page, next) = read.feed_changes_since(osv, import.started - 1, number, 2).await.unwrap();
            changes.extend(page);
            after = next;
        }
        let told: Vec<_> = changes.iter().map(|c| (c.no, c.then, c.now)).collect();
        assert_eq!(
            told,
            [
                (first[1].no, Some([1; 16]), Some([2; 16])),
                (first[2].no, Some([1; 16]), None),
                (second[1].no, None, Some([1; 16])),
            ]
        );
        let wanted: Vec<_> = changes.iter().filter_map(|c| Some((c.no, c.then?))).collect();
        let records = read.records(&wanted).await.unwrap();
        drop(read);
        let mut tx = t.store.begin().await.unwrap();
        put(&mut tx, osv, &records).await;
        let extra: Vec<AdvisoryNo> = changes.iter().filter(|c| c.then.is_none()).map(|c| c.no).collect();
        assert_eq!(tx.withdraw_advisories(osv, &extra).await.unwrap(), [second[1].no]);
        tx.commit().await.unwrap();
        for (name, expected) in [("a", "stays"), ("b", "changes"), ("c", "goes")] {
            assert_eq!(speaking_of(&t.store, name).await, [expected]);
        }
        for name in ["x", "d"] {
            assert_eq!(speaking_of(&t.store, name).await, [""; 0]);
        }
    });
}

#[test]
fn an_id_that_is_new_is_joined_at_once_where_its_records_agree() {
    on_both_stores(async |t: TestStore| {
        let record = |id: &str, cve: &str, same_as: &[&str], hash: u8| {
            let advisory = Advisory {
                source: "TEST".into(),
                id: id.into(),
                vulnerabilities: vec![cve.into()],
                same_as: same_as.iter().map(|&id| id.into()).collect(),
                ..Advisory::default()
            };
            Packer::new().unwrap().pack(advisory, [hash; 16], Default::default()).unwrap()
        };
        let mut tx = t.store.begin().await.unwrap();
        let osv = feed(&mut tx, "osv").await.no;
        tx.vulnerability_numbers(&["GHSA-OLD"]).await.unwrap();
        let batch = [
            record("A", "CVE-1", &["GHSA-1", "GHSA-OLD", "GHSA-TORN"], 1),
            record("B", "CVE-2", &["GHSA-TORN", "GHSA-OWN"], 2),
            record("C", "GHSA-OWN", &[], 3),
        ];
        let joined = tx.put_advisories(osv, &batch).await.unwrap().joined;
        let at = tx.recorded();
        let seq = tx.commit().await.unwrap().seq;
        assert_eq!(Vec::from_iter(joined), ["GHSA-1"], "the others need a closer look");

        let mut read = t.store.read().await.unwrap();
        let cve = read.vulnerability_by_id("CVE-1").await.unwrap().unwrap();
        let alias = read.vulnerability_by_id("GHSA-1").await.unwrap().unwrap();
        assert_eq!(alias.canonical, cve.no);
        assert_eq!(read.same_vulnerabilities(cve.no).await.unwrap().len(), 2);
        for id in ["GHSA-OLD", "GHSA-TORN", "GHSA-OWN"] {
            let found = read.vulnerability_by_id(id).await.unwrap().unwrap();
            assert_eq!(found.canonical, found.no, "{id}");
        }
        drop(read);
        let told = t.store.changes_since(seq - 1, 0).await.unwrap().unwrap().vulnerabilities;
        assert_eq!(told, [], "nothing matched them, so nobody follows them");

        // A later split ends the join like any other.
        let mut tx = t.store.begin().await.unwrap();
        tx.put_vulnerabilities(&[Vulnerability { canonical: alias.no, ..alias.clone() }]).await.unwrap();
        assert!(tx.recorded() > at);
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.same_vulnerabilities(cve.no).await.unwrap(), [cve.no]);
    });
}

#[test]
fn feeds_and_imports_are_kept() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let mut osv = feed(&mut tx, "osv:Debian").await;
        assert_eq!(feed(&mut tx, "osv:Debian").await, osv);
        assert_eq!(osv.state, FeedState::Importing);
        let mut import = tx.begin_import(osv.no).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        (osv.state, osv.records, osv.publisher_total, osv.etag) =
            (FeedState::Complete, 10, 12, "\"x\"".into());
        (osv.data_date, osv.updated, osv.starter) = (5, tx.recorded(), true);
        osv.ecosystems = vec![("Debian:11".into(), 4), ("Debian:12".into(), 6)];
        (import.state, import.ended, import.added, import.opened) =
            (FeedState::Complete, tx.recorded(), 10, 3);
        tx.put_feed(&osv).await.unwrap();
        tx.put_import(&import).await.unwrap();
        let held = tx.begin_import(osv.no).await.unwrap();
        let seq = tx.commit().await.unwrap().seq;

        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.feeds().await.unwrap(), [osv.clone()]);
        assert_eq!(read.feed(osv.no).await.unwrap(), Some(osv.clone()));
        assert_eq!(read.feed_import(import.no).await.unwrap(), Some(import.clone()));
        let newest = read.feed_imports(osv.no, None, 1).await.unwrap();
        assert_eq!(newest.iter().map(|i| i.no).collect::<Vec<_>>(), [held.no]);
        assert_eq!(read.feed_imports(osv.no, Some(held.no), 9).await.unwrap(), [import]);
        assert!(t.store.changes_since(seq - 1, 0).await.unwrap().is_some(), "followers hear of feeds");
    });
}
