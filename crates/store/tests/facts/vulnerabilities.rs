//! Vulnerabilities, KEV and EPSS.

use parapet_model::vulnerability::{EpssScore, KevEntry};
use parapet_model::{Severity, VulnerabilityNo};
use parapet_store::Error;

use crate::support::{TestStore, on_both_stores};

#[test]
fn every_id_is_numbered_once_and_found_again() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let numbers = tx.vulnerability_numbers(&["CVE-1", "GHSA-1", "CVE-1"]).await.unwrap();
        assert_eq!(numbers, [1, 2, 1].map(VulnerabilityNo));
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(
            tx.vulnerability_numbers(&["GHSA-1", "CVE-2"]).await.unwrap(),
            [2, 3].map(VulnerabilityNo)
        );
        assert!(matches!(tx.vulnerability_numbers(&[""]).await, Err(Error::Invalid(_))));
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        let found = read.vulnerability_by_id("GHSA-1").await.unwrap().unwrap();
        assert_eq!(
            (found.no, found.canonical, found.severity),
            (VulnerabilityNo(2), VulnerabilityNo(2), Severity::Unknown)
        );
        assert!(found.cvss_score < 0.0 && found.epss < 0.0 && found.kev_added == 0);
        assert_eq!(read.vulnerability_by_id("CVE-9").await.unwrap(), None);
    });
}

#[test]
fn only_what_differs_is_written_and_joins_are_followed() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let ids = ["CVE-1", "GHSA-1"];
        let numbers = tx.vulnerability_numbers(&ids).await.unwrap();
        let mut all = tx.vulnerabilities(&numbers).await.unwrap();
        all[0].severity = Severity::High;
        all[0].cvss_score = 7.5;
        all[0].aliases = vec!["GHSA-1".into()];
        all[1].canonical = numbers[0];
        assert_eq!(tx.put_vulnerabilities(&all).await.unwrap(), 2);
        tx.commit().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.put_vulnerabilities(&all).await.unwrap(), 0);
        assert_eq!(tx.commit().await.unwrap().rows, 0);
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.vulnerabilities(&numbers).await.unwrap(), all);
        assert_eq!(read.same_vulnerabilities(numbers[0]).await.unwrap(), numbers);
        let by_alias = read.vulnerability_by_id("GHSA-1").await.unwrap().unwrap();
        assert_eq!(by_alias.canonical, numbers[0]);

        // A later split gives the id back to itself.
        drop(read);
        all[1].canonical = numbers[1];
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.put_vulnerabilities(&all).await.unwrap(), 1);
        assert_eq!(tx.same_vulnerabilities(numbers[0]).await.unwrap(), [numbers[0]]);
        tx.commit().await.unwrap();
    });
}

#[test]
fn kev_and_epss_write_differences_and_tell_followers() {
    on_both_stores(async |t: TestStore| {
        let entry = |cve: &str, added| KevEntry { cve: cve.into(), added, due: 0, ransomware: true };
        let score = |cve: &str, score| EpssScore { cve: cve.into(), score, percentile: 0.5 };
        let mut tx = t.store.begin().await.unwrap();
        tx.vulnerability_numbers(&["CVE-1", "CVE-2"]).await.unwrap();
        assert_eq!(tx.replace_kev(&[entry("CVE-1", 10), entry("CVE-7", 20)]).await.unwrap(), 2);
        assert_eq!(tx.put_epss(&[score("CVE-1", 0.25), score("CVE-2", 0.5)]).await.unwrap(), 2);
        tx.commit().await.unwrap();
        let seq = t.store.head().await.unwrap().seq;

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.replace_kev(&[entry("CVE-7", 20), entry("CVE-1", 10)]).await.unwrap(), 0);
        assert_eq!(tx.put_epss(&[score("CVE-2", 0.5)]).await.unwrap(), 0);
        assert_eq!(tx.commit().await.unwrap().rows, 0);

        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.replace_kev(&[entry("CVE-7", 20)]).await.unwrap(), 1);
        assert_eq!(tx.put_epss(&[score("CVE-2", 0.75)]).await.unwrap(), 1);
        assert_eq!(tx.remove_epss(&["CVE-1"]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let change = t.store.changes_since(seq, 0).await.unwrap().unwrap();
        let told: Vec<_> =
            change.vulnerabilities.iter().map(|v| (v.id.as_str(), v.kev_added, v.epss)).collect();
        assert_eq!(told, [("CVE-1", 0, -1.0), ("CVE-2", 0, 0.75)]);
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.epss_cves("", 10).await.unwrap(), ["CVE-2"]);
        assert_eq!(read.kev().await.unwrap(), [entry("CVE-7", 20)]);
    });
}
