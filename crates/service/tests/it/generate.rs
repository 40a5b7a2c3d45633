//! Synthetic estates: the same wishes give the same facts, and findings are those of plain loops.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use parapet_model::asset::ContainerState;
use parapet_model::facts::{AssetRow, Change};
use parapet_model::time::DAY;
use parapet_model::{AssetKind, Clock as _, Filter, TestClock};
use parapet_posture::Query;
use parapet_posture::oracle::{self, Facts, OracleRow};
use parapet_service::PastInstant;
use parapet_service::generate::{Generated, History, Shape, Wishes};

use crate::world::World;

fn wishes() -> Wishes {
    let (images, containers, hosts, packages_per_image) = (45, 60, 4, 30);
    Wishes { images, containers, hosts, packages_per_image, seed: 7, shape: Shape::Layered, history: None }
}

async fn generated(wishes: &Wishes, with_feed: bool) -> (World, Generated) {
    let world = World::new().await;
    if with_feed {
        world.app.feeds().import_starter(&world.who).await.unwrap();
    }
    let done = world.app.generate(&world.who, wishes, &|_| ()).await.unwrap();
    world.app.live().catch_up().await.unwrap();
    (world, done)
}

/// The facts but for what nobody can foretell: ids of exceptions.
async fn facts(world: &World) -> Change {
    let mut facts = world.app.store().load_all().await.unwrap();
    facts.exceptions.iter_mut().for_each(|exception| exception.uuid = uuid::Uuid::nil());
    facts
}

#[tokio::test]
async fn the_same_seed_gives_the_same_facts_and_another_does_not() {
    let (first, done) = generated(&wishes(), true).await;
    let (second, again) = generated(&wishes(), true).await;
    assert_eq!(done, again);
    let (a, b) = (facts(&first).await, facts(&second).await);
    assert_eq!(a.assets, b.assets);
    assert_eq!((a.packages, a.sets, a.matches), (b.packages, b.sets, b.matches));
    assert_eq!(a.exceptions, b.exceptions);
    let (other, _) = generated(&Wishes { seed: 8, ..wishes() }, true).await;
    assert_ne!(facts(&other).await.assets, b.assets);
}

#[tokio::test]
async fn counts_are_those_asked_for_and_nothing_doubles() {
    let (world, done) = generated(&wishes(), true).await;
    assert_eq!((done.images, done.containers, done.hosts), (45, 60, 4));
    assert_eq!(done.moved_tags, 3, "one for each repository");
    assert!(done.from_advisories && done.exceptions == 7);
    let facts = facts(&world).await;
    let of = |kind: AssetKind| facts.assets.iter().filter(move |asset| asset.kind == kind);
    assert_eq!([AssetKind::Image, AssetKind::Container, AssetKind::Host].map(|k| of(k).count()), [45, 60, 4]);
    let members = |asset: &AssetRow| -> usize {
        let set = |no| facts.sets.iter().find(|set| set.no == no).unwrap();
        asset.links.iter().map(|link| set(link.set).members.len()).sum()
    };
    assert!(of(AssetKind::Image).all(|image| members(image) == 30), "each image has so many packages");
    let bases: BTreeSet<_> = of(AssetKind::Image).map(|image| image.links[0].set).collect();
    assert_eq!(bases.len(), 1, "45 images stand on one base");
    assert!(of(AssetKind::Container).all(|container| container.image.is_some()));
    let states: BTreeSet<_> =
        of(AssetKind::Container).map(|c| format!("{:?}", c.container_state())).collect();
    assert!(states.contains(&format!("{:?}", ContainerState::Running)) && states.len() > 1, "{states:?}");
    let moved = of(AssetKind::Image).flat_map(|image| &image.references).filter(|r| !r.held.is_open());
    assert_eq!(moved.count(), 3, "latest has left the first build");

    let again = world.app.generate(&world.who, &wishes(), &|_| ()).await.unwrap();
    assert_eq!((again.images, again.exceptions), (45, 0));
    let after = self::facts(&world).await;
    assert_eq!((after.assets.len(), after.sets.len()), (facts.assets.len(), facts.sets.len()));
    assert_eq!(after.exceptions, facts.exceptions);
}

