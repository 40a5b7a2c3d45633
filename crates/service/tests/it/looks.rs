//! Looks at the world that come late, or from an older reader.

use crate::world::World;

#[tokio::test]
async fn an_old_look_becomes_history_and_the_answer_says_so() {
    let world = World::new().await;
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.import(&Default::default()).await;
    assert_eq!(world.scan().await.outcome, "new");
    let now = world.findings();
    assert_eq!(now, ["CVE-2026-0001 glass 1.0-1"]);

    // Another agent's clock, or an upload that waited: a look at what was before.
    world.clock.advance(-60_000);
    world.install(&[("glass", "0.9-1"), ("clay", "4.0-1")]);
    let late = world.scan().await;
    assert_eq!(late.outcome, "older");
    assert_eq!(world.findings(), now, "the present stays");

    world.clock.advance(120_000);
    world.install(&[("glass", "1.0-2")]);
    assert_eq!(world.scan().await.outcome, "changed");
    assert!(world.findings().is_empty());
}
