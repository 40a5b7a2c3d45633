//! What did we know, and what was true?

use parapet_model::exception::ExceptionState;
use parapet_model::facts::{AssetRow, Change};
use parapet_model::verdict::ClosingReason;
use parapet_model::{AssetNo, Millis, Severity, VulnerabilityNo};
use parapet_store::facts::{AsOf, AsOfClock};

use crate::estate::{PROJECT, advisory, host, image, numbers, put, tagged, verdict};
use crate::exceptions::asked_for;
use crate::support::{TestStore, on_both_stores};

async fn as_of(t: &TestStore, clock: AsOfClock, at: Millis, asset: Option<AssetNo>) -> Change {
    t.store.facts_as_of(AsOf { at, clock, asset }).await.unwrap()
}

/// Names of what an asset of the change shows, by the rule of `PresenceRow`, sorted.
fn shown(change: &Change, no: AssetNo) -> Vec<&str> {
    let Some(asset) = change.assets.iter().find(|asset| asset.no == no) else { return vec!["no asset"] };
    let named = |package| asset.deltas.iter().any(|delta| delta.package == package);
    let open: Vec<_> = asset.links.iter().filter(|link| link.held.is_open()).map(|link| link.set).collect();
    let linked =
        change.sets.iter().filter(|set| open.contains(&set.no)).flat_map(|set| set.members.iter().copied());
    let deltas = asset.deltas.iter().filter(|delta| delta.held.is_open()).map(|delta| delta.package);
    let packages: std::collections::BTreeSet<_> = linked.filter(|p| !named(*p)).chain(deltas).collect();
    let mut names: Vec<&str> = change
        .packages
        .iter()
        .filter(|row| packages.contains(&row.no))
        .map(|row| row.key.name.as_str())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn what_was_known_then_leaves_out_what_came_later() {
    on_both_stores(async |t: TestStore| {
        let mut marks = Vec::new();
        let mut mark = async |tx: parapet_store::Tx| {
            marks.push(tx.recorded());
            tx.commit().await.unwrap();
            t.clock.advance(1_000);
        };
        // 0: a host, an image with a tag, a match, an exception.
        let mut tx = t.store.begin().await.unwrap();
        let host_no = host(&mut tx, 10, 1, &["bash", "ssl"]).await.asset;
        let image_no = image(&mut tx, 1, Some("latest"), 10, 1, &["ssl"]).await.asset;
        let feed = tx.ensure_feed("osv", "osv").await.unwrap().no;
        let a = put(&mut tx, feed, &[advisory("A", &["CVE-1"], &["ssl"], 1)]).await[0].no;
        let ssl = numbers(&mut tx, &["ssl"]).await[0];
        let row = verdict(ssl, VulnerabilityNo(1), a);
        tx.open_matches(std::slice::from_ref(&row)).await.unwrap();
        let exception = tx.put_exception(&asked_for("one", &[1])).await.unwrap();
        mark(tx).await;
        // 1: ssl leaves the host, the tag moves, the band rises, the exception is approved.
        let mut tx = t.store.begin().await.unwrap();
        host(&mut tx, 20, 2, &["bash", "zlib"]).await;
        let second = image(&mut tx, 2, Some("latest"), 20, 1, &["ssl"]).await.asset;
        let mut all = tx.vulnerabilities(&[VulnerabilityNo(1)]).await.unwrap();
        all[0].severity = Severity::Critical;
        tx.put_vulnerabilities(&all).await.unwrap();
        let mut approved = exception.clone();
        approved.state = ExceptionState::Approved;
        tx.put_exception(&approved).await.unwrap();
        mark(tx).await;
        // 2: the advisory is withdrawn, the first image deleted.
        let mut tx = t.store.begin().await.unwrap();
        tx.close_matches(&[row.key()], ClosingReason::Withdrawn).await.unwrap();
        tx.delete_asset(image_no).await.unwrap();
        mark(tx).await;

        let at = |n: usize| as_of(&t, AsOfClock::Recorded, marks[n], None);
        let before = as_of(&t, AsOfClock::Recorded, marks[0] - 1, None).await;
        assert!(before.assets.is_empty() && before.matches.is_empty() && before.exceptions.is_empty());

        let open_tags = |asset: &AssetRow| asset.references.iter().filter(|r| r.held.is_open()).count();
        let then = at(0).await;
        assert_eq!(shown(&then, host_no), ["bash", "ssl"]);
        assert_eq!(then.assets.iter().map(|asset| asset.no).collect::<Vec<_>>(), [host_no, image_no]);
        assert_eq!(open_tags(&then.assets[1]), 1);
        assert_eq!((then.assets[0].observed, then.vulnerabilities[0].severity), (10, Severity::Unknown));
        assert_eq!(then.exceptions, [exception]);
        assert_eq!((then.matches[0].1[0].held.is_open(), then.matches[0].1[0].closed), (true, None));

        let later = at(1).await;
        assert_eq!(shown(&later, host_no), ["bash", "zlib"]);
        let first = later.assets.iter().find(|asset| asset.no == image_no).unwrap();
        assert_eq!((open_tags(first), first.held.is_open()), (0, true));
        assert!(later.assets.iter().any(|asset| asset.no == second && open_tags(asset) == 1));
        assert_eq!(later.vulnerabilities[0].severity, Severity::Critical);
        assert_eq!(later.exceptions, [approved]);
        assert!(later.matches[0].1[0].held.is_open());

        // Now, through the same path, is what is loaded.
        let now = at(2).await;
        assert!(!now.assets.iter().any(|asset| asset.no == image_no));
        assert_eq!(now.matches[0].1[0].closed, Some(ClosingReason::Withdrawn));
        let loaded = t.store.load_all().await.unwrap();
        assert_eq!(
            (&now.matches, &now.vulnerabilities, &now.exceptions),
            (&loaded.matches, &loaded.vulnerabilities, &loaded.exceptions)
        );
        assert_eq!(
            now.assets,
            loaded.assets.into_iter().filter(|asset| asset.held.is_open()).collect::<Vec<_>>()
        );

        // One asset gives the same as the whole estate.
        let alone = as_of(&t, AsOfClock::Recorded, marks[0], Some(host_no)).await;
        assert_eq!(alone.assets, then.assets[..1]);
        assert_eq!(shown(&alone, host_no), ["bash", "ssl"]);
        assert_eq!(
            (&alone.matches, &alone.vulnerabilities, &alone.exceptions),
            (&then.matches, &then.vulnerabilities, &then.exceptions)
        );
    });
}

#[test]
fn hindsight_takes_late_uploads_and_todays_matches() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let host_no = host(&mut tx, 100, 1, &["bash"]).await.asset;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        host(&mut tx, 200, 2, &["bash"]).await;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        host(&mut tx, 300, 3, &["zlib"]).await;
        tx.commit().await.unwrap();
        // Taken at 150, uploaded last.
        let mut tx = t.store.begin().await.unwrap();
        host(&mut tx, 150, 4, &["ssl"]).await;
        let feed = tx.ensure_feed("osv", "osv").await.unwrap().no;
        let a = put(&mut tx, feed, &[advisory("A", &["CVE-1"], &["ssl"], 1)]).await[0].no;
        let packages = numbers(&mut tx, &["ssl", "bash"]).await;
        let rows = [verdict(packages[0], VulnerabilityNo(1), a), verdict(packages[1], VulnerabilityNo(1), a)];
        tx.open_matches(&rows).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        tx.close_matches(&[rows[1].key()], ClosingReason::Withdrawn).await.unwrap();
        tx.commit().await.unwrap();

        let showing = async |at| {
            let change = as_of(&t, AsOfClock::Hindsight, at, Some(host_no)).await;
            shown(&change, host_no).join(" ")
        };
        assert_eq!(showing(99).await, "no asset");
        assert_eq!(showing(100).await, "bash");
        assert_eq!(showing(149).await, "bash");
        assert_eq!(showing(150).await, "ssl");
        assert_eq!(showing(199).await, "ssl");
        assert_eq!(showing(200).await, "bash", "the stretch went on after the late look");
        assert_eq!(showing(300).await, "zlib");
        let then = as_of(&t, AsOfClock::Hindsight, 150, None).await;
        assert_eq!(then.matches.len(), 1, "withdrawn since");
        let (package, open) = &then.matches[0];
        assert_eq!((*package, open[0].held.from), (packages[0], 150));
    });
}

