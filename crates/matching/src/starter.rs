//! A small set of advisories that comes with the program, so that a first run without network and
//! without feeds shows what findings look like. It is no substitute for a feed: everything judged
//! by it alone has the coverage word `partial-feed`.
//!
//! The records are written by the project, in OSV form, about well-known vulnerabilities.

/// The name under which its findings are shown.
pub const NAME: &str = "parapet-starter";

/// The records, each the JSON text of one OSV record.
pub fn records() -> impl Iterator<Item = &'static str> {
    RECORDS.iter().copied()
}

macro_rules! records {
    ($($cve:literal,)*) => { &[$(include_str!(concat!("../starter/", $cve, ".json")),)*] };
}

static RECORDS: &[&str] = records![
    "CVE-2018-25032",
    "CVE-2019-14697",
    "CVE-2020-14343",
    "CVE-2021-3156",
    "CVE-2021-23337",
    "CVE-2021-44228",
    "CVE-2021-44906",
    "CVE-2022-0778",
    "CVE-2022-25883",
    "CVE-2022-28346",
    "CVE-2022-37434",
    "CVE-2022-40897",
    "CVE-2023-4863",
    "CVE-2023-4911",
    "CVE-2023-30861",
    "CVE-2023-32681",
    "CVE-2023-37920",
    "CVE-2023-38545",
    "CVE-2023-43804",
    "CVE-2023-44487",
    "CVE-2023-45133",
    "CVE-2024-2961",
    "CVE-2024-3094",
    "CVE-2024-6345",
    "CVE-2024-6387",
    "CVE-2024-29041",
    "CVE-2024-34064",
    "CVE-2024-35195",
    "CVE-2024-45490",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::osv;
    use crate::{Order, cvss};
    use parapet_model::advisory::Event;

    #[test]
    fn every_record_is_sound() {
        for json in records() {
            let record = osv::parse(json.as_bytes()).unwrap();
            let [cve] = record.vulnerabilities.as_slice() else { panic!("{}: one CVE", record.id) };
            assert_eq!(record.id, format!("PARAPET-{cve}"));
            assert!(!record.summary.is_empty() && !record.affected.is_empty(), "{}", record.id);
            assert!(record.cvss.iter().all(|vector| cvss::base_score(vector).is_some()), "{}", record.id);
            for entry in &record.affected {
                let order = Order::of_ecosystem(&entry.ecosystem).unwrap();
                for event in entry.ranges.iter().flat_map(|range| &range.events) {
                    let (Event::Introduced(at) | Event::Fixed(at)) = event else { panic!("{}", record.id) };
                    assert!(order.parses(at), "{} {at}", record.id);
                }
            }
        }
        assert!(records().count() >= 25);
    }
}
