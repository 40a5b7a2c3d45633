//! Posture kept in a file from one start to the next: it gives the same answers as the store, or none.

use std::convert::Infallible;
use std::ops::ControlFlow;

use parapet_model::Filter;
use parapet_model::facts::Change;
use parapet_posture::Query;
use parapet_posture::oracle::OracleRow;
use parapet_service::App;
use parapet_service::feeds::ImportOptions;
use parapet_service::generate::{Shape, Wishes};

use crate::world::World;

/// An estate with everything that facts can hold: images, containers, hosts with changes, exceptions.
async fn estate() -> World {
    let world = World::new().await;
    world.app.feeds().import_starter(&world.who).await.unwrap();
    let wishes = Wishes {
        images: 20,
        containers: 25,
        hosts: 4,
        packages_per_image: 20,
        seed: 3,
        shape: Shape::Layered,
        history: None,
    };
    world.app.generate(&world.who, &wishes, &|_| ()).await.unwrap();
    world.app.live().catch_up().await.unwrap();
    world
}

/// All facts of a posture, and all its findings.
fn told(world: &World, app: &App) -> (Vec<Change>, Vec<OracleRow>) {
    let (snapshot, scope) = (app.live().snapshot(), world.who.scope());
    let (mut facts, mut rows) = (Vec::new(), Vec::new());
    // The position moves when the store learns of the file, and nothing else does.
    let _ = snapshot.each_part(|part| -> Result<(), Infallible> {
        facts.push(Change { seq: 0, recorded: 0, ..part });
        Ok(())
    });
    let query = Query { include_not_run_here: true, ..Query::new(&scope, &Filter::All, app.now()) };
    let _ = snapshot.findings(&query, |row| {
        rows.push(OracleRow::of(row));
        ControlFlow::Continue(())
    });
    (facts, rows)
}

/// Opens the store once more; whether it began with the file, and that this makes no difference.
async fn begins_with_file(world: &World) -> bool {
    let file = world.path("posture");
    let app = world.opened_again().await;
    let began = app.live().has_checkpoint().await;
    let kept = std::fs::read(&file).ok();
    let _ = std::fs::remove_file(&file);
    let from_store = world.opened_again().await;
    assert!(!from_store.live().has_checkpoint().await);
    if let Some(kept) = kept {
        std::fs::write(&file, kept).unwrap();
    }
    let (told, wanted) = (told(world, &app), told(world, &from_store));
    assert!(!wanted.1.is_empty(), "there are findings");
    assert!(told == wanted, "what the file says differs from the store");
    began
}

#[tokio::test]
async fn a_start_takes_up_what_was_kept_and_what_happened_since() {
    let world = estate().await;
    assert!(!begins_with_file(&world).await, "nothing was kept yet");
    world.app.live().checkpoint().await.unwrap();
    assert!(begins_with_file(&world).await);

    world.scan().await;
    world.advise("DEBIAN-CVE-2026-0001", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.import(&ImportOptions::default()).await;
    assert!(begins_with_file(&world).await, "the log tells what came since");

    let before = std::fs::read(world.path("posture")).unwrap();
    world.app.live().checkpoint().await.unwrap();
    assert_ne!(std::fs::read(world.path("posture")).unwrap(), before);
    let again = std::fs::read(world.path("posture")).unwrap();
    world.app.live().catch_up().await.unwrap();
    world.app.live().checkpoint().await.unwrap();
    assert_eq!(std::fs::read(world.path("posture")).unwrap(), again, "nothing happened, nothing was written");
    assert!(begins_with_file(&world).await);
}

#[tokio::test]
async fn a_file_that_is_cut_short_or_damaged_is_left_alone() {
    let world = estate().await;
    world.app.live().checkpoint().await.unwrap();
    let file = world.path("posture");
    let whole = std::fs::read(&file).unwrap();
    for place in [0, 3, 17, 40, whole.len() / 3, whole.len() / 2, whole.len() - 9] {
        std::fs::write(&file, &whole[..place]).unwrap();
        assert!(!begins_with_file(&world).await, "cut at {place}");
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        std::fs::write(&file, &damaged).unwrap();
        assert!(!begins_with_file(&world).await, "damaged at {place}");
    }
    std::fs::write(&file, &whole).unwrap();
    assert!(begins_with_file(&world).await);
}

#[tokio::test]
async fn a_store_restored_from_a_backup_does_not_take_up_what_came_after_it() {
    let world = estate().await;
    world.app.live().checkpoint().await.unwrap();
    assert!(begins_with_file(&world).await);
    // The store of before does not know this file.
    let mut tx = world.app.store().begin().await.unwrap();
    let (token, another) = (token(&std::fs::read(world.path("posture")).unwrap()), uuid::Uuid::from_u128(7));
    tx.remember_checkpoint(&another, Some(&token), world.app.now(), 0).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!begins_with_file(&world).await);
}

#[tokio::test]
async fn another_store_does_not_take_it_up() {
    let (world, other) = (estate().await, estate().await);
    world.app.live().checkpoint().await.unwrap();
    std::fs::copy(world.path("posture"), other.path("posture")).unwrap();
    assert!(!begins_with_file(&other).await);
}

/// By what the store knows a file.
fn token(file: &[u8]) -> uuid::Uuid {
    let size = u32::from_le_bytes(file[16..20].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&file[20..20 + size]).unwrap();
    header["token"].as_str().unwrap().parse().unwrap()
}
