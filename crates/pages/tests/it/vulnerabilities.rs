use axum::http::StatusCode;
use parapet_model::Permission;
use parapet_model::time::DAY;
use parapet_service::feeds::ImportOptions;

use crate::findings::two_findings;
use crate::visit::Browser;

#[tokio::test]
async fn a_vulnerability_says_who_has_it_and_what_to_install() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let page = browser.get("/vulnerabilities/CVE-2026-0001").await;
    page.says("0 images , 0 containers (0 running) and 1 host have it");
    page.says("A fix can be installed on 1 of 1 asset; on 0 it is excepted");
    page.says("glass Debian:12 1.0-1 1.0-2 or newer fix available 1");
    page.says("fixture host glass 1.0-1").says("explain glass 1.0-1 on fixture").says("1–1 of 1");
    page.says("DSA-1-1 Source DSA, by feed").says("Of what is here fix available").says(">= 0, < 1.0-2");
    page.says("no score known").says("not listed by CISA");
    let open = browser.get("/vulnerabilities/CVE-2026-0002").await;
    open.says("stone Debian:12 2.0-1 no fix yet affected 1").says("A fix can be installed on 0 of 1 asset");
    let reader = Browser::with_rights(&world, &[Permission::FindingsRead]);
    reader.get("/vulnerabilities/CVE-2026-0001").await.says("glass").never_says("Except…");
}

#[tokio::test]
async fn an_alias_leads_to_the_one_address() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let answer = browser.get("/vulnerabilities/cve-2026-0001").await;
    assert_eq!(
        (answer.status, answer.location.as_str()),
        (StatusCode::SEE_OTHER, "/vulnerabilities/CVE-2026-0001")
    );
    assert_eq!(browser.get("/vulnerabilities/CVE-1999-0001").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_nobody_has_is_told_with_what_its_sources_say() {
    let world = two_findings().await;
    world.advise("DSA-9-1", "CVE-2026-0009", "nowhere", Some("4"));
    world.import(&ImportOptions::default()).await;
    let page = Browser::new(&world).get("/vulnerabilities/CVE-2026-0009").await;
    page.says("Nobody here has it")
        .says("DSA-9-1")
        .says("nowhere (Debian:12): >= 0, < 4")
        .never_says("Except…");
}

#[tokio::test]
async fn exposure_is_drawn_and_told_as_numbers() {
    let world = two_findings().await;
    world.clock.advance(2 * DAY);
    world.install(&[("glass", "1.0-2")]);
    world.scan().await;
    world.clock.advance(2 * DAY);
    let page = Browser::new(&world).get("/vulnerabilities/CVE-2026-0001").await;
    page.says("The first asset had it on 2026-11-02. None has it now.");
    page.says("Day Assets 2026-08-08 0 2026-11-02 1 2026-11-04 0 2026-11-06 0").says("Nobody here has it");
    assert!(page.text.contains("<polyline class=\"line\" points=\"48.0,"), "{}", page.text);
}
