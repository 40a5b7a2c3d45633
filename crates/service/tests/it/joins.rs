//! Which id stands for which does not depend on how records come: many at once are joined while they
//! are numbered, one by one each is looked at again.

use parapet_service::feeds::ImportOptions;

use crate::world::World;

/// Id, aliases, whether it was withdrawn: names that agree, that disagree, that stand for themselves
/// elsewhere, and a withdrawn one.
const RECORDS: [(&str, &[&str], bool); 9] = [
    ("GHSA-aaaa-0001", &["CVE-2026-0001", "PYSEC-2026-1"], false),
    ("PYSEC-2026-1", &["CVE-2026-0001"], false),
    ("GHSA-bbbb-0002", &["CVE-2026-0002"], false),
    ("PYSEC-2026-2", &["GHSA-bbbb-0002", "CVE-2026-0003"], false),
    ("GHSA-cccc-0003", &[], false),
    ("PYSEC-2026-3", &["GHSA-cccc-0003"], false),
    ("GO-2026-0001", &["GHSA-cccc-0003", "CVE-2026-0004"], false),
    ("GHSA-dddd-0004", &["CVE-2026-0005"], true),
    ("DEBIAN-CVE-2026-0006", &[], false),
];

fn write(world: &World, (id, aliases, withdrawn): &(&str, &[&str], bool)) {
    let withdrawn = if *withdrawn { ", \"withdrawn\": \"2026-10-01T00:00:00Z\"" } else { "" };
    let record = format!(
        "{{\"id\": \"{id}\", \"modified\": \"2026-11-01T00:00:00Z\", \"aliases\": {aliases:?}{withdrawn}, \
         \"summary\": \"about {id}\", \"affected\": [{{\"package\": {{\"ecosystem\": \"Debian:12\", \
         \"name\": \"glass\"}}, \"versions\": [\"1.0-1\"]}}]}}"
    );
    world.write(&format!("feed/Debian/{id}.json"), &record);
}

/// `id → the one that stands for it: title`, of every id that a record names.
async fn joined(world: &World) -> Vec<String> {
    let mut session = world.app.store().read().await.unwrap();
    let ids = RECORDS.iter().flat_map(|(id, aliases, _)| aliases.iter().chain([id]));
    let ids: std::collections::BTreeSet<&str> = ids.copied().chain(["CVE-2026-0006"]).collect();
    let mut lines = Vec::new();
    for id in ids {
        let found = session.vulnerability_by_id(id).await.unwrap().unwrap();
        let canonical = session.vulnerabilities(&[found.canonical]).await.unwrap().remove(0);
        lines.push(format!("{id} → {}: {:?}", canonical.id, found.title));
    }
    lines
}

#[tokio::test]
async fn ids_mean_the_same_whether_records_come_at_once_or_one_by_one() {
    let (at_once, one_by_one) = (World::new().await, World::new().await);
    at_once.scan().await;
    one_by_one.scan().await;
    RECORDS.iter().for_each(|record| write(&at_once, record));
    let report = at_once.import(&ImportOptions::default()).await;
    assert_eq!((report.added, report.failed), (RECORDS.len() as u64, 0));
    for record in &RECORDS {
        write(&one_by_one, record);
        assert_eq!(one_by_one.import(&ImportOptions::default()).await.added, 1);
    }
    let lines = joined(&at_once).await;
    assert_eq!(lines, joined(&one_by_one).await);
    assert_eq!(at_once.findings(), one_by_one.findings());
    let means = |id: &str| lines.iter().find(|line| line.starts_with(&format!("{id} →"))).unwrap().as_str();
    assert!(means("GHSA-aaaa-0001").contains("→ CVE-2026-0001"), "{lines:#?}");
    assert!(means("PYSEC-2026-1").contains("→ CVE-2026-0001"), "{lines:#?}");
    assert!(means("GHSA-bbbb-0002").contains("→ GHSA-bbbb-0002"), "records disagree: {lines:#?}");
    assert!(means("GHSA-cccc-0003").contains("→ CVE-2026-0004"), "{lines:#?}");
    assert!(means("GHSA-dddd-0004").contains("→ GHSA-dddd-0004"), "withdrawn: {lines:#?}");
    assert!(means("DEBIAN-CVE-2026-0006").contains("→ CVE-2026-0006"), "{lines:#?}");

    // Later on everything still follows what the records say.
    for world in [&at_once, &one_by_one] {
        write(world, &("GHSA-bbbb-0002", &["CVE-2026-0003"], false));
        world.withdraw("GO-2026-0001");
        world.import(&ImportOptions::default()).await;
    }
    assert_eq!(joined(&at_once).await, joined(&one_by_one).await);
    assert_eq!(at_once.findings(), one_by_one.findings());
}