#[test]
fn hindsight_reads_an_image_with_the_best_reader_and_its_late_reference() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let no = image(&mut tx, 1, Some("v1"), 100, 1, &["bash"]).await.asset;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        image(&mut tx, 1, Some("v1"), 200, 2, &["bash", "ssl"]).await;
        tx.commit().await.unwrap();
        let then = as_of(&t, AsOfClock::Hindsight, 150, Some(no)).await;
        assert_eq!(shown(&then, no), ["bash", "ssl"]);
        assert_eq!(
            then.assets[0].references.iter().map(|r| &r.reference).collect::<Vec<_>>(),
            [&tagged("v1")]
        );
        assert!(then.assets[0].references[0].held.contains(150));
        assert_eq!(then.assets[0].project, PROJECT);
        assert!(as_of(&t, AsOfClock::Hindsight, 50, None).await.assets.is_empty());
    });
}

#[test]
fn what_came_and_went_within_one_transaction_leaves_no_trace() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        // Everything twice: opened, closed and opened again at the same instant.
        let host_no = host(&mut tx, 10, 1, &["bash", "ssl"]).await.asset;
        host(&mut tx, 20, 2, &["bash"]).await;
        host(&mut tx, 30, 3, &["bash", "ssl"]).await;
        let image_no = image(&mut tx, 1, Some("latest"), 10, 1, &["ssl"]).await.asset;
        tx.delete_asset(image_no).await.unwrap();
        image(&mut tx, 1, Some("latest"), 20, 1, &["ssl"]).await;
        tx.delete_asset(image_no).await.unwrap();
        image(&mut tx, 1, Some("latest"), 30, 2, &["ssl"]).await;
        image(&mut tx, 2, Some("latest"), 40, 1, &["ssl"]).await;
        assert!(tx.point_reference(PROJECT, &tagged("latest"), image_no, 50).await.unwrap());
        let feed = tx.ensure_feed("osv", "osv").await.unwrap().no;
        let a = put(&mut tx, feed, &[advisory("A", &["CVE-1"], &["ssl"], 1)]).await[0].no;
        put(&mut tx, feed, &[advisory("A", &["CVE-1"], &["bash"], 2)]).await;
        put(&mut tx, feed, &[advisory("A", &["CVE-1"], &["ssl"], 3)]).await;
        let mut all = tx.vulnerabilities(&[VulnerabilityNo(1)]).await.unwrap();
        for severity in [Severity::Low, Severity::High] {
            all[0].severity = severity;
            tx.put_vulnerabilities(&all).await.unwrap();
        }
        let row = verdict(numbers(&mut tx, &["ssl"]).await[0], VulnerabilityNo(1), a);
        tx.open_matches(std::slice::from_ref(&row)).await.unwrap();
        tx.close_matches(&[row.key()], ClosingReason::AdvisoryChanged).await.unwrap();
        tx.open_matches(std::slice::from_ref(&row)).await.unwrap();
        let mut exception = tx.put_exception(&asked_for("one", &[1])).await.unwrap();
        exception.state = ExceptionState::Approved;
        tx.put_exception(&exception).await.unwrap();
        let at = tx.recorded();
        tx.commit().await.unwrap();

        let loaded = t.store.load_all().await.unwrap();
        assert_eq!(shown(&loaded, host_no), ["bash", "ssl"]);
        let image = loaded.assets.iter().find(|asset| asset.no == image_no).unwrap();
        assert_eq!((image.links.len(), image.references.len(), image.held.from), (1, 1, at));
        assert_eq!(loaded.matches.len(), 1);
        assert_eq!((loaded.matches[0].1.len(), loaded.matches[0].1[0].closed), (1, None));
        assert_eq!(loaded.vulnerabilities[0].severity, Severity::High);
        assert_eq!(loaded.exceptions, [exception]);
        assert_eq!(as_of(&t, AsOfClock::Recorded, at, None).await.vulnerabilities, loaded.vulnerabilities);
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.advisory_history(a).await.unwrap().len(), 1);
        assert_eq!(read.exception_versions(loaded.exceptions[0].no).await.unwrap().len(), 1);
    });
}
