//! Vulnerabilities as shown, from several records.

use parapet_matching::vulnerability::summarise;
use parapet_model::Severity;
use parapet_model::advisory::{Advisory, Affected};
use parapet_model::vulnerability::{EpssScore, KevEntry};

const ID: &str = "CVE-2024-0001";
const HIGH: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const OF_TWO: &str = "AV:N/AC:L/Au:N/C:C/I:C/A:C";

fn record(id: &str) -> Advisory {
    Advisory {
        source: parapet_matching::advisory::source_of(id).to_owned(),
        id: id.to_owned(),
        vulnerabilities: vec![ID.to_owned()],
        ..Advisory::default()
    }
}

#[test]
fn several_records_become_one_vulnerability() {
    let mut tracker = record("DEBIAN-CVE-2024-0001");
    tracker.same_as = vec![tracker.id.clone()];
    tracker.published = 2000;
    tracker.details = "# A heading\nMore. And more.".to_owned();
    let mut github = record("GHSA-a-b-c");
    github.same_as = vec![github.id.clone()];
    github.published = 1000;
    github.summary = "Request smuggling in something".to_owned();
    github.cvss = vec![OF_TWO.to_owned(), HIGH.to_owned()];
    let kev = KevEntry { cve: ID.to_owned(), added: 5, due: 6, ransomware: false };
    let epss = EpssScore { cve: ID.to_owned(), score: 0.25, percentile: 0.9 };

    let found = summarise(ID, &[&tracker, &github], Some(&kev), Some(&epss));
    assert_eq!(found, summarise(ID, &[&github, &tracker], Some(&kev), Some(&epss)), "in any order");
    assert_eq!(found.title, "Request smuggling in something");
    assert_eq!(found.aliases, ["DEBIAN-CVE-2024-0001", "GHSA-a-b-c"]);
    assert_eq!((found.severity, found.cvss_vector.as_str(), found.cvss_score), (Severity::High, HIGH, 7.5));
    assert_eq!((found.published, found.kev_added, found.epss), (1000, 5, 0.25));
}

#[test]
fn a_record_about_several_speaks_last() {
    let mut bulletin = record("DSA-1-1");
    bulletin.vulnerabilities.push("CVE-2024-0002".to_owned());
    bulletin.summary = "something - security update".to_owned();
    bulletin.cvss = vec![CRITICAL.to_owned()];
    let mut own = record("PYSEC-2024-1");
    own.details = "### Impact\n\nA crafted header is trusted. It should not be.".to_owned();
    own.cvss = vec![HIGH.to_owned()];
    let found = summarise(ID, &[&bulletin, &own], None, None);
    assert_eq!((found.severity, found.cvss_score), (Severity::High, 7.5));
    assert_eq!(found.title, "A crafted header is trusted");
    let alone = summarise(ID, &[&bulletin], None, None);
    assert_eq!((alone.severity, alone.title.as_str()), (Severity::Critical, "something - security update"));
}

#[test]
fn without_cvss_the_worst_word_counts_and_without_words_it_is_unknown() {
    let mut one = record("DEBIAN-CVE-2024-0001");
    one.affected.push(Affected { vendor_severity: Severity::Low, ..Affected::default() });
    let mut other = record("GHSA-a-b-c");
    other.vendor_severity = Severity::High;
    assert_eq!(summarise(ID, &[&one, &other], None, None).severity, Severity::High);
    let silent = summarise(ID, &[&record("GO-2024-1")], None, None);
    assert_eq!((silent.severity, silent.cvss_score, silent.epss), (Severity::Unknown, -1.0, -1.0));
}

#[test]
fn a_withdrawn_record_is_silent_unless_all_are_withdrawn() {
    let mut withdrawn = record("GHSA-a-b-c");
    withdrawn.withdrawn = 1;
    withdrawn.cvss = vec![CRITICAL.to_owned()];
    withdrawn.summary = "No, it was nothing".to_owned();
    let mut standing = record("PYSEC-2024-1");
    standing.cvss = vec![HIGH.to_owned()];
    assert_eq!(summarise(ID, &[&withdrawn, &standing], None, None).cvss_score, 7.5);
    assert_eq!(summarise(ID, &[&withdrawn], None, None).title, "No, it was nothing");
    assert_eq!(summarise(ID, &[], None, None).id, ID);
}
