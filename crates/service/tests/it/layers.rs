//! Images that share layers, scanned at the same time.

use std::sync::Arc;

use parapet_model::Filter;
use parapet_posture::{AssetOrder, Query, Window};
use parapet_service::scan::{ScanOptions, Target};

use crate::registry::TestRegistry;
use crate::world::World;

const TAGS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_tags_on_one_base_read_each_layer_once() {
    let (world, registry) = (World::new().await, TestRegistry::start().await);
    let status = |name: &str| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n")
    };
    let base = [("etc/os-release", "ID=debian\nVERSION_ID=12\n"), ("var/lib/dpkg/status", &*status("base"))];
    for tag in 0..TAGS {
        let family = format!("shared by the tags of a family: {}", tag % 10);
        let own = status(&format!("own{tag}"));
        let layers: [&[(&str, &str)]; 3] =
            [&base, &[("srv/family", &family)], &[("var/lib/dpkg/status", &own)]];
        registry.layered("team/web", &format!("v{tag}"), &layers, "2026-01-01T00:00:00Z");
    }
    let host = registry.endpoint.strip_prefix("http://").unwrap().to_owned();
    let scans = (0..TAGS).map(|tag| {
        let (app, who) = (Arc::clone(&world.app), world.who.clone());
        let target: Target = format!("{host}/team/web:v{tag}").parse().unwrap();
        let options = ScanOptions { plain_http: true, ..ScanOptions::default() };
        tokio::spawn(async move { app.scans().scan(&who, &target, &options).await.unwrap().packages })
    });
    let scans: Vec<_> = scans.collect();
    for scan in scans {
        assert_eq!(scan.await.unwrap(), 1);
    }
    let reads = registry.reads();
    // One base, ten families, and for each tag its own layer and its config.
    assert_eq!(reads.len(), 1 + 10 + 2 * TAGS);
    assert!(reads.values().all(|times| *times == 1), "{reads:?}");
    println!("{TAGS} tags on one base: {} blobs of them, each read once", reads.len());
    let scope = world.who.scope();
    let query = Query::new(&scope, &Filter::All, world.app.now());
    let list =
        world.app.live().snapshot().assets(&query, AssetOrder::Number, Window { offset: 0, limit: 1 }).total;
    assert_eq!(list, TAGS);
}
