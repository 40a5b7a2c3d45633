//! Images, their digests and references, and containers.

use parapet_model::asset::ScanState;
use parapet_model::asset::{ContainerFacts, ContainerState, ImageFacts};
use parapet_model::facts::AssetRow;
use parapet_model::id::EnterpriseProjectNo;
use parapet_model::verdict::ClosingReason;
use parapet_model::{AssetNo, Digest};
use parapet_store::Store;
use parapet_store::assets::{ContainerObservation, ImageObservation, Outcome};

use crate::estate::{PROJECT, image, look, manifest, raw_numbers, set, tagged};
use crate::support::{TestStore, on_both_stores};

async fn asset(store: &Store, no: AssetNo) -> AssetRow {
    store.read().await.unwrap().asset(no).await.unwrap().unwrap()
}

fn open_tags(asset: &AssetRow) -> Vec<&str> {
    asset.references.iter().filter(|r| r.held.is_open()).map(|r| r.reference.tag.as_str()).collect()
}

#[test]
fn a_rescan_by_the_same_reader_moves_only_the_time_of_the_look() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let first = image(&mut tx, 1, Some("v1"), 10, 1, &["bash", "zlib"]).await;
        tx.commit().await.unwrap();
        assert_eq!((first.outcome, first.reference_moved), (Outcome::New, true));
        let before = asset(&t.store, first.asset).await;

        let mut tx = t.store.begin().await.unwrap();
        let again = image(&mut tx, 1, Some("v1"), 20, 1, &["bash", "zlib"]).await;
        tx.commit().await.unwrap();
        assert_eq!(
            (again.asset, again.outcome, again.reference_moved),
            (first.asset, Outcome::Unchanged, false)
        );
        let after = asset(&t.store, first.asset).await;
        assert_eq!((after.observed, before.observed), (20, 10));
        assert_eq!(
            (&after.links, &after.references, after.first_seen),
            (&before.links, &before.references, before.first_seen)
        );

        let mut tx = t.store.begin().await.unwrap();
        let same_upload = image(&mut tx, 1, Some("v1"), 20, 1, &["bash", "zlib"]).await;
        assert_eq!(same_upload.outcome, Outcome::Duplicate);
        assert_eq!(tx.commit().await.unwrap().rows, 0);
    });
}

#[test]
fn a_better_reader_replaces_what_is_shown_and_a_worse_one_does_not() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let first = image(&mut tx, 1, None, 10, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        let better = image(&mut tx, 1, None, 20, 2, &["bash", "zlib"]).await;
        let at = tx.recorded();
        tx.commit().await.unwrap();
        assert_eq!(better.outcome, Outcome::Updated);
        let row = asset(&t.store, first.asset).await;
        assert_eq!(row.reader_version, 2);
        assert_eq!(row.links.len(), 2);
        assert_eq!((row.links[0].held.to, row.links[1].held.from), (at, at));
        assert!(row.links[1].held.is_open());
        let closed = raw_numbers(&t, "SELECT closed FROM asset_link ORDER BY from_at").await;
        assert_eq!(closed, [ClosingReason::ReaderChanged as i64, 0]);

        let mut tx = t.store.begin().await.unwrap();
        let worse = image(&mut tx, 1, None, 30, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        assert_eq!(worse.outcome, Outcome::Unchanged);
        assert_eq!(asset(&t.store, first.asset).await.links, row.links);
    });
}

#[test]
fn tags_move_and_an_older_look_does_not_move_them_back() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let old = image(&mut tx, 1, Some("latest"), 10, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        let new = image(&mut tx, 2, Some("latest"), 20, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        assert!(new.reference_moved);
        assert_eq!(open_tags(&asset(&t.store, old.asset).await), [""; 0]);
        assert_eq!(open_tags(&asset(&t.store, new.asset).await), ["latest"]);

        // A scan taken at 15 arrives late: a new image, but the tag stays.
        let mut tx = t.store.begin().await.unwrap();
        let late = image(&mut tx, 3, Some("latest"), 15, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        assert_eq!((late.outcome, late.reference_moved), (Outcome::New, false));
        assert_eq!(open_tags(&asset(&t.store, new.asset).await), ["latest"]);
        assert!(asset(&t.store, late.asset).await.references.is_empty());

        // And back on purpose.
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.point_reference(PROJECT, &tagged("latest"), old.asset, 30).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(open_tags(&asset(&t.store, old.asset).await), ["latest"]);
        assert_eq!(open_tags(&asset(&t.store, new.asset).await), [""; 0]);
        assert_eq!(asset(&t.store, old.asset).await.references.len(), 2, "both stints are kept");
    });
}

