use axum::http::StatusCode;
use parapet_model::time::DAY;
use parapet_service::feeds::ImportOptions;

use crate::findings::two_findings;
use crate::visit::Browser;

#[tokio::test]
async fn what_opened_and_closed_is_told_with_its_cause() {
    // 2026-11-02: two findings.
    let world = two_findings().await;
    world.clock.advance(2 * DAY);
    // A fix is installed, a package is new, and a feed speaks of what was there all along.
    world.install(&[("glass", "1.0-2"), ("stone", "2.0-1"), ("wood", "3.0-1"), ("clay", "1")]);
    world.scan().await;
    world.advise("DSA-3-1", "CVE-2026-0003", "wood", None);
    world.advise("DSA-4-1", "CVE-2026-0004", "clay", None);
    world.import(&ImportOptions::default()).await;
    let browser = Browser::new(&world);
    let page = browser.get("/findings?from=2026-11-03").await;
    page.says("2 findings opened, 1 closed");
    page.says("CVE-2026-0003 feed 1 1 fixture").says("CVE-2026-0004 new package 1 1 fixture");
    page.says("CVE-2026-0001 another version installed 1 1 fixture").never_says("CVE-2026-0002");
    let narrow = browser.get("/findings?from=2026-11-03&where=package+%3D+wood").await;
    narrow.says("1 finding opened, 0 closed");
    let before = browser.get("/findings?from=2026-11-01&to=2026-11-03").await;
    before.says("2 findings opened, 0 closed").says("CVE-2026-0002 new asset 1 1 fixture");
    let file = browser.get("/findings?from=2026-11-03&format=csv").await;
    assert!(
        file.text.contains("closed,CVE-2026-0001,,unknown,another version installed,1,1"),
        "{}",
        file.text
    );
}

#[tokio::test]
async fn dates_that_cannot_be_meant_are_refused() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    for address in ["?from=2026-11-03&to=2026-11-01", "?to=2026-11-01", "?from=never", "?from=2030-01-01"] {
        let page = browser.get(&format!("/findings{address}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{address}");
    }
}