#[tokio::test]
async fn findings_of_an_estate_are_those_of_plain_loops() {
    for shape in [Shape::Layered, Shape::Adversarial] {
        let (world, _) = generated(&Wishes { shape, ..wishes() }, true).await;
        let (snapshot, scope, now) = (world.app.live().snapshot(), world.who.scope(), world.app.now());
        let query = Query::new(&scope, &Filter::All, now);
        let mut rows = Vec::new();
        let _ = snapshot.findings(&query, |row| {
            rows.push(OracleRow::of(row));
            ControlFlow::Continue(())
        });
        assert!(rows.len() > 20, "{} findings", rows.len());
        let mut change = world.app.store().load_all().await.unwrap();
        change.coverage = Some(snapshot.ecosystems().to_vec());
        let mut plain = Facts::default();
        plain.apply(change);
        let expected = oracle::findings(&plain, &query);
        assert_eq!(rows.len(), expected.len());
        let key = |row: &OracleRow| (row.asset, row.package, row.vulnerability, row.exception);
        assert!(rows.iter().zip(&expected).all(|(a, b)| key(a) == key(b)));
    }
}

#[tokio::test]
async fn adversarial_images_share_no_set() {
    let (world, done) = generated(&Wishes { shape: Shape::Adversarial, hosts: 0, ..wishes() }, false).await;
    assert!(!done.from_advisories, "no feed is loaded");
    assert_eq!(done.sets, 45);
    let facts = facts(&world).await;
    let sets: BTreeSet<_> = facts.assets.iter().flat_map(|asset| &asset.links).map(|link| link.set).collect();
    assert_eq!(sets.len(), 45);
}

#[tokio::test]
async fn an_estate_with_a_history_was_smaller_in_the_past() {
    let world = World::new().await;
    world.app.feeds().import_starter(&world.who).await.unwrap();
    let (begin, end) = (world.clock.now(), world.clock.now() + 100 * DAY);
    let history = Some(History::until(world.clock.clone(), end));
    let wishes = Wishes { images: 1_000, containers: 0, hosts: 0, history, ..wishes() };
    world.app.generate(&world.who, &wishes, &|_| ()).await.unwrap();
    world.app.live().catch_up().await.unwrap();
    assert_eq!(world.clock.now(), end);
    let scope = world.who.scope();
    let mut found = Vec::new();
    for days in [1, 49, 100] {
        let past = PastInstant { at: begin + days * DAY, hindsight: false };
        let view = world.app.findings().view(Some(past), None).await.unwrap();
        let images = view.snapshot.asset_numbers(&view.query(&scope, &Filter::All)).len();
        found.push((images, view.snapshot.count(&view.query(&scope, &Filter::All)).findings));
    }
    assert_eq!(found.iter().map(|(images, _)| *images).collect::<Vec<_>>(), [250, 500, 1_000]);
    assert!(found.windows(2).all(|pair| pair[0].1 < pair[1].1), "{found:?}");
    // What the store has recorded is not moved into the past.
    let wishes = Wishes { seed: 8, history: Some(History::until(TestClock::at(begin), end)), ..wishes };
    assert!(world.app.generate(&world.who, &wishes, &|_| ()).await.is_err());
}

#[tokio::test]
async fn wishes_that_cannot_be_are_refused() {
    let world = World::new().await;
    let refused = [
        Wishes { images: 0, ..wishes() },
        Wishes { images: 0, containers: 0, hosts: 0, ..wishes() },
        Wishes { packages_per_image: 0, ..wishes() },
        Wishes { images: usize::MAX, ..wishes() },
    ];
    for wishes in refused {
        assert!(world.app.generate(&world.who, &wishes, &|_| ()).await.is_err(), "{wishes:?}");
    }
}