#[test]
fn tags_that_a_listing_no_longer_shows_end() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let one = image(&mut tx, 1, Some("v1"), 10, 1, &["bash"]).await;
        let two = image(&mut tx, 2, Some("v2"), 10, 1, &["bash"]).await;
        let by_digest = image(&mut tx, 3, Some(""), 10, 1, &["bash"]).await;
        let also_by_digest = image(&mut tx, 4, Some(""), 10, 1, &["bash"]).await;
        let fresh = image(&mut tx, 5, Some("v3"), 99, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        let ended = tx.retire_references(PROJECT, "registry.example", "team/web", &["v2"], 50).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ended, 1, "v3 was seen after the listing");
        let held =
            async |no| asset(&t.store, no).await.references.iter().filter(|r| r.held.is_open()).count();
        assert_eq!(held(one.asset).await, 0);
        for still in [two, by_digest, also_by_digest, fresh] {
            assert_eq!(held(still.asset).await, 1);
        }
    });
}

#[test]
fn an_image_is_found_by_any_of_its_digests_inside_its_project() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let found = image(&mut tx, 1, None, 10, 1, &["bash"]).await;
        let other = tx.ensure_project("other").await.unwrap();
        assert_eq!(tx.find_image(PROJECT, &Digest::of(&[1])).await.unwrap(), Some(found.asset));
        assert_eq!(tx.find_image(PROJECT, &manifest(1)).await.unwrap(), Some(found.asset));
        assert_eq!(tx.find_image(other.no, &manifest(1)).await.unwrap(), None);
        assert_eq!(tx.asset_by_uuid(other.no, &found.uuid).await.unwrap(), None);
        assert_eq!(tx.asset_by_uuid(PROJECT, &found.uuid).await.unwrap().unwrap().no, found.asset);
    });
}

#[test]
fn a_deleted_image_that_comes_back_is_the_same_asset_with_a_gap() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let first = image(&mut tx, 1, Some("v1"), 10, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.delete_asset(first.asset).await.unwrap());
        assert!(!tx.delete_asset(first.asset).await.unwrap());
        let gone = tx.recorded();
        tx.commit().await.unwrap();
        let row = asset(&t.store, first.asset).await;
        assert_eq!((row.held.to, row.links[0].held.to), (gone, gone));
        assert!(open_tags(&row).is_empty());

        t.clock.advance(5_000);
        let mut tx = t.store.begin().await.unwrap();
        let back = image(&mut tx, 1, Some("v1"), 20, 1, &["bash"]).await;
        let at = tx.recorded();
        tx.commit().await.unwrap();
        assert_eq!((back.asset, back.uuid, back.outcome), (first.asset, first.uuid, Outcome::Updated));
        let row = asset(&t.store, first.asset).await;
        assert_eq!((row.held.from, row.held.is_open(), row.first_seen), (at, true, 1_000_000));
        assert_eq!(row.links.iter().filter(|link| link.held.is_open()).count(), 1);
        assert_eq!(open_tags(&row), ["v1"]);
    });
}

#[test]
fn a_failed_scan_is_noted_and_what_was_read_stays() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let first = image(&mut tx, 1, None, 10, 1, &["bash"]).await;
        tx.scan_failed(first.asset, "layer has another digest").await.unwrap();
        tx.set_pinned(first.asset, true).await.unwrap();
        tx.commit().await.unwrap();
        let row = asset(&t.store, first.asset).await;
        assert_eq!(
            (row.scan, row.scan_error.as_str(), row.pinned),
            (ScanState::Failed, "layer has another digest", true)
        );
        assert!(row.links[0].held.is_open());
        let mut tx = t.store.begin().await.unwrap();
        image(&mut tx, 1, None, 20, 1, &["bash"]).await;
        tx.commit().await.unwrap();
        let row = asset(&t.store, first.asset).await;
        assert_eq!((row.scan, row.scan_error.as_str()), (ScanState::Scanned, ""));
    });
}

