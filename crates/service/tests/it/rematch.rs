//! Matches that an older matcher computed.

use parapet_model::job::JobKind;
use parapet_model::verdict::ClosingReason;
use parapet_model::{Coverage, MATCHER_VERSION};
use parapet_store::jobs::JobFilter;
use parapet_store::matches::OpenMatch;
use parapet_store::meta;
use parapet_store::packages::NewPackage;

use crate::world::World;

/// A store as an older matcher left it: it had glass wrong, with a finding that is none, and did not
/// understand what is said of stone.
async fn judged_by_an_older_one() -> World {
    let world = World::new().await;
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("0.5"));
    world.advise("DSA-2-1", "CVE-2026-0002", "stone", None);
    world.advise("DSA-3-1", "CVE-2026-0003", "wood", None);
    world.import(&Default::default()).await;
    world.scan().await;
    assert_eq!(world.findings(), ["CVE-2026-0002 stone 2.0-1", "CVE-2026-0003 wood 3.0-1"]);

    let snapshot = world.app.live().snapshot();
    let number = |name: &str| snapshot.packages_named(name).map(|row| row.no).next().unwrap();
    let mut tx = world.app.store().begin().await.unwrap();
    let stone = tx.matches_of_packages(&[number("stone")]).await.unwrap().remove(0);
    tx.close_matches(&[stone.key()], ClosingReason::MatcherChanged).await.unwrap();
    let advisory = tx.advisories_by_id("DSA-1-1").await.unwrap()[0];
    let vulnerability = tx.vulnerability_numbers(&["CVE-2026-0001"]).await.unwrap()[0];
    tx.open_matches(&[OpenMatch { package: number("glass"), advisory, vulnerability, ..stone }])
        .await
        .unwrap();
    tx.set_meta(meta::MATCHER_VERSION, &(MATCHER_VERSION - 1).to_string()).await.unwrap();
    tx.commit().await.unwrap();
    world.app.live().catch_up().await.unwrap();
    assert_eq!(world.findings(), ["CVE-2026-0001 glass 1.0-1", "CVE-2026-0003 wood 3.0-1"]);
    world
}

#[tokio::test]
async fn a_better_matcher_judges_again_and_says_so() {
    let world = judged_by_an_older_one().await;
    world.clock.advance(1_000);
    let job = world.app.rematch_if_needed().await.unwrap().unwrap();
    let filter = JobFilter { kind: Some(JobKind::Rematch), ..JobFilter::default() };
    let page = world.app.jobs().list(&world.who, &filter, u32::MAX, 10).await.unwrap();
    assert_eq!(page.jobs.iter().map(|job| job.uuid).collect::<Vec<_>>(), [job], "people see it");
    assert_eq!(world.app.rematch_if_needed().await.unwrap(), Some(job), "it is one job");

    assert_eq!(world.app.run_jobs().await.unwrap(), 1);
    assert_eq!(world.findings(), ["CVE-2026-0002 stone 2.0-1", "CVE-2026-0003 wood 3.0-1"]);
    assert_eq!(world.closing_reasons("glass").await, ["matcher_changed"]);
    assert!(world.closing_reasons("wood").await.is_empty(), "what stays the same is not touched");
    let (job, _) = world.app.jobs().get(&world.who, job).await.unwrap();
    assert_eq!(job.result.unwrap().get(), r#"{"matches_closed":1,"matches_opened":1}"#);
    assert_eq!(world.app.rematch_if_needed().await.unwrap(), None, "the store knows its matcher");
}

#[tokio::test]
async fn a_better_matcher_looks_at_packages_again_too() {
    let world = judged_by_an_older_one().await;
    let snapshot = world.app.live().snapshot();
    let wood = snapshot.packages_named("wood").next().unwrap().clone();
    let mut tx = world.app.store().begin().await.unwrap();
    let thought = NewPackage {
        key: wood.key.clone(),
        coverage: Coverage::VersionUnparsed,
        kernel: true,
        match_keys: Vec::new(),
    };
    tx.describe_packages(&[(wood, thought)]).await.unwrap();
    tx.commit().await.unwrap();
    world.app.live().catch_up().await.unwrap();
    world.app.rematch_if_needed().await.unwrap().unwrap();
    world.app.run_jobs().await.unwrap();

    let snapshot = world.app.live().snapshot();
    let wood = snapshot.packages_named("wood").next().unwrap();
    assert_eq!((wood.coverage, wood.kernel), (Coverage::Assessed, false));
    assert_eq!(world.findings(), ["CVE-2026-0002 stone 2.0-1", "CVE-2026-0003 wood 3.0-1"]);
}

#[tokio::test]
async fn a_new_store_needs_no_job() {
    let world = World::new().await;
    let mut tx = world.app.store().begin().await.unwrap();
    tx.set_meta(meta::MATCHER_VERSION, "0").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.app.rematch_if_needed().await.unwrap(), None);
    assert_eq!(world.app.run_jobs().await.unwrap(), 0);
}
