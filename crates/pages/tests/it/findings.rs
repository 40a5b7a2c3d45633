use axum::http::StatusCode;
use parapet_model::Permission;
use parapet_model::time::DAY;
use parapet_service::feeds::ImportOptions;

use crate::links::href;
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
    browser.get("/findings").await.says("Assessed and clean").says("judged by Debian 2026-11-01");
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
    pinned.says("1–2 of 2").says("1 change since .");
    browser.get("/findings").await.never_says("since .");
}

#[tokio::test]
async fn a_file_has_the_rows_of_the_list_it_was_offered_on() {
    let world = two_findings().await;
    world.advise("DSA-3-1", "CVE-2026-0003", "clay", None);
    world.import(&ImportOptions::default()).await;
    let browser = Browser::new(&world);
    let file = href(&browser.get("/findings").await, "CSV");
    world.install(&[("glass", "1.0-1"), ("stone", "2.0-1"), ("clay", "3.0-1")]);
    world.scan().await;
    browser.get("/findings").await.says("1–3 of 3");
    let file = browser.get(&file).await.text;
    assert_eq!(file.lines().count(), 3, "{file}");
}

#[tokio::test]
async fn a_state_that_is_kept_no_longer_is_said_to_be_gone() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let page = browser.get("/findings?at=1").await;
    page.says("1–2 of 2").says("The state in which this list began is kept no longer");
    browser.get("/findings").await.never_says("kept no longer");
}

#[tokio::test]
async fn findings_are_grouped_by_package_and_by_what_one_upgrade_removes() {
    let world = two_findings().await;
    world.advise("DSA-2-1", "CVE-2026-0003", "glass", Some("1.0-9"));
    world.import(&ImportOptions::default()).await;
    let browser = Browser::new(&world);
    let packages = browser.get("/findings?group=package").await;
    packages.says("glass Debian:12 1.0-1 2 1 2 2").says("stone Debian:12 2.0-1 1 1 1 0").says("1–2 of 2");
    assert!(packages.text.contains("href=\"/packages/pkg:deb%2Fdebian%2Fglass\""), "{}", packages.text);
    // The higher of two fixes removes both.
    let fixes = browser.get("/findings?group=fix").await;
    fixes.says("glass Debian:12 1.0-1 1.0-9 2 2 1").says("1–1 of 1").never_says("stone Debian:12");
    let file = browser.get("/findings?group=fix&format=csv").await;
    assert!(file.text.contains("glass,Debian:12,1.0-1,1.0-9,unknown,false,2,1,2,2"), "{}", file.text);
    let none = browser.get("/findings?group=fix&where=package+%3D+stone").await;
    none.says("Nothing to install").says("no version with a fix is known");
}

#[tokio::test]
async fn facets_tell_how_many_findings_each_value_leaves() {
    let world = two_findings().await;
    let page = Browser::new(&world).get("/findings").await;
    page.says("Standing fixable 1").says("not excepted 2").says("State affected 1 fix available 1");
    page.says("Kind of asset host 2").says("Ecosystem Debian:12 2").says("Assets by coverage");
    let narrow = Browser::new(&world).get("/findings?where=fixable").await;
    narrow.says("State fix available 1").never_says("affected 1");
}

#[tokio::test]
async fn chosen_rows_lead_to_an_exception_of_just_them() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let page = browser.get("/findings?where=kind+%3D+host").await;
    page.says("Except selected");
    let box_of = "name=\"row\" form=\"selection\" value=\"vulnerability = &#34;CVE-2026-0001&#34;\"";
    assert!(page.text.contains(box_of), "{}", page.text);
    let rows = "row=vulnerability+%3D+CVE-2026-0001&row=vulnerability+%3D+CVE-2026-0002";
    let answer = browser.get(&format!("/findings/except?where=kind+%3D+host&{rows}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.location,
        "/exceptions/new?where=kind%20%3D%20%22host%22%20and%20%28vulnerability%20%3D%20%22CVE-2026-0001%22%20or%20\
         vulnerability%20%3D%20%22CVE-2026-0002%22%29"
    );
    let broken = browser.get("/findings/except?row=nonsense+of").await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    let reader = Browser::with_rights(&world, &[Permission::FindingsRead]);
    reader
        .get("/findings")
        .await
        .never_says("Except all")
        .never_says("Except selected")
        .says("CVE-2026-0001");
    assert_eq!(reader.get("/findings/except").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_looks_back_to_a_past_day() {
    let world = two_findings().await;
    world.clock.advance(3 * DAY);
    world.install(&[("glass", "1.0-2")]);
    world.scan().await;
    let browser = Browser::new(&world);
    browser.get("/findings").await.says("Assessed and clean");
    let past = browser.get("/findings?as_of=2026-11-03").await;
    past.says("As it was known at 2026-11-03T00:00:00.000Z").says("1–2 of 2").says("CVE-2026-0002");
    past.never_says("Except selected");
    assert_eq!(browser.get("/findings?as_of=soon").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.get("/findings?as_of=2030-01-01").await.status, StatusCode::BAD_REQUEST);
}
