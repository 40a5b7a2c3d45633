use axum::http::StatusCode;
use parapet_model::exception::{Asked, TargetKind};
use parapet_model::sensor::Registration;
use parapet_model::time::DAY;
use parapet_model::{Filter, Permission as P};
use parapet_service::VISIT_ENDS;
use parapet_service::exceptions::NewException;
use parapet_service::feeds::ImportOptions;

use crate::findings::two_findings;
use crate::links::follow;
use crate::visit::{Answer, Browser};
use crate::world::World;

const HOUR: i64 = 60 * 60 * 1000;

/// Looks at the first page, and waits until that is written down beside it.
async fn look(world: &World, browser: &Browser) -> Answer {
    let page = browser.get("/").await;
    let (accounts, now) = (world.app.accounts(), world.app.now());
    loop {
        let mut session = world.app.store().read().await.unwrap();
        let visit = session.visit(world.who.user, world.who.project).await.unwrap();
        if visit.is_some_and(|visit| visit.seen + 60_000 > now) {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(accounts.visit(&world.who).await.unwrap().is_some());
    page
}

async fn changes(browser: &Browser, page: &Answer) -> Answer {
    follow(browser, page, "Show what opened and closed").await
}

pub(crate) fn exception(title: &str, of: &str, days: i64, now: i64) -> NewException {
    NewException {
        title: title.to_owned(),
        reason: "risk_accepted".to_owned(),
        comment: String::new(),
        kind: TargetKind::Dynamic,
        filter: Some(Filter::parse(of).unwrap()),
        assets: Vec::new(),
        vulnerabilities: Vec::new(),
        asked: Asked::default(),
        start: None,
        end: Some(now + days * DAY),
    }
}

#[tokio::test]
async fn every_visit_shows_what_changed_since_the_last_one_and_why() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let first = look(&world, &browser).await;
    first.says("your first visit: the last 7 days");
    changes(&browser, &first).await.says("2 an image, container or host came");

    world.clock.advance(HOUR / 2);
    world.advise("DSA-3-1", "CVE-2026-0003", "wood", None);
    world.import(&ImportOptions::default()).await;
    world.clock.advance(60_000);
    look(&world, &browser).await.says("your first visit");

    world.clock.advance(VISIT_ENDS + HOUR);
    world.advise("DSA-4-1", "CVE-2026-0004", "wood", None);
    world.import(&ImportOptions::default()).await;
    world.clock.advance(60_000);
    let second = look(&world, &browser).await;
    second.says("since your last visit, 2026-11-02T00:30Z");
    let opened = changes(&browser, &second).await;
    opened.says("1 a feed says more of what was there").never_says("came").never_says("Closed");
    let rows = follow(&browser, &opened, "1").await;
    rows.says("CVE-2026-0004").says("fixture").never_says("CVE-2026-0003").says("1–1 of 1");

    world.clock.advance(VISIT_ENDS + HOUR);
    world.install(&[("glass", "1.0-2"), ("stone", "2.0-1"), ("wood", "3.0-1"), ("paper", "1.0-1")]);
    world.scan().await;
    world.withdraw("DSA-4-1");
    world.import(&ImportOptions::default()).await;
    let third = changes(&browser, &look(&world, &browser).await).await;
    third.says("1 a fix was installed").says("1 a feed says it no longer").never_says("opened Closed");
    let csv = browser.get("/changes?since=2026-11-02T01:00:00Z&way=closed&cause=package&format=csv").await;
    assert!(csv.text.contains("closed,package,unknown,CVE-2026-0001,"), "{}", csv.text);

    // Another period is asked for by its address.
    let week = follow(&browser, &third, "7 days").await;
    week.says("the last 7 days, since 2026-10-26");
}

#[tokio::test]
async fn decisions_and_ends_are_told_to_those_who_may() {
    let world = two_findings().await;
    let now = world.app.now();
    let asker = parapet_model::Principal {
        permissions: [P::FindingsRead, P::ExceptionsRead, P::ExceptionsRequest].into(),
        ..world.who.clone()
    };
    let exceptions = world.app.exceptions();
    exceptions.create(&asker, &exception("Waits", "kev", 30, now)).await.unwrap();
    exceptions.create(&world.who, &exception("Ends soon", "fixable", 10, now)).await.unwrap();
    exceptions.create(&world.who, &exception("Ends late", "package = wood", 20, now)).await.unwrap();
    // Facts are recorded a little later than the clock of a test, which stands still.
    world.clock.advance(1000);
    let browser = Browser::new(&world);
    let page = browser.get("/").await;
    page.says("1 exception waits for a decision")
        .says("Ends soon , 2026-11-12T00:00Z")
        .never_says("Ends late");
    follow(&browser, &page, "Show exceptions of controls").await.says("No exception of a control waits");
    let reader = Browser::with_rights(&world, &[P::FindingsRead, P::ExceptionsRead]);
    reader.get("/").await.says("Ends soon").never_says("wait for a decision");
    let reader = Browser::with_rights(&world, &[P::FindingsRead]);
    reader.get("/").await.never_says("Ends soon").never_says("Decide");

    world.clock.advance(11 * DAY);
    world.app.live().catch_up().await.unwrap();
    let since = "/?since=2026-11-05";
    let ended = changes(&browser, &browser.get(since).await).await;
    ended
        .says("Ends soon , 2026-11-12T00:00Z : 1 finding shows again")
        .never_says("Ends late , 2026-11-22T00:00Z :");
    changes(&reader, &reader.get(since).await).await.never_says("Ends soon");
}

#[tokio::test]
async fn what_may_be_worse_than_it_looks_leads_to_its_rows() {
    let world = World::new().await;
    let empty = Browser::new(&world).get("/?part=worst").await;
    empty.says("Nothing is scanned yet").says("Add a registry").never_says("Everything is assessed");
    world.scan().await;
    let browser = Browser::new(&world);
    let page = browser.get("/").await;
    page.says("1 host is not wholly assessed").says("1 no feed");
    follow(&browser, &page, "1").await.says("fixture").says("1–1 of 1");

    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.import(&ImportOptions::default()).await;
    browser.get("/").await.says("Everything is assessed");
    let sensor =
        Registration { identity: "5".repeat(32), hostname: "quiet".to_owned(), ..Registration::default() };
    world.app.sensors().register(&world.who, sensor).await.unwrap();
    browser.get("/").await.says("Everything is assessed");
    world.clock.advance(DAY);
    browser.get("/").await.says("1 sensor is silent quiet");
    world.clock.advance(40 * DAY);
    // The follower of the log would notice by itself.
    world.write("other/etc/hostname", "x");
    world.scan().await;
    browser.get("/").await.says("1 ecosystem is judged by a stale feed Debian:12");
}

#[tokio::test]
async fn the_worst_come_by_themselves_and_count_what_their_links_show() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let page = follow(&browser, &browser.get("/").await, "Show the vulnerabilities to fix first").await;
    page.says("CVE-2026-0001").says("CVE-2026-0002");
    follow(&browser, &page, "1").await.says("fixture").says("1–1 of 1");
    let now = world.app.now();
    world.app.exceptions().create(&world.who, &exception("Known", "fixable", 10, now)).await.unwrap();
    world.clock.advance(1000);
    let page = browser.get("/?part=worst").await;
    page.says("CVE-2026-0002").never_says("CVE-2026-0001");
}

#[tokio::test]
async fn who_may_see_nothing_is_told_so_and_back_costs_nothing() {
    let world = two_findings().await;
    let sensor = Browser::with_rights(&world, &[P::SensorReport]);
    sensor.get("/").await.says("Nothing to show").never_says("ten worst").never_says("Changed");
    assert_eq!(sensor.get("/?part=changes").await.status, StatusCode::OK);
    let browser = Browser::new(&world);
    let page = browser.get("/?since=2026-11-01").await;
    let again = browser.ask("/?since=2026-11-01", &[("If-None-Match", &page.tag)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let week = browser.get("/?since=week").await;
    world.clock.advance(20_000);
    let again = browser.ask("/?since=week", &[("If-None-Match", &week.tag)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED, "within the minute");
    let other = browser.ask("/?since=2026-10-01", &[("If-None-Match", &page.tag)]).await;
    assert_eq!(other.status, StatusCode::OK);
    assert_eq!(browser.get("/changes?since=never").await.status, StatusCode::BAD_REQUEST);
}