#[test]
fn a_container_joins_its_image_whichever_digest_the_engine_names() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let known = image(&mut tx, 1, None, 10, 1, &["bash"]).await;
        let joined = tx.record_container(&seen("c1", &running(&[manifest(1)]), 10)).await.unwrap();
        let early = tx.record_container(&seen("c2", &running(&[manifest(2)]), 10)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(asset(&t.store, joined.asset).await.image, Some(known.asset));
        let stand_in = asset(&t.store, early.asset).await.image.unwrap();
        assert_eq!(asset(&t.store, stand_in).await.scan, ScanState::NotScanned);

        // The scan learns the manifest digest; the stand-in gives way.
        let mut tx = t.store.begin().await.unwrap();
        let scanned = image(&mut tx, 2, None, 20, 1, &["zlib"]).await;
        let seq = tx.commit().await.unwrap().seq;
        assert_ne!(scanned.asset, stand_in);
        assert_eq!(asset(&t.store, early.asset).await.image, Some(scanned.asset));
        assert!(!asset(&t.store, stand_in).await.held.is_open());
        let change = t.store.changes_since(seq - 1, 0).await.unwrap().unwrap();
        let told: Vec<AssetNo> = change.assets.iter().map(|asset| asset.no).collect();
        assert!(told.contains(&early.asset) && told.contains(&stand_in) && told.contains(&scanned.asset));

        let mut tx = t.store.begin().await.unwrap();
        let again = tx.record_container(&seen("c2", &running(&[manifest(2)]), 30)).await.unwrap();
        assert_eq!(again.outcome, Outcome::Unchanged);
        let older = tx.record_container(&seen("c2", &running(&[manifest(1)]), 5)).await.unwrap();
        assert_eq!(older.outcome, Outcome::OlderKept);
        tx.commit().await.unwrap();
        assert_eq!(asset(&t.store, early.asset).await.image, Some(scanned.asset));
    });
}

#[test]
fn every_digest_an_engine_names_joins_the_image() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let known = image(&mut tx, 1, None, 10, 1, &["bash"]).await;
        let index = Digest::of(b"an index nobody asked for");
        // The engine knows the image by its manifest, and by an index the server never saw.
        let both = running(&[index, manifest(1)]);
        let joined = tx.record_container(&seen("c1", &both, 10)).await.unwrap();
        // From then on the index alone names it too.
        let by_index = tx.record_container(&seen("c2", &running(&[index]), 10)).await.unwrap();
        let nameless = tx.record_container(&seen("c3", &running(&[]), 10)).await.unwrap();
        tx.commit().await.unwrap();
        for container in [joined, by_index] {
            assert_eq!(asset(&t.store, container.asset).await.image, Some(known.asset));
        }
        assert_eq!(asset(&t.store, nameless.asset).await.image, None);
    });
}

