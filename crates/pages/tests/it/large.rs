//! Pages of estates so large that lists are made before somebody looks at them.

use parapet_service::feeds::ImportOptions;

use crate::findings::two_findings;
use crate::links::{follow, href};
use crate::visit::Browser;
use crate::world::World;

/// One more finding.
async fn clay(world: &World) {
    world.install(&[("glass", "1.0-1"), ("stone", "2.0-1"), ("clay", "3.0-1")]);
    world.scan().await;
}

async fn estate() -> World {
    let world = two_findings().await;
    world.advise("DSA-3-1", "CVE-2026-0003", "clay", None);
    world.import(&ImportOptions::default()).await;
    world
}

#[tokio::test]
async fn lists_show_the_state_that_is_ready_and_say_what_came_since() {
    let world = estate().await;
    let browser = Browser::of_large(&world);
    browser.get("/findings").await.says("1–2 of 2").never_says("since .");
    browser.make_ready().await;
    browser.get("/findings").await.says("1–2 of 2").never_says("since .");
    clay(&world).await;
    let list = browser.get("/findings").await;
    list.says("1–2 of 2").says("since .").never_says("CVE-2026-0003");
    for page in ["/", "/assets", "/findings?group=asset", "/packages/pkg:deb%2Fdebian%2Fglass"] {
        browser.get(page).await.says("since .");
    }
    let asset = href(&browser.get("/findings?group=asset").await, "fixture");
    browser.get(&asset).await.says("CVE-2026-0003").never_says("since .");
    let newest = list.text.split("<footer>").nth(1).unwrap().split("href=\"").nth(1).unwrap();
    let newest = newest.split('"').next().unwrap();
    browser.get(newest).await.says("1–3 of 3").never_says("since .");
    browser.make_ready().await;
    browser.get("/findings").await.says("1–3 of 3").never_says("since .");
}

#[tokio::test]
async fn whoever_sends_a_form_sees_what_it_did_in_every_list() {
    let world = estate().await;
    let browser = Browser::of_large(&world);
    browser.make_ready().await;
    clay(&world).await;
    browser.get("/findings").await.says("1–2 of 2");
    let fields = [("act", "request"), ("title", "Glass"), ("where", "package = glass"), ("until", "30")];
    browser.post("/exceptions/new", &fields).await;
    browser.get("/findings?where=excepted").await.says("CVE-2026-0001").says("1–1 of 1");
    browser.get("/findings").await.says("1–3 of 3").never_says("since .");
}

#[tokio::test]
async fn a_past_day_is_said_to_be_worked_out_and_then_there_at_once() {
    let world = estate().await;
    world.clock.advance(parapet_model::time::DAY);
    clay(&world).await;
    let browser = Browser::of_large(&world);
    for (address, rows) in [
        ("/findings?as_of=2026-11-02T12:00:00Z", "1–2 of 2"),
        ("/findings?from=2026-11-02T13:00:00Z", "1 finding opened"),
    ] {
        let waits = browser.get(address).await;
        waits.says("is worked out from what was recorded").never_says(rows);
        let part = follow(&browser, &waits, "Show it").await;
        part.says(rows);
        assert!(waits.text.contains("data-load=") && part.text.contains("data-part"), "the script shows it");
        browser.get(address).await.says(rows).never_says("worked out");
    }
    let file = browser.get("/findings?as_of=2026-11-02T14:00:00Z&format=csv").await;
    assert_eq!(file.text.lines().count(), 3, "a file waits: {}", file.text);
}
