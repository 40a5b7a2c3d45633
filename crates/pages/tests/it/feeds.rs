use axum::http::StatusCode;
use parapet_model::Permission as P;
use parapet_model::time::DAY;
use parapet_service::feeds::{ImportOptions, Limits};

use crate::visit::Browser;
use crate::world::World;

/// A host with two findings.
async fn judged() -> World {
    let world = World::new().await;
    world.scan().await;
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.advise("DSA-2-1", "CVE-2026-0002", "stone", None);
    world.import(&ImportOptions::default()).await;
    world
}

/// The same with an import that is held.
async fn held() -> World {
    let world = judged().await;
    world.withdraw("DSA-1-1");
    world.advise("DSA-3-1", "CVE-2026-0003", "wood", None);
    let limits = Limits { max_closed: Some(0), ..Limits::default() };
    let report = world.import(&ImportOptions { limits, ..ImportOptions::default() }).await;
    assert_eq!(report.outcome, "held");
    world
}

#[tokio::test]
async fn a_feed_says_how_old_it_is_in_a_word() {
    let world = judged().await;
    let browser = Browser::new(&world);
    let page = browser.get("/feeds").await;
    page.says("The one feed is fresh")
        .says("Debian osv fresh 2026-11-01T00:00:00Z")
        .says("2 opened 0 closed");
    world.clock.advance(40 * DAY);
    let page = browser.get("/feeds").await;
    page.says("1 of 1 feed is not fresh").says("stale").says("41 days old");
    let list = browser.get("/feeds?format=csv").await;
    assert!(list.text.contains("Debian,osv,Debian:12,2026-11-01T00:00:00Z,stale,2,"), "{}", list.text);
    browser.get("/feeds/of/Debian").await.says("stale").says("Debian:12 2").says("complete");
    assert_eq!(browser.get("/feeds/of/nosuch").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_feed_at_all_is_said_and_so_is_what_the_estate_needs() {
    let world = World::new().await;
    world.scan().await;
    let browser = Browser::new(&world);
    browser.get("/feeds").await.says("No feed is loaded: nothing is judged");
    let part = browser.get("/feeds?part=estate").await;
    part.says("1 of 1 ecosystem of your assets has no feed").says("Debian:12 no-feed").says("2028-06-30");
    assert!(part.text.contains("data-part"), "the page takes this part from the answer");
    let assets = browser.get("/feeds/assets?ecosystem=Debian:12").await;
    assets.says("Assets with packages of Debian:12").says("fixture host").says("1–1 of 1");
    let list = browser.get("/feeds/assets?ecosystem=Debian:12&format=csv").await;
    assert!(list.text.contains("fixture,host,"), "{}", list.text);

    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.import(&ImportOptions::default()).await;
    browser.get("/feeds?part=estate").await.says("The one ecosystem of your assets has a feed");
    world.clock.set(parapet_model::time::parse_instant("2028-07-02").unwrap());
    browser.get("/feeds?part=estate").await.says("1 release is past its end of life").says("ended 1 day ago");
    let list = browser.get("/feeds?part=estate&format=csv").await;
    assert!(list.text.contains(",1,2028-06-30"), "{}", list.text);
}

#[tokio::test]
async fn a_held_import_is_shown_with_what_it_would_do_and_accepted() {
    let world = held().await;
    let browser = Browser::new(&world);
    let page = browser.get("/feeds").await;
    page.says("it would close 1 finding, the limit is 0").says("findings it would open 1");
    page.says("opens CVE-2026-0003 on 1 finding").says("Accept Debian").says("Reject…");
    let reader = Browser::with_rights(&world, &[P::FeedsRead]);
    let seen = reader.get("/feeds").await;
    seen.says("it would close 1 finding")
        .never_says("Accept Debian")
        .never_says("Reject")
        .never_says("Sync all");
    reader.get("/feeds/of/Debian").await.says("held").never_says("Accept").never_says("Roll back");
    assert_ne!(reader.post("/feeds/of/Debian/accept", &[]).await.status, StatusCode::SEE_OTHER);

    let run = browser.post("/feeds/of/Debian/accept", &[]).await.location;
    assert!(run.starts_with("/sources/runs/"), "{run}");
    world.app.run_jobs().await.unwrap();
    browser.get(&run).await.says("Held import of Debian accepted").says("1 finding opened, 1 closed.");
    browser.get("/feeds").await.never_says("Held for a decision");
    assert_eq!(world.findings(), ["CVE-2026-0002 stone 2.0-1", "CVE-2026-0003 wood 3.0-1"]);
}

#[tokio::test]
async fn a_held_import_is_rejected_and_a_feed_rolled_back() {
    let world = held().await;
    let browser = Browser::new(&world);
    let done = browser.post("/feeds/of/Debian/reject", &[]).await.location;
    browser.get(&done).await.says("The held import is rejected").says("rejected").never_says("Accept");
    let twice = browser.post("/feeds/of/Debian/reject", &[]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    browser.get("/feeds/of/Debian").await.says("Roll back…").says("what it opened (2 matches) closes");
    let done = browser.post("/feeds/of/Debian/rollback", &[]).await.location;
    browser.get(&done).await.says("The feed says again what it said before").says("rolled back");
    assert!(world.findings().is_empty());
}

#[tokio::test]
async fn a_sync_that_fails_is_told_beside_its_feed() {
    let world = World::new().await;
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    let location = Some("http://127.0.0.1:1/all.zip".to_owned());
    world.import(&ImportOptions { location, ..ImportOptions::default() }).await;
    let browser = Browser::new(&world);
    world.clock.advance(DAY);
    let run = browser.post("/feeds/sync", &[("feed", "Debian")]).await.location;
    world.app.run_jobs().await.unwrap();
    browser.get(&run).await.says("Sync of Debian").says("failed").never_says("Try again");
    let page = browser.get("/feeds").await;
    page.says("no feed could be loaded").says("2026-11-03T");
    browser.get("/feeds/of/Debian").await.says("its last sync").says("no feed could be loaded");
}
