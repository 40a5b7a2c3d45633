//! A scan that needs no store says what one with a store says.

use parapet_model::{AssetNo, Coverage, PackageKey, Principal};
use parapet_service::scan::{Alone, ScanOptions, Target};
use parapet_service::{View, gaps_of};
use uuid::Uuid;

use crate::world::World;

const BOM: &str = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6",
    "metadata": {"component": {"type": "container", "name": "shop", "version": "7"}},
    "components": [
        {"type": "library", "name": "left", "version": "1.0", "purl": "pkg:npm/left@1.0"},
        {"type": "library", "name": "left", "version": "1.0", "purl": "pkg:npm/left@1.0"},
        {"type": "library", "name": "right", "version": "no version", "purl": "pkg:pypi/right@no%20version"}]}"#;

/// Its packages with their words, its word, and what was not assessed.
fn shown(view: &View, who: &Principal, asset: Uuid) -> (Vec<(PackageKey, Coverage)>, Coverage, Vec<String>) {
    let scope = who.scope();
    let no: AssetNo = view.snapshot.asset_by_uuid(&scope, asset).unwrap().no;
    let packages = view.snapshot.packages_of(&scope, no).unwrap();
    let mut packages: Vec<_> =
        packages.iter().map(|shown| (shown.package.key.clone(), shown.coverage)).collect();
    packages.sort_unstable();
    let word = view.snapshot.coverage_of(&scope, no).unwrap().word;
    (packages, word, gaps_of(view, &scope, no).iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn a_scan_without_a_store_says_what_one_with_a_store_says() {
    let world = World::new().await;
    world.write("shop.json", BOM);
    world.write("root/srv/shop/package.json", "{\"name\": \"shop\", \"version\": \"7.0.0\"}");
    world.write("root/var/lib/rpm/rpmdb.sqlite", "not a database");
    world.write("empty/etc/machine-id", "");
    for target in ["rootfs:root", "rootfs:empty", "sbom:shop.json"] {
        let (kind, name) = target.split_once(':').unwrap();
        let target: Target = format!("{kind}:{}", world.path(name).display()).parse().unwrap();
        let options = ScanOptions::default();
        let stored = world.app.scans().scan(&world.who, &target, &options).await.unwrap();
        let with = world.app.findings().view(None, None).await.unwrap();
        let alone = Alone::read(&target, &options, &world.clock).await.unwrap();
        let (report, who) = (alone.report(), alone.principal());
        let without = alone.view();
        let both = [&report, &stored].map(|report| serde_json::to_value(report).unwrap());
        assert_eq!(both[0], both[1]);
        let said = shown(&without, &who, report.asset);
        assert_eq!(said, shown(&with, &world.who, stored.asset));
        assert!(!said.2.is_empty(), "{target}");
    }
}
