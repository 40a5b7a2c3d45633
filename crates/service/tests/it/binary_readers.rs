//! Programs, archives and databases on a host: from the file to a finding that explains itself.

use parapet_model::Filter;
use parapet_posture::Query;
use parapet_service::feeds::ImportOptions;

use crate::world::World;

/// The file on the host, its bytes, the ecosystem, package and version it shows, and how it is named.
type Case = (&'static str, &'static [u8], &'static str, &'static str, &'static str, &'static str);

const CASES: [Case; 8] = [
    (
        "usr/local/bin/tool",
        include_bytes!("../../../catalog/fixtures/readers/tool-go"),
        "Go",
        "golang.org/x/net",
        "0.17.0",
        "go",
    ),
    (
        "usr/local/bin/tool",
        include_bytes!("../../../catalog/fixtures/readers/tool-go"),
        "Go",
        "stdlib",
        "1.21.5",
        "go",
    ),
    (
        "usr/local/bin/other",
        include_bytes!("../../../catalog/fixtures/readers/tool-rust"),
        "crates.io",
        "time",
        "0.1.43",
        "rust",
    ),
    (
        "srv/app/Cargo.lock",
        include_bytes!("../../../catalog/fixtures/readers/Cargo.lock"),
        "crates.io",
        "smallvec",
        "1.6.0",
        "rust",
    ),
    (
        "opt/app/app.jar",
        include_bytes!("../../../catalog/fixtures/readers/app.jar"),
        "Maven",
        "org.apache.logging.log4j:log4j-core",
        "2.14.1",
        "java",
    ),
    (
        "opt/app/app.jar",
        include_bytes!("../../../catalog/fixtures/readers/app.jar"),
        "Maven",
        "org.example:library",
        "2.0",
        "java",
    ),
    (
        "opt/bitnami/redis/.spdx-redis.spdx",
        include_bytes!("../../../catalog/fixtures/readers/redis.spdx"),
        "Bitnami",
        "redis",
        "7.0.1",
        "sbom",
    ),
    (
        "var/lib/rpm/rpmdb.sqlite",
        include_bytes!("../../../catalog/fixtures/readers/rpmdb.sqlite"),
        "AlmaLinux:9",
        "openssl-libs",
        "1:3.0.1-41.el9_0",
        "rpm",
    ),
];

#[tokio::test]
async fn every_kind_of_file_leads_to_a_finding_that_names_it() {
    let world = World::new().await;
    world.write("root/etc/os-release", "ID=almalinux\nVERSION_ID=9.1\nPRETTY_NAME=\"AlmaLinux 9.1\"\n");
    std::fs::remove_file(world.path("root/var/lib/dpkg/status")).unwrap();
    for (number, (path, bytes, ecosystem, package, version, _)) in CASES.iter().enumerate() {
        world.write_bytes(&format!("root/{path}"), bytes);
        let record = format!(
            r#"{{"id": "TEST-{number}", "modified": "2026-11-01T00:00:00Z", "aliases": ["CVE-2026-100{number}"], "affected": [
            {{"package": {{"ecosystem": "{ecosystem}", "name": "{package}"}}, "versions": ["{version}"]}}]}}"#
        );
        world.write(&format!("feed/Debian/TEST-{number}.json"), &record);
    }
    world.scan().await;
    world.import(&ImportOptions::default()).await;
    let snapshot = world.app.live().snapshot();
    let (scope, everything) = (world.who.scope(), Filter::All);
    let mut asset = None;
    let _ = snapshot.findings(&Query::new(&scope, &everything, world.app.now()), |finding| {
        asset = Some(finding.asset.uuid);
        std::ops::ControlFlow::<()>::Continue(())
    });
    assert_eq!(world.findings().len(), CASES.len(), "{:?}", world.findings());
    for (number, (path, _, ecosystem, package, version, kind)) in CASES.iter().enumerate() {
        let id = format!("CVE-2026-100{number}");
        let row = world.app.findings().explain(&world.who, asset.unwrap(), &id, None, None).await.unwrap();
        assert!(row.open, "{id}: {}", row.why);
        assert_eq!(row.package, format!("{package} {version} ({ecosystem})"));
        let evidence = &row.evidence[0];
        assert_eq!((evidence.database.as_str(), evidence.paths[0].as_str()), (*kind, *path), "{id}");
        assert_eq!(row.statements[0].advisory, format!("TEST-{number}"));
    }
}
