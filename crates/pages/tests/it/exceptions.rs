use axum::http::StatusCode;
use parapet_model::Permission as P;
use parapet_model::time::DAY;
use parapet_service::control_exceptions::ExceptionRules;
use parapet_service::feeds::ImportOptions;
use parapet_service::notices::NotifyOptions;

use crate::visit::Browser;
use crate::world::World;

/// A host with two findings, in a house where nobody approves what they asked for.
async fn four_eyes() -> World {
    let rules = ExceptionRules { four_eyes: true, ..ExceptionRules::default() };
    let world = World::with(rules, NotifyOptions::default()).await;
    found(&world).await;
    world
}

async fn found(world: &World) {
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.advise("DEBIAN-CVE-2026-0002", "CVE-2026-0002", "stone", None);
    world.scan().await;
    world.import(&ImportOptions::default()).await;
}

/// Asks for an exception of what can be fixed, 30 days long, and gives back the address of its page.
async fn asked(browser: &Browser, more: &[(&str, &str)]) -> String {
    let mut fields = vec![("act", "request")];
    let usual = [("title", "Glass is behind a wall"), ("where", "fixable"), ("until", "30")];
    fields.extend(usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name)));
    fields.extend(more);
    let answer = browser.post("/exceptions/new", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.words());
    answer.location.split('?').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_exception_is_previewed_approved_by_a_second_user_hides_and_ends_by_itself() {
    let world = four_eyes().await;
    let browser = Browser::new(&world);
    let second = Browser::named(&world, "second", P::ALL);

    // From the findings to the form, with the effect beforehand, by script and without.
    let findings = browser.get("/findings?where=fixable").await;
    assert!(findings.text.contains("href=\"/exceptions/new?where=fixable\""), "{}", findings.text);
    let form = browser.get("/exceptions/new?where=fixable").await;
    assert!(form.text.contains("data-load=\"/exceptions/new/effect?where=fixable\""), "{}", form.text);
    form.says("It hides nothing until somebody approves it").says("Ask for it");
    let effect = browser.get("/exceptions/new/effect?where=fixable").await;
    effect
        .says("It would hide 1 finding : 1 vulnerability on 1 asset; with a fix 1, known to be exploited 0.");
    let preview = browser
        .post("/exceptions/new", &[("act", "preview"), ("where", "fixable"), ("comment", "kept & <b>")])
        .await;
    assert_eq!(preview.status, StatusCode::OK);
    preview.says("It would hide 1 finding").says("kept & <b>");
    browser.get("/exceptions").await.says("Nothing is accepted");

    // Asked for: it waits and hides nothing, and who asked cannot approve it.
    let page = asked(&browser, &[]).await;
    let own = browser.get(&page).await;
    own.says("waiting").says("You asked for it, so somebody else has to approve it");
    assert!(!own.text.contains("value=\"approve\""), "{}", own.text);
    let refused = browser.post(&page, &[("act", "approve"), ("note", "by myself")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    refused.says("somebody else has to approve it").says("by myself");
    browser.get("/findings?where=excepted").await.says("findings 0").never_says("CVE-2026-0001");
    second.get("/exceptions").await.says("Waiting for a decision").says("Glass is behind a wall");

    // Approved by another: it hides.
    let theirs = second.get(&page).await;
    assert!(theirs.text.contains("value=\"approve\""), "{}", theirs.text);
    let approved = second.post(&page, &[("act", "approve"), ("note", "agreed in the meeting")]).await;
    assert_eq!(approved.location, format!("{page}?done=approved"));
    let now = browser.get(&format!("{page}?count=1&done=approved")).await;
    now.says("Approved.").says("in force").says("It alone hides 1 finding");
    now.says("second approved agreed in the meeting").says("local asked for it");
    let id = page.rsplit('/').next().unwrap();
    let hidden = format!("/findings?where=exception%20%3D%20%22{id}%22");
    assert!(now.text.contains(&hidden), "{}", now.text);
    browser.get(&hidden).await.says("CVE-2026-0001").never_says("CVE-2026-0002");
    browser.get("/findings?where=not+excepted").await.never_says("CVE-2026-0001").says("CVE-2026-0002");

    // 30 days later it has ended by itself.
    world.clock.advance(30 * DAY);
    browser.get("/findings?where=not+excepted").await.says("CVE-2026-0001");
    browser.get(&page).await.says("expired").says("It hides nothing");
    browser.get("/exceptions?state=expired").await.says("Glass is behind a wall");
    browser.get("/exceptions?state=holds").await.says("No exception stands so");
}

#[tokio::test]
async fn mistakes_stand_beside_their_fields_and_what_was_typed_is_kept() {
    let world = four_eyes().await;
    let browser = Browser::new(&world);
    let fields = [
        ("act", "request"),
        ("comment", "because"),
        ("where", "fixable and awful"),
        ("start", "2020-01-01"),
        ("until", "date"),
        ("end", "soon"),
    ];
    let page = browser.post("/exceptions/new", &fields).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says("Give it a title").says("^ no field").says("This day has passed").says("Write the last day as");
    page.says("because");
    assert!(page.text.contains("value=\"fixable and awful\""), "{}", page.text);
    for (fields, says) in [
        ([("where", ""), ("scope", "question")], "nothing at all would hide everything"),
        ([("where", "not excepted"), ("scope", "question")], "cannot depend on exceptions"),
        ([("assets", "nosuch"), ("scope", "assets")], "There is no asset “nosuch”"),
        ([("assets", ""), ("scope", "assets")], "Name at least one asset"),
        ([("where", "package = nosuch"), ("kind", "static")], "the filter holds none"),
    ] {
        let fields = [&[("act", "request"), ("title", "t")][..], &fields[..]].concat();
        let page = browser.post("/exceptions/new", &fields).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{says}");
        page.says(says);
    }
    browser.get("/exceptions/new/effect?where=fixable+and+awful").await.says("cannot be read yet");
    browser.get("/exceptions").await.says("Nothing is accepted");
}

#[tokio::test]
async fn chosen_assets_and_vulnerabilities_are_excepted_alone() {
    let world = four_eyes().await;
    let browser = Browser::new(&world);
    let scope = [("scope", "assets"), ("assets", "fixture"), ("vulnerabilities", "CVE-2026-0002")];
    let page = asked(&browser, &[&scope[..], &[("until", "never"), ("title", "Stone")]].concat()).await;
    let shown = browser.get(&format!("{page}?count=1")).await;
    shown.says("CVE-2026-0002 on fixture.").says("would hide 1 finding").says("no end");
    Browser::named(&world, "second", P::ALL).post(&page, &[("act", "approve")]).await;
    browser.get("/findings?where=excepted").await.says("CVE-2026-0002").never_says("CVE-2026-0001");
}

#[tokio::test]
async fn the_list_counts_filters_and_names_the_unused_and_the_shadowed() {
    let world = World::new().await;
    found(&world).await;
    let browser = Browser::new(&world);
    asked(&browser, &[("title", "All of it"), ("where", "kind = host")]).await;
    asked(&browser, &[("title", "Part of it")]).await;
    asked(&browser, &[("title", "Gone"), ("where", "package = nosuch")]).await;
    asked(&browser, &[("title", "Later"), ("start", "2026-11-20")]).await;
    let list = browser.get("/exceptions").await;
    list.says("in force 3").says("planned 1").says("1–4 of 4").says("… local");
    assert!(
        list.text.contains("data-load=\"/exceptions?at="),
        "what takes longer comes later: {}",
        list.text
    );
    let counted = browser.get("/exceptions?count=1").await;
    counted.says("Part of it All vulnerabilities where it is fixable 1").says("all hidden by others");
    let idle = browser.get("/exceptions/idle").await;
    idle.says("Unused: 1 covers nothing").says("Shadowed: all that 1 covers").never_says("All of it");
    idle.says("Gone").says("Part of it");
    browser.get("/exceptions?state=planned").await.says("Later").says("1–1 of 1").never_says("Part of it");
    let csv = browser.ask("/exceptions?state=holds", &[("Accept", "text/csv")]).await;
    assert_eq!(csv.text.lines().count(), 4, "{}", csv.text);
    assert!(csv.text.contains(",Part of it,in force,,dynamic,fixable,"), "{}", csv.text);
    assert!(csv.text.contains(",1,0\r\n") || csv.text.contains(",1,0\n"), "{}", csv.text);
    // Back costs nothing until something changes.
    let tag = counted.tag;
    let again = browser.ask("/exceptions?count=1", &[("If-None-Match", &tag)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    world.clock.advance(DAY);
    let next_day = browser.ask("/exceptions?count=1", &[("If-None-Match", &tag)]).await;
    assert_eq!(next_day.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_of_the_list_has_fifty_rows() {
    let world = four_eyes().await;
    let browser = Browser::new(&world);
    for _ in 0..51 {
        asked(&browser, &[]).await;
    }
    let first = browser.get("/exceptions").await;
    first.says("1–50 of 51").says("All 51 that wait").says("Next");
    assert!(first.text.len() < 60_000, "{} bytes", first.text.len());
    browser.get("/exceptions?offset=50").await.says("51–51 of 51").says("Previous");
}

#[tokio::test]
async fn the_calendar_shows_starts_and_last_days() {
    let world = World::new().await;
    found(&world).await;
    let browser = Browser::new(&world);
    asked(&browser, &[("title", "Short"), ("until", "date"), ("end", "2026-12-24")]).await;
    let november = browser.get("/exceptions?view=calendar").await;
    november.says("November 2026").says("Monday 2 today starts: Short").never_says("last day: Short");
    assert!(november.text.contains("class=\"calendar from-7\""), "{}", november.text);
    let december = browser.get("/exceptions?view=calendar&month=2026-12").await;
    december.says("Thursday 24 last day: Short").says("Next month");
    browser.get("/exceptions?view=calendar&month=2027-03").await.says("Nothing starts or ends");
    browser.get("/exceptions?view=calendar&month=nonsense").await.says("November 2026");
}

#[tokio::test]
async fn an_end_is_moved_with_a_note_and_one_that_expired_holds_again() {
    let world = World::new().await;
    found(&world).await;
    let browser = Browser::new(&world);
    let page = asked(&browser, &[]).await;
    let early = browser.post(&page, &[("act", "move"), ("end", "2026-10-01"), ("note", "x")]).await;
    assert_eq!(early.status, StatusCode::BAD_REQUEST);
    early.says("The last day has passed");
    assert!(early.text.contains("value=\"2026-10-01\""), "{}", early.text);
    world.clock.advance(60 * DAY);
    browser.get(&page).await.says("expired");
    let moved =
        browser.post(&page, &[("act", "move"), ("end", "2027-01-31"), ("note", "one month more")]).await;
    assert_eq!(moved.location, format!("{page}?done=changed"));
    let page_now = browser.get(&page).await;
    page_now
        .says("in force")
        .says("moved the end one month more")
        .says("last day: 2026-12-01 became 2027-01-31");
    browser.get("/findings?where=excepted").await.says("CVE-2026-0001");
    let ended = browser.post(&page, &[("act", "end"), ("note", "fixed")]).await;
    assert_eq!(ended.location, format!("{page}?done=ended"));
    browser.get(&page).await.says("ended").never_says("Another end").never_says("Decide");
    browser.get("/findings?where=excepted").await.never_says("CVE-2026-0001");
}

#[tokio::test]
async fn under_four_eyes_nobody_gives_their_own_exception_more_time() {
    let world = four_eyes().await;
    let browser = Browser::new(&world);
    let page = asked(&browser, &[]).await;
    Browser::named(&world, "second", P::ALL).post(&page, &[("act", "approve")]).await;
    let longer = browser.post(&page, &[("act", "move"), ("end", "2027-06-01")]).await;
    assert_eq!(longer.status, StatusCode::CONFLICT);
    longer.says("somebody else has to give it more time");
    let shorter = browser.post(&page, &[("act", "move"), ("end", "2026-11-05")]).await;
    assert_eq!(shorter.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_page_shows_no_control_that_is_not_the_visitors() {
    let world = four_eyes().await;
    let page = asked(&Browser::new(&world), &[]).await;
    let reader = Browser::named(&world, "reader", &[P::FindingsRead, P::ExceptionsRead]);
    reader.get("/exceptions").await.never_says("New exception").never_says("Look and decide");
    let theirs = reader.get(&page).await;
    theirs.says("waiting").never_says("Decide").never_says("Another end");
    assert!(!theirs.text.contains("<form class=\"form\""), "{}", theirs.text);
    assert_eq!(reader.get("/exceptions/new").await.status, StatusCode::NOT_FOUND);
    let asker = Browser::named(&world, "asker", &[P::FindingsRead, P::ExceptionsRead, P::ExceptionsRequest]);
    asker.get(&page).await.never_says("Decide");
    let own = asked(&asker, &[]).await;
    let theirs = asker.get(&own).await;
    theirs.says("Withdraw");
    assert!(!theirs.text.contains("value=\"approve\""), "{}", theirs.text);
    let forbidden = asker.post(&own, &[("act", "approve")]).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    assert_eq!(asker.post(&own, &[("act", "end")]).await.status, StatusCode::SEE_OTHER);
    for nowhere in ["/exceptions/nonsense", "/exceptions/00000000-0000-4000-8000-000000000000"] {
        assert_eq!(reader.get(nowhere).await.status, StatusCode::NOT_FOUND);
    }
}
