use axum::http::StatusCode;
use parapet_model::time::DAY;

use crate::findings::two_findings;
use crate::visit::Browser;
use crate::world::World;

fn address(world: &World, vulnerability: &str, package: &str) -> String {
    let scope = world.who.scope();
    let snapshot = world.app.live().snapshot();
    let asset = snapshot.assets_with_package_named(&scope, "wood", None);
    let asset = asset.first().map(|asset| asset.uuid).unwrap_or_default();
    format!("/findings/explain?asset={asset}&vulnerability={vulnerability}&package={package}")
}

#[tokio::test]
async fn a_finding_is_explained_by_files_statements_and_time() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let page = browser.get(&address(&world, "CVE-2026-0001", "glass+1.0-1")).await;
    page.says("Why CVE-2026-0001 on fixture").says("open glass 1.0-1 (Debian:12): advisory");
    page.says("var/lib/dpkg/status").says("DSA-1-1 chosen").says(">= 0, < 1.0-2").says("Except it…");
    page.says("The asset shows the package (dpkg)").says("First found on the asset");
    world.clock.advance(DAY);
    world.install(&[("glass", "1.0-2"), ("wood", "3.0-1")]);
    world.scan().await;
    let page = browser.get(&address(&world, "CVE-2026-0001", "glass+1.0-2")).await;
    page.says("not open").never_says("Except it…");
}

#[tokio::test]
async fn a_finding_of_nothing_known_is_not_there() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    for (vulnerability, package) in [("CVE-1999-1", "glass"), ("CVE-2026-0001", "nosuch")] {
        let page = browser.get(&address(&world, vulnerability, package)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{vulnerability} {package}");
    }
}
