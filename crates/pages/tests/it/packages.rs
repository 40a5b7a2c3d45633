use axum::http::StatusCode;
use parapet_service::feeds::ImportOptions;

use crate::findings::two_findings;
use crate::visit::Browser;

const GLASS: &str = "/packages/pkg:deb%2Fdebian%2Fglass";

#[tokio::test]
async fn a_package_is_shown_with_versions_places_and_advisories() {
    let world = two_findings().await;
    world.advise("DSA-7-1", "CVE-2026-0007", "glass", Some("0.5-1"));
    world.import(&ImportOptions::default()).await;
    let browser = Browser::new(&world);
    let page = browser.get(GLASS).await;
    page.says("glass pkg:deb/debian/glass").says("1 asset shows it, in 1 version.");
    page.says("1 finding comes from it").says("1.0-1 Debian:12 amd64 1");
    page.says("fixture host 1.0-1 Debian:12, since 2026-11-02 , dpkg var/lib/dpkg/status");
    page.says("Advisories that speak of it: 2; that apply to the version held against them: 1.");
    page.says("applies 1.0-1 Debian:12 : fix available >= 0, < 1.0-2 , fixed in 1.0-2");
    page.says("does not apply 1.0-1 Debian:12 : the version is outside the range >= 0, < 0.5-1");
}

#[tokio::test]
async fn versions_that_were_seen_stay_known() {
    let world = two_findings().await;
    world.install(&[("glass", "1.0-2")]);
    world.scan().await;
    let browser = Browser::new(&world);
    let page = browser.get(GLASS).await;
    page.says("1 asset shows it, in 1 version.").says("No advisory that applies is known");
    page.says("1.0-2 Debian:12 amd64 1").says("1.0-1 Debian:12 amd64 0");
    let one = browser.get("/packages/pkg:deb%2Fdebian%2Fglass@1.0-1").await;
    one.says("0 assets show it").says("No asset shows it now").never_says("1.0-2 Debian:12");
}

#[tokio::test]
async fn what_is_no_package_is_refused() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let status = async |address: &str| browser.get(address).await.status;
    assert_eq!(status("/packages/glass").await, StatusCode::BAD_REQUEST);
    assert_eq!(status("/packages/pkg:deb%2Fdebian%2Fnosuch").await, StatusCode::NOT_FOUND);
    assert_eq!(status("/packages/pkg:npm%2Fglass").await, StatusCode::NOT_FOUND);
    assert_eq!(status("/packages/pkg:deb%2Fdebian%2Fglass%3Fdistro=debian-11").await, StatusCode::NOT_FOUND);
    assert_eq!(status("/packages/pkg:deb%2Fdebian%2Fglass%3Fdistro=debian-12").await, StatusCode::OK);
}