#[test]
fn a_container_keeps_since_when_it_is_in_its_state_and_ends_deleted() {
    on_both_stores(async |t: TestStore| {
        let paused = ContainerFacts { state: ContainerState::Paused, ..running(&[manifest(1)]) };
        let mut tx = t.store.begin().await.unwrap();
        let made = tx.record_container(&seen("c1", &running(&[manifest(1)]), 10)).await.unwrap();
        let same = tx.record_container(&seen("c1", &running(&[manifest(1)]), 20)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(same.outcome, Outcome::Unchanged);
        let row = asset(&t.store, made.asset).await;
        assert_eq!((row.container_state(), row.container_facts.state_since), (ContainerState::Running, 10));
        assert_eq!((row.container_facts.host.as_str(), row.observed), ("node-1", 20));

        let mut tx = t.store.begin().await.unwrap();
        let moved = tx.record_container(&seen("c1", &paused, 30)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(moved.outcome, Outcome::Updated);
        let row = asset(&t.store, made.asset).await;
        assert_eq!((row.container_state(), row.container_facts.state_since), (ContainerState::Paused, 30));

        let mut tx = t.store.begin().await.unwrap();
        assert!(tx.delete_asset(made.asset).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(asset(&t.store, made.asset).await.container_state(), ContainerState::Deleted);
        let mut tx = t.store.begin().await.unwrap();
        tx.record_container(&seen("c1", &paused, 40)).await.unwrap();
        tx.commit().await.unwrap();
        let row = asset(&t.store, made.asset).await;
        assert_eq!((row.container_state(), row.container_facts.state_since), (ContainerState::Paused, 40));
    });
}

#[test]
fn a_batch_is_recorded_as_one_by_one() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let known = image(&mut tx, 1, Some("latest"), 10, 1, &["bash"]).await;
        let waiting = tx.record_container(&seen("waits", &running(&[manifest(3)]), 10)).await.unwrap();
        tx.commit().await.unwrap();
        let stand_in = asset(&t.store, waiting.asset).await.image.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        let sets = [(set(&mut tx, &["bash", "zlib"]).await, "sha256:layer".to_owned())];
        let places = [tagged("latest"), tagged("v2"), tagged("")];
        let facts: Vec<ImageFacts> = (1..=4)
            .map(|config| ImageFacts { manifest_digests: vec![manifest(config)], ..ImageFacts::default() })
            .collect();
        // A known one, two that take the tag one after the other, one of them twice, one by digest.
        let looks = [(1, 20, None), (2, 30, Some(0)), (3, 40, Some(0)), (3, 50, Some(1)), (4, 60, Some(2))];
        let batch: Vec<ImageObservation<'_>> = looks
            .iter()
            .map(|&(config, observed, place)| ImageObservation {
                look: look("image", observed, observed as u8),
                config: Digest::of(&[config]),
                facts: &facts[usize::from(config) - 1],
                reference: place.map(|place: usize| &places[place]),
                sets: &sets,
                pinned: false,
            })
            .collect();
        let recorded = tx.record_images(&batch).await.unwrap();
        let two = [running(&[manifest(3)]), running(&[manifest(9)])];
        let ids = ["waits", "new", "new", "of nobody"];
        let facts = [&two[0], &two[0], &two[0], &two[1]];
        let containers: Vec<_> = ids.iter().zip(facts).map(|(id, facts)| seen(id, facts, 70)).collect();
        let joined = tx.record_containers(&containers).await.unwrap();
        tx.commit().await.unwrap();

        let outcomes: Vec<Outcome> = recorded.iter().map(|r| r.outcome).collect();
        let (new, same) = (Outcome::New, Outcome::Unchanged);
        assert_eq!(outcomes, [same, new, new, same, new]);
        assert_eq!(
            recorded.iter().map(|r| r.reference_moved).collect::<Vec<_>>(),
            [false, true, true, true, true]
        );
        assert_eq!((recorded[0].asset, recorded[2].asset), (known.asset, recorded[3].asset));
        let tags = async |no| open_tags(&asset(&t.store, no).await).join(" ");
        assert_eq!(tags(known.asset).await, "");
        assert_eq!(tags(recorded[1].asset).await, "");
        assert_eq!(tags(recorded[2].asset).await, "latest v2");
        assert!(!asset(&t.store, stand_in).await.held.is_open(), "it gave way to the image that was read");
        assert_eq!(joined.iter().map(|c| c.outcome).collect::<Vec<_>>(), [same, new, same, new]);
        for container in &joined[..3] {
            assert_eq!(asset(&t.store, container.asset).await.image, Some(recorded[2].asset));
        }
        let nobodys = asset(&t.store, joined[3].asset).await.image.unwrap();
        assert_eq!(asset(&t.store, nobodys).await.scan, ScanState::NotScanned);
        assert_eq!(asset(&t.store, joined[1].asset).await.container_facts.state_since, 70);
        let links = asset(&t.store, recorded[2].asset).await.links;
        assert_eq!((links.len(), links[0].layer.as_str()), (1, "sha256:layer"));
    });
}

/// What the engine of `node-1` says of a running container.
fn running(digests: &[Digest]) -> ContainerFacts {
    ContainerFacts {
        state: ContainerState::Running,
        host: "node-1".to_owned(),
        image_digests: digests.to_vec(),
        ..ContainerFacts::default()
    }
}

fn seen<'a>(identity: &'a str, facts: &'a ContainerFacts, observed: i64) -> ContainerObservation<'a> {
    ContainerObservation {
        project: PROJECT,
        enterprise_project: EnterpriseProjectNo(0),
        identity,
        name: identity,
        facts,
        observed,
    }
}
