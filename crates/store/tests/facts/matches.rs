//! Matches: opened, closed with a reason, history kept.

use parapet_model::verdict::ClosingReason;
use parapet_model::{AdvisoryNo, VulnerabilityNo};
use parapet_store::matches::MatchKey;

use crate::estate::{advisory, numbers, put, verdict};
use crate::support::{TestStore, on_both_stores};

#[test]
fn matches_open_close_with_their_reason_and_open_again() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let feed = tx.ensure_feed("osv", "osv").await.unwrap().no;
        let packages = numbers(&mut tx, &["bash", "zlib"]).await;
        let advisories = put(
            &mut tx,
            feed,
            &[advisory("A", &["CVE-1"], &["bash"], 1), advisory("B", &["CVE-1"], &["bash"], 1)],
        )
        .await;
        let (a, b) = (advisories[0].no, advisories[1].no);
        let cve = VulnerabilityNo(1);
        let matches =
            [verdict(packages[0], cve, a), verdict(packages[0], cve, b), verdict(packages[1], cve, a)];
        tx.open_matches(&matches).await.unwrap();
        let opened = tx.recorded();
        tx.commit().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.matches_of_packages(&packages[..1]).await.unwrap(), matches[..2]);
        assert_eq!(tx.matches_of_advisories(&[b]).await.unwrap(), matches[1..2]);
        let gone = [matches[0].key(), MatchKey { advisory: AdvisoryNo(9), ..matches[0].key() }];
        assert_eq!(tx.close_matches(&gone, ClosingReason::Withdrawn).await.unwrap(), 1);
        let closed = tx.recorded();
        let seq = tx.commit().await.unwrap().seq;

        let change = t.store.changes_since(seq - 1, 0).await.unwrap().unwrap();
        assert_eq!(change.matches.len(), 1, "only the package that changed");
        let (package, rows) = &change.matches[0];
        assert_eq!((*package, rows.len()), (packages[0], 2), "all rows of it");
        let row = rows.iter().find(|row| row.advisory == a).unwrap();
        assert_eq!(
            (row.held.from, row.held.to, row.closed),
            (opened, closed, Some(ClosingReason::Withdrawn))
        );
        assert!(rows.iter().any(|row| row.advisory == b && row.held.is_open() && row.closed.is_none()));

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.close_matches(&[matches[0].key()], ClosingReason::Withdrawn).await.unwrap(), 0);
        assert_eq!(tx.commit().await.unwrap().rows, 0);
        let mut tx = t.store.begin().await.unwrap();
        tx.open_matches(&matches[..1]).await.unwrap();
        assert_eq!(tx.matches_of_advisories(&[a]).await.unwrap().len(), 2);
        tx.commit().await.unwrap();
        let history = t.store.read().await.unwrap().match_history(&packages).await.unwrap();
        assert_eq!(history.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(t.store.load_all().await.unwrap().matches, history);
    });
}

#[test]
fn of_a_package_whose_matches_changed_only_the_vulnerabilities_concerned_are_told() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let feed = tx.ensure_feed("osv", "osv").await.unwrap().no;
        let packages = numbers(&mut tx, &["linux", "zlib"]).await;
        let records =
            [advisory("A", &["CVE-1", "CVE-2"], &["linux"], 1), advisory("B", &["CVE-1"], &["linux"], 1)];
        let advisories = put(&mut tx, feed, &records).await;
        let (a, b) = (advisories[0].no, advisories[1].no);
        let (first, second) = (VulnerabilityNo(1), VulnerabilityNo(2));
        let matches = [
            verdict(packages[0], first, a),
            verdict(packages[0], first, b),
            verdict(packages[0], second, a),
            verdict(packages[1], second, a),
        ];
        tx.open_matches(&matches).await.unwrap();
        let opened = tx.commit().await.unwrap().seq;
        let before = t.store.load_all().await.unwrap();
        assert_eq!(before.seq, opened);

        let mut tx = t.store.begin().await.unwrap();
        tx.close_matches(&[matches[0].key()], ClosingReason::Withdrawn).await.unwrap();
        tx.commit().await.unwrap();
        let change = t.store.changes_since(before.seq, before.recorded).await.unwrap().unwrap();
        let told: Vec<_> = change
            .matches
            .iter()
            .flat_map(|(_, rows)| rows)
            .map(|row| (row.package, row.vulnerability, row.advisory, row.held.is_open()))
            .collect();
        assert_eq!(told, [(packages[0], first, a, false), (packages[0], first, b, true)]);
        let named: Vec<_> = change.vulnerabilities.iter().map(|row| row.no).collect();
        assert_eq!(named, [first]);

        let mut tx = t.store.begin().await.unwrap();
        tx.open_matches(&matches[..1]).await.unwrap();
        tx.commit().await.unwrap();
        let change = t.store.changes_since(change.seq, change.recorded).await.unwrap().unwrap();
        assert_eq!(change.matches[0].1.len(), 3, "history included");
    });
}
