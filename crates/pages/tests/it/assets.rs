use axum::http::StatusCode;
use parapet_model::Permission as P;
use parapet_service::feeds::ImportOptions;
use parapet_service::generate::{Shape, Wishes};

use crate::findings::two_findings;
use crate::links::{follow, href};
use crate::visit::{Answer, Browser};
use crate::world::World;

/// Images in repositories, containers of some, hosts.
pub(crate) async fn estate() -> World {
    let world = World::new().await;
    world.app.feeds().import_starter(&world.who).await.unwrap();
    let wishes = Wishes {
        images: 60,
        containers: 20,
        hosts: 4,
        packages_per_image: 30,
        seed: 7,
        shape: Shape::Layered,
        history: None,
    };
    world.app.generate(&world.who, &wishes, &|_| ()).await.unwrap();
    world.app.live().catch_up().await.unwrap();
    world
}

/// Rows of a CSV without its header.
fn rows(list: &Answer) -> Vec<&str> {
    list.text.lines().skip(1).collect()
}

#[tokio::test]
async fn images_are_found_by_repository_tag_and_digest() {
    let world = estate().await;
    let browser = Browser::new(&world);
    let page = browser.get("/assets").await;
    page.says("images 60").says("containers 20").says("hosts 4");
    let repositories = browser.get("/assets?format=csv").await;
    let images: usize =
        rows(&repositories).iter().map(|row| row.split(',').nth(2).unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(images, 60, "{}", repositories.text);

    let name = rows(&repositories)[0].split(',').next().unwrap();
    let tags = follow(&browser, &page, name).await;
    let reference = tags.words();
    assert!(reference.contains(&format!("{name}:")), "{reference}");
    let digests = follow(&browser, &tags, "digests").await;
    let expected: usize = rows(&repositories)[0].split(',').nth(2).unwrap().parse().unwrap();
    digests.says(&format!("1–{} of {expected}", expected.min(25)));
    let all = browser.get("/assets?by=image&format=csv").await;
    assert_eq!(rows(&all).len(), 60);
}

#[tokio::test]
async fn a_severity_leads_to_just_these_findings() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let hosts = browser.get("/assets?kind=host").await;
    hosts.says("fixture").says("2 unknown");
    let findings = follow(&browser, &hosts, "2 unknown").await;
    findings.says("1–2 of 2").says("CVE-2026-0001").says("CVE-2026-0002");
}

#[tokio::test]
async fn what_is_not_judged_is_said_with_its_reason_and_can_be_asked_for() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    browser.get("/assets").await.says("Nothing is scanned yet").says("Add a registry");
    Browser::with_rights(&world, &[P::FindingsRead]).get("/assets").await.never_says("Add a registry");
    world.scan().await;
    let page = browser.get("/assets?kind=host").await;
    page.says("no feed").says("3 packages of Debian:12: no feed");
    let asked = follow(&browser, &page, "no feed 1").await;
    asked.says("fixture").says("coverage = \"no-feed\"");
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.import(&ImportOptions::default()).await;
    let again = browser.get(&href(&page, "no feed 1")).await;
    again.never_says("fixture").says("This term finds nothing by itself");
    browser.get("/assets?kind=host").await.says("fixture").says("assessed");
}

#[tokio::test]
async fn a_question_narrows_every_tab_and_a_mistake_keeps_the_last_rows() {
    let world = estate().await;
    let browser = Browser::new(&world);
    let page = browser.get("/assets?where=container_state+%3D+RUNNING&kind=container").await;
    page.says("images 0").says("hosts 0");
    let wrong = browser.get("/assets?kind=host&where=kind+%3D&good=kind+%3D+host").await;
    assert_eq!(wrong.status, StatusCode::OK);
    wrong.says("hosts 4").says("images 0").says("Below is what the last question found");
    let good = browser.get("/assets?kind=host&where=kind+%3D+host&good=").await;
    assert_eq!(good.location, "/assets?where=kind%20%3D%20%22host%22&kind=host");
}

#[tokio::test]
async fn back_costs_nothing_and_pages_stay_in_their_state() {
    let world = estate().await;
    let browser = Browser::new(&world);
    let first = browser.get("/assets?by=image").await;
    let again = browser.ask("/assets?by=image", &[("If-None-Match", &first.tag)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let next = href(&first, "Next");
    world.scan().await;
    browser.get(&next).await.says("26–50 of 60").says("since .");
}

#[tokio::test]
async fn pages_of_a_full_estate_stay_small() {
    let world = estate().await;
    for number in 0..80 {
        world.advise(&format!("DSA-{number}-1"), &format!("CVE-2026-1{number:03}"), "glass", Some("1.0-2"));
    }
    world.scan().await;
    world.import(&ImportOptions::default()).await;
    let browser = Browser::new(&world);
    let host = href(&browser.get("/assets?kind=host&where=asset+%3D+fixture").await, "fixture");
    for address in
        ["/", "/?part=worst", "/assets", "/assets?by=tag", "/assets?by=image", "/exports/new", &host]
    {
        let page = browser.get(address).await;
        assert!(page.text.len() < 60_000, "{address}: {} bytes", page.text.len());
    }
}
