//! SBOMs attached to an image.

use std::sync::Arc;

use parapet_catalog::{Limits, NoCache};
use parapet_fetch::SharedLayerCache;
use parapet_model::inventory::{Inventory, ReadOutcome};

use crate::fixture::{Layer, Repository};
use crate::peer::Peer;
use crate::world::World;

const CYCLONEDX: &str = "application/vnd.cyclonedx+json";

const BOM: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
    {"type":"library","name":"glass","version":"1","purl":"pkg:deb/debian/glass@1"},
    {"type":"library","name":"y","version":"3","purl":"pkg:pypi/y@3"}]}"#;

/// Scans the image and what is attached to it.
async fn scan(repository: &Repository) -> Inventory {
    let repository = repository.clone();
    let peer = Peer::start(move |seen| repository.answer(seen)).await;
    let registry = World::new().registry(&peer);
    let cache: SharedLayerCache = Arc::new(NoCache);
    let platform = "linux/amd64".parse().unwrap();
    let scanned = registry.scan("a/b", "1", &platform, &cache, &Limits::default()).await;
    let (image, inventory) = scanned.unwrap();
    registry.add_attached("a/b", &image, inventory).await
}

fn names(inventory: &Inventory) -> Vec<String> {
    inventory.packages().map(|found| format!("{} {}", found.database, found.package.name)).collect()
}

#[tokio::test]
async fn referrers_are_read_by_the_list_or_by_the_tag_that_stands_for_it() {
    let mut repository = Repository::default();
    let image = repository.image("1", &[Layer::debian("glass")]);
    assert_eq!(names(&scan(&repository).await), ["dpkg glass"]);

    let index = repository.attach(CYCLONEDX, BOM);
    let mut by_list = repository.clone();
    by_list.referrers.insert(image.to_string(), index.clone());
    let mut by_tag = repository;
    by_tag.manifest(&format!("sha256-{}", image.hex()), "application/vnd.oci.image.index.v1+json", index);
    for repository in [by_list, by_tag] {
        let found = scan(&repository).await;
        assert_eq!(names(&found), ["dpkg glass", "sbom y"]);
        let place = format!("sbom:{}", parapet_model::Digest::of(BOM));
        assert!(
            found
                .databases
                .iter()
                .any(|d| d.path == place && d.outcome == ReadOutcome::Read && d.packages == 2)
        );
    }
}

#[tokio::test]
async fn what_is_attached_and_damaged_or_of_another_kind_fails_nothing() {
    for (kind, document, said) in
        [(CYCLONEDX, &b"no json"[..], true), ("application/vnd.example.signature", b"x", false)]
    {
        let mut repository = Repository::default();
        let image = repository.image("1", &[Layer::debian("glass")]);
        let index = repository.attach(kind, document);
        repository.referrers.insert(image.to_string(), index);
        let found = scan(&repository).await;
        assert_eq!(names(&found), ["dpkg glass"]);
        let unread = found.databases.iter().filter(|d| matches!(d.outcome, ReadOutcome::Unreadable(_)));
        assert_eq!(unread.count() > 0, said, "{kind}");
    }
}
