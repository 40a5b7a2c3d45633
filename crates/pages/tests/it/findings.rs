use axum::http::StatusCode;
use parapet_model::Permission;
use parapet_service::feeds::ImportOptions;

use crate::visit::Browser;
use crate::world::World;

/// A host with two findings, one of them fixable.
pub(crate) async fn two_findings() -> World {
    let world = World::new().await;
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.advise("DEBIAN-CVE-2026-0002", "CVE-2026-0002", "stone", None);
    world.scan().await;
    world.import(&ImportOptions::default()).await;
    world
}

#[tokio::test]
async fn a_question_finds_groups_and_exact_totals() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let page = browser.get("/findings").await;
    page.says("CVE-2026-0001").says("CVE-2026-0002").says("1–2 of 2");
    let page = browser.get("/findings?where=fixable").await;
    page.says("CVE-2026-0001").never_says("CVE-2026-0002").says("1–1 of 1");
    browser.get("/findings?where=fixable&group=asset").await.says("fixture").says("1–1 of 1");
}

#[tokio::test]
async fn a_mistake_is_shown_under_its_caret_above_the_last_good_rows() {
    let world = two_findings().await;
    let page = Browser::new(&world).get("/findings?where=fixable+and+awful&good=fixable").await;
    assert!(page.text.contains("fixable and awful\n            ^ no field"), "{}", page.text);
    page.says("CVE-2026-0001").never_says("CVE-2026-0002");
}

#[tokio::test]
async fn a_good_question_from_the_search_box_gets_its_own_address() {
    let world = two_findings().await;
    let answer = Browser::new(&world).get("/findings?where=fixable+AND+not+kev&good=").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location, "/findings?where=fixable%20and%20not%20kev");
}

#[tokio::test]
async fn an_empty_list_says_why_it_is_empty() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    browser.get("/findings").await.says("Nothing is scanned yet").says("Add a registry");
    let reader = Browser::with_rights(&world, &[Permission::FindingsRead]);
    reader.get("/findings").await.says("Nothing is scanned yet").never_says("Add a registry");
    world.scan().await;
    browser.get("/findings").await.says("not everything is judged");
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.import(&ImportOptions::default()).await;
    let page = browser.get("/findings?where=fixable+and+package+%3D+nosuch").await;
    page.says("This term finds nothing by itself: package = \"nosuch\"");
    world.install(&[("glass", "1.0-2")]);
    world.scan().await;
    browser.get("/findings").await.says("Assessed and clean");
}

#[tokio::test]
async fn back_costs_nothing_until_something_changes() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let first = browser.get("/findings").await;
    let again = browser.ask("/findings", &[("If-None-Match", &first.tag)]).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    world.install(&[("glass", "1.0-2")]);
    world.scan().await;
    let changed = browser.ask("/findings", &[("If-None-Match", &first.tag)]).await;
    assert_eq!(changed.status, StatusCode::OK);
}

#[tokio::test]
async fn a_list_is_downloaded_by_asking_for_csv() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let list = browser.ask("/findings", &[("Accept", "text/csv")]).await;
    assert_eq!(list.text.lines().count(), 3, "{}", list.text);
    assert!(list.text.starts_with("vulnerability,title,severity"), "{}", list.text);
    let assets = browser.get("/findings?group=asset&format=csv").await;
    assert!(assets.text.contains("fixture,"), "{}", assets.text);
}

#[tokio::test]
async fn who_pages_on_stays_in_the_state_they_began_in() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    browser.get("/findings").await;
    let seq = world.app.live().snapshot().seq();
    world.install(&[("wood", "3.0-1")]);
    world.scan().await;
    let pinned = browser.get(&format!("/findings?at={seq}")).await;
    pinned.says("1–2 of 2").says("changes since");
    browser.get("/findings").await.never_says("changes since");
}
