//! Imports held for a decision.

use parapet_model::Principal;
use parapet_service::feeds::{FeedStatus, ImportOptions, Limits};
use parapet_store::audit::AuditFilter;
use parapet_store::feeds::FeedState;

use crate::world::World;

fn at_most_one_closed() -> ImportOptions {
    ImportOptions { limits: Limits { max_closed: Some(1), ..Limits::default() }, ..Default::default() }
}

/// A host of the project and one of another project, both with a finding that the feed is about to
/// withdraw; the import is held.
async fn held() -> (World, Principal) {
    let world = World::new().await;
    let mut tx = world.app.store().begin().await.unwrap();
    let other = Principal::local(tx.ensure_project("other").await.unwrap().no);
    tx.commit().await.unwrap();
    world.scan().await;
    world.scan_as(&other).await;
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.advise("DSA-2-1", "CVE-2026-0002", "stone", None);
    world.import(&ImportOptions::default()).await;
    world.withdraw("DSA-1-1");
    world.advise("DSA-3-1", "CVE-2026-0003", "wood", None);
    let report = world.import(&at_most_one_closed()).await;
    assert_eq!(report.outcome, "held", "one finding of the asker, but two over all projects");
    assert_eq!((report.findings_closed, report.findings_opened), (2, 2));
    (world, other)
}

async fn status(world: &World) -> FeedStatus {
    world.app.feeds().status(&world.who).await.unwrap().remove(0)
}

async fn actions(world: &World) -> Vec<String> {
    let filter = AuditFilter { kind: "feed", ..AuditFilter::default() };
    let events = world.app.audit(&world.who, &filter, u32::MAX, 10).await.unwrap();
    events.into_iter().map(|event| event.action).collect()
}

const BEFORE: [&str; 2] = ["CVE-2026-0001 glass 1.0-1", "CVE-2026-0002 stone 2.0-1"];
const AFTER: [&str; 2] = ["CVE-2026-0002 stone 2.0-1", "CVE-2026-0003 wood 3.0-1"];

#[tokio::test]
async fn an_accepted_import_changes_posture_with_its_reasons() {
    let (world, other) = held().await;
    assert_eq!(world.findings(), BEFORE);
    let waiting = status(&world).await;
    assert_eq!(waiting.held.unwrap().failures, ["it would close 2 findings, the limit is 1"]);
    assert_eq!(waiting.imports[0].state, FeedState::Held);

    // What the publisher says by now does not matter.
    world.withdraw("DSA-2-1");
    let job = world.app.feeds().accept_job(&world.who, "Debian").await.unwrap();
    assert_eq!(world.app.run_jobs().await.unwrap(), 1);
    let (job, _) = world.app.jobs().get(&world.who, job).await.unwrap();
    assert!(job.result.is_some_and(|r| r.get().contains("accepted")));
    assert_eq!(world.findings(), AFTER);
    assert_eq!(world.findings_of(&other), AFTER);
    assert_eq!(world.closing_reasons("glass").await, ["withdrawn"]);

    let done = status(&world).await;
    assert!(done.held.is_none());
    assert_eq!((done.imports[0].state, done.feed.records), (FeedState::Complete, 2));
    assert_eq!(actions(&world).await[0], "accept");
    let again = world.app.feeds().accept(&world.who, "Debian", None).await.unwrap_err();
    assert_eq!(again.to_string(), "no import of feed \"Debian\" is held");
    world.app.feeds().rollback(&world.who, "Debian").await.unwrap();
    assert_eq!(world.findings(), BEFORE, "an accepted import is taken back like any other");
}

#[tokio::test]
async fn a_rejected_import_is_gone() {
    let (world, _) = held().await;
    let report = world.app.feeds().reject(&world.who, "Debian").await.unwrap();
    assert_eq!((report.outcome.as_str(), report.findings_closed), ("rejected", 2));
    assert_eq!(world.findings(), BEFORE);
    let done = status(&world).await;
    assert!(done.held.is_none());
    assert_eq!((done.imports[0].state, done.feed.state), (FeedState::Rejected, FeedState::Complete));
    assert_eq!(actions(&world).await[0], "reject");
    assert!(world.app.feeds().reject(&world.who, "Debian").await.is_err());
    let again = world.import(&at_most_one_closed()).await;
    assert_eq!(again.outcome, "held", "the same content is measured anew");
}

#[tokio::test]
async fn a_held_import_waits_once_and_ends_when_its_feed_moves_on() {
    let (world, _) = held().await;
    let import = status(&world).await.imports[0].no;
    assert_eq!(world.import(&at_most_one_closed()).await.outcome, "held");
    assert_eq!(status(&world).await.imports[0].no, import, "the same content waits already");
    world.advise("DSA-4-1", "CVE-2026-0004", "wood", None);
    assert_eq!(world.import(&at_most_one_closed()).await.outcome, "held");
    let imports = status(&world).await.imports;
    assert_eq!((imports[0].state, imports[1].state), (FeedState::Held, FeedState::Rejected));
    assert_eq!(world.import(&ImportOptions::default()).await.outcome, "imported");
    let done = status(&world).await;
    assert!(done.held.is_none());
    assert_eq!(done.imports[1].state, FeedState::Rejected);
    assert!(world.app.feeds().accept(&world.who, "Debian", None).await.is_err());
}
